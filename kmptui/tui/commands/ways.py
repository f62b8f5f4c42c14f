"""The ways from a list to the dialogs: what a tab may ask for, and who carries it out with which services.

Dialogs are imported when they are first shown, so that the home screen starts without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import App

from kmptui.domain.listing import Topic

if TYPE_CHECKING:
    from kmptui.services.checking import CheckReport
    from kmptui.services.validating import DcvView
    from kmptui.services.workspace import Workspace


class Ways:
    """Opens dialogs on an app with a workspace's services. Each returns when its dialog has closed, and is awaited
    inside a worker; typed errors come out of it."""

    def __init__(self, app: App[Any], workspace: Workspace) -> None:
        self._app = app
        self._workspace = workspace

    def writing(self) -> str:
        """Why nothing may be sent to SCM; empty when it may."""
        frame = getattr(self._app, "frame", None)
        return "read-only: nothing is changed in SCM" if frame is not None and frame.read_only else ""

    async def check(self, order_ids: tuple[int, ...] | None) -> CheckReport:
        """Ask SCM about these orders, or about all that are open."""
        return await self._workspace.checking.check(order_ids)

    async def check_domain(self, domain_id: int) -> DcvView:
        """Ask SCM where the validation of this domain stands."""
        return await self._workspace.validating.state(domain_id)

    async def validate(self, domain_id: int) -> None:
        from kmptui.tui.dialogs.validation import validate_domain

        await validate_domain(self._app, self._workspace, domain_id, self.writing())

    async def validate_behind(self, order_id: int) -> bool:
        """Validate the domain that keeps the order's names from being renewed; whether there is one."""
        domain_id = await self._workspace.validating.behind(order_id)
        if domain_id is not None:
            await self.validate(domain_id)
        return domain_id is not None

    async def order_dcv(self, order_id: int) -> None:
        from kmptui.tui.dialogs.order_dcv import order_dcv

        await order_dcv(self._app, self._workspace, order_id, self.writing())

    async def verify_audit(self) -> None:
        """Check the whole chain, and show the verdict until it is read."""
        from kmptui.tui.dialogs.verdict import VerdictDialog

        await self._app.push_screen_wait(VerdictDialog(await self._workspace.record.verify()))

    async def changes(self) -> None:
        """What somebody else did in SCM, to be acknowledged."""
        from kmptui.tui.dialogs.changes import show_changes

        await show_changes(self._app, self._workspace)

    async def order(self, like: int | None = None) -> None:
        from kmptui.tui.dialogs.order.flow import order_certificate

        await order_certificate(self._app, self._workspace, like)

    async def follow(self, order_id: int) -> None:
        from kmptui.tui.dialogs.order.follow import follow_order

        await follow_order(self._app, self._workspace, order_id)

    async def import_orders(self) -> None:
        from kmptui.tui.dialogs.import_orders import import_orders

        await import_orders(self._app, self._workspace)

    async def export(self, certificate_id: int) -> None:
        from kmptui.tui.dialogs.export import export_certificate

        await export_certificate(self._app, self._workspace, certificate_id)

    async def attach_key(self, certificate_id: int) -> None:
        from kmptui.tui.dialogs.attach_key import attach_key

        await attach_key(self._app, self._workspace, certificate_id)

    async def delete(self, topic: Topic, ids: tuple[int, ...]) -> None:
        """Topic.ORDERS or Topic.CERTIFICATES."""
        from kmptui.tui.dialogs.delete import delete_here

        await delete_here(self._app, self._workspace, topic, ids)

    async def destroy_key(self, certificate_id: int) -> None:
        from kmptui.tui.dialogs.delete import destroy_key

        await destroy_key(self._app, self._workspace, certificate_id)

    async def note(self, order_id: int) -> None:
        from kmptui.tui.dialogs.note import edit_note

        await edit_note(self._app, self._workspace, order_id)

    async def orders_of(self, topic: Topic, ids: tuple[int, ...]) -> tuple[int, ...]:
        """The orders of these rows: certificates stand for the order that they came from, others for themselves."""
        if topic is not Topic.CERTIFICATES:
            return ids
        rows = [(await self._workspace.lists.certificate(number)).row for number in ids]
        return tuple(dict.fromkeys(row.order_id for row in rows if row.order_id is not None))

    async def renew(self, order_ids: tuple[int, ...]) -> None:
        from kmptui.tui.dialogs.renew import renew_orders

        await renew_orders(self._app, self._workspace, order_ids)

    async def retry_blocked(self) -> None:
        from kmptui.tui.dialogs.renew_many import retry_blocked

        await retry_blocked(self._app, self._workspace)

    async def reissue(self, order_id: int) -> None:
        from kmptui.tui.dialogs.reissue import reissue

        await reissue(self._app, self._workspace, order_id)

    async def revoke(self, *, order_id: int | None = None, certificate_id: int | None = None) -> None:
        """One certificate: by its own number, or the one of an order."""
        from kmptui.tui.dialogs.revoke import revoke

        await revoke(self._app, self._workspace, order_id=order_id, certificate_id=certificate_id)

    async def decide(self, act: str, order_ids: tuple[int, ...]) -> None:
        """`act`: cancel, decline or approve."""
        from kmptui.tui.dialogs.decide import decide

        await decide(self._app, self._workspace, act, order_ids)

    async def edit(self, order_id: int) -> None:
        from kmptui.tui.dialogs.edit import edit_order

        await edit_order(self._app, self._workspace, order_id)

    async def toggle_renewal(self, order_ids: tuple[int, ...]) -> str:
        """Choose all of these orders for automatic renewal, or none where all are chosen; what was done, in words."""
        from kmptui.tui.dialogs.auto_renewal import toggle

        return await toggle(self._workspace, order_ids)

    async def renewal_settings(self) -> None:
        from kmptui.tui.dialogs.auto_renewal import renewal_settings

        await renewal_settings(self._app, self._workspace)

    async def settle(self, order_id: int | None = None) -> None:
        """Without an id: the oldest unconfirmed order."""
        from kmptui.tui.dialogs.settle import settle_order

        await settle_order(self._app, self._workspace, order_id)

    async def unlock(self) -> bool:
        """Ask for the vault's passphrase; whether it is open now."""
        from kmptui.tui.dialogs.passphrase import unlock

        return await unlock(self._app, self._workspace)
