"""SCM's error codes: what each means, whose fault it is, and what to do (SCM REST 25.5, Error codes).

SCM uses some numbers for several texts, so a meaning may hold for certain calls only; elsewhere such a number counts
as unknown. Unknown is the careful answer: on a call that changes something it means "unconfirmed".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

CREDENTIALS, RIGHTS, PENDING, TEMPORARY, UNKNOWN = "credentials", "rights", "pending", "temporary", "unknown"

ORDERING = frozenset({"enroll", "renew", "replace", "update"})
REVOKING = frozenset({"revoke"})


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code means. `kind`: credentials, rights, or one of `ScmRefused.kind`; `field` what to mend, named as
    findings name it; `calls` where it means that (empty: everywhere)."""

    kind: str
    what: str
    cure: str = ""
    field: str = ""
    calls: frozenset[str] = frozenset()


def _request(what: str, cure: str, field: str = "") -> Meaning:
    return Meaning("request", what, cure, field, ORDERING)


def _csr(what: str) -> Meaning:
    return _request(what, "Make a new request with a key that the profile takes", "csr")


def _profile(what: str, field: str = "profile") -> Meaning:
    return Meaning("profile", what, "Sync profiles and choose again", field, ORDERING)


def _domain(what: str, cure: str = "kmptui domains validate NAME --method cname") -> Meaning:
    return Meaning("domain", what, cure, "names")


def _organization(what: str, cure: str) -> Meaning:
    return Meaning("organization", what, cure, "organization")


def _trouble(what: str) -> Meaning:
    return Meaning(TEMPORARY, what, "Try again later")


_RIGHTS = Meaning(RIGHTS, "The account may not do this", "Ask your SCM master administrator (MRAO) for the role")
_NOT_YET = "It is asked again by the next check"
_GONE = Meaning("revoked", "The certificate is revoked and cannot be downloaded")

MEANINGS: dict[int, Meaning] = {
    -16: Meaning(CREDENTIALS, "SCM does not know this login and password"),
    -970: Meaning(CREDENTIALS, "SCM refuses login, password or customer URI"),
    -37: _RIGHTS,
    -3: _RIGHTS,
    -25: _RIGHTS,
    -103: Meaning(PENDING, "The certificate has not come from the CA yet", _NOT_YET),
    -109: Meaning(PENDING, "The certificate is not available yet", _NOT_YET),
    -183: Meaning(PENDING, "The certificate is not issued yet", _NOT_YET),
    -1400: Meaning(PENDING, "The CA is still working on it", _NOT_YET),
    -110: _GONE,
    -192: _GONE,
    -169: Meaning("attention", "The certificate is not available", "Ask your SCM administrator or Sectigo's support"),
    -7: Meaning("request", "SCM misses a field", "Fill it in"),
    -1601: Meaning("request", "SCM does not accept the value of a field", "Change it"),
    -62: _request("A custom field that SCM requires is missing", "Sync, then fill it in", "custom"),
    -64: _request("SCM does not accept a custom field", "Sync, then choose its value again", "custom"),
    -9: _csr("SCM cannot read the certification request"),
    -10: _csr("SCM cannot decode the certification request"),
    -11: _csr("The request's key has an algorithm that SCM does not take here"),
    -13: _csr("The request's key has a size that SCM does not take"),
    -78: _csr("SCM does not take the request's public key"),
    -138: _csr("SCM holds the certification request for invalid"),
    -141: _csr("The request's key is too short"),
    -170: _csr("SCM does not take EC keys here"),
    -194: _csr("The request's key has a size that SCM does not take here"),
    -36: _profile("The profile does not offer this term", "term"),
    -39: _profile("SCM does not accept the profile"),
    -111: _profile("SCM has no such profile for this organization"),
    -180: _profile("The profile does not allow renewals"),
    -107: _domain("The domain's validation (DCV) is missing or has ended"),
    -1137: _domain("A domain of the request is not validated (DCV)"),
    -737: _domain("A domain of the request is not validated (DCV)"),
    -715: _domain("The domain is not active in SCM", "Have it activated in SCM, then sync domains"),
    -723: _domain("Only a registered main domain can be validated", "Validate the domain above it"),
    -724: _domain("The domain is not in the state for this step of validation", "kmptui domains check NAME"),
    -727: _domain("SCM does not know the domain", "Have it added in SCM, then sync domains"),
    -1010: _domain("The organization may not use the domain", "Have it delegated in SCM, then sync domains"),
    -843: _organization("The organization is not validated for this", "Have it validated in SCM, then sync"),
    -1021: _organization(
        "The organization does not allow this", "Have 'SSL certificates: Web API' switched on for it in SCM"
    ),
    -1023: _organization("SCM does not know the organization", "Sync organizations and choose again"),
    -102: Meaning("state", "Only an issued certificate can be revoked"),
    -130: Meaning("state", "The certificate is not issued"),
    -1112: Meaning("state", "The request does not wait for approval any more"),
    -1113: Meaning("state", "The request is not in the state for this"),
    -124: Meaning("state", "SCM has no order with this id"),
    -5101: Meaning("state", "SCM knows no certificate with this serial"),
    -1148: Meaning("state", "SCM installs this certificate by itself and does not let it be replaced"),
    -159: Meaning("done", "The certificate is already revoked", calls=REVOKING),
    -1140: Meaning("four-eyes", "An EV request is approved by another person than its requester", "Ask a colleague"),
    -105: _trouble("The CA did not answer SCM"),
    -140: _trouble("The CA is not available"),
    -195: _trouble("The CA is not available"),
    -196: _trouble("The CA is not available"),
    -2: _trouble("SCM had an internal error"),
    -65: _trouble("SCM had an internal error"),
    -1: _trouble("SCM had an unknown error"),
    -14: _trouble("SCM had an unknown error"),
    -1002: _request("SCM misses the body of the request", "This is a bug of kmptui: please report it"),
}

_FIELDS = {
    "orgid": "organization", "certtype": "profile", "certtypeid": "profile", "commonname": "names",
    "subjaltnames": "names", "subjectalternativenames": "names", "externalrequester": "requesters",
    "customfields": "custom", "comments": "comments", "term": "term", "csr": "csr", "reason": "reason",
    "reasoncode": "reason_code", "message": "message",
}  # fmt: skip
_NAMED = re.compile(r"[Ff]ield '(\w{1,40})'|^(\w{1,40}) is required")


def meaning(code: int, text: str, call: str) -> Meaning:
    """What the code means as an answer to `call` (enroll, renew, replace, update, revoke, collect, …)."""
    known = MEANINGS.get(code)
    if known is None or (known.calls and call not in known.calls):
        return Meaning(UNKNOWN, "SCM refused the request")
    if not known.field and known.kind == "request" and (named := _NAMED.search(text)):
        name = named[1] or named[2]
        return replace(known, field=_FIELDS.get(name.lower(), name))
    return known
