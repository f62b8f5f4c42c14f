"""The two themes. Colour comes after the word: both are legible in shades of grey too."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="kmptui-dark",
    primary="#5b8def",
    secondary="#7aa2c8",
    accent="#8fb8ff",
    warning="#e0b040",
    error="#f07070",
    success="#6cc28a",
    foreground="#dde3ea",
    background="#11151a",
    surface="#1a2027",
    panel="#232b34",
    boost="#2a333d",
    dark=True,
    variables={"text-muted": "#8b97a5"},
)
LIGHT = Theme(
    name="kmptui-light",
    primary="#1f5fbf",
    secondary="#3c6a94",
    accent="#174a94",
    warning="#8a5a00",
    error="#b00020",
    success="#1b6b3a",
    foreground="#1c2127",
    background="#fbfbf9",
    surface="#f1f1ee",
    panel="#e3e5e3",
    boost="#e9ebea",
    dark=False,
    variables={"text-muted": "#5c6773"},
)
THEMES = {"dark": DARK, "light": LIGHT}
