"""`kmptui completion`: what the shell sources to complete commands and options."""

from __future__ import annotations

import click

from kmptui.cli import output


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell: eval "$(kmptui completion bash)"."""
    from click.shell_completion import get_completion_class

    from kmptui.cli.main import kmptui

    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - the three shells are click's own
    output.raw(found(kmptui, {}, "kmptui", "_KMPTUI_COMPLETE").source().encode() + b"\n")
