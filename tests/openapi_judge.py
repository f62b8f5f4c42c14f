"""The vendor's OpenAPI document as a judge from outside: every request and every answer of a test run against it.

Set ``KMPTUI_SCM_OPENAPI`` to the document's path (Admin Operations API 25.9, OpenAPI 3.1), and each exchange with a
sandbox that the fixtures of :mod:`tests.sandbox_fixtures` started is validated; a violation fails the test it happened
in. Without the variable nothing is judged, and the run says so.

What is asked of an exchange: the call is documented; what the sandbox *accepted* is valid by the request's schema and
parameters (what it refused may be as wrong as the test wanted); the answer has a documented status, and a body and
headers that are valid for it. Where the document contradicts the REST reference 25.5 or clients in the field, the
exception stands below with its reason.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from kmptui.sandbox.server import Exchange

VARIABLE = "KMPTUI_SCM_OPENAPI"
_DOCUMENT = "urn:scm:openapi"

UNDOCUMENTED: list[tuple[str, str]] = [
    (r"HEAD /api/ssl/v[12]", "25.5 'Count SSL certificates'; 25.9 lists GET alone"),
    (r"GET /api/ssl/v[12]/collect/\d+/\w+", "the older collect path, which most clients in the field still use"),
    (r"GET /api/ssl/v[12]/keystore/\d+/\w+", "25.5 has GET beside POST"),
    (r"\w+ /api/dcv/v1/.*", "25.5 has version 1 of DCV, 25.9 version 2 alone; clients in the field use 1"),
    (r"GET /api/domain/v1/count", "25.5 'Count domains'"),
    (r"\w+ /api/admin/v1/\d+", "25.5 'Get, update, delete administrator'"),
    (r"GET /api/admin/v1/idp", "25.5 'List identity providers'"),
    (r"POST /api/report/v1/(client|device)-certificates", "25.5 reports of other certificate types"),
]
"""Calls that the document does not know, as patterns of ``METHOD path``, with the reason why they are served."""

EXTRA_PARAMETERS: dict[str, str] = {
    "dateFormat": "25.5 'Date formatting': every call takes it",
    "output_type": "25.5: reports take it; 25.9 too, but not on all",
}
"""Query parameters that the document does not list."""


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _texts_for_numbers(*names: str) -> Callable[[Any], Any]:
    def change(body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        return {n: str(v) if n in names and isinstance(v, int) else v for n, v in body.items()}

    return change


def _dcv_words(body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    words = {name: body[name].replace("_", " ").capitalize() for name in ("status", "orderStatus") if name in body}
    return body | words


REQUEST_EXCEPTIONS: list[tuple[str, str, Callable[[Any], Any]]] = [
    (r".*", "25.5's own examples and clients in the field send null for a member without value", _without_nulls),
    (
        r"POST /api/report/v1/ssl-certificates",
        "25.5 and clients in the field send choices as numbers, 25.9 has them as text",
        _texts_for_numbers("certificateStatus", "certificateDateAttribute", "certificateRequestSource"),
    ),
    (
        r"POST /api/ssl/v[12]/revoke/.*",
        "25.5's example sends the reason code as a number, 25.9 has it as text",
        _texts_for_numbers("reasonCode"),
    ),
    (
        r"POST /api/ssl/v[12]/renewById/\d+",
        'PyPI\'s cert-manager renews with the JSON text "", which SCM takes',
        lambda body: {} if body == "" else body,
    ),
]
"""(pattern of ``METHOD path``, reason, what to make of the body before it is judged)."""

RESPONSE_EXCEPTIONS: list[tuple[str, str, Callable[[Any], Any]]] = [
    (
        r"GET /api/ssl/v1/\d+/dcv",
        "25.5 answers one object, with null for dates that are not set; 25.9 has a list",
        lambda body: [_without_nulls(body)],
    ),
    (
        r"POST /api/dcv/v2/validation/status",
        "25.5 writes NOT_VALIDATED where 25.9 has 'Not validated'",
        _dcv_words,
    ),
]

EXTRA_STATUSES: list[tuple[str, str, str]] = [
    (r"GET /api/admin/v1/password", "25.5: only standard and API administrators have one, an error elsewhere", "400"),
]
"""(pattern of ``METHOD path``, reason, status that the document does not list)."""

PARAMETER_VALUES: list[tuple[str, str, re.Pattern[str]]] = [
    ("status", "25.5 writes SAApproved, and deprecated statuses find nothing", re.compile("SAApproved|Unmanaged")),
    ("renewalStatus", "25.5 writes NOT_SCHEDULED where 25.9 has 'Not scheduled'", re.compile("[A-Z_]+")),
    ("size", "clients in the field may ask for more than a page; 25.5 caps the page", re.compile(r"\d+")),
]
"""(query parameter, reason, values that are taken though the document has others)."""


@dataclass
class Judge:
    """Collects what is wrong; ``judged`` counts the exchanges that were looked at."""

    document: dict[str, Any]
    violations: list[str] = field(default_factory=list)
    judged: int = 0

    def __post_init__(self) -> None:
        _mend(self.document)
        self._registry: Registry[Any] = Registry().with_resource(
            _DOCUMENT, Resource(contents=self.document, specification=DRAFT202012)
        )
        self._validators: dict[str, Draft202012Validator] = {}
        self._paths = [
            (re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path) + "$"), path)
            for path in sorted(self.document["paths"], key=lambda p: p.count("{"))
        ]

    def observe(self, exchange: Exchange) -> None:
        """Look at one exchange; for :attr:`kmptui.sandbox.server.SandboxConfig.observer`."""
        if not exchange.path.startswith("/api/"):
            return
        call = f"{exchange.method} {exchange.path}"
        if _first(UNDOCUMENTED, call) is not None:
            return
        self.judged += 1
        path = next((path for pattern, path in self._paths if pattern.match(exchange.path)), None)
        operation = self.document["paths"].get(path or "", {}).get(exchange.method.lower())
        refused = exchange.status is not None and exchange.status >= 400
        if path is None or operation is None:
            if not refused:
                self._blame(call, "is not documented, yet it was answered")
            return
        pointer = f"/paths/{path.replace('~', '~0').replace('/', '~1')}/{exchange.method.lower()}"
        if not refused:
            self._judge_parameters(call, operation, exchange)
            self._judge_request(call, operation, pointer, exchange)
        if exchange.status is not None and not exchange.faulty:
            self._judge_answer(call, operation, pointer, exchange)

    def _judge_parameters(self, call: str, operation: dict[str, Any], exchange: Exchange) -> None:
        known = {p["name"]: p for p in operation.get("parameters", ()) if p["in"] == "query"}
        given = parse_qsl(exchange.query, keep_blank_values=True)
        for name, value in given:
            if name in EXTRA_PARAMETERS or value == "":
                continue
            if name not in known:
                self._blame(call, f"query parameter {name!r} is not documented")
                continue
            if any(name == other and pattern.fullmatch(value) for other, _, pattern in PARAMETER_VALUES):
                continue
            schema = known[name].get("schema", {})
            typed: Any = int(value) if schema.get("type") == "integer" and value.lstrip("-").isdecimal() else value
            if schema.get("type") == "array":
                schema = {}
            for error in Draft202012Validator(schema, registry=self._registry).iter_errors(typed):
                self._blame(call, f"query parameter {name}={value!r}: {error.message}")
        for name, parameter in known.items():
            if parameter.get("required") and name not in dict(given):
                self._blame(call, f"query parameter {name!r} is missing")

    def _judge_request(self, call: str, operation: dict[str, Any], pointer: str, exchange: Exchange) -> None:
        if "requestBody" not in operation:
            return
        if not exchange.request_body.strip():
            return
        try:
            body = json.loads(exchange.request_body)
        except ValueError as error:
            self._blame(call, f"the request is no JSON: {error}")
            return
        for pattern, _, change in REQUEST_EXCEPTIONS:
            if re.fullmatch(pattern, call):
                body = change(body)
        self._validate(call, "request", f"{pointer}/requestBody/content/application~1json/schema", body)

    def _judge_answer(self, call: str, operation: dict[str, Any], pointer: str, exchange: Exchange) -> None:
        status = str(exchange.status)
        responses = operation["responses"]
        extra = any(re.fullmatch(pattern, call) and status == other for pattern, _, other in EXTRA_STATUSES)
        if status not in responses and not extra:
            self._blame(call, f"answered {status}; documented are {', '.join(responses)}")
            return
        if status >= "400":
            self._validate_error(call, exchange)
            return
        for header, _ in responses[status].get("headers", {}).items():
            if header.lower() not in exchange.response_headers:
                self._blame(call, f"answered without the header {header}")
        content = responses[status].get("content")
        if not content:
            if exchange.response_body:
                self._blame(call, f"answered {status} with a body")
            return
        if "application/json" not in content:
            return
        kind = exchange.response_headers.get("content-type", "")
        if not kind.startswith("application/json"):
            self._blame(call, f"answered with content type {kind!r}")
            return
        body = json.loads(exchange.response_body)
        exception = _first([(p, r) for p, r, _ in RESPONSE_EXCEPTIONS], call)
        if exception is not None:
            body = next(change for pattern, _, change in RESPONSE_EXCEPTIONS if re.fullmatch(pattern, call))(body)
        self._validate(call, "answer", f"{pointer}/responses/{status}/content/application~1json/schema", body)

    def _validate_error(self, call: str, exchange: Exchange) -> None:
        try:
            body = json.loads(exchange.response_body)
        except ValueError:
            self._blame(call, "refused without JSON")
            return
        self._validate(call, "refusal", "/components/schemas/ErrorResponse", body)
        if not isinstance(body, dict) or not isinstance(body.get("code"), int):
            self._blame(call, "refused without a code")

    def _validate(self, call: str, what: str, pointer: str, body: Any) -> None:
        if pointer not in self._validators:
            reference = {"$ref": f"{_DOCUMENT}#{pointer.replace('{', '%7B').replace('}', '%7D')}"}
            self._validators[pointer] = Draft202012Validator(reference, registry=self._registry)
        for error in self._validators[pointer].iter_errors(body):
            where = "/".join(map(str, error.absolute_path)) or "the whole"
            self._blame(call, f"{what}, {where}: {error.message[:300]}")

    def _blame(self, call: str, what: str) -> None:
        line = f"{call}: {what}"
        if line not in self.violations:
            self.violations.append(line)


def from_environment() -> Judge | None:
    """A judge with the document that the environment names; None without one."""
    path = os.environ.get(VARIABLE)
    return Judge(json.loads(Path(path).read_bytes())) if path else None


def _first(patterns: list[tuple[str, str]], call: str) -> str | None:
    return next((reason for pattern, reason in patterns if re.fullmatch(pattern, call)), None)


def _mend(value: Any) -> None:
    """Repair what is no valid JSON Schema, or refuses everything.

    ``"type": "enum"`` is no type; ``"pattern": "yyyy-MM-dd"`` is a date format and no regular expression; ``oneOf`` is
    used over schemas without required members, of which several always fit: any of them must.
    """
    if isinstance(value, dict):
        if value.get("type") == "enum":
            del value["type"]
        if value.get("pattern") == "yyyy-MM-dd":
            del value["pattern"]
        if "oneOf" in value:
            value["anyOf"] = value.pop("oneOf")
        for member in value.values():
            _mend(member)
    elif isinstance(value, list):
        for item in value:
            _mend(item)
