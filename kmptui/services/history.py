"""A row of the record as one line of an order's or certificate's history, in plain words."""

from __future__ import annotations

from collections.abc import Mapping

from kmptui.domain.audit import AuditRow

ACTS: Mapping[str, str] = {
    "order": "order",
    "renew": "renewal",
    "reissue": "reissue",
    "revoke": "revocation",
    "cancel": "cancellation of the request",
    "decline": "decline of the request",
    "approve": "approval of the request",
    "edit": "change of the order in SCM",
}
"""What is asked of SCM, by the record's verb."""
_OUTCOMES: Mapping[str, str] = {
    "accepted": "taken by SCM",
    "refused": "refused by SCM",
    "unconfirmed": "sent, without a clear answer",
    "not placed": "not placed",
    "not sent": "not sent",
    "not done": "not carried out",
    "blocked": "not sent",
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
    if row.action == "revoke" and row.outcome == "done":
        return "revoked already"
    if row.action == "crl":
        return f"in the CA's list of revoked certificates{_since(details)}"
    if row.action == "auto-renewal":
        return "automatic renewal"
    if row.outcome in {"not renewed", "given up"}:
        return row.outcome
    if row.action in ACTS:
        if row.phase == "intent":
            of = f" of {details['renews']}" if "renews" in details else ""
            return f"{ACTS[row.action]}{of} written down, to be sent{_asked(row.action, details)}"
        if row.action == "reissue" and row.outcome == "accepted":
            return "reissue taken by SCM, its certificate is awaited"
        known = f" as scm:{details['ssl id']}" if row.outcome == "accepted" and "ssl id" in details else ""
        return f"{ACTS[row.action]} {_OUTCOMES.get(row.outcome, row.outcome)}{known}"
    if row.action == "collect" and row.outcome == "noted":
        return "what came differs"
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


def _asked(action: str, details: Mapping[str, str]) -> str:
    """What a person gave for a reason, where there is one."""
    if action == "revoke" and "reason code" in details:
        return f" (reason {details['reason code']}: {details.get('reason', '')})"
    return f" ({details['message']})" if details.get("message") else ""


def _since(details: Mapping[str, str]) -> str:
    """When the list says that it was revoked, and where the list is."""
    since = f" since {details['since'][:16].replace('T', ' ')} UTC" if details.get("since") else ""
    return since + (f", {details['list']}" if details.get("list") else "")
