"""The link form: what SCM needs to know us, what we need of SCM, and a way to look around first."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from kmptui.config import DEFAULT_BASE_URL
from kmptui.domain import entry
from kmptui.errors import BadInput, KmptuiError
from kmptui.services.account import Account, LinkRequest, LinkResult
from kmptui.services.vault import VaultService
from kmptui.tui import present, workers
from kmptui.tui.commands.command import Command, Commanded, Mode
from kmptui.tui.messages import StartDemo
from kmptui.tui.widgets.fields import Field, Option, RadioField, TextField, leave_text

KEY_FILE, PASSPHRASE = "key file", "passphrase"
ADDRESSES = ("base_url", "customer_uri")
"""Fields into which the address of SCM's login page may be put."""
NEEDS = (
    "Needs an SCM administrator for the API with the MRAO role, validated domains and organizations, and port 443 "
    "open to the host above. No account yet? Your SCM master administrator makes one: Settings, Admins."
)
MEANS = {
    KEY_FILE: "A key file opens the vault without asking: root, and whoever reads the home folder, can read its keys.",
    PASSPHRASE: "Asked for at each start, and by timers. It cannot be recovered: without it the keys here are lost.",
}


class Link(Command["LinkForm"]):
    id = "account.link"
    words = "Link the account: one call proves it, then it is kept"
    label = "Link"
    keys = "ctrl+y"
    place = 1

    def why_not(self, where: LinkForm) -> str:
        return "SCM is being asked" if where.acting else ""

    def line(self, where: LinkForm) -> str:
        base, login, uri = (present.line(where.text(name)) for name in ("base_url", "login", "customer_uri"))
        return f"kmptui account link --base-url {base} --login {login} --customer-uri {uri} --password-file -"

    async def run(self, where: LinkForm) -> None:
        await where.link()


class Demo(Command["LinkForm"]):
    id = "account.demo"
    words = "Look around in a demo first: a pretended SCM on this machine"
    label = "Demo first"
    keys = "ctrl+t,t"
    place = 2

    def line(self, where: LinkForm) -> str:  # noqa: ARG002 - the same whatever is typed
        return "kmptui demo"

    async def run(self, where: LinkForm) -> None:
        where.post_message(StartDemo())


class LeaveField(Command["LinkForm"]):
    id = "account.leave-field"
    mode = Mode.QUICK
    words = "Leave the field, so that the letters work"
    label = "Leave field"
    keys = "escape"
    place = 3

    async def run(self, where: LinkForm) -> None:
        leave_text(where.screen)


class Linked(Message):
    """The account is linked."""

    def __init__(self, result: LinkResult) -> None:
        super().__init__()
        self.result = result


class LinkForm(Commanded, VerticalScroll, can_focus=False):
    """Fields beside their errors. `linked` hears of success; nothing is kept before SCM has proved the credentials."""

    OFFERS = (Link, Demo, LeaveField)
    DEFAULT_CSS = """
    LinkForm { height: 1fr; padding: 0 1; }
    LinkForm .said { color: $text-muted; }
    LinkForm .needs { margin-top: 1; }
    LinkForm Field > .field-note { width: 2fr; min-width: 30; }
    LinkForm Field > LineInput { width: 3fr; max-width: 60; }
    LinkForm .told { height: 3; }
    """

    def __init__(self, account: Account, vault: VaultService) -> None:
        super().__init__(id="link-form")
        self._account = account
        self._vault = vault
        self._asks_vault = True
        self._seen: dict[str, int] = {}
        self.acting = False

    def compose(self) -> ComposeResult:
        yield Static(present.text("Link your account of Sectigo Certificate Manager (SCM)", present.STRONG))
        yield TextField("base_url", "Base URL", DEFAULT_BASE_URL, check=entry.base_url, hint="of SCM's REST API")
        yield TextField("login", "Login", check=entry.login)
        yield TextField("password", "Password", password=True, check=entry.password)
        yield TextField("customer_uri", "Customer URI", check=entry.customer_uri, hint=".../customer/ACME: it is ACME")
        yield TextField("ca_file", "CA file", hint="optional: more issuers, PEM")
        yield TextField("proxy", "Proxy", hint="optional: http://host:port", check=self._proxy)
        options = [Option(KEY_FILE, "key file"), Option(PASSPHRASE, "passphrase")]
        yield RadioField("vault", "Vault", options, KEY_FILE)
        yield TextField("passphrase", "Passphrase", password=True)
        yield TextField("again", "once more", password=True)
        yield Static(classes="said means")
        yield Static(present.text(NEEDS), classes="said needs")
        yield Static(classes="told")

    def on_mount(self) -> None:
        self._adapt()

    @staticmethod
    def _proxy(text: str) -> object:
        return entry.proxy_url(text) if text.strip() else ""

    async def read_vault(self) -> None:
        """Ask about the vault only where there is none yet."""
        self._asks_vault = (await self._vault.status()).state == "none"
        self._adapt()

    def text(self, name: str) -> str:
        """What stands in a field."""
        return next(field.value for field in self.query(TextField) if field.name == name)

    def fill(self, name: str, value: str) -> None:
        next(field for field in self.query(TextField) if field.name == name).value = value

    def _adapt(self) -> None:
        kind = str(self.query_one(RadioField).value)
        for field in self.query(Field):
            if field.name == "vault":
                field.display = self._asks_vault
            elif field.name in {"passphrase", "again"}:
                field.display = self._asks_vault and kind == PASSPHRASE
        self.query_one(".means", Static).update(present.text(MEANS[kind] if self._asks_vault else ""))

    @on(Field.Edited)
    def _edited(self, event: Field.Edited) -> None:
        event.stop()
        name = event.field.name
        if name == "vault":
            self._adapt()
        elif name in ADDRESSES:
            length = len(self.text(name))
            pasted = length > self._seen.get(name, 0) + 1
            self._seen[name] = length
            if pasted:
                self.take_apart()
        self._explain(event.field)

    def _explain(self, edited: Field) -> None:
        """In full what is wrong with what was typed: the note beside the field may have no room for it."""
        wrong = next((field for field in (edited, *self.query(Field)) if field.is_bad), None)
        self.tell(f"{wrong.label_text}: {wrong.said}" if wrong else "", present.ERROR)

    def on_descendant_blur(self) -> None:
        """What is typed key by key is an address only when it is whole."""
        self.take_apart()

    def take_apart(self) -> None:
        """The address of SCM's login page becomes the base URL and the customer URI."""
        for name in ADDRESSES:
            if (page := entry.login_page(self.text(name))) is not None:
                self.fill("base_url", page.base_url)
                self.fill("customer_uri", page.customer_uri)

    async def link(self) -> None:
        """Prove and keep; raises what went wrong."""
        self.take_apart()
        self.acting = True
        self.refresh_bindings()
        self.tell("Asking SCM with these credentials, once ...")
        try:
            passphrase = self._passphrase()
            done = await self._account.link(self._request(), passphrase=passphrase)
        except BaseException:
            self.tell("")
            raise
        finally:
            self.acting = False
            self.refresh_bindings()
        for name in ("password", "passphrase", "again"):
            self.fill(name, "")
        self.tell("")
        self.post_message(Linked(done))

    def _request(self) -> LinkRequest:
        return LinkRequest(
            base_url=entry.base_url(self.text("base_url")),
            login=entry.login(self.text("login")),
            password=entry.password(self.text("password")),
            customer_uri=entry.customer_uri(self.text("customer_uri")),
            ca_file=self.text("ca_file").strip(),
            proxy=str(self._proxy(self.text("proxy"))),
        )

    def _passphrase(self) -> str | None:
        from kmptui.tui.dialogs.passphrase import agreed

        if not self._asks_vault or self.query_one(RadioField).value != PASSPHRASE:
            return None
        agreed("passphrase", self.text("passphrase"), self.text("passphrase"))
        return agreed("again", self.text("passphrase"), self.text("again"))

    def tell(self, words: str, style: str = "") -> None:
        """One sentence below the fields."""
        self.query_one(".told", Static).update(present.text(words, style))

    def show_problem(self, error: KmptuiError) -> bool:
        """Beside its field where it names one; all else in a dialog that stays, and in words below the fields."""
        if isinstance(error, BadInput):
            for field in self.query(Field):
                if field.name == error.field:
                    field.show_note(error.why or error.what, bad=True)
                    field.focus_control()
                    self.tell(str(error), present.ERROR)
                    return True
        from kmptui.errors import VaultLocked
        from kmptui.tui.dialogs.problem import ProblemDialog

        if isinstance(error, VaultLocked):
            return False
        self.tell(f"Not linked: {error.what}", present.ERROR)
        self.app.push_screen(ProblemDialog(error))
        return True

    def start(self, work: workers.Work) -> None:
        """Run something beside the form, guarded."""
        workers.start(self, work)
