"""The order form: a screen that ends with what is to be ordered, or with None; it sends nothing itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime

from textual import events, on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.timer import Timer
from textual.widgets import OptionList, Static

from kmptui.domain.clock import Clock
from kmptui.domain.preflight import forbids
from kmptui.domain.validity import longest_issued
from kmptui.errors import BadInput, Finding, KmptuiError, PreflightFailed
from kmptui.services.drafts import Drafts
from kmptui.services.ordering import FormFacts, Ordering
from kmptui.tui import present
from kmptui.tui.dialogs.files import small_text
from kmptui.tui.dialogs.order import choices, fieldset
from kmptui.tui.dialogs.order.decision import OrderDecision
from kmptui.tui.dialogs.order.form_commands import FORM_COMMANDS
from kmptui.tui.dialogs.order.names_field import NamesField, NamesList
from kmptui.tui.dialogs.order.names_list import by_name
from kmptui.tui.dialogs.order.preview import PreviewDialog
from kmptui.tui.dialogs.order.values import OrderValues
from kmptui.tui.widgets.fields import Field
from kmptui.tui.widgets.page import Page

CHECK_AFTER = 0.15
SAVE_AFTER = 0.6
EMPTY = ("is not chosen", "there is no name", "is required", "no file was read")
"""Causes that only say that something is still to come: told quietly until the preview is asked for."""


class OrderForm(Page[OrderDecision]):
    """All attributes of an order, checked while one types. `sync` reads the mirror anew (the caller's work)."""

    OFFERS = FORM_COMMANDS
    DEFAULT_CSS = """
    OrderForm .order-title { height: 1; padding: 0 1; color: $text-muted; }
    OrderForm .order-fields { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    OrderForm .order-note { height: 2; padding: 0 1; }
    OrderForm Field > .field-note { width: 2fr; min-width: 26; }
    OrderForm Field > OneLine, OrderForm Field > LineInput { width: 3fr; max-width: 70; }
    OrderForm Field.-note-none > OneLine { max-width: 200; }
    OrderForm AreaField, OrderForm AreaField > Area { height: 2; }
    OrderForm AreaField > Area { width: 3fr; max-width: 70; }
    OrderForm .off { display: none; }
    """

    def __init__(
        self,
        ordering: Ordering,
        drafts: Drafts,
        clock: Clock,
        facts: FormFacts,
        values: OrderValues,
        *,
        sync: Callable[[], Awaitable[None]],
        draft_of: datetime | None = None,
        findings: Iterable[Finding] = (),
    ) -> None:
        super().__init__()
        self.ordering = ordering
        self.drafts = drafts
        self.clock = clock
        self.facts = facts
        self.longest = longest_issued(clock.now().date())
        self.values = choices.settle(values, facts, self.longest)
        self.findings = tuple(findings)
        self._asked = bool(self.findings)
        self._sync = sync
        self._saved = draft_of
        self._restored = draft_of is not None
        self._busy = ""
        self._unread = ""
        self._ends: Mapping[str, date] = {}
        self._edited: set[str] = set()
        self._dirty = False
        self._saving = False
        self._delays: dict[str, Timer] = {}

    # --- drawing -------------------------------------------------------------------------------------------------

    def body(self) -> ComposeResult:
        yield Static(classes="order-title")
        with VerticalScroll(classes="order-fields", can_focus=False):
            yield from fieldset.fields(self.facts, self.values)
        yield Static(classes="order-note")

    def on_mount(self) -> None:
        super().on_mount()
        self.draw_title()
        fieldset.reveal(self, self.values)
        self.query_one(NamesField).focus_control()
        if self.findings:
            self.show_findings()
        else:
            self.start(self._check, group="check", exclusive=True)

    def on_resize(self, event: events.Resize) -> None:
        others = 20 + len(choices.custom_fields(self.facts))
        self.query_one(NamesField).styles.height = max(5, min(16, event.size.height - others))
        self.query_one(".order-note").styles.height = 3 if event.size.width < 100 else 2

    def draw_title(self) -> None:
        """What this is, and how fresh the draft is."""
        said = self._busy
        if not said and self._saved is not None:
            at = present.clock(self._saved, self.clock.now())
            said = f"your draft of {at}: ctrl+n empties the form" if self._restored else f"draft saved {at}"
        head = present.text("Order a certificate", present.STRONG)
        drawn = present.join(head, (f"   {said}", present.MUTED))
        self.query_one(".order-title", Static).update(drawn, layout=False)

    def fields(self) -> Iterator[Field]:
        """Its fields, in order."""
        yield from self.query(Field)

    # --- what was typed ------------------------------------------------------------------------------------------

    @on(Field.Edited)
    def _field_edited(self, event: Field.Edited) -> None:
        event.stop()
        before = self.values
        if (typed := fieldset.with_text(before, event.field)) is not None:
            self.values = typed  # a key in a text moves nothing else
        else:
            self.read()
        if self.values == before:
            return  # what a field says when it is filled at first
        self._edited.add(event.field.name)
        self._restored = False
        if event.field.name == "csr":
            self.later("csr", CHECK_AFTER, self._read_csr)
        self.later("check", CHECK_AFTER, self._check)
        self._dirty = True
        self.later("save", SAVE_AFTER, self._save)

    def read(self) -> None:
        """Take the fields' values; choices that no longer go together move to ones that do."""
        before = self.values
        self.values = choices.settle(fieldset.read(self, before), self.facts, self.longest)
        fieldset.offer(self, self.facts, self.values)
        fieldset.reveal(self, self.values)

    def later(self, what: str, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` once nothing was typed for so long."""

        def due() -> None:
            del self._delays[what]
            self.start(work, group=what, exclusive=what == "check")

        if (timer := self._delays.get(what)) is not None:
            timer.reset()
        else:
            self._delays[what] = self.set_timer(seconds, due)

    async def _check(self) -> None:
        """Show what is known against the values; again where they changed meanwhile, so that it holds for the last."""
        values = None
        while values is None or values != self.values:
            values = self.values
            known = await self.ordering.check(values.request())
            ends = await self.ordering.dcv_ends(values.names)
        own = tuple(self._why_unread(finding) for finding in values.own_findings())
        told = {finding.field for finding in own}
        self.findings = own + tuple(f for f in known if f.field not in told or f.field == "names")
        self._ends = ends
        self.show_findings()

    async def _read_csr(self) -> None:
        path = self.values.csr_path
        pem = self._unread = ""
        try:
            pem = small_text(path, "csr") if path.strip() else ""
        except BadInput as error:
            self._unread = error.why or error.what
        self.values = replace(self.values, csr=pem)
        await self._check()

    def _why_unread(self, finding: Finding) -> Finding:
        """The finding on an unread CSR, with the reason where one is known."""
        return replace(finding, cause=self._unread) if finding.field == "csr" and self._unread else finding

    async def _save(self) -> None:
        if self._saving:
            return
        self._saving = True
        try:
            while self._dirty:
                self._dirty = False
                self._saved = (await self.drafts.save(self.values.members())).saved
            self.draw_title()
        finally:
            self._saving = False

    # --- findings ------------------------------------------------------------------------------------------------

    def show_findings(self) -> None:
        """Each finding beside its field, names at theirs, the first in words below. Nothing moves."""
        first: dict[str, Finding] = {}
        for finding in sorted(self.findings, key=lambda f: f.hint):
            first.setdefault(_place(finding), finding)
        for field in self.fields():
            if (said := first.get(field.name)) is None:
                field.show_note()
            else:
                field.show_note(said.cause, bad=not said.hint and not self._quiet(said))
        self.query_one(NamesField).show_findings(by_name(self.findings), self._ends)
        self.draw_note()

    def draw_note(self) -> None:
        """One finding in words: the one of the field in focus, else the gravest."""
        note = self.query_one(".order-note", Static)
        grave = [f for f in self.findings if not f.hint]
        shown: Finding | None = self._here() or next(iter(grave or self.findings), None)
        if shown is None:
            note.update(present.text("Nothing to mend: ctrl+o shows the request", present.GOOD), layout=False)
            return
        count = present.counted(len(grave), "thing") + " to mend" if grave else "A hint"
        style = present.WARNING if shown.hint or all(self._quiet(f) for f in grave) else present.ERROR
        cure = f". {shown.cure}" if shown.cure else ""
        said = present.join((f"{count}: ", style), f"{self._label(shown)}: {shown.cause}{cure}")
        note.update(said, layout=False)

    def _here(self) -> Finding | None:
        """The finding of the field in focus."""
        focused = self.focused
        if isinstance(focused, NamesList):
            return by_name(self.findings).get(focused.text)
        names = {node.name for node in focused.ancestors_with_self if isinstance(node, Field)} if focused else set()
        return next((f for f in self.findings if _place(f) in names), None)

    @on(OptionList.OptionHighlighted)
    def _line_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self.draw_note()

    def _label(self, finding: Finding) -> str:
        """The field that it concerns, as the form calls it."""
        found = next((field.label_text for field in self.fields() if field.name == _place(finding)), finding.field)
        return found.removesuffix(" *")

    def _quiet(self, finding: Finding) -> bool:
        return not self._asked and finding.field not in self._edited and finding.cause.startswith(EMPTY)

    def on_descendant_focus(self) -> None:
        self.draw_note()

    def next_problem(self) -> None:
        """The field of the next finding after the focus, hints last."""
        self._asked = True
        self.show_findings()
        focused = self.focused
        order = [field for field in self.fields() if field.display]
        here = next((n for n, f in enumerate(order) if focused and f in focused.ancestors_with_self), -1)
        if focused is self.query_one(NamesField).entry:
            here -= 1  # the lines below the entry come next
        wrong = {_place(f) for f in self.findings if not f.hint} or {_place(f) for f in self.findings}
        for field in (*order[here + 1 :], *order[: here + 1]):
            if field.name in wrong:
                field.focus_problem() if isinstance(field, NamesField) else field.focus_control()
                return

    def show_problem(self, error: KmptuiError) -> bool:
        if isinstance(error, PreflightFailed):
            self._asked = True
            self.findings = error.findings
            self.show_findings()
            self.next_problem()
            return True
        return False

    # --- what the keys do ----------------------------------------------------------------------------------------

    async def preview(self) -> None:
        """Check once more, then show the request; ends the form where it is confirmed."""
        self._asked = True
        self.read()
        await self._check()
        if any(not f.hint and not f.stale_prone for f in self.findings):
            self.next_problem()
            return
        request = self.values.request()
        each = self.values.each and len(request.names) > 1
        preview = await self.ordering.preview(replace(request, names=request.names[:1]) if each else request)
        mirror = tuple(f for f in self.findings if f.stale_prone)
        confirmed = await self.app.push_screen_wait(PreviewDialog(request, preview, mirror, each=each))
        if confirmed:
            self._dirty = True
            await self._save()
            decision = OrderDecision(request, self.values, each, bool(preview.similar), forbids(mirror))
            self.dismiss(decision)

    async def sync_now(self) -> None:
        """Read the mirror anew, then offer and check with what it says."""
        if self._busy:
            return
        self._busy = "asking SCM ..."
        self.draw_title()
        try:
            await self._sync()
            self.facts = await self.ordering.facts()
        finally:
            self._busy = ""
            self.draw_title()
        self.read()
        await self._check()

    async def afresh(self) -> None:
        """An empty form with the last choices."""
        await self.drafts.discard()
        self._dirty = False
        self._saved = None
        self._asked = False
        self._edited.clear()
        self.values = choices.first(self.facts, self.longest)
        with self.prevent(Field.Edited):
            fieldset.write(self, self.facts, self.values)
        fieldset.reveal(self, self.values)
        self.draw_title()
        self.query_one(NamesField).focus_control()
        await self._check()

    async def leave(self) -> None:
        """Keep the draft and go."""
        self.read()
        if self._dirty:
            await self._save()
        self.dismiss(None)


def _place(finding: Finding) -> str:
    return "names" if finding.field == "common_name" else finding.field
