"""A command, defined once; and what makes a widget, screen or app have commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from textual.binding import Binding

from kmptui.tui import workers

if TYPE_CHECKING:
    from textual.dom import DOMNode as _Node
else:
    _Node = object  # a second DOMNode base would hide the widget's own styles

W = TypeVar("W")


class Mode(Enum):
    """How a command runs. WORKS: beside the screen. OPENS: likewise, and keys that are typed ahead wait for the dialog
    that it opens. QUICK: at once, before the next key is looked at; it waits for nothing."""

    WORKS = "works"
    OPENS = "opens"
    QUICK = "quick"


@runtime_checkable
class HoldsKeys(Protocol):
    """An app that keeps keys back until what a command opens is there to take them."""

    def hold_keys(self) -> None: ...

    def release_keys(self) -> None: ...


class Command(Generic[W]):
    """One thing that a person can do on a `W` (a tab, a screen, a dialog, the app).

    `id` names it in the settings (`keys.ID = "x"`), `words` say what it does, `label` is its word in the footer, where
    `place` (1 first, 0 never) puts it. `keys` are Textual's key names, comma separated.
    """

    id: ClassVar[str]
    words: ClassVar[str]
    label: ClassVar[str] = ""
    keys: ClassVar[str] = ""
    place: ClassVar[int] = 0
    mode: ClassVar[Mode] = Mode.WORKS
    yields: ClassVar[bool] = False
    """Where it is not possible its key is left to whoever comes next, and to nobody without a word: for `esc`."""

    def why_not(self, where: W) -> str:  # noqa: ARG002 - subclasses look at it
        """Why it is not possible now, in words; empty when it is."""
        return ""

    def line(self, where: W) -> str:  # noqa: ARG002
        """The command line that does the same; empty where there is none."""
        return ""

    async def run(self, where: W) -> None:
        """Do it: typed errors may be raised, screens may be awaited."""
        raise NotImplementedError


class Commanded(_Node):
    """Mixed into a widget, screen or app: `OFFERS` become its bindings, subclasses add to them."""

    OFFERS: ClassVar[tuple[type[Command[Any]], ...]] = ()
    YIELDING: ClassVar[dict[str, type[Command[Any]]]] = {}
    """Its commands that yield, by id."""

    def __init_subclass__(cls, **options: Any) -> None:
        own = cls.__dict__.get("OFFERS", ())
        if own:
            cls.BINDINGS = [*cls.__dict__.get("BINDINGS", ()), *(b for kind in own for b in bindings(kind))]
            cls.YIELDING = cls.YIELDING | {kind.id: kind for kind in own if kind.yields}
        super().__init_subclass__(**options)

    @classmethod
    def commands(cls) -> Iterator[Command[Any]]:
        """Its commands, those of the most derived class first."""
        seen: set[str] = set()
        for base in cls.__mro__:
            for kind in base.__dict__.get("OFFERS", ()):
                if kind.id not in seen:
                    seen.add(kind.id)
                    yield kind()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Textual's question whether a binding counts now."""
        if action == "command" and parameters and (kind := self.YIELDING.get(str(parameters[0]))) is not None:
            return not kind().why_not(self)
        return super().check_action(action, parameters)

    async def action_command(self, command_id: str) -> None:
        """What every binding of a command calls."""
        command = next((c for c in self.commands() if c.id == command_id), None)
        if command is not None:
            await perform(command, self)


async def perform(command: Command[Any], where: Any) -> None:
    """Run a command on its node, or say why it is not possible."""
    app = where.app
    if reason := command.why_not(where):
        if hasattr(app, "say"):
            app.say(f"{command.label or command.words}: {reason}")
        return
    if hasattr(app, "log_command"):
        app.log_command(command, command.line(where))
    if command.mode is Mode.QUICK:
        await workers.guarded(where, lambda: command.run(where))
    elif command.mode is Mode.OPENS and isinstance(app, HoldsKeys):
        app.hold_keys()
        workers.start(where, lambda: _opening(command, where, app), name=command.id)
    else:
        workers.start(where, lambda: command.run(where), name=command.id)


async def _opening(command: Command[Any], where: Any, app: HoldsKeys) -> None:
    try:
        await command.run(where)
    finally:
        app.release_keys()


def bindings(kind: type[Command[Any]]) -> Iterable[Binding]:
    """The key bindings of a command."""
    if kind.keys:
        yield Binding(
            with_alt(kind.keys),
            f"command({kind.id!r})",
            kind.words,
            show=kind.place > 0,
            id=kind.id,
            tooltip=kind.label,
        )


def with_alt(keys: str) -> str:
    """The keys, and each plain letter with alt too: over a slow line `esc` and a letter may arrive as one."""
    found = []
    for key in keys.split(","):
        found.append(key)
        if len(key) == 1 and key.isalnum():
            found.append(f"alt+shift+{key.lower()}" if key.isupper() else f"alt+{key}")
    return ",".join(found)
