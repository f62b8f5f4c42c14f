"""All kinds of fields, for forms to import from one place."""

from kmptui.tui.widgets.choice_fields import CheckField, ChoiceField, OneLine, Option, RadioField
from kmptui.tui.widgets.field import Field, LineInput, leave_text, through
from kmptui.tui.widgets.text_fields import Area, AreaField, Check, TextField

__all__ = [
    "Area",
    "AreaField",
    "Check",
    "CheckField",
    "ChoiceField",
    "Field",
    "LineInput",
    "OneLine",
    "Option",
    "RadioField",
    "TextField",
    "leave_text",
    "through",
]
