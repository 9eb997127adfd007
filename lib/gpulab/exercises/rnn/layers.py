"""Exercises on recurrent layers, padding, masking and packing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Array, Integer, Number, Shape, as_array
from gpulab.exercises.engine import exercise


@exercise("rnn/stack-parameters", "function", "a function stack(gates, features, units, layers, both_ways)")
def stack_parameters(answer: Any) -> Iterator[Case]:
    """Count the parameters of recurrent layers on top of each other, as Keras counts them: one bias a gate."""

    def with_parts(
        below: Any = None, ways: Any = None, biases: int = 1, square: bool = True, gated: bool = True
    ) -> Any:
        """Return the count with one part of it changed."""

        def mistaken(gates: int, features: int, units: int, layers: int, both_ways: bool) -> int:
            directions, total, width = 1 + both_ways, 0, features
            for _ in range(layers):
                one = units * (width + (units if square else 0) + biases) * (gates if gated else 1)
                total += one * (directions if ways is None else ways)
                width = units * directions if below is None else below(features, units)
            return total

        return mistaken

    mistakes = [
        Mistake("A layer that reads in both directions has a whole set of weights for each.", gives=with_parts(ways=1)),
        Mistake(
            "What does the second layer read? Not x, but the states of the layer below.",
            gives=with_parts(below=lambda features, units: features),
        ),
        Mistake(
            "Below stands a layer that reads in both directions. How wide is what it hands on?",
            gives=with_parts(below=lambda features, units: units),
        ),
        Mistake("Each gate has weights for x, weights for the state, and a bias.", gives=with_parts(biases=0)),
        Mistake("This is PyTorch's count, with two biases. Keras has one.", gives=with_parts(biases=2)),
        Mistake("The state before is an input, too: where are its weights?", gives=with_parts(square=False)),
        Mistake("Each gate has weights of its own.", gives=with_parts(gated=False)),
    ]
    hint = "One layer in one direction first: gates times units rows, each with weights for x, the state, and a bias."
    for call in (
        (1, 10, 64, 1, False),
        (4, 10, 64, 1, False),
        (4, 10, 64, 1, True),
        (4, 10, 64, 2, False),
        (1, 3, 5, 3, True),
        (4, 12, 32, 2, True),
    ):
        wanted = Integer(with_parts()(*call))
        yield from called(answer, call, wanted, name="stack", mistakes=mistakes, hint=hint)


@exercise("rnn/output-shape", "function", "a function output_shape(n, steps, units, every_step, both_ways)")
def output_shape(answer: Any) -> Iterator[Case]:
    """Write the shape that a recurrent layer returns."""

    def shape(n: int, steps: int, units: int, every_step: bool, both_ways: bool) -> tuple[int, ...]:
        width = units * (1 + both_ways)
        return (n, steps, width) if every_step else (n, width)

    mistakes = [
        Mistake(
            "Without `every_step` only the last state is left: no axis of time.",
            gives=lambda n, steps, units, every_step, both_ways: shape(n, steps, units, True, both_ways),
        ),
        Mistake(
            "With `every_step` there is one state for each step: an axis of time is missing.",
            gives=lambda n, steps, units, every_step, both_ways: shape(n, steps, units, False, both_ways),
        ),
        Mistake(
            "In both directions there are two states, and they are put side by side.",
            gives=lambda n, steps, units, every_step, both_ways: shape(n, steps, units, every_step, False),
        ),
        Mistake(
            "An axis of length 1 stays behind. The last state is a vector for each sequence.",
            gives=lambda n, steps, units, every, both: (n, steps if every else 1, units * (1 + both)),
        ),
        Mistake(
            "The batch comes first in both frameworks (with `batch_first=True`).",
            gives=lambda n, steps, units, every_step, both_ways: (steps, n, units * (1 + both_ways)),
        ),
    ]
    hint = "Ask for each axis whether it is there: sequences, steps, numbers of the state."
    for call in ((2, 7, 5, False, False), (2, 7, 5, True, False), (32, 11, 64, False, True), (32, 11, 64, True, True)):
        yield from called(answer, call, Shape(shape(*call)), name="output_shape", mistakes=mistakes, hint=hint)


@exercise("rnn/pad-sequences", "function", "a function to_rectangle(sequences)")
def pad_sequences(answer: Any) -> Iterator[Case]:
    """Pad lists of tokens with zeros at the end, up to the longest."""

    def padded(sequences: list[list[int]], front: bool = False, extra: int = 0, steps: int = 0) -> np.ndarray:
        longest = (steps or max(map(len, sequences))) + extra
        rows = np.zeros((len(sequences), longest), dtype=np.int64)
        for row, sequence in zip(rows, sequences, strict=True):
            kept = sequence[:longest]
            place = slice(longest - len(kept), None) if front else slice(len(kept))
            row[place] = kept
        return rows

    def cut(sequences: list[list[int]]) -> np.ndarray:
        return padded(sequences, steps=min(map(len, sequences)) or 1)

    mistakes = [
        Mistake("The zeros stand at the end, behind the tokens.", gives=lambda s: padded(s, front=True)),
        Mistake("Nothing may be cut off: the longest sequence sets the length.", gives=cut),
        Mistake("The longest sequence needs no padding.", gives=lambda s: padded(s, extra=1)),
        Mistake("Time runs along the second axis: a row for each sequence.", gives=lambda s: padded(s).T),
        Mistake("Tokens are whole numbers: give the array a dtype.", when=lambda r: as_array(r).dtype.kind == "f"),
    ]
    hint = "Make an array of zeros for the longest sequence first; then write each sequence into its row."
    cases: list[list[list[int]]] = [
        [[3, 1], [2]],
        [[2], [3, 1, 4]],
        [[5, 9, 2], [6, 5, 3]],
        [[8], [9, 7, 9, 3], [2, 3]],
        [[], [8, 4]],
    ]
    for sequences in cases:
        wanted = Array(padded(sequences), kind="iu")
        yield from called(answer, (sequences,), wanted, name="to_rectangle", mistakes=mistakes, hint=hint)


@exercise("rnn/make-mask", "function", "a function real_steps(lengths, steps)")
def make_mask(answer: Any) -> Iterator[Case]:
    """Make the mask of a padded batch out of the lengths."""

    def mask(lengths: np.ndarray, steps: int) -> np.ndarray:
        return np.arange(steps) < np.asarray(lengths)[:, None]

    mistakes = [
        Mistake(
            "The real steps are true, the padding is false: this is the other way round.",
            gives=lambda n, t: ~mask(n, t),
        ),
        Mistake(
            "Step 0 is the first one: a sequence of length 2 has steps 0 and 1, and no step 2.",
            gives=lambda n, t: mask(n + 1, t),
        ),
        Mistake("The padding stands at the end, not at the front.", gives=lambda n, t: mask(n, t)[:, ::-1]),
        Mistake("One row for each sequence, one column for each step.", gives=lambda n, t: mask(n, t).T),
        Mistake(
            "The mask is as wide as the padded batch, not as its longest sequence.",
            gives=lambda n, t: mask(n, n.max()),
        ),
        Mistake("A mask holds truth values.", when=lambda r: as_array(r).dtype.kind in "if"),
    ]
    hint = "Compare the numbers of the steps, 0, 1, 2, ..., with the length of each sequence."
    for lengths, steps in (([2], 3), ([1, 3], 3), ([4, 1, 2], 6), ([0, 2], 2)):
        yield from called(
            answer,
            (np.array(lengths), steps),
            Array(mask(np.array(lengths), steps), kind="b"),
            name="real_steps",
            mistakes=mistakes,
            hint=hint,
            label=f"`real_steps` for the lengths {lengths} and {steps} steps",
        )


@exercise("rnn/last-valid-state", "function", "a function last_state(states, lengths)")
def last_valid_state(answer: Any) -> Iterator[Case]:
    """Take the state after the last real step of each sequence out of the states of all steps."""

    def last(states: np.ndarray, lengths: np.ndarray, shift: int = -1) -> np.ndarray:
        return states[np.arange(len(states)), np.asarray(lengths) + shift]

    mistakes = [
        Mistake(
            "This is the state after the last step of the batch, where short sequences have padding.",
            gives=lambda s, n: s[:, -1],
        ),
        Mistake(
            "Counting begins at 0: which place has the last of three steps?",
            gives=lambda s, n: last(s, np.minimum(n, s.shape[1] - 1), 0),
        ),
        Mistake(
            "This takes from every sequence the steps of all: choose the sequence and its step together.",
            gives=lambda s, n: s[:, n - 1],
        ),
        Mistake("This is the state one step too early.", gives=lambda s, n: last(s, n, -2)),
        Mistake(
            "The mean over the steps is another summary. The last state is asked for.",
            gives=lambda s, n: s.mean(axis=1),
        ),
        Mistake("The first state has seen one step only.", gives=lambda s, n: s[:, 0]),
    ]
    hint = "You need two lists of places of the same length: which sequence, and which of its steps."
    rng = np.random.default_rng(0)
    for n, steps, units, lengths in ((1, 3, 2, [2]), (2, 4, 3, [4, 1]), (3, 5, 4, [2, 5, 3])):
        states = np.round(rng.normal(size=(n, steps, units)), 3)
        yield from called(
            answer,
            (states, np.array(lengths)),
            Array(last(states, np.array(lengths))),
            name="last_state",
            mistakes=mistakes,
            hint=hint,
            label=f"`last_state` for states of shape {states.shape} and the lengths {lengths}",
        )


@exercise("rnn/balanced-accuracy", "function", "a function balanced(y, answers)")
def balanced_accuracy(answer: Any) -> Iterator[Case]:
    """Average the recall of the two classes."""

    def recalls(y: np.ndarray, answers: np.ndarray) -> list[float]:
        return [float((answers[y == k] == k).mean()) for k in (0, 1)]

    def precisions(y: np.ndarray, answers: np.ndarray) -> float:
        return float(np.mean([(y[answers == k] == k).mean() for k in (0, 1)]))

    mistakes = [
        Mistake(
            "This is the accuracy, in which the large class has most of the weight.",
            gives=lambda y, a: float((y == a).mean()),
        ),
        Mistake("Divide by the examples of the class, not by the answers with that class.", gives=precisions),
        Mistake("This is the recall of class 1 alone.", gives=lambda y, a: recalls(y, a)[1]),
        Mistake("This is the recall of class 0 alone.", gives=lambda y, a: recalls(y, a)[0]),
        Mistake("Two recalls are added. Their mean is asked for.", gives=lambda y, a: sum(recalls(y, a))),
        Mistake("A share, not percent: a number between 0 and 1.", gives=lambda y, a: 50 * sum(recalls(y, a))),
    ]
    hint = "Take the examples of one class: which share of them is answered right? Then do the same for the other."
    cases = (([0, 0, 0, 1], [0, 0, 1, 1]), ([0, 0, 0, 1], [0, 0, 0, 0]), ([1, 0, 1, 1, 0, 1], [1, 1, 0, 1, 0, 1]))
    for y, answers in cases:
        wanted = Number(sum(recalls(np.array(y), np.array(answers))) / 2)
        yield from called(
            answer,
            (np.array(y), np.array(answers)),
            wanted,
            name="balanced",
            mistakes=mistakes,
            hint=hint,
            label=f"`balanced` for the classes {y} and the answers {answers}",
        )
