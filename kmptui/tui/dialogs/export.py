"""Writing a certificate, with its key or without, to a file; and what came of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import App, ComposeResult
from textual.widgets import Static

from kmptui.domain import entry
from kmptui.domain.certificate import CertificateRow
from kmptui.errors import BadInput
from kmptui.services.exporting import PARTS
from kmptui.services.repository import Exported, ExportRequest, Repository
from kmptui.tui import present
from kmptui.tui.dialogs.exported import ExportedDialog
from kmptui.tui.dialogs.files import named, spelled
from kmptui.tui.dialogs.passphrase import agreed
from kmptui.tui.widgets.dialog import Dialog
from kmptui.tui.widgets.fields import CheckField, Field, Option, RadioField, TextField

if TYPE_CHECKING:
    from kmptui.services.workspace import Workspace

FORMATS = {"pkcs12": "PKCS#12", "jks": "JKS", "pem": "PEM", "der": "DER"}
WHAT = {"": "all", "key": "key", "leaf": "certificate", "chain": "chain", "full": "no key"}
SEALED, TYPED, MADE, CLEAR = "sealed", "typed", "made", "none"
NEEDS_KEY = frozenset({"pkcs12", "jks"})


class ExportDialog(Dialog[Exported]):
    """Ends with what was written. `sealed`: the order has a keystore password of its own."""

    ACT = "Write the file"
    DEFAULT_CSS = """
    ExportDialog .warning { height: 2; color: $text-warning; }
    ExportDialog .fact { color: $text-muted; }
    ExportDialog #field-out > .field-note { width: auto; max-width: 17; }
    """

    def __init__(self, certificate: CertificateRow, repository: Repository, *, sealed: bool, keystore: str) -> None:
        super().__init__()
        self._certificate = certificate
        self._repository = repository
        self._sealed = sealed
        self._format = keystore if certificate.has_key and keystore in FORMATS else "pkcs12"
        if not certificate.has_key:
            self._format = "pem"
        self._suggested = ""
        self._replace: Path | None = None

    def title_text(self) -> str:
        return f"Export {self._certificate.number} {self._certificate.common_name}"

    def body(self) -> ComposeResult:
        has_key = self._certificate.has_key
        if not has_key:
            yield Static(
                present.text("The private key is not here: certificates alone can be written."), classes="fact"
            )
        off = "" if has_key else "the key is not here"
        formats = [Option(f, words, off if f in NEEDS_KEY else "") for f, words in FORMATS.items()]
        formats = [option for option in formats if not option.off]
        yield RadioField("format", "Format", formats, self._format)
        yield RadioField("only", "What", [Option("", WHAT[""])], "")
        yield RadioField("password", "Password", self._passwords(), SEALED if self._sealed else TYPED)
        yield TextField("typed", "  type it", password=True, hint="8 to 64 characters", check=entry.keystore_password)
        yield TextField("again", "  once more", password=True)
        yield TextField("alias", "Alias", hint="empty: the common name")
        yield CheckField("compatible", "Readers", "old ones too (3DES, SHA-1: weak)")
        yield TextField("out", "File")
        yield Static(classes="warning")

    def on_mount(self) -> None:
        self._adapt()
        super().on_mount()

    def _passwords(self) -> list[Option[str]]:
        words = {SEALED: "order's own", TYPED: "typed now", MADE: "made for me", CLEAR: "none"}
        offered = [SEALED] if self._sealed else []
        offered += [TYPED, MADE]
        if self._value("format", "pkcs12") not in NEEDS_KEY:
            offered.append(CLEAR)
        return [Option(kind, words[kind]) for kind in offered]

    def _value(self, name: str, default: str) -> str:
        return next((str(field.value) for field in self.query(RadioField) if field.name == name), default)

    def _radio(self, name: str) -> RadioField[str]:
        return next(field for field in self.query(RadioField) if field.name == name)

    def _text(self, name: str) -> TextField:
        return next(field for field in self.query(TextField) if field.name == name)

    @on(Field.Edited)
    def _edited(self, event: Field.Edited) -> None:
        event.stop()
        if event.field.name in {"format", "only", "password", "compatible"}:
            self._adapt()
        if event.field.name == "out":
            self._replace = None
            self.draw_keys()

    def _adapt(self) -> None:
        """Offer what goes together, show the fields that count, and say what is weak."""
        kind, has_key = self._value("format", "pkcs12"), self._certificate.has_key
        parts = [part for part in PARTS[kind] if has_key or part not in {"key", "full"}]
        self._offer("only", [Option(part, WHAT[part]) for part in parts])
        self._offer("password", self._passwords())
        secret = self._holds_key()
        typed = secret and self._value("password", "") == TYPED
        tick = self.query_one(CheckField)
        for field in self.fields():
            field.display = {
                "only": len(parts) > 1,
                "password": secret,
                "typed": typed,
                "again": typed,
                "alias": kind in NEEDS_KEY,
                "compatible": kind == "pkcs12",
            }.get(field.name, True)
        self.query_one(".warning", Static).update(present.text(self._warning(kind, weak=tick.value)))
        out = self._text("out")
        if out.value == self._suggested:
            path = self._repository.suggested_path(self._certificate.common_name, kind, self._value("only", ""))
            self._suggested = out.value = spelled(path)

    def _offer(self, name: str, options: list[Option[str]]) -> None:
        field = self._radio(name)
        field.options = tuple(options)
        if field.value not in {option.value for option in options}:
            field.value = options[0].value
        field.control.refresh(layout=True)

    def _holds_key(self) -> bool:
        """Whether the file will hold the private key."""
        kind, only = self._value("format", "pkcs12"), self._value("only", "")
        return self._certificate.has_key and (kind in NEEDS_KEY or (kind == "pem" and only in {"", "key"}))

    def _warning(self, kind: str, *, weak: bool) -> str:
        if self._holds_key() and self._value("password", "") == CLEAR:
            return "! The key will stand in the file in clear: whoever reads the file has it. The audit keeps that."
        if kind == "jks":
            return "! JKS protects a key weakly; take PKCS#12 unless an old Java needs it."
        if kind == "pkcs12" and weak:
            return "! 3DES and SHA-1 protect a key weakly; only for readers that know nothing better."
        return ""

    def request(self) -> ExportRequest:
        """What the fields say. Raises BadInput."""
        kind, how, secret = self._value("format", "pkcs12"), self._value("password", ""), self._holds_key()
        if not (out := self._text("out").value.strip()):
            raise BadInput("out", "Name a file", why="name a file")
        password = None
        if secret and how == TYPED:
            try:
                password = entry.keystore_password(self._text("typed").value)
            except BadInput as error:
                raise BadInput("typed", error.what, why=error.why or error.what) from None
            agreed("again", password, self._text("again").value)
        path = named(out)
        return ExportRequest(
            self._certificate.id,
            kind,
            self._value("only", ""),
            path,
            password,
            generate=secret and how == MADE,
            clear=secret and how == CLEAR,
            alias=self._text("alias").value.strip() if kind in NEEDS_KEY else "",
            replace=self._replace == path,
            compatible=kind == "pkcs12" and self.query_one(CheckField).value,
        )

    async def act(self) -> None:
        request = self.request()
        if request.out is not None and not request.replace and request.out.exists():
            self._replace = request.out
            raise BadInput("out", "Exists already", cure="ctrl+y again replaces it")
        self.dismiss(await self._repository.export(replace(request)))


async def export_certificate(app: App[Any], workspace: Workspace, certificate_id: int) -> None:
    """Ask how and where, write it, and show what came of it."""
    row = (await workspace.lists.certificate(certificate_id)).row
    sealed, keystore = False, "pkcs12"
    if row.order_id is not None:
        order = await workspace.lists.order(row.order_id)
        sealed, keystore = order.has_keystore_password, order.keystore
    dialog = ExportDialog(row, workspace.repository, sealed=sealed, keystore=keystore)
    done = await app.push_screen_wait(dialog)
    if done is not None:
        await app.push_screen_wait(ExportedDialog(done))
