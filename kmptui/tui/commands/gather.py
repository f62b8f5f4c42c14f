"""What can be done where one stands: for the footer, the palette, Actions and the help."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from textual.dom import DOMNode
from textual.screen import Screen

from kmptui.tui.commands.command import Command, Commanded
from kmptui.tui.keymap import shown_key


@dataclass(frozen=True, slots=True)
class Offer:
    """A command on its node, the key that reaches it now as it is shown, and why it is not possible (or "")."""

    command: Command[Any]
    where: Any
    key: str
    reason: str


def offers(screen: Screen[Any]) -> Iterator[Offer]:
    """Every command of the chain from the focus upwards, nearest first, with the keys that really reach it."""
    keys: dict[tuple[str, int], list[str]] = {}
    focused = screen.focused
    typed = {"slash"} if focused is not None and focused.check_consume_key("slash", "/") else set()
    active = {
        key: found for key, found in screen.active_bindings.items() if key not in typed
    }  # Textual misses this one
    for key, found in active.items():
        if found.binding.id and not key.startswith("alt+"):
            keys.setdefault((found.binding.id, id(found.node)), []).append(key)
    seen: set[str] = set()
    for node in chain(screen):
        if not isinstance(node, Commanded):
            continue
        for command in node.commands():
            if command.id in seen:
                continue
            seen.add(command.id)
            reached = keys.get((command.id, id(node)), [])
            if not reached and any(key in active for key in command.keys.split(",")):
                continue  # a nearer command has its key: that one is meant here
            yield Offer(command, node, shown_key(reached[0]) if reached else "", command.why_not(node))


def chain(screen: Screen[Any]) -> list[DOMNode]:
    """The nodes whose keys count now: from the focus up to the app, or to the dialog that is open."""
    found: list[DOMNode] = []
    for node in (screen.focused or screen).ancestors_with_self:
        found.append(node)
        if node.is_modal:
            break
    return found


def footer(screen: Screen[Any], most: int = 6) -> list[tuple[str, str]]:
    """(key, label) of the footer: at most `most`, the help always the last of them."""
    shown = [o for o in offers(screen) if o.command.place and o.key and not o.reason]
    shown.sort(key=lambda offer: offer.command.place)
    helping = [(o.key, o.command.label) for o in shown if o.command.id == "help"]
    others = [(o.key, o.command.label) for o in shown if o.command.id != "help"]
    return others[: most - len(helping)] + helping
