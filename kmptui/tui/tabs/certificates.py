"""Certificates: the repository."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from kmptui.domain.certificate import CertificateRow, CertificateStatus
from kmptui.domain.listing import Topic
from kmptui.tui import present
from kmptui.tui.commands.order_commands import CERTIFICATE_COMMANDS, abilities
from kmptui.tui.tabs import tones
from kmptui.tui.tabs.details_page import DetailsPage
from kmptui.tui.tabs.list_tab import ListTab
from kmptui.tui.widgets.columns import Cell, Column
from kmptui.tui.widgets.details import Details, fact, facts


def _state(row: CertificateRow, now: datetime) -> Cell:
    return tones.state(row.status(now).value)


def _expires(row: CertificateRow, now: datetime) -> Cell:
    return tones.ends(row.not_after, now, living=row.status(now) is CertificateStatus.VALID)


def _key(row: CertificateRow, _: datetime) -> Cell:
    return ("here", "") if row.has_key else ("not here", "muted")


COLUMNS = (
    Column("No.", 6, lambda r, _: (r.number, "muted"), sort="id"),
    Column(
        "Common name",
        24,
        lambda r, _: (present.name(r.common_name, 90), ""),
        grow=3,
        sort="common_name",
        most=64,
        easy=30,
    ),
    Column("Names", 5, lambda r, _: (f"{r.names_count:,}", ""), right=True, rank=3),
    Column("State", 10, _state),
    Column("Expires", 15, _expires, sort="not_after", rank=1, grow=1, most=20),
    Column("Key", 8, _key, rank=2),
    Column("Issuer", 18, lambda r, _: (r.issuer, ""), grow=2, rank=5, sort="issuer", most=36),
    Column("From", 8, lambda r, _: (r.source.value, ""), rank=4),
    Column("Order", 7, lambda r, _: (f"o{r.order_id}" if r.order_id else "-", "muted"), rank=6),
    Column("Exported", 11, lambda r, _: (present.day(r.exported) if r.exported else "no", "muted"), rank=7),
    Column("Serial", 20, lambda r, _: (r.serial, "muted"), grow=2, rank=8, sort="serial", most=40),
)


class CertificateDetails(DetailsPage):
    """One certificate on a screen of its own."""

    OFFERS = CERTIFICATE_COMMANDS


class CertificatesTab(ListTab):
    """The Certificates tab."""

    TOPIC = Topic.CERTIFICATES
    FOLLOWS = frozenset({Topic.CERTIFICATES})
    COLUMNS = COLUMNS
    DETAILS: ClassVar[type[DetailsPage]] = CertificateDetails
    VIEWS = True
    OFFERS = CERTIFICATE_COMMANDS

    def empty_words(self) -> str:
        return (
            "The repository is empty.\nA certificate comes in when its order is issued and fetched.\n"
            "n orders one, I imports existing orders."
        )

    def show_line(self) -> str:
        return f"kmptui certificates show {self.row.number}" if self.row is not None else ""

    async def details(self, row: Any) -> Details:
        certificate = await self.lists.certificate(row.id)
        history = await self.lists.certificate_history(row.id)
        now = self.now()
        head = certificate.row
        can, cannot = abilities(CERTIFICATE_COMMANDS, self)
        state = head.status(now).value
        chain = len(certificate.chain)
        origin = head.source.value + (f", order o{head.order_id}" if head.order_id else "")
        return Details(
            title=f"{head.number} {present.name(head.common_name)}",
            state=(f"{state}, {present.ending(head.not_after, now)}", tones.styled(state)[1]),
            facts=(
                facts(
                    present.counted(len(certificate.names), "name"),
                    [present.name(n) for n in certificate.names],
                    most=10,
                ),
                fact("Serial", present.serial(head.serial)),
                fact(
                    "Valid", f"{present.moment(head.not_before)} to {present.moment(head.not_after)} {present.zone()}"
                ),
                fact("Subject", certificate.subject or "-"),
                fact("Issuer", head.issuer),
                fact("Chain", f"{present.counted(chain, 'certificate')} above it" if chain else "not given"),
                fact("Key", f"{certificate.key}, {'in this vault' if head.has_key else 'not here: K attaches it'}"),
                fact("SHA-256", certificate.sha256),
                fact("From", origin + (f", added {present.moment(certificate.added)}" if certificate.added else "")),
                fact("Exported", present.moment(head.exported) if head.exported else "not yet"),
                facts(
                    "History", [f"{present.moment(h.at)}  {h.actor}  {h.words}" for h in history], none="nothing yet"
                ),
                fact("Can do", "   ".join(can) or "-"),
                facts("Cannot", cannot, none="-"),
            ),
        )
