"""What SCM lets the account change, as far as it tells.

An account with the master role may do everything. Of one below it SCM names the privileges (SCM REST 25.5, Admin:
details); what it does not tell is not forbidden here: SCM judges.
"""

from __future__ import annotations

from collections.abc import Collection

PRIVILEGES = {
    "order": "sslRequest",
    "renew": "sslRenew",
    "reissue": "sslReplace",
    "revoke": "sslRevoke",
    "approve": "sslApprove",
    "edit": "sslManage",
    "validate": "allowDCV",
}
"""What kmptui can do in SCM, and the privilege that it takes."""
_MAY_NOT = "may not "


def lacks(mrao: bool | None, privileges: Collection[str] | None) -> tuple[str, ...]:
    """What the account may not do, as the store keeps it; nothing where SCM does not tell role or privileges."""
    if mrao is not False or privileges is None:
        return ()
    return tuple(f"{_MAY_NOT}{act}" for act, needed in PRIVILEGES.items() if needed not in privileges)


def forbidden(roles: Collection[str]) -> tuple[str, ...]:
    """The acts that `lacks` found."""
    return tuple(act for act in PRIVILEGES if f"{_MAY_NOT}{act}" in roles)


def read_only(login: str, roles: Collection[str]) -> str:
    """Why nothing at all may be changed in SCM; "" where something may."""
    if len(forbidden(roles)) < len(PRIVILEGES):
        return ""
    return f"SCM gives {login} no right to change anything"


def warning(login: str, roles: Collection[str]) -> str:
    """Names what is missing; "" where nothing is."""
    acts = forbidden(roles)
    if not acts:
        return ""
    missing = ", ".join(PRIVILEGES[act] for act in acts)
    words = read_only(login, roles) or f"SCM gives {login} no right to {', '.join(acts)}"
    return f"{words}. Missing privileges: {missing}"
