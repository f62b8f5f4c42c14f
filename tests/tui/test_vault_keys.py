"""`v` on the home screen, on a real vault: locked, opened by its file or by typing, or told why it cannot be."""

from __future__ import annotations

from kmptui.config import Paths
from kmptui.sandbox.server import SandboxServer
from kmptui.tui.dialogs.passphrase import PassphraseDialog
from kmptui.tui.dialogs.problem import ProblemDialog
from tests.e2e.keyboard import at_home, at_rest, paste, press, the_app
from tests.services.homes import linked
from tests.tui.acting import is_open, prose, sees

WORDS = "correct horse battery"


async def test_a_key_file_opens_what_was_locked_by_hand(paths: Paths, sandbox: SandboxServer) -> None:
    """Nobody is asked for a passphrase that there is not; with the file gone it is said what still works."""
    async with linked(paths, sandbox, mirrored=True):
        pass
    async with the_app(paths) as (pilot, _):
        await at_home(pilot)
        await press(pilot, "v")
        await sees(pilot, "key file, locked (v)")
        await press(pilot, "v")
        await sees(pilot, "key file, open (v)")
        await press(pilot, "v")
        await sees(pilot, "key file, locked (v)")
        paths.key_file.unlink()
        await press(pilot, "v")
        dialog = await is_open(pilot, ProblemDialog)
        assert "is not there" in prose(dialog)
        assert "restore a backup" in prose(dialog)
        await press(pilot, "escape")
        await at_rest(pilot)


async def test_with_a_wrong_key_file_the_passphrase_is_asked_for(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, mirrored=True) as home:
        await home.vault.add_slot("passphrase", WORDS)
    paths.key_file.write_bytes(bytes(32))
    async with the_app(paths) as (pilot, _):
        await at_home(pilot)
        await press(pilot, "T")
        dialog = await is_open(pilot, PassphraseDialog)
        assert "is not the key of this vault" in prose(dialog)
        await paste(pilot, WORDS)
        await press(pilot, "ctrl+y")
        await sees(pilot, "SCM takes the login and password")
