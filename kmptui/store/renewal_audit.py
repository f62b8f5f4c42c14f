"""Who renewed what, when and why: one line for each attempt, of the record's rows and what the ledger knows.

An attempt begins with a row of the record: the intent of a request to renew or reissue, or the word of a try that came
to none. The intent of such a row is the one that was prepared for its order at its moment. The outcomes of a request
are the rows of its order behind it, up to the order's next request: an order has one open request at a time. What the
schedule notes right after a request was refused or not sent tells of that request, and is no attempt of its own.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from kmptui.domain.audit import OUTCOMES, RenewalLine, RenewalSums
from kmptui.domain.order import CLOSED_STATUSES
from kmptui.store.columns import day_of, moment_text, names_of, pairs_of
from kmptui.store.db import Db

WHY, AGAIN, KIND = "why", "again", "kind"
"""Details of rows that these lines read: why it was due, when it is tried again, the kind of trouble."""
ASKED = "asked for"
"""Why a request was made that tells no reason: the schedule always tells one."""
_FOR_A_WHILE = ("unreachable", "temporary")
"""Kinds of trouble that pass by themselves."""
RIGHT_AFTER = "-60 seconds"

_ACTS = "('renew', 'reissue')"
_BEGINS = f"a.action IN {_ACTS} AND (a.phase = 'intent' OR a.outcome IN ('blocked', 'not renewed', 'given up'))"
"""The schema's index audit_attempts has the same tests: SQLite uses it where they stand in a query."""
_CLOSED = ", ".join(f"'{status}'" for status in sorted(CLOSED_STATUSES - {"expired", "replaced"}))
_STATE = f"""CASE
  WHEN i.state IN ('prepared', 'sent') THEN 'under way'
  WHEN i.state = 'draft' THEN 'not sent'
  WHEN i.state <> 'accepted' THEN i.state
  WHEN i.act = 'renew' AND EXISTS (SELECT 1 FROM certificates c WHERE c.order_id = i.order_id) THEN 'renewed'
  WHEN i.act = 'reissue' AND EXISTS (SELECT 1 FROM certificates c WHERE c.order_id = i.order_id AND c.spki = i.spki
    AND c.added >= i.prepared) THEN 'reissued'
  WHEN lower(n.status) IN ({_CLOSED}) THEN 'failed'
  ELSE 'pending' END"""  # noqa: S608 - constants
"""What became of the request `i` of the order `n`."""

_OF_A_REQUEST = f"""(a.outcome IN ('not renewed', 'given up') AND EXISTS (SELECT 1 FROM audit r
  WHERE r.order_id IN (a.order_id, (SELECT next_id FROM orders WHERE id = a.order_id)) AND r.action = a.action
  AND r.seq < a.seq AND r.actor = a.actor AND r.outcome IN ('refused', 'not sent', 'blocked')
  AND r.at >= strftime('%Y-%m-%dT%H:%M:%f', a.at, '{RIGHT_AFTER}')))"""  # noqa: S608 - constants
"""Whether a note of the schedule tells of an attempt that another row tells of."""
_KINDS = " OR ".join(f'instr(a.details, \'["{KIND}","{kind}"]\')' for kind in _FOR_A_WHILE)
_NOTED = f"CASE WHEN a.outcome = 'given up' THEN 'failed' WHEN {_KINDS} THEN 'deferred' ELSE 'blocked' END"
"""What became of a try that came to no request."""

ATTEMPTS = f"""(SELECT a.*, i.id AS intent, i.spki AS spki, i.prepared AS prepared,
  ifnull(i.names, n.names) AS names, n.lineage AS lineage, n.problem AS problem,
  CASE WHEN i.id IS NOT NULL THEN {_STATE} WHEN a.phase = 'intent' THEN '' ELSE {_NOTED} END AS became,
  CASE WHEN i.id IS NOT NULL THEN n.ssl_id END AS ssl_id, n.serial AS serial, n.expires AS expires,
  o.id AS old_id, ifnull(i.target_ssl_id, o.ssl_id) AS old_ssl_id, o.serial AS old_serial, o.expires AS old_expires,
  o.next_id AS next_id
  FROM audit a
  LEFT JOIN intents i ON a.phase = 'intent' AND i.order_id = a.order_id AND i.prepared = a.at AND i.act = a.action
  LEFT JOIN orders n ON n.id = a.order_id
  LEFT JOIN orders o ON o.id = CASE WHEN i.act = 'renew' THEN n.previous_id ELSE a.order_id END
  WHERE {_BEGINS} AND NOT {_OF_A_REQUEST})"""  # noqa: S608 - constants
"""The lines as a table: the row that each began with, and what stands in the ledger beside it."""
OUTCOME = "a.became"

_ENDED = """(SELECT b.reason FROM audit b WHERE b.order_id = a.order_id AND b.action = a.action AND b.phase = 'outcome'
  AND b.seq > a.seq AND b.outcome NOT IN ('blocked', 'not renewed', 'given up') AND b.seq < ifnull((SELECT min(c.seq)
  FROM audit c WHERE c.order_id = a.order_id AND c.action = a.action AND c.phase = 'intent' AND c.seq > a.seq),
  9223372036854775807) ORDER BY b.seq DESC LIMIT 1)"""
"""The reason that the last outcome of the request was recorded with."""
_FACTS = "SELECT c.id || ' ' || c.serial || ' ' || c.not_after FROM certificates c WHERE c.order_id ="
_OLD = f"({_FACTS} a.old_id AND c.added < a.at ORDER BY c.not_before DESC, c.id DESC LIMIT 1)"
_NEW = (
    f"({_FACTS} a.order_id AND a.intent IS NOT NULL AND c.added >= a.prepared AND (c.spki = a.spki OR"
    " a.action = 'renew') ORDER BY c.id LIMIT 1)"
)
_AGAIN = f"""(SELECT t.again FROM renewal_tries t WHERE t.order_id = a.old_id AND a.action = 'renew' AND a.seq =
  (SELECT max(b.seq) FROM audit b WHERE b.order_id IN (a.old_id, a.next_id)
   AND {_BEGINS.replace("a.", "b.")} AND NOT {_OF_A_REQUEST.replace("a.", "b.")}))"""  # noqa: S608
"""When the schedule tries again: told by the newest attempt of the order alone."""
COLUMNS = (
    "a.seq, a.at, a.action, a.subject, a.names, a.actor, a.account, a.reason, a.details, a.intent, a.order_id,"
    f" a.became, a.problem, {_ENDED}, a.old_id, a.old_ssl_id, a.old_serial, a.old_expires, {_OLD}, a.ssl_id, a.serial,"
    f" a.expires, {_NEW}, {_AGAIN}"
)
"""What `row_of` reads, from `ATTEMPTS a`."""


def row_of(row: tuple[Any, ...]) -> RenewalLine:
    """A line from its COLUMNS."""
    seq, at, action, subject, names, actor, account, reason, details, intent, order_id, *rest = row
    outcome, problem, ended, old_id, old_ssl_id, old_serial, old_expires, old, ssl_id, serial, expires, new, again = (
        rest
    )
    told = dict(pairs_of(details))
    replaced, came = _certificate(old), _certificate(new)
    known = names_of(names or "") or (subject,)
    anew = intent is not None and action == "renew"  # else SCM's word on the order is of the old certificate
    if replaced is None and not (action == "reissue" and came is not None):
        replaced = None, old_serial or "", day_of(old_expires)
    if came is None and anew:
        came = None, serial or "", day_of(expires)
    return RenewalLine(
        seq=seq,
        at=datetime.fromisoformat(at),
        action=action,
        common_name=known[0],
        names=known,
        actor=actor,
        account=account,
        why=told.get(WHY, "") or ("" if intent is None else reason or ASKED),
        outcome=outcome or "unknown",
        cause=_cause(outcome, reason if intent is None else ended, problem),
        next_try=None if outcome in _DONE else _moment(again or told.get(AGAIN, "")),
        old_order_id=old_id,
        old_ssl_id=old_ssl_id,
        old_serial=replaced[1] if replaced else "",
        old_expires=replaced[2] if replaced else None,
        order_id=order_id if intent is not None else None,
        ssl_id=ssl_id,
        serial=came[1] if came else "",
        expires=came[2] if came else None,
        certificate_id=came[0] if came else None,
    )


_DONE = frozenset({"renewed", "reissued", "pending"})


def _cause(outcome: str, ended: str | None, problem: str | None) -> str:
    """What the record says, and of an order that SCM has what stands with the order."""
    if outcome in {"renewed", "reissued"}:
        return ""
    return (problem if outcome in {"pending", "failed"} else "") or ("" if outcome == "pending" else ended or "")


def _certificate(facts: str | None) -> tuple[int | None, str, date | None] | None:
    if not facts:
        return None
    number, rest = facts.split(" ", 1)
    serial, ends = rest.rsplit(" ", 1)  # whatever stands between
    return int(number), serial, datetime.fromisoformat(ends).date()


def _moment(text: str) -> datetime | None:
    """From a column, or from words for people: `2026-11-24 03:12 UTC`, or "never"."""
    try:
        at = datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def sums(db: Db, start: datetime | None, end: datetime | None) -> RenewalSums:
    """Attempts with start ≤ their moment < end, counted from the ledger, and from the record where there was no
    request."""
    asked = moment_text(start) if start else "", moment_text(end) if end else "~"
    outcomes: dict[str, int] = {}
    states: dict[str, int] = {}
    for state, outcome, count in db.rows(
        f"SELECT i.state, {_STATE} AS became, count(*) FROM intents i JOIN orders n ON n.id = i.order_id"  # noqa: S608
        f" WHERE i.act IN {_ACTS} AND i.prepared >= ? AND i.prepared < ? GROUP BY 1, 2",
        asked,
    ):
        states[state] = states.get(state, 0) + count
        outcomes[outcome] = outcomes.get(outcome, 0) + count
    for outcome, count in db.rows(
        f"SELECT {_NOTED}, count(*) FROM audit a WHERE {_BEGINS} AND NOT {_OF_A_REQUEST}"  # noqa: S608
        " AND a.phase <> 'intent' AND a.at >= ? AND a.at < ? GROUP BY 1",
        asked,
    ):
        outcomes[outcome] = outcomes.get(outcome, 0) + count
    in_order = {
        word: outcomes[word] for word in (*OUTCOMES, *sorted(outcomes.keys() - set(OUTCOMES))) if word in outcomes
    }
    return RenewalSums(sum(outcomes.values()), in_order, states)
