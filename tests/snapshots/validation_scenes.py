"""The validation (DCV) of a domain in each of its steps, and that of a waiting order."""

from __future__ import annotations

from typing import Any

from kmptui.errors import ConnectFailed
from tests.snapshots.scenes import Act, Scene, keys, opens, picks, typing, with_work
from tests.tui.validating import StageValidating

WIKI = 438
DOMAIN: tuple[Act, ...] = (typing("3", *"jjjjjjjj"), keys("V"))
ORDER: tuple[Act, ...] = (keys("5"), opens(lambda ways: ways.order_dcv(WIKI)))
START = "ctrl+y Start"


def _validating(work: Any) -> StageValidating:
    work.validating = StageValidating()
    return work.validating  # type: ignore[no-any-return]  # set just now


def _nothing_runs(work: Any) -> None:
    _validating(work)


def _published(work: Any) -> None:
    _validating(work).attempt("AWAITING_SUBMISSION", "cname")


def _submitted(work: Any) -> None:
    _validating(work).attempt("SUBMITTED", "txt")


def _done(work: Any) -> None:
    _validating(work).validated()


def _unreachable(work: Any) -> None:
    _validating(work).unreachable = ConnectFailed("SCM cannot be reached", why="no route to host")


SCENES: dict[str, Scene] = {
    "validation-start": Scene(START, DOMAIN, with_work(_nothing_runs)),
    "validation-publish": Scene("Publish this", DOMAIN, with_work(_published)),
    "validation-submitted": Scene("ctrl+y Look again", DOMAIN, with_work(_submitted)),
    "validation-done": Scene("3 renewals are due", DOMAIN, with_work(_done)),
    "validation-mail": Scene(
        "Choose the mailbox", (*DOMAIN, picks(method="email"), keys("ctrl+y")), with_work(_nothing_runs)
    ),
    "validation-file": Scene("this very name", (*DOMAIN, picks(method="http")), with_work(_nothing_runs)),
    "validation-copy": Scene("Zone-file line", (*DOMAIN, keys("y")), with_work(_published)),
    "validation-unreachable": Scene("no route to host", DOMAIN, with_work(_unreachable)),
    "order-dcv": Scene(
        "What the CA saw", (keys("5"), opens(lambda ways: ways.order_dcv(WIKI))), with_work(_nothing_runs)
    ),
}
