"""The first schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kmptui.store.db import Db

REVISIONS = ("orders", "certificates", "organizations", "domains", "profiles", "audit", "account")

TABLES = """
CREATE TABLE revisions (topic TEXT PRIMARY KEY, number INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;

CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL, at TEXT) WITHOUT ROWID;

CREATE TABLE claims (
  topic TEXT PRIMARY KEY, fence INTEGER NOT NULL, holder TEXT NOT NULL, words TEXT NOT NULL, since TEXT
) WITHOUT ROWID;

CREATE TABLE slots (
  kind TEXT PRIMARY KEY, parameters TEXT NOT NULL, wrapped BLOB NOT NULL, created TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE data_keys (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, wrapped BLOB NOT NULL, created TEXT NOT NULL
);

CREATE TABLE account (
  id INTEGER PRIMARY KEY CHECK (id = 1), base_url TEXT NOT NULL, login TEXT NOT NULL, customer_uri TEXT NOT NULL,
  kind TEXT NOT NULL, linked TEXT NOT NULL, password_identity TEXT NOT NULL, password BLOB NOT NULL, mrao INTEGER,
  roles TEXT NOT NULL, password_state TEXT NOT NULL, password_expires TEXT NOT NULL, attention TEXT NOT NULL,
  ca_file TEXT NOT NULL, proxy TEXT NOT NULL
);

CREATE TABLE keys (
  id INTEGER PRIMARY KEY, spki TEXT NOT NULL UNIQUE, words TEXT NOT NULL, source TEXT NOT NULL, created TEXT NOT NULL,
  identity TEXT NOT NULL UNIQUE, sealed BLOB NOT NULL
);

CREATE TABLE orders (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  ssl_id INTEGER UNIQUE,
  common_name TEXT NOT NULL COLLATE NOCASE,
  names TEXT NOT NULL,
  names_count INTEGER NOT NULL,
  ledger TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT '',
  hold TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL,
  shelf INTEGER NOT NULL DEFAULT 0,
  organization_id INTEGER,
  organization TEXT NOT NULL DEFAULT '' COLLATE NOCASE,
  profile_id INTEGER,
  profile TEXT NOT NULL DEFAULT '' COLLATE NOCASE,
  order_number TEXT NOT NULL DEFAULT '',
  backend_id TEXT NOT NULL DEFAULT '',
  serial TEXT NOT NULL DEFAULT '',
  term INTEGER,
  key TEXT NOT NULL DEFAULT '',
  requester TEXT NOT NULL DEFAULT '',
  external_requester TEXT NOT NULL DEFAULT '',
  comments TEXT NOT NULL DEFAULT '',
  custom_fields TEXT NOT NULL DEFAULT '',
  requested TEXT NOT NULL DEFAULT '',
  approved TEXT NOT NULL DEFAULT '',
  issued TEXT NOT NULL DEFAULT '',
  declined TEXT NOT NULL DEFAULT '',
  expires TEXT NOT NULL DEFAULT '9999-12-31',
  replaced TEXT NOT NULL DEFAULT '',
  revoked TEXT NOT NULL DEFAULT '',
  renewed INTEGER,
  auto_renew_state TEXT NOT NULL DEFAULT '',
  requested_via TEXT NOT NULL DEFAULT '',
  issuer TEXT NOT NULL DEFAULT '',
  oddities TEXT NOT NULL DEFAULT '',
  certificate_id INTEGER REFERENCES certificates(id),
  keystore TEXT NOT NULL DEFAULT 'pkcs12',
  password_identity TEXT UNIQUE,
  password BLOB,
  auto_renew INTEGER NOT NULL DEFAULT 0,
  note TEXT NOT NULL DEFAULT '',
  contact TEXT NOT NULL DEFAULT '',
  origin TEXT NOT NULL,
  placed TEXT,
  checked TEXT,
  problem TEXT NOT NULL DEFAULT '',
  problem_code INTEGER,
  spki TEXT NOT NULL DEFAULT '',
  lineage INTEGER NOT NULL,
  previous_id INTEGER REFERENCES orders(id),
  next_id INTEGER REFERENCES orders(id),
  superseded INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0,
  body_tries INTEGER NOT NULL DEFAULT 0,
  body_again TEXT NOT NULL DEFAULT ''
);
CREATE INDEX orders_common_name ON orders (common_name, id, shelf, expires);
CREATE INDEX orders_state ON orders (state, id, shelf, expires);
CREATE INDEX orders_expires ON orders (expires, id, shelf, hold);
CREATE INDEX orders_requested ON orders (requested, id, shelf, expires);
CREATE INDEX orders_organization ON orders (organization, id, shelf, expires);
CREATE INDEX orders_profile ON orders (profile, id, shelf, expires);
CREATE INDEX orders_spki ON orders (spki) WHERE spki <> '';
CREATE INDEX orders_successors ON orders (lineage) WHERE previous_id IS NOT NULL;
CREATE INDEX orders_previous ON orders (previous_id) WHERE previous_id IS NOT NULL;
CREATE INDEX orders_next ON orders (next_id) WHERE next_id IS NOT NULL;
CREATE INDEX orders_certificate ON orders (certificate_id) WHERE certificate_id IS NOT NULL;
CREATE INDEX orders_limit ON orders (id) WHERE hold = 'limit';

CREATE TABLE intents (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  order_id INTEGER NOT NULL REFERENCES orders(id),
  act TEXT NOT NULL,
  state TEXT NOT NULL,
  topic TEXT NOT NULL,
  token TEXT NOT NULL,
  common_name TEXT NOT NULL,
  names TEXT NOT NULL,
  organization_id INTEGER,
  profile_id INTEGER,
  term INTEGER,
  csr TEXT NOT NULL,
  spki TEXT NOT NULL,
  request TEXT NOT NULL,
  target_ssl_id INTEGER,
  ssl_id INTEGER,
  highest_ssl_id INTEGER NOT NULL,
  prepared TEXT NOT NULL,
  sent TEXT,
  ended TEXT,
  searches INTEGER NOT NULL DEFAULT 0,
  searched TEXT
);
CREATE INDEX intents_order ON intents (order_id, id);
CREATE INDEX intents_spki ON intents (spki);
CREATE INDEX intents_open ON intents (id) WHERE state IN ('prepared', 'sent', 'unconfirmed');

CREATE TABLE certificates (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  order_id INTEGER REFERENCES orders(id),
  lineage INTEGER NOT NULL,
  serial TEXT NOT NULL,
  common_name TEXT NOT NULL COLLATE NOCASE,
  names TEXT NOT NULL,
  names_count INTEGER NOT NULL,
  not_before TEXT NOT NULL,
  not_after TEXT NOT NULL,
  issuer TEXT NOT NULL COLLATE NOCASE,
  subject TEXT NOT NULL,
  key TEXT NOT NULL,
  sha256 TEXT NOT NULL UNIQUE,
  spki TEXT NOT NULL,
  source TEXT NOT NULL,
  added TEXT NOT NULL,
  revoked TEXT,
  exported TEXT,
  superseded INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0,
  shelf INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX certificates_order ON certificates (order_id);
CREATE INDEX certificates_lineage ON certificates (lineage);
CREATE INDEX certificates_alive ON certificates (not_after, lineage) WHERE revoked IS NULL AND deleted = 0;
CREATE INDEX certificates_spki ON certificates (spki);
CREATE INDEX certificates_serial ON certificates (serial, id, shelf, not_after);
CREATE INDEX certificates_common_name ON certificates (common_name, id, shelf, not_after);
CREATE INDEX certificates_not_after ON certificates (not_after, id, shelf);
CREATE INDEX certificates_not_before ON certificates (not_before, id, shelf, not_after);
CREATE INDEX certificates_issuer ON certificates (issuer, id, shelf, not_after);

CREATE TABLE issuers (id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, der BLOB NOT NULL);
CREATE TABLE bodies (
  certificate_id INTEGER PRIMARY KEY REFERENCES certificates(id), leaf BLOB NOT NULL, chain TEXT NOT NULL
);

CREATE TABLE organizations (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, parent_id INTEGER, parent_name TEXT NOT NULL,
  title TEXT NOT NULL COLLATE NOCASE, rest_enabled INTEGER, address TEXT NOT NULL, cert_types TEXT NOT NULL,
  validations TEXT NOT NULL, present INTEGER NOT NULL, status TEXT NOT NULL, words TEXT NOT NULL
);
CREATE TABLE domains (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, state TEXT NOT NULL, delegation_status TEXT NOT NULL,
  validation_status TEXT NOT NULL, dcv_method TEXT NOT NULL, dcv_expires TEXT NOT NULL, delegations TEXT NOT NULL,
  present INTEGER NOT NULL, status TEXT NOT NULL, words TEXT NOT NULL
);
CREATE INDEX domains_name ON domains (name);
CREATE TABLE profiles (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, description TEXT NOT NULL, terms TEXT NOT NULL,
  keys TEXT NOT NULL, organizations TEXT NOT NULL, status TEXT NOT NULL, seen_terms TEXT NOT NULL,
  seen_keys TEXT NOT NULL, words TEXT NOT NULL
);
CREATE TABLE custom_fields (
  id INTEGER PRIMARY KEY, place INTEGER NOT NULL, name TEXT NOT NULL, mandatory INTEGER NOT NULL, options TEXT NOT NULL,
  active INTEGER NOT NULL
);

CREATE TABLE drafts (
  form TEXT PRIMARY KEY, members TEXT NOT NULL, saved TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE runs (
  job TEXT PRIMARY KEY, started TEXT NOT NULL, ended TEXT, done TEXT, outcome TEXT NOT NULL, words TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY, at TEXT NOT NULL, actor TEXT NOT NULL, account TEXT NOT NULL, action TEXT NOT NULL,
  phase TEXT NOT NULL, outcome TEXT NOT NULL, subject TEXT NOT NULL, order_id INTEGER, certificate_id INTEGER,
  reason TEXT NOT NULL, details TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL
);
CREATE INDEX audit_order ON audit (order_id, seq) WHERE order_id IS NOT NULL;
CREATE INDEX audit_certificate ON audit (certificate_id, seq) WHERE certificate_id IS NOT NULL;
CREATE INDEX audit_at ON audit (at);

CREATE TABLE order_words (
  id INTEGER PRIMARY KEY, names TEXT NOT NULL, rest TEXT NOT NULL, fresh INTEGER NOT NULL
);
CREATE INDEX order_words_fresh ON order_words (id) WHERE fresh = 1;
CREATE VIRTUAL TABLE order_search USING fts5(
  names, rest, content='order_words', content_rowid='id', tokenize='trigram case_sensitive 1', columnsize=0
);
CREATE TABLE certificate_words (
  id INTEGER PRIMARY KEY, names TEXT NOT NULL, rest TEXT NOT NULL, fresh INTEGER NOT NULL
);
CREATE INDEX certificate_words_fresh ON certificate_words (id) WHERE fresh = 1;
CREATE VIRTUAL TABLE certificate_search USING fts5(
  names, rest, content='certificate_words', content_rowid='id', tokenize='trigram case_sensitive 1', columnsize=0
)
"""

TRIGGERS = (
    """CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END""",
    """CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END""",
    """CREATE TRIGGER audit_has_no_gaps BEFORE INSERT ON audit
    WHEN NEW.seq IS NOT (SELECT ifnull(max(seq), 0) + 1 FROM audit)
    BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END""",
)


def apply(db: Db) -> None:
    """Make the tables, and a revision for each topic that lists follow."""
    for statement in (*TABLES.split(";"), *TRIGGERS):
        db.run(statement)
    for topic in REVISIONS:
        db.run("INSERT INTO revisions (topic) VALUES (?)", (topic,))
