"""Keys: how they are shown, which ones no command may have, and the user's own (settings, `keys`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kmptui.tui.commands.command import with_alt

NAMES = {
    "question_mark": "?", "exclamation_mark": "!", "slash": "/", "space": "space", "enter": "enter", "escape": "esc",
    "pagedown": "PgDn", "pageup": "PgUp", "up": "up", "down": "down", "home": "Home", "end": "End", "tab": "tab",
    "asterisk": "*", "full_stop": ".", "comma": ",", "plus": "+", "minus": "-", "left": "left", "right": "right",
}  # fmt: skip

TAKEN = frozenset(
    {"ctrl+s", "ctrl+q", "ctrl+z", "ctrl+a", "ctrl+b", "ctrl+c", "ctrl+h", "ctrl+i", "ctrl+m", "ctrl+j", "ctrl+l",
     "ctrl+left_square_bracket", "enter", "tab", "escape"}
)  # fmt: skip
"""Keys of the terminal, of SSH, tmux and screen, or of the keyboard itself."""


def shown_key(key: str) -> str:
    """A key as the footer and the help write it."""
    *modifiers, last = key.split("+")
    name = NAMES.get(last, last)
    if modifiers == ["shift"] and len(name) == 1:
        return name.upper()
    return "+".join([*modifiers, name])


def keymap(settings: Mapping[str, str], ids: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Textual's keymap out of the user's keys, and what is wrong with them, in words. What is wrong is left out."""
    known = set(ids)
    good: dict[str, str] = {}
    problems: list[str] = []
    for command, written in settings.items():
        keys = [key.strip() for key in written.split(",") if key.strip()]
        if command not in known:
            problems.append(f"keys: there is no command {command!r}; ? shows them")
        elif bad := [key for key in keys if key.lower() in TAKEN]:
            problems.append(f"keys: {command} cannot have {', '.join(bad)}: the terminal or the keyboard owns it")
        elif not keys:
            problems.append(f"keys: {command} has no key")
        else:
            good[command] = with_alt(",".join(keys))
    return good, problems
