"""The fields of the order form: made of values, read back into values, and moved to what is on offer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeVar

from textual.dom import DOMNode
from textual.widget import Widget

from kmptui.domain import entry
from kmptui.domain.order import KeystorePassword
from kmptui.domain.preflight import KEYSTORES
from kmptui.domain.profile import CustomField
from kmptui.services.ordering import FormFacts
from kmptui.tui.dialogs.order import choices
from kmptui.tui.dialogs.order.names_field import NamesField
from kmptui.tui.dialogs.order.names_list import Names
from kmptui.tui.dialogs.order.values import OrderValues
from kmptui.tui.widgets.fields import AreaField, CheckField, ChoiceField, Field, Option, RadioField, TextField

F = TypeVar("F", bound=Field)
KEYSTORE_WORDS = {"pkcs12": "PKCS#12", "jks": "JKS (weak, for old Java)", "pem": "PEM"}
PASSWORD_WORDS = {
    KeystorePassword.AT_EXPORT: "at export",
    KeystorePassword.NOW: "now",
    KeystorePassword.MADE: "made for me",
}


def fields(facts: FormFacts, values: OrderValues) -> Iterator[Widget]:
    """All fields, in the order of the form; which of them are seen is `reveal`'s."""
    yield NamesField(Names(values.names, values.problems))
    yield RadioField("each", "As", _as(values), values.each)
    yield ChoiceField("organization", "Organization", _organizations(facts), values.organization_id)
    yield ChoiceField("profile", "Profile", _profiles(facts, values), values.profile_id)
    yield ChoiceField("term", "Term", _terms(facts, values), values.term)
    yield RadioField(
        "own_csr", "Key", [Option(False, "new, made and kept here"), Option(True, "CSR file")], values.own_csr
    )
    yield ChoiceField("key", "Key type", _keys(facts, values), values.key)
    yield TextField("csr", "CSR file", values.csr_path, placeholder="/path/to/request.pem", id="field-csr")
    yield RadioField("keystore", "Keystore", [Option(k, KEYSTORE_WORDS[k]) for k in KEYSTORES], values.keystore)
    when = [Option(when, words) for when, words in PASSWORD_WORDS.items()]
    yield RadioField("password_when", "Its password", when, values.password_when)
    yield TextField("keystore_password", "Password", values.password, password=True, hint="8 to 64 characters")
    yield TextField("password_again", "once more", values.password_again, password=True)
    yield AreaField("comments", "Comments", values.comments, most=entry.LONGEST_COMMENTS)
    yield TextField(
        "requesters", "Requesters", values.requesters, most=entry.LONGEST_REQUESTERS, placeholder="e-mail, e-mail"
    )
    given = dict(values.custom)
    for custom in choices.custom_fields(facts):
        yield _custom(custom, given.get(custom.name, ""))
    yield CheckField("auto_renew", "Renewal", "automatic", values.auto_renew)
    yield TextField("note", "Private note", values.note, most=entry.LONGEST_NOTE, placeholder="stays here")
    yield TextField("contact", "Contact", values.contact, most=entry.LONGEST_CONTACT, placeholder="stays here")


def read(form: DOMNode, before: OrderValues) -> OrderValues:
    """The values as they stand in the fields."""
    names = form.query_one(NamesField).names
    text = {field.name: field.value for field in form.query(TextField)}
    picked: dict[str, Any] = {field.name: field.value for field in form.query(ChoiceField)}
    chosen: dict[str, Any] = {field.name: field.value for field in form.query(RadioField)}
    custom = [(name, value or "") for name, value in (*text.items(), *picked.items()) if name.startswith("custom:")]
    return replace(
        before,
        names=names.names,
        problems=names.problems,
        each=chosen["each"],
        organization_id=picked["organization"],
        profile_id=picked["profile"],
        term=picked["term"],
        key=picked["key"] or before.key,
        own_csr=chosen["own_csr"],
        csr_path=text["csr"],
        csr=before.csr if text["csr"] == before.csr_path else "",
        keystore=chosen["keystore"],
        password_when=chosen["password_when"],
        password=text["keystore_password"],
        password_again=text["password_again"],
        comments=text["comments"],
        requesters=text["requesters"],
        custom=tuple((name.removeprefix("custom:"), value) for name, value in custom if value),
        auto_renew=_field(form, "auto_renew", CheckField).value,
        note=text["note"],
        contact=text["contact"],
    )


TEXTS = {
    "csr": "csr_path", "keystore_password": "password", "password_again": "password_again", "comments": "comments",
    "requesters": "requesters", "note": "note", "contact": "contact",
}  # fmt: skip
"""The member that a field of text fills: no choice depends on these."""


def with_text(values: OrderValues, field: Field) -> OrderValues | None:
    """The values with what stands in one field of TEXTS; None for any other field, after which all are read."""
    if not isinstance(field, TextField) or (member := TEXTS.get(field.name)) is None:
        return None
    if field.value == getattr(values, member):
        return values
    changed: dict[str, Any] = {member: field.value}
    if member == "csr_path":
        changed["csr"] = ""
    return replace(values, **changed)


def offer(form: DOMNode, facts: FormFacts, values: OrderValues) -> None:
    """What the choices offer, now that others were made."""
    _field(form, "organization", ChoiceField).offer(_organizations(facts), values.organization_id)
    _field(form, "profile", ChoiceField).offer(_profiles(facts, values), values.profile_id)
    _field(form, "term", ChoiceField).offer(_terms(facts, values), values.term)
    _field(form, "key", ChoiceField).offer(_keys(facts, values), values.key)
    each = _field(form, "each", RadioField)
    each.options = tuple(_as(values))
    each.control.refresh()


def write(form: DOMNode, facts: FormFacts, values: OrderValues) -> None:
    """Put values into the fields."""
    form.query_one(NamesField).offer(Names(values.names, values.problems))
    texts = {
        "csr": values.csr_path, "keystore_password": values.password, "password_again": values.password_again,
        "comments": values.comments, "requesters": values.requesters, "note": values.note, "contact": values.contact,
        **{f"custom:{name}": value for name, value in values.custom},
    }  # fmt: skip
    for field in form.query(TextField):
        field.value = texts.get(field.name, "")
    for picked in form.query(ChoiceField):
        if picked.name.startswith("custom:"):
            picked.offer(picked.options, texts.get(picked.name))
    radios: dict[str, object] = {
        "each": values.each, "own_csr": values.own_csr, "keystore": values.keystore,
        "password_when": values.password_when,
    }  # fmt: skip
    for radio in form.query(RadioField):
        radio.value = radios[radio.name]
        radio.control.refresh()
    tick = _field(form, "auto_renew", CheckField)
    tick.value = values.auto_renew
    tick.control.refresh()
    offer(form, facts, values)


def reveal(form: DOMNode, values: OrderValues) -> None:
    """Show the fields that the choices call for."""
    now = values.password_when is KeystorePassword.NOW and not values.own_csr
    seen = {
        "key": not values.own_csr,
        "csr": values.own_csr,
        "keystore": not values.own_csr,
        "password_when": not values.own_csr,
        "keystore_password": now,
        "password_again": now,
    }
    for field in form.query(Field):
        if field.name in seen:
            field.display = seen[field.name]


def _field(form: DOMNode, name: str, kind: type[F]) -> F:
    return next(field for field in form.query(kind) if field.name == name)


def _as(values: OrderValues) -> list[Option[bool]]:
    count = len(values.names)
    one = f"one certificate, {count:,} names" if count > 1 else "one certificate"
    return [Option(False, one), Option(True, f"{count:,} certificates" if count > 1 else "one for each name")]


def _organizations(facts: FormFacts) -> list[Option[int]]:
    return [Option(o.id, o.title) for o in choices.organizations(facts)]


def _profiles(facts: FormFacts, values: OrderValues) -> list[Option[int]]:
    return [Option(p.id, p.name) for p in choices.profiles(facts, values.organization_id)]


def _terms(facts: FormFacts, values: OrderValues) -> list[Option[int]]:
    return [Option(t, f"{t:,} days") for t in choices.terms(choices.profile(facts, values.profile_id))]


def _keys(facts: FormFacts, values: OrderValues) -> list[Option[Any]]:
    return [Option(key, str(key)) for key in choices.keys(choices.profile(facts, values.profile_id))]


def _custom(custom: CustomField, value: str) -> Field:
    label = f"{custom.name} *" if custom.mandatory else custom.name
    name = f"custom:{custom.name}"
    hint = "required" if custom.mandatory else "custom field"
    if not custom.options:
        return TextField(name, label, value, hint=hint, id=f"field-custom-{custom.id}")
    options = [Option(option, option) for option in custom.options]
    if not custom.mandatory:
        options.insert(0, Option("", "(none)"))
    return ChoiceField(name, label, options, value or None, hint=hint, id=f"field-custom-{custom.id}")
