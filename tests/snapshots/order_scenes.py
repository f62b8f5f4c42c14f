"""Ordering: the form, its last look, the following, and what may go wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from kmptui.domain.listing import Topic
from kmptui.domain.order import Hold, KeystorePassword, Ledger, Order, OrderRow
from kmptui.errors import AlreadyOrdered, ConnectFailed, ScmRefused
from kmptui.tui.dialogs.order.follow import FollowPage
from tests.snapshots.company import WEB
from tests.snapshots.company_stage import SHOP, order_of, the_order
from tests.snapshots.scenes import Act, Scene, keys, opens, paste, picks, sees, shows, types, with_work
from tests.tui.stage import NOW

MESS = (
    "https://shop.example.com/cart www.shop.example.com, *.cdn.example.net; SHOP.example.com.\n"
    "bücher.example.com img.shop.example.com m.shop.example.com"
)
FORTY = (
    ", ".join(f"img{n}.shop.example.com" for n in range(1, 34))
    + "\n*.legacy.example.com; IMG1.shop.example.com.\nbücher.example.com foo_bar.example.com 'sho p' host..example.com"
)
LIKE: Act = opens(lambda ways: ways.order(like=86))
PREVIEW: tuple[Act, ...] = (LIKE, sees("Nothing to mend"), keys("ctrl+o"))
PLACE: tuple[Act, ...] = (*PREVIEW, keys("ctrl+y"))
LIKED = "Order a certificate"


def _row(**members: Any) -> OrderRow:
    row = OrderRow(
        440, 4_711_440, SHOP, 8, Ledger.ACCEPTED, "Requested", Hold.NONE, "Web Operations", "OV Multi-Domain",
        NOW.date(), None, "", None, True,
    )  # fmt: skip
    return replace(row, **members)


def _order(problem: str = "", **members: Any) -> Order:
    asked = NOW - timedelta(minutes=2)
    return replace(order_of(_row(**members)), checked=asked, issued=NOW.date(), problem=problem)


def _following(words: str, told: str = "", **members: Any) -> Scene:
    """The page on which an order is followed, in one of its states."""

    def page(work: Any) -> FollowPage:
        found = FollowPage(work, SHOP, _order(**members))
        found.tell(told)
        return found

    return Scene(words, (shows(page),))


def _ending(error: Exception) -> Any:
    def alter(work: Any) -> None:
        work.ordering.outcome = error

    return with_work(alter)


def _alike(work: Any) -> None:
    work.ordering.alike = (work.lists.named(Topic.ORDERS, SHOP),)


def _unproved(work: Any) -> None:
    work.ordering.request = the_order(names=("www.legacy.example.com", "legacy.example.com"), organization_id=WEB)


REFUSED = ScmRefused(
    "SCM refused the order", code=-7122, text="Domain shop.example.com is not validated for this organization",
    why="the domain's validation (DCV) is missing", cure="Validate the domain in SCM (Domains), then order again",
)  # fmt: skip
TAKEN = "SCM has taken the order as scm:4711440"
ISSUED = {"status": "Issued", "serial": "4A119C0E5D7B2F83"}

SCENES: dict[str, Scene] = {
    "order-form": Scene(
        "draft saved",
        (
            keys("n"),
            sees(LIKED),
            paste(MESS),
            types(comments="Ticket 4711", requesters="web@example.com, ops@example.com"),
            types(**{"custom:Cost Centre": "0815"}),
        ),
    ),
    "order-empty": Scene("there is no name", (keys("n"), sees(LIKED))),
    "order-forty-names": Scene("draft saved", (keys("n"), sees(LIKED), paste(FORTY), sees("to mend"))),
    "order-failing": Scene("x is required", (LIKE, types(**{"custom:Cost Centre": ""}), sees("is required"),
                                             keys("ctrl+o"), sees("draft saved"))),
    "order-csr": Scene(
        "draft saved",
        (LIKE, picks(own_csr=True), types(csr="~/shop.csr"), sees("no such file")),
    ),
    "order-password": Scene(
        "do not agree",
        (LIKE, picks(password_when=KeystorePassword.NOW),
         types(keystore_password="correct-horse", password_again="horse"), sees("do not agree"), sees("draft saved")),
    ),
    "order-profile": Scene("enter Choose", (LIKE, sees("Nothing to mend"), keys(*["tab"] * 4, "enter"))),
    "preview": Scene("Orders one certificate for shop.example.com", PREVIEW),
    "preview-alike": Scene("orders a second one", PREVIEW, with_work(_alike)),
    "preview-unproved": Scene("Looked up again", (LIKE, sees("to mend"), keys("ctrl+o")), with_work(_unproved)),
    "preview-each": Scene(
        "Places 8 orders", (LIKE, picks(each=True), sees("draft saved"), keys("ctrl+o"))
    ),
    "placed-each": Scene(
        "Orders shows them",
        (LIKE, picks(each=True), sees("draft saved"), keys("ctrl+o"), sees("Places 8"), keys("ctrl+y")),
    ),
    "follow-sending": Scene("is being sent", (shows(lambda work: FollowPage(work, SHOP)),)),
    "follow-requested": _following("waits for an approval", TAKEN),
    "follow-applied": _following("the CA has not issued it yet", TAKEN, status="Applied"),
    "follow-issued": _following("being fetched", TAKEN, **ISSUED),
    "follow-limit": _following("the certificate limit is reached", TAKEN, hold=Hold.LIMIT, **ISSUED),
    "follow": _following("e exports it", TAKEN, certificate_id=440, **ISSUED),
    "follow-declined": _following("ended as declined", status="Declined", problem="No budget this quarter"),
    "follow-lost": _following(
        "never sent a second time", "No clear answer came: the connection ended", ssl_id=None,
        ledger=Ledger.UNCONFIRMED,
    ),
    "problem-refused": Scene("SCM says -7122", PLACE, _ending(REFUSED)),
    "problem-unreachable": Scene(
        "no route to host", PLACE,
        _ending(ConnectFailed("SCM cannot be reached: nothing was sent", why="no route to host")),
    ),
    "problem-alike": Scene(
        "Ordered already", PLACE,
        _ending(AlreadyOrdered("o86 has the same names and profile, and is open", orders=(86,))),
    ),
    "problem-bug": Scene("ZeroDivisionError", PLACE, _ending(ZeroDivisionError("not to be shown"))),
}  # fmt: skip
