"""`kmptui auto-renewal`: renewals by schedule, and who renewed what."""

from __future__ import annotations

import click

from kmptui.cli.renewal_audit import audit


@click.group("auto-renewal")
def auto_renewal() -> None:
    """Renewals by schedule: who renewed what, when and why."""


auto_renewal.add_command(audit)
