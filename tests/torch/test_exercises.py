"""The exercises that are solved in PyTorch: as tests/library/test_exercises.py does for the others."""

from __future__ import annotations

import pytest
import torch
from gpulab.data import load
from gpulab.exercises import Verdict
from gpulab.exercises.cases import trained
from gpulab.exercises.engine import Exercise, examine
from gpulab.train import fit

from tests.exercises import walk

ANSWERS = walk.load("torch")
WRONG = [(name, answer, words) for name, answers in ANSWERS.items() for answer, words in answers.wrong]


def test_every_exercise_has_its_answers() -> None:
    walk.assert_complete("torch")


@pytest.mark.parametrize("name", ANSWERS)
def test_the_solution_passes(name: str) -> None:
    walk.assert_passes(name, ANSWERS[name])


@pytest.mark.parametrize(("name", "answer", "words"), WRONG, ids=[f"{name}-{words}" for name, _, words in WRONG])
def test_a_wrong_answer_gets_its_hint_and_not_the_answer(name: str, answer: object, words: str) -> None:
    walk.assert_hinted(name, answer, words)


def test_a_trained_model_is_measured_on_data_it_has_not_seen() -> None:
    digits = load("digits")
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
    found = Exercise("test/model", "trained model", "a trained network", lambda _: iter(()), seconds=60)

    def judge() -> Verdict:
        return examine(
            found, list(trained(model, lambda: digits.valid, 0.8, on="the validation images", hint="Train it."))
        )

    before = judge()
    assert not before.passed and before.hint == "Train it." and "and at least 80 % are asked for" in before.message
    fit(model, digits.train, epochs=3, lr=1e-2, verbose=False)
    assert judge().passed
