"""What every list can do: open, filter, sort, view, mark, copy, write, sync, and say what is possible."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from kmptui.domain.listing import RENEWALS, SORTS, Topic, sorting
from kmptui.services.mirror import MIRRORED, SyncReport
from kmptui.tui import present
from kmptui.tui.commands.command import Command, Mode
from kmptui.tui.commands.subject import Subject
from kmptui.tui.widgets.fields import Option

if TYPE_CHECKING:
    from kmptui.tui.tabs.list_tab import ListTab

NOUN = {Topic.AUDIT: "audit"}
"""The command line's noun of a topic, where it is not the topic's name."""
SORT_WORDS = {
    "id": "number", "common_name": "common name", "status": "state", "expires": "expiry", "requested": "request date",
    "not_after": "expiry", "not_before": "issue date", "dcv_expires": "end of DCV", "seq": "time",
}  # fmt: skip


class OnList(Command["ListTab"]):
    """A command of a list tab."""


class OnSubject(Command[Subject]):
    """A command of a list tab or of a details page."""

    def why_not(self, where: Subject) -> str:
        return "" if where.row is not None else "no row is there"


class Open(OnList):
    id = "open"
    mode = Mode.OPENS
    words = "Open the details"
    label = "Open"
    keys = "enter"
    place = 1

    def why_not(self, where: ListTab) -> str:
        return "" if where.row is not None else "no row is there"

    def line(self, where: ListTab) -> str:
        return where.show_line()

    async def run(self, where: ListTab) -> None:
        await where.open_details()


class FilterList(OnList):
    id = "filter"
    mode = Mode.QUICK
    words = "Filter the list"
    label = "Filter"
    keys = "slash"
    place = 7

    async def run(self, where: ListTab) -> None:
        where.edit_filter()


class ClearFilter(OnList):
    id = "clear"
    mode = Mode.QUICK
    words = "Take marks off, then the filter"
    label = "Clear"
    keys = "escape"
    yields = True

    def why_not(self, where: ListTab) -> str:
        return "" if where.marked or where.query_shown.filter else "no row is marked, and no filter is set"

    async def run(self, where: ListTab) -> None:
        where.clear()


class SortList(OnList):
    id = "sort"
    mode = Mode.OPENS
    words = "Sort by another column"
    label = "Sort"
    keys = "o"

    def why_not(self, where: ListTab) -> str:
        return where.why_no_sort()

    async def run(self, where: ListTab) -> None:
        from kmptui.tui.dialogs.choose import ChooseDialog

        options = [
            Option((column, down), f"{SORT_WORDS.get(column, column)}{', last first' if down else ''}")
            for column in SORTS[where.topic]
            for down in (False, True)
        ]
        picked = await where.app.push_screen_wait(ChooseDialog("Sort by", options, sorting(where.query_shown)))
        if picked is not None:
            where.sort(*picked.value)


class View(OnList):
    id = "view"
    mode = Mode.QUICK
    words = "Show all, or only what is current"
    label = "View"
    keys = "u"

    async def run(self, where: ListTab) -> None:
        where.turn_view()


class Mark(OnList):
    id = "mark"
    mode = Mode.QUICK
    words = "Mark the row"
    label = "Mark"
    keys = "space"

    def why_not(self, where: ListTab) -> str:
        return "" if where.row is not None else "no row is there"

    async def run(self, where: ListTab) -> None:
        where.mark()


class MarkAll(OnList):
    id = "mark.all"
    words = "Mark every row of the list"
    label = "Mark all"
    keys = "asterisk"

    async def run(self, where: ListTab) -> None:
        await where.mark_all()


class Copy(OnSubject):
    id = "copy"
    mode = Mode.OPENS
    words = "Copy a name, number or serial; show it raw"
    label = "Copy"
    keys = "y"

    async def run(self, where: Subject) -> None:
        from kmptui.tui.dialogs.copy import CopyDialog, copyable

        await where.app.push_screen_wait(CopyDialog(await copyable(where.lists, where.topic, where.row)))


class WriteList(OnList):
    id = "write"
    mode = Mode.OPENS
    words = "Write this list as CSV or JSON"
    label = "Write"
    keys = "w"

    def line(self, where: ListTab) -> str:
        noun = NOUN.get(where.topic, where.topic.value)
        wanted = f" {shlex.quote(where.query_shown.filter)}" if where.query_shown.filter else ""
        if where.topic is Topic.AUDIT:
            view = where.query_shown.view
            words = {RENEWALS: "auto-renewal audit --export FILE", "plan": f"auto-renewal plan{wanted} --export FILE"}
            return f"kmptui {words.get(view, 'audit export')} --format csv"
        return f"kmptui {noun} list{wanted} --format csv"

    async def run(self, where: ListTab) -> None:
        from kmptui.tui.dialogs.write_list import WriteListDialog

        written = await where.app.push_screen_wait(WriteListDialog(where.write, where.query_shown, where.folder))
        if written is not None:
            where.say(f"{present.counted(written.rows, 'row')} written to {written.path}")


class Sync(OnSubject):
    id = "sync"
    words = "Sync: read organizations, domains, profiles and orders from SCM"
    label = "Sync"
    keys = "s"
    place = 6

    def why_not(self, where: Subject) -> str:  # noqa: ARG002 - possible on an empty list too
        return ""

    def line(self, where: Subject) -> str:
        topics = sync_topics(where.topic)
        return "kmptui sync" + (f" {topics[0].value}" if len(topics) == 1 else "")

    async def run(self, where: Subject) -> None:
        where.say("Syncing …")
        report = await where.mirror.sync(sync_topics(where.topic))
        changed = sum(c.new + c.changed + c.gone for c in report.counts)
        where.say(f"Synced: {counted_rows(report)}; {changed:,} changed" + "".join(f". {w}" for w in report.warnings))


def counted_rows(report: SyncReport) -> str:
    """`8 organizations, 25 domains`."""
    return ", ".join(present.counted(count.total, count.topic.value.removesuffix("s")) for count in report.counts)


def sync_topics(topic: Topic) -> tuple[Topic, ...]:
    """What `s` reads in a tab: its own topic; orders where they are meant; else all that is mirrored."""
    if topic in MIRRORED:
        return (topic,)
    return (Topic.ORDERS,) if topic in {Topic.ORDERS, Topic.CERTIFICATES} else MIRRORED


class Actions(Command[Any]):
    id = "actions"
    mode = Mode.OPENS
    words = "Actions: what is possible here, and why the rest is not"
    label = "Actions"
    keys = "a"
    place = 4

    async def run(self, where: Any) -> None:
        from kmptui.tui.dialogs.actions import ActionsDialog

        await ActionsDialog.choose_and_run(where.app, where.screen, "Actions", everything=False)


LIST_COMMANDS: tuple[type[Command[Any]], ...] = (
    Open, FilterList, ClearFilter, SortList, View, Mark, MarkAll, Copy, WriteList, Sync, Actions,
)  # fmt: skip
DETAILS_COMMANDS: tuple[type[Command[Any]], ...] = (Copy, Sync, Actions)
