"""Editing in SCM: what waits can be changed; the mark survives; SCM's answer is what is known afterwards."""

from __future__ import annotations

import json

import pytest
from cryptography import x509

from kmptui.config import Paths
from kmptui.domain.keys import KeySpec
from kmptui.domain.order import Order, OwnCsr
from kmptui.errors import PreflightFailed, ReadOnly, StateForbids, Unconfirmed
from kmptui.pki import csr, keypair
from kmptui.sandbox.server import Exchange, SandboxServer
from kmptui.scm.requests import Update
from kmptui.services import spelling
from kmptui.services.editing import EditRequest
from kmptui.store import ledger
from tests.sandbox_fixtures import SandboxFactory
from tests.services.rig import Rig, opened, request
from tests.services.test_deciding import others, waiting

NAME = "edit.lab.example.edu"


@pytest.fixture
def sandbox(sandbox_factory: SandboxFactory) -> SandboxServer:
    return sandbox_factory(certificates=2, issue_after=3600)


async def order(rig: Rig, order_id: int) -> Order:
    return await rig.store.read(ledger.order, order_id)


def puts(rig: Rig) -> int:
    return len(rig.requests("PUT /api/ssl/v1"))


async def test_names_term_and_what_stands_beside(paths: Paths, sandbox: SandboxServer) -> None:
    """All at once: a new CSR with the order's own key, the mark kept, the store as SCM answers."""
    async with opened(paths, sandbox) as rig:
        own = await waiting(rig, NAME)
        mark = spelling.mark_in(own.comments)
        assert mark
        changes = EditRequest(
            names=(NAME, "more.lab.example.edu"), term=90, comments="Ticket 4711", requesters=("web@example.edu",)
        )
        shown = await rig.editing.preview(own.id, changes)
        assert (shown.blocked, shown.forbidden) == (False, "")
        assert [name for name, _, _ in shown.changes] == ["names", "term", "comments", "external requesters"]
        assert shown.command == (
            f"kmptui orders edit o{own.id} --add-san more.lab.example.edu --term 90 --comments 'Ticket 4711'"
            " --external-requester web@example.edu"
        )
        assert "CERTIFICATE REQUEST" in shown.body
        assert puts(rig) == 0
        after = await rig.editing.edit(own.id, changes)
        assert puts(rig) == 1
        assert after.names == (NAME, "more.lab.example.edu")
        assert (after.term, after.external_requester) == (90, "web@example.edu")
        assert after.comments == f"Ticket 4711\n{mark}"
        there = sandbox.control(f"orders/{own.ssl_id}")
        assert there["names"] == list(after.names)
        assert there["spki_sha256"] == own.spki == after.spki
        rows = await rig.audit("edit")
        assert [(row.phase, row.outcome) for row in rows] == [("intent", "prepared"), ("outcome", "accepted")]
        assert dict(rows[0].details)["term"] == "90"
        with pytest.raises(StateForbids, match="all of that already"):
            await rig.editing.edit(own.id, changes)
        await rig.deciding.decline([own.id], "try again")
        assert (await rig.editing.edit(own.id, EditRequest(profile_id=2102))).profile_id == 2102  # declined: editable


async def test_two_who_edit_undo_nothing_of_each_other(paths: Paths, sandbox: SandboxServer) -> None:
    """Each saw the order as it was; what the other one did not touch goes on."""
    async with opened(paths, sandbox) as rig:
        seen = await waiting(rig, NAME)
        await rig.editing.edit(seen.id, EditRequest(names=(NAME, "one.lab.example.edu")), seen=seen)
        with pytest.raises(StateForbids, match=r"somebody changed it meanwhile \(names\)"):
            await rig.editing.edit(seen.id, EditRequest(names=(NAME, "two.lab.example.edu")), seen=seen)
        assert (await rig.editing.edit(seen.id, EditRequest(term=90), seen=seen)).term == 90
        known = await order(rig, seen.id)
        await (await rig.engine.client()).update(Update(seen.ssl_id or 0, comments="by a colleague"))
        with pytest.raises(StateForbids, match=r"\(comments\)"):
            await rig.editing.edit(seen.id, EditRequest(comments="Ticket 1"), seen=known)
        assert (await order(rig, seen.id)).names == (NAME, "one.lab.example.edu")
        assert puts(rig) == 3


async def test_a_new_csr_only_for_new_names(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    """The CSR that is sent asks for the new names; with an own CSR only the names are sent, and said."""
    seen: list[Exchange] = []
    sandbox = sandbox_factory(certificates=2, issue_after=3600, observer=seen.append)
    async with opened(paths, sandbox) as rig:
        own = await waiting(rig, NAME)
        await rig.editing.edit(own.id, EditRequest(names=("new.lab.example.edu", NAME)))
        await rig.editing.edit(own.id, EditRequest(term=90))
        private = keypair.generate(KeySpec("EC", "P-256"))
        theirs = await waiting(rig, "own.lab.example.edu", key=OwnCsr(csr.build(private, ["own.lab.example.edu"])))
        changes = EditRequest(names=("own.lab.example.edu", "own2.lab.example.edu"))
        shown = await rig.editing.preview(theirs.id, changes)
        assert [one.field for one in shown.findings] == ["names"]
        assert not shown.blocked
        await rig.editing.edit(theirs.id, changes)
    bodies = [json.loads(one.request_body) for one in seen if one.method == "PUT"]
    assert [sorted(body) for body in bodies] == [
        ["commonName", "csr", "sslId", "subjectAlternativeNames"],
        ["sslId", "term"],
        ["commonName", "sslId", "subjectAlternativeNames"],
    ]
    made = x509.load_pem_x509_csr(bodies[0]["csr"].encode())
    assert made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
        x509.DNSName
    ) == ["new.lab.example.edu", NAME]


async def test_checked_as_an_order_is(paths: Paths, sandbox: SandboxServer) -> None:
    """A term that the profile does not offer, a name of nobody's domain: refused with its field, nothing is sent. What
    is not changed is not held against it."""
    async with opened(paths, sandbox) as rig:
        own = await waiting(rig, NAME)
        for changes, field in (
            (EditRequest(term=17), "term"),
            (EditRequest(names=("a b.lab.example.edu",)), "names"),
            (EditRequest(names=(NAME, "x.strange.example")), "names"),
            (EditRequest(comments="x" * 1025), "comments"),
            (EditRequest(comments="x" * 1010), "comments"),
            (EditRequest(requesters=("nobody",)), "requesters"),
            (EditRequest(profile_id=2105), "organization"),
        ):
            with pytest.raises(PreflightFailed) as refused:
                await rig.editing.edit(own.id, changes)
            assert field in {one.field for one in refused.value.findings}, changes
            assert (await rig.editing.preview(own.id, changes)).blocked
        assert puts(rig) == 0
        sandbox.control("domains/lab.example.edu", {"expires": "2020-01-01"})
        await rig.mirror.sync()
        assert spelling.unmarked((await rig.editing.edit(own.id, EditRequest(comments="still fine"))).comments) == (
            "still fine"
        )
        with pytest.raises(PreflightFailed):
            await rig.editing.edit(own.id, EditRequest(term=90))


async def test_only_what_stands_beside_later(paths: Paths, sandbox: SandboxServer) -> None:
    """With the CA, names are SCM's no more to change; comments and requesters are, and can be emptied."""
    async with opened(paths, sandbox) as rig:
        placed = await rig.ordering.place(request("later.example.com"))
        await rig.checking.check([placed.order_id or 0])
        own = await order(rig, placed.order_id or 0)
        assert rig.editing.why_not(own) == ""
        with pytest.raises(StateForbids, match="approved"):
            await rig.editing.edit(own.id, EditRequest(names=("other.example.com",)))
        (theirs,) = await others(rig, "q.lab.example.edu", comments="old", externalRequester="a@example.edu")
        after = await rig.editing.edit(theirs.id, EditRequest(comments="", requesters=()))
        assert (after.comments, after.external_requester) == ("", "")
        assert sandbox.control(f"orders/{theirs.ssl_id}")["comments"] == ""
        rig.settings(read_only=True)
        with pytest.raises(ReadOnly):
            await rig.editing.edit(own.id, EditRequest(comments="x"))


@pytest.mark.parametrize("acts_first", [True, False])
async def test_a_lost_answer(paths: Paths, sandbox: SandboxServer, acts_first: bool) -> None:
    async with opened(paths, sandbox) as rig:
        own = await waiting(rig, NAME)
        rig.fault("status", "PUT /ssl/v1", status=502, act=acts_first)
        changes = EditRequest(term=90, comments="changed")
        if acts_first:
            assert (await rig.editing.edit(own.id, changes)).term == 90
        else:
            with pytest.raises(Unconfirmed, match="orders check"):
                await rig.editing.edit(own.id, changes)
            assert (await order(rig, own.id)).term == 199
        assert puts(rig) == 1
        assert (await rig.audit("edit"))[-1].outcome == "unconfirmed"


async def test_what_the_mirror_forbids_is_read_anew_first(paths: Paths, sandbox: SandboxServer) -> None:
    """A validation that was mended meanwhile does not keep the change; one that was not, does."""
    changes = EditRequest(names=(NAME, "more.lab.example.edu"))
    async with opened(paths, sandbox) as rig:
        own = await waiting(rig, NAME)
        sandbox.control("domains/lab.example.edu", {"expires": "2020-01-01"})
        await rig.mirror.sync()
        with pytest.raises(PreflightFailed):
            await rig.editing.edit(own.id, changes)
        sandbox.control("domains/lab.example.edu", {"validate": True})
        assert (await rig.editing.edit(own.id, changes)).names == changes.names
        assert puts(rig) == 1
