"""The program with a fault of its own where secrets stand in its variables.

`python -m tests.reliability.crashing WHAT [WORDS...]`. WHAT: work (whatever seals or opens a secret fails), screen (a
field with a password typed into it does, and the program with it)."""

from __future__ import annotations

import sys
from typing import Any, NoReturn


def fails(*_: Any) -> NoReturn:
    raise RuntimeError("the fault that was asked for")


def main(what: str) -> None:
    from kmptui.cli.main import main as kmptui

    if what == "work":
        from kmptui.store.sealed import Sealed
        from kmptui.store.vault import Vault

        opening, sealing = Vault.open, Vault.seal

        def open_and_fail(self: Vault, sealed: Sealed) -> NoReturn:
            secret = opening(self, sealed)
            fails(secret)

        def seal_and_fail(self: Vault, secret: bytes, identity: str) -> NoReturn:
            sealed = sealing(self, secret, identity)
            fails(secret, sealed)

        Vault.open, Vault.seal = open_and_fail, seal_and_fail  # type: ignore[method-assign,assignment]
    else:
        from textual.widgets import Input

        drawn = Input.render_line

        def render_line(self: Input, y: int) -> Any:
            typed = self.value
            return fails(typed) if self.password and len(typed) > 10 else drawn(self, y)

        Input.render_line = render_line  # type: ignore[method-assign]
    kmptui()


if __name__ == "__main__":
    given = sys.argv.pop(1)
    main(given)
