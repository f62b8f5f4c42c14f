"""The tables of the newest schema, for Peewee. Declared without a database: every query is run with an explicit one.

The schema itself, with its indexes and triggers, is made by `kmptui.store.migrations`.
"""

from __future__ import annotations

import peewee

from kmptui.store.columns import (
    CleanField,
    DayField,
    ExpiryField,
    MomentField,
    NamesField,
    PairsField,
    TextsField,
)
from kmptui.store.life_models import ChangeRow, RenewalRule, RenewalTry, RevocationRow

TextField = peewee.TextField
IntegerField = peewee.IntegerField
BooleanField = peewee.BooleanField
BlobField = peewee.BlobField


class Fact(peewee.Model):
    name = TextField(primary_key=True)
    value = CleanField()
    at = MomentField(null=True)

    class Meta:
        table_name = "facts"


class ClaimRow(peewee.Model):
    topic = TextField(primary_key=True)
    fence = IntegerField()
    holder = TextField()
    words = CleanField()
    since = MomentField(null=True)

    class Meta:
        table_name = "claims"


class SlotRow(peewee.Model):
    kind = TextField(primary_key=True)
    parameters = TextField()
    wrapped = BlobField()
    created = MomentField()

    class Meta:
        table_name = "slots"


class DataKeyRow(peewee.Model):
    number = peewee.AutoField()
    id = BlobField()
    wrapped = BlobField()
    created = MomentField()

    class Meta:
        table_name = "data_keys"


class AccountRow(peewee.Model):
    id = IntegerField(primary_key=True)
    base_url = CleanField()
    login = CleanField()
    customer_uri = CleanField()
    kind = TextField()
    linked = MomentField()
    password_identity = TextField()
    password = BlobField()
    mrao = BooleanField(null=True)
    roles = TextsField()
    password_state = CleanField()
    password_expires = DayField()
    attention = CleanField()
    ca_file = CleanField()
    proxy = CleanField()

    class Meta:
        table_name = "account"


class KeyRow(peewee.Model):
    id = peewee.AutoField()
    spki = TextField()
    words = TextField()
    source = TextField()
    created = MomentField()
    identity = TextField()
    sealed = BlobField()

    class Meta:
        table_name = "keys"


class OrderRecord(peewee.Model):
    """`state` is the word that lists show and `shelf` where the row stands (0 current, 1 past, 2 deleted): both follow
    from other columns and are kept by kmptui.store.ledger for the indexes' sake. `lineage` is the first order of a row
    of renewals; `body_tries` and `body_again` tell of failed fetches; `choice` is a person's for automatic renewal: on,
    off, or "" where the rules decide, and `auto_renew` what comes of both; `expected` is the day on which a renewal was
    expected to end."""

    id = peewee.AutoField()
    ssl_id = IntegerField(null=True)
    common_name = CleanField()
    names = NamesField()
    names_count = IntegerField()
    ledger = TextField()
    status = CleanField()
    hold = TextField()
    state = CleanField()
    shelf = IntegerField()
    organization_id = IntegerField(null=True)
    organization = CleanField()
    profile_id = IntegerField(null=True)
    profile = CleanField()
    order_number = CleanField()
    backend_id = CleanField()
    serial = CleanField()
    term = IntegerField(null=True)
    key = CleanField()
    requester = CleanField()
    external_requester = CleanField()
    comments = CleanField()
    custom_fields = PairsField()
    requested = DayField()
    approved = DayField()
    issued = DayField()
    declined = DayField()
    expires = ExpiryField()
    replaced = DayField()
    revoked = DayField()
    renewed = BooleanField(null=True)
    auto_renew_state = CleanField()
    requested_via = CleanField()
    issuer = CleanField()
    oddities = TextsField()
    certificate_id = IntegerField(null=True)
    keystore = TextField()
    password_identity = TextField(null=True)
    password = BlobField(null=True)
    auto_renew = BooleanField()
    note = CleanField()
    contact = CleanField()
    origin = TextField()
    placed = MomentField(null=True)
    checked = MomentField(null=True)
    problem = CleanField()
    problem_code = IntegerField(null=True)
    spki = TextField()
    lineage = IntegerField()
    previous_id = IntegerField(null=True)
    next_id = IntegerField(null=True)
    superseded = BooleanField()
    deleted = BooleanField()
    body_tries = IntegerField()
    body_again = TextField()
    choice = TextField()
    expected = DayField()

    class Meta:
        table_name = "orders"


class IntentRow(peewee.Model):
    id = peewee.AutoField()
    order_id = IntegerField()
    act = TextField()
    state = TextField()
    topic = TextField()
    token = TextField()
    common_name = CleanField()
    names = NamesField()
    organization_id = IntegerField(null=True)
    profile_id = IntegerField(null=True)
    term = IntegerField(null=True)
    csr = TextField()
    spki = TextField()
    request = PairsField()
    target_ssl_id = IntegerField(null=True)
    ssl_id = IntegerField(null=True)
    highest_ssl_id = IntegerField()
    prepared = MomentField()
    sent = MomentField(null=True)
    ended = MomentField(null=True)
    searches = IntegerField()
    searched = MomentField(null=True)
    replaced = DayField()

    class Meta:
        table_name = "intents"


class CertificateRecord(peewee.Model):
    """`shelf`: 0 current, 1 superseded, 2 deleted."""

    id = peewee.AutoField()
    order_id = IntegerField(null=True)
    lineage = IntegerField()
    serial = CleanField()
    common_name = CleanField()
    names = NamesField()
    names_count = IntegerField()
    not_before = MomentField()
    not_after = MomentField()
    issuer = CleanField()
    subject = CleanField()
    key = TextField()
    sha256 = TextField()
    spki = TextField()
    source = TextField()
    added = MomentField()
    revoked = MomentField(null=True)
    exported = MomentField(null=True)
    superseded = BooleanField()
    deleted = BooleanField()
    shelf = IntegerField()

    class Meta:
        table_name = "certificates"


class Issuer(peewee.Model):
    """A certificate of a chain, once, however many chains hold it."""

    id = peewee.AutoField()
    sha256 = TextField()
    der = BlobField()

    class Meta:
        table_name = "issuers"


class Body(peewee.Model):
    """A certificate's DER; `chain` is a JSON list of ids of issuers, in order."""

    certificate_id = IntegerField(primary_key=True)
    leaf = BlobField()
    chain = TextField()

    class Meta:
        table_name = "bodies"


class MirrorRow(peewee.Model):
    """What SCM lists: rows under its own ids."""

    id = IntegerField(primary_key=True)


class OrganizationRow(MirrorRow):
    name = CleanField()
    parent_id = IntegerField(null=True)
    parent_name = CleanField()
    title = CleanField()
    rest_enabled = BooleanField(null=True)
    address = CleanField()
    cert_types = TextsField()
    validations = TextField()
    present = BooleanField()
    status = TextField()
    words = CleanField()

    class Meta:
        table_name = "organizations"


class DomainRow(MirrorRow):
    """`status` is the status on a day before all ends: what the day makes of it is found when it is read."""

    name = CleanField()
    state = CleanField()
    delegation_status = CleanField()
    validation_status = CleanField()
    dcv_method = CleanField()
    dcv_expires = DayField()
    delegations = TextField()
    present = BooleanField()
    status = TextField()
    words = CleanField()

    class Meta:
        table_name = "domains"


class ProfileRow(MirrorRow):
    """`seen_terms` and `seen_keys` are those that a person has acknowledged."""

    name = CleanField()
    description = CleanField()
    terms = TextField()
    keys = TextField()
    organizations = TextField()
    status = TextField()
    seen_terms = TextField()
    seen_keys = TextField()
    words = CleanField()

    class Meta:
        table_name = "profiles"


class CustomFieldRow(MirrorRow):
    place = IntegerField()
    name = CleanField()
    mandatory = BooleanField()
    options = TextsField()
    active = BooleanField()

    class Meta:
        table_name = "custom_fields"


class DraftRow(peewee.Model):
    form = TextField(primary_key=True)
    members = PairsField()
    saved = MomentField()

    class Meta:
        table_name = "drafts"


class RunRow(peewee.Model):
    job = TextField(primary_key=True)
    started = MomentField()
    ended = MomentField(null=True)
    done = MomentField(null=True)
    outcome = TextField()
    words = CleanField()

    class Meta:
        table_name = "runs"


class AuditRecord(peewee.Model):
    """`at` and `details` stand as the text that the hash covers."""

    seq = IntegerField(primary_key=True)
    at = TextField()
    actor = TextField()
    account = TextField()
    action = TextField()
    phase = TextField()
    outcome = TextField()
    subject = TextField()
    order_id = IntegerField(null=True)
    certificate_id = IntegerField(null=True)
    reason = TextField()
    details = TextField()
    previous = TextField()
    hash = TextField()

    class Meta:
        table_name = "audit"


TABLES = (
    Fact, ClaimRow, SlotRow, DataKeyRow, AccountRow, KeyRow, OrderRecord, IntentRow, CertificateRecord, Issuer, Body,
    OrganizationRow, DomainRow, ProfileRow, CustomFieldRow, DraftRow, RunRow, RenewalRule, RenewalTry, RevocationRow,
    ChangeRow, AuditRecord,
)  # fmt: skip
"""All of them; the search tables are reached by SQL only."""
