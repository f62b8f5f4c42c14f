"""Dialogs of a certificate's later life: renew, reissue, revoke, decide, edit, automatic renewal; each empty, filled
in, and where it does not work out; and the views of the seventh tab."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kmptui.domain.listing import Topic
from kmptui.errors import HeldElsewhere, ScmRefused
from tests.snapshots.scenes import Act, Scene, keys, opens, picks, sees, types, typing, with_work

SHOP = 86
ORDERS: Act = typing("5", *"jjjjjjj")


def _of(state: str, way: str, *arguments: Any) -> Act:
    """Open a way for the first order in that state."""

    async def act(pilot: Any) -> None:
        rows = pilot.app.workspace.lists.rows[Topic.ORDERS]
        order_id = next(row.id for row in rows if row.state == state)
        call = {
            "decide": lambda ways: ways.decide(arguments[0], (order_id,)),
            "edit": lambda ways: ways.edit(order_id),
        }[way]
        await opens(call)(pilot)

    return act


def _many(pilot_ways: Any) -> Any:
    rows = pilot_ways._workspace.lists.rows[Topic.ORDERS]
    wanted = [row.id for row in rows if row.state in {"issued", "requested"}][:12]
    return pilot_ways.renew(tuple(wanted))


def _held(work: Any) -> None:
    work.renewing.fails[0] = HeldElsewhere("shop.example.com is worked on", holder="timer on web01, since 03:10")


def _refused(work: Any) -> None:
    rows = [row.id for row in work.lists.rows[Topic.ORDERS] if row.state == "issued"]
    work.renewing.fails[rows[1]] = ScmRefused(
        "SCM refused it", code=-1001, text="DCV", kind="domain", cure="Validate the domain"
    )


def _several(work: Any) -> None:
    work.revoking.several = True


def _already(work: Any) -> None:
    work.revoking.already = "It is revoked already, since 20 Nov 2026: key was exposed"


def _off(work: Any) -> None:
    work.renewal.now = replace(work.renewal.now, on=False)


REVOKE: tuple[Act, ...] = (ORDERS, opens(lambda ways: ways.revoke(order_id=SHOP)))
RENEW: tuple[Act, ...] = (ORDERS, keys("r"))
REISSUE: tuple[Act, ...] = (ORDERS, keys("i"))
SETTINGS: tuple[Act, ...] = (keys("7", "p"),)
SCENES: dict[str, Scene] = {
    "renew": Scene("kmptui orders renew", RENEW),
    "renew-no-csr": Scene("no CSR yet", (*RENEW, picks(key="csr"), types(csr="/nowhere/request.pem"), sees("x "))),
    "renew-held": Scene("timer on web01", (*RENEW, keys("ctrl+y")), with_work(_held)),
    "renew-many": Scene("to renew", (ORDERS, opens(_many))),
    "renewed-many": Scene("taken by SCM", (ORDERS, opens(_many), keys("ctrl+y")), with_work(_refused)),
    "reissue": Scene("The same names as before", REISSUE),
    "reissue-names": Scene(
        "1 added", (*REISSUE, typing("n", *"ew.example.com", "space"), types(reason="a name more"), sees("1 added"))
    ),
    "revoke": Scene("Revoke (off", REVOKE),
    "revoke-ready": Scene(
        "agrees", (*REVOKE, types(reason="private key was on a lost laptop", confirm="9c41")), with_work(_several)
    ),
    "revoked": Scene(
        "SCM says so", (*REVOKE, types(reason="a lost laptop", confirm="9c41"), keys("ctrl+y")), with_work(_several)
    ),
    "revoked-already": Scene("Already revoked", REVOKE, with_work(_already)),
    "cancel": Scene("no message yet", (ORDERS, _of("requested", "decide", "cancel"))),
    "approve": Scene("ctrl+y Approve", (ORDERS, _of("requested", "decide", "approve"), types(message="agreed"))),
    "cancel-too-late": Scene("no cancel any more", (ORDERS, _of("applied", "decide", "cancel"))),
    "edit": Scene("Nothing is changed yet", (ORDERS, _of("requested", "edit"))),
    "auto-renewal": Scene("except name", SETTINGS),
    "auto-renewal-days": Scene("no less than a whole", (*SETTINGS, types(days="120")), with_work(_off)),
    "add-rule": Scene("A rule for auto-renewal", (*SETTINGS, keys("tab", "tab", "tab", "enter"))),
    "order-blocked": Scene("RENEWAL BLOCKED", (ORDERS, keys("enter"))),
    "audit-plan": Scene("view: plan", (keys("7", "u"),)),
    "audit-everything": Scene("attach key", (keys("7", "u", "u", "j"),)),
    "renewal": Scene("New serial", (keys("7", "j", "enter"),)),
}
