"""No secret is in any file, log, argument, environment, message or terminal, in any form in which it could be used."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

from kmptui.config import Paths
from kmptui.sandbox.server import SandboxConfig, SandboxServer, running
from kmptui.services.workspace import Workspace
from kmptui.store import keys
from kmptui.store.db import Db
from kmptui.store.sealed import Sealed
from tests.benchmarks.terminal import Terminal
from tests.cli.conftest import ORDER
from tests.e2e.keyboard import at_home, at_rest, paste, press, the_app
from tests.reliability.emulator import Watched
from tests.reliability.secrecy_ways import obstacles
from tests.reliability.tally import Tally

ROOT = Path(__file__).parents[2]
PASSPHRASE = "marked-passphrase-7f3a9c"
KEYSTORE = "marked-keystore-51d0e8"
EXPORT = "marked-export-c4b77a"
TYPED = "marked-typed-90b1e4"
"""What a person types into a form on the screen."""
TOUR = (
    "5", "enter", "y", "enter", "escape", "escape", "6", "e", "escape", "escape", "7", "enter", "escape", "1", "L",
    "escape", "h", "escape", "n",
)  # fmt: skip
"""Keys that lead everywhere, past the copying."""
LONG = 25
"""From this number on every command is run, and the program on a terminal too."""
EACH_ROUND = 100
"""A number so large makes one round more."""
CLIPBOARD = re.compile(rb"\x1b\]52;[^;]*;([A-Za-z0-9+/=]*)")
CRASHING = "tests.reliability.crashing"


async def prove(tally: Tally, number: int, folder: Path) -> None:
    rounds = max(1, number // EACH_ROUND)
    with running(SandboxConfig(certificates=20, issue_after=0)) as sandbox:
        for at in range(rounds):
            place = folder / str(at)
            place.mkdir()
            one = Round(tally, sandbox, place, f"{tally.seed}-{at}", thorough=number >= LONG)
            await asyncio.to_thread(one.run)
            shutil.rmtree(place)


class Round:
    """One home's life by the command line and on a terminal, and everything that it left or said."""

    def __init__(self, tally: Tally, sandbox: SandboxServer, folder: Path, name: str, *, thorough: bool) -> None:
        self._tally = tally
        self._sandbox = sandbox
        self._folder = folder
        self._thorough = thorough
        self._host = f"secret-{name}.example.com"
        self._paths = Paths(folder / "home")
        self._said: dict[str, bytes] = {}
        self._private = folder / "private"
        """Files with secrets that the test itself makes: what is fed in, and an export in clear that was asked for."""
        self._private.mkdir()
        (folder / "tmp").mkdir()

    def run(self) -> None:
        with watched_processes(self._said) as watched:
            self._live()
        self._tally.require(not watched.dumping, f"cores may be dumped by {watched.dumping}")
        self._tally.count("processes that dump no core", watched.looked_at)
        marks = {
            "SCM password": self._sandbox.password.encode(), "vault passphrase": PASSPHRASE.encode(),
            "keystore password": KEYSTORE.encode(), "export password": EXPORT.encode(),
            "password that is typed": TYPED.encode(),
        }  # fmt: skip
        marks |= asyncio.run(self._keys())
        self._tally.count("secrets, in all their forms", len(marks))
        for path in self._folder.rglob("*"):
            if path.is_file() and self._private not in path.parents:
                self._said[str(path.relative_to(self._folder))] = path.read_bytes()
        for where, data in self._said.items():
            for what, mark in marks.items():
                self._tally.require(mark not in data, f"{what} is in {where}")
        self._tally.count("places searched", len(self._said))
        self._tally.count("bytes searched", sum(map(len, self._said.values())))
        for path in (self._paths.home, *self._paths.home.rglob("*")):
            self._tally.require(not path.stat().st_mode & 0o077, f"{path.name} may be read by others")

    def _live(self) -> None:
        sandbox = self._sandbox
        password, passphrase = self._secret("scm", sandbox.password), self._secret("vault", PASSPHRASE)
        keystore, export = self._secret("keystore", KEYSTORE), self._secret("export", EXPORT)
        wrong = self._secret("wrong", "marked-but-wrong")
        self._run("vault", "init", "--passphrase-file", passphrase)
        link = ("account", "link", "--base-url", sandbox.base_url, "--login", sandbox.login, "--customer-uri",
                sandbox.customer_uri, "--password-file")  # fmt: skip
        self._run(*link, wrong, code=1)
        self._run("-v", *link, password)
        order = ("-v", "orders", "create", *ORDER, "--yes", "--wait", "30", "--common-name")
        self._run(*order, self._host, "--keystore-password-file", keystore)
        exporting = ("-v", "certificates", "export", self._host, "--format")
        self._run(*exporting, "pkcs12", "--out", self._folder / "out.p12", "--password-file", export)
        self._sandbox.control("faults", {"kind": "garbage-types", "match": "GET /ssl/v1", "count": 2})
        self._run("-v", "orders", "check", self._host, code=None)
        self._sandbox.control("faults", None, method="DELETE")
        self._run("vault", "rotate", "--yes")
        self._run("backup", self._folder / "home.backup")
        if not self._thorough:
            return
        self._run(*order, f"rsa.{self._host}", "--key", "rsa:2048", "--generate-password")
        self._run("orders", "import")
        for kind in ("jks", "pem"):
            self._run(*exporting, kind, "--out", self._folder / f"out.{kind}", "--password-file", export)
        self._run(*exporting, "pkcs12", "--out", self._folder / "default.p12")
        clear = self._private / "clear.pem"
        self._run(*exporting, "pem", "--out", clear, "--no-password", "--yes")
        self._run("find", clear)
        self._run("audit", "export", "--format", "json")
        self._run("doctor", code=None)
        self._on_a_terminal()
        self._crashing()
        self._pictured()
        obstacles(self._tally, self._paths.home, self._folder, self._environment())

    def _on_a_terminal(self) -> None:
        """Unlock by typing, look at everything, copy; what came to the terminal is searched, clipboard included."""
        with Terminal("kmptui", home=self._paths.home, columns=100, lines=30) as terminal:
            terminal.until("Repository")
            for key in TOUR:
                terminal.key(key, quiet=0.1)
            self._say("the terminal", terminal.output)
        self._tally.count("keys on a terminal", len(TOUR))

    def _say(self, where: str, data: bytes) -> None:
        """What came to a terminal, and what it would have put on the clipboard."""
        self._said[where] = data
        for at, found in enumerate(CLIPBOARD.findall(data)):
            self._said[f"{where}, clipboard {at}"] = base64.b64decode(found + b"=" * (-len(found) % 4))
            self._tally.count("clipboard sequences")

    def _crashing(self) -> None:
        """A fault of the program's own where secrets stand in its variables: by a command, and on the screen, where one
        ends a key's work and another one the whole program."""
        environment = self._environment()
        for words in (("orders", "create", *ORDER, "--yes", "--common-name", f"crash.{self._host}"),
                      ("account", "test"), ("vault", "rotate", "--yes")):  # fmt: skip
            command = [sys.executable, "-m", CRASHING, "work", "-v", *words]
            done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False, umask=0)
            self._said[f"{len(self._said)}: what a crash of {words[:2]} said"] = done.stdout + done.stderr
            crashed = b"the fault that was asked for" in done.stderr and done.returncode
            self._tally.require(crashed, f"{words}: no crash, {done}")
            self._tally.count("crashes of a command")
        for what in ("work", "screen"):
            with Watched(self._paths.home, module=CRASHING, arguments=(what,), **environment) as terminal:
                terminal.sees("Repository")
                terminal.press(*(("T", "escape") if what == "work" else ()), "p")
                try:
                    terminal.press(*TYPED, "\x19", "\x19")  # ctrl+y, into an account that is proved by it
                except RuntimeError:  # the fault has ended it
                    self._tally.count("programs ended by the fault")
                self._tally.require(b"fault of" in terminal.output, f"a crash, {what}: {terminal.screen()}")
                self._say(f"the terminal of a crash, {what}", terminal.output)
            self._tally.count("crashes on a terminal")

    def _pictured(self) -> None:
        """Forms with a secret typed into them, as a picture of the screen."""
        asyncio.run(self._pictures())

    async def _pictures(self) -> None:
        os.environ["KMPTUI_PASSPHRASE_FILE"] = str(self._private / "vault")
        try:
            async with the_app(self._paths) as (pilot, home):
                await at_home(pilot)
                for key in ("p", "v"):
                    await press(pilot, key)
                    await at_rest(pilot)
                    await paste(pilot, TYPED)
                    await at_rest(pilot)
                    self._said[f"a picture after {key}"] = pilot.app.export_screenshot().encode()
                    self._tally.count("pictures of the screen")
                    await press(pilot, "escape", "escape")
                    await home.vault.lock()
                    os.environ.pop("KMPTUI_PASSPHRASE_FILE", None)
        finally:
            os.environ.pop("KMPTUI_PASSPHRASE_FILE", None)

    def _secret(self, name: str, text: str) -> Path:
        path = self._private / name
        path.touch(0o600)
        path.write_text(text + "\n")
        return path

    def _run(self, *words: object, code: int | None = 0) -> None:
        """A command as a script runs it; what it says is kept."""
        command = [sys.executable, "-m", "kmptui", *map(str, words)]
        done = subprocess.run(command, cwd=ROOT, env=self._environment(), capture_output=True, check=False, umask=0)
        told = f"kmptui {' '.join(map(str, words[:3]))}"
        self._tally.require(code is None or done.returncode == code, f"{told}: exit {done.returncode}, {done.stderr!r}")
        self._said[f"{len(self._said)}: what {told} said"] = done.stdout + done.stderr
        self._tally.count("commands")

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "KMPTUI_HOME": str(self._paths.home),
            "TMPDIR": str(self._folder / "tmp"), "KMPTUI_PASSPHRASE_FILE": str(self._private / "vault"),
        }  # fmt: skip

    async def _keys(self) -> dict[str, bytes]:
        """Each private key of the home in the forms in which it could be written down."""
        os.environ["KMPTUI_PASSPHRASE_FILE"] = str(self._private / "vault")
        found: dict[str, bytes] = {}
        try:
            async with await Workspace.open(self._paths, face="cli") as home:
                engine = home.account._engine
                rows = await engine.store.read(lambda db: [row[0] for row in db.rows("SELECT spki FROM keys")])
                for spki in rows:
                    stored = await engine.store.read(keys.key, spki)
                    assert stored is not None
                    found |= forms(await engine.open_sealed(stored.sealed), spki[:6])
                for at, (identity, blob) in enumerate(await engine.store.read(_passwords)):
                    found[f"keystore password {at} of an order"] = await engine.open_sealed(
                        Sealed(identity, bytes(blob))
                    )
        finally:
            del os.environ["KMPTUI_PASSPHRASE_FILE"]
        self._tally.count("private keys", len(rows))
        return found


def forms(der: bytes, name: str) -> dict[str, bytes]:
    """A private key as DER, as lines of PEM, and each of its secret numbers as bytes, hex and decimal digits."""
    key = load_der_private_key(der, None)
    if isinstance(key, rsa.RSAPrivateKey):
        told = key.private_numbers()
        numbers = {"d": told.d, "p": told.p, "q": told.q}
    else:
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        numbers = {"d": key.private_numbers().private_value}
    found = {f"key {name} in DER": der, f"key {name} in PEM": base64.b64encode(der)[64:128]}
    for letter, value in numbers.items():
        size = (value.bit_length() + 7) // 8
        found[f"key {name}, {letter} as bytes"] = value.to_bytes(size, "big")
        found[f"key {name}, {letter} in hex"] = f"{value:x}".encode()
        found[f"key {name}, {letter} in HEX"] = f"{value:X}".encode()
        found[f"key {name}, {letter} in digits"] = str(value).encode()
    return found


def _passwords(db: Db) -> list[tuple[str, bytes]]:
    return [tuple(row) for row in db.rows("SELECT password_identity, password FROM orders WHERE password IS NOT NULL")]


@dataclass
class Watch:
    """Processes that were looked at, and those of the program that may dump a core."""

    looked_at: int = 0
    dumping: set[str] = field(default_factory=set)


@contextmanager
def watched_processes(said: dict[str, bytes]) -> Iterator[Watch]:
    """Arguments and environment of every process that comes of this one, looked at again and again while they live;
    those of the program that have opened a home must dump no core by then."""
    ended = threading.Event()
    watch = Watch()
    seen: dict[str, bool] = {}

    def look() -> None:
        while not ended.wait(0.01):
            ours = {str(os.getpid())}
            for folder in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
                try:
                    if (parent := re.search(rb"^PPid:\t(\d+)$", (folder / "status").read_bytes(), re.M)) is None:
                        continue
                    if parent[1].decode() not in ours:
                        continue
                    ours.add(folder.name)
                    for what in ("cmdline", "environ"):
                        data = (folder / what).read_bytes()
                        said[f"{what} {hash(data)}"] = data
                    if b"kmptui" in (folder / "cmdline").read_bytes() and any(
                        one.readlink().name == "kmptui.db" for one in (folder / "fd").iterdir()
                    ):
                        limit = re.search(rb"^Max core file size +(\S+) ", (folder / "limits").read_bytes(), re.M)
                        seen[folder.name] = limit is not None and limit[1] == b"0"
                except OSError:
                    continue
        watch.looked_at = len(seen)
        watch.dumping = {pid for pid, private in seen.items() if not private}

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        ended.set()
        thread.join()
