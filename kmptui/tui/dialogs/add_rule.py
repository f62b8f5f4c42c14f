"""A rule for automatic renewal: an organization, a profile or a pattern of names; or an exception from the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.widgets import Static

from kmptui.domain.selection import pattern
from kmptui.errors import BadInput
from kmptui.tui import present
from kmptui.tui.widgets.dialog import Dialog
from kmptui.tui.widgets.fields import CheckField, ChoiceField, Field, Option, RadioField, TextField

if TYPE_CHECKING:
    from kmptui.services.ordering import FormFacts

KINDS = (Option("organization", "organization"), Option("profile", "profile"), Option("name", "pattern of names"))


@dataclass(frozen=True, slots=True)
class NewRule:
    """As `Renewal.add_rule` takes it; `title` is what the value is called."""

    kind: str
    value: str
    exclude: bool
    title: str

    @property
    def key(self) -> tuple[str, str, bool]:
        return self.kind, self.value, self.exclude

    @property
    def words(self) -> str:
        return ("except " if self.exclude else "") + f"{self.kind} {self.title}"


class AddRuleDialog(Dialog[NewRule]):
    """Ends with the rule; it counts once the settings are saved."""

    TITLE = "A rule for auto-renewal"
    ACT = "Take it"

    def __init__(self, facts: FormFacts) -> None:
        super().__init__()
        self._facts = facts

    def body(self) -> ComposeResult:
        yield Static(present.text("It holds for the certificates here and for those that come."))
        yield RadioField("kind", "By", KINDS, "organization")
        organizations = [Option(str(o.id), o.title) for o in self._facts.organizations if o.present]
        profiles = [Option(str(p.id), p.name) for p in self._facts.profiles if p.status != "gone"]
        yield ChoiceField("organization", "Organization", organizations, hint="and its departments")
        yield ChoiceField("profile", "Profile", profiles)
        yield TextField("name", "Common name", check=pattern, placeholder="*.example.com", hint="* is anything")
        yield CheckField("exclude", "Exception", "leave these out, whatever other rules say")

    def on_mount(self) -> None:
        super().on_mount()
        self._reveal()

    @on(Field.Edited)
    def _edited(self, event: Field.Edited) -> None:
        event.stop()
        self._reveal()

    def _reveal(self) -> None:
        kind = self._field("kind").value
        for name in ("organization", "profile", "name"):
            self._field(name).display = name == kind

    def _field(self, name: str) -> Any:
        return next(field for field in self.fields() if field.name == name)

    async def act(self) -> None:
        kind = self._field("kind").value
        field = self._field(kind)
        if kind == "name":
            value = title = pattern(field.value)
        elif field.value is None:
            raise BadInput(kind, f"No {kind} is chosen", why="choose with enter")
        else:
            value, title = field.value, field.words
        self.dismiss(NewRule(kind, value, self._field("exclude").value, title))
