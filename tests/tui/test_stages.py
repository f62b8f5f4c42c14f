"""Where an order stands: pure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kmptui.domain.order import Hold, Ledger
from kmptui.tui.dialogs.order.stages import finished, stages
from tests.tui.stage import an_order


def states(**row: object) -> list[str]:
    order = an_order(1, "a.example")
    return [stage.state for stage in stages(replace(order, row=replace(order.row, **row)))]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"status": "Requested"}, ["done", "now", "later", "later"]),
        ({"status": "Applied"}, ["done", "done", "now", "later"]),
        ({"status": "Issued"}, ["done", "done", "done", "now"]),
        ({"status": "Issued", "hold": Hold.LIMIT}, ["done", "done", "done", "now"]),
        ({"status": "Issued", "hold": Hold.MISMATCH}, ["done", "done", "done", "wrong"]),
        ({"status": "Issued", "certificate_id": 4}, ["done"] * 4),
        ({"status": "Applied", "hold": Hold.ELSEWHERE, "certificate_id": 4}, ["done"] * 4),
        ({"status": "Rejected", "hold": Hold.KEPT, "certificate_id": 4}, ["done"] * 4),
        ({"status": "Rejected", "hold": Hold.KEPT}, ["done", "done", "done", "now"]),
        ({"status": "Declined"}, ["done", "wrong", "later", "later"]),
        ({"ledger": Ledger.REFUSED}, ["wrong", "later", "later", "later"]),
        ({"ledger": Ledger.UNCONFIRMED}, ["wrong", "later", "later", "later"]),
        ({"ledger": Ledger.NOT_PLACED}, ["wrong", "later", "later", "later"]),
        ({"ledger": Ledger.SENT}, ["now", "later", "later", "later"]),
        ({"status": "Something new"}, ["done", "done", "now", "later"]),
    ],
)
def test_each_state_has_its_steps(row: dict[str, object], expected: list[str]) -> None:
    assert states(**row) == expected


def test_before_the_answer_it_is_being_sent() -> None:
    assert [stage.state for stage in stages(None)] == ["now", "later", "later", "later"]
    assert not finished(None)


def test_the_end_is_known() -> None:
    order = an_order(1, "a.example", status="Issued", certificate=7)
    assert finished(order)
    assert "c7" in stages(order)[-1].words
    assert finished(an_order(1, "a.example", ledger=Ledger.REFUSED))
    assert not finished(an_order(1, "a.example", status="Applied"))
