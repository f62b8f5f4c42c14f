"""Actions: what is possible where one stands, and why the rest is not. The palette is the same with everything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import App
from textual.screen import Screen

from kmptui.tui.commands.command import perform
from kmptui.tui.commands.gather import Offer, offers
from kmptui.tui.dialogs.choose import ChooseDialog
from kmptui.tui.widgets.fields import Option


class ActionsDialog(ChooseDialog):
    """Ends with the option whose value is the Offer."""

    @classmethod
    async def choose_and_run(cls, app: App[Any], screen: Screen[Any], title: str, *, everything: bool) -> None:
        """Let one be chosen, then do it where it belongs."""
        found = [
            o for o in offers(screen) if everything or (o.where is not app and not o.command.id.startswith("page."))
        ]
        picked = await app.push_screen_wait(cls(title, _options(found)))
        if picked is not None:
            await perform(picked.value.command, picked.value.where)


def _options(found: Sequence[Offer]) -> list[Option[Offer]]:
    """What is possible first, then the rest by its short name, so that there is room for the reason."""
    ordered = sorted(found, key=lambda offer: bool(offer.reason))
    return [
        Option(offer, f"{offer.key:<8} {offer.command.label or offer.command.words}", f"not now: {offer.reason}")
        if offer.reason
        else Option(offer, f"{offer.key:<8} {offer.command.words}")
        for offer in ordered
    ]
