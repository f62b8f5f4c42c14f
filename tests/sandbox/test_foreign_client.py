"""PyPI's cert-manager, unchanged, does its whole work against the sandbox: an unrelated reading of the same API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cert_manager
import pytest
import requests
from cert_manager import SSL as Ssl
from cert_manager import Admin, Client, Domain, DomainControlValidation, Organization, Report
from cryptography import x509

from kmptui.sandbox.server import SandboxServer


@pytest.fixture
def client(sandbox: SandboxServer) -> Any:
    session = requests.Session()
    session.trust_env = False
    yield Client(
        base_url=sandbox.base_url,
        login_uri=sandbox.customer_uri,
        username=sandbox.login,
        password=sandbox.password,
        session=session,
    )
    session.close()


@pytest.fixture
def ssl(client: Any) -> Any:
    return Ssl(client=client)


def test_it_is_the_client_that_is_meant() -> None:
    assert cert_manager.__version__.__version__ == "4.0.0"


def enrol(ssl: Any, csr: Callable[..., str], name: str) -> int:
    answer = ssl.enroll(
        cert_type_name="OV SSL",
        csr=csr(name),
        term=199,
        org_id=7101,
        subject_alt_names=[name, f"www.{name}"],
        external_requester="ops@example.com",
        custom_fields=[{"name": "Cost Centre", "value": "CC-7"}],
    )
    return int(answer["sslId"])


def test_lists_counts_and_reads(ssl: Any) -> None:
    listed = list(ssl.list())
    assert len(listed) == ssl.count() == 300
    assert [row["sslId"] for row in ssl.list(size=7)] == [row["sslId"] for row in listed]
    assert ssl.get(listed[0]["sslId"])["sslId"] == listed[0]["sslId"]
    assert len(list(ssl.list(status="Requested"))) == ssl.count(status="Requested") == 3
    assert ssl.types["OV SSL"]["terms"] == [90, 199]
    assert "Cost Centre" in [field["name"] for field in ssl.custom_fields]


def test_enrols_collects_renews_replaces_revokes(ssl: Any, sandbox: SandboxServer, csr: Callable[..., str]) -> None:
    number = enrol(ssl, csr, "foreign.example.com")
    with pytest.raises(cert_manager.PendingError):
        ssl.collect(number, "x509CO")
    sandbox.control("clock", {"advance": 2})
    first = x509.load_pem_x509_certificate(ssl.collect(number, "x509CO").encode())
    names = first.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["foreign.example.com", "www.foreign.example.com"]
    for wanted in ("x509", "x509IO", "x509IOR", "base64", "pem", "pemco", "pemia"):
        assert "-----BEGIN " in ssl.collect(number, wanted)

    renewed = ssl.renew(number)["sslId"]
    assert renewed != number
    sandbox.control("clock", {"advance": 2})
    second = x509.load_pem_x509_certificate(ssl.collect(renewed, "x509CO").encode())
    assert second.public_key() == first.public_key()

    san = ["foreign.example.com", "more.example.com"]
    replaced = ssl.replace(
        cert_id=renewed, csr=csr("foreign.example.com"), common_name="foreign.example.com", reason="new name",
        subject_alt_names=san,
    )  # fmt: skip
    assert replaced == {}
    sandbox.control("clock", {"advance": 2})
    assert ssl.get(renewed)["subjectAlternativeNames"] == san

    assert ssl.revoke(renewed, reason="no longer used") == {}
    assert ssl.get(renewed)["status"] == "Revoked"
    with pytest.raises(requests.HTTPError):
        ssl.revoke(renewed, reason="again")


def test_reports(client: Any) -> None:
    report = Report(client=client)
    whole = report.get_ssl_certs(certificateStatus=0)
    assert (whole["statusCode"], len(whole["reports"])) == (0, 300)
    issued = report.get_ssl_certs(certificateStatus=2, organizationIds=[7102])
    assert {row["status"] for row in issued["reports"]} == {"Issued"}
    assert len(report.get_domains()["reports"]) == 25
    assert report.get_activity()["reports"] == []
    assert report.get_client_certs()["reports"] == report.get_device_certs()["reports"] == []
    with pytest.raises(ValueError, match="certificateStatus"):
        report.get_ssl_certs(certificateStatus=77)


def test_organizations_and_administrators(client: Any) -> None:
    organization = Organization(client=client)
    assert len(organization.all()) == 3
    assert organization.find(dept_name="Faculty of Science")[0]["id"] == 7121
    admin = Admin(client=client)
    assert "ops-api" in [row["login"] for row in admin.all()]
    assert admin.get_idps() == []
    credentials = [{"role": "RAO_SSL", "orgId": 7101}]
    number = admin.create("third-api", "third@example.com", "Third", "Api", "Long-Enough-1", credentials, type="API")[
        "id"
    ]
    assert admin.get(number)["login"] == "third-api"
    assert admin.update(number, forename="Fourth") is True
    assert admin.delete(number) is True
    with pytest.raises(ValueError, match="credentials"):
        admin.create("bad-api", "bad@example.com", "Bad", "Api", "Long-Enough-1", [{"role": "KING"}])


def test_domains_and_their_validation(client: Any, sandbox: SandboxServer) -> None:
    domain = Domain(client=client)
    assert len(domain.all()) == domain.count()["count"] == 25
    assert [row["name"] for row in domain.find(name="alumni")] == ["alumni.example.edu"]
    number = domain.create("brand.example.com", 7101, ["SSL"])["id"]
    assert domain.get(number)["name"] == "brand.example.com"
    assert domain.suspend(number)
    assert domain.activate(number)
    assert domain.delegate(number, 7102, ["SSL"])
    assert domain.remove_delegation(number, 7102, ["SSL"])
    partner = domain.find(status="requested")[0]["id"]
    assert domain.approve_delegation(partner, 7101)
    with pytest.raises(requests.HTTPError):
        domain.reject_delegation(partner, 7101)
    with pytest.raises(ValueError, match="already exists"):
        domain.create("brand.example.com", 7101, ["SSL"])

    dcv = DomainControlValidation(client=client)
    assert dcv.get_validation_status("brand.example.com")["status"] == "NOT_VALIDATED"
    record = dcv.start_validation_cname("brand.example.com")
    assert set(record) == {"host", "point"}
    assert dcv.submit_validation_cname("brand.example.com")["orderStatus"] == "SUBMITTED"
    sandbox.control("clock", {"advance": 2})
    assert dcv.get_validation_status("brand.example.com")["status"] == "VALIDATED"
    assert dcv.search(domain="brand.example.com")[0]["dcvStatus"] == "VALIDATED"
    assert domain.delete(number)
