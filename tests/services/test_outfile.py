"""A file that holds a key: whole or not there, readable by its owner alone, never through a link."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from kmptui.errors import BadInput
from kmptui.services import outfile
from kmptui.services.outfile import write_out


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.usefixtures("open_umask")
def test_it_is_private_whatever_the_umask(tmp_path: Path) -> None:
    target = tmp_path / "www.p12"
    write_out(target, b"secret")
    assert target.read_bytes() == b"secret"
    assert mode(target) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["www.p12"]
    assert target.stat().st_nlink == 1


def test_an_existing_file_is_replaced_only_when_that_was_said(tmp_path: Path) -> None:
    target = tmp_path / "www.p12"
    target.write_bytes(b"old")
    target.chmod(0o644)
    with pytest.raises(BadInput, match="exists already"):
        write_out(target, b"new")
    assert target.read_bytes() == b"old"
    write_out(target, b"new", replace=True)
    assert target.read_bytes() == b"new"
    assert mode(target) == 0o600


@pytest.mark.parametrize("name", ["half \ud83d.pem", "a\0b.pem"])
def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="no name that a file can have"):
        write_out(tmp_path / name, b"data")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("replace", [False, True])
def test_a_link_is_never_followed(tmp_path: Path, replace: bool) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    link = tmp_path / "www.p12"
    link.symlink_to(victim)
    with pytest.raises(BadInput, match="symbolic link") as caught:
        write_out(link, b"new", replace=replace)
    assert caught.value.field == "out"
    assert victim.read_bytes() == b"precious"
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "nowhere")
    with pytest.raises(BadInput, match="symbolic link"):
        write_out(dangling, b"new", replace=replace)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("replace", [False, True])
def test_folders_and_pipes_are_refused(tmp_path: Path, replace: bool) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadInput, match="is a folder"):
        write_out(tmp_path / "folder", b"x", replace=replace)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match="no regular file"):
        write_out(tmp_path / "pipe", b"x", replace=replace)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be used") as caught:
        write_out(tmp_path / "none" / "www.p12", b"x")
    assert caught.value.cure == "Make the folder first"
    with pytest.raises(BadInput):
        write_out(Path("/"), b"x")


FILL = """
import resource, signal, sys
from pathlib import Path
from kmptui.errors import Full
from kmptui.services import outfile
from kmptui.services.outfile import write_out
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_out(Path(sys.argv[1]), b"k" * 5000, replace=True)
except Full as error:
    print("full:", error.what)
"""


def test_no_room_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "www.p12"
    target.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", FILL, str(target)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("full:"), done.stderr
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["www.p12"]


def test_where_there_are_no_hard_links_the_place_is_kept_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    write_out(tmp_path / "www.p12", b"new")
    assert (tmp_path / "www.p12").read_bytes() == b"new"
    assert mode(tmp_path / "www.p12") == 0o600
    assert len(list(tmp_path.iterdir())) == 1


def test_what_a_killed_writer_left_beside_is_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left, used, other = (tmp_path / f".kmptui.{name}" for name in ("0123456789abcdef", "fedcba9876543210", "mine"))
    for path in (left, used, other):
        path.write_bytes(b"half a key")
    write_out(tmp_path / "a.pem", b"secret")
    assert left.exists(), "its writer may just have made it"
    monkeypatch.setattr(outfile, "FRESH_SECONDS", -1.0)
    with used.open() as writing:
        fcntl.flock(writing, fcntl.LOCK_EX)
        write_out(tmp_path / "b.pem", b"secret")
    assert sorted(path.name for path in tmp_path.iterdir()) == [used.name, other.name, "a.pem", "b.pem"]


def test_a_file_is_locked_while_it_stands_beside_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that another one that writes into the folder leaves it alone."""
    monkeypatch.setattr(outfile, "FRESH_SECONDS", -1.0)
    target = tmp_path / "a.pem"
    write_out(target, b"old")
    rename = os.rename

    def renaming(*args: object, **kwargs: object) -> None:
        write_out(tmp_path / "b.pem", b"another")
        assert len(list(tmp_path.glob(".kmptui.*"))) == 1
        rename(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "rename", renaming)
    write_out(target, b"new", replace=True)
    assert target.read_bytes() == b"new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pem", "b.pem"]
