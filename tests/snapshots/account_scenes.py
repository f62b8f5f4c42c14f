"""The Account tab and its dialogs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any

from kmptui.errors import ConnectFailed, WrongLogin
from kmptui.services.home import HomeView, Need
from kmptui.services.vault import VaultStatus
from kmptui.tui.dialogs.passphrase import ChangePassphraseDialog
from kmptui.tui.dialogs.password import PasswordDialog
from kmptui.tui.dialogs.unlink import UnlinkDialog
from tests.snapshots.company_stage import office
from tests.snapshots.scenes import Scene, keys, opens, picks, sees, shows, types, with_work
from tests.tui.stage import NOW

LOGIN = WrongLogin("SCM refused the login", code=-16, text="Unknown user", status=401)
unlinked = partial(office, linked=False)
GOOD = {"login": "ops-api", "password": "correct-horse", "customer_uri": "ACME"}


def _refusing(work: Any) -> None:
    work.account.fails = LOGIN


def _nothing_needed(work: Any) -> None:
    work.home.now = HomeView((), work.home.now.facts, NOW, "")
    work.ordering.unconfirmed = _none


def _not_imported(work: Any) -> None:
    facts = (("Schedule", "none set up: kmptui systemd install"), ("Auto-renewal", "off, 0 chosen"))
    facts += (("Repository", "0 of limit 500; 0 orders current"),)
    work.home.now = HomeView((), facts, None, "")
    work.health.report = None
    work.ordering.unconfirmed = _none


def _attention(work: Any) -> None:
    words = "SCM refused the login on 22 Nov: nothing is asked until the password is replaced (p)"
    need = Need("ACCOUNT", 1, "account is refused by SCM", words, None)
    work.account.state = replace(work.account.state, attention=words, password_expires=None)
    old = "Orders are as of 3 d ago: sync to refresh"
    work.home.now = replace(work.home.now, needs=(need, *work.home.now.needs), stale=old)


def _reading(work: Any) -> None:
    work.home.view = _for_ever


def _asking(work: Any) -> None:
    sync = work.mirror.sync

    async def slow(*topics: Any) -> Any:
        await sync(*topics)
        return await _for_ever()

    work.mirror.sync = slow


def _silent(work: Any) -> None:
    async def fails() -> Any:
        raise ConnectFailed("SCM cannot be reached", why="no route to host")

    work.health.check = fails


def _locked(work: Any) -> None:
    work.vault.now = VaultStatus("locked", ("passphrase",))


async def _none() -> tuple[Any, ...]:
    return ()


async def _for_ever() -> Any:
    await asyncio.Event().wait()


SCENES: dict[str, Scene] = {
    "link": Scene("Link your account", make=unlinked),
    "link-errors": Scene(
        "The two do not agree",
        (
            types(base_url="http://cert-manager.com/api", login="ops api", customer_uri="ACME/?", proxy="nonsense"),
            picks(vault="passphrase"),
            types(password="correct-horse", passphrase="one two three", again="one two"),
            keys("ctrl+y"),
        ),
        unlinked,
    ),
    "link-refused": Scene(
        "SCM says -16", (types(**GOOD), keys("ctrl+y")), with_work(_refusing, unlinked)
    ),
    "account": Scene("Needs you"),
    "account-fine": Scene("Nothing needs you", make=with_work(_nothing_needed)),
    "account-before-import": Scene("no orders imported yet", make=with_work(_not_imported)),
    "account-attention": Scene("Attention", make=with_work(_attention)),
    "account-reading": Scene("Reading the store", make=with_work(_reading), endless=True),
    "account-asking": Scene("asking SCM", make=with_work(_asking), endless=True),
    "changes": Scene("Changed elsewhere", (keys("l"),)),
    "changes-marked": Scene("Changed elsewhere", (keys("l", "space"),)),
    "health": Scene("as of", (keys("h"), sees("DCV ended"))),
    "health-unanswered": Scene("not renewed", (keys("h"),), with_work(_silent)),
    "password": Scene("Prove and keep", (keys("p"),)),
    "password-refused": Scene(
        "SCM refused the login",
        (shows(lambda work: PasswordDialog(work.account)), types(password="n3w-secret", again="n3w-secret"),
         keys("ctrl+y")),
        with_work(_refusing),
    ),
    "unlink": Scene("To confirm", (shows(lambda work: UnlinkDialog(work.account.state)),)),
    "unlink-mistyped": Scene(
        "This is not the login",
        (shows(lambda work: UnlinkDialog(work.account.state)), types(login="ops"), keys("ctrl+y")),
    ),
    "unlock": Scene("The vault is locked", (opens(lambda ways: ways.unlock()),), with_work(_locked)),
    "unlock-wrong": Scene(
        "does not open the vault",
        (opens(lambda ways: ways.unlock()), types(passphrase="wrong horse"), keys("ctrl+y")),
        with_work(_locked),
    ),
    "passphrase-first": Scene(
        "Protect the vault", (shows(lambda work: ChangePassphraseDialog(work.vault, first=True)),)
    ),
    "passphrase": Scene(
        "Change the vault", (shows(lambda work: ChangePassphraseDialog(work.vault, first=False)),)
    ),
}  # fmt: skip
