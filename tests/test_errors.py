"""Every error is one plain sentence, and the tree in the docstring is the tree of the classes."""

from __future__ import annotations

import inspect
import re

import pytest

from kmptui import errors
from kmptui.errors import BadInput, Finding, KmptuiError, PreflightFailed, ScmRefused, Unavailable, WrongLogin

CLASSES = {name: kind for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, KmptuiError)}


def _drawn() -> dict[str, str]:
    """Each class in the docstring's drawing, with the class it hangs from."""
    parents: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^( {4}[│ ├└─]*)([A-Z]\w+)(?:  |$)", line)
        if found is None:
            continue
        depth, name = len(found[1]), found[2]
        while path and path[-1][0] >= depth:
            path.pop()
        if path:
            parents[name] = path[-1][1]
        path.append((depth, name))
    return parents


def test_the_drawn_tree_is_the_real_one():
    real = {name: kind.__mro__[1].__name__ for name, kind in CLASSES.items() if kind is not KmptuiError}
    assert _drawn() == real


@pytest.mark.parametrize("kind", CLASSES.values(), ids=CLASSES)
def test_every_error_is_one_sentence_with_a_cure_or_none(kind):
    required = [
        p.name
        for p in inspect.signature(kind).parameters.values()
        if p.default is p.empty and p.kind is not p.VAR_POSITIONAL
    ]
    given = {"what": "It went wrong", "field": "names", "code": -16, "text": "Unknown user", "findings": ()}
    error = kind(**{name: given[name] for name in required}) if required else kind()
    assert str(error)
    assert str(error).isprintable()
    assert error.what in str(error)
    assert error.cure in str(error)
    assert error.cure == kind.default_cure
    assert not str(error).endswith(".")
    assert inspect.getdoc(kind)


def test_what_why_and_cure_make_the_sentence():
    error = KmptuiError("The store is full", why="no space left on device", cure="Make room")
    assert str(error) == "The store is full: no space left on device. Make room"
    assert str(KmptuiError("The store is full")) == "The store is full"
    assert error.args == ("The store is full",)


def test_scm_s_code_and_text_stand_at_the_end():
    error = WrongLogin("SCM refuses the login", code=-16, text="Unknown user", status=401)
    assert str(error).endswith('(SCM says -16: "Unknown user")')
    assert 'SCM says 502: "Bad Gateway"' in str(ScmRefused("No", code=None, text="Bad Gateway", status=502))
    assert (error.code, error.text, error.status) == (-16, "Unknown user", 401)


def test_findings_name_field_cause_and_cure():
    finding = Finding("term", "365 days are not offered", "Take 199")
    error = PreflightFailed([finding, Finding("names", "there is no name")])
    assert str(finding) == "term: 365 days are not offered; Take 199"
    assert str(error) == "Not sent: term: 365 days are not offered; Take 199; names: there is no name"
    assert error.findings[0] is finding


def test_what_errors_carry():
    assert BadInput("csr", "No request").field == "csr"
    assert Unavailable("Later", retry_after=2.5).retry_after == 2.5
    assert ScmRefused("No", code=-7, text="x", kind="request", field="term").field == "term"
