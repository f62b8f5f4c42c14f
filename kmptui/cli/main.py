"""The `kmptui` command. Without arguments it starts the TUI; a command's module is imported when the command runs."""

from __future__ import annotations

import importlib
import sys

import click

from kmptui import __version__
from kmptui.cli import diagnostics, ending

COMMANDS: dict[str, tuple[str, str]] = {
    "status": ("status:status", "What needs you: the home screen's lines."),
    "account": ("account:account", "Link, show, test, unlink the SCM account; its health and password."),
    "sync": ("sync:sync", "Read organizations, domains, profiles and orders from SCM."),
    "organizations": ("mirrors:organizations", "Organizations and departments, as SCM has them."),
    "domains": ("domains:domains", "Domains: list, show, check, validate (DCV)."),
    "profiles": ("mirrors:profiles", "Certificate profiles: terms, keys, who may use them."),
    "orders": ("orders:orders", "Import, create, check, edit, renew, cancel, revoke and delete orders."),
    "certificates": ("certificates:certificates", "The repository: list, show, export, keys, revoke, delete."),
    "changes": ("changes:changes", "What somebody else did in SCM: list, acknowledge."),
    "check-expiry": ("check_expiry:check_expiry", "A monitoring plug-in: what ends soon, in one line."),
    "hook": ("hook:hook", "The program that is run on failures and new certificates: test it."),
    "audit": ("audit:audit", "The record of what was done: list, export, verify."),
    "auto-renewal": ("auto_renewal:auto_renewal", "Automatic renewal: policy, choice, rules, plan, audit."),
    "run-due": ("run_due:run_due", "Do what is due now, once (for a timer)."),
    "systemd": ("systemd:systemd", "A timer that runs what is due while nobody looks."),
    "find": ("find:find", "Which order is this certificate, CSR or key?"),
    "vault": ("vault:vault", "The vault of keys and passwords."),
    "backup": ("backup:backup", "The whole home in one sealed file."),
    "restore": ("backup:restore", "Put a backup into an empty home."),
    "settings": ("settings:settings", "Show and change settings."),
    "doctor": ("doctor:doctor", "Examine address, TLS, proxy, credentials, role, clock, store, permissions."),
    "demo": ("demo:demo", "A rehearsal on a sandbox SCM: no account, no network."),
    "sandbox": ("sandbox:sandbox", "Run a sandbox SCM with a real CA."),
    "completion": ("completion:completion", "A completion script for bash, zsh or fish."),
}


class Lazy(click.Group):
    """A group whose commands are imported when they are run or completed, never for the list of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name][0].split(":")
        command = getattr(importlib.import_module(f"kmptui.cli.{module}"), name)
        assert isinstance(command, click.Command)  # noqa: S101 - the table above is ours
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        import difflib

        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = difflib.get_close_matches(name, COMMANDS, n=1)
            ctx.fail(f"There is no command {name!r}." + (f" Did you mean {near[0]}?" if near else ""))
        return super().resolve_command(ctx, args)


@click.command(
    cls=Lazy,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="kmptui")
@click.option("-v", "--verbose", is_flag=True, help="Tell on standard error what is done.")
@click.option("--read-only", is_flag=True, help="Change nothing in SCM, whatever the settings say (TUI).")
@click.pass_context
def kmptui(context: click.Context, verbose: bool, read_only: bool) -> None:
    """Manage the TLS certificates of Sectigo Certificate Manager from a terminal.

    Without a command the full-screen program starts. KMPTUI_HOME puts everything under one folder.
    """
    if verbose:
        from kmptui.services import logs

        telling = logs.tell(sys.stderr)
        context.call_on_close(lambda: logs.close_log(telling))
    if context.invoked_subcommand is None:
        from kmptui.cli.screen import start

        raise SystemExit(start(read_only=read_only))


def main() -> None:
    """The entry point: one place turns click's complaints into exit codes."""
    try:
        kmptui.main(prog_name="kmptui", standalone_mode=True)
    except ending.Ended as error:
        raise SystemExit(diagnostics.stopped(error.number)) from None
    except BrokenPipeError:
        diagnostics.note("kmptui: the reader of the output went away")
        raise SystemExit(1) from None
