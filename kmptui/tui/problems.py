"""One table from the type of an error to where it is shown, and under which word."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kmptui import errors


class Place(Enum):
    """FIELD: beside the field it names; the dialog stays. DIALOG: stays until read. BANNER: the status line. ROW: on
    the row and in the banner that cannot be dismissed unread. UNLOCK: the passphrase is asked for. NEWS: said in the
    status line, for nothing is wrong."""

    FIELD = "field"
    DIALOG = "dialog"
    BANNER = "banner"
    ROW = "row"
    UNLOCK = "unlock"
    NEWS = "news"


@dataclass(frozen=True, slots=True)
class Problem:
    """How an error is shown: its place and the heading that says what kind it is."""

    place: Place
    title: str


TABLE: dict[type[BaseException], Problem] = {
    errors.NotLinked: Problem(Place.DIALOG, "No account"),
    errors.WrongLogin: Problem(Place.DIALOG, "SCM refused the login"),
    errors.PasswordExpired: Problem(Place.DIALOG, "The password has expired"),
    errors.RoleMissing: Problem(Place.DIALOG, "The role is missing"),
    errors.RestSwitchedOff: Problem(Place.DIALOG, "REST is switched off"),
    errors.AccountRefused: Problem(Place.DIALOG, "SCM refused the account"),
    errors.TlsUntrusted: Problem(Place.DIALOG, "The server is not trusted"),
    errors.Unreachable: Problem(Place.BANNER, "SCM cannot be reached"),
    errors.Unconfirmed: Problem(Place.ROW, "No clear answer"),
    errors.ScmRefused: Problem(Place.DIALOG, "SCM refused"),
    errors.ScmGarbled: Problem(Place.DIALOG, "SCM's answer cannot be read"),
    errors.PreflightFailed: Problem(Place.FIELD, "Not sent"),
    errors.BadInput: Problem(Place.FIELD, "This cannot be taken"),
    errors.AlreadyOrdered: Problem(Place.DIALOG, "Ordered already"),
    errors.StateForbids: Problem(Place.DIALOG, "Not possible now"),
    errors.LimitReached: Problem(Place.DIALOG, "Certificate limit"),
    errors.ReadOnly: Problem(Place.DIALOG, "Read-only"),
    errors.WrongKind: Problem(Place.DIALOG, "Demo and real do not mix"),
    errors.NotFound: Problem(Place.DIALOG, "Not here"),
    errors.Ambiguous: Problem(Place.DIALOG, "Several of that name"),
    errors.Refused: Problem(Place.DIALOG, "Not done"),
    errors.HeldElsewhere: Problem(Place.DIALOG, "Somebody else is at it"),
    errors.Stopped: Problem(Place.NEWS, "Stopped"),
    errors.WrongPassphrase: Problem(Place.FIELD, "Wrong passphrase"),
    errors.VaultLocked: Problem(Place.UNLOCK, "The vault is locked"),
    errors.Full: Problem(Place.DIALOG, "No room on the disk"),
    errors.Damaged: Problem(Place.DIALOG, "The store is damaged"),
    errors.FromTheFuture: Problem(Place.DIALOG, "The store is of a newer version"),
    errors.Busy: Problem(Place.BANNER, "The store is busy"),
    errors.StoreFailed: Problem(Place.DIALOG, "The store failed"),
    errors.SettingsError: Problem(Place.DIALOG, "Settings"),
    errors.KmptuiError: Problem(Place.DIALOG, "This did not work"),
}
"""The most specific type wins."""


def problem_of(error: errors.KmptuiError) -> Problem:
    """How this error is shown."""
    return next(TABLE[kind] for kind in type(error).__mro__ if kind in TABLE)
