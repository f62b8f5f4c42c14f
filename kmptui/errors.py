"""What can go wrong, as one tree.

Each error says what happened (`what`), what it comes from (`why`) and what to do (`cure`), in the user's words;
`str(error)` is one plain sentence without secrets.

    KmptuiError
    ├── NotLinked                      no SCM account is linked yet
    ├── FromScm                        carries SCM's own code and text
    │   ├── AccountRefused             SCM knows the request and refuses the account
    │   │   ├── WrongLogin
    │   │   ├── PasswordExpired
    │   │   ├── RoleMissing
    │   │   └── RestSwitchedOff
    │   └── ScmRefused                 SCM refused the request, with a code
    ├── Unreachable                    nothing was sent, or a read had no usable answer; nothing changed
    │   ├── HostUnknown
    │   ├── ConnectFailed
    │   ├── TlsUntrusted
    │   ├── ProxyFailed
    │   ├── TimedOut                   reads only
    │   └── Unavailable                reads only: 408, 429, 5xx after the last try
    ├── Unconfirmed                    a change may have been acted on: never repeat it, settle it
    ├── ScmGarbled                     the answer to a read cannot be read
    ├── Refused                        kmptui said no, before anything was sent
    │   ├── PreflightFailed            carries findings
    │   ├── BadInput                   a value, file or argument breaks a rule; carries the field
    │   ├── StateForbids
    │   │   └── AlreadyOrdered         an order for the same names and profile is open or a day young
    │   ├── LimitReached
    │   ├── ReadOnly
    │   ├── WrongKind                  a sandbox store and a real server, or the reverse
    │   ├── NotFound                   no row of ours has that id, name or serial
    │   └── Ambiguous                  several rows have it
    ├── HeldElsewhere                  another process works on the same thing
    ├── Stopped                        a person has stopped work that only reads
    ├── VaultLocked
    │   └── WrongPassphrase
    ├── StoreFailed
    │   ├── Busy
    │   ├── Full
    │   ├── Damaged
    │   └── FromTheFuture
    └── SettingsError

The line between `Unreachable` and `Unconfirmed` is the most important one of the program: on a call that changes
something, only what proves that nothing was sent is `Unreachable`; everything else is `Unconfirmed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class KmptuiError(Exception):
    """Something that went wrong and is understood: what happened, why, and what to do about it."""

    default_cure = ""

    def __init__(self, what: str, *, why: str = "", cure: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.cure = cure or self.default_cure

    def __str__(self) -> str:
        text = self.what
        if self.why:
            text += f": {self.why}"
        if self.cure:
            text += f". {self.cure}"
        return text


class NotLinked(KmptuiError):
    """No SCM account is linked to this home yet."""

    default_cure = "Link one with: kmptui account link"

    def __init__(self, what: str = "No SCM account is linked", *, why: str = "", cure: str = "") -> None:
        super().__init__(what, why=why, cure=cure)


class FromScm(KmptuiError):
    """An error with SCM's own code and text; `code` and `text` are shown one key further down."""

    def __init__(
        self, what: str, *, code: int | None = None, text: str = "", status: int | None = None, why: str = "",
        cure: str = "",
    ) -> None:  # fmt: skip
        super().__init__(what, why=why, cure=cure)
        self.code = code
        self.text = text
        self.status = status

    def __str__(self) -> str:
        said = f' (SCM says {self.code if self.code is not None else self.status}: "{self.text}")' if self.text else ""
        return super().__str__() + said


class AccountRefused(FromScm):
    """SCM refuses the account. Never repeated by itself: a wrong password sent often locks the account."""


class WrongLogin(AccountRefused):
    """Login, password or customer URI is wrong (401, codes -16, -970)."""

    default_cure = "Check login, password and customer URI"


class PasswordExpired(AccountRefused):
    """The API password has expired."""

    default_cure = "Set a new password in SCM, then: kmptui account password"


class RoleMissing(AccountRefused):
    """The account's role does not allow the call (codes -37, -3, -25)."""

    default_cure = "Ask your SCM master administrator (MRAO) for the role"


class RestSwitchedOff(AccountRefused):
    """The organization does not allow certificates by REST API."""

    default_cure = "Have 'SSL certificates: Web API' switched on for the organization in SCM"


class Unreachable(KmptuiError):
    """No usable answer, and certainly nothing changed in SCM."""

    default_cure = "kmptui doctor finds the cause"


class HostUnknown(Unreachable):
    """The host's name does not resolve."""


class ConnectFailed(Unreachable):
    """No connection to the host could be made."""


class TlsUntrusted(Unreachable):
    """The server's certificate is not trusted, expired or for another name, or its TLS is too old to be safe."""


class ProxyFailed(Unreachable):
    """The proxy refused or could not be reached."""


class TimedOut(Unreachable):
    """A read got no answer in time."""


class Unavailable(Unreachable):
    """SCM answers that it cannot serve now; `retry_after` is seconds, where the server told."""

    def __init__(self, what: str, *, retry_after: float | None = None, why: str = "", cure: str = "") -> None:
        super().__init__(what, why=why, cure=cure)
        self.retry_after = retry_after


class Unconfirmed(KmptuiError):
    """A call that changes something had no clear answer: it may have been acted on."""

    default_cure = "It is not sent again: kmptui orders check looks for it; settle it by hand with kmptui orders settle"


class ScmRefused(FromScm):
    """SCM refused the request. `kind` is the class of the code: pending, revoked, attention, request, profile, domain,
    organization, state, done, four-eyes, temporary or unknown; `field` the request member it names, where known."""

    def __init__(
        self, what: str, *, code: int | None, text: str, status: int | None = None, kind: str = "unknown",
        field: str = "", why: str = "", cure: str = "",
    ) -> None:  # fmt: skip
        super().__init__(what, code=code, text=text, status=status, why=why, cure=cure)
        self.kind = kind
        self.field = field


class ScmGarbled(KmptuiError):
    """SCM's answer to a read has the wrong shape, size or type; the store stays as it was."""

    default_cure = "Is the base URL right? A proxy or a maintenance page may have answered"


class Refused(KmptuiError):
    """kmptui said no before anything was sent."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend: the request's field, the cause and the cure. `stale_prone`: it rests on the mirror of domains
    and organizations, which may be old; a person may send all the same. A `hint` forbids nothing. `names` are those of
    the request that it concerns, where it concerns some of them."""

    field: str
    cause: str
    cure: str = ""
    stale_prone: bool = False
    hint: bool = False
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.field}: {self.cause}" + (f"; {self.cure}" if self.cure else "")


class PreflightFailed(Refused):
    """The request breaks rules that are known beforehand; `findings` say which, field by field."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("Not sent", why="; ".join(map(str, self.findings)))


class BadInput(Refused):
    """A value, file or argument breaks a rule; `field` names where."""

    def __init__(self, field: str, what: str, *, why: str = "", cure: str = "") -> None:
        super().__init__(what, why=why, cure=cure)
        self.field = field


class StateForbids(Refused):
    """The order or certificate is not in a state that allows it."""


class AlreadyOrdered(StateForbids):
    """An order with the same names and profile is open, or was placed within 24 hours; `orders` are their ids."""

    default_cure = "Look at it first; to order all the same, say --again"

    def __init__(self, what: str, *, orders: Sequence[int] = (), why: str = "", cure: str = "") -> None:
        super().__init__(what, why=why, cure=cure)
        self.orders = tuple(orders)


class LimitReached(Refused):
    """The certificate limit keeps a certificate out of the repository."""


class ReadOnly(Refused):
    """Read-only mode, or a role that may only read."""


class WrongKind(Refused):
    """A sandbox store was pointed at a real server, or the reverse."""


class NotFound(Refused):
    """Nothing of ours has that id, name or serial."""


class Ambiguous(Refused):
    """Several of ours have that name; an id is needed."""


class HeldElsewhere(KmptuiError):
    """Another process works on it: `holder` reads like 'timer on web01, process 4711, since 03:12'."""

    def __init__(self, what: str, *, holder: str = "", since: datetime | None = None, cure: str = "") -> None:
        super().__init__(what, why=holder, cure=cure)
        self.holder = holder
        self.since = since


class Stopped(KmptuiError):
    """A person has stopped it; what is done already is kept, and `why` says how it goes on."""


class VaultLocked(KmptuiError):
    """A secret is needed and the vault is locked."""

    default_cure = "Unlock it with its passphrase, or set KMPTUI_PASSPHRASE_FILE"


class WrongPassphrase(VaultLocked):
    """The passphrase or key file does not open the vault."""

    default_cure = "Try again"


class StoreFailed(KmptuiError):
    """The store cannot be read or written; nothing was changed."""


class Busy(StoreFailed):
    """Another program holds the store's lock for too long."""


class Full(StoreFailed):
    """No room on the disk; nothing was written."""


class Damaged(StoreFailed):
    """The store's file is damaged."""


class FromTheFuture(StoreFailed):
    """The store was written by a newer version of kmptui."""


class SettingsError(KmptuiError):
    """The settings file cannot be read; names the line and the member."""
