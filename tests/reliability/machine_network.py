"""The way to SCM: no name, no way out, a proxy that wants a password, old TLS, certificates that are not trusted."""

from __future__ import annotations

import socket
import sqlite3
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from kmptui.config import Paths
from kmptui.sandbox.server import SandboxConfig, running
from tests.reliability.commands import Conditions
from tests.reliability.machine_stage import Case, NotHere, Stage, Step, reads_only

DAY = timedelta(days=1)
Arrangement = Callable[[Stage, Path], AbstractContextManager[Conditions]]


@contextmanager
def moved(home: Path, base_url: str, *, proxy: str = "", ca_file: str = "") -> Iterator[None]:
    """The account's address is another one, while the block lasts."""

    def put(*values: str) -> tuple[str, ...]:
        with closing(sqlite3.connect(Paths(home).store)) as db:
            former: tuple[str, ...] = db.execute("SELECT base_url, proxy, ca_file FROM account").fetchone()
            db.execute("UPDATE account SET base_url = ?, proxy = ?, ca_file = ?", values)
            db.commit()
            return former

    former = put(base_url, proxy, ca_file)
    yield
    put(*former)


class Refusing(BaseHTTPRequestHandler):
    """A proxy that wants a password."""

    def _refuse(self) -> None:
        self.send_response(407)
        self.send_header("Proxy-Authenticate", 'Basic realm="\x1b[31mproxy"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_CONNECT = do_GET = do_POST = _refuse

    def log_message(self, *_: object) -> None:
        """Silent."""


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A local server behind TLS, or a proxy; its port."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that does not trust it breaks off."""

        def get_request(self) -> tuple[socket.socket, object]:
            taken, address = super().get_request()
            return (context.wrap_socket(taken, server_side=True) if context else taken), address

    server = Quiet(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def certificate(folder: Path, name: str, start: datetime, end: datetime) -> tuple[Path, Path]:
    """A CA certificate that is the server's as well: its file, and that of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
    file.write_bytes(made.public_bytes(Encoding.PEM))
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file, key_file


def context_of(file: Path, key_file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key_file)
    return context


def behind_tls(name: str, start: timedelta, end: timedelta, *, known: bool, old: bool = False) -> Arrangement:
    """A server with such a certificate; `known`: its issuer is trusted."""

    @contextmanager
    def arranged(_: Stage, home: Path) -> Iterator[Conditions]:
        now = datetime.now(UTC)
        file, key_file = certificate(home.parent, name, now + start, now + end)
        context = context_of(file, key_file)
        if old:
            try:
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = ssl.TLSVersion.TLSv1_1
                context.set_ciphers("ALL:@SECLEVEL=0")
            except (ValueError, ssl.SSLError) as error:
                raise NotHere("its OpenSSL knows no old TLS") from error
        with (
            serving(context) as port,
            moved(home, f"https://localhost:{port}/api", ca_file=str(file) if known else ""),
        ):
            yield Conditions()

    return arranged


@contextmanager
def no_name(_: Stage, home: Path) -> Iterator[Conditions]:
    with moved(home, "https://scm.invalid/api"):
        yield Conditions()


@contextmanager
def nobody_there(_: Stage, home: Path) -> Iterator[Conditions]:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with moved(home, f"http://127.0.0.1:{port}/api"):
        yield Conditions()


@contextmanager
def wanting_proxy(_: Stage, home: Path) -> Iterator[Conditions]:
    with serving() as port, moved(home, "https://scm.invalid/api", proxy=f"http://127.0.0.1:{port}"):
        yield Conditions()


@contextmanager
def proxy_of_the_environment(_: Stage, home: Path) -> Iterator[Conditions]:
    with serving() as port, moved(home, "https://scm.invalid/api"):
        yield Conditions(environment={"HTTPS_PROXY": f"http://127.0.0.1:{port}"})


@contextmanager
def six_only(_: Stage, home: Path) -> Iterator[Conditions]:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError as error:
            raise NotHere("it has no IPv6") from error
    with running(SandboxConfig(certificates=12, issue_after=0, host="::1")) as other, moved(home, other.base_url):
        yield Conditions()


FINE = frozenset({0})
CASES = (
    Case("DNS is gone", no_name, reads_only("scm.invalid"), ("Address",)),
    Case("nobody listens", nobody_there, reads_only("no connection"), ("Address",)),
    Case("the proxy wants a password", wanting_proxy, reads_only("proxy", "407", "login"), ("Proxy",)),
    Case("so does the environment's", proxy_of_the_environment, reads_only("proxy", "407", "login"), ("Proxy",)),
    Case(
        "the certificate has expired",
        behind_tls("localhost", -9 * DAY, -DAY, known=True),
        reads_only("not trusted", "expired"),
        ("TLS",),
    ),
    Case(
        "the certificate's issuer is unknown",
        behind_tls("localhost", -DAY, DAY, known=False),
        reads_only("not trusted", "--ca-file"),
        ("TLS",),
    ),
    Case(
        "the certificate is for another name",
        behind_tls("other.invalid", -DAY, DAY, known=True),
        reads_only("not trusted", "localhost"),
        ("TLS",),
    ),
    Case("TLS is old", behind_tls("localhost", -DAY, DAY, known=True, old=True), reads_only("TLS"), ("TLS",)),
    Case("only IPv6", six_only, (Step(("sync",), FINE), Step(("account", "test"), FINE)), (), whole=False),
)
