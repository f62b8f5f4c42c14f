"""What somebody else changed in SCM, noted in the transaction that takes it in.

Each thing has one open change of a kind: a later look tells how it ended, and keeps how it began. What we did ourselves
is no change: our requests are intents, our revocations rows of their own.

    told       an order as a change shows in it, and in words
    ours       what we asked for ourselves
    noticing   orders held against what was known of them
    book       the changes that were noted
"""

from kmptui.store.changes.book import acknowledge, note_profiles, open_counts, retract, rows
from kmptui.store.changes.noticing import looked, looked_at, note_orders
from kmptui.store.changes.told import Told, differs

__all__ = [
    "Told", "acknowledge", "differs", "looked", "looked_at", "note_orders", "note_profiles", "open_counts", "retract",
    "rows",
]  # fmt: skip
