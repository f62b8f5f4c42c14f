"""The Account tab: the link form while nothing is linked, the home screen from then on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult

from kmptui.domain.listing import Topic
from kmptui.errors import VaultLocked
from kmptui.services.account import AccountView
from kmptui.services.mirror import MIRRORED
from kmptui.tui import present
from kmptui.tui.commands.account_commands import ACCOUNT_COMMANDS, Changes
from kmptui.tui.commands.command import perform
from kmptui.tui.commands.list_commands import counted_rows
from kmptui.tui.messages import AccountChanged, StoreChanged
from kmptui.tui.tabs.home_panel import HomePanel, NeedChosen, NeedsList
from kmptui.tui.tabs.link_form import Linked, LinkForm
from kmptui.tui.tabs.tab import Tab

if TYPE_CHECKING:
    from kmptui.services.home import Need
    from kmptui.services.vault import VaultStatus
    from kmptui.services.workspace import Workspace
    from kmptui.tui.commands.ways import Ways

FRESH_FOR = timedelta(minutes=15)
"""Data younger than this is not asked for again by itself."""


class AccountTab(Tab):
    """Stored figures first, before any call; then SCM is asked, and they change in place."""

    TOPIC = Topic.ACCOUNT
    FOLLOWS = frozenset(Topic)
    OFFERS = ACCOUNT_COMMANDS

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self.workspace = workspace
        self.account: AccountView | None = None
        self.vault: VaultStatus | None = None
        self.known = False
        self._asked = False

    def compose(self) -> ComposeResult:
        form = LinkForm(self.workspace.account, self.workspace.vault)
        form.display = False
        yield form
        panel = HomePanel(self.workspace.clock)
        panel.display = False
        yield panel

    @property
    def ways(self) -> Ways:
        ways: Ways = self.app.ways  # type: ignore[attr-defined]  # the app that mounts tabs has them
        return ways

    def on_mount(self) -> None:
        self.start(self._first_look, group="refresh")

    async def _first_look(self) -> None:
        await self.refresh_data()
        self.take_focus()
        if self.account is not None:
            self.call_after_refresh(self.start, self.ask_scm)

    def say(self, words: str) -> None:
        """One line of news."""
        if hasattr(self.app, "say"):
            self.app.say(words)

    async def refresh_data(self) -> None:
        """Everything anew from the store."""
        self.account = await self.workspace.account.view()
        form, panel = self.query_one(LinkForm), self.query_one(HomePanel)
        if self.account is None:
            await form.read_vault()
        else:
            panel.display = True  # which says that it is reading, until it has
            self.vault = await self.workspace.vault.status()
            panel.show(await self.workspace.home.view(), await self._facts(self.account, self.vault))
        changed = not self.known or form.display != (self.account is None)
        self.known = True
        form.display = self.account is None
        panel.display = self.account is not None
        if changed and self.display:
            self.take_focus()
        self.refresh_bindings()

    async def _facts(self, account: AccountView, vault: VaultStatus) -> list[tuple[str, str]]:
        """Account, health, vault and a waiting draft, each in one line."""
        now = self.workspace.clock.now()
        role = {True: ", MRAO", False: ", below MRAO"}.get(account.mrao, "") if account.mrao is not None else ""
        ends = (
            f", password ends {present.relative(account.password_expires, now)} (p)" if account.password_expires else ""
        )
        found = [("Account", f"{account.login}@{account.customer_uri}{role}{ends}")]
        if account.attention:
            found.insert(0, ("Attention", account.attention))
        if vault.problem:
            found.insert(0, ("Attention", vault.problem))
        if account.read_only:
            found.append(("Read-only", account.read_only))
        report = await self.workspace.health.last()
        health = "not looked at yet"
        if report is not None:
            states = [check.state for check in report.checks]
            counts = ((states.count("bad"), "problem"), (states.count("note"), "note"))
            health = ", ".join(present.counted(number, word) for number, word in counts if number) or "fine"
        found.append(("Health", f"{health} (h)"))
        slots = " and ".join(vault.slots) or "none"
        found.append(("Vault", f"{slots}, {vault.state} (v)"))
        if (draft := await self.workspace.drafts.load()) is not None:
            names = dict(draft.members).get("names", "").split("\n")
            first = names[0] or "no name yet"
            found.append(("Draft", f"an order of {first}, left {present.clock(draft.saved, now)}: n goes on with it"))
        return found

    def take_focus(self) -> None:
        if not self.display:
            return
        if self.account is not None:
            needs = self.query_one(NeedsList)
            (needs if needs.display else self.query_one(HomePanel)).focus()
        elif self.known and self.screen.focused is None:
            for field in self.query_one(LinkForm).query("#field-login"):
                field.focus_control()  # type: ignore[attr-defined]  # a Field

    def on_store_changed(self, event: StoreChanged) -> None:
        if self.known:
            super().on_store_changed(event)

    async def ask_scm(self) -> None:
        """Ask SCM about the orders, unless that was done lately; the figures change in place. A vault that needs its
        passphrase is not opened for this."""
        age = await self.workspace.mirror.age(Topic.ORDERS)
        if self._asked or age is None or self.workspace.clock.now() - age < FRESH_FOR:
            return
        self._asked = True
        panel = self.query_one(HomePanel)
        panel.asking("asking SCM")
        try:
            await self.workspace.mirror.sync((Topic.ORDERS,))
        except VaultLocked:
            self.say("The vault is locked: v opens it, s asks SCM")
        finally:
            self._asked = False
            panel.asking("")
        await self.refresh_data()

    @on(NeedChosen)
    def _need_chosen(self, event: NeedChosen) -> None:
        """What no list stands for: the changes in their dialog, anything else with what to do about it."""
        event.stop()
        if event.need.opens == Changes.OPENS:
            self.start(lambda: perform(Changes(), self))
        else:
            self.start(lambda: self._tell(event.need))

    async def _tell(self, need: Need) -> None:
        from kmptui.tui.widgets.dialog import TextDialog

        lines = dict.fromkeys(filter(None, (need.what, need.example, need.cure)))
        await self.app.push_screen_wait(TextDialog(need.word, present.paragraph("\n".join(lines))))

    @on(Linked)
    def _linked(self, event: Linked) -> None:
        event.stop()
        self.post_message(AccountChanged())
        self.start(lambda: self._after_link(event))

    async def _after_link(self, event: Linked) -> None:
        """Show what stands against it, read the mirror, then offer the import."""
        await self.refresh_data()
        result = event.result
        made = f"; the vault is opened by a {result.vault_made}" if result.vault_made else ""
        self.say(f"Linked{made}. Reading organizations, domains and profiles ...")
        if result.warnings:
            from kmptui.tui.widgets.dialog import TextDialog

            said = present.paragraph("\n".join(result.warnings))
            await self.app.push_screen_wait(TextDialog("Linked, but mind this", said))
        self.query_one(HomePanel).asking("reading organizations, domains and profiles")
        try:
            report = await self.workspace.mirror.sync(MIRRORED)
        finally:
            self.query_one(HomePanel).asking("")
        self.say(f"Linked. Read: {counted_rows(report)}" if report.counts else "Linked")
        await self.refresh_data()
        await self.ways.import_orders()
