"""`kmptui vault status`: what is said of a vault that does not open."""

from __future__ import annotations

from kmptui.config import Paths
from tests.cli.conftest import Cli


def test_the_status_of_a_vault_whose_key_file_is_wrong(linked: Cli) -> None:
    assert linked.json("vault", "status")["state"] == "open"
    key_file = Paths(linked.home).key_file
    key_file.write_bytes(bytes(32))
    told = linked.json("vault", "status", code=3)
    assert told["state"] == "locked"
    assert "is not the key of this vault" in told["problem"]
    assert "Problem" in linked("vault", "status", code=3).out
    assert "is not the key of this vault" in linked("sync", code=1).err
    key_file.unlink()
    assert "is not there" in linked("vault", "status", code=3).out
    linked("orders", "list")
