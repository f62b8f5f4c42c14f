"""The reply to an order, a renewal or a reissue never comes: it is found again and taken over with its key, or it was
not placed and is sent again, or a person is asked. One of each at the server, whatever happened."""

from __future__ import annotations

import asyncio
import json
import random
import re
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from kmptui.config import Paths
from kmptui.domain.order import Ledger, Order
from kmptui.domain.renewable import ReissueRequest, RenewalRequest, SameKey
from kmptui.errors import KmptuiError, Unconfirmed
from kmptui.sandbox.server import SandboxConfig, SandboxServer, running
from kmptui.services.ordering import Placed
from kmptui.store import certificates, keys, ledger
from kmptui.store.ledger.proof import contradiction
from kmptui.tui.dialogs.settle import SettleDialog
from tests.answering import Answering
from tests.benchmarks.stage import ROOT
from tests.e2e.keyboard import at_home, flat, press, the_app
from tests.reliability.commands import Commands, Conditions, Ended
from tests.reliability.tally import Tally
from tests.services.rig import Rig, opened, request
from tests.services.steps import csr, fetched, issued, order_of
from tests.tui.acting import is_open, shown, until

CHILD = ROOT / "tests" / "services" / "child.py"
LONG = 25
"""From this number on everything happens to every act; below, one of each kind to each act."""
UNMARKED = "x" * 1_010
"""Comments without room for a mark."""
NEVER = 1_000_000
REPLIES: dict[str, dict[str, Any]] = {
    "closes": {"kind": "drop-after"},
    "502": {"kind": "status", "status": 502, "act": True},
    "503": {"kind": "status", "status": 503, "act": True, "headers": {"Retry-After": "1"}},
    "429": {"kind": "status", "status": 429, "act": True},
    "HTML": {"kind": "html", "act": True},
    "half an answer": {"kind": "truncate", "size": 0},
    "a redirect": {"kind": "redirect", "act": True},
}
"""SCM takes it, and answers so."""
NOTHING: dict[str, dict[str, Any]] = {
    "closes first": {"kind": "drop-before"},
    "502 without acting": {"kind": "status", "status": 502, "act": False},
    "HTML without acting": {"kind": "html", "act": False},
}
"""SCM takes nothing, and answers so."""
KILLED = {
    "killed after the answer": "after answer",
    "killed after sent": "after sent",
    "killed before sent": "before sent",
}
"""By the point at which `child` dies."""
FULL = "the disk is full"


async def _order(rig: Rig, name: str, _old: Order | None) -> Placed:
    return await rig.ordering.place(request(name))


async def _renew(rig: Rig, _name: str, old: Order | None) -> Placed:
    assert old is not None
    return await rig.renewing.renew(RenewalRequest(old.id))


async def _renew_with_the_old_key(rig: Rig, _name: str, old: Order | None) -> Placed:
    assert old is not None
    return await rig.renewing.renew(RenewalRequest(old.id, SameKey()))


async def _reissue(rig: Rig, _name: str, old: Order | None) -> Placed:
    assert old is not None
    return await rig.reissuing.reissue(ReissueRequest(old.id, "a key was lost"))


ACTS: dict[str, tuple[str, Callable[[Rig, str, Order | None], Awaitable[Placed]]]] = {
    "order": ("POST /ssl/v1/enroll", _order),
    "renew": ("POST /ssl/v1/renewById", _renew),
    "renew with the old key": ("POST /ssl/v1/renewById", _renew_with_the_old_key),
    "reissue": ("POST /ssl/v1/replace", _reissue),
}
"""The line of its request, and how it is asked for."""


async def prove(tally: Tally, number: int, folder: Path) -> None:
    draw = random.Random(tally.seed)
    long = number >= LONG
    with Answering(CHILD) as others, Commands() as commands:
        for round_ in range(max(1, number // LONG)):
            paths = Paths(folder / f"home-{round_}")
            with running(SandboxConfig(certificates=0)) as sandbox:
                async with opened(paths, sandbox) as rig:
                    for act in ACTS:
                        for ending in endings(draw, act, long=long):
                            name = re.sub("[^a-z0-9]+", "-", f"{act} {ending}".lower()).strip("-") + ".example.com"
                            where = f"{act}, {ending}, round {round_}"
                            await Case(tally, rig, paths, others, act, name, where).run(ending)
                    await questions(tally, rig, paths, commands, long=long)
                if long:
                    await by_keys(tally, paths, sandbox)


def endings(draw: random.Random, act: str, *, long: bool) -> list[str]:
    # SCM's yes to a reissue has no body: half of it is all of it
    replies = [name for name in REPLIES if (act, name) != ("reissue", "half an answer")]
    if long:
        return [*replies, *NOTHING, *KILLED, FULL]
    return [draw.choice(replies), draw.choice(list(NOTHING))]


class Case:
    """One act whose reply is lost in one way."""

    def __init__(
        self, tally: Tally, rig: Rig, paths: Paths, others: Answering, act: str, name: str, words: str
    ) -> None:
        self._tally = tally
        self._others = others
        self._rig = rig
        self._paths = paths
        self._act = act
        self._name = name
        self._words = words
        self._old: Order | None = None

    async def run(self, ending: str) -> None:
        self._tally.count("replies lost")
        try:
            await self._run(ending)
        except (KmptuiError, AssertionError, ValueError) as error:
            self._require(False, f"{type(error).__name__}: {error}")
        self._rig.sandbox.control("faults", None, method="DELETE")

    def _require(self, true: object, words: str) -> None:
        self._tally.require(true, f"{self._words}: {words}")

    async def _run(self, ending: str) -> None:
        if self._act != "order":
            self._old = await issued(self._rig, self._name)
        await self._lose(ending)
        if ending in REPLIES or ending == "killed after the answer":
            await self._found_again()
        elif ending in NOTHING or ending == "killed after sent":
            await self._not_placed()
        else:
            self._require(not await self._rig.ordering.unconfirmed(), "unconfirmed, though nothing was sent")
            await self._again()
        await self._came()

    async def _lose(self, ending: str) -> None:
        match, ask = ACTS[self._act]
        if fault := REPLIES.get(ending) or NOTHING.get(ending):
            self._rig.fault(match=match, **fault)
            try:
                await ask(self._rig, self._name, self._old)
            except Unconfirmed:
                with suppress(KmptuiError):  # a script that runs twice
                    await ask(self._rig, self._name, self._old)
                    self._require(False, "it was sent a second time")
            else:
                self._require(False, "it was not unconfirmed")
            return
        point = KILLED.get(ending, "disk full")
        words = [str(self._paths.home), self._name, point, self._act]
        status, word = await asyncio.to_thread(self._others.ask, words)
        if ending == FULL:
            self._require((status, word) == (0, "Full"), f"it ends with {status} and says {word}")
        else:
            self._require(status == -signal.SIGKILL, f"it was not killed: {status} {word}")
        await self._rig.ordering.recover()

    async def _found_again(self) -> None:
        (judged,) = await self._rig.ordering.reconcile()
        self._require(judged.ledger is Ledger.ACCEPTED, f"not found again: {judged.words}")
        self._tally.count("found again with their key")

    async def _not_placed(self) -> None:
        (judged,) = await self._rig.ordering.reconcile()
        self._require(judged.ledger is Ledger.UNCONFIRMED, f"judged after one look: {judged.words}")
        self._rig.advance(601)
        (judged,) = await self._rig.ordering.reconcile()
        self._require(judged.ledger is Ledger.NOT_PLACED, f"not told as not placed: {judged.words}")
        self._tally.count("not placed and sent again")
        await self._again()

    async def _again(self) -> None:
        _, ask = ACTS[self._act]
        placed = await ask(self._rig, self._name, self._old)
        self._require(placed.ledger is Ledger.ACCEPTED, f"it cannot be sent again: {placed.words}")

    async def _came(self) -> None:
        """One of it at the server; its certificate is in the repository, for a key that is here."""
        rig = self._rig
        found = rig.created(self._name)
        (newest, *_) = sorted(found, key=lambda one: -one["id"])
        order = await rig.store.read(ledger.order_by_ssl_id, newest["id"])
        assert order is not None, "what SCM took is not here"
        order = await fetched(rig, order.id)
        issues = sum(len(one["certificates"]) for one in rig.created(self._name))
        orders, wanted = (1, 1) if self._act == "order" else (1, 2) if self._act == "reissue" else (2, 2)
        self._require(len(found) == orders, f"{len(found)} orders at the server")
        self._require(issues == wanted, f"{issues} certificates issued")
        self._tally.count("at the server", 1)
        certificate = await rig.store.read(certificates.certificate, order.row.certificate_id or 0)
        self._require(await rig.store.read(keys.key, certificate.spki), "its key is lost")
        self._require(certificate.spki == order.spki, "its certificate has another key")
        wrong = await rig.store.read(contradiction)
        self._require(not wrong, wrong)


async def asked(rig: Rig, act: str, name: str, kind: str) -> tuple[Order, list[int]]:
    """An act whose reply is lost while a colleague orders the same; its row, and what SCM has that may be it."""
    old = None if act == "order" else await issued(rig, name)
    rig.sandbox.control("settings", {"issue_after": NEVER})
    match, ask = ACTS[act]
    rig.fault(kind, match)
    with suppress(Unconfirmed):
        await (rig.ordering.place(request(name, comments=UNMARKED)) if act == "order" else ask(rig, name, old))
    body = {"commonName": name, "orgId": 7101, "certType": 2103, "term": 199, "comments": "x"}
    for _ in range(1 if kind == "drop-after" else 2):
        rig.sandbox.control("orders", body)
    found = await rig.store.read(ledger.find, name) if act == "order" else (await order_of(rig, old and old.id)).next_id
    rivals = [one["id"] for one in rig.created(name) if old is None or one["id"] != old.ssl_id]
    return await order_of(rig, found), rivals


async def questions(tally: Tally, rig: Rig, paths: Paths, commands: Commands, *, long: bool) -> None:
    """Several orders of SCM may be it: nothing is sent, the question tells what speaks for each, the answer holds."""
    cases = [("order", "drop-before"), ("order", "drop-after"), ("renew", "drop-after")]
    for act, kind in cases if long else cases[1:2]:
        where = f"several may be the {act}, {kind}"
        name = f"several-{act}-{kind}.example.com"
        order, rivals = await asked(rig, act, name, kind)
        sent = len(rig.requests("POST"))
        (judged,) = await rig.ordering.reconcile()
        tally.require(judged.ledger is Ledger.UNCONFIRMED, f"{where}: it was decided: {judged.words}")
        tally.require("settle" in (await order_of(rig, order.id)).problem, f"{where}: the question is not in the row")
        shown_ = await _settle(commands, paths, order.id, "--json")
        tally.require(shown_.code == 3, f"{where}: the list of candidates ends with {shown_.code}")
        told = json.loads(shown_.out)
        tally.require(sorted(one["ssl_id"] for one in told) == sorted(rivals), f"{where}: it lists {told}")
        tally.require(all(one["reasons"] for one in told), f"{where}: nothing is said for one of {told}")
        ours = [one["id"] for one in rig.created(name) if one["id"] in rivals and one["spki_sha256"] == order.spki]
        answer = ["--is", str(ours[0])] if ours else ["--none"]
        done = await _settle(commands, paths, order.id, *answer, "--yes")
        tally.require(done.code == 0, f"{where}: settle {answer} ends with {done.code}, {done.err}")
        settled = (await order_of(rig, order.id)).row
        expected = Ledger.ACCEPTED if ours else Ledger.NOT_PLACED
        tally.require(settled.ledger is expected, f"{where}: after the answer it is {settled.ledger}")
        tally.require(len(rig.requests("POST")) == sent, f"{where}: something was sent")
        tally.count("questions answered by the command")
        rig.sandbox.control("settings", {"issue_after": 2})
    if long:
        await a_reissue_between(tally, rig, paths, commands)


async def a_reissue_between(tally: Tally, rig: Rig, paths: Paths, commands: Commands) -> None:
    """A reissue that SCM never got, while a colleague had the same order reissued: whose it is nobody can tell from
    there, and what has another key is not taken over even if a person says so."""
    name = "several-reissue.example.com"
    old = await issued(rig, name)
    rig.fault("drop-before", ACTS["reissue"][0])
    with suppress(Unconfirmed):
        await _reissue(rig, name, old)
    await (await rig.engine.client()).replace(old.ssl_id or 0, csr(name).pem, "by a colleague")
    rig.advance(60)
    sent = len(rig.requests("POST"))
    (judged,) = await rig.ordering.reconcile()
    where = "a colleague's reissue"
    tally.require(judged.ledger is Ledger.UNCONFIRMED, f"{where}: it was decided: {judged.words}")
    tally.require("settle" in (await order_of(rig, old.id)).problem, f"{where}: the question is not in the row")
    shown_ = await _settle(commands, paths, old.id, "--json")
    told = [(one["ssl_id"], "for another key" in one["reasons"][0]) for one in json.loads(shown_.out)]
    tally.require((shown_.code, told) == (3, [(old.ssl_id, True)]), f"{where}: it lists {shown_.out}")
    wrong = await _settle(commands, paths, old.id, "--is", str(old.ssl_id), "--yes")
    tally.require(wrong.code == 2 and "another key" in wrong.err, f"{where}: it was taken, {wrong.err}")
    done = await _settle(commands, paths, old.id, "--none", "--yes")
    tally.require(done.code == 0, f"{where}: settle ends with {done.code}, {done.err}")
    tally.require(not await rig.ordering.unconfirmed(), f"{where}: it stays unconfirmed")
    tally.require(len(rig.requests("POST")) == sent, f"{where}: something was sent")
    tally.count("questions answered by the command")


async def _settle(commands: Commands, paths: Paths, order_id: int, *words: str) -> Ended:
    patient = Conditions(busy=10)
    return await asyncio.to_thread(
        commands.run, paths.home, "orders", "settle", f"o{order_id}", *words, conditions=patient
    )  # fmt: skip


async def by_keys(tally: Tally, paths: Paths, sandbox: SandboxServer) -> None:
    """The same question on the screen, answered by keys: the one that is ours, then none."""
    for act, kind in (("order", "drop-after"), ("order", "drop-before"), ("renew", "drop-after")):
        name = f"keys-{act}-{kind}.example.com"
        async with opened(paths, sandbox) as rig:
            order, _ = await asked(rig, act, name, kind)
            ours = [one["id"] for one in rig.created(name) if one["spki_sha256"] == order.spki]
            sent = len(rig.requests("POST"))
        where = f"by keys, {act} {kind}"
        async with the_app(paths) as (pilot, workspace):
            await at_home(pilot)
            await press(pilot, "exclamation_mark")
            dialog = await is_open(pilot, SettleDialog)
            text = flat(shown(dialog))
            tally.require("2 orders that may be it" in text and "the same names" in text, f"the dialog says {text}")
            ids = [candidate.ssl_id for candidate in dialog._candidates]
            steps = ids.index(ours[0]) if ours else len(ids)
            await press(pilot, *["down"] * steps, "enter", "ctrl+y")
            await until(pilot, lambda shown_=dialog: pilot.app.screen is not shown_, "the end of the dialog")
            await workspace.own(asyncio.sleep(0))
            await until(pilot, lambda: not workspace.running, "the end of the work")
            settled = await workspace.lists.order(order.id)
        expected = Ledger.ACCEPTED if ours else Ledger.NOT_PLACED
        tally.require(settled.row.ledger is expected, f"{where}: it is {settled.row.ledger}")
        tally.require(settled.ssl_id == (ours[0] if ours else None), f"{where}: it is scm:{settled.ssl_id}")
        posts = sum(one["method"] == "POST" for one in sandbox.control("requests"))
        tally.require(posts == sent, f"{where}: something was sent")
        tally.count("questions answered by keys")
        sandbox.control("settings", {"issue_after": 2})
