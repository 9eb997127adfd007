"""The small network that reads names: its states, its data, and how well it does."""

from __future__ import annotations

import numpy as np
import pytest

from experiments import read_names
from gpulab import results
from gpulab.data import load
from gpulab.widgets import reading, unrolled


def test_states_are_the_formula_letter_by_letter() -> None:
    weights, h = reading.stored(), np.zeros(4)
    states, male = reading.read("johanna")
    for t, letter in enumerate("johanna"):
        column = weights["weight_ih"][:, ord(letter) - ord("a")]
        h = np.tanh(column + weights["weight_hh"] @ h + weights["bias_ih"] + weights["bias_hh"])
        assert np.allclose(states[t], h, atol=1e-12)
    assert np.isclose(male[-1], 1 / (1 + np.exp(-(weights["out"] @ h + weights["out_bias"]))))


def test_names_of_the_picture_are_test_names_and_one_is_answered_wrongly() -> None:
    test = load("names").test
    labels = {"".join(chr(96 + k) for k in row if k): int(label) for row, label in zip(test.x, test.y, strict=True)}
    wrong = [name for name in reading.NAMES if (reading.read(name)[1][-1] > 0.5) != labels[name]]
    assert len(wrong) == 1  # the page asks for it
    assert max(map(len, reading.NAMES)) <= reading.LONGEST


def test_stored_network_is_the_one_that_the_experiment_measured() -> None:
    row = next(row for row in results.load("read_names") if row["seed"] == read_names.SEEDS[0])
    female, male = read_names.rates(reading.stored(), *load("names").test)
    assert abs(female - row["test_female"]) < 0.003 and abs(male - row["test_male"]) < 0.01, (
        "run again: python -m experiments.read_names"
    )
    assert all(
        r["test_balanced"] > 0.8 and abs(r["test_balanced"] - r["test_balanced_exact"]) < 0.02
        for r in results.load("read_names")
    )


def test_weights_go_into_the_page_as_they_are() -> None:
    data = unrolled().data
    assert {name: np.array(values).tolist() for name, values in data["weights"].items()} == {
        name: array.tolist() for name, array in reading.stored().items()
    }
    assert all(np.array_equal(array, np.round(array, 2)) for array in reading.stored().values())


@pytest.mark.parametrize("name", ["", "Anna", "anna maria", "zoë"])
def test_other_letters_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a word in the small letters a to z"):
        reading.one_hot(name)
