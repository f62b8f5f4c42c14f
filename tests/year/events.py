"""What happens in the year besides the timer: the days on which something goes wrong, and on which it is mended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.year.company import CORPORATION, DAY, DOMAINS, START, UNIVERSITY

if TYPE_CHECKING:
    from tests.year.life import Life

HOUR = timedelta(hours=1)
MENDED_AFTER = (14, 31, 14, 26, 14, 20)
"""Days from the end of a domain's validation until somebody mends it, by domain; 31 is too late for some."""
SHORTEST = 100
"""Days over which what happens once is spread at least: a shorter life is the beginning of a longer one."""
NEW_PASSWORD = "Another-Password-2"

Act = Callable[[], Awaitable[None]]


def plan(life: Life) -> None:
    """Enter everything into the calendar; what follows from what has happened enters itself."""
    days = max(life.days, SHORTEST)
    for number, (domain, _) in enumerate(DOMAINS):
        _domain_ends(life, domain, START + min(days, 180) / len(DOMAINS) * (number + 0.6) * DAY, number)

    def at(part: float) -> datetime:
        return START + round(days * part) * DAY

    for day in range(9, days, 30):
        _scm_away(life, START + day * DAY - 2 * HOUR)
        kind = "drop-after" if day // 30 % 2 == 0 else "drop-before"
        life.at(START + (day + 5) * DAY - HOUR, _knob(life, "faults", _lost(kind)))
    for day in range(3, days, 7):
        life.at(START + day * DAY + 3 * HOUR, life.renew_in_the_console)
    _organization_lapses(life, CORPORATION, at(0.16), 12)
    _organization_lapses(life, UNIVERSITY, at(0.62), 20)
    life.at(at(0.08) + HOUR, life.let_scm_renew_two)
    life.at(at(0.2) + HOUR, life.revoke_one)
    _limit_reached(life, at(0.28))
    _machine_sleeps(life, at(0.4))
    _clock_off(life, at(0.5))
    _password_expires(life, at(0.7))


def _knob(life: Life, path: str, body: dict[str, Any]) -> Act:
    async def turn() -> None:
        life.sandbox.control(path, body)

    return turn


def _lost(kind: str) -> dict[str, Any]:
    return {"kind": kind, "match": "POST /ssl/v1/renewById"}


def _domain_ends(life: Life, domain: str, when: datetime, number: int, *, told: bool = True) -> None:
    """The validation ends and is mended late; the next end follows from that. Every third domain's first end comes
    early, without a word: the CA has withdrawn it, and the mirror says otherwise."""
    first = when < START + 190 * DAY
    early = first and number % 3 == 2
    if first:
        life.sandbox.control(f"domains/{domain}", {"expires": (when + (60 * DAY if early else 0 * DAY)).isoformat()})

    async def end() -> None:
        if early:
            life.sandbox.control(f"domains/{domain}", {"expires": life.now().isoformat()})

    async def mend() -> None:
        row = life.sandbox.control(f"domains/{domain}", {"validate": True})
        _domain_ends(life, domain, datetime.fromisoformat(row["expires"].replace("Z", "+00:00")), number)

    life.at(when, end)
    life.at(when + MENDED_AFTER[number] * DAY + HOUR, mend)


def _organization_lapses(life: Life, organization: int, when: datetime, days: int) -> None:
    async def lapse() -> None:
        life.sandbox.control(f"organizations/{organization}", {"ov_status": "EXPIRED"})
        life.truth.organizations.add(organization)

    async def come_back() -> None:
        life.sandbox.control(f"organizations/{organization}", {"ov_status": "VALIDATED"})
        life.truth.organizations.discard(organization)

    life.at(when + HOUR, lapse)
    life.at(when + days * DAY + HOUR, come_back)


def _scm_away(life: Life, when: datetime) -> None:
    """Six hours of 503, with a run at every hour of them."""

    async def go() -> None:
        fault = {"kind": "status", "status": 503, "count": -1, "headers": {"Retry-After": "3600"}}
        life.sandbox.control("faults", fault)
        life.truth.everything.add("SCM away")

    async def back() -> None:
        life.sandbox.control("faults", method="DELETE")
        life.truth.everything.discard("SCM away")

    life.at(when, go)
    for hour in range(1, 6):
        life.run_at(when + hour * HOUR)
    life.at(when + 6 * HOUR, back)


def _limit_reached(life: Life, when: datetime) -> None:
    """No room for a new certificate for a week; renewals take the place of what they renew."""

    async def lower() -> None:
        valid = len(await life.valid())
        await life.opened.change_settings(certificate_limit=valid)

    async def order() -> None:
        placed = await life.opened.ordering.place(life.newcomer.request(), despite_mirror=True)
        assert placed.order_id is not None
        await life.opened.renewal.select([placed.order_id])

    async def held() -> None:
        life.require(frozenset(life.newcomer.names) not in await life.valid(), "the limit let a new certificate in")

    async def lift() -> None:
        await life.opened.change_settings(certificate_limit=0)
        life.begin(life.newcomer)

    life.at(when, lower)
    life.at(when + HOUR, order)
    life.at(when + 6 * DAY, held)
    life.at(when + 7 * DAY, lift)


def _machine_sleeps(life: Life, when: datetime) -> None:
    """From Friday evening until Monday noon."""
    friday = when + timedelta(days=(4 - when.weekday()) % 7, hours=16)
    life.at(friday, _saying(life.truth.everything.add, "asleep"))
    life.at(friday + 66 * HOUR, _saying(life.truth.everything.discard, "asleep"))


def _clock_off(life: Life, when: datetime) -> None:
    """Two hours ahead for a day."""

    async def wrong() -> None:
        life.clock.off = 2 * HOUR
        life.truth.everything.add("clock off")

    async def right() -> None:
        life.clock.off = timedelta()
        life.truth.everything.discard("clock off")

    life.at(when + HOUR, wrong)
    life.at(when + 25 * HOUR, right)


def _password_expires(life: Life, when: datetime) -> None:
    """Noticed and replaced two days later."""
    login = f"admins/{life.sandbox.login}"

    async def expire() -> None:
        life.sandbox.control(login, {"password_expires": life.now().isoformat()})
        life.truth.everything.add("password")

    async def replace() -> None:
        life.sandbox.control(login, {"password": NEW_PASSWORD, "password_expires": None})
        await life.opened.account.change_password(NEW_PASSWORD)
        life.truth.everything.discard("password")

    life.at(when + HOUR, expire)
    life.at(when + 2 * DAY + HOUR, replace)


def _saying(act: Callable[[str], None], words: str) -> Act:
    async def say() -> None:
        act(words)

    return say
