"""A domain's validation (DCV): choose the method, publish the record, submit, have the CA look again.

It can be left and opened again at any time: where things stand is asked of SCM, which tells the record of an attempt
that runs. The chord does the step that comes next; `c` asks SCM, which changes nothing there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import App, ComposeResult
from textual.content import Content
from textual.widgets import Static

from kmptui.domain.dcv import METHOD_WORDS, METHODS, DcvRecord, Step, method_words
from kmptui.domain.domain import word
from kmptui.tui import present
from kmptui.tui.dialogs.asking import AskingDialog, cells_of, labelled, record_lines
from kmptui.tui.dialogs.copy import Copyable
from kmptui.tui.tabs import tones
from kmptui.tui.widgets.details import wrapped
from kmptui.tui.widgets.fields import ChoiceField, Field, Option, RadioField

if TYPE_CHECKING:
    from kmptui.domain.clock import Clock
    from kmptui.services.validating import DcvView, Validating
    from kmptui.services.workspace import Workspace

START, SUBMIT, LOOK = "Start", "Submit", "Look again"
AS_FIELDS = 15
"""Cells of a label, where it stands above a field."""


class ValidationDialog(AskingDialog):
    """Shows what is known here at once, then what SCM says."""

    ACT = START
    DEFAULT_CSS = """
    ValidationDialog .dcv-head, ValidationDialog .dcv-record { height: auto; }
    ValidationDialog .dcv-record { margin-top: 1; min-height: 7; }
    ValidationDialog .dcv-mailbox { display: none; }
    ValidationDialog.-mail .dcv-mailbox { display: block; }
    """

    def __init__(self, validating: Validating, clock: Clock, known: DcvView, *, forbidden: str = "") -> None:
        super().__init__(clock, forbidden)
        self._validating = validating
        self._started: DcvRecord | None = None
        self.view = known
        self._method = RadioField("method", "Method", [Option(m, METHOD_WORDS[m]) for m in METHODS], METHODS[0])
        self._mailbox: ChoiceField[str] = ChoiceField("email", "Mailbox", ())

    # -- what it is about

    @property
    def record(self) -> DcvRecord | None:
        """What is to be published: as SCM tells it, else as the start of this dialog did."""
        told = self.view.state.record if self.view.state is not None else None
        return told if told is not None and told.publishable else self._started or told

    @property
    def chosen(self) -> str:
        return str(self._method.value)

    @property
    def next_act(self) -> str:
        """The chord's word: another method than the running one begins anew."""
        if self.view.method == self.chosen and self.view.step is Step.PUBLISH:
            return SUBMIT
        if self.view.method == self.chosen and self.view.step is Step.AWAIT:
            return LOOK
        return SUBMIT if self._started is not None and self._started.method.lower() == self.chosen else START

    @property
    def command(self) -> str:
        """The command line that does what the chord does."""
        how = {START: f"--method {self.chosen}", SUBMIT: f"--method {self.chosen} --submit", LOOK: "--look"}
        mailbox = f" --email {present.shell_word(self._mailbox.value or 'MAILBOX')}" if self.chosen == "email" else ""
        rest = mailbox if self.next_act == SUBMIT else ""
        return f"kmptui domains validate {present.shell_word(self.view.domain.name)} {how[self.next_act]}{rest}"

    # -- what it is made of

    def title_text(self) -> str:
        return f"Validate {self.view.domain.name}"

    def body(self) -> ComposeResult:
        yield Static(classes="dcv-head")
        yield self._method
        self._mailbox.add_class("dcv-mailbox")
        yield self._mailbox
        yield Static(classes="dcv-record")

    @on(Field.Edited)
    def _edited(self, event: Field.Edited) -> None:
        event.stop()
        self.draw()

    def check_line(self) -> str:
        return f"kmptui domains check {present.shell_word(self.view.domain.name)}"

    async def look(self) -> None:
        self._take(await self._validating.state(self.view.domain.id))

    def copyables(self) -> tuple[Copyable, ...]:
        shown = self.record if self._shows_record() else None
        return copyables(shown) if shown is not None and shown.publishable else ()

    def _take(self, view: DcvView) -> None:
        """What SCM says now; a running attempt's method is the chosen one when it is first seen."""
        first = self.view.state is None
        self.view = view
        if first and view.step in {Step.PUBLISH, Step.AWAIT} and view.method:
            self._method.choose(view.method)

    async def act(self) -> None:
        if self.can_act():
            return
        number, method = self.view.domain.id, self.chosen
        if self.next_act == START:
            self._started = await self._validating.start(number, method)
            self._mailbox.offer([Option(one, one) for one in self._started.emails], None)
            await self.ask()
        elif self.next_act == SUBMIT:
            view = await self._validating.submit(number, method, str(self._mailbox.value or ""))
            self._started = None
            self._take(view)
        else:
            self._take(await self._validating.look(number))
        self.draw()

    # -- drawing

    def draw(self) -> None:
        if not self.is_mounted or not self.query(".dcv-record"):
            return
        cells = cells_of(self)
        self.set_class(self.chosen == "email" and bool(self._mailbox.options), "-mail")
        self.query_one(".dcv-head", Static).update(labelled(self._head(), cells, AS_FIELDS))
        said = [present.text(piece, present.STRONG) for piece in wrapped(present.line(self._advice()), cells)]
        parts = record_lines(self.record) if self._shows_record() else []
        shown = labelled([*parts, ("Command", self.command, present.MUTED)], cells)
        self.query_one(".dcv-record", Static).update(Content("\n").join([*said, shown]))
        self.draw_keys()

    def _shows_record(self) -> bool:
        return self.next_act != START and self.record is not None

    def _head(self) -> list[tuple[str, str, str]]:
        view, now = self.view, self._clock.now()
        status, style = tones.styled(view.domain.status(present.local(now).date()))
        method = method_words(view.domain.dcv_method)
        ending = present.ending(view.domain.dcv_expires, now)
        state = ", ".join(filter(None, (status, ending, f"by {method}" if method else "")))
        first = f"; the first ends {present.when(view.blocks.first, now)}" if view.blocks.first else ""
        needed = "Needed for" if status == "validated" else "Blocks"
        return [
            ("State", state, style),
            (needed, view.blocks.words + first if view.blocks.words else "nothing that is known here", ""),
            ("Attempt", self._attempt(), ""),
            ("Checked", self._checks(), ""),
        ]

    def _attempt(self) -> str:
        state = self.view.state
        if state is None:
            return "asking SCM …" if self._asking else "SCM did not tell"
        if state.step in {Step.START, Step.DONE} and word(state.order_status) in {"", "notinitiated"}:
            return "none runs"
        by = f", by {method_words(state.method)}" if state.method else ""
        when = f" {present.day(state.submitted)}" if state.submitted else ""
        return f"{state.order_status.replace('_', ' ').lower()}{when}{by}"

    def _checks(self) -> str:
        state, now = self.view.state, self._clock.now()
        if state is None or (state.last_check is None and state.next_check is None):
            return "-"
        following = f", next {present.clock(state.next_check, now)}" if state.next_check else ""
        return f"by the CA {present.clock(state.last_check, now)}{following} {present.zone()}"

    def _advice(self) -> str:
        """What comes next, in one or two sentences."""
        if self._forbidden:
            return f"{self._forbidden[0].upper()}{self._forbidden[1:]}."
        if self._started is not None and self.chosen == "email" and self.next_act == SUBMIT:
            return "Choose the mailbox that the mail goes to, then ctrl+y sends it. Its link validates the domain."
        if self.next_act == SUBMIT:
            if self.record is None or not self.record.publishable:
                return "SCM tells this record with the submit: ctrl+y submits, then publish it."
            return "Publish this, then ctrl+y lets the CA look for it. You can leave (esc) and come back at any time."
        if self.next_act == LOOK:
            return "Submitted: the CA looks for this by itself. Once it is there, ctrl+y has it look now."
        if self.view.step is Step.DONE:
            due = self.view.blocks.due
            return self.view.words + "." if due else "It is validated. ctrl+y starts anew, before it ends."
        note = ""
        if self.chosen in {"http", "https"}:
            note = " A file proves this very name alone, none below it."
        elif self.chosen == "email":
            note = " SCM names the mailboxes that may be asked."
        by = method_words(self.chosen)
        return f"ctrl+y starts a validation by {by}; then the record to publish is shown here.{note}"


def copyables(record: DcvRecord) -> tuple[Copyable, ...]:
    """What of a record can be copied whole."""
    lines = "\n".join(filter(None, (record.first_line, record.second_line)))
    found = (
        ("Zone-file line", record.zone_line), ("Host", record.host), ("Value", record.point), ("URL", record.url),
        ("Lines of the file", lines),
    )  # fmt: skip
    return tuple(Copyable(label, text) for label, text in found if text)


async def validate_domain(app: App[Any], workspace: Workspace, domain_id: int, forbidden: str = "") -> None:
    known = await workspace.validating.known(domain_id)
    await app.push_screen_wait(ValidationDialog(workspace.validating, workspace.clock, known, forbidden=forbidden))
