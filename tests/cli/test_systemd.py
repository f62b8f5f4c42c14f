"""Units for systemd: they pass its own check, say where the home is, and what could not be done is said."""

from __future__ import annotations

import getpass
import shutil
import subprocess
from pathlib import Path

import pytest

from kmptui.cli import systemd, units
from kmptui.errors import BadInput
from tests.cli.conftest import Cli

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")


@pytest.fixture
def own(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A vault with a key file, and a user whose systemd folder and lingering are the test's."""
    cli("vault", "init", "--key-file")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(systemd, "LINGER", tmp_path / "linger")
    (tmp_path / "linger").mkdir()
    (tmp_path / "linger" / getpass.getuser()).touch()
    return tmp_path / "config" / "systemd" / "user"


def verified(folder: Path, name: str) -> str:
    """What systemd-analyze has against a unit."""
    ran = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(folder / name)],
        capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin", "SYSTEMD_UNIT_PATH": f"{folder}:"},
    )  # fmt: skip
    return ran.stderr + ("" if ran.returncode == 0 else f"ended with {ran.returncode}")


@needs_systemd
@pytest.mark.parametrize("scope", ["--user", "--system"])
def test_the_units_pass_systemds_own_check(cli: Cli, own: Path, tmp_path: Path, scope: str) -> None:
    home = tmp_path / "a home, 100% $mine"
    strange = Cli(home)
    strange("vault", "init", "--key-file")
    folder = tmp_path / "units"
    strange("systemd", "install", scope, "--folder", folder, "--time", "23:40")
    for name in units.NAMES:
        assert verified(folder, name) == ""
    service = (folder / units.SERVICE).read_text()
    told = str(home).replace("%", "%%")
    assert f'Environment="KMPTUI_HOME={told}"' in service
    assert "SuccessExitStatus=3 4 143" in service
    assert "@" not in service.replace("kmptui-failed@%n.service", "")
    start = next(line for line in service.splitlines() if line.startswith("ExecStart="))
    assert start.startswith("ExecStart=/")
    assert "run-due" in start
    assert ("ProtectSystem=strict" in service) == (scope == "--system")
    assert ("LoadCredential=kmptui.key:" in service) == (scope == "--system")
    timer = (folder / units.TIMER).read_text()
    assert "OnCalendar=*-*-* 03,07,11,15,19,23:40:00" in timer
    assert "Persistent=true" in timer
    calendar = timer.split("OnCalendar=")[1].splitlines()[0]
    subprocess.run(["systemd-analyze", "calendar", calendar], check=True, capture_output=True)


def test_install_show_remove(cli: Cli, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where systemd cannot be reached the files are written, and what is left is said with its command."""
    monkeypatch.setattr(systemd, "_run", lambda *_: subprocess.CompletedProcess([], 1, "", "no bus here\n"))
    run = cli("systemd", "install", code=3)
    assert sorted(path.name for path in own.iterdir()) == sorted(units.NAMES)
    assert "no bus here" in run.err
    assert "systemctl --user enable --now kmptui.timer" in run.err
    shown = cli("systemd", "show")
    assert "kmptui.service" in shown.out
    assert "no run was ever seen" not in shown.out
    told = cli.json("systemd", "show")
    assert told["installed"] == sorted(units.NAMES)
    assert told["lingers"]
    assert told["cron"].startswith(f"10 1,5,9,13,17,21 * * * KMPTUI_HOME={cli.home} /")
    assert cli("systemd", "remove", code=2).err
    assert cli("systemd", "remove", "--yes", code=3).err.startswith("warning: systemd was not told")
    assert list(own.iterdir()) == []
    assert "no units" in cli("systemd", "remove", "--yes").err
    cli("systemd", "show", code=3)


def test_what_the_timer_would_miss(cli: Cli, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """User timers end with the session; a shell's proxy is not the timer's; renewal may be off."""
    monkeypatch.setattr(systemd, "_run", lambda *_: subprocess.CompletedProcess([], 0, "", ""))
    assert "Automatic renewal is off" in cli("systemd", "install").err
    (tmp_path / "linger" / getpass.getuser()).unlink()
    assert f"loginctl enable-linger {getpass.getuser()}" in cli("systemd", "install", code=3).err
    (tmp_path / "linger" / getpass.getuser()).touch()
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    assert "kmptui settings set proxy" in cli("systemd", "install", code=3).err
    cli("settings", "set", "proxy", "http://proxy.example.com:3128")
    cli("systemd", "install")


def test_a_passphrase_alone_opens_nothing_at_night(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "pass"
    file.touch(0o600)
    file.write_text("a long and quiet passphrase\n")
    cli("vault", "init", "--passphrase-file", file)
    refused = cli("systemd", "install", "--folder", tmp_path / "units", code=1)
    assert "kmptui vault add-slot key-file" in refused.err
    assert not (tmp_path / "units").exists()
    cli("systemd", "install", "--folder", tmp_path / "units", "--passphrase-file", file, code={0, 3})
    assert f"Environment=KMPTUI_PASSPHRASE_FILE={file}" in (tmp_path / "units" / units.SERVICE).read_text()
    shown = cli("systemd", "install", "--dry-run", "--encrypted-credential", "/etc/credstore/kmptui.key")
    assert "LoadCredentialEncrypted=kmptui.key:/etc/credstore/kmptui.key" in shown.out


def test_a_system_unit_without_root(cli: Cli, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They lie in the home, with the command that root needs."""

    def refuse(made: dict[str, str], folder: Path) -> None:
        if folder == systemd.SYSTEM_FOLDER:
            raise PermissionError(13, "Permission denied")
        put(made, folder)

    put = systemd._put
    monkeypatch.setattr(systemd, "_put", refuse)
    run = cli("systemd", "install", "--system", code=3)
    assert sorted(path.name for path in (cli.home / "units").iterdir()) == sorted(units.NAMES)
    assert f"install -m 644 {cli.home / 'units' / units.SERVICE}" in run.err
    assert f"User={getpass.getuser()}" in (cli.home / "units" / units.SERVICE).read_text()


def test_times() -> None:
    assert units.hours("01:10") == (1, 5, 9, 13, 17, 21)
    assert (units.hours("0:00"), units.minute("22:05")) == ((0, 4, 8, 12, 16, 20), 5)
    for wrong in ("24:00", "1:60", "noon", "", "1", "01:10:00", "٠١:١٠"):
        with pytest.raises(BadInput):
            units.hours(wrong)
