"""Edit an order in SCM: names, profile and term while it waits, comments and external requesters at any time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import App, ComposeResult
from textual.content import Content
from textual.widgets import Static

from kmptui.domain import editing, entry
from kmptui.domain.editing import EditRequest
from kmptui.domain.order import Order
from kmptui.errors import BadInput
from kmptui.tui import present
from kmptui.tui.dialogs import weighed
from kmptui.tui.dialogs.order import choices
from kmptui.tui.dialogs.order.names_field import NamesField
from kmptui.tui.dialogs.order.names_list import Names, by_name
from kmptui.tui.dialogs.order.sending import unlocking
from kmptui.tui.dialogs.weighing import WeighingDialog
from kmptui.tui.widgets.details import wrapped
from kmptui.tui.widgets.fields import AreaField, ChoiceField, Field, Option, TextField

if TYPE_CHECKING:
    from kmptui.services.editing import EditPreview
    from kmptui.services.ordering import FormFacts
    from kmptui.services.workspace import Workspace

Ask = Callable[[EditRequest], Awaitable["EditPreview"]]
Send = Callable[[EditRequest, bool], Awaitable[Order]]


class EditDialog(WeighingDialog[Order]):
    """Ends with the order as SCM has it then; it stays open where SCM refuses."""

    ACT = "Change it in SCM"
    WIDE = True
    WEIGH_AFTER = 0.15
    DEFAULT_CSS = """
    EditDialog NamesField { height: 5; }
    EditDialog AreaField, EditDialog AreaField > Area { height: 2; }
    EditDialog Field > .field-note { width: 16; }
    EditDialog .edit-changes { margin-top: 1; }
    """

    def __init__(self, preview: EditPreview, comments: str, facts: FormFacts, ask: Ask, send: Send) -> None:
        super().__init__()
        self._preview = preview
        self._order = preview.order
        self._comments = comments
        self._facts = facts
        self._ask = ask
        self._send = send
        self._before = editing.all_names(self._order)
        self._open = self._order.row.status.lower() in editing.EDITABLE

    def title_text(self) -> str:
        return f"Edit {self._order.row.number} {self._order.common_name} in SCM"

    def body(self) -> ComposeResult:
        order = self._order
        if not self._open:
            words = f"It is {order.row.state}: SCM changes comments and requesters alone now."
            yield Static(present.text(words, present.WARNING))
        else:
            yield NamesField(Names(self._before))
            yield ChoiceField("profile", "Profile", self._profiles(), order.profile_id)
            yield ChoiceField("term", "Term", self._terms(order.profile_id), order.term)
        yield AreaField("comments", "Comments", self._comments, check=entry.comments, most=entry.LONGEST_COMMENTS)
        requesters = ", ".join(editing.requesters_of(order))
        yield TextField(
            "requesters", "Requesters", requesters, check=entry.requesters, most=entry.LONGEST_REQUESTERS,
            placeholder="e-mail, e-mail",
        )  # fmt: skip
        yield Static(classes="edit-changes")
        yield Static(classes="against")
        yield Static(classes="command-line")

    @property
    def shown(self) -> EditPreview:
        return self._preview

    def on_resize(self, event: events.Resize) -> None:
        if self._open:
            self.query_one(NamesField).styles.height = max(5, min(14, event.size.height - 18))

    def _profiles(self) -> list[Option[int | None]]:
        mine = choices.profiles(self._facts, self._order.organization_id)
        return [Option(profile.id, profile.name) for profile in mine]

    def _terms(self, profile_id: int | None) -> list[Option[int | None]]:
        return [Option(term, f"{term:,} days") for term in choices.terms(choices.profile(self._facts, profile_id))]

    def changed(self, field: Field) -> None:
        if field.name == "profile":
            term = self._field("term")
            offered = self._terms(self._field("profile").value)
            kept = term.value if term.value in {option.value for option in offered} else None
            term.offer(offered, kept if kept is not None else offered[0].value if len(offered) == 1 else None)

    def changes(self) -> EditRequest:
        """What the fields say, whether it differs or not. Raises BadInput("requesters"|"comments"|"term")."""
        comments = entry.comments(self._field("comments").value)
        requesters = entry.requesters(self._field("requesters").value)
        if not self._open:
            return EditRequest(comments=comments, requesters=requesters)
        names = self.query_one(NamesField).names.names
        profile, term = self._field("profile").value, self._field("term").value
        if term is None and profile != self._order.profile_id:
            raise BadInput("term", "No term is chosen", why="choose with enter")
        return EditRequest(names or None, profile, term, comments, requesters)

    def _field(self, name: str) -> Any:
        return next(field for field in self.fields() if field.name == name)

    async def weigh(self) -> None:
        try:
            changes = self.changes()
        except BadInput as error:
            self.show_problem(error)
            return
        self._preview = await self._ask(changes)
        self.draw()

    def show(self, cells: int) -> None:
        shown = self._preview
        if self._open:
            self.query_one(NamesField).show_findings(by_name(shown.findings))
        self.query_one(".edit-changes", Static).update(changed(shown.changes, cells))
        if not shown.changes:
            for part in (".against", ".command-line"):
                self.query_one(part, Static).update("")

    def can_act(self) -> str:
        if self._open and self.query(NamesField) and self.query_one(NamesField).names.problems:
            return f"{len(self.query_one(NamesField).names.problems):,} names to mend"
        if not self._preview.changes:
            return "nothing is changed"
        return super().can_act()

    async def act(self) -> None:
        if self._open:
            self.query_one(NamesField).entry.hand_over()
        changes = self.changes()
        self._preview = await self._ask(changes)
        self.draw()
        if not self.can_act():
            self.dismiss(await self._send(changes, weighed.despite(self._preview.findings)))


def changed(changes: tuple[tuple[str, str, str], ...], cells: int) -> Content:
    """`term  199 days -> 90 days`, whole, however long."""
    if not changes:
        return present.text("Nothing is changed yet", present.MUTED)
    lines = []
    for field, before, after in changes:
        words = f"{before or '(none)'} -> {after or '(none)'}"
        for row, piece in enumerate(wrapped(present.line(words), max(20, cells - 21))):
            lines.append(present.text(f"{present.cell(field if row == 0 else '', 20)} {piece}"))
    return Content("\n").join(lines)


async def edit_order(app: App[Any], workspace: Workspace, order_id: int) -> None:
    """Show what can be changed, send what was."""

    async def ask(changes: EditRequest) -> EditPreview:
        return await workspace.editing.preview(order_id, changes)

    async def send(changes: EditRequest, despite_mirror: bool) -> Order:
        edit, seen = workspace.editing.edit, preview.order
        return await unlocking(app, lambda: edit(order_id, changes, despite_mirror=despite_mirror, seen=seen))

    preview = await ask(EditRequest())
    comments = (await workspace.ordering.like(order_id)).comments
    facts = await workspace.ordering.facts()
    order = await app.push_screen_wait(EditDialog(preview, comments, facts, ask, send))
    if order is not None and (say := getattr(app, "say", None)):
        say(f"{order.row.number} {present.line(order.common_name)}: changed in SCM")
