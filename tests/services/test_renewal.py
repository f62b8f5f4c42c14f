"""Automatic renewal as faces ask for it: what is set, what is chosen, and the plan, from the store alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from kmptui.config import Paths, load_settings
from kmptui.domain.listing import Topic
from kmptui.domain.organization import Organization
from kmptui.domain.profile import Profile
from kmptui.domain.renewal import Policy, Verdict
from kmptui.errors import BadInput, NotFound
from kmptui.services.workspace import Workspace
from kmptui.store import ledger, mirror
from tests.services.homes import rows, workspace
from tests.store.making import remote


@pytest.fixture
async def opened(paths: Paths) -> AsyncIterator[Workspace]:
    """A home that no account is linked to, with 1,200 certificates that end one a day, four profiles, two
    organizations."""
    async with workspace(paths) as here:
        engine = here._engine
        stamp = await engine.stamp()
        today = here.clock.now().date()
        remotes = [
            remote(
                n, f"host{n:04}.example.edu", names=(f"host{n:04}.example.edu",), profile_id=n % 4 + 1, term=199,
                organization_id=7 + n % 2, expires=today + timedelta(days=n % 199 + 1),
                issued=today + timedelta(days=n % 199 - 198), profile=f"DV {n % 4 + 1}",
            )
            for n in range(1, 1201)
        ]  # fmt: skip
        organizations = [Organization(7, "Web Ops"), Organization(8, "Lab")]
        profiles = [Profile(n, f"DV {n}", terms=(199,), organizations=frozenset({7, 8})) for n in range(1, 5)]
        await engine.store.write(mirror.replace_organizations, organizations, stamp)
        await engine.store.write(mirror.replace_profiles, profiles, stamp)
        for at in (0, 1000):
            await engine.store.write(ledger.merge, remotes[at : at + 1000], stamp)
        yield here


async def test_the_policy_is_kept_and_recorded(opened: Workspace, paths: Paths) -> None:
    renewal = opened.renewal
    assert renewal.policy() == Policy(False, 30, False)
    await renewal.enable()
    await renewal.set_beside_scm(True)
    assert await renewal.set_days(20) == ()
    assert renewal.policy() == Policy(True, 20, True)
    (hint,) = await renewal.set_days(80)
    assert "a third of the lifetime" in hint.cause
    for days in (0, 199, 366):
        with pytest.raises(BadInput):
            await renewal.set_days(days)
    assert load_settings(paths.settings).renew_days_before == 80
    assert await renewal.disable() == Policy(False, 80, True)
    told = [row.subject for row in await rows(opened, Topic.AUDIT) if row.action == "settings"]
    assert told[0] == "auto_renewal = False"


async def test_the_plan_of_many(opened: Workspace) -> None:
    """Every chosen one is in it once, what is due first, with its week; the same as each decision for itself."""
    renewal = opened.renewal
    rule, matched = await renewal.add_rule("organization", "Web Ops")
    assert (rule.title, matched.count, matched.of) == ("Web Ops", 600, 1200)
    await renewal.add_rule("profile", "DV 1", exclude=True)
    await renewal.enable()
    plan = await renewal.plan()
    assert len(plan) == 300
    due = [line.due for line in plan]
    assert due == sorted(day for day in due if day is not None)
    now = opened.clock.now()
    for line in plan[::37]:
        decision = await renewal.decision(line.order_id)
        assert (decision.verdict, decision.reason, decision.due_at) == (line.verdict, line.reason, line.due)
        assert line.due is not None
        assert line.verdict is (Verdict.NOT_DUE if line.due > now else Verdict.BLOCKED)  # no domain covers them
        assert line.week is not None
        assert line.week.weekday() == 0
        if line.verdict is Verdict.BLOCKED:
            assert "no domain of this account covers it" in line.cause
            assert line.cure
    assert len(await renewal.plan(10)) == 10
    left_out = await renewal.decision((await rows(opened, Topic.ORDERS, "name=host0004.example.edu"))[0].id)
    assert (left_out.verdict, left_out.reason) == (Verdict.NOT_CHOSEN, "left out by rule 2")


async def test_chosen_by_hand(opened: Workspace) -> None:
    ids = [row.id for row in (await rows(opened, Topic.ORDERS))[:5]]
    assert await opened.renewal.select([*ids, ids[0]]) == 5
    assert await opened.renewal.select(ids[:2]) == 0
    assert await opened.renewal.deselect(ids[:2]) == 2
    assert {line.order_id for line in await opened.renewal.plan()} == set(ids[2:])
    entry = next(
        row for row in await rows(opened, Topic.AUDIT) if row.reason == "chosen by hand" and "more" in row.subject
    )
    assert entry.subject.endswith("and 2 more")
    with pytest.raises(NotFound):
        await opened.renewal.select([ids[0], 99_999])
    with pytest.raises(NotFound):
        await opened.renewal.decision(99_999)
    with pytest.raises(BadInput):
        await opened.renewal.add_rule("colour", "red")
    with pytest.raises(NotFound):
        await opened.renewal.add_rule("profile", "EV of nobody")
