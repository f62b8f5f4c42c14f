"""The pictures of the README and of every tab and dialog, by name: what `screenshots` writes."""

from __future__ import annotations

from tests.snapshots import account_scenes, dialog_scenes, life_scenes, order_scenes, validation_scenes
from tests.snapshots.scenes import Scene, keys, typing

TABS: dict[str, Scene] = {
    "organizations": Scene("University / Science", (keys("2", "j"),)),
    "domains": Scene("shop.example.com", (keys("3", "j"),)),
    "profiles": Scene("OV Multi-Domain", (keys("4", "j"),)),
    "orders": Scene("api.example.com", (typing("5", *"jjjjjjj"),)),
    "certificates": Scene("vpn.example.net", (typing("6", *"jjj"),)),
    "audit": Scene("timer kmptui", (keys("7", "j"),)),
}
SCENES: dict[str, Scene] = {
    **TABS,
    **account_scenes.SCENES,
    **order_scenes.SCENES,
    **dialog_scenes.SCENES,
    **life_scenes.SCENES,
    **validation_scenes.SCENES,
}
SHOWN = (
    "link", "account", "organizations", "domains", "profiles", "orders", "certificates", "audit", "order-form",
    "preview", "follow", "import", "imported", "export", "exported", "details", "certificate", "health", "settle",
    "password", "unlink", "unlock", "passphrase", "attach-key", "delete-order", "delete-certificate", "destroy-key",
    "note", "order-profile", "problem-refused", "filter", "actions", "commands", "help", "sort", "copy", "write", "log",
    "verdict", "quit", "renew", "renew-many", "renewed-many", "reissue", "revoke-ready", "revoked", "cancel", "approve",
    "edit", "auto-renewal", "add-rule", "audit-plan", "changes", "validation-publish",
    "order-dcv",
)  # fmt: skip
"""One picture of each tab and each dialog, the ordinary state of it."""
PICTURES: dict[str, Scene] = {name: SCENES[name] for name in SHOWN}
