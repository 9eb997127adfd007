"""``gpulab choose``: rank the devices of the catalog for a workload, under limits, with reasons."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict

from gpulab.choose import ORDERS, READY, Choice, ChooseError, Limits, Money, Need, Option, choose
from gpulab.choose.need import MODES, SIXTEEN, SOFTWARE
from gpulab.choose.ranking import as_text
from gpulab.estimate.device_model import PRECISIONS


def run(arguments: argparse.Namespace) -> int:
    """Print a choice; the exit status is 1 if nothing keeps to the limits."""
    if arguments.model is None:
        print("\n".join(f"{each.model:10} {each.application:24} {each.words}" for each in READY.values()))
        return 0
    need = Need(
        arguments.model, arguments.batch, arguments.precision, arguments.mode, arguments.samples, arguments.host
    )
    limits = Limits(arguments.budget, arguments.power, arguments.memory, tuple(arguments.software or ()),
                    arguments.hours, arguments.latency)  # fmt: skip
    money = Money(arguments.how == "rent", pairs(arguments.price), pairs(arguments.rate), arguments.electricity)
    found = choose(need, limits, money, arguments.by)
    print(json.dumps(as_json(found), indent=1) if arguments.json else as_text(found, arguments.top))
    return int(not found.ranked and not found.apart)


def pairs(texts: Sequence[str] | None) -> dict[str, float]:
    """Return devices and amounts from texts such as ``rtx-3090=700``.

    Examples
    --------
    >>> pairs(["rtx-3090=700", "t4=0.35"])
    {'rtx-3090': 700.0, 't4': 0.35}
    """
    found = {}
    for text in texts or ():
        name, _, amount = text.partition("=")
        try:
            found[name] = float(amount)
        except ValueError:
            raise ChooseError(f"{text!r} is no price; write it like rtx-3090=700") from None
    return found


def as_json(found: Choice) -> dict[str, object]:
    """Return a choice as plain data."""
    groups = {"ranked": found.ranked, "apart": found.apart, "ruled_out": found.ruled_out}
    need = asdict(found.need) | {"model": found.need.name}
    return {"need": need, "by": found.by, **{name: [_plain(each) for each in group] for name, group in groups.items()}}


def _plain(each: Option) -> dict[str, object]:
    never = each.break_even_hours == float("inf")
    return asdict(each) | {"device": each.device.id, "break_even_hours": None if never else each.break_even_hours}


def add(areas: argparse._SubParsersAction) -> None:
    """Add the command to the grammar."""
    command = areas.add_parser("choose", help="rank devices for a workload under limits, with reasons")
    command.add_argument("model", nargs="?", help="a ready-made workload, or a model that gpulab estimate knows; "
                                                  "without it, the ready-made ones are listed")  # fmt: skip
    command.add_argument("how", nargs="?", choices=("buy", "rent"), default="buy")
    command.add_argument("--batch", type=int, help="samples in a step")
    command.add_argument("--precision", choices=(SIXTEEN, *PRECISIONS), default=SIXTEEN)
    command.add_argument("--mode", choices=MODES, default="train")
    command.add_argument("--samples", type=float, help="how many to process")
    command.add_argument("--host", type=float, metavar="SAMPLES_PER_S", help="what a simulator or the disk delivers")
    command.add_argument("--budget", type=float, metavar="USD")
    command.add_argument("--power", type=float, metavar="WATTS")
    command.add_argument("--memory", type=float, metavar="GB", help="the least memory")
    command.add_argument("--software", action="append", choices=SOFTWARE, help="may be given more than once")
    command.add_argument("--hours", type=float, help="how long the whole may take")
    command.add_argument("--latency", type=float, metavar="MS", help="how long one step may take")
    command.add_argument(
        "--price", action="append", metavar="DEVICE=USD", help="your own price; may be given more than once"
    )
    command.add_argument("--rate", action="append", metavar="DEVICE=USD", help="your own rent an hour")
    command.add_argument("--electricity", type=float, metavar="USD", help="for a kWh")
    command.add_argument("--by", choices=tuple(ORDERS), default="time")
    command.add_argument("--top", type=int, default=5, help="how many of each list are shown")
    command.add_argument("--json", action="store_true", help="print everything as JSON")
    command.set_defaults(run=run)
