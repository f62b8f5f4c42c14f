"""Sandboxes, linked homes and measured runs, each a process of its own: none shares its memory or its imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@contextmanager
def sandbox(orders: int, latency_ms: float = 0) -> Iterator[dict[str, str]]:
    """What a sandbox says of itself when it is ready: base_url, login, password, customer_uri …"""
    command = ["sandbox", "--port", "0", "--certificates", str(orders), "--latency", str(latency_ms), "--leash"]
    process = subprocess.Popen(
        [sys.executable, "-m", "kmptui", *command],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        announced: dict[str, str] = json.loads(process.stdout.readline())
        yield announced
    finally:
        process.communicate()  # lets go of the leash


def measured(module: str, *arguments: str, told: object = None) -> dict[str, Any]:
    """Run `python -m module arguments`, `told` as JSON on its standard input; the JSON that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        input=json.dumps(told), capture_output=True, text=True, cwd=ROOT, check=False, env=environment(),
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{module} {' '.join(arguments)}: {done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def environment(home: Path | None = None) -> dict[str, str]:
    """As a person's, without what would change the run."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KMPTUI_", "TEXTUAL"))}
    kept.pop("NO_COLOR", None)
    return kept | ({"KMPTUI_HOME": str(home)} if home is not None else {})


def peak_mib(pid: int | str = "self") -> float:
    """The most resident memory that a process ever had."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the kernel tells no peak memory")
