"""`kmptui find FILE`: which order is this certificate, CSR or key?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from kmptui.cli import exit_codes, output
from kmptui.cli.options import as_json, small_file
from kmptui.cli.session import engine
from kmptui.errors import BadInput

if TYPE_CHECKING:
    from kmptui.services.workspace import Workspace

MOST = 1024 * 1024


@click.command()
@click.argument("file", metavar="FILE|-")
@as_json
@engine()
async def find(workspace: Workspace, file: str, json: bool) -> int:
    """Which order or certificate is this file? Certificates, CSRs, keys, keystores; - reads standard input."""
    if file == "-":
        data = sys.stdin.buffer.read(MOST + 1)
        if not data or len(data) > MOST:
            raise BadInput("file", "Standard input is empty or larger than 1 MiB")
    else:
        data = small_file(file, "file")
    matches = await workspace.repository.find(data)
    if json:
        output.value(
            [
                {"kind": m.kind, "words": m.words, "order_id": m.order_id, "certificate_id": m.certificate_id}
                for m in matches
            ]
        )
    else:
        for match in matches:
            output.line(match.words)
    known = any(m.order_id is not None or m.certificate_id is not None for m in matches)
    return exit_codes.FINE if known else exit_codes.FAILURE
