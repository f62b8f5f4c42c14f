"""What a person may type into a field or an option, field by field.

Each function gives the value as it is used, or raises BadInput with the field's name, the reason and the cure. Limits:
SCM REST 25.5 (enroll, revoke, replace, decline) and what an HTTP header can carry (RFC 9110 5.5).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from kmptui.domain.names import parse_name
from kmptui.domain.revocation import REASONS
from kmptui.domain.text import clip, printable
from kmptui.errors import BadInput

LONGEST_HEADER = 256
LONGEST_COMMENTS = 1_024
LONGEST_REQUESTERS = 512
LONGEST_REASON = 512
LONGEST_CSR = 32_767
LONGEST_NOTE = 4_096
LONGEST_CONTACT = 256
PASSWORD_LENGTHS = (8, 64)
MOST_CERTIFICATES = 1_000_000

_LOGIN_PAGE = re.compile(r"/customer/([A-Za-z0-9_-]+)(?:[/?#].*)?$")
_EMAIL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?P<host>[^@\s]+)")


@dataclass(frozen=True, slots=True)
class LoginPage:
    """What a pasted login address of SCM tells: `https://cert-manager.com/customer/ACME`."""

    base_url: str
    customer_uri: str


def login_page(text: str) -> LoginPage | None:
    """The base URL and the customer URI of a pasted login address; None where it is none."""
    found = _LOGIN_PAGE.search(text.strip())
    if found is None or "://" not in text:
        return None
    try:
        return LoginPage(base_url(text.strip()[: found.start()] + "/api"), found[1])
    except BadInput:
        return None


def base_url(text: str) -> str:
    """The address of SCM's API without a trailing slash: https, a host, perhaps a port and a path.

    http is taken for loopback alone. Raises BadInput("base_url").
    """
    bare = text.strip()
    parts = _split("base_url", bare)
    if parts.username is not None or parts.password is not None:
        raise _bad("base_url", "The base URL holds a user", "login and password have fields of their own")
    if parts.query or parts.fragment or "?" in bare or "#" in bare:
        raise _bad("base_url", "The base URL has something after ? or #", cure="Leave that off")
    host = _host("base_url", parts)
    if parts.scheme == "http" and not is_loopback(host):
        raise _bad("base_url", "The base URL is not https", "the password would travel in clear")
    if _LOGIN_PAGE.search(parts.path):
        raise _bad("base_url", "This is the address of the login page", cure="The API's is https://HOST/api")
    if not re.fullmatch(r"[A-Za-z0-9._~!$&'()*+,;=:@%/-]*", parts.path):
        raise _bad("base_url", "The path of the base URL has characters that no URL has")
    netloc = f"[{host}]" if ":" in host else host
    if parts.port is not None:
        netloc += f":{parts.port}"
    return f"{parts.scheme}://{netloc}{parts.path.rstrip('/')}"


def proxy_url(text: str, *, with_login: bool = False) -> str:
    """The address of an HTTP proxy: http or https, a host, perhaps a port. A login in it is taken from the environment
    alone (`with_login`): settings are kept in clear. Raises BadInput("proxy")."""
    bare = text.strip()
    parts = _split("proxy", bare)
    _host("proxy", parts)
    if not with_login and "@" in parts.netloc:
        raise _bad(
            "proxy", "A proxy's login is not kept in the settings, which are in clear",
            cure="Give the address with its login in the environment: HTTPS_PROXY",
        )  # fmt: skip
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise _bad("proxy", "A proxy's address ends with its port", cure="Write it like http://proxy.example:3128")
    return bare.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether the host is this machine by its name or address alone, without asking any resolver."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def login(text: str) -> str:
    """The account's login name: 1 to 256 printable ASCII characters. Raises BadInput("login")."""
    return _header("login", "login", text.strip())


def password(text: str) -> str:
    """The account's password: 1 to 256 printable ASCII characters, kept exactly. Raises BadInput("password"), which
    never repeats it."""
    if text != text.strip():
        raise _bad(
            "password", "The password starts or ends with a blank", "an HTTP header would lose it",
            "Take the blank off, or set another password in SCM",
        )  # fmt: skip
    return _header("password", "password", text)


def customer_uri(text: str) -> str:
    """The customer URI, also out of a pasted login address. Raises BadInput("customer_uri")."""
    bare = text.strip()
    if (found := _LOGIN_PAGE.search(bare)) and "/" in bare:
        return _header("customer_uri", "customer URI", found[1])
    if not re.fullmatch(r"[A-Za-z0-9_-]+", bare):
        raise _bad(
            "customer_uri",
            "The customer URI is not right" if bare else "The customer URI is missing",
            "it has letters, digits, - and _ only" if bare else "",
            "It is the last part of the login address: https://cert-manager.com/customer/ACME",
        )
    return _header("customer_uri", "customer URI", bare)


def keystore_password(text: str) -> str:
    """The password of a keystore: 8 to 64 printable ASCII characters. Raises BadInput("keystore_password"), which
    never repeats it."""
    low, high = PASSWORD_LENGTHS
    if not low <= len(text) <= high:
        raise _bad(
            "keystore_password",
            f"The password has {len(text)} characters",
            f"it takes {low} to {high}",
            "Take another one",
        )
    if not _printable_ascii(text):
        raise _bad(
            "keystore_password", "The password has a character that is not printable ASCII", cure="Take another one"
        )
    return text


def reason(text: str) -> str:
    """Why a certificate is revoked or reissued: 1 to 512 characters. Raises BadInput("reason")."""
    return _sentence("reason", "reason", text)


def message(text: str) -> str:
    """What a cancelled, declined or approved request is told: 1 to 512 characters. Raises BadInput("message")."""
    return _sentence("message", "message", text)


def reason_code(value: str | int) -> int:
    """A reason code of revocation that SCM takes. Raises BadInput("reason_code")."""
    code = _whole("reason_code", "reason code", value)
    if code not in REASONS:
        known = ", ".join(f"{number} ({words})" for number, words in sorted(REASONS.items()))
        raise _bad("reason_code", f"There is no reason code {code}", cure=f"Take one of {known}")
    return code


def days_before(value: str | int, shortest_term: int | None = None) -> int:
    """Days before expiry at which a renewal is due: 1 to the shortest term less one. Raises BadInput("days")."""
    days = _whole("days", "number of days", value)
    most = (shortest_term or 366) - 1
    if not 1 <= days <= most:
        raise _bad("days", f"{days} days are out of range", cure=f"It takes 1 to {most:,}")
    return days


def term(value: str | int) -> int:
    """A term in days, also as `199 days`. Raises BadInput("term")."""
    days = _whole(
        "term", "term", value.strip().removesuffix("days").removesuffix("d") if isinstance(value, str) else value
    )
    if not 1 <= days <= 9_999:
        raise _bad("term", f"A term of {days} days is out of range", cure="Take one of the profile's terms, in days")
    return days


def certificate_limit(value: str | int) -> int:
    """How many certificates the repository takes, 0 for no limit. Raises BadInput("limit")."""
    most = _whole("limit", "certificate limit", value)
    if not 0 <= most <= MOST_CERTIFICATES:
        raise _bad("limit", f"A limit of {most:,} is out of range", cure=f"It takes 0 (none) to {MOST_CERTIFICATES:,}")
    return most


def comments(text: str) -> str:
    """An order's comments: at most 1,024 characters, lines allowed. Raises BadInput("comments")."""
    return _text("comments", "comments have", text, LONGEST_COMMENTS)


def note(text: str) -> str:
    """A private note on an order: at most 4,096 characters. Raises BadInput("note")."""
    return _text("note", "note has", text, LONGEST_NOTE)


def contact(text: str) -> str:
    """Whom to ask about an order: at most 256 characters. Raises BadInput("contact")."""
    return _text("contact", "contact has", text, LONGEST_CONTACT)


def email(text: str) -> str:
    """One e-mail address, ASCII, as SCM takes it. Raises BadInput("requesters")."""
    bare = text.strip()
    found = _EMAIL.fullmatch(bare) if len(bare) <= 254 else None
    try:
        host = parse_name(found["host"]) if found else None
    except BadInput:
        host = None
    if host is None or host.kind != "dns" or host.wildcard or "." not in host.ascii:
        raise _bad("requesters", f"{_short(bare)} is no e-mail address", cure="Write it like web@example.edu")
    return bare


def requesters(text: str) -> tuple[str, ...]:
    """E-mail addresses out of a line, cut at commas, semicolons and blanks; doubles dropped; at most 512 characters in
    all as SCM gets them (joined by ", "). Raises BadInput("requesters")."""
    found = tuple(
        dict.fromkeys(email(piece) for piece in re.split(r"[,;\s]+", text[: 4 * LONGEST_REQUESTERS]) if piece)
    )
    size = len(text) if len(text) > 4 * LONGEST_REQUESTERS else len(", ".join(found))
    if size > LONGEST_REQUESTERS:
        raise _bad(
            "requesters",
            f"The requesters have {size:,} characters",
            f"they take {LONGEST_REQUESTERS} in all",
            "Leave some out",
        )
    return found


def _split(field: str, bare: str) -> SplitResult:
    words = "base URL" if field == "base_url" else "proxy"
    cure = "Write it like " + ("https://cert-manager.com/api" if field == "base_url" else "http://proxy.example:3128")
    if not bare:
        raise _bad(field, f"The {words} is missing", cure=cure)
    if not _printable_ascii(bare) or " " in bare or "\\" in bare:
        raise _bad(field, f"The {words} has a blank or a character that no URL has", cure=cure)
    try:
        parts = urlsplit(bare)
        port = parts.port
    except ValueError as error:
        raise _bad(field, f"The {words} is no URL", str(error), cure) from None
    if parts.scheme not in {"http", "https"} or port == 0:
        raise _bad(field, f"The {words} is no https address", cure=cure)
    return parts


def _host(field: str, parts: SplitResult) -> str:
    try:
        name = parse_name(parts.hostname or "")
    except BadInput as error:
        raise _bad(field, "The host of the URL is not right", error.why) from None
    if name.wildcard:
        raise _bad(field, "The host of the URL is a wildcard")
    return name.ascii


def _header(field: str, words: str, text: str) -> str:
    if not text:
        raise _bad(field, f"The {words} is missing")
    if len(text) > LONGEST_HEADER:
        raise _bad(field, f"The {words} has {len(text):,} characters", f"it takes {LONGEST_HEADER} at most")
    if not _printable_ascii(text):
        raise _bad(
            field, f"The {words} has a line break or a character that is not ASCII", "an HTTP header cannot carry it"
        )
    return text


def _sentence(field: str, words: str, text: str) -> str:
    bare = text.strip()
    if not bare:
        raise _bad(field, f"The {words} is missing", cure=f"Write 1 to {LONGEST_REASON} characters")
    return _text(field, f"{words} has", bare, LONGEST_REASON)


def _text(field: str, words: str, text: str, most: int) -> str:
    if len(text) > most:
        raise _bad(field, f"The {words} {len(text):,} characters", f"at most {most:,} are taken", "Shorten it")
    for char in text:
        if not char.isprintable() and char not in "\n\r\t" and not char.isspace():
            raise _bad(field, f"The {words} a hidden character (U+{ord(char):04X})", cure="Take it out")
    return text


def _whole(field: str, words: str, value: str | int) -> int:
    bare = str(value).strip()
    if not re.fullmatch(r"-?[0-9]{1,12}", bare):
        raise _bad(field, f"{_short(bare)!r} is no {words}", cure="Write a whole number")
    return int(bare)


def _printable_ascii(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _short(text: str) -> str:
    return clip(printable(text[:200]), 60)


def _bad(field: str, what: str, why: str = "", cure: str = "") -> BadInput:
    return BadInput(field, what, why=why, cure=cure)
