"""The only way from text to a widget: everything that is shown comes through here.

Foreign text (SCM, files, pastes) is made printable and becomes `Content`, which knows no markup; a plain string would
be read as markup by most widgets. Widths are terminal cells. Dates are told in the host's zone.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from textual.content import Content

from kmptui.domain.names import display
from kmptui.domain.text import clip as clip
from kmptui.domain.text import printable
from kmptui.domain.text import shell_word as shell_word
from kmptui.domain.text import width as width
from kmptui.errors import FromScm, KmptuiError

LONGEST = 4_000
"""Characters of one foreign text that are looked at: nothing longer fits on any screen."""

NEAR_YEAR = 330
"""Days within which a day and a month say which year is meant."""

ERROR = "bold $text-error"
WARNING = "$text-warning"
GOOD = "$text-success"
MUTED = "$text-muted"
STRONG = "bold"
PLAIN = ""


def line(text: object, cells: int | None = None) -> str:
    """One printable line of any text, at most `cells` wide; the cut is marked by an ellipsis."""
    shown = printable(str(text)[:LONGEST])
    return shown if cells is None else clip(shown, max(cells, 0)) if cells > 0 else ""


def text(value: object, style: str = PLAIN, cells: int | None = None) -> Content:
    """The same as `Content`."""
    return Content.styled(line(value, cells), style)


def join(*parts: Content | tuple[object, str] | str) -> Content:
    """One content of several: foreign text comes as `(text, style)` or plain, and is made printable."""
    return Content("").join(
        part if isinstance(part, Content) else text(*part) if isinstance(part, tuple) else text(part) for part in parts
    )


def paragraph(value: str) -> Content:
    """Text of several lines: the line breaks stay, all else is made printable."""
    return Content("\n".join(line(piece) for piece in value[: 16 * LONGEST].splitlines()))


def cell(value: object, cells: int, *, right: bool = False) -> str:
    """A printable text in exactly `cells` cells: cut or filled up."""
    shown = line(value, cells)
    fill = " " * (cells - width(shown))
    return fill + shown if right else shown + fill


def name(ascii_name: str, cells: int | None = None) -> str:
    """A DNS name; an international one in both forms, the punycode alone where only one has room."""
    both = line(display(ascii_name[:LONGEST]))
    if cells is None or width(both) <= cells:
        return both
    return line(ascii_name, cells)


def serial(digits: str) -> str:
    """A serial in pairs: `4A:11:9C`."""
    shown = line(digits)
    return ":".join(shown[at : at + 2] for at in range(0, len(shown), 2))


def count(number: int) -> str:
    """A number with thousands separators."""
    return f"{number:,}"


def counted(number: int, singular: str, plural: str = "") -> str:
    """`1 order`, `3,041 orders`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def local(moment: datetime) -> datetime:
    """A moment in the host's zone; one without a zone is taken as UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone()


def day(value: date | datetime | None) -> str:
    """`2 Dec 2026`, in the host's zone where it is a moment; `-` for none."""
    if value is None:
        return "-"
    shown = local(value) if isinstance(value, datetime) else value
    return f"{shown.day} {shown:%b} {shown.year:04d}"


def near_day(value: date | datetime, now: datetime) -> str:
    """`2 Dec`, with the year where it is far away."""
    shown = local(value).date() if isinstance(value, datetime) else value
    return f"{shown.day} {shown:%b}" + (f" {shown.year:04d}" if abs(days_until(value, now)) > NEAR_YEAR else "")


def days_until(value: date | datetime, now: datetime) -> int:
    """Whole days from today, in the host's zone; negative when it lies behind."""
    shown = local(value).date() if isinstance(value, datetime) else value
    return (shown - local(now).date()).days


def ending(value: date | datetime | None, now: datetime) -> str:
    """`ends 2 Dec 2026, in 9 d`, `ended 20 Nov 2026, 3 d ago`; empty for none."""
    if value is None:
        return ""
    return f"{'ended' if days_until(value, now) < 0 else 'ends'} {when(value, now)}"


def relative(value: date | datetime, now: datetime) -> str:
    """`today`, `in 9 d`, `9 d ago`."""
    days = days_until(value, now)
    return "today" if days == 0 else f"in {days:,} d" if days > 0 else f"{-days:,} d ago"


def when(value: date | datetime | None, now: datetime) -> str:
    """`2 Dec 2026, in 9 d`."""
    return "-" if value is None else f"{day(value)}, {relative(value, now)}"


def expiry(value: date | datetime | None, now: datetime) -> str:
    """For a column: `    9 d   2 Dec`, `  today  24 Nov`, `  ended  20 Nov`; with the year where it is far away."""
    if value is None:
        return "-"
    shown = local(value).date() if isinstance(value, datetime) else value
    days = days_until(value, now)
    words = f"{'' if shown.day > 9 else ' '}{near_day(value, now)}"
    return f"{days:>5,} d  {words}" if days > 0 else f"{'ended' if days else 'today':>7}  {words}"


def clock(moment: datetime | None, now: datetime) -> str:
    """A time of day with its weekday, the date where it is older than six days: `Mon 03:12`, `3 Nov 03:12`."""
    if moment is None:
        return "never"
    shown = local(moment)
    days = (local(now).date() - shown.date()).days
    if days == 0:
        return f"{shown:%H:%M}"
    return f"{shown:%a %H:%M}" if 0 < days < 7 else f"{day(moment)} {shown:%H:%M}"


def moment(value: datetime | None) -> str:
    """`23 Nov 2026 03:12`."""
    return "-" if value is None else f"{day(value)} {local(value):%H:%M}"


def zone() -> str:
    """The host's zone, named once on a screen."""
    return line(datetime.now(UTC).astimezone().tzname() or "UTC", 12)


def error(problem: KmptuiError) -> Content:
    """What happened, why, and what to do, each on its own line."""
    parts: list[Content] = [text(problem.what, STRONG)]
    if problem.why:
        parts.append(text(problem.why))
    if problem.cure:
        parts.append(text(problem.cure))
    return Content("\n").join(parts)


def server_said(problem: BaseException) -> str:
    """The server's code and text, where the error came from SCM; else empty."""
    if not isinstance(problem, FromScm):
        return ""
    code = problem.code if problem.code is not None else problem.status
    return line(f'SCM says {code}: "{problem.text}"') if problem.text or code is not None else ""
