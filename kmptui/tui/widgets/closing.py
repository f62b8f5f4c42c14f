"""Closing a screen once: whatever comes after, it closes no other one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.await_complete import AwaitComplete

if TYPE_CHECKING:
    from textual.screen import Screen

    _Screen = Screen[Any]
else:
    _Screen = object  # a second Screen base would hide the styles of the first


class ClosesOnce(_Screen):
    """Textual's `dismiss` closes whichever screen is on top: a second esc would close the one below too."""

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """End with `result`; nothing happens when it is not on top any more."""
        return super().dismiss(result) if self.app.screen is self else AwaitComplete()
