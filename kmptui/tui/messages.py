"""What parts of the screen tell each other. Younger messages replace elders that say the same."""

from __future__ import annotations

from textual.message import Message

from kmptui.domain.listing import Query, Topic


class StoreChanged(Message, bubble=False):
    """Rows of a topic changed in the store, by this process or another. Sent to every screen on the stack; screens hand
    it to what they show."""

    def __init__(self, topic: Topic) -> None:
        super().__init__()
        self.topic = topic

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, StoreChanged) and message.topic is self.topic


class ShowList(Message):
    """Somebody wants a list: go to the query's tab and show just these rows."""

    def __init__(self, query: Query) -> None:
        super().__init__()
        self.query = query


class ShowTab(Message):
    """Somebody wants a tab."""

    def __init__(self, topic: Topic) -> None:
        super().__init__()
        self.topic = topic


class StartDemo(Message):
    """The user wants to look around in a demo first: the app ends with the result "demo"."""


class AccountChanged(Message):
    """The account was linked, unlinked or renewed its password: the frame reads it again."""


class RunningChanged(Message, bubble=False):
    """What is being done has changed: the status line draws it."""

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, RunningChanged)
