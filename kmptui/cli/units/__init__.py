"""The units that systemd is given: templates in this folder, filled in for one home."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from kmptui.errors import BadInput

SERVICE, TIMER, FAILED = "kmptui.service", "kmptui.timer", "kmptui-failed@.service"
NAMES = (SERVICE, TIMER, FAILED)
EVERY = 4
"""Hours between two runs."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the units are made for. `credential` is a file that holds the vault's key (`encrypted`: by systemd-creds),
    `passphrase_file` one that holds its passphrase."""

    home: Path
    user: str
    system: bool = False
    time: str = "01:10"
    credential: Path | None = None
    encrypted: bool = False
    passphrase_file: Path | None = None


def rendered(wishes: Wishes) -> dict[str, str]:
    """The units by file name. Raises BadInput("time")."""
    values = {
        "SCOPE": "" if wishes.system else "--user ",
        "COMMAND": " ".join(_quoted(word).replace("$", "$$") for word in command()),
        "HOME": _quoted(f"KMPTUI_HOME={wishes.home}"),
        "SECRET": _secret(wishes),
        "HARDENING": _filled("hardening", _of_system(wishes)).rstrip() if wishes.system else "",
        "CALENDAR": f"*-*-* {','.join(f'{hour:02}' for hour in hours(wishes.time))}:{minute(wishes.time):02}:00",
    }
    return {name: _tidy(_filled(name, values)) for name in NAMES}


def cron_line(wishes: Wishes) -> str:
    """The line for a crontab on hosts without systemd. Raises BadInput("time")."""
    words = [f"KMPTUI_HOME={_in_shell(str(wishes.home))}"]
    if wishes.passphrase_file is not None:
        words.append(f"KMPTUI_PASSPHRASE_FILE={_in_shell(str(wishes.passphrase_file))}")
    words += [_in_shell(word) for word in command()]
    told = ",".join(str(hour) for hour in hours(wishes.time))
    return f"{minute(wishes.time)} {told} * * * {' '.join(words)} run-due".replace("%", r"\%")


def command() -> tuple[str, ...]:
    """How this program is started, by an absolute path: a unit and cron have another PATH."""
    started = Path(sys.argv[0])
    if started.name == "kmptui" and started.is_file():
        return (str(started.absolute()),)
    return (sys.executable, "-m", "kmptui")


def hours(time: str) -> tuple[int, ...]:
    """The hours of the runs, every four from the given one on. Raises BadInput("time")."""
    first, _ = _parsed(time)
    return tuple(sorted((first + EVERY * step) % 24 for step in range(24 // EVERY)))


def minute(time: str) -> int:
    """Raises BadInput("time")."""
    return _parsed(time)[1]


def _parsed(time: str) -> tuple[int, int]:
    found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", time.strip(), re.ASCII)
    if found is None:
        raise BadInput("time", f"{time[:20]!r} is no time of day", cure="Write it like 01:10")
    return int(found[1]), int(found[2])


def _secret(wishes: Wishes) -> str:
    if wishes.credential is not None:
        kind = "LoadCredentialEncrypted" if wishes.encrypted else "LoadCredential"
        return f"{kind}=kmptui.key:{_escaped(str(wishes.credential))}"
    if wishes.passphrase_file is not None:
        return "Environment=" + _quoted(f"KMPTUI_PASSPHRASE_FILE={wishes.passphrase_file}")
    return ""


def _of_system(wishes: Wishes) -> dict[str, str]:
    return {"USER": wishes.user, "WRITABLE": _quoted(str(wishes.home))}


def _filled(name: str, values: dict[str, str]) -> str:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return re.sub(r"@([A-Z]+)@", lambda found: values.get(found[1], found[0]), text)


def _tidy(text: str) -> str:
    return re.sub(r"\n{2,}(?!\[)", "\n", text).rstrip() + "\n"


def _escaped(text: str) -> str:
    """As systemd.unit(5) has it: % begins a specifier."""
    return text.replace("%", "%%")


def _quoted(text: str) -> str:
    escaped = _escaped(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"' if re.search(r"[^A-Za-z0-9_./=:@%+,-]", text) else escaped


def _in_shell(text: str) -> str:
    import shlex

    return shlex.quote(text)
