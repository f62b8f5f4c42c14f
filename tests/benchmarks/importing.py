"""Importing many orders at a latency, against the least that it can cost and against reading them one by one."""

from __future__ import annotations

import statistics
from pathlib import Path

from tests.benchmarks import stage
from tests.benchmarks.figures import Figure, at_least, at_most, seconds

MOST_TIMES_BARE = 2
LEAST_TIMES_FASTER = 1000
MOST_MIB = 150


def measure(
    folder: Path, *, orders: int = 10_000, latency_ms: float = 50, reads: int = 200, runs: int = 5
) -> list[Figure]:
    """Bare and ours by turns, each in a fresh process, home and file; the sandbox is a process of its own."""
    bare, ours, peaks = [], [], []
    with stage.sandbox(orders, latency_ms) as told:
        stage.measured("tests.benchmarks.bare_import", str(folder / "warm.db"), told=told)
        for run in range(runs):
            bare.append(stage.measured("tests.benchmarks.bare_import", str(folder / f"bare-{run}.db"), told=told))
            ours.append(stage.measured("tests.benchmarks.home", str(folder / f"import-{run}"), told=told))
            peaks.append(ours[-1]["peak_mib"])
        one_by_one = stage.measured("tests.benchmarks.one_by_one", str(reads), told=told)
    if {one["orders"] for one in (*bare, *ours)} != {orders}:
        raise RuntimeError("not every run imported every order")
    bare_s, ours_s = ([one["seconds"] for one in some] for some in (bare, ours))
    each = one_by_one["seconds"] / one_by_one["orders"]
    ratio = statistics.median(mine / least for mine, least in zip(ours_s, bare_s, strict=True))
    faster = each * orders / statistics.median(ours_s)
    what = f"import of {orders:,} orders at {latency_ms:g} ms"
    return [
        Figure(f"Bare limit of the {what}", f"{seconds(bare_s)}, {runs} runs"),
        at_most(f"kmptui: {what} / bare limit", f"{seconds(ours_s)}, {runs} runs by turns", ratio, MOST_TIMES_BARE),
        at_least(
            "cert-manager reading them one by one / kmptui",
            f"{each * 1000:.1f} ms an order, measured over {one_by_one['orders']:,} reads, scaled",
            faster,
            LEAST_TIMES_FASTER,
        ),
        Figure(
            "Peak memory of kmptui's import",
            f"{max(peaks):.0f} MiB",
            "",
            f"at most {MOST_MIB} MiB",
            max(peaks) <= MOST_MIB,
        ),
    ]
