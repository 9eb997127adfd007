"""Exercises on choosing a device: memory, money, latency, predictions, and what the doctor says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Integer, Number, OneOf
from gpulab.exercises.engine import exercise

STATES = ("no driver", "hidden", "cpu build", "old driver", "no code", "fine")


@exercise("gpu/fits", "function", "a function largest_batch(fixed_gb, per_sample_gb, memory_gb)")
def fits(answer: Any) -> Iterator[Case]:
    """Find the largest batch that a card's memory holds."""
    mistakes = [
        Mistake(
            "Where not even the fixed part fits, no batch does. A batch is never negative.",
            when=lambda got: isinstance(got, int) and got < 0,
        ),
        Mistake(
            "Weights, gradients and the optimizer's states lie there, too: subtract the fixed part first.",
            gives=lambda f, s, m: int(m / s),
        ),
        Mistake(
            "Rounding to the nearest number can give a batch that does not fit.",
            gives=lambda f, s, m: round((m - f) / s),
        ),
        Mistake("A batch of that size does not fit: round down.", gives=lambda f, s, m: math.ceil((m - f) / s)),
        Mistake("A batch is a whole number.", when=lambda got: isinstance(got, float)),
        Mistake("The fixed part lies in the memory once, whatever the batch.", gives=lambda f, s, m: int(m / (f + s))),
    ]  # fmt: skip
    hint = "Take 1 GB fixed, 1 GB for each sample and 3 GB of memory, and add up batches of 1, 2, 3."
    for call in ((1.0, 1.0, 3.0), (0.5, 0.25, 8.1), (1.5, 0.052, 8.0), (20.0, 0.5, 16.0), (4.75, 0.7, 24.0)):
        fixed, sample, memory = call
        batch = 0
        while fixed + (batch + 1) * sample <= memory:  # counted up, as a learner would by hand
            batch += 1
        yield from called(answer, call, Integer(batch), name="largest_batch", mistakes=mistakes, hint=hint)


@exercise("gpu/break-even", "function", "a function break_even(price, rate, watts, electricity)")
def break_even(answer: Any) -> Iterator[Case]:
    """Find after how many hours of use buying is cheaper than renting."""
    mistakes = [
        Mistake("A card of your own needs electricity, which the rent has in it.", gives=lambda p, r, w, e: p / r),
        Mistake(
            "Watts times hours are watt-hours; electricity is paid by the kilowatt-hour.",
            gives=lambda p, r, w, e: p / (r - w * e),
        ),
        Mistake(
            "Electricity makes owning dearer, so it lengthens the time.",
            gives=lambda p, r, w, e: p / (r + w / 1000 * e),
        ),
        Mistake(
            "Hours are asked for: the price is divided by what an hour saves.",
            gives=lambda p, r, w, e: (r - w / 1000 * e) / p,
        ),
        Mistake(
            "If an hour of your own costs no less than an hour of rent, buying never pays: return `math.inf`.",
            when=lambda got: got is None or got < 0,
        ),
    ]  # fmt: skip
    hint = "What does one hour cost when you rent, and when you own? After how many hours is the difference the price?"
    for call, right in (
        ((1000.0, 1.0, 0.0, 0.3), 1000.0),
        ((1500.0, 0.6, 350.0, 0.3), 1500 / 0.495),
        ((1599.0, 0.35, 450.0, 0.4), 1599 / 0.17),
    ):
        yield from called(answer, call, Number(right), name="break_even", mistakes=mistakes, hint=hint)
    for call in ((1599.0, 0.1, 450.0, 0.4), (800.0, 0.15, 300.0, 0.5)):
        never = _Never()
        hint = "Which of the two costs more for each hour?"
        yield from called(answer, call, never, name="break_even", mistakes=mistakes, hint=hint)


class _Never(Number):
    """Infinity: it never pays."""

    def __init__(self) -> None:
        super().__init__(math.inf)

    def secrets(self) -> list[str]:
        """Return nothing: the statement names infinity."""
        return []


@exercise("gpu/latency-or-throughput", "function", "a function best_batch(batches, step_ms, limit_ms)")
def latency_or_throughput(answer: Any) -> Iterator[Case]:
    """Choose the batch that answers most in a second and keeps to a limit of time."""

    def kept(b: Any, t: Any, limit: float) -> list[tuple[float, int]]:
        return [(n / ms, int(n)) for n, ms in zip(b, t, strict=True) if ms <= limit]

    def largest_kept(b: Any, t: Any, limit: float) -> int:
        return max(n for _, n in kept(b, t, limit))

    def fastest(b: Any, t: Any, limit: float) -> int:
        return max((n / ms, int(n)) for n, ms in zip(b, t, strict=True))[1]

    def quickest(b: Any, t: Any, limit: float) -> int:
        return int(b[int(np.argmin(t))])

    mistakes = [
        Mistake("This batch answers most in a second, but its step takes too long.", gives=fastest),
        Mistake(
            "This has the shortest step. Among those within the limit, another one answers more in a second.",
            gives=quickest,
        ),
        Mistake(
            "The largest batch is not always the fastest: compare samples for each millisecond.",
            gives=largest_kept,
        ),
    ]  # fmt: skip
    hint = "Take away the batches whose step is too long. Which of the others has most samples for each millisecond?"
    cases = (
        ((1, 8, 64), (2.0, 4.0, 20.0), 10.0),
        ((1, 2, 4, 8, 16), (3.0, 3.1, 3.4, 5.0, 9.6), 5.0),
        ((1, 4, 16, 32), (2.0, 3.0, 8.0, 24.0), 30.0),
        ((1, 4, 16, 32, 64), (1.0, 1.2, 5.0, 12.0, 22.0), 15.0),
    )
    for batches, step_ms, limit in cases:
        right = max(kept(batches, step_ms, limit))[1]
        yield from called(answer, (np.array(batches), np.array(step_ms), limit), Integer(right), name="best_batch",
                          mistakes=mistakes, hint=hint, label=f"`best_batch` for batches {_listed(batches)}, steps of "
                          f"{_listed(step_ms)} ms and a limit of {limit:g} ms")  # fmt: skip
    none = [Mistake("No step is short enough. The statement says what to return then.", when=lambda got: got != 0)]
    slow = (np.array([1, 2]), np.array([5.0, 6.0]), 4.0)
    yield from called(answer, slow, Integer(0), name="best_batch", mistakes=none,
                      hint="What if no batch keeps to the limit?", label="`best_batch` where every step is too long")  # fmt: skip


def _listed(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


@exercise("gpu/cheapest", "function", "a function cheapest(offers, hours)")
def cheapest(answer: Any) -> Iterator[Case]:
    """Find the cheapest offer that ends in time."""

    def by(key: Any, keep: Any = lambda offer, hours: True) -> Any:
        return lambda offers, hours: min((o for o in offers if keep(o, hours)), key=key)["id"]

    def in_time(offer: Mapping[str, Any], hours: float) -> bool:
        return offer["hours"] <= hours

    def whole(offer: Mapping[str, Any]) -> float:
        return offer["usd"] if offer["how"] == "buy" else offer["usd"] * offer["hours"]

    def known(offer: Mapping[str, Any], hours: float) -> bool:
        return offer["usd"] is not None

    def right(offers: Sequence[Mapping[str, Any]], hours: float) -> str:
        kept = [offer for offer in offers if known(offer, hours) and in_time(offer, hours)]
        return min(kept, key=whole)["id"] if kept else "none"

    mistakes = [
        Mistake("Rent is paid for each hour: multiply before you compare.",
                gives=by(lambda o: o["usd"], lambda o, h: known(o, h) and in_time(o, h))),
        Mistake("That one has no price. Nobody can say that it is cheap.", gives=by(lambda o: o["usd"] or 0, in_time)),
        Mistake("That one is not ready in time.", gives=by(whole, known)),
        Mistake("That one is the fastest. The cheapest in time is asked for.", gives=by(lambda o: o["hours"], known)),
        Mistake("Return the id of the offer, not the offer.", when=lambda got: isinstance(got, Mapping)),
    ]  # fmt: skip
    hint = "Keep the offers that have a price and end in time. What does each of them cost in all?"

    def offers(*rows: tuple[str, str, float | None, float]) -> list[dict[str, Any]]:
        return [dict(zip(("id", "how", "usd", "hours"), row, strict=True)) for row in rows]

    plain = offers(("a", "buy", 500, 40), ("b", "buy", 800, 20), ("c", "buy", 1500, 10))
    mixed = offers(("a", "buy", 600, 30), ("b", "rent", 2.5, 12), ("c", "rent", 0.4, 90), ("d", "buy", None, 25))
    long = offers(("a", "buy", 600, 900), ("b", "rent", 2.5, 400), ("c", "buy", 400, 2000), ("d", "buy", None, 100))
    named = {"three cards to buy": (plain, 24), "two to buy, two to rent": (mixed, 48), "a long job": (long, 1000),
             "too little time": (plain, 5)}  # fmt: skip
    for words, (rows, hours) in named.items():
        wanted = OneOf(right(rows, hours), ("a", "b", "c", "d", "none"))
        label = f"`cheapest` for {words}, within {hours} hours,"
        yield from called(answer, (rows, hours), wanted, name="cheapest", mistakes=mistakes, hint=hint, label=label)


@exercise("gpu/doctor-says", "function", "a function diagnose(facts)")
def doctor_says(answer: Any) -> Iterator[Case]:
    """Say what keeps a machine's NVIDIA card from being used, the first cause first."""
    base = {"driver": "580.95", "hidden": False, "build": "CUDA", "oldest": "580", "code": ("7.5", "8.6", "9.0"),
            "card": "8.6"}  # fmt: skip

    def version(text: str) -> tuple[int, ...]:
        return tuple(map(int, text.split(".")))

    def broken(as_text: bool = False, skip: str = "", last: bool = False) -> Any:
        """Return the diagnosis, or a variant of it."""
        order = (lambda text: text) if as_text else version

        def diagnose(f: Mapping[str, Any]) -> str:
            states = {
                "no driver": not f["driver"], "hidden": f["hidden"], "cpu build": f["build"] == "CPU",
                "old driver": f["build"] == "CUDA" and bool(f["driver"]) and order(f["driver"]) < order(f["oldest"]),
                "no code": f["build"] == "CUDA" and f["card"] not in f["code"],
            }  # fmt: skip
            found = [state for state, there in states.items() if there and state != skip]
            return found[-1 if last else 0] if found else "fine"

        return diagnose

    right = broken()
    mistakes = [
        Mistake("Compare versions as numbers: as a text, 9 comes after 580.", gives=broken(as_text=True)),
        Mistake(
            "More than one thing is wrong. What must be repaired first, before the others can even be seen?",
            gives=broken(last=True),
        ),
        Mistake("Look at the environment: is the card hidden?", gives=broken(skip="hidden")),
        Mistake("Which build is installed? A build for the CPU cannot use any card.", gives=broken(skip="cpu build")),
        Mistake("Compare the driver with the oldest one that the build's CUDA needs.", gives=broken(skip="old driver")),
        Mistake("The build must hold code for the card's compute capability.", gives=broken(skip="no code")),
        Mistake("Without a driver nothing else counts.", gives=broken(skip="no driver")),
    ]  # fmt: skip
    hint = "Go through the causes in the order of the statement, and stop at the first that is there."
    cases = (
        ("all is well", {}), ("no driver answers", {"driver": ""}), ("a variable hides the card", {"hidden": True}),
        ("a build for the CPU", {"build": "CPU", "code": ()}), ("a driver of some years ago", {"driver": "535.183"}),
        ("a driver of many years ago", {"driver": "96.43"}), ("an old card", {"card": "6.1"}),
        ("no driver and an old card", {"driver": "", "card": "6.1"}),
        ("an old driver and an old card", {"driver": "470.1", "card": "6.1"}),
    )  # fmt: skip
    for words, changes in cases:
        facts = {**base, **changes}
        yield from called(answer, (facts,), OneOf(right(facts), STATES), name="diagnose", mistakes=mistakes, hint=hint,
                          label=f"`diagnose` for a machine with this: {words},")  # fmt: skip


@exercise("gpu/within-factor", "function", "a function within(predicted, published, factor)")
def within_factor(answer: Any) -> Iterator[Case]:
    """Count how many predictions lie within a factor of what was published."""

    def ratios(p: Any, q: Any) -> np.ndarray:
        return np.asarray(p, float) / np.asarray(q, float)

    mistakes = [
        Mistake("A prediction can be too low, too.", gives=lambda p, q, f: float((ratios(p, q) <= f).mean())),
        Mistake("A prediction can be too high, too.", gives=lambda p, q, f: float((ratios(p, q) >= 1 / f).mean())),
        Mistake(
            "A share is asked for, not a number of points.",
            gives=lambda p, q, f: int((np.maximum(ratios(p, q), 1 / ratios(p, q)) <= f).sum()),
        ),
        Mistake(
            "This is the share of those outside.",
            gives=lambda p, q, f: float((np.maximum(ratios(p, q), 1 / ratios(p, q)) > f).mean()),
        ),
        Mistake("20 % up and down is not a factor of 1.2 up and down: dividing by 1.2 leaves 83 %.",
                gives=lambda p, q, f: float((abs(ratios(p, q) - 1) <= f - 1).mean())),
        Mistake("Divide one by the other; a difference means little where models differ a hundredfold.",
                gives=lambda p, q, f: float((abs(np.asarray(p) - np.asarray(q)) <= f).mean())),
    ]  # fmt: skip
    hint = "Look at the ratio of the two. Between which two numbers must it lie?"
    generator = np.random.default_rng(0)
    published = generator.uniform(50, 2000, 40)
    cases = (
        ("three points", np.array([100.0, 300.0, 40.0]), np.array([100.0, 100.0, 100.0]), 2.0),
        ("points near the lower edge", np.array([82.0, 84.0, 119.0, 121.0]), np.full(4, 100.0), 1.2),
        ("forty points", published * np.exp(generator.normal(0, 0.3, 40)), published, 1.25),
    )
    for words, predicted, measured, factor in cases:
        right = np.mean([max(p / q, q / p) <= factor for p, q in zip(predicted, measured, strict=True)])
        yield from called(answer, (predicted, measured, factor), Number(float(right)), name="within", mistakes=mistakes,
                          hint=hint, label=f"`within` for {words} and a factor of {factor:g}")  # fmt: skip
