"""Keys one at a time: each takes its whole effect before the next is looked at.

Textual hands a key to the widget that has the focus at that moment, and acts on bindings later, when the key has
bubbled up. Keys that arrive in one packet (a slow line, an unbracketed paste, esc and a letter) would all go where the
first one went. Here the next key waits until the one before has bubbled through, and until a dialog that it opens can
take keys.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import Any

from textual import events
from textual.app import App, ScreenStackError
from textual.await_complete import AwaitComplete
from textual.message import Message

LONGEST_WAIT = 0.5
"""Seconds after which a key that never came back (its widget was removed) is given up."""
LONGEST_HOLD = 1.0
"""Seconds for which keys wait for a dialog to open."""


class KeyDone(Message):
    """Follows a key on its way up: when it arrives, the key has been dealt with."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class KeysGo(Message, bubble=False):
    """The dialog is there: keys that were held may go on."""


class OneKeyAtATime(App[Any]):
    """Mixed into the app."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: deque[events.Key | events.Paste] = deque()
        self._in_flight = False
        self._number = 0
        self._holding = False
        self.touched = 0.0
        """When the last key came, by the loop's clock."""

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            self.touched = asyncio.get_running_loop().time()
            if self._in_flight or self._holding or self._waiting:
                self._waiting.append(event)
                self.set_timer(LONGEST_WAIT, partial(self._unstick, self._number))
            else:
                await self._send(event)
        else:
            await super().on_event(event)

    async def _send(self, event: events.Key | events.Paste) -> None:
        try:
            target = self.focused or self.screen
        except ScreenStackError:
            return  # the app is ending: nobody is there to take a key
        self._in_flight = True
        self._number += 1
        await super().on_event(event)
        if not target.post_message(KeyDone(self._number)):
            self._in_flight = False

    async def _go_on(self) -> None:
        while self._waiting and not self._in_flight and not self._holding:
            await self._send(self._waiting.popleft())

    async def on_key_done(self, event: KeyDone) -> None:
        if event.number == self._number:
            self._in_flight = False
            await self._go_on()

    async def on_keys_go(self) -> None:
        await self._go_on()

    async def _unstick(self, number: int) -> None:
        if number == self._number and self._waiting and not self._holding:
            self._in_flight = False
            await self._go_on()

    @property
    def keys_follow(self) -> bool:
        """Whether more keys came on the heels of the one that is being dealt with: a paste, not a person."""
        return bool(self._waiting)

    def hold_keys(self) -> None:
        """Keep keys back until the dialog that a command opens is there to take them, for a second at most."""
        if not self._holding:
            self._holding = True
            self.set_timer(LONGEST_HOLD, self.release_keys)

    def release_keys(self) -> None:
        """Let them go on to whatever has the focus now."""
        if self._holding:
            self._holding = False
            self.post_message(KeysGo())

    def push_screen(self, screen: Any, *arguments: Any, **options: Any) -> Any:
        """As Textual does it; the keys that were held go to the screen once it is drawn."""
        pushed = super().push_screen(screen, *arguments, **options)
        self.screen.call_after_refresh(self.release_keys)
        return pushed

    def pop_screen(self) -> AwaitComplete:
        """As Textual does it; a key that closed its own screen cannot come back from there, and is done."""
        popped = super().pop_screen()
        self._in_flight = False
        self.post_message(KeysGo())
        return popped
