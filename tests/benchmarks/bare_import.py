"""The least that an import can be: `python -m tests.benchmarks.bare_import FILE`.

One request for the same report, one decode of it into structs with the members that are kept, one insert of the same
rows into one table, durable as the store's, with no index but SCM's id. No check, comparison, search, sorting, record.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from pathlib import Path

import httpx
import msgspec

MEMBERS = (
    "id", "commonName", "subjAltNames", "status", "orgId", "organizationName", "typeId", "type", "orderNumber",
    "backendCertId", "serialNumber", "term", "publicKeyType", "requester", "externalRequester", "comments", "requested",
    "approved", "issued", "declined", "expires", "replaced", "revoked", "requestedVia", "issuer", "customFields",
)  # fmt: skip
EVERYTHING = {"organizationIds": [], "certificateStatus": 0, "serialNumberFormat": "", "includeIpAddresses": False}
KINDS = {"customFields": msgspec.Raw}
Row = msgspec.defstruct("Row", [(name, KINDS.get(name, str | int | None), None) for name in MEMBERS], gc=False)
Report = msgspec.defstruct("Report", [("reports", list[Row])])


def imported(file: Path, told: dict[str, str]) -> dict[str, float]:
    """`seconds` and `orders`."""
    headers = {"login": told["login"], "password": told["password"], "customerUri": told["customer_uri"]}
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA journal_mode = wal")
    database.execute("PRAGMA synchronous = full")
    database.execute(f"CREATE TABLE orders (place INTEGER PRIMARY KEY, {', '.join(MEMBERS)}, UNIQUE (id))")
    with httpx.Client(headers=headers, timeout=300, trust_env=False) as client:
        client.head(f"{told['base_url']}/ssl/v1")  # the connection is there, as it is for the import
        begin = time.perf_counter()
        answer = client.post(f"{told['base_url']}/report/v1/ssl-certificates", json=EVERYTHING).raise_for_status()
        rows = msgspec.json.decode(answer.content, type=Report).reports
        database.execute("BEGIN IMMEDIATE")
        database.executemany(
            f"INSERT INTO orders ({', '.join(MEMBERS)}) VALUES ({', '.join('?' * len(MEMBERS))})",
            map(msgspec.structs.astuple, rows),
        )
        database.execute("COMMIT")
        took = time.perf_counter() - begin
    database.close()
    return {"seconds": took, "orders": len(rows)}


if __name__ == "__main__":
    print(json.dumps(imported(Path(sys.argv[1]), json.load(sys.stdin))))
