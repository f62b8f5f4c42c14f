"""Import existing orders: which ones, what that will meet, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import App, ComposeResult
from textual.timer import Timer
from textual.widgets import Static

from kmptui.domain.organization import Organization
from kmptui.errors import BadInput, KmptuiError
from kmptui.services.importing import Importing, ImportOptions, ImportReport
from kmptui.tui import present
from kmptui.tui.widgets.dialog import Dialog, TextDialog
from kmptui.tui.widgets.fields import CheckField, ChoiceField, Field, Option, RadioField, TextField

if TYPE_CHECKING:
    from kmptui.services.workspace import Workspace

FORECAST_AFTER = 0.5
MOST_DAYS = 3_650


@dataclass(frozen=True, slots=True)
class Told:
    """What the dialog says of the options chosen: `good` False where it could not find out."""

    words: str
    good: bool = True


class ImportDialog(Dialog[ImportOptions]):
    """Ends with the options; the caller runs the import. The forecast is one request for a count."""

    TITLE = "Import existing orders"
    ACT = "Import"
    DEFAULT_CSS = "ImportDialog .forecast { height: 3; margin-top: 1; }"

    def __init__(self, importing: Importing, organizations: Sequence[Organization]) -> None:
        super().__init__()
        self._importing = importing
        self._organizations = tuple(organizations)
        self._delay: Timer | None = None

    def body(self) -> ComposeResult:
        yield Static(present.text("Takes in orders that exist in SCM, with their certificates. SCM is not changed."))
        statuses = [Option("", "all"), Option("requested", "requested"), Option("issued", "issued")]
        yield RadioField("status", "Status", statuses, "")
        offered: list[Option[int]] = [Option(0, "all of them"), *(Option(o.id, o.title) for o in self._organizations)]
        yield ChoiceField("organization", "Organization", offered, 0)
        yield TextField("expires_within", "Expires within", placeholder="days", hint="empty: any time")
        yield TextField("common_name", "Common name", hint="empty: any; a part will do")
        yield CheckField("include_deleted", "Deleted here", "bring them back too")
        yield Static(classes="forecast")

    def on_mount(self) -> None:
        super().on_mount()
        self._ask()

    @on(Field.Edited)
    def _edited(self, event: Field.Edited) -> None:
        event.stop()
        self._tell(Told(""))
        if self._delay is not None:
            self._delay.stop()
        self._delay = self.set_timer(FORECAST_AFTER, self._ask)

    def _ask(self) -> None:
        try:
            options = self.options()
        except BadInput as error:
            self.show_problem(error)
            return
        self._tell(Told("Asking SCM how many there are ..."))
        self.start(lambda: self._forecast(options), group="forecast", exclusive=True)

    async def _forecast(self, options: ImportOptions) -> None:
        """The count, or why there is none: an import may be tried all the same."""
        try:
            forecast = await self._importing.forecast(options)
        except KmptuiError as error:
            self._tell(Told(str(error), good=False))
        else:
            self._tell(Told(forecast.words))

    def _tell(self, told: Told) -> None:
        style = present.PLAIN if told.good else present.ERROR
        self.query_one(".forecast", Static).update(present.text(told.words, style))

    def options(self) -> ImportOptions:
        """What the fields say. Raises BadInput."""
        text = {field.name: field.value.strip() for field in self.query(TextField)}
        days = text["expires_within"]
        if days and not (days.isascii() and days.isdigit() and 0 < int(days[:6]) <= MOST_DAYS):
            raise BadInput("expires_within", "This is no number of days", why=f"1 to {MOST_DAYS:,} days")
        picked = self.query_one(ChoiceField).value
        return ImportOptions(
            status=str(self.query_one(RadioField).value),
            organization_id=picked or None,
            expires_within=int(days) if days else None,
            common_name=text["common_name"],
            include_deleted=self.query_one(CheckField).value,
        )

    async def act(self) -> None:
        self.dismiss(self.options())


async def import_orders(app: App[Any], workspace: Workspace) -> None:
    """Ask which, take them in, tell what came of it; then fetch the certificates beside everything else."""
    facts = await workspace.ordering.facts()
    options = await app.push_screen_wait(ImportDialog(workspace.importing, facts.organizations))
    if options is None:
        return
    report = await workspace.importing.run(options)
    await app.push_screen_wait(TextDialog(*told(report)))
    fetched = await workspace.importing.fetch()
    if say := getattr(app, "say", None):
        held = f", {fetched.held:,} issued, not added (limit)" if fetched.held else ""
        failed = f", {len(fetched.failed):,} failed and are tried again" if fetched.failed else ""
        left = f", {fetched.left:,} still to come" if fetched.left else ""
        say(f"{present.counted(fetched.fetched, 'certificate')} fetched into the repository{held}{failed}{left}")


def told(report: ImportReport) -> tuple[str, Any]:
    """The heading and the words of what an import came to."""
    lines = [
        report.words,
        "",
        f"Orders at SCM by its own count  {report.server_count:>9,}",
        f"Seen                            {report.seen:>9,}",
        f"New here                        {report.new:>9,}",
        f"Changed                         {report.changed:>9,}",
        f"As they were                    {report.same:>9,}",
    ]
    if report.kept_deleted:
        lines.append(f"Deleted here, left so           {report.kept_deleted:>9,}")
    lines += ["", f"{present.counted(report.to_fetch, 'certificate')} will be fetched now, soonest to expire first."]
    if report.held:
        lines.append(f"{report.held:,} stay out of the repository: issued, not added (certificate limit).")
    if not report.complete:
        lines += ["", "What came in is kept. Import again later: nothing is taken in twice."]
    if report.odd:
        lines += ["", f"{present.counted(len(report.odd), 'row')} could not be understood whole:"]
        lines += [f"  {ssl_id}: {words}" for ssl_id, words in report.odd[:50]]
    lines += ["", f"{present.counted(report.requests, 'request')} to SCM."]
    return "Import: complete" if report.complete else "Import: INCOMPLETE", present.paragraph("\n".join(lines))
