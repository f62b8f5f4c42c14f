"""Both faces on one home against one sandbox SCM: the command line's fixtures, and a home that is linked and filled."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmptui.sandbox.server import SandboxServer
from tests.cli.conftest import Cli, cli, link

__all__ = ["cli", "secret"]


@pytest.fixture
def secret(tmp_path: Path):
    """`secret(sandbox)`: a file with the password of one of its administrators, the master's where none is named."""

    def write(sandbox: SandboxServer, login: str = "") -> Path:
        file = tmp_path / "scm-password"
        file.touch(0o600)
        file.write_text(sandbox.password_of(login or sandbox.login) + "\n")
        return file

    return write


@pytest.fixture
def join(cli: Cli, secret):
    """`join(sandbox)`: link the home to it, and mirror."""

    def linked(sandbox: SandboxServer, *more: object) -> Cli:
        link(cli, sandbox, secret(sandbox), *more)
        return cli

    return linked
