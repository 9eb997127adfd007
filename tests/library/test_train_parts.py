"""The parts of gpulab.train that need no framework: history, schedules, plans, augmentation, advice, arguments."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from gpulab.train import Callback, EarlyStopping, History, NaNGuard, TrainError, errors, inputs, plan, schedules, shift
from gpulab.train.interrupt import Interrupt
from gpulab.train.recipe import Recipe, compare

GOOD = {
    "epochs": 1, "batch_size": 4, "optimizer": "adam", "lr": 1e-3, "weight_decay": 0.0, "loss": "mse", "seed": 0,
    "schedule": "constant", "augment": None, "device": None, "precision": "fp32", "accumulate": 1, "clip": None,
}  # fmt: skip


def test_importing_it_loads_no_framework() -> None:
    heavy = {"torch", "tensorflow", "keras", "accelerate"}
    code = f"import sys, gpulab.train, gpulab.models; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stdout + done.stderr


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle"])
@pytest.mark.parametrize("total", [1, 2, 3, 100])
def test_schedules_stay_between_zero_and_one(schedule: str, total: int) -> None:
    rates = [schedules.find(schedule)(step, total) for step in range(total + 1)]
    assert all(-1e-12 <= rate <= 1 + 1e-12 for rate in rates)


def test_one_cycle_warms_up_and_ends_near_zero() -> None:
    rates = [schedules.one_cycle(step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(1 / 25) and max(rates) == rates[29] == 1 and rates[-1] < 1e-5
    assert rates[:30] == sorted(rates[:30]) and rates[29:] == sorted(rates[29:], reverse=True)


def test_a_schedule_that_returns_nothing_is_refused() -> None:
    with pytest.raises(TrainError, match="step, total"):
        schedules.find(lambda step, total: None)


@pytest.mark.parametrize(("n", "size", "parts"), [(10, 4, 1), (10, 4, 2), (7, 4, 3), (1, 8, 4), (64, 64, 2)])
def test_plan_visits_every_sample_once_and_weighs_it_equally(n: int, size: int, parts: int) -> None:
    weight = np.zeros(n)
    for batch in plan.pieces(n, size, parts):
        whole = sum(piece.stop - piece.start for piece in batch if piece.share)
        for piece in batch:
            weight[piece.start : piece.stop] += piece.share / (piece.stop - piece.start) / parts * whole
    assert np.allclose(weight, 1)


def test_every_epoch_has_its_own_order() -> None:
    assert sorted(plan.order(3, 0, 50)) == list(range(50))
    assert (plan.order(3, 0, 50) == plan.order(3, 0, 50)).all()
    assert (plan.order(3, 0, 50) != plan.order(3, 1, 50)).any() and (plan.order(3, 0, 50) != plan.order(4, 0, 50)).any()


def test_shift_moves_and_fills_with_zero() -> None:
    image = np.arange(1, 10, dtype=np.float32).reshape(1, 3, 3, 1)
    moved = shift(1).apply(image, np.array([[1, -1]]))[0, ..., 0]  # down 1, left 1
    assert moved.tolist() == [[0, 0, 0], [2, 3, 0], [5, 6, 0]]


def test_shift_draws_every_move_and_none_beyond() -> None:
    moves = shift(2).draw(np.random.default_rng(0), 1000)
    assert moves.shape == (1000, 2) and set(moves.ravel().tolist()) == {-2, -1, 0, 1, 2}


def test_shift_refuses_what_is_not_an_image() -> None:
    with pytest.raises(TrainError, match="shift moves images.*Leave augment out"):
        shift(1).apply(np.zeros((2, 5), dtype=np.float32), np.zeros((2, 2), dtype=int))
    with pytest.raises(TrainError, match="at least 1"):
        shift(0)


def history() -> History:
    rows = [
        {"epoch": i + 1, "seconds": 1.0, "loss": 1.0 / (i + 1), "valid_loss": None, "learning_rate": 1e-3}
        for i in range(2)
    ]
    return History(rows, {"lr": 1e-3, "versions": {"numpy": "2"}}, 100.0, None, 2.5, "enough")


def test_history_survives_json() -> None:
    assert History.from_json(history().to_json()) == history()


def test_history_stores_a_number_that_is_not_finite_as_none() -> None:
    assert History.from_json(History([{"loss": float("nan")}]).to_json())["loss"] == [None]


def test_history_prints_only_columns_that_hold_something() -> None:
    lines = str(history()).splitlines()
    assert lines[0].split() == ["epoch", "seconds", "loss", "learning_rate"]
    assert lines[2].split() == ["2", "1.0", "0.5000", "0.001"] and lines[3] == "stopped: enough"


def test_history_names_its_columns() -> None:
    with pytest.raises(KeyError, match="valid_accuracy"):
        history()["val_acc"]
    with pytest.raises(ValueError, match="not a History"):
        History.from_json('{"a": 1}')


@pytest.mark.parametrize(
    ("argument", "value", "words"),
    [
        ("epochs", 0, "epochs=0: expected a whole number"),
        ("batch_size", 2.5, "batch_size=2.5"),
        ("seed", -1, "seed=-1"),
        ("lr", float("nan"), "lr=nan: expected a finite number above 0"),
        ("lr", "fast", "lr='fast'"),
        ("clip", 0, "clip=0"),
        ("optimizer", "adaam", "no optimizer 'adaam'.*adam, adamw, sgd"),
        ("loss", "hinge", "no loss 'hinge'.*cross_entropy"),
        ("loss", 3, "loss=3"),
        ("schedule", ["cosine"], r"no schedule \['cosine'\]"),
        ("schedule", "linear", "no schedule 'linear'.*constant, cosine, one_cycle"),
        ("precision", "fp8", "no precision 'fp8'.*bf16, fp16, fp32, tf32"),
        ("weight_decay", 0.1, "adamw"),
        ("accumulate", 5, "some would be empty"),
        ("augment", 2, "shift"),
    ],
)
def test_a_wrong_argument_is_named_with_what_was_expected(argument: str, value: Any, words: str) -> None:
    with pytest.raises(TrainError, match=words):
        Recipe(**{**GOOD, argument: value})


def test_numbers_of_numpy_are_taken_as_plain_ones() -> None:
    found = Recipe(**{**GOOD, "lr": np.float32(0.5), "batch_size": np.int64(3), "clip": np.float32(1)})
    assert (found.lr, found.batch_size, found.clip) == (0.5, 3, 1.0)
    assert History(settings=found.settings()).to_json() and type(found.batch_size) is int


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, "fast"])
def test_a_schedule_that_returns_no_number_is_named_with_the_step(value: Any) -> None:
    recipe = Recipe(**{**GOOD, "schedule": lambda step, total: value if step else 1.0})
    assert recipe.rate(0, 9) == 1
    with pytest.raises(TrainError, match=r"The schedule returns .* at step 3 of 9; expected a finite number"):
        recipe.rate(3, 9)


def test_one_cycle_of_one_step_trains() -> None:
    assert schedules.one_cycle(0, 1) == 1


X, Y = np.zeros((6, 3), dtype=np.float32), np.zeros(6, dtype=np.int64)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ((X, Y[:5]), "6 inputs and 5 targets"),
        ((X[:0], Y[:0]), "empty"),
        ((X + np.nan, Y), "18 entries that are NaN or infinite, the first in sample 0"),
        ((X, np.full(6, np.inf)), "train's y has 6 entries"),
        ((X.astype(str), Y), "expected an array of numbers"),
        (([[1, 2], [3]], [0, 1]), "not a regular array"),
        ((np.zeros((6, 4, 4, 1), dtype=np.uint8), Y), "astype\\('float32'\\) / 255"),
    ],
)
def test_bad_data_is_refused_with_the_reason(data: Any, words: str) -> None:
    with pytest.raises(TrainError, match=words):
        inputs.check_pair(data, "train")


def test_usual_dtypes_come_out() -> None:
    x, y = inputs.check_pair((X.astype(np.float64), Y.astype(np.uint8)), "train")
    assert x.dtype == np.float32 and y.dtype == np.int64


@pytest.mark.parametrize(
    ("kind", "y_shape", "out_shape", "loss", "words"),
    [
        ("f", (2,), (2, 3), "cross_entropy", "targets are floats"),
        ("i", (2, 3), (2, 3), "cross_entropy", "argmax"),
        ("i", (2,), (2,), "cross_entropy", "samples, classes"),
        ("f", (2,), (2, 3), "mse", "one target an output"),
    ],
)
def test_targets_that_do_not_go_with_the_outputs(
    kind: str, y_shape: tuple[int, ...], out_shape: tuple[int, ...], loss: str, words: str
) -> None:
    with pytest.raises(TrainError, match=words):
        inputs.check_targets(kind, y_shape, out_shape, loss, "train")


def test_a_whole_data_set_is_answered_with_its_split() -> None:
    from gpulab.data import load

    assert "data.train" in str(inputs.refuse(load("digits"), "train", "torch"))


def test_advice_on_memory_names_the_size_that_fits() -> None:
    tried: list[int] = []

    def attempt(size: int) -> None:
        tried.append(size)
        if size > 100:
            raise MemoryError

    fits = errors.largest_that_fits(attempt, 1000, lambda error: isinstance(error, MemoryError))
    assert tried == [500, 250, 125, 62] and fits == 62
    assert "batch_size=62" in str(errors.out_of_memory(1000, 1, fits)) and "accumulate=17" in str(
        errors.out_of_memory(1000, 1, fits)
    )
    assert "Not even one" in str(errors.out_of_memory(8, 1, 0))
    assert "Not even one" not in str(errors.out_of_memory(8, 1, None))


def test_advice_on_memory_tells_no_room_from_another_error() -> None:
    def attempt(size: int) -> None:
        raise MemoryError if size > 3 else ValueError

    def never(size: int) -> None:
        raise MemoryError

    assert errors.largest_that_fits(attempt, 16, lambda error: isinstance(error, MemoryError)) is None
    assert errors.largest_that_fits(never, 16, lambda error: isinstance(error, MemoryError)) == 0


def test_settings_of_another_run_are_refused_and_others_reported() -> None:
    assert compare({"threads": 2, "seed": 0}, {"threads": 1, "seed": 0}) == ["threads: 2 then, 1 now"]
    with pytest.raises(TrainError, match="seed: 0 then, 1 now"):
        compare({"seed": 0}, {"seed": 1})


class FakeRun:
    """The little of a run that EarlyStopping needs."""

    validated = True

    def __init__(self, values: list[float]) -> None:
        self.values, self.history, self.now = values, History(), 0

    def play(self, callback: Callback) -> None:
        callback.on_start(self)
        for now, value in enumerate(self.values):
            self.now = now
            self.history.epochs.append({"epoch": self.now + 1, "valid_loss": value, "valid_accuracy": value})
            callback.on_epoch(self)
            if self.history.stopped:
                break
        callback.on_end(self)

    def stop(self, why: str) -> None:
        self.history.stopped = why

    def weights(self) -> dict[str, int]:
        return {"epoch": self.now}

    def set_weights(self, weights: dict[str, int]) -> None:
        self.now = weights["epoch"]


def test_early_stopping_waits_and_goes_back_to_the_best() -> None:
    run = FakeRun([3.0, 1.0, 2.0, 1.5, 0.5])
    run.play(EarlyStopping("valid_loss", patience=2))
    assert len(run.history) == 4 and run.now == 1 and "valid_loss did not improve on 1.0000" in run.history.stopped


def test_early_stopping_knows_that_accuracy_should_rise() -> None:
    run = FakeRun([0.1, 0.5, 0.4, 0.6, 0.55])
    run.play(EarlyStopping("valid_accuracy", patience=2))
    assert len(run.history) == 5 and not run.history.stopped and run.now == 3


def test_early_stopping_says_when_there_is_nothing_to_monitor() -> None:
    run = FakeRun([1.0])
    run.values = [None]  # type: ignore[list-item]
    with pytest.raises(TrainError, match="Pass valid="):
        run.play(EarlyStopping())
    run.validated = False
    with pytest.raises(TrainError, match="Pass valid="):
        EarlyStopping().on_start(run)  # type: ignore[arg-type]
    with pytest.raises(TrainError, match="cannot monitor 'val_loss'"):
        EarlyStopping("val_loss")


def test_the_first_ctrl_c_waits_and_the_second_acts() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupt() as interrupt:
        interrupt.check()
        signal.raise_signal(signal.SIGINT)
        assert not interrupt.forced
        with pytest.raises(KeyboardInterrupt):
            interrupt.check()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert interrupt.forced
    assert signal.getsignal(signal.SIGINT) is before


def test_nan_guard_looks_now_and_then_and_at_the_end() -> None:
    seen = []

    class Counting:
        steps = 120
        step = 0

        def check_finite(self) -> None:
            seen.append(self.step)

    run = Counting()
    for run.step in range(1, 121):
        NaNGuard(50).on_step(run)  # type: ignore[arg-type]
    assert seen == [50, 100, 120]
