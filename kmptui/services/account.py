"""The linked SCM account: link, prove, change its password, unlink."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kmptui.config import meant
from kmptui.domain import entry
from kmptui.domain.audit import Entry
from kmptui.domain.listing import Topic
from kmptui.errors import (
    BadInput,
    PasswordExpired,
    RoleMissing,
    ScmGarbled,
    ScmRefused,
    StateForbids,
    Unreachable,
    WrongLogin,
)
from kmptui.services import rights
from kmptui.services.vault import check_passphrase
from kmptui.store import account as accounts
from kmptui.store.account import StoredAccount
from kmptui.store.sealed import new_identity

if TYPE_CHECKING:
    from kmptui.domain.audit import Stamp
    from kmptui.scm.client import ScmClient
    from kmptui.services.engine import Engine
    from kmptui.services.vault import VaultService
    from kmptui.store.database import Db
    from kmptui.store.sealed import Sealed

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """What the link form asks for."""

    base_url: str
    login: str
    password: str = field(repr=False)
    customer_uri: str
    ca_file: str = ""
    proxy: str = ""


@dataclass(frozen=True, slots=True)
class AccountView:
    """The linked account as it is shown. `kind` is real or sandbox; `mrao` None where SCM did not tell.

    `attention` is a sentence when SCM refused the credentials lately; `read_only` names why nothing may be changed in
    SCM ("" when something may), `missing` what the account has no right to do (see rights.PRIVILEGES).
    """

    base_url: str
    login: str
    customer_uri: str
    kind: str
    linked: datetime
    mrao: bool | None
    password_state: str
    password_expires: date | None
    attention: str
    read_only: str
    missing: tuple[str, ...] = ()
    proxy: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class LinkResult:
    account: AccountView
    warnings: tuple[str, ...]
    vault_made: str
    """"" when the vault existed; else "key file" or "passphrase"."""


class Account:
    def __init__(self, engine: Engine, vault: VaultService) -> None:
        self._engine = engine
        self._vault = vault

    async def view(self) -> AccountView | None:
        """From the store; None while nothing is linked."""
        stored = await self._engine.store.read(accounts.account)
        return None if stored is None else self._viewed(stored)

    async def link(self, request: LinkRequest, *, passphrase: str | None = None) -> LinkResult:
        """Check the input, prove the credentials by one call, then save: nothing is saved before the proof.

        Makes the vault where there is none: with `passphrase`, or with a key file. At most 3 requests before a refusal.
        Does not mirror: call `Mirror.sync()` next. Raises BadInput(field), AccountRefused, Unreachable, ScmGarbled,
        WrongKind, StateForbids (another account is linked), VaultLocked.
        """
        check_passphrase(passphrase)
        checked = _checked(request)
        return await self._engine.own(self._link(checked, passphrase), "Proving the credentials", noting=False)

    async def test(self) -> AccountView:
        """One call with the stored credentials; clears or sets `attention`. Raises as `link` does."""
        return await self._engine.own(self._test(), "Proving the credentials", noting=False)

    async def change_password(self, password: str) -> AccountView:
        """Prove the new password by one call, then replace the stored one. Raises as `link` does."""
        new = entry.password(password)
        return await self._engine.own(self._change_password(new), "Proving the new password", noting=False)

    async def unlink(self) -> None:
        """Forget the account and its password; orders, certificates, keys and audit stay. Raises NotLinked."""
        await self._engine.own(self._unlink(), noting=False)

    async def _unlink(self) -> None:
        stored = await self._engine.linked()
        row = Entry("unlink", subject=f"{stored.login}@{stored.customer_uri}")
        await self._engine.store.write(accounts.unlink, row, await self._engine.stamp())
        await self._engine.disconnect()
        self._engine.changed(Topic.ACCOUNT)

    async def _link(self, request: LinkRequest, passphrase: str | None) -> LinkResult:
        engine = self._engine
        await self._refuse_another(request)
        vault = await self._vault.status()
        if vault.state != "none":
            await engine.vault.opened()  # before anything is sent: it may take a person
        client = engine.connect(
            request.base_url, request.login, request.password, request.customer_uri,
            ca_file=request.ca_file, proxy=request.proxy, kind=await engine.store.read(accounts.kind),
        )  # fmt: skip
        async with client:
            await client.prove()
            found = await told(client)
            kind = "sandbox" if client.is_sandbox else "real"
        made = "" if vault.state != "none" else (await self._vault.init(passphrase)).slots[0]
        sealed = await engine.seal(request.password.encode("utf-8"), new_identity())
        stored = StoredAccount(
            base_url=request.base_url,
            login=request.login,
            customer_uri=request.customer_uri,
            kind=kind,
            linked=engine.clock.now(),
            password=sealed,
            mrao=found.mrao,
            roles=found.roles,
            password_state=found.password_state,
            password_expires=found.password_expires,
            ca_file=request.ca_file,
            proxy=request.proxy,
        )
        row = Entry(
            "link", subject=f"{request.login}@{request.customer_uri}", details=(("base url", request.base_url),)
        )
        await engine.store.write(accounts.link, stored, row, await engine.stamp())
        await engine.disconnect()
        engine.changed(Topic.ACCOUNT)
        return LinkResult(self._viewed(stored), found.warnings(request.login), made)

    async def _refuse_another(self, request: LinkRequest) -> None:
        known = await self._engine.store.read(accounts.account)
        if known is not None and (known.customer_uri, known.login) != (request.customer_uri, request.login):
            raise StateForbids(
                f"{known.login} of {known.customer_uri} is linked", cure="Unlink it first: kmptui account unlink"
            )

    async def _test(self) -> AccountView:
        engine = self._engine
        stored = await engine.linked()
        password = (await engine.open_sealed(stored.password)).decode("utf-8")
        try:
            found = await self._proved(stored, password)
        except (WrongLogin, PasswordExpired) as error:
            await engine.note_refusal(error, stored.password.identity)
            raise
        await engine.store.write(save_facts, found)
        engine.changed(Topic.ACCOUNT)
        return self._viewed(await engine.linked())

    async def _change_password(self, password: str) -> AccountView:
        engine = self._engine
        stored = await engine.linked()
        await engine.vault.opened()
        found = await self._proved(stored, password)
        sealed = await engine.seal(password.encode("utf-8"), new_identity())
        row = Entry("password", subject=f"{stored.login}@{stored.customer_uri}", reason="proved, then replaced")
        await engine.store.write(_save_password, sealed, found, row, await engine.stamp())
        await engine.disconnect()
        engine.changed(Topic.ACCOUNT)
        return self._viewed(await engine.linked())

    async def _proved(self, stored: StoredAccount, password: str) -> Facts:
        """What SCM says of the account, after one call has proved the password."""
        client = self._engine.connect(stored.base_url, stored.login, password, stored.customer_uri, stored)
        async with client:
            await client.prove()
            return await told(client)

    def _viewed(self, stored: StoredAccount) -> AccountView:
        return AccountView(
            base_url=stored.base_url,
            login=stored.login,
            customer_uri=stored.customer_uri,
            kind=stored.kind,
            linked=stored.linked,
            mrao=stored.mrao,
            password_state=stored.password_state,
            password_expires=stored.password_expires,
            attention=stored.attention,
            read_only=_read_only(stored, setting=self._engine.settings.read_only),
            missing=rights.forbidden(stored.roles),
            proxy=stored.proxy,
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """What SCM says of the account; None and "" where it does not say. `roles`: see rights.lacks."""

    mrao: bool | None = None
    roles: tuple[str, ...] = ()
    password_state: str = ""
    password_expires: date | None = None

    def warnings(self, login: str) -> tuple[str, ...]:
        """What stands against the account, each in a sentence that names what is missing."""
        found = []
        if self.mrao is False:
            found.append(
                "The account does not have the MRAO role: organizations, domains and orders outside its own are not"
                " shown, and SCM may refuse orders. Ask your SCM master administrator for it"
            )
        if missing := rights.warning(login, self.roles):
            found.append(missing)
        if self.password_state == "EXPIRED":  # noqa: S105 - SCM's word for a state
            found.append("SCM says that the API password has expired")
        return tuple(found)


async def told(client: ScmClient) -> Facts:
    """Role, rights and password, as far as SCM tells (SCM REST 25.5, Admin: to some accounts only). The credentials are
    proved already: a server that does not tell, or cannot just now, is no reason to refuse them."""
    found = Facts()
    try:
        with contextlib.suppress(ScmRefused, RoleMissing, ScmGarbled):
            mrao = await client.is_mrao()
            found = replace(found, mrao=mrao)
            if mrao is False:
                found = replace(found, roles=rights.lacks(mrao, await client.privileges()))
        with contextlib.suppress(ScmRefused, RoleMissing, ScmGarbled):
            if state := await client.password_state():
                found = replace(found, password_state=state.state, password_expires=state.expires)
    except Unreachable as error:
        _log.warning("role and password are not known: %s", error)
    return found


def _read_only(stored: StoredAccount, *, setting: bool) -> str:
    return "read-only mode is on" if setting else rights.read_only(stored.login, stored.roles)


def save_facts(db: Db, found: Facts) -> None:
    """The credentials are proved, and this is what SCM says of the account. Raises NotLinked."""
    accounts.set_facts(
        db,
        mrao=found.mrao,
        roles=found.roles,
        password_state=found.password_state,
        password_expires=found.password_expires,
    )
    accounts.set_attention(db, "")


def _save_password(db: Db, sealed: Sealed, found: Facts, row: Entry, stamp: Stamp) -> None:
    accounts.set_password(db, sealed, row, stamp)
    save_facts(db, found)


def _checked(request: LinkRequest) -> LinkRequest:
    """The input as it is sent. A pasted login URL gives the customer URI. Raises BadInput(field)."""
    page = entry.login_page(request.base_url)
    base_url, uri = request.base_url, request.customer_uri
    if page is not None:
        base_url, uri = page.base_url, uri or page.customer_uri
    ca_file = str(meant(request.ca_file).absolute()) if request.ca_file else ""
    if ca_file and not Path(ca_file).is_file():
        raise BadInput("ca_file", f"{request.ca_file} is not a file", cure="Name a PEM file of issuers to trust")
    return LinkRequest(
        base_url=entry.base_url(base_url),
        login=entry.login(request.login),
        password=entry.password(request.password),
        customer_uri=entry.customer_uri(uri),
        ca_file=ca_file,
        proxy=entry.proxy_url(request.proxy) if request.proxy else "",
    )
