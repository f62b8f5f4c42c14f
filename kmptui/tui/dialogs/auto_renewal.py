"""Auto-renewal: on or off, how many days before the end, and the rules that choose; all of it local until it is due."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option as Line

from kmptui.domain.renewal import Policy, days_of
from kmptui.domain.selection import Rule
from kmptui.errors import BadInput, Finding
from kmptui.tui import present, workers
from kmptui.tui.dialogs.add_rule import AddRuleDialog, NewRule
from kmptui.tui.widgets.dialog import Dialog, TextDialog
from kmptui.tui.widgets.fields import CheckField, Field, TextField

if TYPE_CHECKING:
    from kmptui.services.ordering import FormFacts
    from kmptui.services.workspace import Workspace

MOST_ROWS = 8


@dataclass(frozen=True, slots=True)
class RenewalSettings:
    """What is to be saved: the policy, rules to be added and the numbers of those that go."""

    on: bool
    days: int
    beside_scm: bool
    added: tuple[NewRule, ...]
    removed: tuple[int, ...]


class RulesList(OptionList):
    """The rules; the last line adds one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
        Binding("delete,backspace", "screen.drop_rule", "Remove the rule", show=False),
    ]
    DEFAULT_CSS = """
    RulesList { height: auto; border: none; padding: 0; background: transparent; scrollbar-size-vertical: 1; }
    RulesList:focus { border: none; }
    RulesList > .option-list--option { padding: 0; }
    """

    def action_cursor_up(self) -> None:
        """Up from the first line leads out, to the fields."""
        if self.highlighted:
            super().action_cursor_up()
        else:
            self.screen.focus_previous()


class AutoRenewalDialog(Dialog[RenewalSettings]):
    """Ends with what is to be saved; until then nothing is."""

    TITLE = "Auto-renewal"
    ACT = "Save"
    DEFAULT_CSS = """
    AutoRenewalDialog RulesList { max-height: 9; }
    AutoRenewalDialog .rules-head { margin-top: 1; }
    AutoRenewalDialog #field-days > LineInput { width: 8; }
    AutoRenewalDialog #field-days > .field-note { width: 1fr; }
    AutoRenewalDialog .days-note { height: 3; padding-left: 15; }
    AutoRenewalDialog .command-line { min-height: 2; }
    """

    def __init__(
        self,
        policy: Policy,
        rules: Sequence[Rule],
        facts: FormFacts,
        ask: Callable[[int], Awaitable[Sequence[Finding]]],
    ) -> None:
        super().__init__()
        self._policy = policy
        self._rules = tuple(rules)
        self._facts = facts
        self._ask = ask
        self._added: list[NewRule] = []
        self._removed: set[int] = set()

    def body(self) -> ComposeResult:
        words = (
            "What is chosen is renewed by the scheduled run so many days before its end, or when a third of its "
            "lifetime is left, whichever is later. A choice by hand (t in the lists) goes before every rule."
        )
        yield Static(present.text(words))
        yield CheckField("on", "Auto-renewal", "on", self._policy.on)
        yield TextField("days", "Days before", str(self._policy.days_before), check=days_of)
        yield Static(classes="days-note")
        yield CheckField("beside_scm", "SCM's own", "renew also what SCM renews by itself", self._policy.beside_scm)
        yield Static(present.text("Rules: enter adds one, delete takes one off", present.STRONG), classes="rules-head")
        yield RulesList(compact=True, markup=False)
        yield Static(classes="command-line")

    def on_mount(self) -> None:
        super().on_mount()
        self._draw()
        self.start(self._weigh, group="weigh", exclusive=True)

    @on(Field.Edited)
    def _edited(self, event: Field.Edited) -> None:
        event.stop()
        self.show_error(None)
        self._draw_command()
        self.start(self._weigh, group="weigh", exclusive=True)

    async def _weigh(self) -> None:
        """Beside the days: what they mean where a certificate is short."""
        field = self._field("days")
        note = self.query_one(".days-note", Static)
        if not field.validate_now():
            note.update("")
            return
        found = await self._ask(days_of(field.value))
        grave = next((finding for finding in found if not finding.hint), None)
        shown = grave or next(iter(found), None)
        style = present.WARNING if grave is None else present.ERROR
        note.update(present.text(f"! {shown.cause}" if shown is not None else "", style))

    def _draw(self) -> None:
        shown = self.query_one(RulesList)
        at = shown.highlighted
        lines = []
        for rule in self._rules:
            gone = rule.id in self._removed
            lines.append(_line("-" if gone else " ", rule.words, present.MUTED if gone else present.PLAIN))
        lines += [_line("+", new.words, present.GOOD) for new in self._added]
        lines.append(_line(" ", "add a rule ..."))
        shown.set_options(lines)
        shown.highlighted = min(at if at is not None else len(lines) - 1, len(lines) - 1)
        self._draw_command()
        self.draw_keys()

    def _draw_command(self) -> None:
        """The command lines that save what differs."""
        line = "; ".join(f"kmptui auto-renewal {words}" for words in self._commands())
        self.query_one(".command-line", Static).update(present.text(line, present.MUTED))

    def _commands(self) -> list[str]:
        before, found = self._policy, []
        on, beside = bool(self._field("on").value), bool(self._field("beside_scm").value)
        days = str(self._field("days").value).strip()
        if days != str(before.days_before):
            found.append(f"set --days-before {shlex.quote(days)}")
        if on != before.on:
            found.append("enable" if on else "disable")
        if beside != before.beside_scm:
            found.append(f"set {'--beside-scm' if beside else '--leave-to-scm'}")
        found += [f"rule remove {number}" for number in sorted(self._removed)]
        for new in self._added:
            found.append(f"rule add --{new.kind} {shlex.quote(new.value)}{' --except' if new.exclude else ''}")
        return found or ["show"]

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        workers.start(self, self._add, name="add rule")

    async def _add(self) -> None:
        """Enter, wherever the bar stands: it only opens the form of a rule."""
        added = await self.app.push_screen_wait(AddRuleDialog(self._facts))
        if added is not None:
            if added.key not in {new.key for new in self._added}:
                self._added.append(added)
            self._draw()

    def action_drop_rule(self) -> None:
        """Take the rule under the bar off, or put it back; it goes with ctrl+y."""
        at = self.query_one(RulesList).highlighted
        if at is None:
            return
        if at < len(self._rules):
            self._removed ^= {self._rules[at].id}
        elif at - len(self._rules) < len(self._added):
            del self._added[at - len(self._rules)]
        self._draw()

    def _field(self, name: str) -> Any:
        return next(field for field in self.fields() if field.name == name)

    async def act(self) -> None:
        days = days_of(self._field("days").value)
        for finding in await self._ask(days):
            if not finding.hint:
                raise BadInput("days", finding.cause, cure=finding.cure)
        on, beside = self._field("on").value, self._field("beside_scm").value
        self.dismiss(RenewalSettings(on, days, beside, tuple(self._added), tuple(sorted(self._removed))))


def _line(mark: str, words: str, style: str = present.PLAIN) -> Line:
    return Line(present.text(f"{mark} {words}", style, 72))


async def renewal_settings(app: App[Any], workspace: Workspace) -> None:
    """Show what is set, save what was changed, and tell what that means."""
    renewal = workspace.renewal
    policy, rules = renewal.refreshed(), await renewal.rules()
    dialog = AutoRenewalDialog(policy, rules, await workspace.ordering.facts(), renewal.days_findings)
    wanted = await app.push_screen_wait(dialog)
    if wanted is None:
        return
    told = await _saved(workspace, policy, wanted)
    if wanted.added:
        await app.push_screen_wait(TextDialog("Auto-renewal", Content("\n").join(map(present.text, told))))
    elif say := getattr(app, "say", None):
        say("; ".join(told))


async def _saved(workspace: Workspace, before: Policy, wanted: RenewalSettings) -> list[str]:
    renewal = workspace.renewal
    told = []
    if wanted.days != before.days_before:
        await renewal.set_days(wanted.days)
        told.append(f"Renewed {present.counted(wanted.days, 'day')} before the end")
    if wanted.on != before.on:
        await (renewal.enable() if wanted.on else renewal.disable())
        told.append(f"Auto-renewal is {'on' if wanted.on else 'off'}")
    if wanted.beside_scm != before.beside_scm:
        await renewal.set_beside_scm(wanted.beside_scm)
        told.append("What SCM renews by itself is " + ("renewed too" if wanted.beside_scm else "left to SCM"))
    for number in wanted.removed:
        rule = await renewal.remove_rule(number)
        told.append(f"Rule off: {present.line(rule.words)}")
    for new in wanted.added:
        rule, matched = await renewal.add_rule(new.kind, new.value, exclude=new.exclude)
        told.append(f"Rule {rule.id}, {present.line(rule.words)}. {matched.words}")
    if wanted.added and not wanted.on:
        told.append("Auto-renewal is off as a whole")
    return told or ["Nothing was changed"]


async def toggle(workspace: Workspace, order_ids: tuple[int, ...]) -> str:
    """Choose all of these, or none where all are chosen; in words, with what undoes it."""
    rows = [(await workspace.lists.order(order_id)).row for order_id in order_ids]
    if not rows:
        return "No order is behind it"
    on = not all(row.auto_renew for row in rows)
    if on:
        await workspace.renewal.select(order_ids)
        hopeless = await workspace.renewal.hopeless(order_ids)
    else:
        await workspace.renewal.deselect(order_ids)
        hopeless = ()
    who = f"{rows[0].number} {present.line(rows[0].common_name)}" if len(rows) == 1 else f"{len(rows):,} orders"
    if hopeless:
        which = "it" if len(rows) == 1 else f"{len(hopeless):,} of them"
        return f"Chosen (t undoes it), but {which} cannot be renewed, {present.line(hopeless[0].cause)}: {who}"
    if on and not workspace.renewal.policy().on:
        return f"Chosen (t undoes it), but auto-renewal is off as a whole (7, p): {who}"
    return f"Auto-renewal {'on' if on else 'off'} (t undoes it): {who}"
