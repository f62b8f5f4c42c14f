"""Rows of the record, told to a person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kmptui.config import Paths
from kmptui.domain.audit import AuditRow
from kmptui.domain.listing import Topic
from kmptui.errors import ScmRefused
from kmptui.sandbox.server import SandboxServer
from kmptui.services.history import sentence
from kmptui.services.repository import ExportRequest
from tests.services.homes import linked, rows
from tests.services.rig import request

REFUSAL = "SCM does not accept the profile"


def row(action: str, phase: str = "done", outcome: str = "done", **members: Any) -> AuditRow:
    return AuditRow(1, datetime(2026, 11, 24, tzinfo=UTC), "cli", "ops@acme", action, phase, outcome, "x", **members)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (row("order", "intent", "prepared"), "order written down, to be sent"),
        (row("order", "outcome", "accepted", details=(("ssl id", "47"),)), "order taken by SCM as scm:47"),
        (row("renew", "outcome", "refused", reason=REFUSAL), f"renewal refused by SCM: {REFUSAL}"),
        (row("renew", "done", "blocked", reason="it is renewed"), "renewal not sent: it is renewed"),
        (row("renew", "outcome", "not renewed", reason="its DCV ended"), "not renewed: its DCV ended"),
        (row("renew", "outcome", "given up", reason="it ended"), "given up: it ended"),
        (row("auto-renewal", reason="chosen by hand"), "automatic renewal: chosen by hand"),
        (row("renew", "intent", details=(("renews", "o4, scm:9"),)), "renewal of o4, scm:9 written down, to be sent"),
        (row("reissue", "outcome", "accepted"), "reissue taken by SCM, its certificate is awaited"),
        (row("collect", outcome="noted", reason="it ends early"), "what came differs: it ends early"),
        (row("reissue", "outcome", "unconfirmed"), "reissue sent, without a clear answer"),
        (
            row("revoke", "intent", "prepared", details=(("reason code", "1 (key was exposed)"), ("reason", "lost"))),
            "revocation written down, to be sent (reason 1 (key was exposed): lost)",
        ),
        (row("revoke", "outcome", "accepted"), "revocation taken by SCM"),
        (row("revoke", "outcome", "done", reason="SCM says -159"), "revoked already: SCM says -159"),
        (row("revoke", "outcome", "not done"), "revocation not carried out"),
        (
            row("crl", details=(("list", "http://crl.example/x.crl"), ("since", "2026-11-26T10:11:12+00:00"))),
            "in the CA's list of revoked certificates since 2026-11-26 10:11 UTC, http://crl.example/x.crl",
        ),
        (
            row("cancel", "intent", "prepared", details=(("message", "ordered twice"),)),
            "cancellation of the request written down, to be sent (ordered twice)",
        ),
        (row("approve", "outcome", "accepted"), "approval of the request taken by SCM"),
        (row("decline", "outcome", "unconfirmed"), "decline of the request sent, without a clear answer"),
        (row("edit", "outcome", "refused", reason=REFUSAL), f"change of the order in SCM refused by SCM: {REFUSAL}"),
        (row("collect"), "fetched into the repository"),
        (row("delete", reason="SCM keeps it"), "deleted here: SCM keeps it"),
        (row("export", details=(("format", "pem"), ("to", "/x.pem"))), "exported as pem to /x.pem"),
        (row("collect", outcome="failed"), "collect failed"),
        (row("something new"), "something new done"),
    ],
)
def test_each_in_its_words(told: AuditRow, words: str) -> None:
    assert sentence(told) == words


async def test_the_history_of_an_order(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, mirrored=True) as opened:
        placed = await opened.ordering.place(request("told.example.com"))
        sandbox.control("clock", {"advance": 60})
        assert placed.order_id is not None
        await opened.checking.check([placed.order_id])
        (certificate,) = await rows(opened, Topic.CERTIFICATES)
        await opened.repository.export(ExportRequest(certificate.id, "pem", only="chain"))
        await opened.repository.annotate(placed.order_id, note="ask webops", contact="")
        told = [one.words for one in await opened.lists.order_history(placed.order_id)]
        assert told[0] == "note changed"
        assert any(words.startswith("exported as pem chain") for words in told)
        assert told[-3:] == [
            "fetched into the repository",
            f"order taken by SCM as scm:{placed.ssl_id}",
            "order written down, to be sent",
        ]
        sandbox.control("profiles/2103", {"gone": True})
        with pytest.raises(ScmRefused):
            await opened.ordering.place(request("refused.example.com"))
        (refused,) = await rows(opened, Topic.ORDERS, "refused.example.com")
        assert (await opened.lists.order_history(refused.id))[0].words.startswith("order refused by SCM: ")
