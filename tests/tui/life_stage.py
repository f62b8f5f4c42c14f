"""The services of a certificate's later life on the stage: they judge as the real ones do, and note what is asked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kmptui.domain import editing, renewable, renewal
from kmptui.domain.coverage import DomainIndex
from kmptui.domain.editing import EditRequest
from kmptui.domain.order import Hold, Ledger, Order
from kmptui.domain.preflight import Facts
from kmptui.domain.renewable import ReissueRequest, RenewalRequest
from kmptui.domain.renewal import Decision, Policy, Verdict
from kmptui.domain.revocation import BY_NAME, BY_SERIAL, CONSEQUENCES, Living
from kmptui.domain.selection import Matched, Rule
from kmptui.errors import KmptuiError
from kmptui.services import deciding_words, respelling
from kmptui.services.deciding import Decided
from kmptui.services.editing import EditPreview
from kmptui.services.life import LifeView
from kmptui.services.ordering import Placed
from kmptui.services.reissuing import ReissuePreview
from kmptui.services.renewal import PlanLine, matching
from kmptui.services.renewing import Blocked, RenewalPreview
from kmptui.services.revoking import Revoked, Target

if TYPE_CHECKING:
    from tests.tui.stage import StageLists, StageOrdering

SERIAL = "4A119C0E5D7B2F839C41"


class Known:
    """What is known of orders, profiles, organizations and domains on this stage."""

    def __init__(self, ordering: StageOrdering, lists: StageLists, domains: Sequence[Any], now: datetime) -> None:
        self.ordering, self.lists, self.domains, self.now = ordering, lists, tuple(domains), now

    async def facts(self) -> Facts:
        form = await self.ordering.facts()
        return Facts(self.now.date(), form.profiles, (), form.organizations, DomainIndex(self.domains))

    async def order(self, order_id: int) -> Order:
        return await self.lists.order(order_id)


class StageRenewing:
    """`fails` is raised by the next renewals of these orders, or of all (0)."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self.renewed: list[tuple[RenewalRequest, bool]] = []
        self.fails: dict[int, KmptuiError] = {}
        self.stuck: tuple[Blocked, ...] = ()

    async def preview(self, order_ids: Sequence[int], key: Any = None) -> tuple[RenewalPreview, ...]:
        return tuple([await self._preview(order_id, key) for order_id in order_ids])

    async def _preview(self, order_id: int, key: Any) -> RenewalPreview:
        order, facts = await self._known.order(order_id), await self._known.facts()
        profile = next((p for p in facts.profiles if p.id == order.profile_id), None)
        term, end = renewable.term(order, profile), renewable.expected_end(order, profile, facts.today)
        return RenewalPreview(
            order, renewable.findings(order, facts, key), renewable.forbidden(order, facts.today),
            respelling.renewal_key(order, key, has_key=True), term, end, respelling.renewal_command([order], key),
            respelling.renewal_effect(order, key, term, end, has_key=True),
        )  # fmt: skip

    async def renew(self, request: RenewalRequest, *, despite_mirror: bool = False, why: str = "") -> Placed:
        self.renewed.append((request, despite_mirror))
        if error := self.fails.get(request.order_id, self.fails.get(0)):
            raise error
        order = await self._known.order(request.order_id)
        new = replace(order, row=replace(order.row, id=request.order_id + 100, ssl_id=4_720_000, status="Requested"))
        self._known.ordering.orders[new.id] = new
        return Placed(
            new.id, 4_720_000, order.common_name, Ledger.ACCEPTED, f"SCM has taken the renewal of o{order.id}"
        )

    async def renew_all(self, order_ids: Sequence[int], *, stop_after: int = 3, **_: Any) -> tuple[Placed, ...]:
        placed = []
        for order_id in order_ids:
            try:
                placed.append(await self.renew(RenewalRequest(order_id)))
            except KmptuiError as error:
                name = (await self._known.order(order_id)).common_name
                placed.append(Placed(None, None, name, Ledger.DRAFT, str(error), error))
        return tuple(placed)

    async def blocked(self) -> tuple[Blocked, ...]:
        return self.stuck


class StageReissuing:
    def __init__(self, known: Known) -> None:
        self._known = known
        self.reissued: list[tuple[ReissueRequest, bool]] = []
        self.fails: KmptuiError | None = None

    async def preview(self, request: ReissueRequest) -> ReissuePreview:
        order, facts = await self._known.order(request.order_id), await self._known.facts()
        asked = renewable.reissue_request(order, request)
        from kmptui.domain import preflight

        found = preflight.mirror_findings(asked, facts.organizations, facts.domains, facts.today, facts.profiles)
        added, removed = respelling.changed_names(order, request)
        return ReissuePreview(
            order, found, renewable.forbidden(order, facts.today), "a new key", added, removed,
            respelling.reissue_command(order, request), respelling.reissue_effect(order, request),
        )  # fmt: skip

    async def reissue(self, request: ReissueRequest, *, despite_mirror: bool = False) -> Placed:
        self.reissued.append((request, despite_mirror))
        if self.fails is not None:
            raise self.fails
        order = await self._known.order(request.order_id)
        self._known.ordering.orders[order.id] = replace(order, row=replace(order.row, hold=Hold.REISSUE))
        return Placed(order.id, order.ssl_id, order.common_name, Ledger.ACCEPTED, "SCM has taken the reissue")


class StageRevoking:
    """`several`: other live certificates have the name."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self.revoked: list[tuple[Target, int, str, str]] = []
        self.several = False
        self.already = ""
        self.fails: KmptuiError | None = None

    async def target(
        self, *, order_id: int | None = None, certificate_id: int | None = None, serial: str = ""
    ) -> Target:
        name, names = "shop.example.edu", ("shop.example.edu",)
        if order_id is not None:
            order = await self._known.order(order_id)
            name, names = order.common_name, order.names
        today = self._known.now.date()
        own = Living("c42", SERIAL, date(2026, 5, 21), today + timedelta(days=9))
        others = (Living("c204", "7B0011223344556677EE", today, today + timedelta(days=199)),) if self.several else ()
        confirm = BY_SERIAL if self.several else BY_NAME
        stay = "; ".join(one.words for one in others)
        standing = f"2 live certificates have this name; this is an older one. These stay: {stay}."
        warning = f"It is the only live certificate of {name}: is another one in its place on every server?"
        return Target(
            42, order_id, 4711, SERIAL, name, names, own.issued, own.ends, (*others, own), not self.several, confirm,
            name if confirm == BY_NAME else SERIAL[-4:],
            standing if self.several else "It is the only live certificate of this name here.", CONSEQUENCES,
            "" if self.several else warning, self.already,
        )  # fmt: skip

    async def revoke(self, target: Target, *, code: int, reason: str, typed: str) -> Revoked:
        self.revoked.append((target, code, reason, typed))
        if self.fails is not None:
            raise self.fails
        return Revoked("Revoked: SCM says so. The CA's list is looked up in 15 minutes", False, True, 42, 1)


class StageDeciding:
    def __init__(self, known: Known) -> None:
        self._known = known
        self.decided: list[tuple[str, tuple[int, ...], str]] = []
        self.bad: dict[int, str] = {}

    def why_not(self, order: Order, act: str) -> str:
        return deciding_words.not_waiting(order, act)

    async def cancel(self, order_ids: Collection[int], message: str) -> tuple[Decided, ...]:
        return await self._all("cancel", order_ids, message)

    async def decline(self, order_ids: Collection[int], message: str) -> tuple[Decided, ...]:
        return await self._all("decline", order_ids, message)

    async def approve(self, order_ids: Collection[int], message: str) -> tuple[Decided, ...]:
        return await self._all("approve", order_ids, message)

    async def _all(self, act: str, order_ids: Collection[int], message: str) -> tuple[Decided, ...]:
        self.decided.append((act, tuple(order_ids), message))
        done = {"cancel": "cancelled; it is declined now", "decline": "declined", "approve": "approved"}[act]
        return tuple(
            [
                Decided(
                    order_id, (await self._known.order(order_id)).common_name, order_id not in self.bad,
                    self.bad.get(order_id, done),
                )
                for order_id in order_ids
            ]
        )  # fmt: skip


class StageEditing:
    def __init__(self, known: Known) -> None:
        self._known = known
        self.edited: list[tuple[EditRequest, bool]] = []
        self.fails: KmptuiError | None = None

    async def preview(self, order_id: int, changes: EditRequest) -> EditPreview:
        order = await self._known.order(order_id)
        wanted = editing.narrowed(order, changes, order.comments)
        told = tuple((field, "as it was", "as it will be") for field in editing.fields_of(wanted))
        checked = await self._known.ordering.check(editing.edited(order, wanted))
        found = tuple(one for one in checked if one.field in editing.concerned(wanted))
        return EditPreview(order, told, "", found, "{}", f"kmptui orders edit o{order_id}")

    async def edit(
        self, order_id: int, changes: EditRequest, *, despite_mirror: bool = False, seen: Any = None
    ) -> Order:
        self.edited.append((changes, despite_mirror))
        if self.fails is not None:
            raise self.fails
        return await self._known.order(order_id)


class StageRenewal:
    """What is set and chosen; the plan is what it was given."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self.now = Policy(on=True, days_before=30)
        self.kept: list[Rule] = []
        self.lines: tuple[PlanLine, ...] = ()
        self.dead: tuple[PlanLine, ...] = ()
        self.done: list[tuple[str, Any]] = []

    def policy(self) -> Policy:
        return self.now

    def refreshed(self) -> Policy:
        return self.now

    async def enable(self) -> Policy:
        self.done.append(("on", True))
        self.now = replace(self.now, on=True)
        return self.now

    async def disable(self) -> Policy:
        self.done.append(("on", False))
        self.now = replace(self.now, on=False)
        return self.now

    async def set_beside_scm(self, on: bool) -> Policy:
        self.done.append(("beside", on))
        self.now = replace(self.now, beside_scm=on)
        return self.now

    async def days_findings(self, days: int) -> tuple[Any, ...]:
        return renewal.days_findings(days, 90, "DV Single")

    async def set_days(self, days: int) -> tuple[Any, ...]:
        self.done.append(("days", days))
        return ()

    async def hopeless(self, order_ids: Collection[int]) -> tuple[PlanLine, ...]:
        return tuple(line for line in self.dead if line.order_id in order_ids)

    async def rules(self) -> tuple[Rule, ...]:
        return tuple(self.kept)

    async def add_rule(self, kind: str, value: str, exclude: bool = False) -> tuple[Rule, Matched]:
        self.done.append(("add", (kind, value, exclude)))
        return Rule(9, kind, value, exclude, title=value), Matched(3, 40)

    async def remove_rule(self, rule_id: int) -> Rule:
        self.done.append(("remove", rule_id))
        return next(rule for rule in self.kept if rule.id == rule_id)

    async def select(self, order_ids: Collection[int]) -> int:
        return self._choose(order_ids, on=True)

    async def deselect(self, order_ids: Collection[int]) -> int:
        return self._choose(order_ids, on=False)

    def _choose(self, order_ids: Collection[int], *, on: bool) -> int:
        self.done.append(("select" if on else "deselect", tuple(order_ids)))
        orders = self._known.ordering.orders
        for order_id in order_ids:
            if order_id in orders:
                orders[order_id] = replace(orders[order_id], row=replace(orders[order_id].row, auto_renew=on))
        return len(order_ids)


class StageLife:
    """`views` by order; else one of which nothing is chosen."""

    def __init__(self, renewals: StageRenewal) -> None:
        self._renewal = renewals
        self.views: dict[int, LifeView] = {}

    async def of(self, order_id: int) -> LifeView:
        plain = LifeView((), (), Decision(Verdict.NOT_CHOSEN, "nobody chose it, and no rule does"))
        return self.views.get(order_id, plain)

    async def plan(self, most: int) -> Sequence[PlanLine]:
        return self._renewal.lines[:most]

    async def write_plan(self, path: Path, format: str, words: str, *, replace: bool) -> int:  # noqa: A002
        lines = matching(self._renewal.lines, words)
        path.write_text("".join(f"{format} {line.number}\n" for line in lines))
        return len(lines)

    def policy(self) -> Policy:
        return self._renewal.now


def the_life(made: Any, domains: Sequence[Any], now: datetime) -> None:
    """Give a Stage the services of this module."""
    known = Known(made.ordering, made.lists, domains, now)
    made.renewing, made.reissuing = StageRenewing(known), StageReissuing(known)
    made.revoking, made.deciding, made.editing = StageRevoking(known), StageDeciding(known), StageEditing(known)
    made.renewal = StageRenewal(known)
    made.life = StageLife(made.renewal)
