"""The key of a renewal or a reissue: a new one, the same once more, or that of a CSR which the user brings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from textual.dom import DOMNode

from kmptui.domain.keys import KeySpec
from kmptui.domain.order import NewKey, OwnCsr
from kmptui.domain.renewable import SameKey
from kmptui.tui.dialogs.files import small_text
from kmptui.tui.widgets.fields import ChoiceField, Field, Option, RadioField, TextField

NEW, SAME, CSR = "new", "same", "csr"


def key_fields(before: KeySpec, offered: Sequence[KeySpec], *, same: bool, csr: bool = True) -> Iterator[Field]:
    """The fields: `before` is the kind that the old one has, `offered` what its profile takes; `same` and `csr`:
    whether these are possible at all."""
    ways = [Option(NEW, "new, kept here")]
    if same:
        ways.append(Option(SAME, "the same"))
    if csr:
        ways.append(Option(CSR, "CSR file"))
    yield RadioField("key", "Key", ways, NEW)
    kinds: list[Option[KeySpec | None]] = [Option(None, f"as before: {before}")]
    kinds += [Option(kind, str(kind)) for kind in offered if kind != before]
    yield KindField("key_kind", "Key type", kinds, None)
    if csr:
        yield TextField("csr", "CSR file", placeholder="/path/to/request.pem", hint="its key stays elsewhere")


class KindField(ChoiceField["KeySpec | None"]):
    """None is a choice here: the kind that the old one has."""


def chosen_key(where: DOMNode) -> NewKey | SameKey | OwnCsr | None:
    """What the fields say; None: a new key of the kind that the old one has. Raises BadInput("csr")."""
    way = _field(where, "key").value
    if way == SAME:
        return SameKey()
    if way == CSR:
        return OwnCsr(small_text(_field(where, "csr").value, "csr"))
    kind = _field(where, "key_kind").value
    return None if kind is None else NewKey(kind)


def reveal(where: DOMNode) -> None:
    """Show the field that the choice calls for; the layout keeps its height."""
    way = _field(where, "key").value
    for field in where.query(Field):
        if field.name == "key_kind":
            field.display = way != CSR
            field.disabled = way == SAME
        elif field.name == "csr":
            field.display = way == CSR


def _field(where: DOMNode, name: str) -> Any:
    return next(field for field in where.query(Field) if field.name == name)
