"""Host names and addresses as certificates hold them: how they are written, read, pasted and matched.

Rules: RFC 1035 2.3.4 (253 characters, labels of 63), RFC 5890 and UTS 46 (international names), RFC 9525 6.3
(wildcards), CA/Browser Forum Baseline Requirements 7.1.4.2 (no underscore, no reserved `??--` label but `xn--`).
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass

from kmptui.domain.text import clip, printable
from kmptui.errors import BadInput

LONGEST_NAME = 253
LONGEST_LABEL = 63
LONGEST_COMMON_NAME = 64
"""X.520 ub-common-name, kept by RFC 5280 A.1."""
MOST_NAMES = 250
"""Names in one order."""

_LONGEST_PIECE = 1_000  # nothing longer can become 253 characters of punycode; bounds the work of one piece
_MOST_PIECES = 4 * MOST_NAMES  # distinct pieces of a paste that are looked at
_MOST_PROBLEMS = 100

_SEPARATORS = re.compile("[,;，、؛\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_EDGES = "\ufeff\u200b\u2060"  # byte order mark, zero-width blank, word joiner: what copying leaves at the ends
_WRAPPING = "\"'`´‘’‚“”„«»‹›()<>{}|"
_BULLET = re.compile(r"(?:[-*•·‣–—+>#]|\d{1,3}[.)])+")
_SPELLED = re.compile(r"(?i)\b(?:(?:IP Address|DNS Name|URL|Common Name|Subject|DNS|IP|CN)\s*[:=]\s*)+")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_SCHEME = re.compile(r"(?i)[a-z][a-z0-9+.-]*://")


@dataclass(frozen=True, slots=True)
class Name:
    """One name of a certificate. `ascii` is lower case and punycode, an address in its shortest form; `kind` is dns or
    ip; `wildcard` means that the leftmost label is `*`."""

    ascii: str
    kind: str = "dns"
    wildcard: bool = False

    @property
    def unicode(self) -> str:
        """The name as people read it: `bücher.example`."""
        return unicode_of(self.ascii)

    @property
    def display(self) -> str:
        """Both forms where they differ: `bücher.example (xn--bcher-kva.example)`."""
        return display(self.ascii)

    def __str__(self) -> str:
        return self.ascii


@dataclass(frozen=True, slots=True)
class NameProblem:
    """A piece of a paste that is no name: the piece (shortened, made visible) and the reason."""

    text: str
    cause: str


@dataclass(frozen=True, slots=True)
class NameList:
    """What a paste came to: names in their order, what could not be read, how many were double, and what was cut.

    `cut` pairs what stood there with the name that was taken from it: `https://shop.example/cart`, `shop.example`.
    """

    names: tuple[Name, ...] = ()
    problems: tuple[NameProblem, ...] = ()
    duplicates: int = 0
    cut: tuple[tuple[str, str], ...] = ()

    @property
    def ascii(self) -> tuple[str, ...]:
        """The names as an OrderRequest takes them."""
        return tuple(name.ascii for name in self.names)


def parse_name(text: str) -> Name:
    """One DNS name, wildcard, IPv4 or IPv6 address.

    A trailing dot is removed and letters are made small. Blanks, byte order marks and zero-width blanks around it are
    removed (they are traces of copying and cannot change which name is meant); inside it, they and every other control
    or format character are refused, because they could hide another name. Raises BadInput("names") with the reason.
    """
    bare = _strip(text)
    if not bare:
        raise _bad(text, "there is no name")
    if len(bare) > _LONGEST_PIECE:
        raise _bad(bare, f"a name has at most {LONGEST_NAME} characters, this has {len(bare):,}")
    _refuse_hidden(bare)
    if (address := _address(bare)) is not None:
        return Name(address, "ip")
    wildcard = bare.startswith("*.")
    host = _to_ascii(bare[2:] if wildcard else bare, bare)
    _check_host(host, bare)
    if wildcard and "." not in host:
        raise _bad(bare, "a wildcard needs two labels or more after it", "Write it like *.example.org")
    name = f"*.{host}" if wildcard else host
    if len(name) > LONGEST_NAME:
        raise _bad(bare, f"a name has at most {LONGEST_NAME} characters, this has {len(name)}")
    return Name(name, "dns", wildcard)


def parse_names(text: str) -> NameList:
    """Names out of a paste, as messy as it comes; bounded, so that a page or a megabyte of anything ends at once.

    Separators: commas, semicolons, blanks, line breaks. Left out without a word, as none can be part of a name: quotes
    and brackets around a name, bullets and list numbers standing alone, and the labels that openssl and others print
    (`DNS:`, `IP Address:`, `CN=`). Told in `cut`: the scheme, port and path of a URL. Everything else that is no name
    is a problem: addresses of mail, networks (10.0.0.0/8), URLs with a user in them.
    """
    names: dict[str, Name] = {}
    problems: list[NameProblem] = []
    cut: list[tuple[str, str]] = []
    seen: dict[str, str | None] = {}
    duplicates = left_out = 0
    for piece in _pieces(text):
        if piece in seen:
            duplicates += seen[piece] is not None
            continue
        if len(seen) >= _MOST_PIECES:
            left_out += 1
            continue
        seen[piece] = None
        try:
            host = _host_of(piece)
            name = parse_name(host)
        except BadInput as error:
            problems.append(NameProblem(_shown(piece), error.why))
            continue
        seen[piece] = name.ascii
        if name.ascii in names:
            duplicates += 1
            continue
        names[name.ascii] = name
        if host != piece:
            cut.append((_shown(piece), name.ascii))
    if left_out:
        problems.append(NameProblem(f"{left_out:,} more", f"not read, after {_MOST_PIECES:,} different pieces"))
    kept = tuple(names.values())[:MOST_NAMES]
    if len(names) > MOST_NAMES:
        over = f"an order takes at most {MOST_NAMES} names; the first {MOST_NAMES} were kept"
        problems.insert(0, NameProblem(f"{len(names):,} names", over))
    if len(problems) > _MOST_PROBLEMS:
        more = f"{len(problems) - _MOST_PROBLEMS + 1:,} more pieces"
        problems[_MOST_PROBLEMS - 1 :] = [NameProblem(more, "are no names either")]
    return NameList(kept, tuple(problems), duplicates, tuple(pair for pair in cut if pair[1] in names))


def unicode_of(ascii_name: str) -> str:
    """The readable form of a punycode name; text that is no such name comes back as it is."""
    if "xn--" not in ascii_name or len(ascii_name) > LONGEST_NAME:
        return ascii_name
    import idna

    star, host = ("*.", ascii_name[2:]) if ascii_name.startswith("*.") else ("", ascii_name)
    try:
        return star + idna.decode(host)
    except UnicodeError:
        return ascii_name


def display(ascii_name: str) -> str:
    """Both forms of an international name, `bücher.example (xn--bcher-kva.example)`; any other text as it is."""
    readable = unicode_of(ascii_name)
    return ascii_name if readable == ascii_name else f"{readable} ({ascii_name})"


def covers(pattern: str, name: str) -> bool:
    """Whether a certificate for `pattern` serves `name`, both as `Name.ascii` (RFC 9525 6.3, formerly RFC 6125).

    A wildcard stands for exactly one label, the leftmost; it covers another wildcard only where they are the same.
    """
    if pattern == name:
        return True
    if not pattern.startswith("*.") or name.startswith("*.") or is_address(name):
        return False
    label, dot, rest = name.partition(".")
    return bool(label) and bool(dot) and rest == pattern[2:]


def under(domain: str, name: str) -> bool:
    """Whether `name` belongs to `domain`: itself, below it, or a wildcard of it. A domain `*.example.org` holds what is
    below example.org, but not example.org."""
    if is_address(name):
        return False
    base = domain.removeprefix("*.")
    host = name.removeprefix("*.")
    if host == base:
        return not domain.startswith("*.") or name.startswith("*.")
    return host.endswith(f".{base}")


def fits_common_name(ascii_name: str) -> bool:
    """Whether the name can be a certificate's common name: 1 to 64 characters."""
    return 1 <= len(ascii_name) <= LONGEST_COMMON_NAME


def _pieces(text: str) -> list[str]:
    """The paste, cut at separators, without wrapping, labels and bullets."""
    spelled = _SPELLED.sub(" ", text)
    found = []
    for raw in map(_strip, _SEPARATORS.split(spelled)):
        piece = raw.strip(_WRAPPING)
        if piece.startswith("[") and piece.endswith("]") and piece.count("[") == 1:
            piece = piece[1:-1].strip(_WRAPPING)
        if piece and not _BULLET.fullmatch(raw) and not _BULLET.fullmatch(piece):
            found.append(piece)
    return found


def _host_of(piece: str) -> str:
    """The host of a URL or of `host:port`; any other piece as it is. Raises BadInput("names")."""
    if len(piece) > 4 * _LONGEST_PIECE:
        return piece
    scheme = _SCHEME.match(piece)
    rest = piece[scheme.end() :] if scheme else piece
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    if "@" in authority:
        raise _bad(piece, "a URL with a user in it is not read" if scheme else "this is an e-mail address, not a name")
    if not scheme and authority != rest:
        raise _bad(piece, "this is a path or a network, not a name")
    if bracketed := re.fullmatch(r"\[([^\[\]]*)\](?::\d{0,5})?", authority):
        return bracketed[1]
    if port := re.fullmatch(r"([^:]*):\d{0,5}", authority):
        return port[1]
    return authority


def _strip(text: str) -> str:
    return text.strip(_EDGES + " \t\r\n\v\f\x85\xa0\u2028\u2029\u202f\u3000")


def _refuse_hidden(bare: str) -> None:
    for char in bare:
        if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
            word = unicodedata.name(char, "a control character").lower()
            raise _bad(bare, f"it hides {word} (U+{ord(char):04X})", "Type the name anew, or give its xn-- form")


def _address(bare: str) -> str | None:
    """The shortest form of an address, None where it is none; raises BadInput for one with a zone."""
    if "%" in bare and ":" in bare:
        raise _bad(bare, "an address with a zone cannot stand in a certificate")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return None


def is_address(text: str) -> bool:
    return ":" in text or (text[-1:].isdigit() and text.replace(".", "").isdigit())


def _to_ascii(host: str, whole: str) -> str:
    """Lower case punycode without a trailing dot."""
    if host.isascii() and "xn--" not in host.lower():
        return host.lower().removesuffix(".")
    import idna

    try:
        return idna.encode(host, uts46=True, std3_rules=True).decode().lower().removesuffix(".")
    except UnicodeError as error:
        if "_" in host:
            raise _bad(whole, "an underscore is not allowed") from None
        raise _bad(whole, f"this is no international name that IDNA 2008 allows ({_reason(error)})") from None


def _reason(error: UnicodeError) -> str:
    text = str(error).split(" of '")[0].split(" in '")[0].rstrip(".")
    return (text[:1].lower() + text[1:])[:80] or "not encodable"


def _check_host(host: str, whole: str) -> None:
    """Every rule of a DNS name's labels, said one by one; `host` is ASCII."""
    if ":" in host:
        raise _bad(whole, "this is neither a name nor an IPv6 address")
    labels = host.split(".")
    if "" in labels:
        raise _bad(whole, "two dots follow each other, or it starts with one" if host else "there is no name")
    if len(host) > LONGEST_NAME:
        raise _bad(whole, f"a name has at most {LONGEST_NAME} characters, this has {len(host)}")
    for label in labels:
        if "*" in label:
            raise _bad(whole, "a wildcard is the whole first label and stands once", "Write it like *.example.org")
        if "_" in label:
            raise _bad(whole, "an underscore is not allowed")
        if len(label) > LONGEST_LABEL:
            raise _bad(whole, f"{_shown(label)} has {len(label)} characters; between dots stand at most 63")
        if label.startswith("-") or label.endswith("-"):
            raise _bad(whole, "a hyphen cannot stand at the start or end of a label")
        if not _LABEL.fullmatch(label):
            odd = next(c for c in label if not (c.isascii() and (c.isalnum() or c == "-")))
            raise _bad(whole, f"{_shown(odd)} cannot stand in a name")
        if label[2:4] == "--" and not label.startswith("xn--"):
            raise _bad(whole, f"{label}: two hyphens in third place are reserved")
    if labels[-1].isdigit():
        raise _bad(whole, "this is neither a name nor an IPv4 address")


def _shown(text: str) -> str:
    """A piece of a paste for a message: at most 60 cells, hidden characters made visible."""
    return clip(printable(text[:200]), 60)


def _bad(text: str, why: str, cure: str = "") -> BadInput:
    return BadInput("names", f"{_shown(text)!r} is no name for a certificate", why=why, cure=cure)
