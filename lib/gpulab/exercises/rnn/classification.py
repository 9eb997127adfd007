"""Exercises on the classification of sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Array, Pair
from gpulab.exercises.engine import exercise
from gpulab.exercises.several import AllTrue, first_false

# --- Summaries of the states ---------------------------------------------------------------------------------------


def _mean(states: np.ndarray, steps: np.ndarray) -> np.ndarray:
    return np.array([row[:n].mean(axis=0) for row, n in zip(states, steps, strict=True)])


@exercise("rnn/mean-over-steps", "function", "a function mean_over_steps(states, steps)")
def mean_over_steps(answer: Any) -> Iterator[Case]:
    """Average the states (n, T, units) of each recording over its real steps (n,)."""

    def zeroed(states: np.ndarray, steps: np.ndarray) -> np.ndarray:
        real = np.arange(states.shape[1]) < steps[:, None]
        return (states * real[:, :, None]).mean(axis=1)

    mistakes = [
        Mistake("The steps after the end are counted, too.", gives=lambda states, steps: states.mean(axis=1)),
        Mistake("The sum is right. By how many steps must it be divided? Not by all T.", gives=zeroed),
        Mistake(
            "The divisor is right, but the states after the end are still in the sum.",
            gives=lambda states, steps: states.sum(axis=1) / steps[:, None],
        ),
        Mistake(
            "This is a sum. A mean does not grow with the number of steps.",
            gives=lambda states, steps: _mean(states, steps) * steps[:, None],
        ),
        Mistake(
            "This is one number for each recording. The units stay apart.",
            gives=lambda states, steps: _mean(states, steps).mean(axis=1),
        ),
        Mistake(
            "This is the last real state, not the mean of all of them.",
            gives=lambda states, steps: states[np.arange(len(states)), steps - 1],
        ),
    ]
    rng = np.random.default_rng(0)
    one = np.array([[[2.0], [4.0], [9.0]]])
    for label, states, steps in (
        ("one recording of 2 steps, with the states 2, 4 and then a 9", one, [2]),
        ("two recordings of different lengths", rng.normal(size=(2, 4, 3)), [4, 1]),
        ("five recordings", rng.normal(size=(5, 6, 2)), [6, 3, 1, 5, 2]),
    ):
        steps = np.array(steps)
        yield from called(
            answer,
            (states, steps),
            Array(_mean(states, steps), kind="f"),
            name="mean_over_steps",
            mistakes=mistakes,
            hint="Add the states of the first `steps[i]` steps of recording i, and divide by their number.",
            label=f"The result for {label},",
            verb="is",
        )


@exercise("rnn/reverse-steps", "function", "a function backward(x, steps)")
def reverse_steps(answer: Any) -> Iterator[Case]:
    """Reverse the real steps of each recording; the padding stays at the end."""

    def right(x: np.ndarray, steps: np.ndarray) -> np.ndarray:
        out = np.zeros_like(x)
        for k, n in enumerate(steps):
            out[k, :n] = x[k, :n][::-1]
        return out

    mistakes = [
        Mistake(
            "The padding has come to the front. Only the real steps are turned around.",
            gives=lambda x, steps: x[:, ::-1],
        ),
        Mistake("The recordings changed places. Each stays where it is.", gives=lambda x, steps: x[::-1]),
        Mistake("The channels changed places. The axis of the steps is axis 1.", gives=lambda x, steps: x[:, :, ::-1]),
        Mistake("Nothing was turned around.", gives=lambda x, steps: x),
        Mistake(
            "All recordings are cut at the same step. Each has its own number.",
            gives=lambda x, steps: np.concatenate([x[:, : steps.min()][:, ::-1], x[:, steps.min() :]], axis=1),
        ),
        Mistake(
            "The steps are right, but the channels were turned around with them.",
            gives=lambda x, steps: right(x, steps)[:, :, ::-1],
        ),
    ]
    rng = np.random.default_rng(1)
    for label, steps, longest, channels in (
        ("one recording of 3 steps and one step of padding", [3], 4, 2),
        ("recordings of 2 and of 4 steps", [2, 4], 5, 3),
        ("a recording of one step, and others", [1, 5, 3], 5, 2),
    ):
        x = rng.normal(size=(len(steps), longest, channels)).round(2)
        x *= (np.arange(longest) < np.array(steps)[:, None])[:, :, None]
        yield from called(
            answer,
            (x, np.array(steps)),
            Array(right(x, np.array(steps))),
            name="backward",
            mistakes=mistakes,
            hint="Recording i has `steps[i]` real steps: turn `x[i, : steps[i]]` around, and leave the rest.",
            label=f"The result for {label},",
            verb="is",
        )


@exercise("rnn/only-one-right", "function", "a function only_one_right(a, b, y)")
def only_one_right(answer: Any) -> Iterator[Case]:
    """Count what only one of two classifiers names rightly: first those of a, then those of b."""

    def counts(a: np.ndarray, b: np.ndarray, y: np.ndarray) -> tuple[int, int]:
        return int(((a == y) & (b != y)).sum()), int(((b == y) & (a != y)).sum())

    mistakes = [
        Mistake(
            "These are all that each one has right. What both have right says nothing about the difference.",
            gives=lambda a, b, y: (int((a == y).sum()), int((b == y).sum())),
        ),
        Mistake("Turn them around: first those that only `a` has right.", gives=lambda a, b, y: counts(a, b, y)[::-1]),
        Mistake(
            "Two different answers may both be wrong. Compare each with `y`.",
            gives=lambda a, b, y: (int((a != b).sum()), int((a != b).sum())),
        ),
        Mistake("These are the errors of each. Which of them are not errors of the other?",
                gives=lambda a, b, y: (int((a != y).sum()), int((b != y).sum()))),
        Mistake(
            "These are shares. Counts are asked for.",
            gives=lambda a, b, y: tuple(count / len(y) for count in counts(a, b, y)),
        ),
    ]  # fmt: skip
    rng = np.random.default_rng(2)
    y = rng.integers(0, 9, 60)
    noisy = [np.where(rng.random(60) < share, rng.integers(0, 9, 60), y) for share in (0.2, 0.4)]
    for label, a, b, truth in (
        ("answers 1 2 3 and 1 0 0, where 1 2 0 is true", [1, 2, 3], [1, 0, 0], [1, 2, 0]),
        ("four recordings, one of which both miss", [0, 1, 4, 5], [0, 2, 3, 5], [0, 1, 2, 5]),
        ("60 recordings", *noisy, y),
    ):
        call = tuple(np.array(part) for part in (a, b, truth))
        yield from called(
            answer,
            call,
            Pair(counts(*call)),
            name="only_one_right",
            mistakes=mistakes,
            hint="Make two masks, `a == y` and `b == y`. Which of the four combinations are asked for?",
            label=f"The result for {label},",
            verb="is",
        )


# --- A program with its axes in the wrong places -------------------------------------------------------------------


def broken_axes_torch() -> Any:
    """Return a network whose LSTM takes the recordings of a batch for the steps."""
    import torch
    from torch import nn

    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.head = nn.LSTM(12, 64), nn.Linear(64, 9)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            states, _ = self.rnn(x)
            last = (x != 0).any(dim=2).sum(dim=1) - 1
            return self.head(states[torch.arange(len(x)), last])

    return Reader()


def broken_axes_keras() -> Any:
    """Return a network whose LSTM takes the channels for the steps."""
    import keras
    from keras import layers

    x = keras.Input((29, 12))
    rows = layers.Permute((2, 1))(x)
    rows = layers.Masking(0.0)(rows)
    state = layers.LSTM(64)(rows)
    return keras.Model(x, layers.Dense(9)(state))


FACTS = (
    ("gives outputs of another shape than (n, 9)", "One logit for each of the nine speakers, and one row a recording."),
    (
        "gives a recording another answer when it comes with other recordings",
        "One recording must not change the answer for another. Which axis does the LSTM walk along?",
    ),
    ("gives the same answer when a step in the middle is changed", "The LSTM must read each step, not the last alone."),
    (
        "gives the same answer when the steps come in another order",
        "A recurrent network reads the steps one after the other. Does it still, in yours?",
    ),
    (
        "gives another answer when the padding stands in front of the recording",
        "A step of zeros in all channels must be skipped. Which axis holds the steps for the layer that skips?",
    ),
    (
        "gives another answer when there is more padding, or none at all for it",
        "Padding must change nothing, and a recording may have any number of steps.",
    ),
)


def _facts(build: Callable[[], Any], run: Callable[[Any, np.ndarray], np.ndarray]) -> Callable[[int], list[bool]]:
    """Return a function that builds a network with fresh weights and finds out what holds for recordings of so many steps.

    The facts are those of ``FACTS``, each turned into what must hold.
    """

    def facts(steps: int) -> list[bool]:
        network = build()
        rng = np.random.default_rng(steps)
        x = np.zeros((4, 29, 12), np.float32)
        x[:, :steps] = rng.normal(size=(4, steps, 12))
        y = run(network, x)
        if y.shape != (4, 9):
            return [False] * len(FACTS)

        def same(other: np.ndarray, rows: slice = slice(None)) -> bool:
            try:
                return bool(np.allclose(run(network, other), y[rows], atol=1e-5))
            except Exception:  # noqa: BLE001  it does not take recordings of this length
                return False

        changed, turned, front = x.copy(), x.copy(), np.roll(x, 29 - steps, axis=1)
        changed[:, steps // 2] += 1
        turned[:, :steps] = x[:, :steps][:, ::-1]
        alone = all(same(x[k : k + 1], slice(k, k + 1)) for k in range(4))
        longer = np.pad(x, ((0, 0), (0, 6), (0, 0)))
        return [True, alone, not same(changed), not same(turned), same(front), same(longer) and same(x[:, :steps])]

    facts.__wrapped__ = build
    return facts


def _run_torch(network: Any, x: np.ndarray) -> np.ndarray:
    import torch

    with torch.no_grad():
        return network(torch.from_numpy(x)).numpy()


def _run_keras(network: Any, x: np.ndarray) -> np.ndarray:
    return np.asarray(network(x))


def _axes_cases(answer: Any, run: Callable[[Any, np.ndarray], np.ndarray], asked: tuple[int, ...]) -> Iterator[Case]:
    """Yield the cases of a ``build`` whose network must treat recordings, steps and channels as what they are."""
    given = _facts(answer, run) if callable(answer) else answer
    for steps in (5, 20):
        yield from called(
            given,
            (steps,),
            AllTrue({k: f"a network that {FACTS[k][0]}" for k in asked}),
            name="build",
            mistakes=first_false({k: FACTS[k][1] for k in asked}),
            hint="The LSTM wants (recordings, steps, channels), or it must be told another order.",
            label=f"With four recordings of {steps} steps, `build`",
            given="no arguments, and give its network four recordings of the shape (29, 12)",
        )


@exercise(
    "rnn/broken-axes-torch",
    "repaired",
    "the repaired function build()",
    needs=("torch",),
    broken=_facts(broken_axes_torch, _run_torch),
)
def repaired_axes_torch(answer: Any) -> Iterator[Case]:
    """Let the LSTM walk along the steps of each recording; what it does is found out with changed recordings."""
    yield from _axes_cases(answer, _run_torch, (0, 1, 2, 3, 5))


@exercise(
    "rnn/broken-axes-keras",
    "repaired",
    "the repaired function build()",
    needs=("keras",),
    broken=_facts(broken_axes_keras, _run_keras),
)
def repaired_axes_keras(answer: Any) -> Iterator[Case]:
    """Let the LSTM walk along the steps of each recording; what it does is found out with changed recordings."""
    yield from _axes_cases(answer, _run_keras, (0, 1, 2, 3, 4, 5))
