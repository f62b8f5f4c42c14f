"""Who acts, as far as this process can tell: for the audit and for who holds a claim."""

from __future__ import annotations

import os
import platform
import pwd
import re

from kmptui.domain.audit import Actor
from kmptui.domain.text import printable

_UNIT = re.compile(r"([^/]+\.(?:service|timer))$")


def this_process(face: str) -> Actor:
    """User, sudo user, source of the SSH session, host, process and systemd unit; what is not known reads "unknown"."""
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name  # never from the environment: it is for the record
    except KeyError:
        user = str(os.geteuid())
    ssh = os.environ.get("SSH_CONNECTION", "").split()
    return Actor(
        face=face,
        user=_clean(user),
        sudo_user=_clean(os.environ.get("SUDO_USER", "")),
        ssh_source=_clean(ssh[0]) if ssh else "",
        host=_clean(platform.node()) or "unknown",
        pid=os.getpid(),
        unit=_unit() if os.environ.get("INVOCATION_ID") else "",
    )


def _unit() -> str:
    """The systemd unit that runs us, from the control group (systemd sets INVOCATION_ID for its services)."""
    try:
        with open("/proc/self/cgroup", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - a kernel file
            found = _UNIT.search(file.read(4096).strip())
    except OSError:
        return ""
    return _clean(found.group(1)) if found else ""


def _clean(text: str) -> str:
    return printable(text)[:128]
