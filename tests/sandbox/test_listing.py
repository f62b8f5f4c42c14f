"""Lists: pages, counts, filters, dates; and the reports, which tell the same in one answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kmptui.sandbox.server import SandboxServer
from kmptui.sandbox.wire import DATE_FORMATS, serial_number, serial_text

same_sandbox = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@same_sandbox
@given(size=st.integers(7, 250), start=st.integers(0, 400))
def test_pages_of_any_size_make_the_whole(api: httpx.Client, size: int, start: int) -> None:
    whole = [row["sslId"] for p in (0, 200) for row in api.get(f"/ssl/v1?size=200&position={p}").json()]
    rows: list[int] = []
    position = start
    while True:
        answer = api.get("/ssl/v1", params={"size": size, "position": position})
        page = [row["sslId"] for row in answer.json()]
        assert int(answer.headers["X-Total-Count"]) == len(whole) == 300
        assert len(page) <= min(size, 200)
        rows += page
        position += len(page)
        if len(page) < min(size, 200):
            break
    assert rows == whole[start:]


def test_a_page_holds_200_at_most_and_nothing_wrong_is_taken(api: httpx.Client) -> None:
    assert len(api.get("/ssl/v1").json()) == 200
    assert len(api.get("/ssl/v1?size=1000").json()) == 200
    assert api.get("/ssl/v1?size=0").json() == []
    assert api.get("/ssl/v1?size=").status_code == 200
    for query in ("size=-1", "position=-1", "size=x", "position=1.5", "orgId=abc", "sslTypeId=x", "status=Nonsense"):
        assert api.get(f"/ssl/v1?{query}").json()["code"] == -1601


def test_the_count_alone(api: httpx.Client) -> None:
    answer = api.head("/ssl/v1", params={"status": "Issued", "orgId": 7101})
    assert answer.content == b""
    rows = api.get("/ssl/v1", params={"status": "Issued", "orgId": 7101, "size": 200}).json()
    assert int(answer.headers["X-Total-Count"]) == len(rows) > 10


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"commonName": "soon3.example"}, {"soon3.example.com"}),
        ({"commonName": "SOON3.EXAMPLE.COM"}, {"soon3.example.com"}),
        ({"subjectAlternativeName": "static.example.com"}, {"www.example.com"}),
        ({"status": "SAApproved"}, {"second.example.com"}),
        ({"status": "SA Approved"}, {"second.example.com"}),
        ({"sslTypeId": "2108"}, {"fax.example.net"}),
        ({"renewalStatus": "Scheduled"}, {"auto.example.net"}),
        ({"installStatus": "Completed"}, {"node.example.net"}),
        ({"requestedVia": "Imported"}, {"imported.example.net"}),
        ({"externalRequester": "web@example.com"}, {"www.example.com"}),
        ({"vendor": "Sandbox Private CA"}, {"db.corp.example.com"}),
        ({"issuer": "Private Issuing"}, {"db.corp.example.com"}),
        ({"status": "Requested", "requester": "keller", "orgId": "7101"}, {"pay.example.com"}),
        ({"keyAlgorithm": "EC", "keyParam": "P-384", "sslTypeId": "2106"}, {"db.corp.example.com"}),
        ({"status": "Unmanaged"}, {"unmanaged.example.net"}),
        ({"commonName": "nobody"}, set()),
    ],
)  # fmt: skip
def test_filters(api: httpx.Client, filters: dict[str, str], names: set[str]) -> None:
    assert {row["commonName"] for row in api.get("/ssl/v1", params=filters).json()} == names


def test_by_serial_and_by_fingerprint(api: httpx.Client) -> None:
    row = api.get("/ssl/v1", params={"commonName": "www.example.com", "sslTypeId": 2103}).json()[0]
    details = api.get(f"/ssl/v1/{row['sslId']}").json()
    serials = (row["serialNumber"], row["serialNumber"].replace(":", "").lower())
    for filters in (
        *({"serialNumber": serial} for serial in serials),
        *({name: details["certificateDetails"][name]} for name in ("sha1Hash", "md5Hash", "sha256Hash")),
    ):
        assert [found["sslId"] for found in api.get("/ssl/v1", params=filters).json()] == [row["sslId"]]


@given(serial=st.integers(1, 2**127 - 1))
def test_serials_are_written_and_read(serial: int) -> None:
    assert serial_number(serial_text(serial)) == serial


def test_dates_in_every_format(api: httpx.Client) -> None:
    ssl_id = api.get("/ssl/v1", params={"commonName": "soon3.example.com"}).json()[0]["sslId"]
    exact = api.get(f"/ssl/v1/{ssl_id}?dateFormat=ISO_HMS").json()["expires"]
    moment = datetime.strptime(exact, "%Y-%m-%dT%H:%M:%S.000Z").replace(tzinfo=UTC)
    assert api.get(f"/ssl/v1/{ssl_id}").json()["expires"] == f"{moment:%m/%d/%Y}"
    for name, (pattern, strftime) in DATE_FORMATS.items():
        for wanted in (name, name.lower(), pattern):
            answer = api.get(f"/ssl/v1/{ssl_id}", params={"dateFormat": wanted}).json()
            assert answer["expires"] == moment.strftime(strftime)
    assert api.get(f"/ssl/v1/{ssl_id}?dateFormat=stardate").json()["code"] == -1601


def test_the_report_tells_what_the_list_and_the_details_tell(api: httpx.Client) -> None:
    rows = {row["id"]: row for row in api.post("/report/v1/ssl-certificates", json={}).json()["reports"]}
    listed = [row for p in (0, 200) for row in api.get(f"/ssl/v1?size=200&position={p}").json()]
    assert list(rows) == [row["sslId"] for row in listed]
    for row in listed[::17]:
        line = rows[row["sslId"]]
        details = api.get(f"/ssl/v1/{row['sslId']}?dateFormat=ISO_HMS").json()
        assert line["subjAltNames"].split("; ") == row["subjectAlternativeNames"] == details["subjectAlternativeNames"]
        assert line["serialNumber"] == row.get("serialNumber", "")
        for mine, theirs in (
            ("commonName", "commonName"), ("status", "status"), ("term", "term"), ("orgId", "orgId"),
            ("publicKeyType", "keyType"), ("expires", "expires"), ("requested", "requested"), ("issued", "issued"),
            ("revoked", "revoked"), ("requester", "requester"), ("orderNumber", "orderNumber"),
        ):  # fmt: skip
            assert line.get(mine) == details.get(theirs), mine
        assert line.get("type") == details.get("certType", {}).get("name")


def test_choices_of_the_report(api: httpx.Client) -> None:
    def ask(**fields: object) -> list[dict[str, str]]:
        answer = api.post("/report/v1/ssl-certificates", json=fields).json()
        assert answer["statusCode"] == 0
        return list(answer["reports"])

    whole = ask(certificateStatus=0)
    for number, status in ((1, "Requested"), (2, "Issued"), (3, "Revoked"), (4, "Expired")):
        expected = [row["id"] for row in whole if row["status"] == status]
        assert expected
        assert [row["id"] for row in ask(certificateStatus=number)] == expected
        assert [row["id"] for row in ask(certificateStatus=str(number))] == expected
    assert {row["orgId"] for row in ask(organizationIds=[7101])} == {7101, 7111, 7112}
    assert {row["requestedVia"] for row in ask(certificateRequestSource=12)} == {"REST API"}
    assert [row["commonName"] for row in ask(commonName="soon3.")] == ["soon3.example.com"]
    assert [row["commonName"] for row in ask(externalRequester="web@")] == ["www.example.com"]
    now = datetime.now(UTC)
    day = f"{now.date().replace(year=now.year + 1).isoformat()}"
    late = ask(certificateDateAttribute=3, **{"from": now.date().isoformat(), "to": day})
    expected = {row["id"] for row in whole if now.date().isoformat() <= row.get("expires", "")[:10] <= day}
    assert {row["id"] for row in late} == expected
    assert ask(certificateDateAttribute=3, to="2020-01-01") == []
    padded = ask(serialNumberFormat="HEXWithLeadingZeros", certificateStatus=2)[0]["serialNumber"]
    assert (len(padded), ":" in padded) == (32, False)
    for wrong in (
        {"certificateStatus": 9},
        {"certificateDateAttribute": "x"},
        {"from": "soon"},
        {"organizationIds": 1},
    ):
        assert api.post("/report/v1/ssl-certificates", json=wrong).json()["code"] == -1601


def test_the_domain_report_and_the_list_agree(api: httpx.Client) -> None:
    rows = api.post("/report/v1/domains", json={}).json()["reports"]
    listed = api.get("/domain/v1?size=200")
    assert [row["id"] for row in rows] == [row["id"] for row in listed.json()]
    assert int(listed.headers["X-Total-Count"]) == len(rows) == api.get("/domain/v1/count").json()["count"] == 25
    assert {row["dcvStatus"] for row in rows} == {"Validated", "Expired", "Not Initiated", "Action Required"}
    assert {row["status"] for row in rows} == {"Active", "Suspended"}


def test_the_activity_log(api: httpx.Client, sandbox: SandboxServer) -> None:
    ssl_id = sandbox.control("orders?name=soon9.example.com")[0]["id"]
    api.post(f"/ssl/v1/revoke/{ssl_id}", json={"reason": "moved"})
    [line] = api.post("/report/v1/activity", json={}).json()["reports"]
    assert line["action"]["actionName"] == "SSL: revoke"
    assert line["admin"]["login"] == "ops-api"
    assert line["ssl"]["commonName"] == "soon9.example.com"
    assert line["description"] == "moved"
    assert api.post("/report/v1/activity", json={"to": "2020-01-01"}).json()["reports"] == []


def test_domains_by_filter_and_in_detail(api: httpx.Client) -> None:
    def names(**filters: object) -> set[str]:
        return {row["name"] for row in api.get("/domain/v1", params=filters).json()}

    assert names(state="inactive") == {"old.example.net"}
    assert names(status="requested") == {"partner.example.org"}
    assert names(orgId=7112) == {"example.com", "example.net", "vpn.example.net", "mail.example.net"}
    assert "xn--bcher-kva.example.com" in names(name="bcher")
    number = api.get("/domain/v1", params={"name": "api.example.com"}).json()[0]["id"]
    details = api.get(f"/domain/v1/{number}").json()
    assert details["validationStatus"] == "Validated"
    assert details["delegations"][0]["domainCertificateRequestPrivileges"] == ["DOMAIN", "SUBDOMAIN"]


def test_organizations_profiles_and_fields(api: httpx.Client) -> None:
    organizations = {o["id"]: o for o in api.get("/organization/v1").json()}
    assert [o["name"] for o in organizations.values()] == [
        "Example Corporation",
        "Example University",
        "Example Foundation",
    ]
    assert api.get("/organization/v1/7103").json()["sslCertsApiEnabled"] is False
    levels = {v["validationLevel"]: v["status"] for v in api.get("/organization/v2/7122/validations").json()}
    assert levels == {"OV_SSL": "VALIDATED", "EV_SSL": "EXPIRED"}
    everything = {p["id"] for p in api.get("/ssl/v1/types").json()}
    university = {p["id"] for p in api.get("/ssl/v1/types?organizationId=7121").json()}
    assert everything - university == {2106}
    assert api.get("/ssl/v1/types?organizationId=1").json()["code"] == -1023
    assert [f["name"] for f in api.get("/ssl/v1/customFields").json() if f["mandatory"]] == ["Cost Centre"]
    fields = {f["name"]: f for f in api.get("/customField/v2?certType=SSL").json()}
    assert fields["Environment"]["input"] == {"type": "TEXT_OPTION", "options": ["Production", "Staging", "Test"]}
    assert fields["Legacy Owner"]["state"] == "INACTIVE"
    assert api.get("/customField/v2?certType=SMIME").json() == []
    assert api.get("/customField/v2/999").json()["code"] == -135


def test_rows_that_are_odd_on_purpose(
    sandbox_factory: Callable[..., SandboxServer], api_of: Callable[..., httpx.Client]
) -> None:
    sandbox = sandbox_factory(hostile=True, certificates=10)
    api = api_of(sandbox)
    rows = {row["commonName"]: row for row in api.post("/report/v1/ssl-certificates", json={}).json()["reports"]}
    assert "serialNumber" not in rows["no-serial.example.com"]
    assert "expires" not in rows["no-expiry.example.com"]
    assert rows["unknown-status.example.com"]["status"] == "Quantum Pending"
    assert len(rows["hundred.example.com"]["subjAltNames"].split("; ")) == 101
    assert "\x1b" in rows["control.example.com"]["comments"]
    for row in api.get("/ssl/v1?size=200").json():
        assert api.get(f"/ssl/v1/{row['sslId']}").status_code == 200
        collected = api.get(f"/ssl/v1/collect/{row['sslId']}?format=x509")
        assert collected.status_code == 200 or collected.json()["code"] < 0
    before = sandbox.control("state")["orders_total"]
    assert len(sandbox.control("orders/hostile", {})["added"]) == before - 10
