"""Help for where one stands: every key that counts there, with its words, and what the words of the program mean."""

from __future__ import annotations

from typing import Any

from textual.content import Content
from textual.screen import Screen

from kmptui.tui import present
from kmptui.tui.commands.gather import Offer, offers
from kmptui.tui.keymap import shown_key
from kmptui.tui.widgets.details import wrapped
from kmptui.tui.widgets.dialog import TextDialog

WORDS = (
    ("Order", "one request to SCM, o118; it can have had several certificates"),
    ("Certificate", "what was issued; has a serial, c42"),
    ("Repository", "the certificates and keys that kmptui keeps"),
    ("Sync", "read organizations, domains, profiles (and orders) from SCM; changes nothing there"),
    ("Import", "take orders in that exist in SCM; changes nothing there"),
    ("Check", "ask SCM now for an order's state; fetch the certificate if it is issued"),
    ("Delete here", "kmptui forgets it, SCM keeps it"),
    ("Unconfirmed", "sent, no answer, may exist at SCM"),
    ("Settle", "find out, or say, which order it is, or none"),
    ("DCV", "the proof that a domain is yours; it ends on a date of its own"),
    ("Profile", "SCM's product, with terms and key types"),
    ("MRAO", "SCM's master administrator role"),
)
INDENT, WIDE = 20, 72
FILTER = (
    ("web01 -test", "words that must, and must not, be found"),
    ('org:"Web Ops"', "the field holds the text; org=… is exactly it"),
    ("status:issued", "SCM's word or ours"),
    ("expires<30d", "within 30 days from now; also dates, 2026-12-01"),
    ("covers:NAME", "what serves that host, wildcards included"),
    ("key:yes renew:no", "yes or no"),
    ("id:o118 serial:4A…", "one of them"),
)


class HelpDialog(TextDialog):
    """Made of the commands and bindings of a screen, so that it cannot disagree with them."""

    @classmethod
    def of(cls, screen: Screen[Any]) -> HelpDialog:
        lines = [present.text("Keys that count here", present.STRONG)]
        seen: set[str] = set()
        for offer in offers(screen):
            seen.add(offer.command.id)
            lines.append(_line(_key(offer, screen), offer.command.words))
        plain: dict[str, list[str]] = {}
        for key, found in screen.active_bindings.items():
            if found.binding.description and found.binding.id not in seen and not key.startswith("alt+"):
                plain.setdefault(found.binding.description, []).append(shown_key(key))
        lines += [_line(" ".join(keys[:4]), words) for words, keys in plain.items()]
        for heading, table in (("Filter", FILTER), ("Words", WORDS)):
            lines += [Content(""), present.text(heading, present.STRONG), *(_line(*row) for row in table)]
        return cls("Help", Content("\n").join(lines))


def _key(offer: Offer, screen: Screen[Any]) -> str:
    """The key that reaches it, its own where it is not possible just now, else that of the list in which it stands."""
    if offer.key or offer.command.keys:
        return offer.key or shown_key(offer.command.keys.split(",")[0])
    return "ctrl+p" if offer.where is screen.app else "a"


def _line(key: str, words: str) -> Content:
    """A key and its words, wrapped under themselves."""
    pieces = wrapped(present.line(words), WIDE - INDENT)
    rows = [present.join((present.cell(key, INDENT - 1), present.STRONG), " ", (pieces[0], ""))]
    rows += [present.text(" " * INDENT + piece) for piece in pieces[1:]]
    return Content("\n").join(rows)
