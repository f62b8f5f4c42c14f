"""Commands of the program on a machine that is not as it should be, each in a forked process of its own.

`python -m tests.reliability.commands` reads lines from standard input, each a JSON object with the members of
`Conditions` and `words`, and answers each with a JSON line (code, out, err). The program is loaded once: a command
takes what it does, and not its imports.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import traceback
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[2]
PATIENCE = 120


@dataclass(frozen=True)
class Conditions:
    """What is odd about the machine: the environment, days that the clock is off, seconds that a lock is waited for,
    the most bytes a file may have, whether root is held to permissions as others are, another uid, the folder that the
    command runs in, and a file that stands for /proc/self/mountinfo."""

    environment: dict[str, str] = field(default_factory=dict)
    days: float = 0
    busy: float = 0.3
    largest: int | None = None
    plain: bool = False
    uid: int | None = None
    folder: str = ""
    mounts: str = ""


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


class Commands:
    """Runs them while the block lasts."""

    def __enter__(self) -> Self:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.commands"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.communicate()

    def run(self, home: Path | None, *words: object, conditions: Conditions | None = None) -> Ended:
        """One command on a home."""
        given = asdict(conditions or Conditions()) | {"words": list(map(str, words))}
        if home is not None:
            given["environment"] = {"KMPTUI_HOME": str(home), **given["environment"]}
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(given) + "\n")
        self._server.stdin.flush()
        return Ended(**json.loads(self._server.stdout.readline()))


def arrange(given: dict[str, Any]) -> None:
    """Make the machine as odd as it was asked to be."""
    from kmptui.domain.clock import SystemClock
    from kmptui.store import home
    from kmptui.store.database import Store

    kept = {name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV") if name in os.environ}
    os.environ.clear()
    os.environ.update(kept | {"TERM": "xterm-256color"} | given["environment"])
    if given["folder"]:
        os.chdir(given["folder"])
    Store.open.__func__.__kwdefaults__["busy_seconds"] = given["busy"]  # type: ignore[attr-defined]
    if given["mounts"]:
        assert home.prepare.__kwdefaults__ is not None
        home.prepare.__kwdefaults__["mounts"] = Path(given["mounts"])
    if given["days"]:
        off = timedelta(days=given["days"])
        SystemClock.now = lambda _: datetime.now(UTC) + off  # type: ignore[method-assign]
    if given["largest"] is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then a write beyond the limit is an error of its own
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (given["largest"], most))
    if given["uid"] is not None:
        os.setgroups([])
        os.setgid(given["uid"])
        os.setuid(given["uid"])
    elif given["plain"] and os.geteuid() == 0:
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)
        if ctypes.CDLL(None).capset(header, (ctypes.c_uint32 * 6)()) != 0:
            raise RuntimeError("root cannot drop its capabilities here")


def ended(given: dict[str, Any]) -> Ended:
    """Run the command as its entry point does; what would be a traceback is part of standard error."""
    from kmptui.cli.main import main

    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    code = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            arrange(given)
            sys.argv = ["kmptui", *given["words"]]
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:  # noqa: BLE001 - what must not come is told
            code = -1
            traceback.print_exc(file=err)
    return Ended(code, *(stream.buffer.getvalue().decode("utf-8", "replace") for stream in (out, err)))  # type: ignore[attr-defined]


def main() -> None:
    import kmptui.cli.doctor
    import kmptui.cli.orders
    import kmptui.cli.sync  # noqa: F401 - loaded once, before the forks
    from kmptui.services import diagnosis, importing, ordering, workspace  # noqa: F401 - likewise

    sys.stdin.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    for line in sys.stdin:
        with tempfile.TemporaryFile() as told:
            child = os.fork()
            if not child:
                signal.alarm(PATIENCE)
                answer = json.dumps(asdict(ended(json.loads(line)))).encode()
                _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
                resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
                os.write(told.fileno(), answer)
                os._exit(0)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            told.seek(0)
            text = told.read().decode()
        sys.stdout.write((text or json.dumps(asdict(Ended(-1, "", f"the process ended with {status}")))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
