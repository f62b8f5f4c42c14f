"""The last look before an order: the whole request, the command line that does the same, and what will happen."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from kmptui.domain.order import OrderRequest
from kmptui.domain.preflight import sentence
from kmptui.errors import Finding
from kmptui.services.ordering import Preview
from kmptui.tui import present
from kmptui.tui.widgets.dialog import Dialog


class PreviewDialog(Dialog[bool]):
    """True: place it. `mirror` are findings that rest on what was last read from SCM; they are read anew before
    anything is sent, and a person may send all the same."""

    TITLE = "Order a certificate: the last look"
    ACT = "Create"
    WIDE = True
    DEFAULT_CSS = """
    PreviewDialog .preview-part { margin-top: 1; }
    """

    def __init__(self, request: OrderRequest, preview: Preview, mirror: Sequence[Finding], *, each: bool) -> None:
        super().__init__()
        self._request = request
        self._preview = preview
        self._mirror = tuple(mirror)
        self._each = each

    def body(self) -> ComposeResult:
        yield Static(present.text(self._effect()))
        for row in self._preview.similar:
            words = f"! {row.number} {row.common_name} has these names and this profile: {row.state}. "
            again = "ctrl+y orders a second one all the same."
            yield Static(present.text(words + again, present.WARNING), classes="preview-part similar")
        for finding in self._mirror:
            words = f"! {finding.cause}. {finding.cure}. Looked up again before it is sent; ctrl+y sends all the same."
            yield Static(present.text(words, present.WARNING), classes="preview-part mirror")
        for finding in self._preview.findings:
            if finding.hint and finding not in self._mirror:
                yield Static(present.text(f"{sentence(finding)}. {finding.cure}", present.MUTED))
        yield Static(present.text("The same from a shell", present.STRONG), classes="preview-part")
        yield Static(present.text(self._preview.command + (" --each" if self._each else "")), classes="command-line")
        head = "The first of the requests" if self._each else "The request, as SCM will get it"
        yield Static(present.text(head, present.STRONG), classes="preview-part")
        yield Static(present.paragraph(self._preview.body), classes="request-body")

    def on_mount(self) -> None:
        super().on_mount()
        scroll = self.query_one(".dialog-body", VerticalScroll)
        scroll.can_focus = True  # so that the arrows and pages scroll what does not fit
        scroll.focus()

    def _effect(self) -> str:
        if not self._each:
            return self._preview.effect
        count = len(self._request.names)
        return f"Places {count:,} orders, one for each name, one after the other. The first: {self._preview.effect}"

    async def act(self) -> None:
        self.dismiss(True)
