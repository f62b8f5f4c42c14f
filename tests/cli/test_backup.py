"""`kmptui backup`, `restore` and `vault rotate`, as a script runs them."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.cli.conftest import Cli


def test_a_home_comes_back_from_its_backup(linked: Cli, tmp_path: Path) -> None:
    assert linked("vault", "rotate", "--yes", "--json").json == {"sealed": 1}
    file = tmp_path / "home.backup"
    told = linked("backup", file)
    assert "The key file is not in it" in told.err
    assert "exists already" in linked("backup", file, code=2).err
    key = tmp_path / "kept.key"
    shutil.copy2(linked.home / "vault.key", key)
    other = Cli(tmp_path / "other")
    assert "say --yes" in other("restore", file, "--key-file", key, code=2).err
    done = other.json("restore", file, "--key-file", key, "--yes")
    assert done["audit_rows"] > 2
    assert other("audit", "verify", "--head", done["head"]).code == 0
    assert other.json("organizations", "list") == linked.json("organizations", "list")
    other("account", "test")
    assert "holds a store already" in other("restore", file, "--key-file", key, "--yes", code=1).err
    file.write_bytes(file.read_bytes()[:-1])
    assert "The backup is damaged" in Cli(tmp_path / "third")("restore", file, "--key-file", key, "--yes", code=2).err
