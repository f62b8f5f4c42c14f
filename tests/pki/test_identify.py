"""What a file is, by its content; and which files are read at all."""

from __future__ import annotations

import os
import socket

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from hypothesis import given
from hypothesis import strategies as st

from kmptui.errors import BadInput
from kmptui.pki import chain, csr, keypair, keystore
from kmptui.pki.encoding import armoured
from kmptui.pki.identify import Found, identify, read_file


def test_every_kind_is_told_by_its_content(family):
    key, leaf = family.leaf()
    spki, facts = keypair.spki(key), chain.facts(leaf)
    issuers = (family.issuing, family.root)
    loaded = [x509.load_der_x509_certificate(one) for one in (family.issuing, leaf)]
    certificate = Found("certificate", spki, facts.serial, facts.sha256)
    request = csr.build(key, ["shop.example.edu"])
    cases = [
        (leaf, certificate),
        (armoured("CERTIFICATE", leaf), certificate),
        (keystore.pem("chain", leaf, issuers) + keystore.pem("leaf", leaf), certificate),
        (keystore.pem("all", leaf, issuers, key), certificate),
        (pkcs7.serialize_certificates(loaded, Encoding.PEM), Found("pkcs7", spki, facts.serial, facts.sha256)),
        (pkcs7.serialize_certificates(loaded, Encoding.DER), Found("pkcs7", spki, facts.serial, facts.sha256)),
        (request.encode(), Found("csr", spki)),
        (x509.load_pem_x509_csr(request.encode()).public_bytes(Encoding.DER), Found("csr", spki)),
        (key, Found("key", spki)),
        (keypair.pem(key), Found("key", spki)),
        (keypair.pem(key, "geheimnis"), Found("encrypted key")),
        (keystore.pkcs12(key, leaf, issuers, "geheimnis", "a"), Found("pkcs12")),
        (keystore.jks(key, leaf, issuers, "geheimnis", "a"), Found("jks", spki, facts.serial, facts.sha256)),
        (b"", Found("unknown")),
        (b"Lieferschein 4711", Found("unknown")),
        (b"\x89PNG\r\n", Found("unknown")),
    ]
    for data, wanted in cases:
        assert identify(data) == wanted


def test_an_issuer_alone_is_a_certificate_too(family):
    found = identify(family.issuing)
    assert (found.kind, found.serial) == ("certificate", chain.facts(family.issuing).serial)


def test_damaged_files_keep_their_kind_and_name_the_problem(family):
    key, leaf = family.leaf()
    damaged = keystore.jks(key, leaf, (), "geheimnis", "a")[:60]
    for data, kind in (
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "certificate"),
        (b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----", "csr"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "key"),
        (damaged, "jks"),
    ):
        found = identify(data)
        assert found.kind == kind
        assert found.problem


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"\x30\x82", b"\xfe\xed\xfe\xed\x00\x00\x00\x02", b"\xce\xce\xce\xce"]),
)
def test_any_bytes_are_identified_without_an_error(data, start):
    assert identify(start + data).kind


def test_a_regular_file_is_read(tmp_path):
    path = tmp_path / "Größe [1].pem"
    path.write_bytes(b"x" * 1024 * 1024)
    assert read_file(path) == b"x" * 1024 * 1024
    link = tmp_path / "link"
    link.symlink_to(path)
    assert len(read_file(str(link))) == 1024 * 1024


def test_what_is_no_readable_file_is_refused_at_once(tmp_path):
    fifo, empty, large, loop, bound = (tmp_path / name for name in ("fifo", "empty", "large", "loop", "socket"))
    os.mkfifo(fifo)
    empty.touch()
    large.write_bytes(b"x" * (1024 * 1024 + 1))
    loop.symlink_to(loop)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(bound))
        for path, reason in (
            (fifo, "a pipe"),
            (tmp_path, "a folder"),
            ("/dev/zero", "device"),
            (empty, "empty"),
            (large, "larger than 1 MiB"),
            (loop, "symbolic links"),
            (bound, "No such device"),
            (tmp_path / "none", "No such file"),
            ("a\0b", "no path has"),
        ):
            with pytest.raises(BadInput, match=reason) as caught:
                read_file(path, field="csr")
            assert caught.value.field == "csr"


def test_a_file_without_the_right_to_read_it_is_refused(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"x")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything: no file is without the right to read it")
    with pytest.raises(BadInput, match="Permission denied"):
        read_file(path)
