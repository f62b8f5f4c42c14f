"""The app on made-up data in a process of its own: `python -m tests.tui.stand_alone HOME`. Ends like the real one does:
the app first, then the workspace, whose end leaves a mark in the home."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from kmptui.cli.ending import heard
from kmptui.tui.app import KmptuiApp
from tests.tui.fakes import FakeLists, FakeWorkspace


class BreakingApp(KmptuiApp):
    """Raises in a message handler, with a secret in a local variable."""

    def on_running_changed(self) -> None:
        password = "hunter2-secret"
        raise ZeroDivisionError(password)


async def main(home: Path) -> int:
    workspace: Any = FakeWorkspace(home, lists=FakeLists(500))
    app = (BreakingApp if os.environ.get("KMPTUI_BREAK") else KmptuiApp)(workspace)
    if os.environ.get("KMPTUI_BREAK"):
        asyncio.get_running_loop().call_later(1.0, workspace.run)
    with heard(app.signalled):
        await app.run_async(mouse=False)
        if os.environ.get("KMPTUI_TWICE"):  # as a terminal that closes does
            os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.to_thread((home / "closed").write_text, str(app.return_code))
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]))))
