"""`kmptui systemd`: the timer that does what is due while nobody looks."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kmptui.cli import diagnostics, exit_codes, output, units
from kmptui.cli.options import as_json, dry_run, yes
from kmptui.cli.session import engine
from kmptui.errors import KmptuiError, StateForbids

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from kmptui.services.workspace import Workspace

    F = TypeVar("F", bound=Callable[..., Any])

SYSTEM_FOLDER = Path("/etc/systemd/system")
LINGER = Path("/var/lib/systemd/linger")
PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
STATES = ("LoadState", "UnitFileState", "ActiveState", "Result", "NextElapseUSecRealtime", "LastTriggerUSec")


@click.group()
def systemd() -> None:
    """A systemd timer that runs `kmptui run-due` several times a day."""


def _scope(function: F) -> F:
    function = click.option(
        "--system/--user", "system", default=False, help="A unit of the system, or of this user (the default)."
    )(function)
    return click.option(
        "--folder", type=click.Path(path_type=Path), help="Put the units there instead of systemd's folder."
    )(function)


@systemd.command()
@_scope
@click.option("--time", default="01:10", show_default=True, metavar="HH:MM", help="The first run of the day.")
@click.option("--credential", type=click.Path(path_type=Path), metavar="FILE", help="Key file of the vault.")
@click.option(
    "--encrypted-credential", type=click.Path(path_type=Path), metavar="FILE",
    help="The same, encrypted by systemd-creds under the name kmptui.key.",
)  # fmt: skip
@click.option("--passphrase-file", type=click.Path(path_type=Path), metavar="FILE", help="Opens the vault instead.")
@dry_run
@engine()
async def install(
    workspace: Workspace,
    system: bool,
    folder: Path | None,
    time: str,
    credential: Path | None,
    encrypted_credential: Path | None,
    passphrase_file: Path | None,
    dry_run: bool,
) -> int:
    """Write the units and start the timer. Says what could not be done here, and how you do it."""
    wishes = _wishes(workspace, system, time, credential or encrypted_credential, passphrase_file)
    if encrypted_credential is not None:
        wishes = _with(wishes, encrypted=True)
    wishes = await _opening(workspace, wishes)
    made = units.rendered(wishes)
    if dry_run:
        for name, text in made.items():
            output.line(f"# {(folder or _folder(system)) / name}")
            for line in text.splitlines():
                output.line(line)
        return exit_codes.FINE
    where = _write(workspace, made, folder or _folder(system), system=system)
    left = _start(where, system=system, folder=folder)
    left += _warnings(workspace, system=system)
    return exit_codes.ATTENTION if left else exit_codes.FINE


@systemd.command()
@_scope
@as_json
@engine()
async def show(workspace: Workspace, system: bool, folder: Path | None, json: bool) -> int:
    """The units, their state, and a cron line for hosts without systemd."""
    where = folder or _folder(system)
    found = {name: (where / name).read_text(encoding="utf-8") for name in units.NAMES if (where / name).is_file()}
    state = {} if folder is not None else {name: _states(name, system=system) for name in (units.TIMER, units.SERVICE)}
    runs = await workspace.schedule.state()
    cron = units.cron_line(_wishes(workspace, system, "01:10", None, None))
    lingers = system or _lingers()
    if json:
        output.value(
            {
                "folder": str(where), "installed": sorted(found), "units": found, "state": state, "lingers": lingers,
                "last": runs.last, "next": runs.next, "missed": runs.missed, "words": runs.words, "cron": cron,
            }
        )  # fmt: skip
    else:
        told = [(name, " ".join(f"{key}={value}" for key, value in known.items())) for name, known in state.items()]
        output.fields([("Units", str(where) if found else f"none in {where}"), *told, ("Runs", runs.words)])
        for name, text in found.items():
            output.line()
            output.line(f"# {where / name}")
            for line in text.splitlines():
                output.line(line)
        output.line()
        output.line("Without systemd, a line for crontab -e:")
        output.line(f"  {cron}")
    if not lingers:
        _say_lingering()
    return exit_codes.FINE if found else exit_codes.ATTENTION


@systemd.command()
@_scope
@yes
@engine()
async def remove(workspace: Workspace, system: bool, folder: Path | None, yes: bool) -> int:  # noqa: ARG001 - as all
    """Stop the timer and take the units away; settings and choices stay."""
    where = folder or _folder(system)
    there = [where / name for name in units.NAMES if (where / name).exists()]
    if not there:
        diagnostics.note(f"There are no units of kmptui in {where}")
        return exit_codes.FINE
    if not diagnostics.confirmed(f"Stop the timer and remove {len(there)} units from {where}?", yes=yes):
        return exit_codes.FAILURE
    if folder is None:
        _systemctl(system, "disable", "--now", units.TIMER)
    try:
        for path in there:
            path.unlink()
    except OSError as error:
        raise KmptuiError(f"{where} cannot be changed", why=error.strerror or "", cure=_as_root(there)) from error
    if folder is None and (why := _systemctl(system, "daemon-reload")):
        diagnostics.warning(f"systemd was not told ({why}): {_spelled(system)} daemon-reload")
        return exit_codes.ATTENTION
    diagnostics.note(f"Removed from {where}")
    return exit_codes.FINE


def _wishes(
    workspace: Workspace, system: bool, time: str, credential: Path | None, passphrase_file: Path | None
) -> units.Wishes:
    named = os.environ.get("KMPTUI_PASSPHRASE_FILE")
    file = passphrase_file or (Path(named) if named else None)
    return units.Wishes(
        home=workspace.paths.home.absolute(),
        user=_user(),
        system=system,
        time=time,
        credential=credential.absolute() if credential is not None else None,
        passphrase_file=file.absolute() if file is not None else None,
    )


def _with(wishes: units.Wishes, **members: Any) -> units.Wishes:
    import dataclasses

    return dataclasses.replace(wishes, **members)


async def _opening(workspace: Workspace, wishes: units.Wishes) -> units.Wishes:
    """How the vault is opened with nobody there. Raises StateForbids where only a passphrase opens it."""
    slots = (await workspace.vault.status()).slots
    if wishes.credential is not None or not slots:
        return wishes
    if "key file" in slots:
        key = workspace.paths.key_file
        # systemd reads it as root and hands it to this unit alone; a user's own manager has nothing to add
        return _with(wishes, credential=key.absolute()) if wishes.system and key.exists() else wishes
    if wishes.passphrase_file is None:
        raise StateForbids(
            "Not installed",
            why="only a passphrase opens the vault, and a timer has nobody to ask",
            cure="Add a key file: kmptui vault add-slot key-file; or give --passphrase-file FILE",
        )
    return wishes


def _folder(system: bool) -> Path:
    if system:
        return SYSTEM_FOLDER
    config = os.environ.get("XDG_CONFIG_HOME")
    return (Path(config) if config else Path.home() / ".config") / "systemd" / "user"


def _write(workspace: Workspace, made: dict[str, str], folder: Path, *, system: bool) -> Path:
    """Write the units, in the home where their own folder is not ours; where they are now. Raises KmptuiError."""
    try:
        _put(made, folder)
    except PermissionError as error:
        if not system:
            raise KmptuiError(f"{folder} cannot be written", why=error.strerror or "") from error
        folder = workspace.paths.home / "units"
        _put(made, folder)
    except OSError as error:
        raise KmptuiError(f"{folder} cannot be written", why=error.strerror or "") from error
    for name in made:
        diagnostics.note(f"Written: {folder / name}")
    return folder


def _put(made: dict[str, str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        path = folder / name
        handle, beside = tempfile.mkstemp(dir=folder, prefix=f".{name}.")  # nobody can have laid a link in its place
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
            os.fchmod(handle, 0o644)
        Path(beside).replace(path)


def _start(where: Path, *, system: bool, folder: Path | None) -> list[str]:
    """Tell systemd of them and start the timer; what is left to a person, which is told."""
    if system and where != SYSTEM_FOLDER and folder is None:
        told = "They are not installed: that takes root"
        diagnostics.warning(f"{told}. {_as_root([where / name for name in units.NAMES])}")
        return [told]
    if folder is not None:
        diagnostics.note("systemd was not told: the folder is not its own")
        return []
    for words in (("daemon-reload",), ("enable", "--now", units.TIMER)):
        why = _systemctl(system, *words)
        if why:
            command = f"{_spelled(system)} daemon-reload && {_spelled(system)} enable --now {units.TIMER}"
            diagnostics.warning(f"The timer is not started: {why}. Do it yourself: {command}")
            return [why]
    diagnostics.note(f"The timer is started: {_spelled(system)} list-timers {units.TIMER}")
    return []


def _warnings(workspace: Workspace, *, system: bool) -> list[str]:
    """What would keep the timer from working, and is not kmptui's to change."""
    left = []
    if not system and not _lingers():
        _say_lingering()
        left.append("lingering")
    proxies = [name for name in PROXIES if os.environ.get(name)]
    if proxies and not workspace.settings.proxy:
        words = f"The timer does not see {proxies[0]} of your shell: kmptui settings set proxy URL"
        diagnostics.warning(words)
        left.append("proxy")
    if not workspace.settings.auto_renewal:
        diagnostics.note("Automatic renewal is off: kmptui auto-renewal enable")
    return left


def _user() -> str:
    """Whose process this is; never from the environment."""
    return pwd.getpwuid(os.geteuid()).pw_name


def _lingers() -> bool:
    """Whether this user's manager lives on without a session (loginctl(1), enable-linger)."""
    return (LINGER / _user()).exists()


def _say_lingering() -> None:
    user = _user()
    diagnostics.warning(f"The timers of {user} stop when {user} logs out: loginctl enable-linger {user}")


def _as_root(paths: list[Path]) -> str:
    files = " ".join(map(str, paths))
    return (
        f"As root: install -m 644 {files} {SYSTEM_FOLDER}/ && systemctl daemon-reload"
        f" && systemctl enable --now {units.TIMER}"
    )


def _spelled(system: bool) -> str:
    return "systemctl" if system else "systemctl --user"


def _systemctl(system: bool, *words: str) -> str:
    """Why it could not be done; "" when it was."""
    ran = _run(system, *words)
    if ran is None:
        return "there is no systemctl here"
    said = ran.stderr.strip().splitlines()
    return "" if ran.returncode == 0 else (said[0] if said else f"systemctl ended with {ran.returncode}")


def _states(name: str, *, system: bool) -> dict[str, str]:
    """What systemd says of a unit; nothing where it cannot be asked."""
    ran = _run(system, "show", name, f"--property={','.join(STATES)}")
    if ran is None or ran.returncode != 0:
        return {}
    pairs = (line.partition("=") for line in ran.stdout.splitlines())
    return {key: value for key, _, value in pairs if value and value != "[not set]"}


def _run(system: bool, *words: str) -> subprocess.CompletedProcess[str] | None:
    program = shutil.which("systemctl")
    if program is None:
        return None
    scope = [] if system else ["--user"]
    try:
        return subprocess.run(  # noqa: S603 - our own words, no shell
            [program, *scope, "--no-ask-password", *words],
            capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
