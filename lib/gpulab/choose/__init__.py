"""Which device for which work: every device of the catalog, ranked under limits, with reasons.

Times are predicted by ``gpulab.estimate``, prices are yours or the launch prices with their years.

>>> from gpulab.choose import Limits, choose
>>> found = choose("dqn", Limits(power_w=200))
>>> found.best.bound_by  # a small network on small batches: no card is busy
'overhead'
"""

from __future__ import annotations

from gpulab.choose.costs import break_even_hours
from gpulab.choose.errors import ChooseError
from gpulab.choose.need import Limits, Money, Need
from gpulab.choose.option import Option
from gpulab.choose.ranking import ORDERS, Choice, choose
from gpulab.choose.ready import READY, Ready
from gpulab.choose.table import table

__all__ = [
    "ORDERS", "READY", "Choice", "ChooseError", "Limits", "Money", "Need", "Option", "Ready", "break_even_hours",
    "choose", "table",
]  # fmt: skip
