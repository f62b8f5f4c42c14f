"""PyPI's `cert-manager` reading orders one by one: `python -m tests.benchmarks.one_by_one COUNT`."""

from __future__ import annotations

import itertools
import json
import sys
import time

import requests
from cert_manager import SSL, Client


def read(count: int, told: dict[str, str]) -> dict[str, float]:
    """`seconds` for reading `count` orders, ids known."""
    session = requests.Session()
    session.trust_env = False
    client = Client(
        base_url=told["base_url"], login_uri=told["customer_uri"], username=told["login"], password=told["password"],
        session=session,
    )  # fmt: skip
    certificates = SSL(client=client)
    ids = [row["sslId"] for row in itertools.islice(certificates.list(size=200), count)]
    begin = time.perf_counter()
    for ssl_id in ids:
        certificates.get(ssl_id)
    took = time.perf_counter() - begin
    session.close()
    return {"seconds": took, "orders": len(ids)}


if __name__ == "__main__":
    print(json.dumps(read(int(sys.argv[1]), json.load(sys.stdin))))
