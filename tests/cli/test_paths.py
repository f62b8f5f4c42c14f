"""Paths in arguments that mean nothing: refused in words, never a fault of the program's."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Cli


@pytest.mark.parametrize("words", [("audit", "export", "--format", "csv", "--out")], ids=" ".join)
def test_a_folder_of_a_user_that_is_not_there(cli: Cli, words: tuple[str, ...]) -> None:
    assert "cannot be used" in cli(*words, "~nobody-of-that-name/x", code=2).err
