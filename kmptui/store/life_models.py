"""The tables of what happens to certificates after they were ordered, as `kmptui.store.models` declares the others."""

from __future__ import annotations

import peewee

from kmptui.store.columns import CleanField, MomentField

TextField = peewee.TextField
IntegerField = peewee.IntegerField
BooleanField = peewee.BooleanField


class RenewalRule(peewee.Model):
    """`kind` is organization, profile or name, `value` what it must be, or match; `exclude`: an exception."""

    id = peewee.AutoField()
    kind = TextField()
    value = CleanField()
    exclude = BooleanField()
    created = MomentField()

    class Meta:
        table_name = "renewal_rules"


class RenewalTry(peewee.Model):
    """Why the renewal of an order did not come about, and when it is tried again."""

    order_id = IntegerField(primary_key=True)
    tries = IntegerField()
    kind = TextField()
    cause = CleanField()
    cure = CleanField()
    code = IntegerField(null=True)
    last = MomentField()
    again = MomentField()

    class Meta:
        table_name = "renewal_tries"


class RevocationRow(peewee.Model):
    """A revocation and its proof: `confirmed` when SCM said so, `listed` when the CRL at `crl_url` had the serial. The
    CRL is signed by the issuer with the SHA-256 `issuer` (hex, "" where it is not known); after `ends`, when the
    certificate expires, CRLs need not list it. `again` "": it is not looked up any more."""

    id = peewee.AutoField()
    certificate_id = IntegerField(null=True)
    order_id = IntegerField(null=True)
    serial = CleanField()
    common_name = CleanField()
    reason_code = IntegerField()
    reason = CleanField()
    asked = MomentField()
    confirmed = MomentField(null=True)
    crl_url = CleanField()
    issuer = TextField()
    ends = MomentField(null=True)
    listed = MomentField(null=True)
    tries = IntegerField()
    again = TextField()
    problem = CleanField()

    class Meta:
        table_name = "revocations"


class ChangeRow(peewee.Model):
    """What somebody else did in SCM: `kind` is new, revoked, reissued, renewed, vanished or changed; `seen` once a
    person has acknowledged it."""

    id = peewee.AutoField()
    at = MomentField()
    topic = TextField()
    kind = TextField()
    subject = CleanField()
    order_id = IntegerField(null=True)
    row_id = IntegerField(null=True)
    before = CleanField()
    after = CleanField()
    seen = MomentField(null=True)

    class Meta:
        table_name = "changes"
