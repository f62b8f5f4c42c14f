"""`python -m tests.benchmarks [import] [start] [lists] [commands]`: measure, print one table and the machine.

Exit code 1 when a goal was missed. Every ratio is between two things measured in this run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import commands, importing, lists, starting
from tests.benchmarks.figures import table
from tests.benchmarks.machine import machine

BENCHMARKS = {"import": importing, "start": starting, "lists": lists, "commands": commands}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], help="which; all without a name")
    names = parser.parse_args().names or list(BENCHMARKS)
    figures = []
    with tempfile.TemporaryDirectory(prefix="kmptui-benchmarks-") as folder:
        for name in names:
            print(f"measuring: {name} ...", file=sys.stderr, flush=True)
            place = Path(folder) / name
            place.mkdir()
            figures += BENCHMARKS[name].measure(place)
    print(table(figures))
    print(f"\n{machine()}")
    return int(any(one.reached is False for one in figures))


if __name__ == "__main__":
    raise SystemExit(main())
