"""The hook: a program of the user's that is run when a renewal fails, and when a new certificate is here.

It gets the facts in a small environment of its own and as JSON on its standard input, never a secret, and nothing of
what this process has in its environment; no shell is between. Its time and its output are bounded.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import pwd
import signal
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from kmptui.domain.audit import Entry
from kmptui.domain.text import printable
from kmptui.errors import BadInput
from kmptui.services import logs
from kmptui.store import audit, facts

if TYPE_CHECKING:
    from kmptui.services.engine import Engine
    from kmptui.store.database import Db

FAILURE, SUCCESS, TEST = "failure", "success", "test"
MOST_OUTPUT = 64 * 1024
"""Bytes of output that are kept; the rest is read and thrown away."""
LONGEST = 4_096
"""Characters of one fact."""
GRACE = 2.0
"""Seconds between asking a program to end and ending it; and for its last output after its end."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_TOLD = "hook told "
"""Facts of the store: which cause was told on which day."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HookEvent:
    """What the hook is told. `kind` is failure, success or test; `cause` why it failed, in plain words; `facts` are
    more of it, by names like `common_name`, `serial`, `expires`: they become KMPTUI_COMMON_NAME and so on."""

    kind: str
    cause: str = ""
    order_id: int | None = None
    certificate_id: int | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HookResult:
    """How the program ended: its exit code (negative: the signal that ended it; None: it could not be run), what it
    wrote (printable, redacted, cut), and one line of words."""

    exit_code: int | None
    words: str
    output: str = ""
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        return self.exit_code == 0 and not self.timed_out


def program(text: str) -> Path:
    """The program that a setting names, links followed. Raises BadInput("hook") unless it is an absolute path of an
    executable file of ours or root's, which nobody else can change, nor put another in its place."""
    path = Path(text)
    if not path.is_absolute():
        raise BadInput("hook", f"{text} is no absolute path", cure="Name the program with its whole path")
    try:
        found = path.resolve(strict=True)
        mode = found.stat()
    except (OSError, RuntimeError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise BadInput("hook", f"{text} cannot be looked at", why=why) from error
    if not stat.S_ISREG(mode.st_mode):
        raise BadInput("hook", f"{text} is not a regular file")
    for place in (found, *found.parents):
        facts_ = place.stat()
        if facts_.st_uid not in {0, os.geteuid()}:
            raise BadInput("hook", f"{place} belongs to another user", cure="Have it be yours or root's")
        sticky = place is not found and facts_.st_mode & stat.S_ISVTX
        if facts_.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not sticky:
            raise BadInput("hook", f"{place} can be written by others", cure=f"chmod go-w {place}")
    if not os.access(found, os.X_OK):
        raise BadInput("hook", f"{text} is not executable", cure=f"chmod u+x {text}")
    return found


class Hook:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def fire(self, event: HookEvent) -> HookResult | None:
        """Run the hook for an event; None where none is set, or where this cause was told of this order today
        already. Its exit code is noted in the audit; whatever becomes of it raises nothing but
        StoreFailed."""
        if not self._engine.settings.hook:
            return None
        if event.kind == FAILURE:
            cause = f"order {event.order_id} {event.cause}" if event.order_id is not None else event.cause
            if await self._engine.store.read(_told_today, cause, self._engine.clock.now()):
                return None
            result = await self._engine.own(self._run(event), "Running the hook")
            await self._engine.store.write(_tell, cause, self._engine.clock.now())  # not before it has run
            return result
        return await self._engine.own(self._run(event), "Running the hook")

    async def test(self) -> HookResult:
        """Run it with made-up facts. Raises BadInput("hook") where none is set, or where it cannot be run."""
        if not self._engine.settings.hook:
            raise BadInput("hook", "No hook is set", cure="kmptui settings set hook /path/of/a/program")
        program(self._engine.settings.hook)
        sample = {"common_name": "test.example.org", "serial": "00", "expires": "2030-01-01", "cure": "none is needed"}
        return await self._engine.own(
            self._run(HookEvent(TEST, "a test of the hook", facts=sample)), "Running the hook"
        )

    async def _run(self, event: HookEvent) -> HookResult:
        seconds = self._engine.settings.hook_seconds
        told = _facts(event, self._engine.paths.home, self._engine.clock.now())
        try:
            path = program(self._engine.settings.hook)
            result = await _ran(path, told, seconds)
        except (BadInput, OSError) as error:
            result = HookResult(None, f"it was not run: {error}")
        log = _log.info if result.ok else _log.warning
        log("hook for %s: %s%s", event.kind, result.words, f"\n{result.output}" if result.output else "")
        code = "none" if result.exit_code is None else str(result.exit_code)
        entry = Entry(
            "hook",
            outcome="done" if result.ok else "failed",
            subject=told.get("common_name", ""),
            order_id=event.order_id,
            certificate_id=event.certificate_id,
            reason="" if result.ok else result.words,
            details=(("event", event.kind), ("exit code", code)),
        )
        await self._engine.store.write(audit.append, entry, await self._engine.stamp())
        return result


def _facts(event: HookEvent, home: Path, now: datetime) -> dict[str, str]:
    """By name, printable and bounded."""
    own = {
        "event": event.kind,
        "cause": event.cause,
        "order": f"o{event.order_id}" if event.order_id is not None else "",
        "certificate": f"c{event.certificate_id}" if event.certificate_id is not None else "",
        "at": now.isoformat(timespec="seconds"),
    }
    told = {name: printable(logs.redacted(str(value)[:LONGEST])) for name, value in (dict(event.facts) | own).items()}
    return told | {"home": str(home)}


def _environment(told: Mapping[str, str]) -> dict[str, str]:
    """Nothing of ours but who we are and what the event tells."""
    me = pwd.getpwuid(os.geteuid())
    names = {f"KMPTUI_{name.upper().replace(' ', '_').replace('-', '_')}": value for name, value in told.items()}
    return {"PATH": PATH, "HOME": me.pw_dir, "USER": me.pw_name, "LOGNAME": me.pw_name, "LANG": "C.UTF-8"} | names


async def _ran(path: Path, told: Mapping[str, str], seconds: float) -> HookResult:
    """Run it to its end, or until its time is over. Raises OSError where it cannot be started. However this ends, the
    program has ended, too."""
    with tempfile.TemporaryFile() as facts_:
        facts_.write(json.dumps(dict(told)).encode() + b"\n")
        facts_.seek(0)
        output = _Output()
        try:
            process = await asyncio.create_subprocess_exec(
                path, stdin=facts_, stdout=output.writing, stderr=output.writing, env=_environment(told), cwd="/",
                start_new_session=True,
            )  # fmt: skip
        except BaseException:
            output.close()
            raise
        try:
            await output.open()
            timed_out = await _ended(process, seconds)
            said = await output.rest()
        finally:
            output.close()
            await _reaped(process)
    code = process.returncode
    if timed_out:
        words = f"it took more than {seconds:g} s and was ended"
    elif code is not None and code < 0:
        words = f"it was ended by signal {-code}"
    else:
        words = f"exit code {code}"
    return HookResult(code, words, "\n".join(map(printable, logs.redacted(said).splitlines())), timed_out)


async def _ended(process: asyncio.subprocess.Process, seconds: float) -> bool:
    """Wait for its end; whether its time was over before: then it is asked to end, and ended."""
    try:
        await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        _signal(process, signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), GRACE)
        except TimeoutError:
            await _reaped(process)
        return True
    return False


async def _reaped(process: asyncio.subprocess.Process) -> None:
    """End it and what it started, and wait for it; a caller who is cancelled meanwhile leaves no zombie, either."""
    if process.returncode is None:
        _signal(process, signal.SIGKILL)
        await asyncio.shield(asyncio.ensure_future(process.wait()))


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """To the program and all that it started and that is still of its session."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return  # it has ended by itself


class _Output(asyncio.Protocol):
    """What a program writes, up to a limit; what exceeds it is thrown away, so that the program never waits. A pipe of
    our own: what a program leaves running may keep it open after the program's end."""

    def __init__(self) -> None:
        self._reading, self.writing = os.pipe()
        self._kept = bytearray()
        self._over = asyncio.Event()
        self._transport: asyncio.BaseTransport | None = None

    async def open(self) -> None:
        """Begin to read; the program has its own end of the pipe by now."""
        os.close(self.writing)
        self.writing = -1
        pipe = os.fdopen(self._reading, "rb", 0)
        self._reading = -1
        self._transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: self, pipe)

    def data_received(self, data: bytes) -> None:
        self._kept += data[: max(0, MOST_OUTPUT - len(self._kept))]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._over.set()

    async def rest(self) -> str:
        """All that it wrote, once every end of the pipe is closed; what is there by now where one stays open."""
        try:
            await asyncio.wait_for(self._over.wait(), GRACE)
        except TimeoutError:
            self._kept += b"\n(something that it started still writes)"
        return self._kept.decode("utf-8", "replace").strip()

    def close(self) -> None:
        for handle in (self._reading, self.writing):
            if handle >= 0:
                os.close(handle)
        self._reading = self.writing = -1
        if self._transport is not None:
            self._transport.close()


def _told_today(db: Db, cause: str, now: datetime) -> bool:
    known = facts.get(db, _name(cause))
    return known is not None and known.at is not None and known.at.date() == now.date()


def _tell(db: Db, cause: str, now: datetime) -> None:
    facts.forget(db, _TOLD, now - timedelta(days=7))
    facts.put(db, _name(cause), "", now)


def _name(cause: str) -> str:
    return _TOLD + hashlib.sha256(cause.encode("utf-8", "replace")).hexdigest()[:24]
