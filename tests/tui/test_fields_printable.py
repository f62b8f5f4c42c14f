"""Whatever is set, typed or pasted into a field is drawn as text: nothing of it comes to the terminal as it is."""

from __future__ import annotations

from typing import Any

import pytest
from textual.app import App, ComposeResult

from kmptui.tui.widgets.fields import AreaField, TextField
from tests.e2e.walking import unclean
from tests.reliability.emulator import misdrawn

BITE = "a\x1b[2J\x9b31m\u202eb\U0001f1e9\U0001f1ea\ud83d"
SHOWN = "a␛[2J‹009B›31m‹202E›b‹1F1E9›‹1F1EA›\ufffd"


class Form(App[None]):
    def compose(self) -> ComposeResult:
        yield TextField("line", "Line", BITE)
        yield AreaField("area", "Area", f"one\r\n{BITE}\ttwo")
        yield TextField("secret", "Secret", password=True)


@pytest.fixture
async def form() -> Any:
    async with Form().run_test(size=(80, 24)) as pilot:
        yield pilot


async def test_what_is_set_and_pasted_is_drawn_as_text(form: Any) -> None:
    line, area, secret = form.app.query(TextField)
    assert line.value == SHOWN
    assert area.value == f"one\r\n{SHOWN}\ttwo"
    line.input.insert_text_at_cursor(BITE)
    assert line.value == SHOWN + SHOWN
    assert line.input.cursor_position == len(line.value)
    area.area.insert(BITE)
    assert area.value.count(SHOWN) == 2
    line.value = f"x{BITE}"
    await form.pause()
    assert line.value == f"x{SHOWN}"
    assert unclean(form) == []
    assert misdrawn(form) == []
    secret.input.insert_text_at_cursor(BITE)
    assert secret.value == BITE, "a password is sent as it was typed"
    await form.pause()
    assert unclean(form) == []
