"""The repository: export, attach a key, delete here, notes, and which order a file belongs to."""

from __future__ import annotations

import asyncio
import hashlib
import shlex
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from kmptui.config import make_private_folder
from kmptui.domain import entry as rules
from kmptui.domain.audit import Entry
from kmptui.domain.listing import Topic
from kmptui.errors import BadInput, StateForbids
from kmptui.services import spelling
from kmptui.services.exporting import (
    SUFFIXES,
    Exported,
    ExportRequest,
    Secrets,
    check,
    encoded,
    export_entry,
    subject,
    warnings,
)
from kmptui.services.finding import Match, matches
from kmptui.services.outfile import write_out
from kmptui.store import audit, certificates, key_owners, keys, ledger
from kmptui.store.key_owners import KeyOwner
from kmptui.store.sealed import new_identity

if TYPE_CHECKING:
    from kmptui.domain.audit import Stamp
    from kmptui.domain.certificate import Certificate
    from kmptui.domain.order import Order
    from kmptui.services.engine import Engine
    from kmptui.store.database import Db

__all__ = ["ExportRequest", "Exported", "KeyOwner", "Match", "Repository"]


class Repository:
    """Needs the vault only where a private key or a password is touched."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def suggested_path(self, common_name: str, format: str, only: str = "") -> Path:  # noqa: A002 - the field's own name
        """A file name in the exports folder of the home; safe whatever the name."""
        return self._engine.paths.exports / spelling.file_name(common_name, SUFFIXES.get(format, "bin"), only)

    async def export(self, request: ExportRequest) -> Exported:
        """Write the file: 0600, O_EXCL, never through a symlink, atomically. Raises BadInput(field), StateForbids (no
        key here), VaultLocked, NotFound, and BadInput("out") where the file exists and `replace` is off."""
        check(request)
        engine = self._engine
        certificate = await engine.store.read(certificates.certificate, request.certificate_id)
        secrets = await self._secrets(request, certificate)
        data = await asyncio.to_thread(encoded, request, certificate, secrets)
        digest = hashlib.sha256(data).hexdigest()
        if secrets.private is not None and secrets.password is None:
            # a key in clear is never written without a record of it, whatever happens next
            entry = export_entry(request, certificate, secrets, digest, phase="intent")
            await engine.store.write(audit.append, entry, await engine.stamp())
        if request.out is not None:
            if request.out.parent == engine.paths.exports:
                make_private_folder(request.out.parent)
            await asyncio.to_thread(write_out, request.out, data, replace=request.replace)
        entry = export_entry(request, certificate, secrets, digest)
        await engine.store.write(certificates.mark_exported, certificate.id, entry, await engine.stamp())
        engine.changed(Topic.CERTIFICATES, {certificate.id})
        return Exported(
            request.out,
            digest,
            len(data),
            _scp(engine.actor.host, request.out) if request.out is not None else "",
            warnings(request, secrets),
            data if request.out is None else b"",
            secrets.password or "" if secrets.made else "",
        )

    async def _secrets(self, request: ExportRequest, certificate: Certificate) -> Secrets:
        """The private key, opened, and the password that goes with it; nothing where the file will hold no key."""
        if request.format == "der" or request.only in {"leaf", "chain", "full"}:
            return Secrets()
        engine = self._engine
        stored = await engine.store.read(keys.key, certificate.spki)
        if stored is None:
            if request.format == "pem" and request.only == "":
                return Secrets()
            raise StateForbids(
                f"The private key of {certificate.row.number} {certificate.row.common_name} is not here",
                why="it was made elsewhere",
                cure="Attach it (kmptui certificates attach-key), or export the chain as PEM",
            )
        private = await engine.open_sealed(stored.sealed)
        if request.clear:
            return Secrets(private)
        if request.generate:
            return Secrets(private, spelling.made_password(engine.randomness), made=True)
        if request.password is not None:
            return Secrets(private, rules.keystore_password(request.password))
        return Secrets(private, await self._default_password(certificate))

    async def _default_password(self, certificate: Certificate) -> str:
        sealed = None
        if certificate.row.order_id is not None:
            sealed = await self._engine.store.read(ledger.keystore_password, certificate.row.order_id)
        if sealed is None:
            raise BadInput(
                "password",
                "A password is needed",
                why="none was given with the order",
                cure="Give one, or have one made",
            )
        return (await self._engine.open_sealed(sealed)).decode("utf-8")

    async def attach_key(self, certificate_id: int, path: Path, passphrase: str | None = None) -> None:
        """Take a private key in after proving that it is the certificate's (SPKI); raises BadInput("key_file")."""
        from kmptui.pki import identify, keypair

        engine = self._engine
        certificate = await engine.store.read(certificates.certificate, certificate_id)
        data = await asyncio.to_thread(identify.read_file, path, field="key_file")
        private = await asyncio.to_thread(keypair.load, data, passphrase.encode() if passphrase else None)
        if keypair.spki(private) != certificate.spki:
            raise BadInput(
                "key_file",
                f"The key does not belong to {certificate.row.number} {certificate.row.common_name}",
                why="their public keys differ",
                cure="kmptui find FILE tells where a key belongs",
            )
        sealed = await engine.seal(private, new_identity())
        entry = Entry("attach key", subject=subject(certificate), certificate_id=certificate.id)
        words = str(keypair.spec_of(private))
        await engine.store.write(keys.attach, certificate.spki, sealed, words, entry, await engine.stamp())
        engine.changed(Topic.CERTIFICATES, {certificate.id})

    async def keystore_password(self, order_id: int) -> str:
        """The order's sealed keystore password, "" when it has none; needs the vault, is written to the audit."""
        engine = self._engine
        order = await engine.store.read(ledger.order, order_id)
        sealed = await engine.store.read(ledger.keystore_password, order_id)
        if sealed is None:
            return ""
        password = await engine.open_sealed(sealed)
        entry = Entry("show password", subject=f"{order.row.number} {order.common_name}", order_id=order_id)
        await engine.store.write(audit.append, entry, await engine.stamp())
        return password.decode("utf-8")

    async def delete_orders(self, order_ids: Collection[int]) -> int:
        """Forget orders here; SCM keeps them, certificates and keys of the repository stay. Nothing is sent."""
        entry = Entry("delete", reason="forgotten here; SCM keeps the order")
        return await self._delete(Topic.ORDERS, ledger.delete_here, order_ids, entry)

    async def delete_certificates(self, certificate_ids: Collection[int]) -> int:
        """Take certificates out of the repository; their keys stay sealed in the vault."""
        entry = Entry("delete", reason="taken out of the repository; its key stays in the vault")
        return await self._delete(Topic.CERTIFICATES, certificates.delete_here, certificate_ids, entry)

    async def _delete(
        self, topic: Topic, fn: Callable[[Db, Iterable[int], Entry, Stamp], int], ids: Collection[int], entry: Entry
    ) -> int:
        engine = self._engine
        count = await engine.store.write(fn, tuple(ids), entry, await engine.stamp())
        engine.changed(topic, set(ids))
        return count

    async def key_owner(self, text: str) -> KeyOwner:
        """Whose key it is: `c42`, a serial or a unique common name, also of a certificate that was deleted here; `o118`
        for a key whose order never came to a certificate. Raises NotFound, Ambiguous."""
        return await self._engine.store.read(key_owners.find, text)

    async def delete_key(self, text: str) -> None:
        """Destroy the private key of `key_owner`, for good: a separate act, also once its certificate or order was
        deleted here. Refused (StateForbids) while an open order needs it. Raises NotFound, Ambiguous."""
        engine = self._engine
        owner = await self.key_owner(text)
        entry = Entry(
            "destroy key", subject=owner.subject, certificate_id=owner.certificate_id,
            order_id=owner.order_id if owner.certificate_id is None else None,
        )  # fmt: skip
        await engine.store.write(keys.destroy, owner.spki, entry, await engine.stamp())
        engine.changed(Topic.CERTIFICATES, set() if owner.certificate_id is None else {owner.certificate_id})

    async def annotate(
        self, order_id: int, *, note: str | None = None, contact: str | None = None, seen: Order | None = None
    ) -> None:
        """The private note and contact of an order; never sent to SCM. None leaves what is there. `seen`: the order as
        a person saw it, who is not to write over what somebody else wrote since: raises StateForbids then."""
        engine = self._engine
        note = None if note is None else rules.note(note)
        contact = None if contact is None else rules.contact(contact)
        await engine.store.write(_annotate, order_id, note, contact, seen, await engine.stamp())
        engine.changed(Topic.ORDERS, {order_id})

    async def find(self, data: bytes) -> tuple[Match, ...]:
        """Which order or certificate of ours is this certificate, CSR, key or keystore?"""
        from kmptui.pki.identify import identify

        found = await asyncio.to_thread(identify, data)
        return await self._engine.store.read(matches, found)


def _annotate(db: Db, order_id: int, note: str | None, contact: str | None, seen: Order | None, stamp: Stamp) -> None:
    order = ledger.order(db, order_id)
    for name, wanted in (("note", note), ("contact", contact)):
        now = getattr(order, name)
        if seen is not None and wanted is not None and now not in {getattr(seen, name), wanted}:
            raise StateForbids(
                f"The {name} of {order.row.number} is not kept",
                why=f"it was changed meanwhile, to: {now or 'nothing'}",
                cure="Close this, look at it, and write it again",
            )
    ledger.annotate(db, order_id, note=note, contact=contact)
    audit.append(db, Entry("annotate", subject=f"{order.row.number} {order.common_name}", order_id=order_id), stamp)


def _scp(host: str, path: Path) -> str:
    """A line for the machine that fetches the file from here."""
    return f"scp {shlex.quote(f'{host}:{path.absolute()}')} ."
