"""A row of the record as one line of an order's or certificate's history, in plain words."""

from __future__ import annotations

from collections.abc import Mapping

from kmptui.domain.audit import AuditRow

ACTS: Mapping[str, str] = {"order": "order", "renew": "renewal", "reissue": "reissue"}
"""What is asked of SCM, by the record's verb."""
_OUTCOMES: Mapping[str, str] = {
    "accepted": "taken by SCM",
    "refused": "refused by SCM",
    "unconfirmed": "sent, without a clear answer",
    "not placed": "not placed",
    "not sent": "not sent",
}
_DONE: Mapping[str, str] = {
    "collect": "fetched into the repository",
    "attach key": "its key attached",
    "destroy key": "its key destroyed",
    "show password": "its keystore password shown",
    "delete": "deleted here",
    "annotate": "note changed",
}


def sentence(row: AuditRow) -> str:
    """`order taken by SCM as scm:4711823`, `exported as pkcs12 to /etc/ssl/shop.p12`, `order refused by SCM: why`. What
    has no words of its own reads as it is recorded."""
    reason = f": {row.reason}" if row.reason else ""
    return _what(row, dict(row.details)) + reason


def _what(row: AuditRow, details: Mapping[str, str]) -> str:
    if row.action in ACTS:
        if row.phase == "intent":
            return f"{ACTS[row.action]} written down, to be sent"
        known = f" as scm:{details['ssl id']}" if row.outcome == "accepted" and "ssl id" in details else ""
        return f"{ACTS[row.action]} {_OUTCOMES.get(row.outcome, row.outcome)}{known}"
    if row.action == "export":
        how = f" as {details['format']}" if "format" in details else ""
        to = f" to {details['to']}" if "to" in details else ""
        return f"{'to be exported' if row.phase == 'intent' else 'exported'}{how}{to}"
    if row.action == "dcv recheck":
        said = "to be asked for" if row.phase == "intent" else _OUTCOMES.get(row.outcome, row.outcome)
        return f"another look at its DCV {said}"
    if row.outcome == "done" and row.action in _DONE:
        return _DONE[row.action]
    return f"{row.action} {row.outcome}"
