"""What stands in the order form, apart from any widget: to and from drafts, and on to a request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from kmptui.domain import entry
from kmptui.domain.keys import KeySpec
from kmptui.domain.names import NameProblem, parse_names
from kmptui.domain.order import KeystorePassword, NewKey, OrderRequest, OwnCsr
from kmptui.errors import BadInput, Finding

DEFAULT_KEY = KeySpec("RSA", "2048")


@dataclass(frozen=True, slots=True)
class OrderValues:
    """The form's fields. Names are `Name.ascii`, the common name first; `problems` are pieces that are no names, and
    are kept as they were typed. The two passwords never reach a draft, a repr or the screen."""

    names: tuple[str, ...] = ()
    problems: tuple[NameProblem, ...] = ()
    each: bool = False
    organization_id: int | None = None
    profile_id: int | None = None
    term: int | None = None
    key: KeySpec = DEFAULT_KEY
    own_csr: bool = False
    csr_path: str = ""
    csr: str = field(default="", repr=False)
    keystore: str = "pkcs12"
    password_when: KeystorePassword = KeystorePassword.AT_EXPORT
    password: str = field(default="", repr=False)
    password_again: str = field(default="", repr=False)
    comments: str = ""
    requesters: str = ""
    custom: tuple[tuple[str, str], ...] = ()
    auto_renew: bool = True
    note: str = ""
    contact: str = ""

    @property
    def touched(self) -> bool:
        """Whether there is anything that would be missed."""
        return self != OrderValues(
            organization_id=self.organization_id, profile_id=self.profile_id, term=self.term, key=self.key
        )

    def request(self) -> OrderRequest:
        """The request as it stands, complete or not; what is not chosen is 0, what cannot be read is left out (and is
        told by `own_findings`)."""
        return OrderRequest(
            names=self.names,
            organization_id=self.organization_id or 0,
            profile_id=self.profile_id or 0,
            term=self.term or 0,
            key=OwnCsr(self.csr) if self.own_csr else NewKey(self.key),
            keystore=self.keystore,
            keystore_password_when=KeystorePassword.AT_EXPORT if self.own_csr else self.password_when,
            keystore_password=self.password if self._password_now else "",
            comments=self.comments,
            requesters=self._requesters(),
            custom_fields=tuple((name, value) for name, value in self.custom if value.strip()),
            auto_renew=self.auto_renew,
            note=self.note,
            contact=self.contact,
        )

    def own_findings(self) -> tuple[Finding, ...]:
        """What only the form knows to be wrong: pieces that are no names, passwords that differ, an unread file."""
        found = [Finding("names", f"{problem.text}: {problem.cause}", "Mend or remove it") for problem in self.problems]
        if self._password_now and self.password != self.password_again:
            found.append(Finding("keystore_password", "the two do not agree", "Type it again"))
        if self.own_csr and not self.csr:
            found.append(Finding("csr", "no file was read", "Give the file that openssl req made"))
        try:
            entry.requesters(self.requesters)
        except BadInput as error:
            found.append(Finding("requesters", error.what, error.why or error.cure))
        return tuple(found)

    def members(self) -> dict[str, str]:
        """The draft: every field as text, but for passwords and the content of files."""
        return {
            "names": "\n".join(self.names),
            "problems": json.dumps([(problem.text, problem.cause) for problem in self.problems], ensure_ascii=False),
            "each": "yes" if self.each else "",
            "organization": str(self.organization_id or ""),
            "profile": str(self.profile_id or ""),
            "term": str(self.term or ""),
            "key": self.key.option,
            "own_csr": "yes" if self.own_csr else "",
            "csr_path": self.csr_path,
            "keystore": self.keystore,
            "password_when": self.password_when.value,
            "comments": self.comments,
            "requesters": self.requesters,
            "custom": json.dumps(self.custom, ensure_ascii=False),
            "auto_renew": "yes" if self.auto_renew else "",
            "note": self.note,
            "contact": self.contact,
        }

    def _requesters(self) -> tuple[str, ...]:
        try:
            return entry.requesters(self.requesters)
        except BadInput:
            return ()

    @property
    def _password_now(self) -> bool:
        return self.password_when is KeystorePassword.NOW and not self.own_csr


def from_members(members: Mapping[str, str]) -> OrderValues:
    """The form of a draft; a member that is missing or that an older version wrote otherwise takes its default."""
    values = OrderValues(
        names=parse_names(members.get("names", "")).ascii,
        problems=tuple(NameProblem(text, cause) for text, cause in _pairs(members.get("problems", ""))),
        each=bool(members.get("each")),
        organization_id=_number(members.get("organization", "")),
        profile_id=_number(members.get("profile", "")),
        term=_number(members.get("term", "")),
        own_csr=bool(members.get("own_csr")),
        csr_path=members.get("csr_path", ""),
        keystore=members.get("keystore", "pkcs12"),
        comments=members.get("comments", ""),
        requesters=members.get("requesters", ""),
        custom=_pairs(members.get("custom", "")),
        auto_renew=bool(members.get("auto_renew")),
        note=members.get("note", ""),
        contact=members.get("contact", ""),
    )
    try:
        values = replace(values, key=KeySpec.parse(members.get("key", "")))
    except BadInput:
        values = replace(values, key=DEFAULT_KEY)
    if (when := members.get("password_when", "")) in set(KeystorePassword):
        values = replace(values, password_when=KeystorePassword(when))
    return values


def from_request(request: OrderRequest) -> OrderValues:
    """The form for an order like another one. An own CSR cannot serve twice, so that a new key is offered."""
    return OrderValues(
        names=request.names,
        organization_id=request.organization_id or None,
        profile_id=request.profile_id or None,
        term=request.term or None,
        key=request.key.spec if isinstance(request.key, NewKey) else DEFAULT_KEY,
        keystore=request.keystore,
        password_when=request.keystore_password_when,
        comments=request.comments,
        requesters=", ".join(request.requesters),
        custom=request.custom_fields,
        auto_renew=request.auto_renew,
        note=request.note,
        contact=request.contact,
    )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """Pairs of texts out of JSON; nothing where it is anything else."""
    try:
        found = json.loads(text or "[]")
        return tuple((str(name), str(value)) for name, value in found)
    except (ValueError, TypeError):
        return ()
