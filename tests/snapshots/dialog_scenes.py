"""Dialogs on orders and certificates: import, export, keys, notes, deleting, settling; and those of every list."""

from __future__ import annotations

from typing import Any

from kmptui.errors import BadInput, ConnectFailed
from kmptui.services.ordering import Candidate
from kmptui.services.reporting import Progress
from tests.snapshots.scenes import Act, Scene, keys, opens, picks, sees, types, typing, with_work

CERTIFICATE = 86
KEYLESS = 173
LOST = 439
ORDERS, CERTIFICATES = typing("5", *"jjjjjjj"), typing("6", *"jjj")
IMPORT: tuple[Act, ...] = (keys("5", "I"), sees("SCM counts"))
EXPORT: tuple[Act, ...] = (CERTIFICATES, keys("e"))
PASSWORD = {"typed": "correct-horse", "again": "correct-horse"}


def _short(work: Any) -> None:
    work.importing.short = True


def _unreachable(work: Any) -> None:
    error = ConnectFailed("SCM cannot be reached", why="no route to host")
    work.importing.fails = error

    async def fails(*_: object) -> Any:
        work.mirror.syncs += 1
        if work.mirror.syncs > 1:
            raise error

    work.mirror.sync = fails


def _running(work: Any) -> None:
    work.running = (Progress("Fetching certificates", 182, 500),)


def _another_key(work: Any) -> None:
    why = "its public key is another one"
    work.repository.fails = BadInput("key_file", "This key is not the certificate's", why=why)


def _candidates(work: Any) -> None:
    names = ("pay.example.com",)
    reasons = ("the same common name", "the same names", "the same profile", "requested on 2026-11-23")
    work.ordering.found = (
        Candidate(4_711_439, names[0], names, "Requested", "23 Nov 2026", reasons),
        Candidate(4_710_822, names[0], names, "Issued", "22 Nov 2026", (*reasons[:2], "requested on 2026-11-22")),
    )


def _broken(work: Any) -> None:
    async def verify(head: str | None = None) -> Any:
        from kmptui.domain.audit import Verdict

        return Verdict(False, 21, "", 14, "its hash is not that of its content")

    work.record.verify = verify


async def _announce(pilot: Any) -> None:
    """What the workspace's watchers would do."""
    pilot.app.on_running_changed()
    await pilot.pause()


async def _all_marked(pilot: Any) -> None:
    for _ in range(8):
        await pilot.press("space")


SCENES: dict[str, Scene] = {
    "import": Scene("SCM counts 1,248 orders", IMPORT),
    "import-mistyped": Scene("1 to 3,650 days", (*IMPORT, types(expires_within="soon"), keys("ctrl+y"))),
    "import-unreachable": Scene("no route to host", (keys("5", "I"),), with_work(_unreachable)),
    "import-running": Scene("182 of 500", (keys("5"), _announce), with_work(_running)),
    "imported": Scene("Import: complete", (*IMPORT, keys("ctrl+y"))),
    "imported-incomplete": Scene("INCOMPLETE", (*IMPORT, keys("ctrl+y")), with_work(_short)),
    "export": Scene("Write the file", EXPORT),
    "export-short-password": Scene(
        "8 to 64", (*EXPORT, picks(password="typed"), types(typed="short", again="short"), keys("ctrl+y"))
    ),
    "export-no-key": Scene("The private key is not here", (keys("6"), opens(lambda ways: ways.export(KEYLESS)))),
    "export-jks": Scene("JKS protects a key weakly", (*EXPORT, picks(format="jks"))),
    "export-clear": Scene("in clear", (*EXPORT, picks(format="pem"), picks(password="none"))),
    "export-existing": Scene(
        "Exists already", (*EXPORT, picks(password="made"), types(out="/etc/passwd"), keys("ctrl+y"))
    ),
    "exported": Scene(
        "Fetch it from another machine", (*EXPORT, picks(password="typed"), types(**PASSWORD), keys("ctrl+y"))
    ),
    "exported-password": Scene("shown only now", (*EXPORT, picks(password="made"), keys("ctrl+y"))),
    "attach-key": Scene("Key file", (keys("6"), opens(lambda ways: ways.attach_key(KEYLESS)))),
    "attach-key-refused": Scene(
        "its public key is another one",
        (keys("6"), opens(lambda ways: ways.attach_key(KEYLESS)), types(key_file="~/api.key"), keys("ctrl+y")),
        with_work(_another_key),
    ),
    "delete-order": Scene("In SCM nothing happens", (ORDERS, keys("d"))),
    "delete-orders": Scene("and 2 more", (keys("5"), _all_marked, keys("d"))),
    "delete-certificate": Scene("separate act", (CERTIFICATES, keys("d"))),
    "destroy-key": Scene("destroyed for good", (keys("6"), opens(lambda ways: ways.destroy_key(CERTIFICATE)))),
    "note": Scene("nothing is sent to SCM", (ORDERS, keys("m"))),
    "settle": Scene("2 orders that may be it", (keys("5", "exclamation_mark"), keys("enter")), with_work(_candidates)),
    "settle-none": Scene("SCM shows no order", (keys("5"), opens(lambda ways: ways.settle(LOST)))),
    "details": Scene("made here", (ORDERS, keys("enter"))),
    "details-unconfirmed": Scene("UNCONFIRMED", (keys("5", "enter"),)),
    "certificate": Scene("in this vault", (CERTIFICATES, keys("enter"))),
    "domain": Scene("DCV ENDED", (typing("3", *"jjjjjjjj"), keys("enter"))),
    "organization": Scene("REST OFF", (typing("2", *"jjjj"), keys("enter"))),
    "profile": Scene("CHANGED", (typing("4", *"jjjjj"), keys("enter"))),
    "filter": Scene("/ Payments", (typing("5", "slash", *"Payments", "enter"),)),
    "actions": Scene("Actions", (ORDERS, keys("a"))),
    "commands": Scene("Commands", (ORDERS, keys("ctrl+p"))),
    "help": Scene("Keys that count here", (ORDERS, keys("question_mark"))),
    "sort": Scene("Sort by", (ORDERS, keys("o"))),
    "copy": Scene("Copy", (CERTIFICATES, keys("y"))),
    "write": Scene("ctrl+y Write", (ORDERS, keys("w"))),
    "log": Scene("as command lines", (ORDERS, keys("c", "s", "L"))),
    "verdict": Scene("The audit is intact", (keys("7", "v"),)),
    "verdict-broken": Scene("broken at row 14", (keys("7", "v"),), with_work(_broken)),
    "quit": Scene("Work is still running", (keys("5"), _announce, keys("q")), with_work(_running)),
    "banner": Scene("kmptui doctor", (keys("3", "s"),), with_work(_unreachable)),
}
