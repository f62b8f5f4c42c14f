"""`python -m tests.year [--seed N] [--certificates N] [--days N] [--report FILE]`: a year of automatic renewal.

Prints a table, a row a month, and what was broken; exit code 1 when something was.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import tempfile
from pathlib import Path

from kmptui.sandbox.server import SandboxConfig, SandboxServer
from tests.year.life import Life, configuration


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.year", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--certificates", type=int, default=200)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--report", type=Path, help="write the report to this file, too")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    sandbox = SandboxServer(SandboxConfig(**configuration(given.seed)))
    with tempfile.TemporaryDirectory(prefix="kmptui-year-") as folder, sandbox:
        life = Life(sandbox, Path(folder) / "home", given.certificates, given.days, given.seed)
        year = asyncio.run(life.live())
    print(year.report())  # noqa: T201
    if given.report:
        given.report.write_text(year.report(), encoding="utf-8")
    return int(bool(year.broken))


if __name__ == "__main__":
    raise SystemExit(main())
