"""The yardstick for starting: nothing but Textual, seven tabs, each a DataTable of 200 rows."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import DataTable, TabbedContent, TabPane

TABS = ("Account", "Organizations", "Domains", "Profiles", "Orders", "Certificates", "Audit")
COLUMNS = ("Id", "Common name", "Names", "Status", "Expires", "Organization", "Profile")
ROWS = 200
READY = "www7.example.org"
"""Stands on the first screen once the first table is filled."""


class BareApp(App[None]):
    BINDINGS = [(str(number), f"show({number})", tab) for number, tab in enumerate(TABS, 1)]  # noqa: RUF012

    def compose(self) -> ComposeResult:
        with TabbedContent():
            for tab in TABS:
                with TabPane(tab, id=tab.lower()):
                    yield DataTable(cursor_type="row")

    def on_mount(self) -> None:
        for table in self.query(DataTable):
            table.add_columns(*COLUMNS)
            table.add_rows(
                (f"o{row}", f"www{row}.example.org", "1", "issued", "2027-03-01", "Example Org", "OV SSL")
                for row in range(ROWS)
            )
        self.query(DataTable).first().focus()

    def action_show(self, number: int) -> None:
        self.query_one(TabbedContent).active = TABS[number - 1].lower()
        self.query_one(f"#{TABS[number - 1].lower()} DataTable").focus()


if __name__ == "__main__":
    BareApp().run()
