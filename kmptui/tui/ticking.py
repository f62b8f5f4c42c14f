"""The screen's clock: while the program is open and its vault too, what is due is done in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from kmptui.errors import KmptuiError, VaultLocked

if TYPE_CHECKING:
    from kmptui.services.runs import RunReport
    from kmptui.services.workspace import Workspace

SECONDS = 60.0
"""Between two looks at whether something is due."""


class Ticking:
    """`say` is told in one line what a run did, `trouble` what kept one from its end."""

    def __init__(self, workspace: Workspace, say: Callable[[str], None], trouble: Callable[[str], None]) -> None:
        self._workspace = workspace
        self._say = say
        self._trouble = trouble

    async def run(self) -> None:
        """For ever; a run belongs to the workspace, and ends in order when this is cancelled."""
        while True:
            await asyncio.sleep(SECONDS)
            await self.tick()

    async def tick(self) -> RunReport | None:
        """Do what is due, if something is; None where nothing was done. A locked vault asks nobody: it waits."""
        workspace = self._workspace
        try:
            due = await workspace.schedule.next_due()
            if due is None or due > workspace.clock.now() or (await workspace.vault.status()).state != "open":
                return None
            report = await workspace.schedule.run_due(unit="the screen")
        except VaultLocked:
            return None
        except KmptuiError as error:
            self._trouble(f"What is due was not done: {error}")
            return None
        if report.outcome != "held":
            self._say(f"By schedule: {report.words}")
        return report
