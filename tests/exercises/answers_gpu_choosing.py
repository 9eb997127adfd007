"""Answers to the exercises on choosing a device."""

from __future__ import annotations

import math

import numpy as np

from tests.exercises.walk import Answers


def largest_batch(fixed_gb, per_sample_gb, memory_gb):
    return max(0, math.floor((memory_gb - fixed_gb) / per_sample_gb))


def break_even(price, rate, watts, electricity):
    saved = rate - watts / 1000 * electricity
    return price / saved if saved > 0 else math.inf


def best_batch(batches, step_ms, limit_ms):
    kept = step_ms <= limit_ms
    if not kept.any():
        return 0
    speed = np.where(kept, batches / step_ms, 0)
    return int(batches[speed.argmax()])


def cheapest(offers, hours):
    costs = {
        o["id"]: o["usd"] * (o["hours"] if o["how"] == "rent" else 1)
        for o in offers
        if o["usd"] is not None and o["hours"] <= hours
    }
    return min(costs, key=costs.get) if costs else "none"


def cheapest_in(offers, hours, cost=None, keep=None):
    cost = cost or (lambda o: o["usd"] * (o["hours"] if o["how"] == "rent" else 1))
    kept = [o for o in offers if (keep or (lambda o: o["usd"] is not None and o["hours"] <= hours))(o)]
    return min(kept, key=cost)["id"] if kept else "none"


def numbers(version):
    return [int(part) for part in version.split(".")]


def diagnose(facts):
    if not facts["driver"]:
        return "no driver"
    if facts["hidden"]:
        return "hidden"
    if facts["build"] == "CPU":
        return "cpu build"
    if numbers(facts["driver"]) < numbers(facts["oldest"]):
        return "old driver"
    return "fine" if facts["card"] in facts["code"] else "no code"


def diagnose_by_text(facts):
    if facts["driver"] and not facts["hidden"] and facts["build"] == "CUDA":
        if facts["driver"] < facts["oldest"]:
            return "old driver"
        return "fine" if facts["card"] in facts["code"] else "no code"
    return diagnose(facts)


def diagnose_backward(facts):
    if facts["build"] == "CUDA" and facts["card"] not in facts["code"]:
        return "no code"
    return diagnose(facts)


def within(predicted, published, factor):
    ratio = predicted / published
    return float(np.mean((ratio <= factor) & (ratio >= 1 / factor)))


ANSWERS = {
    "gpu/fits": Answers(
        largest_batch,
        [
            (lambda f, s, m: max(0, int(m / s)), "subtract the fixed part"),
            (lambda f, s, m: max(0, math.ceil((m - f) / s)), "round"),
            (lambda f, s, m: max(0, round((m - f) / s)), "round"),
            (lambda f, s, m: (m - f) / s, "whole number"),
            (lambda f, s, m: math.floor((m - f) / s), "never negative"),
            (lambda f, s, m: int(m / (f + s)), "lies in the memory once"),
        ],
    ),
    "gpu/break-even": Answers(
        break_even,
        [
            (lambda p, r, w, e: p / r, "needs electricity"),
            (lambda p, r, w, e: p / (r - w * e), "kilowatt-hour"),
            (lambda p, r, w, e: p / (r + w / 1000 * e), "owning dearer"),
            (lambda p, r, w, e: p / (r - w / 1000 * e), "never pays"),
            (lambda p, r, w, e: (r - w / 1000 * e) / p, "what an hour saves"),
        ],
    ),
    "gpu/latency-or-throughput": Answers(
        best_batch,
        [
            (lambda b, t, limit: int(b[(b / t).argmax()]), "too long"),
            (lambda b, t, limit: int(b[t.argmin()]), "shortest step"),
            (lambda b, t, limit: int(max(b[t <= limit], default=0)), "not always the fastest"),
            (lambda b, t, limit: int(b[np.where(t <= limit, b / t, 0).argmax()]), "what to return then"),
        ],
    ),
    "gpu/cheapest": Answers(
        cheapest,
        [
            (lambda o, h: cheapest_in(o, h, keep=lambda x: x["usd"] is not None), "not ready in time"),
            (lambda o, h: cheapest_in(o, h, cost=lambda x: x["hours"]), "fastest"),
            (lambda o, h: cheapest_in(o, h, cost=lambda x: x["usd"]), "multiply before"),
            (lambda o, h: cheapest_in(o, h, cost=lambda x: x["usd"] or 0, keep=lambda x: x["hours"] <= h), "no price"),
            (lambda o, h: "nothing" if cheapest(o, h) == "none" else cheapest(o, h), "one of these words"),
        ],
    ),
    "gpu/doctor-says": Answers(
        diagnose,
        [
            (lambda f: "fine", "without a driver"),
            (diagnose_by_text, "as numbers"),
            (diagnose_backward, "repaired first"),
            (lambda f: diagnose({**f, "hidden": False}), "hidden"),
            (lambda f: diagnose({**f, "oldest": "1"}), "oldest one"),
            (lambda f: "driver", "one of these words"),
        ],
    ),
    "gpu/within-factor": Answers(
        within,
        [
            (lambda p, q, f: float(np.mean(p / q <= f)), "too low"),
            (lambda p, q, f: float(np.mean(p / q >= 1 / f)), "too high"),
            (lambda p, q, f: float(np.mean(abs(p / q - 1) <= f - 1)), "83 %"),
            (lambda p, q, f: round(within(p, q, f) * len(p)), "a share is asked for"),
            (lambda p, q, f: 1 - within(p, q, f), "outside"),
        ],
    ),
}
