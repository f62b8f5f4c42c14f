"""The order form's values: pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from kmptui.domain.keys import KeySpec
from kmptui.domain.order import KeystorePassword, NewKey, OwnCsr
from kmptui.services.ordering import FormFacts
from kmptui.tui.dialogs.order import choices
from kmptui.tui.dialogs.order.values import OrderValues, from_members, from_request
from tests.tui.stage import DV, EC, LAB, OV, RSA, WEB, organizations, profiles

FACTS = FormFacts(organizations(), profiles(), (), None, None, None, datetime(2026, 11, 23, tzinfo=UTC))
FULL = OrderValues(
    names=("a.example", "b.example"), each=True, organization_id=WEB, profile_id=OV, term=199, key=EC, own_csr=False,
    keystore="jks", password_when=KeystorePassword.NOW, password="p4ssw0rd-x", password_again="p4ssw0rd-x",
    comments="Ticket 1\nand 2", requesters="a@x.example, b@x.example", custom=(("Cost centre", "0815"),),
    auto_renew=False, note="n", contact="c",
)  # fmt: skip


def test_a_draft_brings_everything_back_but_the_passwords() -> None:
    members = FULL.members()
    assert "p4ssw0rd-x" not in repr(members)
    assert from_members(members) == replace(FULL, password="", password_again="")


def test_passwords_are_in_no_repr() -> None:
    assert "p4ssw0rd-x" not in repr(FULL)
    assert "p4ssw0rd-x" not in repr(FULL.request())


@given(st.dictionaries(st.sampled_from(sorted(OrderValues().members())), st.text(max_size=60)))
def test_a_draft_of_any_content_gives_a_form(members: dict[str, str]) -> None:
    values = from_members(members)
    values.request()
    values.own_findings()


def test_pieces_that_are_no_names_survive_a_draft() -> None:
    from kmptui.domain.names import NameProblem

    values = OrderValues(names=("a.example",), problems=(NameProblem("12 more", "not read"),))
    assert from_members(values.members()).problems == values.problems


def test_the_request_is_what_was_chosen() -> None:
    request = FULL.request()
    assert request.names == ("a.example", "b.example")
    assert request.key == NewKey(EC)
    assert request.keystore_password == "p4ssw0rd-x"
    assert request.requesters == ("a@x.example", "b@x.example")
    assert request.custom_fields == (("Cost centre", "0815"),)


def test_an_own_csr_needs_no_keystore_password() -> None:
    request = replace(FULL, own_csr=True, csr="-----BEGIN CERTIFICATE REQUEST-----").request()
    assert isinstance(request.key, OwnCsr)
    assert request.keystore_password == ""
    assert request.keystore_password_when is KeystorePassword.AT_EXPORT


def test_the_form_itself_knows_what_is_wrong() -> None:
    values = replace(FULL, password_again="other", requesters="nobody", own_csr=False)
    assert [finding.field for finding in values.own_findings()] == ["keystore_password", "requesters"]
    assert [finding.field for finding in replace(FULL, own_csr=True).own_findings()] == ["csr"]


def test_an_order_like_another_takes_all_but_the_password() -> None:
    request = FULL.request()
    assert from_request(request) == replace(FULL, each=False, password="", password_again="")


def test_only_what_goes_together_is_offered() -> None:
    assert [p.id for p in choices.profiles(FACTS, LAB)] == [DV]
    assert [p.id for p in choices.profiles(FACTS, WEB)] == [OV, DV]
    assert choices.terms(choices.profile(FACTS, OV)) == (90, 199, 365)
    assert choices.keys(choices.profile(FACTS, OV)) == (RSA, KeySpec("RSA", "3072"), EC)


def test_a_choice_that_is_no_longer_offered_moves_to_one_that_is() -> None:
    values = choices.settle(replace(FULL, organization_id=LAB), FACTS, 199)
    assert (values.profile_id, values.term, values.key) == (DV, 90, RSA)
    values = choices.settle(OrderValues(organization_id=WEB, profile_id=OV), FACTS, 199)
    assert values.term == 199
