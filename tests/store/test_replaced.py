"""What counts as ordered anew in another's place, and what only serves the same name beside it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from kmptui.store import ledger, successors
from kmptui.store.db import Db
from tests.store.making import STAMP, TODAY, remote

OLD = {"requested": TODAY - timedelta(days=180), "issued": TODAY - timedelta(days=180), "key": "RSA 2048"}
NEW = {"requested": TODAY, "issued": TODAY, "expires": date(2027, 6, 1), "key": "RSA 3072"}


@pytest.mark.parametrize(
    ("members", "replaced"),
    [
        ({}, True),
        ({"key": ""}, True),
        ({"names": ("host1.example.edu", "www.host1.example.edu", "more.example.edu")}, True),
        ({"names": ("host1.example.edu",)}, False),
        ({"profile_id": 4}, False),
        ({"organization_id": 8}, False),
        ({"key": "EC P-256"}, False),
        ({"requested": TODAY - timedelta(days=170), "issued": TODAY - timedelta(days=170)}, False),
        ({"status": "Rejected"}, False),
        ({"expires": date(2026, 12, 1)}, False),
    ],
)
def test_ordered_anew(db: Db, members: dict[str, Any], replaced: bool) -> None:
    ledger.merge(db, [remote(1, "host1.example.edu", **OLD), remote(2, "host1.example.edu", **(NEW | members))], STAMP)
    assert successors.replaced(db, TODAY) == (frozenset({1}) if replaced else frozenset())
