"""The filter language, the same in every list and on the command line.

    web01 "api gateway"        every word must be found: in a name, a SAN, a serial, an organization, a profile
    -test                      and this one must not
    org:"Web Ops"              the field holds the text; org=… is exactly the text (case never matters)
    status:issued              SCM's word or ours; hold:limit says why an issued one is not in the repository
    expires<30d                within 30 days from now, also what has expired; d days, w weeks, y years
    expires>=2026-12-01        on or after a date; `:` and `=` mean on that day (or in so many days)
    covers:www.example.edu     what serves that host, wildcards included
    key:yes  renew:no          yes or no; open:yes waits for SCM; live:yes is issued, also while it is reissued, and
                               not revoked; successor:no has no valid certificate for the same
                               names or more that ends later; approve:yes is a request of others that waits for us;
                               handover:yes took another's place and was not exported; scmrenews:yes SCM renews itself
    renewal:failed             its automatic renewal did not come about: renewal:blocked, renewal:deferred, renewal:dcv
    id:o118  id:c42  scm:4711823  serial:4A:11:9C
    lineage:o118               the order, what it renewed, and what renewed it; likewise lineage:c42

Terms are joined by "and". What is typed is bounded (2,000 characters, 50 terms), so that a pasted page ends in a
sentence. `str(filter)` writes the same filter again.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Final

from kmptui.domain.names import parse_name
from kmptui.errors import BadInput

LONGEST = 2_000
MOST_TERMS = 50
_FARTHEST = 36_500  # days; keeps every sum within the calendar


class Kind(Enum):
    """What a field compares: text in it, a whole date, an id, a serial, a host name, or yes and no."""

    TEXT = "text"
    DATE = "date"
    ID = "id"
    SERIAL = "serial"
    HOST = "host"
    FLAG = "yes or no"


FIELDS: Final[dict[str, Kind]] = {
    "": Kind.TEXT,
    "name": Kind.TEXT,
    "org": Kind.TEXT,
    "profile": Kind.TEXT,
    "status": Kind.TEXT,
    "hold": Kind.TEXT,
    "issuer": Kind.TEXT,
    "requester": Kind.TEXT,
    "comments": Kind.TEXT,
    "note": Kind.TEXT,
    "contact": Kind.TEXT,
    "method": Kind.TEXT,
    "action": Kind.TEXT,
    "outcome": Kind.TEXT,
    "actor": Kind.TEXT,
    "source": Kind.TEXT,
    "renewal": Kind.TEXT,
    "expires": Kind.DATE,
    "requested": Kind.DATE,
    "issued": Kind.DATE,
    "dcv": Kind.DATE,
    "at": Kind.DATE,
    "id": Kind.ID,
    "scm": Kind.ID,
    "lineage": Kind.ID,
    "serial": Kind.SERIAL,
    "covers": Kind.HOST,
    "key": Kind.FLAG,
    "renew": Kind.FLAG,
    "exported": Kind.FLAG,
    "successor": Kind.FLAG,
    "approve": Kind.FLAG,
    "handover": Kind.FLAG,
    "scmrenews": Kind.FLAG,
    "open": Kind.FLAG,
    "live": Kind.FLAG,
}
"""Every field by its written name; "" are plain words. A list that lacks a field of a term finds nothing for it."""

ALIASES: Final[dict[str, str]] = {
    "organization": "org",
    "organisation": "org",
    "department": "org",
    "state": "status",
    "type": "profile",
    "cn": "name",
    "san": "name",
    "expiry": "expires",
    "ssl": "scm",
    "sslid": "scm",
    "date": "at",
    "who": "actor",
}


@dataclass(frozen=True, slots=True)
class Days:
    """So many days from today; negative ones lie behind."""

    count: int

    def on(self, today: date) -> date:
        return today + timedelta(days=self.count)

    def __str__(self) -> str:
        return f"{self.count}d"


Value = str | bool | date | Days


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. `field` is a key of FIELDS, `op` one of : = < <= > >= (the last four for dates alone).

    `value` by the field's kind: text as typed; date or Days; an id as `118`, `o118`, `c42`; a serial as upper-case hex;
    a host as punycode; a bool.
    """

    field: str
    op: str
    value: Value
    negated: bool = False

    @property
    def kind(self) -> Kind:
        return FIELDS[self.field]

    def day(self, today: date) -> date:
        """The date that a date term compares with; raises TypeError for any other term."""
        if isinstance(self.value, Days):
            return self.value.on(today)
        if isinstance(self.value, date):
            return self.value
        raise TypeError(f"{self.field} is no date")

    def __str__(self) -> str:
        sign = "-" if self.negated else ""
        if isinstance(self.value, bool):
            text = "yes" if self.value else "no"
        else:
            text = _quoted(self.value, inside=bool(self.field)) if isinstance(self.value, str) else str(self.value)
        op = ":" if self.op == "=" and self.kind not in {Kind.TEXT, Kind.SERIAL} else self.op
        return f"{sign}{self.field}{op}{text}" if self.field else f"{sign}{text}"


@dataclass(frozen=True, slots=True)
class Filter:
    """Terms that must all hold; without any, everything matches."""

    terms: tuple[Term, ...] = ()

    def __str__(self) -> str:
        return " ".join(map(str, self.terms))

    def __bool__(self) -> bool:
        return bool(self.terms)


_OPERATOR = re.compile(r"([A-Za-z][A-Za-z_-]*)(<=|>=|<|>|:|=)")
_PLAIN = re.compile(r"[^\s\"\\:<>=-][^\s\"\\:<>=]*")
_PAIRS = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})+")
_ID = re.compile(r"(?i)(?:scm:)?[oc]?[0-9]{1,18}")
_DAYS = re.compile(r"([+-]?[0-9]{1,5})([dwy])")
_UNITS = {"d": 1, "w": 7, "y": 365}


def parse_filter(text: str) -> Filter:
    """The filter that `text` says. Raises BadInput("filter") with the position, counted from 1, and a suggestion."""
    if len(text) > LONGEST:
        raise BadInput("filter", f"The filter has {len(text):,} characters", why=f"it takes {LONGEST:,}")
    terms: list[Term] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        if len(terms) == MOST_TERMS:
            raise _bad(at, f"a filter has at most {MOST_TERMS} terms")
        term, at = _term(text, at)
        if term is not None:
            terms.append(term)
    return Filter(tuple(terms))


def _term(text: str, start: int) -> tuple[Term | None, int]:
    negated = text[start] == "-" and start + 1 < len(text) and not text[start + 1].isspace()
    at = start + negated
    found = _OPERATOR.match(text, at)
    bare = _word_end(text, at)
    if found is None or _is_word(text[at:bare]):
        value, end = _value(text, at)
        if _PAIRS.fullmatch(text[at:bare]):
            return Term("serial", ":", _serial(value, at), negated), end
        return (Term("", ":", value, negated) if value else None), end
    field, op = _field(found[1], at), found[2]
    value, end = _value(text, found.end())
    if not value:
        raise _bad(found.end(), f"{found[1]}{op} has no value", f"Write it like {_example(field)}")
    return Term(field, _op(field, op, at), _typed(field, value, found.end()), negated), end


def _word_end(text: str, at: int) -> int:
    while at < len(text) and not text[at].isspace():
        at += 1
    return at


def _is_word(word: str) -> bool:
    """Serials in pairs and IPv6 addresses hold colons, and are words all the same."""
    return bool(_PAIRS.fullmatch(word)) or ("::" in word and re.fullmatch(r"[0-9A-Fa-f:.]+", word) is not None)


def _value(text: str, at: int) -> tuple[str, int]:
    """A value up to the next blank, or a quoted one, where \\" and \\\\ stand for themselves."""
    if at >= len(text) or text[at] != '"':
        end = _word_end(text, at)
        return text[at:end], end
    out: list[str] = []
    here = at + 1
    while here < len(text):
        char = text[here]
        if char == '"':
            if here + 1 < len(text) and not text[here + 1].isspace():
                raise _bad(here + 1, "a blank is missing after the closing quote")
            return "".join(out), here + 1
        if char == "\\" and text[here + 1 : here + 2] in {'"', "\\"}:
            here += 1
            char = text[here]
        out.append(char)
        here += 1
    raise _bad(at, "the closing quote is missing", 'Close it with "')


def _field(written: str, at: int) -> str:
    name = written.lower()
    name = ALIASES.get(name, name)
    if name in FIELDS:
        return name
    near = difflib.get_close_matches(name, [*filter(None, FIELDS), *ALIASES], n=1)
    known = ", ".join(filter(None, FIELDS))
    cure = f"Did you mean {near[0]}?" if near else f"Known are: {known}. Quote it to look for the text"
    raise _bad(at, f"there is no field {written[:40]!r}", cure)


def _op(field: str, op: str, at: int) -> str:
    if FIELDS[field] is Kind.DATE:
        return "=" if op == ":" else op
    if op in {":", "="}:
        return op if FIELDS[field] in {Kind.TEXT, Kind.SERIAL} else "="
    raise _bad(at, f"{field} cannot be compared with {op}", f"Write it like {_example(field)}")


def _typed(field: str, value: str, at: int) -> Value:
    kind = FIELDS[field]
    if kind is Kind.TEXT:
        return value
    if kind is Kind.DATE:
        return _moment(field, value, at)
    if kind is Kind.FLAG:
        folded = value.lower()
        if folded in {"yes", "y", "true", "on", "1"}:
            return True
        if folded in {"no", "n", "false", "off", "0"}:
            return False
        raise _bad(at, f"{field} is yes or no, not {value[:40]!r}")
    if kind is Kind.SERIAL:
        return _serial(value, at)
    if kind is Kind.HOST:
        try:
            return parse_name(value).ascii
        except BadInput as error:
            raise _bad(at, f"{value[:40]!r} is no host name, {error.why}") from None
    if not _ID.fullmatch(value):
        raise _bad(at, f"{value[:40]!r} is no id", "Write it like id:o118, id:c42 or scm:4711823")
    return value.lower()


def _moment(field: str, value: str, at: int) -> Days | date:
    if found := _DAYS.fullmatch(value.lower()):
        days = int(found[1]) * _UNITS[found[2]]
        if abs(days) > _FARTHEST:
            raise _bad(at, f"{value} is more than a hundred years")
        return Days(days)
    if value.lower() in {"today", "now"}:
        return Days(0)
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value, re.ASCII):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise _bad(at, f"{value} is no day of the calendar") from None
    raise _bad(at, f"{value[:40]!r} is no date", f"Write it like {field}<30d or {field}>2026-12-01")


def _serial(value: str, at: int) -> str:
    digits = value.replace(":", "").replace(" ", "").upper()
    if not re.fullmatch(r"[0-9A-F]{1,64}", digits, re.ASCII):
        raise _bad(at, f"{value[:40]!r} is no serial", "It has the digits 0-9 and A-F, with or without colons")
    return digits


def _example(field: str) -> str:
    return {
        Kind.TEXT: f'{field}:"some text"',
        Kind.DATE: f"{field}<30d",
        Kind.ID: f"{field}:o118",
        Kind.SERIAL: "serial:4A119C",
        Kind.HOST: "covers:www.example.org",
        Kind.FLAG: f"{field}:yes",
    }[FIELDS[field]]


def _quoted(value: str, *, inside: bool) -> str:
    """`value` so that it is read again as itself; `inside`: it follows a field and its operator."""
    plain = re.fullmatch(r'[^\s"\\]+', value) if inside else _PLAIN.fullmatch(value)
    if plain:
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _bad(at: int, why: str, cure: str = "") -> BadInput:
    return BadInput("filter", f"The filter cannot be read at character {at + 1}", why=why, cure=cure)
