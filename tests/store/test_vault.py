"""The vault: sealed values stay where they belong, slots open it, rotations may be killed at any point."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kmptui.domain.audit import Entry
from kmptui.domain.order import Act
from kmptui.errors import BadInput, Damaged, NotFound, StateForbids, StoreFailed, VaultLocked, WrongPassphrase
from kmptui.store import account, audit, keys, ledger, slots
from kmptui.store import claims as claims_
from kmptui.store.claims import Holder
from kmptui.store.db import Db
from kmptui.store.sealed import Sealed, new_identity, reseal, sealed_under_others
from kmptui.store.vault import MEMORY_KIB, Vault, remove_key_file
from tests.store.making import NOW, STAMP, material, request

ENTRY = Entry("vault")
WORDS = "four words, three blanks"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "vault.key"


@pytest.fixture
def vault(db: Db, key_file: Path) -> Vault:
    """Made with both slots, and open."""
    made = Vault()
    key = made.create(NOW)
    both = [made.slot_for_key_file(key_file, NOW), made.slot_for_passphrase(WORDS, NOW)]
    slots.make(db, both, key, ENTRY, STAMP)
    return made


def test_what_is_sealed_opens_only_as_itself(vault: Vault) -> None:
    sealed = vault.seal(b"private key", new_identity())
    assert vault.open(sealed) == b"private key"
    assert b"private key" not in sealed.blob
    with pytest.raises(Damaged):
        vault.open(Sealed(new_identity(), sealed.blob))
    assert vault.seal(b"private key", sealed.identity).blob != sealed.blob


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, 200), bit=st.integers(0, 7))
def test_a_changed_bit_does_not_open(place: int, bit: int) -> None:
    vault = Vault()
    vault.create(NOW)
    sealed = vault.seal(b"x" * 40, "identity")
    blob = bytearray(sealed.blob)
    blob[place % len(blob)] ^= 1 << bit
    with pytest.raises((Damaged, VaultLocked)):
        vault.open(Sealed("identity", bytes(blob)))
    for cut in (b"", sealed.blob[:10], sealed.blob[:-1]):
        with pytest.raises(Damaged):
            vault.open(Sealed("identity", cut))


def test_either_slot_opens_it(db: Db, vault: Vault, key_file: Path) -> None:
    sealed = vault.seal(b"secret", "one")
    rows = slots.rows(db)
    for way in ("key file", "passphrase"):
        other = Vault()
        with pytest.raises(VaultLocked):
            other.open(sealed)
        if way == "key file":
            other.unlock_with_key_file(rows, key_file)
        else:
            other.unlock_with_passphrase(rows, WORDS)
        assert other.open(sealed) == b"secret"
        other.lock()
        assert other.locked
        with pytest.raises(VaultLocked):
            other.seal(b"x", "y")


def test_a_wrong_passphrase_is_refused_and_leaves_it_locked(db: Db, vault: Vault) -> None:
    other = Vault()
    with pytest.raises(WrongPassphrase):
        other.unlock_with_passphrase(slots.rows(db), WORDS + " ")
    assert other.locked
    with pytest.raises(BadInput):
        vault.slot_for_passphrase("", NOW)


def test_the_derivation_costs_what_it_should(vault: Vault, db: Db) -> None:
    stored = {slot.kind: slot for slot in slots.rows(db).slots}
    assert MEMORY_KIB >= 64 * 1024
    assert f'"memory":{MEMORY_KIB}' in stored[slots.PASSPHRASE].parameters
    for spoilt in ("", "{}", '{"memory":1e99,"iterations":1,"lanes":1,"salt":"00"}', '{"memory":99999999999,'
                   '"iterations":1,"lanes":1,"salt":"00000000000000000000000000000000"}'):  # fmt: skip
        rows = slots.Rows((replace(stored[slots.PASSPHRASE], parameters=spoilt),), slots.rows(db).keys)
        with pytest.raises(Damaged):
            Vault().unlock_with_passphrase(rows, WORDS)


def test_another_vaults_key_file_is_refused(db: Db, vault: Vault, key_file: Path) -> None:
    key_file.write_bytes(b"k" * 32)
    with pytest.raises(WrongPassphrase):
        Vault().unlock_with_key_file(slots.rows(db), key_file)


def test_the_key_file_is_private(vault: Vault, key_file: Path, open_umask: object) -> None:
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert key_file.stat().st_size == 32
    again = key_file.with_name("again.key")
    vault.slot_for_key_file(again, NOW)
    assert stat.S_IMODE(again.stat().st_mode) == 0o600
    remove_key_file(again)
    assert not again.exists()


def test_a_careless_key_file_is_refused(db: Db, vault: Vault, key_file: Path, tmp_path: Path) -> None:
    rows = slots.rows(db)
    key_file.chmod(0o640)
    with pytest.raises(BadInput, match="0640"):
        Vault().unlock_with_key_file(rows, key_file)
    with pytest.raises(BadInput):
        vault.slot_for_key_file(key_file, NOW)
    key_file.chmod(0o600)
    link = tmp_path / "link.key"
    link.symlink_to(key_file)
    with pytest.raises(BadInput):
        Vault().unlock_with_key_file(rows, link)
    fifo = tmp_path / "fifo.key"
    os.mkfifo(fifo, 0o600)
    with pytest.raises(BadInput, match="regular"):
        Vault().unlock_with_key_file(rows, fifo)
    with pytest.raises(VaultLocked, match="not there"):
        Vault().unlock_with_key_file(rows, tmp_path / "gone.key")
    short = tmp_path / "short.key"
    short.write_bytes(b"k")
    short.chmod(0o600)
    with pytest.raises(BadInput, match="1 bytes"):
        Vault().unlock_with_key_file(rows, short)
    if os.geteuid() == 0:
        os.chown(key_file, 12345, -1)
        with pytest.raises(BadInput, match="another user"):
            Vault().unlock_with_key_file(rows, key_file)
    with pytest.raises(StoreFailed):
        vault.slot_for_key_file(tmp_path / "no" / "such.key", NOW)


def test_slots_come_and_go_but_never_all(db: Db, vault: Vault) -> None:
    assert slots.status(db) == (slots.KEY_FILE, slots.PASSPHRASE)
    with pytest.raises(StateForbids):
        slots.add_slot(db, slots.rows(db).slots[0], ENTRY, STAMP)
    with pytest.raises(StateForbids):
        slots.make(db, slots.rows(db).slots, slots.rows(db).keys[0], ENTRY, STAMP)
    slots.replace_slot(db, vault.slot_for_passphrase("another", NOW), ENTRY, STAMP)
    with pytest.raises(WrongPassphrase):
        Vault().unlock_with_passphrase(slots.rows(db), WORDS)
    Vault().unlock_with_passphrase(slots.rows(db), "another")
    slots.remove_slot(db, slots.KEY_FILE, ENTRY, STAMP)
    with pytest.raises(NotFound):
        slots.remove_slot(db, slots.KEY_FILE, ENTRY, STAMP)
    with pytest.raises(StateForbids, match="only slot"):
        slots.remove_slot(db, slots.PASSPHRASE, ENTRY, STAMP)
    assert audit.verify(db).rows == 3
    with pytest.raises(VaultLocked, match="no key file"):
        Vault().unlock_with_key_file(slots.rows(db), Path("/nowhere"))


def test_without_a_vault_that_is_said(db: Db) -> None:
    assert slots.status(db) == ()
    with pytest.raises(VaultLocked, match="no vault"):
        slots.rows(db)
    with pytest.raises(StateForbids):
        slots.add_slot(db, slots.Slot(slots.KEY_FILE, "{}", b"", NOW), ENTRY, STAMP)


def test_nothing_secret_is_in_a_repr(db: Db, vault: Vault) -> None:
    sealed = vault.seal(b"private key", "one")
    rows = slots.rows(db)
    for shown in (repr(vault), repr(sealed), repr(rows), repr(rows.slots), repr(rows.keys)):
        assert repr(sealed.blob)[2:10] not in shown
        assert "wrapped" not in shown
    assert repr(vault) == "Vault(open)"


def secrets_everywhere(db: Db, vault: Vault, holder: Holder) -> dict[str, bytes]:
    """A password of the account, of an order, and a key."""
    told = {name: name.encode() for name in ("account", "order", "key")}
    linked = account.StoredAccount(
        "https://x/api", "ops", "ACME", "real", NOW, vault.seal(told["account"], new_identity())
    )
    account.link(db, linked, ENTRY, STAMP)
    claim = claims_.claim(db, claims_.name_topic("shop.example.edu"), holder, NOW)
    made = material(key=vault.seal(told["key"], new_identity()), password=vault.seal(told["order"], new_identity()))
    ledger.prepare(db, Act.ORDER, request(), made, claim, ENTRY, STAMP)
    return told


def opened(db: Db, vault: Vault) -> dict[str, bytes]:
    linked = account.account(db)
    password = ledger.keystore_password(db, 1)
    key = keys.key(db, material().spki)
    assert linked is not None
    assert password is not None
    assert key is not None
    return {
        "account": vault.open(linked.password), "order": vault.open(password), "key": vault.open(key.sealed),
    }  # fmt: skip


def test_a_rotation_can_stop_anywhere(db: Db, vault: Vault, holder: Holder, key_file: Path) -> None:
    told = secrets_everywhere(db, vault, holder)
    old = vault.key_id
    slots.add_key(db, vault.rotate(NOW), ENTRY, STAMP)
    with pytest.raises(StateForbids):
        slots.drop_old_keys(db, ENTRY, STAMP)
    done = 0
    while places := sealed_under_others(db, vault.key_id, 1):
        done += reseal(
            db, [(place, vault.seal(vault.open(place.sealed), place.sealed.identity).blob) for place in places]
        )
        restarted = Vault()
        restarted.unlock_with_key_file(slots.rows(db), key_file)
        assert restarted.key_id == vault.key_id != old
        assert opened(db, restarted) == told
        assert reseal(db, [(places[0], b"late")]) == 0
    assert done == 3
    assert slots.drop_old_keys(db, ENTRY, STAMP) == 1
    fresh = Vault()
    fresh.unlock_with_passphrase(slots.rows(db), WORDS)
    assert opened(db, fresh) == told


def test_a_key_of_another_process_is_taken_in(db: Db, vault: Vault, key_file: Path) -> None:
    other = Vault()
    other.unlock_with_key_file(slots.rows(db), key_file)
    slots.add_key(db, vault.rotate(NOW), ENTRY, STAMP)
    sealed = vault.seal(b"new", "one")
    with pytest.raises(VaultLocked):
        other.open(sealed)
    other.refresh(slots.rows(db))
    assert other.open(sealed) == b"new"
    with pytest.raises(VaultLocked):
        Vault().refresh(slots.rows(db))


def test_spoilt_rows_are_damage(db: Db, vault: Vault, key_file: Path) -> None:
    rows = slots.rows(db)
    with pytest.raises(Damaged):
        Vault().unlock_with_key_file(replace(rows, keys=()), key_file)
    with pytest.raises(Damaged):
        Vault().unlock_with_key_file(replace(rows, keys=(replace(rows.keys[0], wrapped=b"x" * 60),)), key_file)
    with pytest.raises(WrongPassphrase):
        Vault().unlock_with_key_file(replace(rows, slots=(replace(rows.slots[0], wrapped=b"x" * 60),)), key_file)
