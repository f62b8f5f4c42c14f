"""What the order form ends with."""

from __future__ import annotations

from dataclasses import dataclass

from kmptui.domain.order import OrderRequest
from kmptui.tui.dialogs.order.values import OrderValues


@dataclass(frozen=True, slots=True)
class OrderDecision:
    """What a person has decided to order. `each`: one certificate for each name. `again` and `despite_mirror` as
    `Ordering.place` means them. `values` bring the form back where it does not work out."""

    request: OrderRequest
    values: OrderValues
    each: bool = False
    again: bool = False
    despite_mirror: bool = False
