"""Exports are judged by openssl and keytool; keys are proved; deleting here is not deleting there."""

from __future__ import annotations

import dataclasses
import json
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from kmptui.config import Paths
from kmptui.domain.certificate import Certificate
from kmptui.domain.keys import KeySpec
from kmptui.domain.order import KeystorePassword, OwnCsr
from kmptui.errors import BadInput, NotFound, StateForbids, VaultLocked
from kmptui.pki import csr, keypair
from kmptui.sandbox.server import SandboxServer
from kmptui.services.repository import ExportRequest
from kmptui.store import certificates, keys, ledger
from tests.services.rig import Rig, opened, request

OPENSSL = shutil.which("openssl")
KEYTOOL = shutil.which("keytool")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed: nobody judges the exports")
needs_keytool = pytest.mark.skipif(KEYTOOL is None, reason="keytool is not installed: nobody judges the Java keystores")


def judged(*words: str | Path, give: str = "") -> str:
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, input=give, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout + done.stderr


async def certificate(rig: Rig, name: str = "a1.example.com", **members: object) -> Certificate:
    placed = await rig.ordering.place(request(name, **members))
    order = await rig.ordering.follow(placed.order_id or 0, lambda _: None)
    return await rig.store.read(certificates.certificate, order.row.certificate_id or 0)


@needs_openssl
async def test_pkcs12_holds_key_and_chain(paths: Paths, sandbox: SandboxServer, tmp_path: Path) -> None:
    async with opened(paths, sandbox) as rig:
        held = await certificate(rig)
        out = tmp_path / "it's here.p12"
        done = await rig.repository.export(ExportRequest(held.id, out=out, generate=True))
        assert len(done.password) == 27
        assert done.size == out.stat().st_size
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
        assert done.sha256 in judged("sha256sum", out)
        assert f"'{rig.engine.actor.host}:{tmp_path}/it'\"'\"'s here.p12'" in done.scp
        told = judged(OPENSSL or "", "pkcs12", "-in", out, "-info", "-nodes", "-passin", "stdin", give=done.password)
        assert "PBES2" in told
        assert told.count("BEGIN CERTIFICATE") == 1 + len(held.chain)
        assert "BEGIN PRIVATE KEY" in told
        row = await rig.store.read(certificates.certificate, held.id)
        assert row.row.exported is not None
        (entry,) = await rig.audit("export")
        assert done.password not in json.dumps(dataclasses.asdict(entry), default=str)
        assert dict(entry.details)["holds"] == "the key, with a password"


@needs_openssl
@needs_keytool
@pytest.mark.parametrize("key", [KeySpec("RSA", "2048"), KeySpec("EC", "P-384")], ids=str)
@pytest.mark.parametrize("layout", ["pkcs12", "compatible", "jks"])
async def test_java_reads_it(paths: Paths, sandbox: SandboxServer, tmp_path: Path, key: KeySpec, layout: str) -> None:
    from kmptui.domain.order import NewKey

    async with opened(paths, sandbox) as rig:
        held = await certificate(rig, key=NewKey(key))
        out = tmp_path / "store"
        done = await rig.repository.export(
            ExportRequest(
                held.id,
                "jks" if layout == "jks" else "pkcs12",
                out=out,
                password="correct horse",
                alias="web",
                compatible=layout == "compatible",
            )
        )
        assert bool(done.warnings) == (layout != "pkcs12")
        kind = "JKS" if layout == "jks" else "PKCS12"
        told = judged(
            KEYTOOL or "", "-J-Duser.language=en", "-list", "-v", "-keystore", out, "-storetype", kind,
            "-storepass", "correct horse",
        )  # fmt: skip
        assert "Entry type: PrivateKeyEntry" in told
        assert "Alias name: web" in told
        assert f"Certificate chain length: {1 + len(held.chain)}" in told


@needs_openssl
async def test_pem_parts_and_der(paths: Paths, sandbox: SandboxServer, tmp_path: Path) -> None:
    async with opened(paths, sandbox) as rig:
        held = await certificate(rig)

        async def part(only: str, **members: object) -> Path:
            out = tmp_path / (only or "all")
            await rig.repository.export(ExportRequest(held.id, "pem", only, out, **members))  # type: ignore[arg-type]
            return out

        leaf, chain = await part("leaf"), await part("chain")
        key = await part("key", password="correct horse")
        full = await part("full")
        assert "a1.example.com" in judged(OPENSSL or "", "x509", "-in", leaf, "-noout", "-ext", "subjectAltName")
        judged(OPENSSL or "", "verify", "-partial_chain", "-trusted", chain, leaf)
        public = judged(OPENSSL or "", "pkey", "-in", key, "-passin", "pass:correct horse", "-pubout")
        assert public == judged(OPENSSL or "", "x509", "-in", leaf, "-noout", "-pubkey")
        assert full.read_bytes() == leaf.read_bytes() + chain.read_bytes()
        whole = await part("", generate=True)
        assert b"BEGIN ENCRYPTED PRIVATE KEY" in whole.read_bytes()
        der = await rig.repository.export(ExportRequest(held.id, "der"))
        assert der.data == held.leaf
        assert der.path is None
        assert der.scp == ""
        judged(OPENSSL or "", "verify", "-CAfile", sandbox.ca_file, "-untrusted", chain, leaf)


async def test_a_key_in_clear_is_on_the_record(paths: Paths, sandbox: SandboxServer, tmp_path: Path) -> None:
    async with opened(paths, sandbox) as rig:
        held = await certificate(rig)
        done = await rig.repository.export(ExportRequest(held.id, "pem", "key", tmp_path / "k", clear=True))
        assert "without a password" in done.warnings[0]
        rows = await rig.audit("export")
        assert [(row.phase, dict(row.details)["holds"]) for row in rows] == [
            ("intent", "the key in clear"),
            ("done", "the key in clear"),
        ]
        with pytest.raises(BadInput) as caught:
            await rig.repository.export(ExportRequest(held.id, "pkcs12", out=tmp_path / "p", clear=True))
        assert caught.value.field == "password"


async def test_the_orders_password_is_the_default(paths: Paths, sandbox: SandboxServer, tmp_path: Path) -> None:
    async with opened(paths, sandbox) as rig:
        sealed = await certificate(
            rig, keystore_password_when=KeystorePassword.NOW, keystore_password="correct horse battery"
        )
        done = await rig.repository.export(ExportRequest(sealed.id, out=tmp_path / "a.p12"))
        assert done.password == ""
        if OPENSSL:
            judged(OPENSSL, "pkcs12", "-in", tmp_path / "a.p12", "-nokeys", "-passin", "pass:correct horse battery")
        bare = await certificate(rig, "b1.example.com")
        with pytest.raises(BadInput) as caught:
            await rig.repository.export(ExportRequest(bare.id, out=tmp_path / "b.p12"))
        assert caught.value.field == "password"
        assert not (tmp_path / "b.p12").exists()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (ExportRequest(1, "pfx"), "format"),
        (ExportRequest(1, "pkcs12", "leaf"), "only"),
        (ExportRequest(1, "der", "key"), "only"),
        (ExportRequest(1, "jks", clear=True), "password"),
        (ExportRequest(1, generate=True, password="correct horse"), "password"),
        (ExportRequest(1, password="short"), "keystore_password"),
    ],
)
async def test_what_no_file_can_hold_is_refused(
    paths: Paths, sandbox: SandboxServer, wrong: ExportRequest, field: str
) -> None:
    async with opened(paths, sandbox) as rig:
        held = await certificate(rig)
        with pytest.raises(BadInput) as caught:
            await rig.repository.export(dataclasses.replace(wrong, certificate_id=held.id))
        assert caught.value.field == field


async def test_the_vault_is_needed_for_keys_alone(paths: Paths, sandbox: SandboxServer, tmp_path: Path) -> None:
    async with opened(paths, sandbox) as rig:
        held = await certificate(rig)
        await rig.vault.lock()
        await rig.repository.export(ExportRequest(held.id, "pem", "full", tmp_path / "full"))
        await rig.repository.export(ExportRequest(held.id, "der", out=tmp_path / "der"))
        with pytest.raises(VaultLocked):
            await rig.repository.export(ExportRequest(held.id, generate=True, out=tmp_path / "p12"))
        assert not (tmp_path / "p12").exists()


async def test_a_key_from_elsewhere_is_proved_and_taken_in(
    paths: Paths, sandbox: SandboxServer, tmp_path: Path
) -> None:
    private = keypair.generate(KeySpec("EC", "P-256"))
    key_file = tmp_path / "key.pem"
    key_file.write_bytes(keypair.pem(private, "correct horse"))
    async with opened(paths, sandbox) as rig:
        held = await certificate(rig, key=OwnCsr(csr.build(private, ("a1.example.com",))))
        assert not held.row.has_key
        with pytest.raises(StateForbids, match="is not here"):
            await rig.repository.export(ExportRequest(held.id, generate=True))
        whole = await rig.repository.export(ExportRequest(held.id, "pem"))
        assert b"PRIVATE KEY" not in whole.data
        assert "not here" in whole.warnings[0]
        with pytest.raises(BadInput) as caught:
            await rig.repository.attach_key(held.id, key_file)
        assert caught.value.field == "passphrase"
        other = tmp_path / "other.pem"
        other.write_bytes(keypair.pem(keypair.generate(KeySpec("EC", "P-256"))))
        with pytest.raises(BadInput, match="does not belong"):
            await rig.repository.attach_key(held.id, other)
        (found,) = await rig.repository.find(key_file.read_bytes())
        assert "password" in found.words
        await rig.repository.attach_key(held.id, key_file, "correct horse")
        assert (await rig.store.read(certificates.certificate, held.id)).row.has_key
        assert (await rig.repository.export(ExportRequest(held.id, generate=True))).data
        (entry,) = await rig.audit("attach key")
        assert entry.certificate_id == held.id


async def test_find_tells_where_a_file_belongs(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        held = await certificate(rig)
        intent = await rig.store.read(ledger.intent_of, held.row.order_id or 0)
        assert intent is not None
        (by_leaf,) = await rig.repository.find(held.leaf)
        assert (by_leaf.kind, by_leaf.certificate_id, by_leaf.order_id) == ("certificate", held.id, held.row.order_id)
        (by_csr,) = await rig.repository.find(intent.csr.encode())
        assert (by_csr.kind, by_csr.certificate_id) == ("csr", held.id)
        key = await rig.repository.export(ExportRequest(held.id, "pem", "key", clear=True))
        (by_key,) = await rig.repository.find(key.data)
        assert (by_key.kind, by_key.certificate_id) == ("key", held.id)
        (nothing,) = await rig.repository.find(b"hello")
        assert (nothing.kind, nothing.order_id) == ("unknown", None)
        stranger = keypair.pem(keypair.generate(KeySpec("EC", "P-256")))
        (unknown,) = await rig.repository.find(stranger)
        assert "belongs to no order" in unknown.words
        waiting = await rig.ordering.place(request("b1.example.com"))
        of_waiting = await rig.store.read(ledger.intent_of, waiting.order_id or 0)
        assert of_waiting is not None
        (open_order,) = await rig.repository.find(of_waiting.csr.encode())
        assert (open_order.order_id, open_order.certificate_id) == (waiting.order_id, None)


async def test_deleting_here_leaves_scm_and_the_key(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        held = await certificate(rig)
        before = len(rig.requests())
        assert await rig.repository.delete_certificates([held.id]) == 1
        with pytest.raises(NotFound):
            await rig.store.read(certificates.certificate, held.id)
        assert await rig.store.read(keys.key, held.spki) is not None
        assert await rig.repository.delete_orders([held.row.order_id or 0]) == 1
        assert await rig.repository.delete_orders([held.row.order_id or 0]) == 0
        assert len(rig.requests()) == before
        assert len(rig.created("a1.example.com")) == 1
        assert [row.action for row in await rig.audit("delete")] == ["delete", "delete"]


async def test_a_key_goes_for_good_by_an_act_of_its_own(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        held = await certificate(rig)
        await rig.repository.delete_key(held.row.number)
        assert await rig.store.read(keys.key, held.spki) is None
        assert not (await rig.store.read(certificates.certificate, held.id)).row.has_key
        assert len(await rig.audit("destroy key")) == 1


async def test_notes_stay_here(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        placed = await rig.ordering.place(request("a1.example.com"))
        await rig.repository.annotate(placed.order_id or 0, note="ask Jo", contact="jo@example.com")
        order = await rig.store.read(ledger.order, placed.order_id or 0)
        assert (order.note, order.contact) == ("ask Jo", "jo@example.com")
        with pytest.raises(BadInput):
            await rig.repository.annotate(placed.order_id or 0, note="x" * 5_000, contact="")


async def test_two_who_write_notes_lose_nothing_of_each_other(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        order_id = (await rig.ordering.place(request("a1.example.com"))).order_id or 0
        seen = await rig.store.read(ledger.order, order_id)
        await rig.repository.annotate(order_id, contact="jo@example.com")
        await rig.repository.annotate(order_id, note="ask Jo", seen=seen)
        order = await rig.store.read(ledger.order, order_id)
        assert (order.note, order.contact) == ("ask Jo", "jo@example.com")
        with pytest.raises(StateForbids, match="changed meanwhile, to: ask Jo"):
            await rig.repository.annotate(order_id, note="ask Ann", seen=seen)
        assert (await rig.store.read(ledger.order, order_id)).note == "ask Jo"


async def test_the_suggested_file_is_in_the_exports_folder(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        held = await certificate(rig)
        out = rig.repository.suggested_path("*.example.com", "pkcs12")
        assert out == paths.exports / "_wildcard.example.com.p12"
        await rig.repository.export(ExportRequest(held.id, out=out, generate=True))
        assert stat.S_IMODE(paths.exports.stat().st_mode) == 0o700
        with pytest.raises(BadInput, match="exists already"):
            await rig.repository.export(ExportRequest(held.id, out=out, generate=True))
