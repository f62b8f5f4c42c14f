"""Values that the store's tests are made of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from kmptui.domain.audit import Actor, Entry, Stamp
from kmptui.domain.certificate import Source
from kmptui.domain.keys import KeySpec
from kmptui.domain.order import NewKey, OrderRequest, RemoteOrder
from kmptui.store import slots
from kmptui.store.certificates import NewCertificate
from kmptui.store.db import Db
from kmptui.store.ledger import Material
from kmptui.store.migrations import migrate
from kmptui.store.sealed import Sealed, new_identity

NOW = datetime(2026, 11, 23, 3, 12, tzinfo=UTC)
TODAY = NOW.date()
ACTOR = Actor("cli", user="alice", host="web01", pid=4711)
STAMP = Stamp(NOW, ACTOR, "ops-api@ACME")
ENTRY = Entry("order")


class FixedClock:
    def now(self) -> datetime:
        return NOW


def stamp(minutes: int = 0) -> Stamp:
    return Stamp(NOW + timedelta(minutes=minutes), ACTOR, "ops-api@ACME")


@contextmanager
def connected(folder: Path, name: str = "direct.db") -> Iterator[Db]:
    """A database of the newest schema on this thread, without a Store around it."""
    db = Db(folder / name, folder / "holders", writer=True, busy_seconds=5)
    db.connect()
    try:
        db.run("PRAGMA synchronous = off")  # no power fails in a test
        with db.unit("IMMEDIATE"):
            migrate(db, NOW)
        yield db
    finally:
        db.close()


def remote(ssl_id: int, name: str = "", **members: Any) -> RemoteOrder:
    common_name = name or f"host{ssl_id}.example.edu"
    told: dict[str, Any] = {
        "common_name": common_name,
        "names": (common_name, f"www.{common_name}"),
        "status": "Issued",
        "organization_id": 7,
        "organization": "Web Ops",
        "profile_id": 3,
        "profile": "OV Multi",
        "serial": f"AB{ssl_id:030X}",
        "requested": date(2026, 5, 20),
        "expires": date(2026, 12, 2),
        "from_report": True,
    }
    return RemoteOrder(ssl_id=ssl_id, **(told | members))


def request(*names: str, **members: Any) -> OrderRequest:
    told: dict[str, Any] = {"organization_id": 7, "profile_id": 3, "term": 199, "key": NewKey(KeySpec("RSA", "2048"))}
    return OrderRequest(names=names or ("shop.example.edu", "www.shop.example.edu"), **(told | members))


def sealed(text: str = "a secret") -> Sealed:
    """Not really sealed: the store cannot tell."""
    return Sealed(new_identity(), b"\x01" + b"k" * 8 + text.encode())


def material(mark: str = "1", **members: Any) -> Material:
    told: dict[str, Any] = {
        "csr": f"-----BEGIN CERTIFICATE REQUEST-----{mark}",
        "spki": hashlib.sha256(mark.encode()).hexdigest(),
        "key": sealed(mark),
        "key_words": "RSA 2048",
        "token": f"kmptui:{mark:A>16}",
        "body": (("orgId", "7"), ("term", "199")),
    }
    return Material(**(told | members))


def certificate(mark: str, order_id: int | None = None, **members: Any) -> NewCertificate:
    leaf = f"leaf {mark}".encode()
    told: dict[str, Any] = {
        "order_id": order_id,
        "serial": hashlib.sha256(leaf).hexdigest()[:32].upper(),
        "common_name": "shop.example.edu",
        "names": ("shop.example.edu", "www.shop.example.edu"),
        "not_before": NOW - timedelta(days=100),
        "not_after": NOW + timedelta(days=99),
        "issuer": "Sectigo OV R36",
        "subject": "CN=shop.example.edu,O=ACME",
        "key": "RSA 2048",
        "leaf": leaf,
        "chain": (b"issuing", b"root"),
        "sha256": hashlib.sha256(leaf).hexdigest(),
        "spki": hashlib.sha256(f"key {mark}".encode()).hexdigest(),
        "source": Source.ORDERED,
    }
    return NewCertificate(**(told | members))


def slot(kind: str = slots.KEY_FILE) -> slots.Slot:
    return slots.Slot(kind, "{}", b"wrapped", NOW)
