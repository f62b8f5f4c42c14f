"""Answers of other servers and other days: 25.9's shapes, rows that are odd, what an account may not see."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from kmptui import errors
from kmptui.domain.organization import Validation
from kmptui.scm.asking import MOST_KEPT
from kmptui.scm.client import Update
from tests.scm.scripted import client, http, refused, scripted


async def test_validations_as_the_newer_document_has_them() -> None:
    body = b"""[{"type":"OV","status":"VALIDATED","expires":"2027-01-08T00:00:00.000Z","permittedCertTypes":["SSL"]},
                {"type":"OV","status":"PENDING","permittedCertTypes":["SMIME"]},
                {"type":"EV","status":"EXPIRED","expires":"soon"}, {"status":"FAILED"}]"""
    async with scripted(http(200, body)) as server, client(server.url) as scm:
        assert await scm.validations(1) == (
            Validation("OV_SSL", "VALIDATED", date(2027, 1, 8)),
            Validation("OV_SMIME", "PENDING"),
            Validation("EV_SSL", "EXPIRED"),
            Validation("", "FAILED"),
        )
        assert scm.take_oddities() == ("a validation's end is 'soon', no date",)
        assert scm.take_oddities() == ()


async def test_rows_without_an_id_are_left_out_and_named() -> None:
    body = b"""[{"id":1,"name":"One","departments":[{"id":"x","name":"Odd"},{"id":11,"name":"Web"}]},
                {"name":"Nameless"}, 7]"""
    async with scripted(http(200, body)) as server, client(server.url) as scm:
        assert [o.title for o in await scm.organizations()] == ["One", "One / Web"]
        odd = scm.take_oddities()
    assert "organizations, row 1: departments[0].id is the text 'x'" in odd
    assert "organizations, 'Nameless': it has no usable id" in odd
    assert "organizations, row 3: it is the number 7 where an object should be" in odd


async def test_oddities_do_not_grow_without_end() -> None:
    body = b"[" + b",".join([b'{"id":1,"name":5}'] * 1_000) + b"]"
    async with scripted(http(200, body)) as server, client(server.url) as scm:
        await scm.profiles()
        odd = scm.take_oddities()
    assert len(odd) == MOST_KEPT + 1
    assert odd[-1] == "and more"


async def test_keys_that_kmptui_cannot_make_are_left_out() -> None:
    body = b'[{"id":1,"name":"x","terms":[0,199,-1,30,30],"keyTypes":{"RSA":["1024","2048"],"ED25519":["x"]}}]'
    async with scripted(http(200, body)) as server, client(server.url) as scm:
        (profile,) = await scm.profiles()
    assert [str(key) for key in profile.keys] == ["RSA 2048"]
    assert profile.terms == (30, 199)


async def test_details_of_another_order_are_not_taken() -> None:
    async with scripted(http(200, b'{"sslId":8}'), http(200, b"{}")) as server, client(server.url) as scm:
        with pytest.raises(errors.ScmGarbled, match="order 8, not 7"):
            await scm.details(7)
        with pytest.raises(errors.ScmGarbled, match="no id"):
            await scm.details(7)


@pytest.mark.parametrize("body", [b'{"id":7,"commonName":"a.x"}', b'{"sslId":7,"commonName":"a.x"}'])
async def test_either_name_of_the_id_will_do(body: bytes) -> None:
    async with scripted(http(200, body)) as server, client(server.url) as scm:
        assert (await scm.details(7)).common_name == "a.x"


@pytest.mark.parametrize(("call", "body"), [("organization", b'{"id":8}'), ("domain", b'{"id":8}'), ("domain", b"{}")])
async def test_an_answer_about_something_else_is_garbled(call: str, body: bytes) -> None:
    async with scripted(http(200, body)) as server, client(server.url) as scm:
        with pytest.raises(errors.ScmGarbled, match="not about"):
            await getattr(scm, call)(7)


async def test_a_domain_whose_details_are_closed_keeps_its_name() -> None:
    rows = http(200, b'[{"id":7,"name":"Example.com"}]', X_Total_Count="1")
    async with scripted(rows, refused(403, -37)) as server, client(server.url) as scm:
        (domain,) = await scm.domains()
        assert (domain.id, domain.name, domain.delegations) == (7, "example.com", ())
        assert "may not see" in scm.take_oddities()[0]


@pytest.mark.parametrize("reply", [refused(400, -1010), http(503), http(200, b"[]")])
async def test_trouble_with_one_domains_details_ends_the_reading(reply: bytes) -> None:
    rows = http(200, b'[{"id":7,"name":"a.example"},{"id":8,"name":"b.example"}]')
    async with scripted(rows, reply) as server, client(server.url) as scm:
        with pytest.raises((errors.ScmRefused, errors.Unavailable, errors.ScmGarbled)):
            await scm.domains()


async def test_roles_of_another_shape_are_garbled() -> None:
    replies = http(200, b"[]"), http(200, b"[1]"), http(200, b"[]"), http(200, b"{")
    async with scripted(*replies) as server, client(server.url) as scm:
        for _ in range(2):
            with pytest.raises(errors.ScmGarbled):
                await scm.is_mrao()


async def test_an_orders_validation_as_a_list() -> None:
    body = b"""[{"dcvLog":{"error":{"code":1,"description":"No record found"},"log":[
                  {"domainName":"a.x","dcvStatus":"Awaiting","lastCheck":"2026-11-24 10:00:00","nextCheck":"later"}]},
                "instructions":[{"domainName":"a.x","dcvMode":"EMAIL","dcvEmail":"hostmaster@a.x"},
                                {"dcvMode":"TXT"}]}]"""
    async with scripted(http(200, body)) as server, client(server.url) as scm:
        found = await scm.order_dcv(7)
        assert scm.take_oddities() == ("the next check is 'later', no date",)
    assert found.problem == "No record found"
    assert found.log[0].last_check == datetime(2026, 11, 24, 10, tzinfo=UTC)
    assert [(one.domain, one.record.emails) for one in found.instructions] == [("a.x", ("hostmaster@a.x",))]


async def test_steps_of_a_validation_with_unreadable_answers_are_unconfirmed() -> None:
    for wrong in (http(200, b"[1]"), http(500)):
        async with scripted(http(200), wrong) as server, client(server.url) as scm:
            for step in (scm.dcv_start("a.example", "cname"), scm.dcv_sync("a.example"), scm.order_dcv_recheck(7)):
                with pytest.raises(errors.Unconfirmed):
                    await step


async def test_the_served_version_is_not_guessed_from_other_troubles() -> None:
    async with scripted(refused(400, -1601)) as server, client(server.url) as scm:
        with pytest.raises(errors.ScmRefused):
            await scm.dcv_start("a.example", "cname")
        assert len(server.requests) == 1


async def test_a_list_of_validations_that_ignores_the_position_ends() -> None:
    page = b"[" + b",".join(b'{"domain":"d%d.example"}' % n for n in range(200)) + b"]"
    async with scripted(http(200, page)) as server, client(server.url) as scm:
        assert len(await scm.dcv_list()) == 200
        assert len(server.requests) == 3, "the version, and two pages"


def test_an_update_names_only_what_changes() -> None:
    assert Update(7).body() == {"sslId": 7}
    everything = Update(
        7,
        1,
        2,
        199,
        "a.example",
        ("a.example", "b.example"),
        "-----BEGIN X-----",
        "",
        ("c@example.com",),
        (("Field", ""),),
    )
    assert everything.body() == {
        "sslId": 7,
        "orgId": 1,
        "certTypeId": 2,
        "term": 199,
        "commonName": "a.example",
        "subjectAlternativeNames": ["a.example", "b.example"],
        "csr": "-----BEGIN X-----",
        "comments": "",
        "externalRequester": "c@example.com",
        "customFields": [{"name": "Field", "value": ""}],
    }
