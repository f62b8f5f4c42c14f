"""What can be done with the linked account and the vault, from the home screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kmptui.domain.listing import Topic
from kmptui.services.mirror import MIRRORED
from kmptui.tui.commands.command import Command, Mode
from kmptui.tui.commands.list_commands import Actions, counted_rows
from kmptui.tui.messages import AccountChanged

if TYPE_CHECKING:
    from kmptui.tui.tabs.account import AccountTab
    from kmptui.tui.tabs.home_panel import NeedsList


class OnAccount(Command["AccountTab"]):
    """A command that needs a linked account."""

    def why_not(self, where: AccountTab) -> str:
        return "" if where.account is not None else "no account is linked yet"


class OpenNeed(Command["NeedsList"]):
    id = "account.open"
    mode = Mode.QUICK
    words = "Open the list that the line counts"
    label = "Open"
    keys = "enter"
    place = 1

    def why_not(self, where: NeedsList) -> str:
        return "" if where.highlighted is not None else "nothing needs you"

    async def run(self, where: NeedsList) -> None:
        where.action_select()


class SyncAll(OnAccount):
    id = "account.sync"
    words = "Sync: read organizations, domains, profiles and orders from SCM"
    label = "Sync"
    keys = "s"
    place = 3

    def line(self, where: AccountTab) -> str:  # noqa: ARG002 - always all of them
        return "kmptui sync"

    async def run(self, where: AccountTab) -> None:
        report = await where.workspace.mirror.sync((*MIRRORED, Topic.ORDERS))
        where.say("; ".join([f"Synced: {counted_rows(report)}", *report.warnings]))
        await where.refresh_data()


class Health(OnAccount):
    id = "account.health"
    mode = Mode.OPENS
    words = "Health: role, validations that end, the password's end, the clock"
    label = "Health"
    keys = "h"
    place = 4

    def line(self, where: AccountTab) -> str:  # noqa: ARG002
        return "kmptui account health"

    async def run(self, where: AccountTab) -> None:
        from kmptui.tui.dialogs.health import HealthDialog

        last = await where.workspace.health.last()
        await where.app.push_screen_wait(HealthDialog(where.workspace.health, where.workspace.clock, last))
        await where.refresh_data()


class Changes(OnAccount):
    id = "account.changes"
    mode = Mode.OPENS
    words = "Changes: what somebody else did in SCM, before and after"
    label = "Changes"
    keys = "l"
    OPENS = "changes"
    """What a line of the home screen calls this."""

    def line(self, where: AccountTab) -> str:  # noqa: ARG002
        return "kmptui changes list"

    async def run(self, where: AccountTab) -> None:
        await where.ways.changes()
        await where.refresh_data()


class Password(OnAccount):
    id = "account.password"
    mode = Mode.OPENS
    words = "Replace the stored password, after a call has proved the new one"
    label = "Password"
    keys = "p"

    def line(self, where: AccountTab) -> str:  # noqa: ARG002
        return "kmptui account password --password-file -"

    async def run(self, where: AccountTab) -> None:
        from kmptui.tui.dialogs.password import PasswordDialog

        if await where.app.push_screen_wait(PasswordDialog(where.workspace.account)):
            where.say("SCM took the new password; it is kept now")
            where.post_message(AccountChanged())
            await where.refresh_data()


class Test(OnAccount):
    id = "account.test"
    words = "Test the account: one call with the stored credentials"
    label = "Test"
    keys = "T"

    def line(self, where: AccountTab) -> str:  # noqa: ARG002
        return "kmptui account test"

    async def run(self, where: AccountTab) -> None:
        await where.workspace.account.test()
        where.say("SCM takes the login and password")
        await where.refresh_data()


class Vault(OnAccount):
    id = "account.vault"
    words = "Lock the vault, or open it"
    label = "Vault"
    keys = "v"

    def line(self, where: AccountTab) -> str:
        return "kmptui vault lock" if where.vault is not None and where.vault.state == "open" else "kmptui vault status"

    async def run(self, where: AccountTab) -> None:
        from kmptui.tui.dialogs.passphrase import unlock

        if (await where.workspace.vault.status()).state == "open":
            await where.workspace.vault.lock()
            where.say("The vault is locked")
        elif await unlock(where.app, where.workspace):
            where.say("The vault is open")
        await where.refresh_data()


class Passphrase(OnAccount):
    id = "account.passphrase"
    mode = Mode.OPENS
    words = "Give the vault a passphrase, or change it"
    label = "Passphrase"

    def line(self, where: AccountTab) -> str:
        first = where.vault is None or "passphrase" not in where.vault.slots
        return "kmptui vault add-slot passphrase" if first else "kmptui vault change-passphrase"

    async def run(self, where: AccountTab) -> None:
        from kmptui.tui.dialogs.passphrase import ChangePassphraseDialog

        status = await where.workspace.vault.status()
        dialog = ChangePassphraseDialog(where.workspace.vault, first="passphrase" not in status.slots)
        if await where.app.push_screen_wait(dialog):
            where.say("The vault opens with the new passphrase")
        await where.refresh_data()


class AutoRenewal(OnAccount):
    id = "account.auto-renewal"
    mode = Mode.OPENS
    words = "Auto-renewal: on or off, days before the end, rules"
    label = "Auto-renewal"

    def line(self, where: AccountTab) -> str:  # noqa: ARG002
        return "kmptui auto-renewal show"

    async def run(self, where: AccountTab) -> None:
        from kmptui.tui.dialogs.auto_renewal import renewal_settings

        await renewal_settings(where.app, where.workspace)
        await where.refresh_data()


class Unlink(OnAccount):
    id = "account.unlink"
    mode = Mode.OPENS
    words = "Unlink the account: forget it and its password"
    label = "Unlink"

    def line(self, where: AccountTab) -> str:  # noqa: ARG002
        return "kmptui account unlink"

    async def run(self, where: AccountTab) -> None:
        from kmptui.tui.dialogs.unlink import UnlinkDialog

        if where.account is None:
            return
        confirmed = await where.app.push_screen_wait(UnlinkDialog(where.account))
        if confirmed:
            await where.workspace.account.unlink()
            where.say("Unlinked. Orders, certificates, keys and the audit stay here")
            where.post_message(AccountChanged())
            await where.refresh_data()


ACCOUNT_COMMANDS: tuple[type[Command[Any]], ...] = (
    SyncAll, Health, Changes, Password, Test, Vault, Passphrase, AutoRenewal, Unlink, Actions,
)  # fmt: skip
