"""Every tab and dialog in the states that a person meets, at the company: for the pictures that are compared, and for
those of the README. A scene ends when its words are on the screen, never after some time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from textual import events
from textual.pilot import Pilot
from textual.screen import Screen

from kmptui.tui import workers
from kmptui.tui.app import KmptuiApp
from tests.snapshots.company_stage import office
from tests.tui.acting import field, prose, until
from tests.tui.driving import settle
from tests.tui.stage import Stage

Act = Callable[[Pilot[Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scene:
    """`make` a workspace, act on the app, and see the words. `endless`: some work in it never ends on purpose."""

    words: str
    acts: tuple[Act, ...] = ()
    make: Callable[[], Stage] = office
    endless: bool = False

    def app(self) -> KmptuiApp:
        return KmptuiApp(self.make())  # type: ignore[arg-type]  # has what the app uses of a Workspace

    async def play(self, pilot: Pilot[Any]) -> None:
        """From the start to the picture."""
        if self.endless:
            await until(pilot, lambda: self.words in prose(pilot.app.screen), repr(self.words))
            return
        await settle(pilot)
        work: Any = pilot.app.workspace  # type: ignore[attr-defined]  # the app is KmptuiApp
        if work.account.state is not None:
            await until(pilot, lambda: work.mirror.syncs, "the first look at SCM")
        await settle(pilot)
        for act in self.acts:
            await act(pilot)
            await settle(pilot)
        await until(pilot, lambda: self.words in prose(pilot.app.screen), repr(self.words))
        await settle(pilot)


def keys(*pressed: str) -> Act:
    """Press the keys, each to its end."""

    async def act(pilot: Pilot[Any]) -> None:
        for key in pressed:
            await pilot.press(key)
            await settle(pilot)

    return act


def typing(first: str, *rest: str) -> Act:
    """Press the first key to its end, the others one after the other."""

    async def act(pilot: Pilot[Any]) -> None:
        await keys(first)(pilot)
        await pilot.press(*rest)

    return act


def sees(words: str) -> Act:
    """Wait for the words."""

    async def act(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: words in prose(pilot.app.screen), repr(words))

    return act


def paste(text: str) -> Act:
    """Paste into what has the focus."""

    async def act(pilot: Pilot[Any]) -> None:
        focused = pilot.app.screen.focused
        assert focused is not None
        focused.post_message(events.Paste(text))
        await pilot.pause()

    return act


def opens(way: Callable[[Any], Awaitable[None]]) -> Act:
    """Start what a command starts: `way` gets the app's `Ways`."""

    async def act(pilot: Pilot[Any]) -> None:
        app: Any = pilot.app
        before = app.screen
        workers.start(app, lambda: way(app.ways))
        await until(pilot, lambda: app.screen is not before and app.screen.is_mounted, "another screen")

    return act


def shows(screen: Callable[[Any], Screen[Any]]) -> Act:
    """Put a screen on top; `screen` makes it of the workspace."""

    async def act(pilot: Pilot[Any]) -> None:
        await pilot.app.push_screen(screen(pilot.app.workspace))  # type: ignore[attr-defined]  # as above

    return act


def types(**texts: str) -> Act:
    """Put texts into the fields of these names, as typing would."""

    async def act(pilot: Pilot[Any]) -> None:
        for name, text in texts.items():
            field(pilot.app.screen, name).value = text
        await pilot.pause()

    return act


def picks(**values: object) -> Act:
    """Choose among the radio buttons of these names."""

    async def act(pilot: Pilot[Any]) -> None:
        for name, value in values.items():
            field(pilot.app.screen, name).choose(value)
        await pilot.pause()

    return act


def with_work(alter: Callable[[Any], None], make: Callable[[], Stage] = office) -> Callable[[], Stage]:
    """A workspace in which something is otherwise."""

    def made() -> Stage:
        work = make()
        alter(work)
        return work

    return made
