"""The promises by name. Each is an async function of a tally, a number that scales it (100 is the long form), and a new
folder; it counts what it did, and says what was broken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.reliability import hostile, kill, lost, machine, record, secrecy, together, unconfirmed, vault
from tests.reliability.tally import Tally

Promise = Callable[[Tally, int, Path], Awaitable[None]]

PROMISES: dict[str, Promise] = {
    "kill": kill.prove,
    "lost": lost.prove,
    "unconfirmed": unconfirmed.prove,
    "together": together.prove,
    "hostile": hostile.prove,
    "secrecy": secrecy.prove,
    "machine": machine.prove,
    "record": record.prove,
    "vault": vault.prove,
}
