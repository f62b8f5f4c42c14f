"""The ledger: the only code that changes an order's state.

    prepared ─► sent ─► accepted | refused | unconfirmed ─► accepted | not placed
        │         └─► draft, only with proof that nothing was sent
        └─► draft ─► prepared, by a new intent (so do refused and not placed)

Each change of an intent is made under the claim on its certificate name and writes its audit row in the same
transaction. A change that the diagram does not have raises StateForbids, one under an older claim HeldElsewhere.
"""

from __future__ import annotations

from kmptui.store.ledger.changing import (
    annotate,
    certificate_added,
    certificate_removed,
    delete_here,
    reissue_overtaken,
    set_auto_renew,
    set_checked,
    set_hold,
    set_names,
    set_problem,
    set_told,
)
from kmptui.store.ledger.intents import (
    Material,
    accept,
    back_to_draft,
    mark_sent,
    not_placed,
    perhaps_sent,
    prepare,
    record_search,
    refuse,
    unconfirm,
    undo_accept,
)
from kmptui.store.ledger.lineage import rank
from kmptui.store.ledger.merging import MergeReport, merge, update_from_details
from kmptui.store.ledger.reading import (
    awaited_reissue,
    by_spki,
    find,
    highest_ssl_id,
    intent,
    intent_key,
    intent_of,
    is_successor,
    keystore_password,
    known_ssl_ids,
    lineage_of,
    open_intents,
    order,
    order_by_ssl_id,
    orders,
    sent_from_here,
    similar,
    states,
    to_check,
    with_serial,
)

__all__ = [
    "Material",
    "MergeReport",
    "accept",
    "annotate",
    "awaited_reissue",
    "back_to_draft",
    "by_spki",
    "certificate_added",
    "certificate_removed",
    "delete_here",
    "find",
    "highest_ssl_id",
    "intent",
    "intent_key",
    "intent_of",
    "is_successor",
    "keystore_password",
    "known_ssl_ids",
    "lineage_of",
    "mark_sent",
    "merge",
    "not_placed",
    "open_intents",
    "order",
    "order_by_ssl_id",
    "orders",
    "perhaps_sent",
    "prepare",
    "rank",
    "record_search",
    "refuse",
    "reissue_overtaken",
    "sent_from_here",
    "set_auto_renew",
    "set_checked",
    "set_hold",
    "set_names",
    "set_problem",
    "set_told",
    "similar",
    "states",
    "to_check",
    "unconfirm",
    "undo_accept",
    "update_from_details",
    "with_serial",
]
