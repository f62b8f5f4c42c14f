"""One order spelled out: the command line that does the same, the effect in words, names of files, marks, passwords."""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Callable
from datetime import date, timedelta

from kmptui.domain.names import display
from kmptui.domain.order import KeystorePassword, NewKey, OrderRequest
from kmptui.domain.preflight import ROOMY_COMMENTS

MARK = "kmptui:"
_MARK_BYTES = 10
_MARK_LINE = re.compile(r"kmptui:[A-Z2-7]{16}")
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
"""32 letters and digits that are not mistaken for each other (no l, o, 0, 1): five bits each."""
_PASSWORD_GROUPS = 4
_PASSWORD_GROUP = 6

Randomness = Callable[[int], bytes]


def new_mark(randomness: Randomness) -> str:
    """`kmptui:` and 16 base32 characters (80 random bits): what finds an order again whose answer was lost."""
    return MARK + base64.b32encode(randomness(_MARK_BYTES)).decode("ascii")


def mark_for(comments: str, randomness: Randomness) -> str:
    """A new mark where the comments leave room for its line, else nothing."""
    return new_mark(randomness) if len(comments) <= ROOMY_COMMENTS else ""


def marked(comments: str, mark: str) -> str:
    """The comments with the mark on a line of its own at the end. A mark of another order, copied with its comments, is
    left out: it would find this one in the place of that."""
    return "\n".join(part for part in (unmarked(comments), mark) if part)


def unmarked(comments: str) -> str:
    """The comments without any mark's line, as a person wrote them."""
    lines = [line for line in comments.split("\n") if not _MARK_LINE.fullmatch(line.strip())]
    return "\n".join(lines)


def mark_in(comments: str) -> str:
    """The mark that comments hold, "" where there is none; the last one where somebody copied another."""
    found = [line.strip() for line in comments.split("\n") if _MARK_LINE.fullmatch(line.strip())]
    return found[-1] if found else ""


def made_password(randomness: Randomness) -> str:
    """A strong password that can be typed: 120 random bits, `k7tq2m-…` in four groups of six."""
    letters = [_LETTERS[byte & 31] for byte in randomness(_PASSWORD_GROUPS * _PASSWORD_GROUP)]
    groups = ["".join(letters[at : at + _PASSWORD_GROUP]) for at in range(0, len(letters), _PASSWORD_GROUP)]
    return "-".join(groups)


def command_line(request: OrderRequest) -> str:
    """What a shell would be told for the same order. Never holds a password; an own CSR and a given password are files
    whose names the reader fills in."""
    words = ["kmptui", "orders", "create", "--common-name", request.common_name]
    for name in request.names[1:]:
        words += ["--san", name]
    words += ["--organization", str(request.organization_id), "--profile", str(request.profile_id)]
    words += ["--term", str(request.term)]
    words += ["--key", request.key.spec.option] if isinstance(request.key, NewKey) else ["--csr", "FILE"]
    words += ["--keystore", request.keystore]
    if request.keystore_password_when is KeystorePassword.MADE:
        words.append("--generate-password")
    elif request.keystore_password_when is KeystorePassword.NOW:
        words += ["--keystore-password-file", "FILE"]
    for option, text in (("comments", request.comments), ("note", request.note), ("contact", request.contact)):
        if text:
            words += [f"--{option}", text]
    for address in request.requesters:
        words += ["--external-requester", address]
    for name, value in request.custom_fields:
        words += ["--custom-field", f"{name}={value}"]
    if request.auto_renew:
        words.append("--auto-renew")
    return shlex.join(words)


def effect(request: OrderRequest, organization: str, profile: str, today: date) -> str:
    """What will happen, in one or two sentences."""
    others = len(request.names) - 1
    names = display(request.common_name) + (f" and {others:,} more name{'s' if others > 1 else ''}" if others else "")
    ends = today + timedelta(days=request.term)
    if isinstance(request.key, NewKey):
        key = f"A new {request.key.spec} key is made and sealed here"
    else:
        key = "Your own CSR is sent; its key stays with you"
    return (
        f"Orders one certificate for {names}: {profile or f'profile {request.profile_id}'}, "
        f"{organization or f'organization {request.organization_id}'}, "
        f"{request.term:,} days (to about {ends:%-d %b %Y}). {key}. SCM may charge for it."
    )


def file_name(common_name: str, suffix: str, part: str = "") -> str:
    """A safe file name for a certificate, whatever its name: `*.example.org` is `_wildcard.example.org`."""
    stem = common_name.lower().replace("*", "_wildcard")
    stem = re.sub(r"[^a-z0-9._-]+", "_", stem).strip("._-" if not stem.startswith("_wildcard") else ".-")[:120]
    return f"{stem or 'certificate'}{f'-{part}' if part else ''}.{suffix}"
