"""Names: what certificates hold, what people paste, what a wildcard covers."""

from __future__ import annotations

import contextlib
import ipaddress
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmptui.domain.names import (
    MOST_NAMES,
    Name,
    NameProblem,
    covers,
    display,
    fits_common_name,
    parse_name,
    parse_names,
    under,
)
from kmptui.errors import BadInput

LETTERS = string.ascii_lowercase + string.digits
LABELS = st.text(LETTERS + "-", min_size=1, max_size=20).filter(
    lambda text: not text.startswith("-") and not text.endswith("-") and text[2:4] != "--" and not text.isdigit()
)
HOSTS = st.lists(LABELS, min_size=2, max_size=5).map(".".join)
WILDCARDS = st.lists(LABELS, min_size=2, max_size=4).map(lambda labels: "*." + ".".join(labels))
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
NAMES = st.one_of(HOSTS, WILDCARDS, ADDRESSES)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("shop.example.edu", Name("shop.example.edu")),
        ("Shop.EXAMPLE.edu.", Name("shop.example.edu")),
        ("  *.example.org\r\n", Name("*.example.org", "dns", True)),
        ("bücher.example", Name("xn--bcher-kva.example")),
        ("BÜCHER.Example", Name("xn--bcher-kva.example")),
        ("bu\u0308cher.example", Name("xn--bcher-kva.example")),
        ("*.bücher.example", Name("*.xn--bcher-kva.example", "dns", True)),
        ("faß.example", Name("xn--fa-hia.example")),
        ("ｗｗｗ。example。org", Name("www.example.org")),
        ("XN--BCHER-KVA.example", Name("xn--bcher-kva.example")),
        ("\ufeffshop.example\u200b", Name("shop.example")),
        ("localhost", Name("localhost")),
        ("192.0.2.7", Name("192.0.2.7", "ip")),
        ("2001:DB8:0:0::1", Name("2001:db8::1", "ip")),
        ("a" * 63 + ".example", Name("a" * 63 + ".example")),
        (".".join(["a" * 61] * 4) + ".abcde", Name(".".join(["a" * 61] * 4) + ".abcde")),
    ],
)
def test_names_become_what_certificates_hold(text, name):
    assert parse_name(text) == name


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "there is no name"),
        (" . ", "there is no name"),
        ("a..b", "two dots"),
        (".example.org", "starts with one"),
        ("a_b.example", "underscore"),
        ("ä_b.example", "underscore"),
        ("-a.example", "hyphen"),
        ("a-.example", "hyphen"),
        ("ab--cd.example", "reserved"),
        ("a" * 64 + ".example", "64 characters"),
        ("ü" * 60 + ".example", "IDNA"),
        (".".join(["a" * 61] * 4) + ".abcdef", "has 254"),
        ("x" * 5000, "5,000"),
        ("*", "wildcard"),
        ("*.example", "two labels"),
        ("w*.example.org", "whole first label"),
        ("*w.example.org", "whole first label"),
        ("a.*.example.org", "whole first label"),
        ("*.*.example.org", "whole first label"),
        ("1.2.3.4.5", "IPv4"),
        ("256.1.1.1", "IPv4"),
        ("a.123", "IPv4"),
        ("2001:db8::1::2", "IPv6"),
        ("fe80::1%eth0", "zone"),
        ("a b.example", "cannot stand"),
        ("a/b.example", "cannot stand"),
        ("xn--0.example", "IDNA"),
        ("☃.example", "IDNA"),
        ("a\u200bb.example", "zero width space"),
        ("a\u202eb.example", "U\\+202E"),
        ("a\u00adb.example", "soft hyphen"),
        ("a\x1b[31m.example", "U\\+001B"),
        ("\ud800.example", "U\\+D800"),
    ],
)
def test_what_is_no_name_is_refused_with_the_reason(text, reason):
    with pytest.raises(BadInput, match=reason) as caught:
        parse_name(text)
    assert caught.value.field == "names"
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


@given(NAMES)
def test_a_name_reads_as_itself(text):
    name = parse_name(text)
    assert parse_name(name.ascii) == name
    assert parse_name(name.unicode) == name
    assert parse_name(text.upper() + ("" if name.kind == "ip" else ".")) == name


@given(st.text(max_size=80))
def test_any_text_is_a_name_or_a_refusal(text):
    with contextlib.suppress(BadInput):
        name = parse_name(text)
        assert name.ascii.isascii()
        assert name.ascii == name.ascii.lower()
        assert parse_name(name.ascii) == name
        assert parse_name(name.unicode) == name


def test_an_international_name_shows_both_forms():
    assert parse_name("bücher.example").display == "bücher.example (xn--bcher-kva.example)"
    assert parse_name("*.bücher.example").unicode == "*.bücher.example"
    assert display("shop.example") == "shop.example"
    assert display("xn--0.example") == "xn--0.example"
    assert display("what SCM wrote, xn-- and all") == "what SCM wrote, xn-- and all"


def test_a_messy_paste_becomes_a_clean_list():
    found = parse_names(
        """DNS:shop.example.edu, DNS:*.cdn.example.org;  shop.example.edu.
        - bücher.example
        * WWW.example.edu
        1. "api.example.edu"  2) <b.example.edu>,, (c.example.edu)
        IP Address:192.0.2.7, IP:2001:db8::1   subject=CN = d.example.edu
        https://user.example.edu:8443/login?next=/  [2001:db8::2]:443  e.example.edu:443
        xn--bcher-kva.example"""
    )
    assert found.problems == ()
    assert found.ascii == (
        "shop.example.edu", "*.cdn.example.org", "xn--bcher-kva.example", "www.example.edu", "api.example.edu",
        "b.example.edu", "c.example.edu", "192.0.2.7", "2001:db8::1", "d.example.edu", "user.example.edu",
        "2001:db8::2", "e.example.edu",
    )  # fmt: skip
    assert found.duplicates == 2
    assert found.cut == (
        ("https://user.example.edu:8443/login?next=/", "user.example.edu"),
        ("[2001:db8::2]:443", "2001:db8::2"),
        ("e.example.edu:443", "e.example.edu"),
    )


@pytest.mark.parametrize(
    ("piece", "reason"),
    [
        ("ops@example.edu", "e-mail"),
        ("https://good.example@evil.example/", "user"),
        ("10.0.0.0/8", "network"),
        ("example.edu/path", "path"),
        ("a\u200bb.example", "zero width space"),
        ("a\x00b.example", "U+0000"),
    ],
)
def test_what_a_paste_holds_besides_names_is_a_problem(piece, reason):
    found = parse_names(f"a.example, {piece}\nb.example")
    assert found.ascii == ("a.example", "b.example")
    [problem] = found.problems
    assert problem.text.isprintable()
    assert reason in problem.cause


@given(st.lists(NAMES, max_size=30), st.data())
def test_every_separator_gives_the_same_list(names, data):
    separators = st.text(",; \t\r\n\u00a0\u2003", min_size=1, max_size=3)
    text = "".join(name + data.draw(separators) for name in names)
    found = parse_names(text)
    wanted = list(dict.fromkeys(parse_name(name).ascii for name in names))
    assert list(found.ascii) == wanted
    assert found.duplicates == len(names) - len(wanted)
    assert found.problems == ()


@given(st.text(max_size=300))
def test_any_paste_is_read(text):
    found = parse_names(text)
    assert len(found.names) <= MOST_NAMES
    assert all(problem.text.isprintable() for problem in found.problems)
    assert len(set(found.ascii)) == len(found.names)


def test_250_names_are_taken_and_one_more_is_said():
    names = [f"n{number}.example.edu" for number in range(251)]
    assert len(parse_names(",".join(names[:250])).names) == 250
    assert parse_names(",".join(names[:250])).problems == ()
    found = parse_names(",".join(names))
    assert len(found.names) == 250
    assert found.problems == (NameProblem("251 names", "an order takes at most 250 names; the first 250 were kept"),)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "a " * 500_000,
        "é" * 1_000_000,
        "[" * 1_000_000,
        "." * 1_000_000,
        "IP Address " * 90_000,
        "DNS" + " " * 1_000_000,
        "CN=" * 300_000,
        " ".join(f"n{number}.example" for number in range(70_000)),
        " ".join(f"ü{number}" + "x" * 900 for number in range(1_000)),
        "https://" * 125_000,
    ],
    ids=lambda text: text[:12],
)
def test_a_megabyte_of_anything_ends(text):
    found = parse_names(text)
    assert len(found.names) <= MOST_NAMES
    assert len(found.problems) <= 102


@pytest.mark.parametrize(
    ("pattern", "name", "yes"),
    [
        ("a.example", "a.example", True),
        ("a.example", "b.example", False),
        ("*.example.org", "a.example.org", True),
        ("*.example.org", "example.org", False),
        ("*.example.org", "a.b.example.org", False),
        ("*.example.org", "*.example.org", True),
        ("*.example.org", "*.a.example.org", False),
        ("*.b.example.org", "a.b.example.org", True),
        ("*.0.2.7", "192.0.2.7", False),
        ("192.0.2.7", "192.0.2.7", True),
    ],
)
def test_a_wildcard_stands_for_one_label(pattern, name, yes):
    assert covers(pattern, name) is yes


@pytest.mark.parametrize(
    ("domain", "name", "yes"),
    [
        ("example.org", "example.org", True),
        ("example.org", "a.b.example.org", True),
        ("example.org", "*.example.org", True),
        ("example.org", "notexample.org", False),
        ("a.example.org", "example.org", False),
        ("*.example.org", "example.org", False),
        ("*.example.org", "a.example.org", True),
        ("*.example.org", "*.example.org", True),
        ("2.7", "192.0.2.7", False),
    ],
)
def test_what_belongs_to_a_domain(domain, name, yes):
    assert under(domain, name) is yes


@given(HOSTS, LABELS)
def test_what_a_wildcard_covers_lies_under_its_domain(host, label):
    assert covers(f"*.{host}", f"{label}.{host}")
    assert under(host, f"{label}.{host}")
    assert not covers(f"*.{host}", host)


@given(st.ip_addresses())
def test_addresses_belong_to_no_domain(address):
    assert not under("example.org", str(address))
    assert parse_name(str(address)).ascii == str(ipaddress.ip_address(address))


def test_a_common_name_has_64_characters():
    assert fits_common_name("a" * 64)
    assert not fits_common_name("a" * 65)
    assert not fits_common_name("")
