"""What happens to certificates after they were ordered: rules and tries of renewals, revocations, acts under way,
changes elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kmptui.store.db import Db

TABLES = """
ALTER TABLE orders ADD COLUMN choice TEXT NOT NULL DEFAULT '';
UPDATE orders SET choice = 'on' WHERE auto_renew = 1;
ALTER TABLE orders ADD COLUMN expected TEXT NOT NULL DEFAULT '';
ALTER TABLE intents ADD COLUMN replaced TEXT NOT NULL DEFAULT '';
CREATE INDEX orders_chosen ON orders (expires, id) WHERE auto_renew = 1;
CREATE INDEX orders_followed ON orders (common_name, ssl_id) WHERE renewed = 1 OR choice <> '';

CREATE TABLE renewal_rules (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, value TEXT NOT NULL COLLATE NOCASE,
  exclude INTEGER NOT NULL DEFAULT 0, created TEXT NOT NULL, UNIQUE (kind, value, exclude)
);
CREATE TABLE renewal_tries (
  order_id INTEGER PRIMARY KEY REFERENCES orders(id), tries INTEGER NOT NULL, kind TEXT NOT NULL, cause TEXT NOT NULL,
  cure TEXT NOT NULL, code INTEGER, last TEXT NOT NULL, again TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX renewal_tries_again ON renewal_tries (again);

CREATE TABLE revocations (
  id INTEGER PRIMARY KEY AUTOINCREMENT, certificate_id INTEGER REFERENCES certificates(id),
  order_id INTEGER REFERENCES orders(id), serial TEXT NOT NULL, common_name TEXT NOT NULL COLLATE NOCASE,
  reason_code INTEGER NOT NULL, reason TEXT NOT NULL, asked TEXT NOT NULL, confirmed TEXT, crl_url TEXT NOT NULL,
  issuer TEXT NOT NULL DEFAULT '', ends TEXT, listed TEXT, tries INTEGER NOT NULL DEFAULT 0,
  again TEXT NOT NULL DEFAULT '', problem TEXT NOT NULL DEFAULT ''
);
CREATE INDEX revocations_open ON revocations (again) WHERE listed IS NULL;
CREATE INDEX revocations_serial ON revocations (serial);
CREATE TABLE acts (
  id INTEGER PRIMARY KEY AUTOINCREMENT, action TEXT NOT NULL, common_name TEXT NOT NULL COLLATE NOCASE,
  subject TEXT NOT NULL, order_id INTEGER REFERENCES orders(id), certificate_id INTEGER REFERENCES certificates(id),
  began TEXT NOT NULL
);

CREATE TABLE changes (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, topic TEXT NOT NULL, kind TEXT NOT NULL,
  subject TEXT NOT NULL COLLATE NOCASE, order_id INTEGER REFERENCES orders(id), row_id INTEGER,
  before TEXT NOT NULL, after TEXT NOT NULL, seen TEXT
);
CREATE INDEX changes_open ON changes (id) WHERE seen IS NULL;

CREATE INDEX audit_attempts ON audit (seq, at)
  WHERE action IN ('renew', 'reissue') AND (phase = 'intent' OR outcome IN ('blocked', 'not renewed', 'given up'));
"""

_UNKNOWN_KEY = (
    "WHEN NEW.{0} IS NOT NULL AND EXISTS (SELECT 1 FROM data_keys)"
    " AND NOT EXISTS (SELECT 1 FROM data_keys k WHERE k.id = substr(NEW.{0}, 2, 8))"
    " BEGIN SELECT RAISE(ABORT, 'the data key was rotated away'); END"
)
SEALED = (("account", "password"), ("keys", "sealed"), ("orders", "password"))


def apply(db: Db) -> None:
    """Add them; whatever was chosen for automatic renewal stays chosen. From now on no secret comes in that is sealed
    under a data key that a rotation has dropped: nothing could open it."""
    for statement in TABLES.split(";"):
        if statement.strip():
            db.run(statement)
    for table, column in SEALED:
        unknown = _UNKNOWN_KEY.format(column)
        db.run(f"CREATE TRIGGER {table}_new_secret BEFORE INSERT ON {table} {unknown}")
        db.run(f"CREATE TRIGGER {table}_other_secret BEFORE UPDATE OF {column} ON {table} {unknown}")
