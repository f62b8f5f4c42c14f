"""The rehearsal: nothing but this machine, and gone without a trace."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil


def test_the_script_plays_the_main_job(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "HTTP_PROXY": "http://127.0.0.1:9"}
    run = subprocess.run(
        [sys.executable, "-m", "kmptui", "demo", "--script", "--certificates", "40"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    lines = run.stdout.splitlines()
    assert 10 <= len(lines) <= 14
    assert lines[-1].startswith("Done")
    assert run.stderr == ""
    assert list(tmp_path.iterdir()) == []
    assert not [p for p in psutil.process_iter(["cmdline"]) if str(tmp_path) in " ".join(p.info["cmdline"] or [])]


def test_without_a_terminal_the_demo_says_what_to_do() -> None:
    run = subprocess.run([sys.executable, "-m", "kmptui", "demo"], capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "--script" in run.stderr
