"""Pictures of the Account tab and of every dialog in each of its states, where the terminal is smallest; some where it
is large, light, or without colour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from kmptui.config import Settings
from tests.snapshots.account_scenes import SCENES as ACCOUNT
from tests.snapshots.company_stage import HOME
from tests.snapshots.dialog_scenes import SCENES as DIALOGS
from tests.snapshots.life_scenes import SCENES as LIFE
from tests.snapshots.order_scenes import SCENES as ORDERING
from tests.snapshots.scenes import Scene, with_work
from tests.snapshots.validation_scenes import SCENES as VALIDATING

Compare = Callable[..., bool]
SMALL, WIDE, LARGE = (80, 24), (120, 36), (200, 50)
SCENES = {**ACCOUNT, **ORDERING, **DIALOGS, **VALIDATING, **LIFE}
OF_LISTS = {"filter", "actions", "commands", "help", "sort", "copy", "write", "log", "quit"}
"""Compared with the lists that they belong to."""


@pytest.fixture(autouse=True)
def _home_of_ops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(HOME.parents[2]))


def compare(snap_compare: Compare, scene: Scene, size: tuple[int, int]) -> bool:
    return snap_compare(scene.app(), terminal_size=size, run_before=scene.play)


@pytest.mark.parametrize("name", [name for name in SCENES if name not in OF_LISTS])
def test_small(snap_compare: Compare, name: str) -> None:
    assert compare(snap_compare, SCENES[name], SMALL)


@pytest.mark.parametrize("size", [WIDE, LARGE], ids=["120x36", "200x50"])
@pytest.mark.parametrize(
    "name",
    [
        "link-errors", "account", "order-form", "preview", "export", "settle", "validation-publish", "renew",
        "audit-plan",
    ],
)  # fmt: skip
def test_larger(snap_compare: Compare, name: str, size: tuple[int, int]) -> None:
    assert compare(snap_compare, SCENES[name], size)


@pytest.mark.parametrize(
    "name",
    [
        "account", "link-errors", "order-forty-names", "follow-lost", "settle", "health", "validation-publish",
        "revoke-ready", "renew-many",
    ],
)  # fmt: skip
def test_without_colour(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert compare(snap_compare, SCENES[name], SMALL)


@pytest.mark.parametrize("name", ["account", "order-form", "preview"])
def test_light(snap_compare: Compare, name: str) -> None:
    def light(work: object) -> None:
        work.settings = Settings(theme="light")  # type: ignore[attr-defined]  # a Stage

    scene = SCENES[name]
    assert compare(snap_compare, replace(scene, make=with_work(light, scene.make)), WIDE)
