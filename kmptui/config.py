"""Where things live, and the settings file.

The home is one folder (`KMPTUI_HOME`, else the platform's data folder): settings, store, vault, logs. Settings are
TOML, decoded into frozen dataclasses; an unknown member is an error with a suggestion, never ignored.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import stat
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from kmptui.errors import SettingsError

LARGEST = 1024 * 1024
"""Bytes that are read of a small file of the home."""
DEFAULT_BASE_URL = "https://cert-manager.com/api"


@dataclass(frozen=True, slots=True)
class Paths:
    """Every path that kmptui uses, all under one home."""

    home: Path

    @property
    def settings(self) -> Path:
        return self.home / "settings.toml"

    @property
    def store(self) -> Path:
        return self.home / "kmptui.db"

    @property
    def key_file(self) -> Path:
        return self.home / "vault.key"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def log(self) -> Path:
        return self.logs / "kmptui.log"

    @property
    def exports(self) -> Path:
        return self.home / "exports"

    @property
    def holders(self) -> Path:
        """Folder of one locked file for each living process (claims and leases)."""
        return self.home / "holders"

    @classmethod
    def from_environment(cls) -> Paths:
        """`KMPTUI_HOME`, else the platform's folder for user data. Raises SettingsError where no home folder is known
        that it could lie in: HOME is not set, and the system has no such user."""
        try:
            if home := os.environ.get("KMPTUI_HOME"):
                return cls(Path(home).expanduser().absolute())
            from platformdirs import user_data_path

            return cls(user_data_path("kmptui", appauthor=False))
        except (RuntimeError, FileNotFoundError) as error:  # of expanduser, and of the working folder that was removed
            raise SettingsError(
                "There is no folder to keep things in", why=str(error), cure="Set KMPTUI_HOME to a folder of yours"
            ) from error


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user may set; each member's metadata holds its sentence of manual."""

    theme: str = field(default="dark", metadata={"doc": "Colours of the screen: dark or light."})
    read_only: bool = field(default=False, metadata={"doc": "Nothing is changed in SCM while this is true."})
    certificate_limit: int = field(
        default=0, metadata={"doc": "How many valid certificates the repository takes; 0 means no limit."}
    )
    concurrency: int = field(default=8, metadata={"doc": "Requests to SCM at the same time, 1 to 16."})
    proxy: str = field(default="", metadata={"doc": "URL of the HTTP proxy; empty: from the environment."})
    ca_file: str = field(default="", metadata={"doc": "PEM file of issuers to trust besides the system's."})
    lock_after_minutes: int = field(
        default=30, metadata={"doc": "Lock the vault after so many idle minutes, where it has a passphrase; 0: never."}
    )
    auto_renewal: bool = field(
        default=False, metadata={"doc": "Renew the chosen certificates by schedule, before they end."}
    )
    renew_days_before: int = field(
        default=30,
        metadata={"doc": "Days before its end on which a certificate is renewed; never above a third of its lifetime."},
    )
    renew_beside_scm: bool = field(
        default=False, metadata={"doc": "Renew also what SCM's own auto-renewal is switched on for."}
    )
    hook: str = field(
        default="", metadata={"doc": "Program to run when a renewal fails or a new certificate is here; see hook test."}
    )
    hook_seconds: int = field(default=30, metadata={"doc": "Seconds that the hook may take, 1 to 600."})
    mouse: bool = field(default=False, metadata={"doc": "Let the program use the mouse."})
    keys: dict[str, str] = field(default_factory=dict, metadata={"doc": "Other keys for commands: command id = key."})


LIMITS: dict[str, tuple[int, int]] = {
    "certificate_limit": (0, 1_000_000),
    "concurrency": (1, 16),
    "renew_days_before": (1, 365),
    "hook_seconds": (1, 600),
    "lock_after_minutes": (0, 1440),
}
CHOICES: dict[str, tuple[str, ...]] = {"theme": ("dark", "light")}


def load_settings(path: Path) -> Settings:
    """Read the settings file; one that is not there gives the defaults.

    Raises SettingsError naming the file, the member and the cure.
    """
    try:
        text = read_own(path).decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read", why=str(error), cure="Mend the file or remove it") from error
    try:
        members = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML", why=str(error), cure="Mend the line it names") from error
    return _settings_of(members, str(path))


def _settings_of(members: dict[str, object], where: str) -> Settings:
    known = {f.name: f for f in dataclasses.fields(Settings)}
    for name, value in members.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            cure = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(known)}"
            raise SettingsError(f"{where}: there is no setting named {name!r}", cure=cure)
        check_setting(name, value, where)
    return Settings(**members)  # type: ignore[arg-type]  # each member was checked above


def check_setting(name: str, value: object, where: str = "settings") -> None:
    """Raise SettingsError unless `value` is of the member's type and within its limits."""
    default = getattr(Settings(), name)
    kind = type(default)
    if type(value) is not kind:
        raise SettingsError(f"{where}: {name} takes {_words(kind)}, not {value!r}")
    if name in LIMITS and isinstance(value, int) and not LIMITS[name][0] <= value <= LIMITS[name][1]:
        low, high = LIMITS[name]
        raise SettingsError(f"{where}: {name} is {value}", cure=f"It takes {low:,} to {high:,}")
    if name in CHOICES and value not in CHOICES[name]:
        raise SettingsError(f"{where}: {name} is {value!r}", cure=f"It takes {' or '.join(CHOICES[name])}")
    if isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value):
        raise SettingsError(f"{where}: {name} holds bytes that are no UTF-8")
    if isinstance(value, dict) and not all(isinstance(v, str) for v in value.values()):
        raise SettingsError(f"{where}: {name} takes a table of texts")


def _words(kind: type) -> str:
    return {bool: "true or false", int: "a whole number", str: "a text", dict: "a table"}[kind]


def parse_setting(name: str, text: str) -> object:
    """A value of member `name` from what a person typed; raises SettingsError."""
    if name not in {f.name for f in dataclasses.fields(Settings)} or name == "keys":
        near = difflib.get_close_matches(name, [f.name for f in dataclasses.fields(Settings)], n=1)
        raise SettingsError(f"There is no setting named {name!r}", cure=f"Did you mean {near[0]}?" if near else "")
    kind = type(getattr(Settings(), name))
    value: object = text
    if kind is bool:
        if text.lower() not in {"true", "false", "yes", "no", "on", "off"}:
            raise SettingsError(f"{name} takes true or false, not {text!r}")
        value = text.lower() in {"true", "yes", "on"}
    elif kind is int:
        try:
            value = int(text)
        except ValueError:
            raise SettingsError(f"{name} takes a whole number, not {text!r}") from None
    check_setting(name, value)
    return value


def save_settings(path: Path, settings: Settings) -> None:
    """Write the members that differ from their defaults; atomic, 0600."""
    defaults = Settings()
    lines = []
    tables = []
    for member in dataclasses.fields(Settings):
        value = getattr(settings, member.name)
        if value == getattr(defaults, member.name):
            continue
        if isinstance(value, dict):
            tables.append(f"\n[{member.name}]")
            tables += [f"{_toml(key)} = {_toml(text)}" for key, text in value.items()]
        else:
            lines.append(f"{member.name} = {_toml(value)}")
    make_private_folder(path.parent)
    write_private(path, ("\n".join(lines + tables) + "\n").encode())


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in text) + '"'


def make_private_folder(path: Path) -> None:
    """Make the folder 0700, whatever the umask; raises SettingsError where it cannot be made or is another's."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = path.stat()
        if facts.st_uid != os.geteuid():
            raise SettingsError(
                f"{path} belongs to another user",
                cure="Run kmptui as that user, or set KMPTUI_HOME to a folder of yours",
            )
        if stat.S_IMODE(facts.st_mode) & 0o077:
            path.chmod(0o700)
    except FileExistsError as error:
        raise SettingsError(f"{path} is no folder", cure="Set KMPTUI_HOME to a folder of yours") from error
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be used", why=error.strerror or str(error), cure="Set KMPTUI_HOME to a folder of yours"
        ) from error


def meant(text: str) -> Path:
    """The path that a person means: `~` is the user's home, and `~x` only where there is such a user."""
    path = Path(text)
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def read_own(path: Path) -> bytes:
    """A small file of the home. A pipe would keep its reader waiting, and another's file could say anything: both are
    an OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise OSError("it is no regular file")
        if facts.st_uid not in {os.geteuid(), 0}:
            raise OSError("it belongs to another user")
        return os.read(handle, LARGEST)
    finally:
        os.close(handle)


def write_private(path: Path, data: bytes) -> None:
    """Replace a file in one step: a new file 0600 in the same folder, fsynced with its folder, then renamed."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.replace(name, path)  # noqa: PTH105 - Path.replace follows the same call, names read better here
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
