"""What keeps the memory of a process that holds secrets to itself: no core dump, no reading by other processes."""

from __future__ import annotations

import resource
import sys

_SET_DUMPABLE = 4
"""prctl(2), PR_SET_DUMPABLE."""


def keep_memory_private() -> None:
    """No core file is written (setrlimit(2)), also not by a program that collects them, and no other process of the
    same user may look into this one (prctl(2)). Root still may."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)
