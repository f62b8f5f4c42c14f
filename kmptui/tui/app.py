"""The app: the frame around the tabs, what the frame tells, and how it all ends."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import signal
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.screen import Screen

from kmptui.domain.listing import Topic
from kmptui.errors import KmptuiError
from kmptui.services.reporting import Changed
from kmptui.tui import present, workers
from kmptui.tui.commands.app_commands import APP_COMMANDS
from kmptui.tui.commands.command import Command, Commanded, Mode
from kmptui.tui.commands.ways import Ways
from kmptui.tui.keymap import keymap
from kmptui.tui.messages import AccountChanged, RunningChanged, ShowList, ShowTab, StartDemo, StoreChanged
from kmptui.tui.problems import Place, problem_of
from kmptui.tui.styles.themes import THEMES
from kmptui.tui.tabs.home_screen import HomeScreen
from kmptui.tui.terminal import too_small
from kmptui.tui.ticking import Ticking
from kmptui.tui.typing_order import OneKeyAtATime
from kmptui.tui.widgets.frame import Framed, FrameFacts

if TYPE_CHECKING:
    from kmptui.services.workspace import Workspace

POLL_SECONDS = 1.0
"""How often one looks whether another process changed the store."""


@dataclasses.dataclass(frozen=True, slots=True)
class Logged:
    """One line of the command log: when, what was done, and the command line that does the same."""

    at: str
    words: str
    line: str


class KmptuiApp(Commanded, OneKeyAtATime, inherit_bindings=False):
    """Ends with None, or with "demo" when the user wants to look around in one. `return_code` is 1 after a bug, 128 and
    the signal's number after one.

    The workspace is the caller's: it is opened before the app runs and closed after it, in the same loop.
    """

    TITLE = "kmptui"
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = ""
    OFFERS = APP_COMMANDS
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "tell_how_to_quit", show=False)]
    CSS = """
    * { scrollbar-size-vertical: 1; }
    Toast { display: none; }
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self.workspace = workspace
        self.ways = Ways(self, workspace)
        self.frame = FrameFacts(read_only=workspace.settings.read_only)
        self.log_of_commands: deque[Logged] = deque(maxlen=200)
        self.last_problem: KmptuiError | None = None
        self.animation_level = "none"
        self._home = HomeScreen(workspace, self.ways)
        self._ends: list[Callable[[], None]] = []

    # -- the life of the app

    def get_default_screen(self) -> Screen[Any]:
        return self._home

    async def run_async(self, **options: Any) -> str | None:
        self.touched = asyncio.get_running_loop().time()
        return await super().run_async(**options)

    def on_mount(self) -> None:
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = THEMES[self.workspace.settings.theme].name
        good, problems = keymap(self.workspace.settings.keys, self._binding_ids())
        self.set_keymap(good)
        if problems:
            self.tell(problem="; ".join(problems))
        self._ends = [
            self.workspace.subscribe(self._store_changed),
            self.workspace.watch_running(self._running_changed),
        ]
        workers.start(self, self.read_frame, name="frame")
        workers.start(self, self._follow_other_processes, name="poll")
        workers.start(self, Ticking(self.workspace, self.say, self._not_done).run, name="schedule", group="poll")

    def on_unmount(self) -> None:
        for end in self._ends:
            end()

    def signalled(self, number: signal.Signals) -> None:
        """The terminal is closing, or somebody ends the process: leave in order."""
        self.exit(return_code=128 + number)

    def _fatal_error(self) -> None:
        """What escaped every wrapper: end, saying so without any value that a variable held."""
        error = self._exception
        if error is not None:
            workers.log(error, "the app")
        kind = type(error).__name__ if error is not None else "unknown"
        self._exit_renderables.append(
            f"kmptui ended because of a fault of its own ({kind}). What was sent to SCM is being kept track of; "
            f"{self.workspace.paths.log} says where it happened."
        )
        self._close_messages_no_wait()

    def _binding_ids(self) -> set[str]:
        from kmptui.tui.commands.known import known_ids

        return known_ids()

    # -- what the frame tells

    async def read_frame(self) -> None:
        """Account, age of the data and unconfirmed orders, from the store."""
        account = await self.workspace.account.view()
        now = self.workspace.clock.now()
        synced = [age for topic in (Topic.ORDERS, Topic.DOMAINS) if (age := await self.workspace.mirror.age(topic))]
        words = f"{account.customer_uri} ({account.login})" if account else "not linked"
        fresh = f"synced {present.clock(min(synced), now)} {present.zone()}" if synced else ""
        self.tell(
            account=words,
            linked=account is not None,
            fresh=fresh,
            demo=account is not None and account.kind == "sandbox",
            read_only=self.workspace.settings.read_only or bool(account and account.read_only),
            unconfirmed=len(await self.workspace.ordering.unconfirmed()),
        )

    def tell(self, **facts: Any) -> None:
        """Change what the frame tells; it is drawn where it is seen, if it differs."""
        fresh = dataclasses.replace(self.frame, **facts)
        if fresh != self.frame:
            self.frame = fresh
            for screen in self.screen_stack:
                if isinstance(screen, Framed) and screen.is_mounted:
                    screen.draw_frame()

    @property
    def can_stop(self) -> bool:
        """Whether the work that the status line shows can be stopped."""
        running = self.workspace.running
        return bool(running) and running[-1].stoppable

    def say(self, words: str) -> None:
        """One line of good or plain news in the status line."""
        self.tell(said=words)

    def _not_done(self, words: str) -> None:
        self.tell(problem=words)

    async def _follow_other_processes(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self.workspace.poll_changes()
                await self._lock_when_idle()
            except KmptuiError as error:
                self.show_problem(error)

    async def _lock_when_idle(self) -> None:
        """Lock the vault after the set idle time, where a passphrase can open it again and no work needs it."""
        minutes = self.workspace.settings.lock_after_minutes
        idle = asyncio.get_running_loop().time() - self.touched
        if not minutes or idle < minutes * 60 or self.workspace.running:
            return
        self.touched += idle
        status = await self.workspace.vault.status()
        if status.state == "open" and "passphrase" in status.slots:
            await self.workspace.vault.lock()
            self.say(f"The vault was locked after {minutes} idle minutes")

    def _store_changed(self, change: Changed) -> None:
        for screen in self.screen_stack:
            screen.post_message(StoreChanged(change.topic))
        self.post_message(StoreChanged(change.topic))

    def _running_changed(self) -> None:
        self.post_message(RunningChanged())

    def on_store_changed(self, event: StoreChanged) -> None:
        if event.topic in {Topic.ACCOUNT, Topic.ORDERS, Topic.DOMAINS}:
            workers.start(self, self.read_frame, name="frame", exclusive=True)

    def on_running_changed(self) -> None:
        self.tell(running=self.workspace.running)

    def on_account_changed(self, _: AccountChanged) -> None:
        workers.start(self, self.read_frame, name="frame", exclusive=True)

    # -- problems

    def show_problem(self, error: KmptuiError) -> bool:
        """Errors that no form took: a banner in the status line, or a dialog that stays until read."""
        problem = problem_of(error)
        if problem.place is Place.NEWS:
            self.say(str(error))
            return True
        self.last_problem = error
        self.tell(said="")
        if problem.place is Place.BANNER:
            told = str(error)
            self.tell(problem=told if told.startswith(problem.title) else f"{problem.title}: {told}")
        else:
            from kmptui.tui.dialogs.problem import ProblemDialog

            self.push_screen(ProblemDialog(error))
        return True

    def show_bug(self, error: BaseException, where: str) -> None:
        """A fault of kmptui's own in a command or a worker: told, and the app lives on."""
        from kmptui.tui.dialogs.problem import BugDialog

        self.push_screen(BugDialog(type(error).__name__, where, Path(self.workspace.paths.log)))

    async def unlock(self) -> bool:
        return await self.ways.unlock()

    def log_command(self, command: Command[Any], line: str) -> None:
        """Keep what was done, with the command line that does the same."""
        if line:
            at = present.local(self.workspace.clock.now())
            self.log_of_commands.append(Logged(f"{at:%H:%M:%S}", command.words, line))
        self.tell(said="")
        if command.mode is Mode.WORKS and self.last_problem is not None:
            self.tell(problem="")  # it is tried anew: what stood against it may be gone

    def action_tell_how_to_quit(self) -> None:
        """ctrl+c ends nothing: in a text field it copies, and a paste may hold it."""
        self.say("q quits")

    # -- where to go

    def show_tab(self, topic: Topic) -> None:
        self._home.show_tab(topic)

    def on_show_tab(self, event: ShowTab) -> None:
        self._home.show_tab(event.topic)

    def on_show_list(self, event: ShowList) -> None:
        self._home.show_list(event.query)

    def on_start_demo(self, _: StartDemo) -> None:
        self.exit("demo")

    def on_resize(self, event: events.Resize) -> None:
        """Say so where the terminal is too small, over whatever is open."""
        from kmptui.tui.dialogs.too_small import TooSmall

        small = too_small(event.size.width, event.size.height)
        shown = isinstance(self.screen, TooSmall)
        if small and not shown:
            self.push_screen(TooSmall())
        elif shown and not small:
            with contextlib.suppress(IndexError):
                self.pop_screen()
