"""The doctor: settings, home, store, vault, address, proxy, TLS, credentials, role and clock, each with its cure.

In this order; what rests on something bad is skipped. Never raises a KmptuiError: it reports them.
"""

from __future__ import annotations

import os
import stat
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kmptui.config import Paths, load_settings
from kmptui.domain import entry
from kmptui.errors import (
    AccountRefused,
    BadInput,
    FromScm,
    HostUnknown,
    KmptuiError,
    ProxyFailed,
    SettingsError,
    StoreFailed,
    TlsUntrusted,
    Unreachable,
    VaultLocked,
    WrongKind,
)
from kmptui.services import health
from kmptui.services.account import told
from kmptui.services.health import Check
from kmptui.services.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from kmptui.domain.clock import Clock
    from kmptui.scm.client import ScmClient

REMOTE = ("Address", "Proxy", "TLS", "Credentials", "Role", "Password", "Clock")


async def examine(paths: Paths, *, clock: Clock | None = None, transport: Any = None) -> tuple[Check, ...]:
    """All checks, in order."""
    checks = [_settings(paths)]
    if checks[-1].state == "bad":
        return (*checks, *_skipped("Home", "Permissions", "Store", "Vault", *REMOTE))
    # looked at before the home is opened, which mends the modes of the home and the store
    permissions = _permissions(paths)
    try:
        workspace = await Workspace.open(paths, face="cli", clock=clock, transport=transport)
    except SettingsError as error:
        return (*checks, _bad("Home", error), *_skipped("Permissions", "Store", "Vault", *REMOTE))
    except KmptuiError as error:
        return (
            *checks,
            Check("Home", "ok", str(paths.home)),
            permissions,
            _bad("Store", error),
            *_skipped("Vault", *REMOTE),
        )
    async with workspace:
        checks += [Check("Home", "ok", str(paths.home)), permissions, await _store(workspace)]
        if checks[-1].state == "bad":
            return (*checks, *_skipped("Vault", *REMOTE))
        checks += await _vault(workspace)
        checks += await _remote(workspace, skip=checks[-1].state == "bad")
    return tuple(checks)


def _settings(paths: Paths) -> Check:
    try:
        load_settings(paths.settings)
    except KmptuiError as error:
        return _bad("Settings", error)
    told = str(paths.settings) if paths.settings.exists() else "defaults; there is no settings file"
    return Check("Settings", "ok", told)


def _permissions(paths: Paths) -> Check:
    """Files that others may read, or that are not ours."""
    try:
        wrong = [path for path in (paths.home, *sorted(paths.home.rglob("*"))) if _open_to_others(path)]
    except OSError as error:
        why = error.strerror or str(error)
        return Check("Permissions", "bad", f"{error.filename} cannot be looked at: {why}", "Mend its owner and mode")
    if not wrong:
        return Check("Permissions", "ok", "Only you can read the home")
    names = ", ".join(str(path) for path in wrong[:5]) + (f" and {len(wrong) - 5:,} more" if len(wrong) > 5 else "")
    return Check("Permissions", "bad", f"Others may read {names}", f"chmod -R go= {paths.home}")


def _open_to_others(path: Path) -> bool:
    try:
        facts = path.lstat()
    except FileNotFoundError:  # another process has just ended, or there is no home yet
        return False
    if stat.S_ISLNK(facts.st_mode):
        return False
    return bool(facts.st_mode & 0o077) or facts.st_uid != os.geteuid()


async def _store(workspace: Workspace) -> Check:
    try:
        problems = await workspace.check_store()
        if problems:
            return Check("Store", "bad", f"It is damaged: {problems[0]}", "Restore a backup")
        verdict = await workspace.record.verify()
    except KmptuiError as error:
        return _bad("Store", error)
    if not verdict.intact:
        return Check("Store", "bad", f"The audit is not intact: {verdict.problem}", "kmptui audit verify tells more")
    return Check("Store", "ok", f"Sound; the audit's {verdict.rows:,} rows are intact")


async def _vault(workspace: Workspace) -> list[Check]:
    status = await workspace.vault.status()
    if status.state == "none":
        return [Check("Vault", "note", "There is none yet", "The first link makes it")]
    try:
        await workspace.vault.unlock()
    except KmptuiError as error:
        if isinstance(error, VaultLocked) and not (await workspace.vault.status()).problem:
            return [Check("Vault", "note", f"Locked ({', '.join(status.slots)})", error.cure)]
        return [_bad("Vault", error)]
    return [Check("Vault", "ok", f"Opens by {' or '.join(status.slots)}")]


async def _remote(workspace: Workspace, *, skip: bool) -> list[Check]:
    view = await workspace.account.view()
    if view is None:
        return [Check("Account", "note", "None is linked", "kmptui account link"), *_skipped(*REMOTE)]
    host = urllib.parse.urlsplit(view.base_url).hostname or ""
    if skip:
        return [Check("Account", "ok", f"{view.login} of {view.customer_uri}"), *_skipped(*REMOTE)]
    if view.attention:
        # what is refused is not sent again by a mere look, so nothing is known of the way either
        cure = "kmptui account password, or kmptui account test"
        refused = Check("Credentials", "bad", view.attention, cure)
        return [*_skipped(*REMOTE[:3]), refused, *_skipped(*REMOTE[4:])]
    proxy = view.proxy or workspace.settings.proxy or _proxy_from_environment()
    way = _Way(host, "" if entry.is_loopback(host) else _proxy_host(proxy), view.base_url.startswith("https://"))
    client: ScmClient | None = None
    try:
        client = await workspace.asking()
        await workspace.own(client.prove())
    except VaultLocked as error:
        return [
            *_skipped(*REMOTE[:3]),
            Check("Credentials", "skipped", "The vault is locked", error.cure),
            *_skipped(*REMOTE[4:]),
        ]
    except KmptuiError as error:
        return _blamed(error, way, client)
    checks = [*way.checks(), Check("Credentials", "ok", f"SCM takes {view.login}")]
    try:
        facts = await workspace.own(told(client))
        today = workspace.clock.now().date()
        checks += [health.role(facts, view.login), health.password(facts, today), health.clock(client)]
    except KmptuiError as error:
        checks.append(_bad("Role", error))
    return checks


@dataclass(frozen=True, slots=True)
class _Way:
    """How SCM is reached."""

    host: str
    proxy: str
    secure: bool

    def checks(self) -> list[Check]:
        """Each step of the way when it is well, in the order of REMOTE."""
        return [
            Check("Address", "ok", f"{self.host} answers"),
            Check("Proxy", "ok", self.proxy or "None"),
            Check("TLS", "ok", "Trusted" if self.secure else "Not used: the server is on this machine"),
        ]


_BLAME: tuple[tuple[type[KmptuiError], str], ...] = (
    (HostUnknown, "Address"),
    (ProxyFailed, "Proxy"),
    (TlsUntrusted, "TLS"),
    (Unreachable, "Address"),
    (AccountRefused, "Credentials"),
    (WrongKind, "Address"),
    (StoreFailed, "Credentials"),
)
_FIELDS = {"ca_file": "TLS", "proxy": "Proxy"}


def _blamed(error: KmptuiError, way: _Way, client: ScmClient | None) -> list[Check]:
    """The check that the error belongs to is bad. What came before it on the way is well, where an answer proves it;
    what rests on it is skipped, but for the clock, which any answer tells."""
    name = next((name for kind, name in _BLAME if isinstance(error, kind)), "Address")
    if isinstance(error, BadInput):
        name = _FIELDS.get(error.field, name)
    at = REMOTE.index(name)
    answered = client is not None and client.is_sandbox is not None
    before = way.checks()[:at] if answered or isinstance(error, TlsUntrusted) else _skipped(*REMOTE[:at])
    after = _skipped(*REMOTE[at + 1 :])
    if client is not None and client.clock_skew is not None:
        after[-1] = health.clock(client)
    return [*before, _bad(name, error), *after]


def _bad(name: str, error: KmptuiError) -> Check:
    said = ""
    if isinstance(error, FromScm) and error.text:
        said = f' (SCM says {error.code if error.code is not None else error.status}: "{error.text}")'
    return Check(name, "bad", error.what + (f": {error.why}" if error.why else "") + said, error.cure)


def _proxy_from_environment() -> str:
    names = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def _proxy_host(proxy: str) -> str:
    """Never its login."""
    return urllib.parse.urlsplit(proxy).hostname or "" if proxy else ""


def _skipped(*names: str) -> list[Check]:
    return [Check(name, "skipped", "Not looked at") for name in names]
