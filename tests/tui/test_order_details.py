"""What is told of one order: how its renewal stands, what mends it, and how that fits beside a list."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kmptui.domain.order import OrderRow
from kmptui.domain.renewal import Decision, Verdict
from kmptui.domain.retrying import Attempt, Trouble
from kmptui.services.life import LifeView
from kmptui.tui.tabs.order_details import mended_by, renewal_cell
from kmptui.tui.widgets.details import Details, content, fact
from tests.tui.fakes import NOW, order_row

DUE = NOW - timedelta(days=1)
CHOSEN: OrderRow = replace(order_row(1), auto_renew=True, next_id=None, next_state="", blocked="")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "due now"),
        ({"next_id": 204, "next_state": "issued"}, "done: o204"),
        ({"next_id": 204, "next_state": "accepted"}, "o204 waits"),
        ({"next_id": 204, "next_state": "unconfirmed"}, "o204 waits"),
        ({"next_id": 204, "next_state": "declined"}, "due now"),
        ({"blocked": "dcv"}, "BLOCKED dcv"),
        ({"blocked": "mirror"}, "BLOCKED"),
        ({"blocked": "unreachable"}, "tried again"),
        ({"blocked": "given up"}, "GIVEN UP"),
    ],
)
def test_how_the_renewal_stands_in_a_word(changes: dict[str, object], words: str) -> None:
    told, _ = renewal_cell(replace(CHOSEN, **changes), DUE, True, NOW)  # type: ignore[arg-type]
    assert told == words
    assert len(told) <= 12, "the column's least width"


@pytest.mark.parametrize(
    ("cause", "cure", "trouble", "words"),
    [
        (
            "DCV of example.edu ended on 20 Nov 2026 (a.example.edu)",
            "Validate it: kmptui domains validate example.edu --method cname",
            Trouble.MIRROR,
            "V validates the domain, then r renews",
        ),
        ("SCM refused it", "", Trouble.DOMAIN, "V validates the domain, then r renews"),
        (
            "example.edu is not delegated to the organization",
            "Have it delegated in SCM (Domains, Delegate), then sync domains",
            Trouble.MIRROR,
            "Have it delegated in SCM (Domains, Delegate), then sync domains (r tries it now)",
        ),
        (
            "automatic renewal is switched off",
            "Switch it on: kmptui auto-renewal enable",
            None,
            "Switch it on (7, then p)",
        ),
        ("it is revoked", "Order like it instead", None, "Order like it instead (N orders like it)"),
    ],
)
def test_the_key_that_mends_it(cause: str, cure: str, trouble: Trouble | None, words: str) -> None:
    decision = Decision(Verdict.BLOCKED, cause, NOW, None, cause, cure)
    attempt = Attempt(1, trouble, cause, cure, NOW, NOW) if trouble is not None else None
    assert mended_by(LifeView((), (), decision, attempt)) == words


def test_where_room_is_short_a_long_text_stands_below_its_label() -> None:
    told = Details("o1", ("issued", ""), facts=(fact("Key", "RSA 2048"), fact("Serial", "4A:" * 9 + "4A")))
    wide, narrow = content(told, 70).plain.splitlines(), content(told, 36).plain.splitlines()
    assert wide[1:] == ["Key          RSA 2048", "Serial       " + "4A:" * 9 + "4A"]
    assert narrow[1:] == ["Key          RSA 2048", "Serial", "  " + "4A:" * 9 + "4A"]
    assert content(told, 25).plain.splitlines()[-2:] == ["  " + "4A:" * 7, "  4A:4A:4A"], "cut between pairs"


def test_a_long_label_is_not_cut() -> None:
    told = Details("7", ("done", ""), facts=(fact("organizations", "8 (0 new)"),))
    assert content(told, 70).plain.splitlines()[1:] == ["organizations", "  8 (0 new)"]


def test_a_long_state_is_told_whole() -> None:
    told = Details("o1 shop.example.edu", ("expired, ended 28 Oct 2026, 29 d ago", ""))
    assert content(told, 30).plain.splitlines() == ["o1 shop.example.edu", "expired, ended 28 Oct 2026, 29", "d ago"]
