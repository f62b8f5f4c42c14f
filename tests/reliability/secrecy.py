"""No secret is in any file, log, argument, environment, message or terminal, in any form in which it could be used."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

from kmptui.config import Paths
from kmptui.sandbox.server import SandboxConfig, SandboxServer, running
from kmptui.services.workspace import Workspace
from kmptui.store import keys
from tests.benchmarks.terminal import Terminal
from tests.cli.conftest import ORDER
from tests.reliability.tally import Tally

ROOT = Path(__file__).parents[2]
PASSPHRASE = "marked-passphrase-7f3a9c"
KEYSTORE = "marked-keystore-51d0e8"
EXPORT = "marked-export-c4b77a"
TOUR = (
    "5", "enter", "y", "enter", "escape", "escape", "6", "e", "escape", "escape", "7", "enter", "escape", "1", "L",
    "escape", "h", "escape", "n",
)  # fmt: skip
"""Keys that lead everywhere, past the copying."""
LONG = 25
"""From this number on every command is run, and the program on a terminal too."""


async def prove(tally: Tally, number: int, folder: Path) -> None:
    rounds = max(1, number // LONG)
    with running(SandboxConfig(certificates=20, issue_after=0)) as sandbox:
        for at in range(rounds):
            place = folder / str(at)
            place.mkdir()
            one = Round(tally, sandbox, place, f"{tally.seed}-{at}", thorough=number >= LONG)
            await asyncio.to_thread(one.run)


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
        with watched_processes(self._said):
            self._live()
        marks = {
            "SCM password": self._sandbox.password.encode(), "vault passphrase": PASSPHRASE.encode(),
            "keystore password": KEYSTORE.encode(), "export password": EXPORT.encode(),
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

    def _on_a_terminal(self) -> None:
        """Unlock by typing, look at everything, copy; what came to the terminal is searched, clipboard included."""
        with Terminal("kmptui", home=self._paths.home, columns=100, lines=30) as terminal:
            terminal.until("Repository")
            for key in TOUR:
                terminal.key(key, quiet=0.1)
            self._said["the terminal"] = terminal.output

    def _secret(self, name: str, text: str) -> Path:
        path = self._private / name
        path.touch(0o600)
        path.write_text(text + "\n")
        return path

    def _run(self, *words: object, code: int | None = 0) -> None:
        """A command as a script runs it; what it says is kept."""
        environment = {
            "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "KMPTUI_HOME": str(self._paths.home),
            "TMPDIR": str(self._folder / "tmp"), "KMPTUI_PASSPHRASE_FILE": str(self._private / "vault"),
        }  # fmt: skip
        command = [sys.executable, "-m", "kmptui", *map(str, words)]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
        told = f"kmptui {' '.join(map(str, words[:3]))}"
        self._tally.require(code is None or done.returncode == code, f"{told}: exit {done.returncode}, {done.stderr!r}")
        self._said[f"{len(self._said)}: what {told} said"] = done.stdout + done.stderr
        self._tally.count("commands")

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


@contextmanager
def watched_processes(said: dict[str, bytes]) -> Iterator[None]:
    """Arguments and environment of every process that this one starts, looked at again and again while they live."""
    ended = threading.Event()
    own = str(os.getpid()).encode()

    def watch() -> None:
        while not ended.wait(0.01):
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    if re.search(rb"^PPid:\t" + own + rb"$", (folder / "status").read_bytes(), re.M):
                        for what in ("cmdline", "environ"):
                            data = (folder / what).read_bytes()
                            said[f"{what} {hash(data)}"] = data
                except OSError:
                    continue

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
