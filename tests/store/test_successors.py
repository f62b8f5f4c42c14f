"""Which orders live on in another certificate: the quick answer against the plain one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kmptui.domain.listing import Query, Topic
from kmptui.store import ledger, listing
from tests.store.making import NOW, STAMP, TODAY, connected, remote

orders = st.fixed_dictionaries(
    {
        "names": st.lists(
            st.sampled_from("abcd").map(lambda label: f"{label}.example.edu"), min_size=1, unique=True
        ).map(tuple),
        "days": st.integers(-3, 6) | st.sampled_from([-30, -31]),
        "status": st.sampled_from(["Issued", "Issued", "Expired", "Revoked", "Applied"]),
    }
)


@settings(max_examples=80, deadline=None)
@given(told=st.lists(orders, max_size=8))
def test_a_successor_has_the_names_and_ends_later(
    tmp_path_factory: pytest.TempPathFactory, told: list[dict[str, Any]]
) -> None:
    with connected(tmp_path_factory.mktemp("successors")) as db:
        remotes = [
            remote(
                n,
                one["names"][0],
                names=one["names"],
                status=one["status"],
                expires=TODAY + timedelta(days=one["days"]),
            )
            for n, one in enumerate(told, 1)
        ]
        ledger.merge(db, remotes, STAMP)
        valid = [(n, one) for n, one in enumerate(told, 1) if one["status"] == "Issued" and one["days"] >= 0]
        expected = [
            n
            for n, one in enumerate(told, 1)
            if one["status"] in {"Issued", "Expired"}
            and one["days"] >= -30
            and any(set(one["names"]) <= set(other["names"]) and other["days"] > one["days"] for _, other in valid)
        ]
        query = Query(Topic.ORDERS, "successor:yes", "id", view="all")
        assert list(listing.ids(db, query, NOW)) == expected
        assert listing.count(db, Query(Topic.ORDERS, "successor:no", view="all"), NOW) == len(told) - len(expected)
