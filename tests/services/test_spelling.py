"""The command line that does the same, marks, made passwords, file names."""

from __future__ import annotations

import os
import re
import shlex
import string
from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from kmptui.domain.entry import keystore_password
from kmptui.domain.keys import KeySpec
from kmptui.domain.order import Act, Intent, KeystorePassword, Ledger, NewKey, OrderRequest, OwnCsr, RemoteOrder
from kmptui.services import matching, spelling

REQUEST = OrderRequest(
    names=("www.example.edu", "*.example.edu"),
    organization_id=7101,
    profile_id=2102,
    term=199,
    key=NewKey(KeySpec("EC", "P-256")),
    keystore_password_when=KeystorePassword.NOW,
    keystore_password="do not tell",
    comments="it's for $(reboot); `x`",
    requesters=("web@example.edu",),
    custom_fields=(("Cost Centre", "CC-1; rm -rf /"),),
)


def test_the_command_line_is_quoted_and_tells_no_password() -> None:
    line = spelling.command_line(REQUEST)
    assert "do not tell" not in line
    words = shlex.split(line)
    assert words[:5] == ["kmptui", "orders", "create", "--common-name", "www.example.edu"]
    assert words[words.index("--san") + 1] == "*.example.edu"
    assert words[words.index("--comments") + 1] == REQUEST.comments
    assert words[words.index("--custom-field") + 1] == "Cost Centre=CC-1; rm -rf /"
    assert words[words.index("--keystore-password-file") + 1] == "FILE"
    assert words[words.index("--key") + 1] == "ec:P-256"


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_comes_back_from_the_shell_as_it_was(comments: str, value: str) -> None:
    import dataclasses

    request = dataclasses.replace(REQUEST, comments=comments, custom_fields=(("f", value),), key=OwnCsr("x"))
    words = shlex.split(spelling.command_line(request))
    assert words[words.index("--custom-field") + 1] == f"f={value}"
    assert "--csr" in words


def test_a_mark_is_a_line_of_its_own() -> None:
    mark = spelling.new_mark(os.urandom)
    assert re.fullmatch(r"kmptui:[A-Z2-7]{16}", mark)
    assert spelling.marked("for the shop", mark) == f"for the shop\n{mark}"
    assert spelling.marked("", mark) == mark
    assert spelling.unmarked(spelling.marked("for\nthe shop", mark)) == "for\nthe shop"
    assert spelling.mark_for("x" * 1_000, os.urandom)
    assert len(spelling.marked("x" * 1_000, mark)) == 1_024
    assert spelling.mark_for("x" * 1_001, os.urandom) == ""


def test_a_made_password_is_strong_and_taken_by_every_keystore() -> None:
    made = {spelling.made_password(os.urandom) for _ in range(50)}
    assert len(made) == 50
    for password in made:
        assert keystore_password(password) == password
        assert re.fullmatch(r"(?:[a-km-np-z2-9]{6}-){3}[a-km-np-z2-9]{6}", password)


@given(st.text(max_size=300))
def test_a_file_name_is_safe_whatever_the_name(name: str) -> None:
    made = spelling.file_name(name, "p12")
    assert "/" not in made
    assert not made.startswith((".", "-"))
    assert set(made) <= set(string.ascii_lowercase + string.digits + "._-")
    assert 5 <= len(made) <= 130


def test_wildcards_are_named() -> None:
    assert spelling.file_name("*.example.org", "pem", "chain") == "_wildcard.example.org-chain.pem"
    assert spelling.file_name("../../etc/passwd", "pem") == "etc_passwd.pem"


def test_the_effect_says_what_costs_money() -> None:
    words = spelling.effect(REQUEST, "Example University", "OV Multi-Domain", date(2026, 11, 24))
    assert "www.example.edu and 1 more name:" in words
    assert "11 Jun 2027" in words
    assert "Example University" in words


INTENT = Intent(
    id=1,
    order_id=1,
    act=Act.ORDER,
    state=Ledger.UNCONFIRMED,
    token="kmptui:AAAAAAAAAAAAAAAA",
    common_name="www.example.edu",
    names=("www.example.edu", "example.edu"),
    organization_id=7101,
    profile_id=2102,
    term=199,
    csr="",
    spki="00",
    prepared=datetime(2026, 11, 24, 0, 30, tzinfo=UTC),
)


def remote(**changes: object) -> RemoteOrder:
    members: dict[str, object] = {
        "ssl_id": 5,
        "common_name": "www.example.edu",
        "names": ("www.example.edu", "example.edu"),
        "organization_id": 7101,
        "profile_id": 2102,
        "requested": date(2026, 11, 23),
    }
    return RemoteOrder(**(members | changes))  # type: ignore[arg-type]


def test_the_mark_alone_is_enough() -> None:
    found = matching.reasons(INTENT, remote(comments="x\nkmptui:AAAAAAAAAAAAAAAA", names=("other.example",)))
    assert found == (matching.MARK,)


def test_another_mark_or_other_comments_are_somebody_elses() -> None:
    assert matching.reasons(INTENT, remote(comments="kmptui:BBBBBBBBBBBBBBBB")) == ()
    assert matching.reasons(INTENT, remote(comments="mine")) == ()
    assert matching.reasons(INTENT, remote()) != ()


def test_without_a_mark_everything_must_be_the_same() -> None:
    import dataclasses

    bare = dataclasses.replace(INTENT, token="")
    assert "the same names" in matching.reasons(bare, remote(comments="whatever"))
    assert matching.reasons(bare, remote(names=("www.example.edu",))) == ()
    assert matching.reasons(bare, remote(profile_id=1)) == ()
    assert matching.reasons(bare, remote(organization_id=1)) == ()
    assert matching.reasons(bare, remote(requested=date(2026, 11, 22))) == ()
    assert matching.reasons(bare, remote(requested=None, profile_id=None)) == (
        "the same common name",
        "the same names",
        "the same organization",
    )
