"""A process that holds secrets leaves no core dump, and no other process of its user reads its memory."""

from __future__ import annotations

import subprocess
import sys

LOOK = """
import ctypes, resource
from kmptui.cli.hardening import keep_memory_private
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
keep_memory_private()
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


def test_no_core_is_dumped() -> None:
    told = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "(0, 0) 0"
