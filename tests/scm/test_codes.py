"""What SCM's codes mean, and for which calls."""

from __future__ import annotations

import pytest

from kmptui.scm import codes

KINDS = {
    "credentials", "rights", "pending", "revoked", "attention", "request", "profile", "domain", "organization", "state",
    "done", "four-eyes", "temporary",
}  # fmt: skip


@pytest.mark.parametrize("code", codes.MEANINGS)
def test_every_code_has_a_kind_and_words(code: int) -> None:
    found = codes.MEANINGS[code]
    assert found.kind in KINDS
    assert found.what[0].isupper()
    assert not found.what.endswith(".")


@pytest.mark.parametrize(
    ("code", "call", "kind"),
    [
        (-16, "enroll", "credentials"),
        (-1400, "collect", "pending"),
        (-195, "enroll", "temporary"),
        (-159, "revoke", "done"),
        (-159, "enroll", "unknown"),
        (-9, "enroll", "request"),
        (-9, "decline", "unknown"),
        (-4711, "enroll", "unknown"),
    ],
)
def test_number_and_call_are_judged_together(code: int, call: str, kind: str) -> None:
    assert codes.meaning(code, "", call).kind == kind


@pytest.mark.parametrize(
    ("code", "text", "field"),
    [
        (-1601, "Field 'externalRequester' has invalid value.", "requesters"),
        (-7, "orgId is required but missing.", "organization"),
        (-1601, "Field 'somethingNew' has invalid value.", "somethingNew"),
        (-1601, "Wildcard name is not allowed by certificate profile.", ""),
        (-36, "The validity period (term) is invalid for this certificate profile.", "term"),
        (-10, "Error while decoding CSR.", "csr"),
    ],
)
def test_the_field_to_mend_is_named_as_findings_name_it(code: int, text: str, field: str) -> None:
    assert codes.meaning(code, text, "enroll").field == field
