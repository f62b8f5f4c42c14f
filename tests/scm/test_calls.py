"""Every reading call over real HTTP, against the sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from kmptui import errors
from kmptui.domain.clock import SystemClock
from kmptui.domain.domain import Delegation
from kmptui.domain.keys import KeySpec
from kmptui.domain.order import RemoteOrder
from kmptui.domain.organization import Validation
from kmptui.domain.profile import CustomField
from kmptui.sandbox.server import SandboxServer
from kmptui.scm.client import Credentials, PasswordState, ScmClient
from tests.sandbox_fixtures import SandboxFactory
from tests.scm.scripted import Pauses

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


class At:
    def now(self) -> datetime:
        return NOW


def connect(sandbox: SandboxServer, login: str | None = None, **options: Any) -> ScmClient:
    name = login or sandbox.login
    credentials = Credentials(sandbox.base_url, name, sandbox.password_of(name), sandbox.customer_uri)
    return ScmClient(credentials, **{"clock": At(), "pause": Pauses(), **options})


@pytest.fixture
def company(sandbox_factory: SandboxFactory) -> SandboxServer:
    """The default company on a day of its own, with all its oddities."""
    return sandbox_factory(now=NOW, frozen=True, certificates=260, hostile=True)


@pytest.fixture
async def scm(company: SandboxServer) -> AsyncIterator[ScmClient]:
    async with connect(company) as client:
        yield client


async def all_rows(scm: ScmClient, **options: Any) -> list[RemoteOrder]:
    return [row async for rows in scm.report(**options) for row in rows]


async def test_prove_tells_kind_and_clock(scm: ScmClient) -> None:
    await scm.prove()
    assert scm.is_sandbox is True
    assert scm.clock_skew is not None
    assert abs(scm.clock_skew) <= timedelta(seconds=1)


async def test_organizations_come_with_their_departments(scm: ScmClient) -> None:
    found = await scm.organizations()
    assert [(o.id, o.title) for o in found[:3]] == [
        (7101, "Example Corporation"),
        (7111, "Example Corporation / Web Platform"),
        (7112, "Example Corporation / Network Operations"),
    ]
    assert {o.parent_id for o in found} == {None, 7101, 7102, 7103}
    assert scm.take_oddities() == ()


async def test_an_organization_tells_address_switch_and_validations(scm: ScmClient) -> None:
    foundation = await scm.organization(7103)
    assert foundation.rest_enabled is False
    assert foundation.address == "Rue de l'Exemple 3, 1201 Genève, Genève, CH"
    assert foundation.cert_types == ("SSL",)
    department = await scm.organization(7111)
    assert (department.parent_id, department.title) == (7101, "Example Corporation / Web Platform")
    assert await scm.validations(7101) == (
        Validation("OV_SSL", "VALIDATED", date(2027, 1, 8)),
        Validation("EV_SSL", "VALIDATED", date(2027, 6, 22)),
    )
    assert (await scm.validations(7111)) == (await scm.validations(7101))
    with pytest.raises(errors.ScmRefused) as caught:
        await scm.organization(1)
    assert caught.value.kind == "organization"


async def test_domains_are_complete_with_delegations(scm: ScmClient, company: SandboxServer) -> None:
    steps: list[tuple[int, int]] = []
    found = await scm.domains(lambda done, total: steps.append((done, total)))
    assert len(found) == len(company.control("domains")) == 25
    assert steps == [(done, 25) for done in range(1, 26)]
    by_name = {domain.name: domain for domain in found}
    assert by_name["intranet.example.com"].delegations == (
        Delegation(7101, ("SSL",), "ACTIVE", ("DOMAIN", "SUBDOMAIN")),
    )
    assert by_name["example.org"].dcv_expires == date(2026, 12, 3)
    words = {name: by_name[name].status(NOW.date()) for name in by_name}
    assert words["example.com"] == "validated"
    assert words["legacy.example.com"] == "expired"
    assert words["old.example.net"] == "suspended"
    assert words["new.example.com"] == "not validated"
    assert await scm.domain(by_name["example.com"].id) == by_name["example.com"]


async def test_many_domains_come_page_by_page(scm: ScmClient, company: SandboxServer) -> None:
    for number in range(180):
        company.control(f"domains/n{number}.example.net", {"create": True})
    found = await scm.domains()
    assert len(found) == len({domain.id for domain in found}) == 205
    lists = [line for line in company.control("requests") if line["path"] == "/api/domain/v1"]
    assert len(lists) == 2


async def test_a_list_that_stays_incomplete_is_not_taken(scm: ScmClient, company: SandboxServer) -> None:
    fault = {"kind": "status", "status": 200, "count": -1, "match": "GET /domain/v1?"}
    body = [{"id": 1, "name": "a.example"}]
    company.control("faults", fault | {"body": body, "headers": {"X-Total-Count": "2"}})
    with pytest.raises(errors.ScmGarbled, match="1 of 2"):
        await scm.domains()


async def test_a_domain_that_vanishes_under_way_is_left_out(scm: ScmClient, company: SandboxServer) -> None:
    gone = {"kind": "status", "status": 404, "match": "GET /domain/v1/503$"}
    company.control("faults", gone | {"body": {"code": -727, "description": "x"}})
    assert {domain.id for domain in await scm.domains()} == set(range(500, 525)) - {503}


async def test_profiles_tell_terms_and_keys(scm: ScmClient) -> None:
    everything = await scm.profiles()
    dv = next(profile for profile in everything if profile.name == "DV SSL")
    assert dv.terms == (30, 90, 199)
    assert KeySpec("EC", "P-384") in dv.keys
    assert dv.organizations == frozenset()
    mine = await scm.profiles(7101)
    assert {profile.id for profile in mine} <= {profile.id for profile in everything}
    assert all(profile.organizations == {7101} for profile in mine)


FIELDS = [
    CustomField(301, "Cost Centre", True),
    CustomField(302, "Environment", False, ("Production", "Staging", "Test")),
    CustomField(303, "Ticket"),
    CustomField(304, "Legacy Owner", True, active=False),
]


async def test_custom_fields_with_options(scm: ScmClient) -> None:
    assert await scm.custom_fields() == FIELDS


@pytest.mark.parametrize("status", [400, 404])
async def test_custom_fields_of_an_older_server(scm: ScmClient, company: SandboxServer, status: int) -> None:
    company.control("faults", {"kind": "status", "status": status, "match": "GET /customField"})
    assert await scm.custom_fields() == [
        CustomField(301, "Cost Centre", True),
        *(CustomField(f.id, f.name) for f in FIELDS[1:3]),
    ]


@pytest.mark.parametrize(("login", "master"), [("ops-api", True), ("raossl-api", False), ("readonly-api", False)])
async def test_the_master_role_is_recognised(company: SandboxServer, login: str, master: bool) -> None:
    async with connect(company, login) as client:
        assert await client.is_mrao() is master


async def test_a_role_that_nobody_tells_is_unknown(scm: ScmClient, company: SandboxServer) -> None:
    refusal = {"code": -3, "description": "You are not authorized to perform this."}
    company.control("faults", {"kind": "status", "status": 403, "match": "GET /admin", "count": 2, "body": refusal})
    assert await scm.is_mrao() is None


async def test_privileges_are_told(company: SandboxServer) -> None:
    async with connect(company, "raossl-api") as client:
        assert await client.privileges() == {"sslRequest", "sslRenew", "sslReplace", "sslManage"}
    async with connect(company, "sso.lindqvist") as client:
        assert await client.privileges() == {"sslRequest"}


async def test_privileges_that_nobody_may_see_are_unknown(scm: ScmClient, company: SandboxServer) -> None:
    body = {"code": -25, "description": "You are not authorized to execute this"}
    company.control("faults", {"kind": "status", "status": 403, "match": r"GET /admin/v1/\d", "body": body})
    assert await scm.privileges() is None


async def test_the_passwords_end_is_told_where_scm_tells_it(company: SandboxServer) -> None:
    async with connect(company) as client:
        assert await client.password_state() == PasswordState("ALIVE", date(2027, 2, 12))
    async with connect(company, "raossl-api") as client:
        assert await client.password_state() == PasswordState("NEVER_EXPIRE", None)
    async with connect(company, "expired-api") as client:
        assert await client.password_state() == PasswordState("EXPIRED", date(2026, 11, 21))
        with pytest.raises(errors.PasswordExpired):
            await client.prove()
    async with connect(company, "sso.lindqvist") as client:
        assert await client.password_state() is None


async def test_a_wrong_password_is_sent_once(company: SandboxServer) -> None:
    wrong = Credentials(company.base_url, company.login, "wrong", company.customer_uri)
    async with ScmClient(wrong, clock=At()) as client:
        with pytest.raises(errors.WrongLogin) as caught:
            await client.prove()
    assert (caught.value.code, caught.value.status) == (-16, 401)
    assert company.control("state")["wrong_passwords"] == 1
    elsewhere = Credentials(company.base_url, company.login, company.password, "other")
    async with ScmClient(elsewhere, clock=At()) as client:
        with pytest.raises(errors.WrongLogin, match="-970"):
            await client.prove()


async def test_count_and_list_agree(scm: ScmClient) -> None:
    total = await scm.count()
    pages = [await scm.list_orders(position) for position in range(0, total, 200)]
    assert {page.total for page in pages} == {total}
    rows = [row for page in pages for row in page.rows]
    assert len({row.ssl_id for row in rows}) == len(rows) == total
    issued = await scm.count(status="Issued")
    assert 0 < issued < total
    assert (await scm.list_orders(0, 1, status="Issued")).total == issued
    named = await scm.list_orders(0, 200, commonName="soon3.example.com")
    assert [row.common_name for row in named.rows] == ["soon3.example.com"]


async def test_the_report_is_the_whole_inventory(scm: ScmClient, company: SandboxServer) -> None:
    rows = await all_rows(scm)
    assert len(rows) == await scm.count()
    assert all(row.from_report and row.ssl_id for row in rows)
    posts = [line for line in company.control("requests") if line["path"].endswith("ssl-certificates")]
    assert len(posts) == 1


async def test_report_and_details_tell_the_same(scm: ScmClient) -> None:
    rows = {row.common_name: row for row in await all_rows(scm)}
    for name in ("soon3.example.com", "hundred.example.com", "markup.example.com", "control.example.com"):
        row = rows[name]
        details = await scm.details(row.ssl_id)
        for member in (
            "ssl_id", "common_name", "names", "status", "organization_id", "profile_id", "profile", "order_number",
            "serial", "term", "key", "comments", "custom_fields", "issued", "expires", "requester",
        ):  # fmt: skip
            assert getattr(row, member) == getattr(details, member), (name, member)
        assert row.renewed is None
        assert details.renewed is False
        assert details.auto_renew_state == "Not scheduled"
        assert row.organization == "Example Corporation"


async def test_odd_rows_come_in_and_say_why(scm: ScmClient) -> None:
    rows = {row.common_name: row for row in await all_rows(scm)}
    odd = rows["odd-dates.example.com"]
    assert (odd.expires, odd.requested, odd.issued) == (None, None, None)
    assert len(odd.oddities) == 3
    assert rows["no-serial.example.com"].serial == ""
    assert rows["unknown-status.example.com"].status == "Quantum Pending"
    assert len(rows["hundred.example.com"].names) == 101
    assert rows["control.example.com"].comments == "a\x1b[2J\x07b\x9b31m\r\nline\ttab\x00end", "text is kept as it is"
    assert len(rows["long.example.com"].comments) == 10_000


@pytest.mark.parametrize(
    ("options", "holds"),
    [
        ({"status": 1}, lambda row: row.status == "Requested"),
        ({"status": 3}, lambda row: row.status == "Revoked"),
        ({"organization_ids": [7102]}, lambda row: row.organization_id in {7102, 7121, 7122}),
        ({"common_name": "soon"}, lambda row: "soon" in row.common_name),
        (
            {"date_attribute": 3, "from_": date(2026, 11, 25), "to": date(2026, 12, 4)},
            lambda row: row.expires is None or date(2026, 11, 25) <= row.expires <= date(2026, 12, 4),
        ),
    ],
)
async def test_the_report_can_be_narrowed(
    scm: ScmClient, options: dict[str, Any], holds: Callable[[RemoteOrder], bool]
) -> None:
    rows = await all_rows(scm, **options)
    assert rows
    assert all(map(holds, rows))


async def test_a_report_left_early_closes_its_connection(scm: ScmClient) -> None:
    async with aclosing(scm.report()) as report:
        await anext(report)
    assert await scm.count() > 0


@pytest.mark.parametrize("kind", ["truncate", "html", "empty", "drop-before"])
async def test_a_report_that_breaks_never_ends_well(scm: ScmClient, company: SandboxServer, kind: str) -> None:
    company.control("faults", {"kind": kind, "match": "POST /report", "count": -1})
    with pytest.raises((errors.ScmGarbled, errors.Unreachable)):
        await all_rows(scm)


async def test_a_report_of_wrong_types_is_all_oddities(scm: ScmClient, company: SandboxServer) -> None:
    rows = [{"id": "x", "status": 5}, {"id": 7, "names": {}, "term": "199 pieces"}]
    body = {"statusCode": 0, "reports": rows}
    company.control("faults", {"kind": "status", "status": 200, "match": "POST /report", "body": body})
    found = await all_rows(scm)
    assert [row.ssl_id for row in found] == [0, 7]
    assert all(row.oddities for row in found)


async def test_ten_thousand_rows_come_in_slices(sandbox_factory: SandboxFactory) -> None:
    async with connect(sandbox_factory(certificates=10_000)) as client:
        slices = [rows async for rows in client.report()]
    assert sum(map(len, slices)) == 10_000
    assert len(slices) >= 5
    assert max(map(len, slices)) <= 2_000
    assert len({row.ssl_id for rows in slices for row in rows}) == 10_000


@pytest.mark.parametrize("wanted", ["x509", "x509CO", "x509IO", "x509R", "pem", "pemia", "base64"])
async def test_a_certificate_is_collected(scm: ScmClient, wanted: str) -> None:
    (row,) = (await scm.list_orders(0, 1, commonName="soon3.example.com")).rows
    assert b"-----BEGIN " in await scm.collect(row.ssl_id, wanted)


async def test_what_cannot_be_collected_says_of_which_kind(scm: ScmClient) -> None:
    kinds = {"Requested": "pending", "Applied": "pending", "Revoked": "revoked", "Declined": "attention"}
    for status, kind in kinds.items():
        (row,) = (await scm.list_orders(0, 1, status=status)).rows
        with pytest.raises(errors.ScmRefused) as caught:
            await scm.collect(row.ssl_id)
        assert caught.value.kind == kind, status


async def test_the_validation_of_domains(scm: ScmClient, company: SandboxServer) -> None:
    state = await scm.dcv_status("example.org")
    assert (state.status, state.expires, state.record) == ("VALIDATED", date(2026, 12, 3), None)
    waiting = await scm.dcv_status("cdn.example.net")
    assert waiting.record is not None
    assert waiting.record.publishable
    rows = {row.domain: row for row in await scm.dcv_list()}
    assert len(rows) == 25
    assert rows["example.org"].method == "DNSTXT_RANDOM_VALUE"
    soon = await scm.dcv_list(expires_in=10, status="VALIDATED")
    assert {row.domain for row in soon} == {"example.org", "alumni.example.edu"}
    with pytest.raises(errors.ScmRefused) as caught:
        await scm.dcv_status("nowhere.example")
    assert caught.value.kind == "domain"


async def test_the_validation_calls_of_a_newer_server(scm: ScmClient, company: SandboxServer) -> None:
    """25.9 has version 2 alone."""
    company.control("faults", {"kind": "status", "status": 404, "match": r"\w+ /dcv/v1", "count": -1})
    assert len(await scm.dcv_list()) == 25
    assert (await scm.dcv_start("new.example.com", "cname")).publishable


async def test_a_call_of_another_organization_needs_the_role(company: SandboxServer) -> None:
    async with connect(company) as master:
        (row,) = (await master.list_orders(0, 1, orgId=7101)).rows
    async with connect(company, "readonly-api") as client:
        with pytest.raises(errors.RoleMissing):
            await client.details(row.ssl_id)


READS: dict[str, Callable[[ScmClient], Awaitable[object]]] = {
    "prove": lambda scm: scm.prove(),
    "is_mrao": lambda scm: scm.is_mrao(),
    "privileges": lambda scm: scm.privileges(),
    "password_state": lambda scm: scm.password_state(),
    "organizations": lambda scm: scm.organizations(),
    "organization": lambda scm: scm.organization(7101),
    "validations": lambda scm: scm.validations(7101),
    "domains": lambda scm: scm.domains(),
    "domain": lambda scm: scm.domain(500),
    "profiles": lambda scm: scm.profiles(),
    "custom_fields": lambda scm: scm.custom_fields(),
    "count": lambda scm: scm.count(),
    "list_orders": lambda scm: scm.list_orders(),
    "details": lambda scm: scm.details(4700004),
    "report": lambda scm: all_rows(scm),
    "collect": lambda scm: scm.collect(4700004),
    "dcv_status": lambda scm: scm.dcv_status("example.com"),
    "dcv_list": lambda scm: scm.dcv_list(),
    "order_dcv": lambda scm: scm.order_dcv(4700004),
}


HARD: list[dict[str, Any]] = [
    {"kind": "truncate"}, {"kind": "html"}, {"kind": "empty"}, {"kind": "drop-before"}, {"kind": "drop-after"},
    {"kind": "redirect"}, {"kind": "status", "status": 401}, {"kind": "status", "status": 502},
    {"kind": "status", "status": 503, "headers": {"Retry-After": "5"}}, {"kind": "status", "status": 429},
]  # fmt: skip
SOFT: list[dict[str, Any]] = [
    {"kind": "garbage-types"},
    {"kind": "status", "status": 200, "body": "[[[[1]]]]"},
    {"kind": "status", "status": 200, "body": '{"a":1e999}'},
]
COUNTED = {"count"}  # all of its answer is a header


@pytest.mark.parametrize("name", READS)
async def test_a_spoilt_answer_to_any_read_is_an_error(sandbox: SandboxServer, name: str) -> None:
    for fault in HARD:
        if name in COUNTED and fault["kind"] == "truncate":
            continue
        sandbox.control("faults", fault | {"match": r"\w+ /", "count": -1})
        async with connect(sandbox, clock=SystemClock()) as client:
            with pytest.raises((errors.ScmGarbled, errors.Unreachable, errors.AccountRefused)) as caught:
                await READS[name](client)
        assert str(caught.value)
        sandbox.control("faults", method="DELETE")


@pytest.mark.parametrize("name", READS)
async def test_wrong_types_in_any_read_end_nothing(sandbox: SandboxServer, name: str) -> None:
    for fault in SOFT:
        sandbox.control("faults", fault | {"match": r"\w+ /", "count": -1})
        async with connect(sandbox, clock=SystemClock()) as client:
            with suppress(errors.ScmGarbled):
                found = await READS[name](client)
                rows = found if isinstance(found, list) else [found]
                assert not any(getattr(row, "id", None) or getattr(row, "ssl_id", None) for row in rows)
        sandbox.control("faults", method="DELETE")


@pytest.mark.parametrize("name", ["organizations", "domains", "profiles", "custom_fields", "validations", "dcv_list"])
async def test_a_list_of_nothing_usable_is_not_an_empty_list(sandbox: SandboxServer, name: str) -> None:
    for body in ('[{"id":"x"}]', "[5,null]", '[{"id":[1]},{}]'):
        sandbox.control("faults", {"kind": "status", "status": 200, "body": body, "match": r"\w+ /", "count": -1})
        async with connect(sandbox, clock=SystemClock()) as client:
            with pytest.raises(errors.ScmGarbled):
                await READS[name](client)
        sandbox.control("faults", method="DELETE")
