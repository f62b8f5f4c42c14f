"""Profiles: SCM's products with their terms and keys, and who may use them."""

from __future__ import annotations

from typing import Any

from kmptui.domain.listing import Topic
from kmptui.domain.profile import Profile
from kmptui.tui.tabs import tones
from kmptui.tui.tabs.list_tab import ListTab
from kmptui.tui.widgets.columns import Column
from kmptui.tui.widgets.details import Details, fact, facts


def terms(profile: Profile) -> str:
    """`90, 199 d`."""
    return ", ".join(f"{term:,}" for term in sorted(profile.terms)) + " d" if profile.terms else "none"


def keys(profile: Profile) -> str:
    """`RSA 2048, EC P-256`."""
    return ", ".join(str(key) for key in sorted(profile.keys)) or "not told"


COLUMNS = (
    Column("Profile", 26, lambda r, _: (r.name, ""), grow=3, sort="name", most=60),
    Column("Status", 10, lambda r, _: tones.state(r.status), sort="status", grow=1, most=26),
    Column("Terms", 14, lambda r, _: (terms(r), ""), rank=1, grow=1, most=30),
    Column("Keys", 15, lambda r, _: (keys(r), ""), rank=2, grow=2, most=50),
    Column("Used by", 7, lambda r, _: (f"{len(r.organizations):,}", ""), rank=4, right=True),
    Column("Id", 7, lambda r, _: (str(r.id), "muted"), rank=3, right=True, sort="id"),
)


class ProfilesTab(ListTab):
    """The Profiles tab."""

    TOPIC = Topic.PROFILES
    FOLLOWS = frozenset({Topic.PROFILES, Topic.ORGANIZATIONS})
    COLUMNS = COLUMNS

    def empty_words(self) -> str:
        return "No profiles are known here yet.\ns reads them from SCM; before that an account must be linked (1)."

    def show_line(self) -> str:
        return "kmptui profiles list"

    async def details(self, row: Any) -> Details:
        view = await self.lists.profile(row.id)
        profile = view.profile
        alerts = []
        if profile.status == "changed":
            alerts.append("CHANGED  its terms or keys differ from the last acknowledged ones")
        if profile.status == "gone":
            alerts.append("GONE  SCM no longer offers it")
        return Details(
            title=profile.name,
            state=tones.styled(profile.status),
            alerts=tuple(alerts),
            facts=(
                fact("Id", profile.id),
                fact("Description", profile.description or "-"),
                facts("Terms", [f"{term:,} days" for term in sorted(profile.terms)], none="none"),
                facts("Keys", [str(key) for key in sorted(profile.keys)], none="SCM does not tell"),
                facts("Used by", list(view.organizations), most=30, none="no organization of yours"),
            ),
        )
