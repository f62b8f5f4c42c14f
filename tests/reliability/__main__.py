"""`python -m tests.reliability [--seed N] [--number N] [PROMISE...]`: hold each promise against thousands of cases.

Prints a table of counts; exit code 1 when a promise was broken, with the seed and the steps that repeat each case. A
`number` scales every promise: 100 is the long form, 1 about what the test suite runs.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.reliability.promises import PROMISES
from tests.reliability.tally import Tally, table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *PROMISES], help="which; all without a name")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--number", type=int, default=100)
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    tallies = []
    with tempfile.TemporaryDirectory(prefix="kmptui-reliability-") as folder:
        for name in given.names or list(PROMISES):
            began = time.monotonic()
            place = Path(folder) / name
            place.mkdir()
            tally = Tally(name, given.seed)
            try:
                asyncio.run(PROMISES[name](tally, given.number, place))
            except Exception:  # noqa: BLE001 - the other promises are held all the same
                tally.require(False, f"it did not come to its end: {traceback.format_exc()}")
            tallies.append(tally)
            words = f"{name}: {len(tally.broken)} broken, {time.monotonic() - began:.0f} s"
            print(words, file=sys.stderr, flush=True)  # noqa: T201
    print(table(tallies))  # noqa: T201
    return int(any(tally.broken for tally in tallies))


if __name__ == "__main__":
    raise SystemExit(main())
