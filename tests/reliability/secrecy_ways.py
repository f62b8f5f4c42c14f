"""Part of `secrecy`: links, pipes, folders and files of others that stand where the program would write or read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from kmptui.config import Paths
from tests.reliability.tally import Tally

ROOT = Path(__file__).parents[2]
PATIENCE = 120
KINDS = ("link", "link to nowhere", "pipe", "folder", "another's file")


def obstacles(tally: Tally, home: Path, folder: Path, environment: dict[str, str]) -> None:
    """Each kind in each place: the command ends in a sentence or goes on without, what the link leads to is as it was,
    and nobody else's file is written."""
    paths = Paths(home)
    inside = (paths.settings, paths.home / "host", paths.store, paths.logs, paths.log, paths.exports, paths.holders,
              paths.key_file)  # fmt: skip
    outside = folder / "outside"
    for kind in KINDS if os.geteuid() == 0 else KINDS[:-1]:
        for place in inside:
            copy = folder / "copy"
            shutil.copytree(home, copy)
            at = copy / place.relative_to(home)
            _put(kind, at, outside)
            words = ("certificates", "list") if place != paths.key_file else ("vault", "add-slot", "key-file")
            _judged(tally, f"{kind} at {at.name}", words, environment | {"KMPTUI_HOME": str(copy)}, outside)
            shutil.rmtree(copy)
        for name, words in (
            ("an export", ("certificates", "export", "c1", "--format", "pem", "--only", "chain", "--out")),
            ("a backup", ("backup",)),
        ):
            at = folder / "out.file"
            _put(kind, at, outside)
            told = _judged(tally, f"{kind} at {name}", (*words, str(at)), environment, outside)
            if kind != "another's file":
                tally.require(told.returncode, f"{kind} at {name}: it was written")
            shutil.rmtree(at) if at.is_dir() and not at.is_symlink() else at.unlink()


def _put(kind: str, at: Path, outside: Path) -> None:
    outside.unlink(missing_ok=True)
    outside.touch(0o600)
    outside.write_text("as it was")
    if at.is_dir():
        shutil.rmtree(at)
    at.unlink(missing_ok=True)
    at.parent.mkdir(exist_ok=True)
    if kind == "pipe":
        os.mkfifo(at, 0o600)
    elif kind == "folder":
        at.mkdir(0o700)
    elif kind == "another's file":
        at.touch(0o600)
        at.write_text("another's")
        os.chown(at, 12345, 12345)
    else:
        at.symlink_to(outside if kind == "link" else outside.with_name("nowhere"))


def _judged(
    tally: Tally, case: str, words: tuple[str, ...], environment: dict[str, str], outside: Path
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "kmptui", *words]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, check=False, umask=0, timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        tally.require(False, f"{case}: {words[:2]} does not end")
        return subprocess.CompletedProcess(command, -1, b"", b"")
    tally.require(done.returncode in {0, 1, 2} and b"Traceback" not in done.stderr, f"{case}: {done}")
    tally.require(not done.returncode or done.stderr.strip(), f"{case}: not a word")
    tally.require(outside.read_text() == "as it was", f"{case}: what the link leads to was changed")
    tally.require(not outside.with_name("nowhere").exists(), f"{case}: what the link leads to was made")
    tally.count("things in the way")
    tally.count("of them refused in words", int(bool(done.returncode)))
    return done
