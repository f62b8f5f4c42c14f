"""Reading answers strictly where they are right, and member by member where they are not.

One decode reads a whole answer whose members all have the types of the struct. If it fails, the JSON is read anew
without types: each member that fits is kept, text and numbers are taken for each other where that loses nothing, and
the rest becomes an oddity in words. Only an answer of another overall shape is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import msgspec

S = TypeVar("S", bound=msgspec.Struct)
_NOTHING = object()
MOST_ODDITIES = 20
_BROKEN = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
Oddities = dict[int, list[str]]


class WrongShape(ValueError):
    """The answer is no JSON, or another thing than it should be; the reason is in words."""


def one(kind: type[S], body: bytes | msgspec.Raw, odd: list[str]) -> S:
    """A JSON object as a struct. Raises WrongShape where it is no object."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError:
        value = parse(body)
    except _BROKEN as error:
        raise _unreadable(body, error) from error
    if not isinstance(value, dict):
        raise WrongShape(f"it is {_words(value)} where an object should be")
    return _struct(kind, value, "", odd)


def many(kind: type[S], body: bytes) -> tuple[list[S], Oddities]:
    """A JSON list of objects as structs, and the oddities of each row by its index. A row that is no object is an empty
    struct with an oddity, so that counts stay true. Raises WrongShape where it is no list."""
    try:
        return msgspec.json.decode(body, type=list[kind]), {}  # type: ignore[valid-type]
    except msgspec.ValidationError:
        pass
    except _BROKEN as error:
        raise _unreadable(body, error) from error
    try:
        raws = msgspec.json.decode(body, type=list[msgspec.Raw])
    except msgspec.ValidationError as error:
        raise WrongShape(f"it is {_words(parse(body))} where a list should be") from error
    except RecursionError as error:
        raise _unreadable(body, error) from error
    found: list[S] = []
    oddities: Oddities = {}
    for number, raw in enumerate(raws):
        odd: list[str] = []
        try:
            found.append(one(kind, raw, odd))
        except WrongShape as error:
            found.append(kind())
            odd.append(str(error))
        if odd:
            oddities[number] = odd
    return found, oddities


def parse(body: bytes | msgspec.Raw) -> Any:
    """Any JSON. Raises WrongShape."""
    try:
        return msgspec.json.decode(body)
    except _BROKEN as error:
        raise _unreadable(body, error) from error


def _struct(kind: type[S], value: dict[str, Any], where: str, odd: list[str]) -> S:
    members: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        if field.encode_name in value:
            found = _member(field.type, value[field.encode_name], where + field.encode_name, odd)
            if found is not _NOTHING:
                members[field.name] = found
    return kind(**members)


def _member(kind: Any, value: Any, where: str, odd: list[str]) -> Any:
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError):
        pass
    for choice in get_args(kind) if get_origin(kind) in {Union, UnionType} else (kind,):
        if isinstance(value, dict) and isinstance(choice, type) and issubclass(choice, msgspec.Struct):
            return _struct(choice, value, f"{where}.", odd)
        if isinstance(value, list) and get_origin(choice) is list:
            inner = get_args(choice)[0]
            items = (_member(inner, item, f"{where}[{number}]", odd) for number, item in enumerate(value))
            return [item for item in items if item is not _NOTHING]
        if choice is not NoneType and (scalar := _scalar(choice, value)) is not _NOTHING:
            _note(odd, f"{where} is {_words(value)}")
            return scalar
    _note(odd, f"{where} is {_words(value)}")
    return _NOTHING


def _scalar(kind: Any, value: Any) -> Any:
    """A number out of text, text out of a number; nothing else."""
    if kind is str and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if kind in {int, bool} and isinstance(value, str):
        try:
            return msgspec.convert(value, kind, strict=False)
        except msgspec.ValidationError:
            return _NOTHING
    return _NOTHING


def _words(value: Any) -> str:
    names: Sequence[tuple[Any, str]] = (
        (dict, "an object"), (list, "a list"), (bool, "yes or no"), (NoneType, "null"),
    )  # fmt: skip
    known = next((words for kind, words in names if isinstance(value, kind)), None)
    if known is not None:
        return known
    text = value if isinstance(value, str) else str(value)
    cut = text[:40] + ("…" if len(text) > 40 else "")
    return f"the text {cut!r}" if isinstance(value, str) else f"the number {cut}"


def _note(odd: list[str], words: str) -> None:
    if len(odd) < MOST_ODDITIES:
        odd.append(words)
    elif len(odd) == MOST_ODDITIES:
        odd.append("and more")


def _unreadable(body: bytes | msgspec.Raw, error: Exception) -> WrongShape:
    if not bytes(body).strip():
        return WrongShape("it is empty")
    if isinstance(error, RecursionError):
        return WrongShape("it is nested too deeply")
    return WrongShape("it is no complete JSON" if "truncated" in str(error) else "it is no JSON")
