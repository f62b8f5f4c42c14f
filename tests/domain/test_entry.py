"""What people type: taken as it is used, or refused with the field and the reason."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmptui.domain import entry
from kmptui.errors import BadInput


@pytest.mark.parametrize(
    ("rule", "text", "value"),
    [
        (entry.base_url, " https://cert-manager.com/api/ ", "https://cert-manager.com/api"),
        (entry.base_url, "https://Cert-Manager.com", "https://cert-manager.com"),
        (entry.base_url, "https://hard.cert-manager.com:8443/api", "https://hard.cert-manager.com:8443/api"),
        (entry.base_url, "http://localhost:8080/api", "http://localhost:8080/api"),
        (entry.base_url, "http://127.0.0.1:1", "http://127.0.0.1:1"),
        (entry.base_url, "http://[::1]:8080/api", "http://[::1]:8080/api"),
        (entry.proxy_url, "http://proxy.example:3128/", "http://proxy.example:3128"),
        (entry.login, " ops-api ", "ops-api"),
        (entry.password, "p" * 256, "p" * 256),
        (entry.customer_uri, "ACME_1-x", "ACME_1-x"),
        (entry.customer_uri, "https://cert-manager.com/customer/ACME", "ACME"),
        (entry.customer_uri, " https://cert-manager.com/customer/ACME/ssl?action=x#login ", "ACME"),
        (entry.customer_uri, "cert-manager.com/customer/ACME/", "ACME"),
        (entry.keystore_password, "12345678", "12345678"),
        (entry.keystore_password, "~ !" * 21, "~ !" * 21),
        (entry.reason, " key was exposed\n", "key was exposed"),
        (entry.message, "x" * 512, "x" * 512),
        (entry.reason_code, "4", 4),
        (entry.reason_code, 0, 0),
        (entry.days_before, "30", 30),
        (entry.term, "199 days", 199),
        (entry.term, 365, 365),
        (entry.certificate_limit, "1000000", 1_000_000),
        (entry.comments, "ä" * 1024, "ä" * 1024),
        (entry.email, "o'neil+x@mail.example.edu", "o'neil+x@mail.example.edu"),
        (entry.requesters, "a@x.example, b@x.example; a@x.example\n", ("a@x.example", "b@x.example")),
        (entry.requesters, "", ()),
    ],
)  # fmt: skip
def test_what_is_right_is_taken(rule, text, value):
    assert rule(text) == value


@pytest.mark.parametrize(
    ("rule", "text", "field", "reason"),
    [
        (entry.base_url, "", "base_url", "missing"),
        (entry.base_url, "cert-manager.com/api", "base_url", "no https address"),
        (entry.base_url, "http://cert-manager.com/api", "base_url", "not https"),
        (entry.base_url, "http://127.0.0.1.evil.example/", "base_url", "not https"),
        (entry.base_url, "ftp://cert-manager.com", "base_url", "no https address"),
        (entry.base_url, "https://ops:word@cert-manager.com", "base_url", "holds a user"),
        (entry.base_url, "https://@cert-manager.com", "base_url", "holds a user"),
        (entry.base_url, "https://cert-manager.com/api?x=1", "base_url", "after \\? or #"),
        (entry.base_url, "https://cert-manager.com/api#", "base_url", "after \\? or #"),
        (entry.base_url, "https://cert-manager.com/customer/ACME", "base_url", "login page"),
        (entry.base_url, "https://cert manager.com", "base_url", "blank"),
        (entry.base_url, "https://cert\nmanager.com", "base_url", "blank"),
        (entry.base_url, "https://cert-manager.com:99999", "base_url", "no URL"),
        (entry.base_url, "https://[::1/api", "base_url", "no URL"),
        (entry.base_url, "https://a_b.example", "base_url", "underscore"),
        (entry.base_url, "https://*.example.org", "base_url", "wildcard"),
        (entry.base_url, "https:///api", "base_url", "no name"),
        (entry.base_url, "https://a.example/<x>", "base_url", "characters that no URL has"),
        (entry.proxy_url, "proxy.example:3128", "proxy", "no https address"),
        (entry.proxy_url, "http://proxy.example:3128/path", "proxy", "ends with its port"),
        (entry.proxy_url, "http://user:word@proxy.example:3128", "proxy", "is not kept"),
        (entry.login, "", "login", "missing"),
        (entry.login, "a\r\nb", "login", "line break"),
        (entry.login, "öps", "login", "not ASCII"),
        (entry.login, "x" * 257, "login", "257"),
        (entry.password, "", "password", "missing"),
        (entry.password, "word ", "password", "blank"),
        (entry.customer_uri, "", "customer_uri", "missing"),
        (entry.customer_uri, "AC ME", "customer_uri", "letters, digits"),
        (entry.customer_uri, "https://cert-manager.com/api", "customer_uri", "letters, digits"),
        (entry.keystore_password, "1234567", "keystore_password", "7 characters"),
        (entry.keystore_password, "x" * 65, "keystore_password", "65 characters"),
        (entry.keystore_password, "geheimniß", "keystore_password", "printable ASCII"),
        (entry.reason, " \n", "reason", "missing"),
        (entry.reason, "x" * 513, "reason", "513"),
        (entry.message, "", "message", "missing"),
        (entry.reason_code, "2", "reason_code", "no reason code 2"),
        (entry.reason_code, "", "reason_code", "whole number"),
        (entry.days_before, "0", "days", "out of range"),
        (entry.days_before, "-3", "days", "out of range"),
        (entry.days_before, "dreißig", "days", "whole number"),
        (entry.days_before, "1" * 400, "days", "whole number"),
        (entry.term, "0", "term", "out of range"),
        (entry.certificate_limit, "1000001", "limit", "out of range"),
        (entry.certificate_limit, "-1", "limit", "out of range"),
        (entry.comments, "x" * 1025, "comments", "1,025"),
        (entry.comments, "a\x1b[31mb", "comments", "U\\+001B"),
        (entry.note, "a\u202eb", "note", "U\\+202E"),
        (entry.contact, "x" * 257, "contact", "257"),
        (entry.email, "a@b", "requesters", "no e-mail"),
        (entry.email, "a b@x.example", "requesters", "no e-mail"),
        (entry.email, "@x.example", "requesters", "no e-mail"),
        (entry.email, "a@*.x.example", "requesters", "no e-mail"),
        (entry.requesters, ",".join(f"user{n}@mail.example.edu" for n in range(25)), "requesters", "take 512"),
    ],
)
def test_what_is_wrong_is_refused_with_field_and_reason(rule, text, field, reason):
    with pytest.raises(BadInput, match=reason) as caught:
        rule(text)
    assert caught.value.field == field
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("rule", "secret"),
    [
        (entry.password, "hunter2\n"),
        (entry.password, "hunter2ü"),
        (entry.password, "hunter2" * 40),
        (entry.keystore_password, "hunter2"),
        (entry.keystore_password, "hunter2-hunter2\n"),
        (entry.keystore_password, "hunter2-ü" * 9),
    ],
)
def test_a_refused_password_is_not_repeated(rule, secret):
    with pytest.raises(BadInput) as caught:
        rule(secret)
    assert "hunter2" not in f"{caught.value} {caught.value!r} {caught.value.args}"


def test_days_stay_below_the_shortest_term():
    assert entry.days_before(46, 47) == 46
    with pytest.raises(BadInput, match="1 to 46"):
        entry.days_before(47, 47)


def test_a_login_page_tells_both():
    page = entry.login_page(" https://hard.cert-manager.com/customer/ACME/ssl ")
    assert page == entry.LoginPage("https://hard.cert-manager.com/api", "ACME")
    assert entry.login_page("https://cert-manager.com/api") is None
    assert entry.login_page("ACME") is None
    assert entry.login_page("http://evil.example/customer/ACME") is None


def test_512_characters_of_requesters_pass():
    addresses = [f"u{number:02}@mail.example.edu" for number in range(22)]
    line = ", ".join(addresses)
    padded = "x" * (512 - len(line)) + line
    assert len(", ".join(entry.requesters(padded))) == 512
    with pytest.raises(BadInput, match="513"):
        entry.requesters("x" + padded)


@given(st.text(max_size=200))
def test_any_text_is_taken_or_refused(text):
    for rule in (
        entry.base_url, entry.proxy_url, entry.login, entry.password, entry.customer_uri, entry.keystore_password,
        entry.reason, entry.message, entry.reason_code, entry.days_before, entry.term, entry.certificate_limit,
        entry.comments, entry.note, entry.contact, entry.email, entry.requesters,
    ):  # fmt: skip
        with contextlib.suppress(BadInput):
            rule(text)
    entry.login_page(text)


@given(st.from_regex(r"https?://[a-z0-9.:\[\]@%-]{0,30}(/[a-z0-9./-]{0,10})?", fullmatch=True))
def test_a_taken_base_url_is_taken_again(text):
    with contextlib.suppress(BadInput):
        taken = entry.base_url(text)
        assert entry.base_url(taken) == taken
