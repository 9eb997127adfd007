"""Who forecasts best: naive rules, a linear autoregression, or a recurrent network?

Three real series, walked forward over three folds: each fold fits on what lies before its calibration part, takes the
quantiles of an interval from there, and is measured on the block that follows. Every model forecasts all steps of the
horizon at once. Its first step is also used again and again (`recursive`), in PyTorch. Sunspot numbers are forecast as
square roots. Errors are in the unit of the series, and all numbers of a row are means over the block's origins.

Rows with `split` ask what a random division of windows reports, beside the truth: CO2 of every fourth week and a random
walk, the last 65 values kept out of everything, with an LSTM of 64 units that forecasts 13 values. The recipe of the
networks was fixed on the calibration part of the first fold. Each framework runs in a process of its own; finished rows
are kept with `--logs FOLDER`, so that a stopped run goes on.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from experiments import stamp

SEEDS = (0, 1, 2)
FOLDS = 3
UNITS, LR, LEVEL = 32, 1e-2, 0.9
TAUS = (0.05, 0.5, 0.95)
SERIES = {
    "sunspots": {"window": 24, "horizon": 6, "block": 25, "calibration": 40, "batch_size": 32, "epochs": 40},
    "elnino": {"window": 24, "horizon": 6, "block": 60, "calibration": 60, "batch_size": 32, "epochs": 20},
    "co2": {"window": 104, "horizon": 13, "block": 156, "calibration": 156, "batch_size": 128, "epochs": 20},
}
BASELINES = ("naive", "seasonal naive", "drift", "linear")
CELLS = {"torch": ("rnn", "lstm", "gru"), "keras": ("lstm", "gru")}

Row = dict[str, Any]
Model = Callable[[np.ndarray], np.ndarray]  # windows (n, window) to forecasts (n, horizon), on the working scale


# --- Windows and folds -----------------------------------------------------------------------------------------------


def windows(values: np.ndarray, window: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs (n, window) and targets (n, horizon), in the order of time."""
    pieces = np.lib.stride_tricks.sliding_window_view(values, window + horizon)
    return pieces[:, :window], pieces[:, window:]


def folds(n: int, horizon: int, block: int, calibration: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield the places of windows to fit on, to calibrate with and to measure on; no target is ahead of its part."""
    for fold in range(FOLDS):
        first = n - (FOLDS - fold) * block
        known = first - horizon + 1  # windows whose targets end before the first target of the block
        start = known - calibration
        yield np.arange(start - horizon + 1), np.arange(start, known), np.arange(first, first + block)


@cache
def prepared(name: str) -> tuple[np.ndarray, np.ndarray, int, Callable[[np.ndarray], np.ndarray]]:
    """Return inputs, targets, the period, and the way back to the unit of the series."""
    from gpulab.data import series

    given, how = series(name), SERIES[name]
    if name == "sunspots":
        x, y = windows(np.sqrt(given.values), how["window"], how["horizon"])
        return x, y, given.period, lambda z: np.maximum(z, 0) ** 2
    x, y = windows(given.values, how["window"], how["horizon"])
    return x, y, given.period, lambda z: z


# --- Models ----------------------------------------------------------------------------------------------------------


def rule(kind: str, horizon: int, period: int) -> Model:
    """Return a forecast that needs no fitting."""
    ahead = np.arange(1, horizon + 1)
    if kind == "naive":
        return lambda x: np.repeat(x[:, -1:], horizon, axis=1)
    if kind == "drift":
        return lambda x: x[:, -1:] + ahead * (x[:, -1:] - x[:, :1]) / (x.shape[1] - 1)
    return lambda x: x[:, x.shape[1] - period + (ahead - 1) % period]


def scaled(form: str, fitted: np.ndarray) -> tuple[Callable[..., np.ndarray], Callable[..., np.ndarray]]:
    """Return the ways to a network's numbers and back; ``base`` is the last known value (n, 1)."""
    mean, std = fitted.mean(), fitted.std()
    if form == "value":
        return (lambda z, base: (z - mean) / std), (lambda z, base: z * std + mean)
    return (lambda z, base: (z - base) / std), (lambda z, base: z * std + base)


def linear(x: np.ndarray, y: np.ndarray, form: str) -> Model:
    """Fit a linear autoregression by least squares, one for each step ahead."""
    to, back = scaled(form, x)
    with_one = lambda z: np.c_[to(z, z[:, -1:]), np.ones(len(z))]  # noqa: E731
    weights = np.linalg.lstsq(with_one(x), to(y, x[:, -1:]), rcond=None)[0]
    return lambda z: back(with_one(z) @ weights, z[:, -1:])


def torch_network(cell: str, outputs: int, seed: int, units: int) -> Any:
    """Return a recurrent layer and a dense one on its last state."""
    import torch
    from torch import nn

    class Forecaster(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell](1, units, batch_first=True)
            self.head = nn.Linear(units, outputs)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.cell(x)[0][:, -1])

    torch.manual_seed(seed)
    return Forecaster()


def keras_network(cell: str, outputs: int, seed: int, window: int) -> Any:
    """Return a recurrent layer and a dense one on its last state."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    layer = {"rnn": layers.SimpleRNN, "lstm": layers.LSTM, "gru": layers.GRU}[cell](UNITS)
    return keras.Sequential([keras.Input((window, 1)), layer, layers.Dense(outputs)])


def absolute_torch(outputs: Any, y: Any) -> Any:
    """Return the mean absolute error."""
    return (outputs - y).abs().mean()


def absolute_keras(y: Any, outputs: Any) -> Any:
    """Return the mean absolute error."""
    import keras

    return keras.ops.mean(keras.ops.abs(outputs - y))


def quantile_torch(outputs: Any, y: Any) -> Any:
    """Return the quantile loss of all quantiles (n, horizon, 3), together."""
    import torch

    gap = y[..., None] - outputs.reshape(*y.shape, len(TAUS))
    taus = torch.tensor(TAUS, device=gap.device)
    return torch.maximum(taus * gap, (taus - 1) * gap).mean()


def network(
    framework: str,
    cell: str,
    x: np.ndarray,
    y: np.ndarray,
    form: str,
    seed: int,
    how: Row,
    quantiles: bool = False,
    units: int = UNITS,
) -> Model:
    """Train a network; with quantiles it returns (n, horizon, 3)."""
    from gpulab.train import fit, predict

    to, back = scaled(form, x)
    base, outputs = x[:, -1:], y.shape[1] * (len(TAUS) if quantiles else 1)
    if framework == "torch":
        model, loss = torch_network(cell, outputs, seed, units), quantile_torch if quantiles else absolute_torch
    else:
        model, loss = keras_network(cell, outputs, seed, x.shape[1]), absolute_keras
    data = to(x, base)[..., None].astype(np.float32), to(y, base).astype(np.float32)
    recipe = {"epochs": how["epochs"], "batch_size": how["batch_size"], "lr": LR, "schedule": "one_cycle", "clip": 1.0}
    fit(model, data, loss=loss, seed=seed, verbose=False, **recipe)

    def forecast(z: np.ndarray) -> np.ndarray:
        out = predict(model, to(z, z[:, -1:])[..., None].astype(np.float32)).astype(np.float64)
        if quantiles:
            return back(out.reshape(len(z), -1, len(TAUS)), z[:, -1:, None])
        return back(out, z[:, -1:])

    return forecast


def again(model: Model, x: np.ndarray, horizon: int) -> np.ndarray:
    """Return forecasts (n, horizon) of the first step only, each taking the steps before it as known."""
    x = x.copy()
    for _ in range(horizon):
        x = np.c_[x[:, 1:], model(x)[:, 0]]
    return x[:, -horizon:]


# --- Measurements ----------------------------------------------------------------------------------------------------


def short(values: np.ndarray) -> list[float]:
    """Return numbers with four digits after the point."""
    return [round(float(v), 4) for v in values]


def measured(name: str, fold: int, make: Callable[[np.ndarray, np.ndarray], Model], *, recursive: bool = False) -> Row:
    """Fit, calibrate and measure one model on one fold."""
    x, y, _, unit = prepared(name)
    how = SERIES[name]
    fitted, calibration, test = list(folds(len(x), how["horizon"], how["block"], how["calibration"]))[fold]
    model = make(x[fitted], y[fitted])
    known = unit(np.r_[x[fitted[0]], x[fitted[1:], -1], y[fitted[-1]]])  # every value up to the last target fitted on
    truth, forecast = y[test], model(x[test])
    row = {"scale": round(float(np.abs(np.diff(known)).mean()), 5)}
    if forecast.ndim == 3:
        low, middle, high = np.moveaxis(np.sort(forecast, axis=2), 2, 0)
    else:
        rank = int(np.ceil((len(calibration) + 1) * LEVEL)) - 1
        size = np.sort(np.abs(model(x[calibration]) - y[calibration]), axis=0)[rank]
        low, middle, high = forecast - size, forecast, forecast + size
    row |= {
        "mae": short(np.abs(unit(middle) - unit(truth)).mean(axis=0)),
        "coverage": short(((low <= truth) & (truth <= high)).mean(axis=0)),
        "width": short((unit(high) - unit(low)).mean(axis=0)),
    }
    if recursive:
        row["recursive"] = short(np.abs(unit(again(model, x[test], how["horizon"])) - unit(truth)).mean(axis=0))
    if fold == FOLDS - 1:  # for pictures: the first and the last step ahead, with their intervals
        row["picture"] = {
            key: [short(unit(part[:, step])) for step in (0, -1)]
            for key, part in (("low", low), ("middle", middle), ("high", high))
        }
    return row


def split_point(of: str, split: str, seed: int) -> Row:
    """Return the error that a division of windows reports, and the error on values that come later."""
    from gpulab.data import series

    window, horizon, kept = 26, 13, 65
    values = series("co2").values[::4]
    if of == "walk":
        values = np.random.default_rng(seed).normal(size=len(values)).cumsum()
    x, y = windows(values[:-kept], window, horizon)
    x_new, y_new = windows(values[-kept - window :], window, horizon)
    n = len(x)
    order = np.random.default_rng(seed).permutation(n) if split == "random" else np.arange(n)[::-1]
    test, fitted = order[: n // 5], order[n // 5 if split == "random" else n // 5 + horizon - 1 :]
    how = {"epochs": 80, "batch_size": 64}
    model = network("torch", "lstm", x[fitted], y[fitted], "value", seed, how, units=64)
    return {
        "reported": round(float(np.abs(model(x[test]) - y[test]).mean()), 4),
        "naive": round(float(np.abs(x[test][:, -1:] - y[test]).mean()), 4),
        "later": round(float(np.abs(model(x_new) - y_new).mean()), 4),
        "naive_later": round(float(np.abs(x_new[:, -1:] - y_new).mean()), 4),
    }


def points(framework: str) -> list[Row]:
    """Return what is to be computed, in order."""
    if framework == "numpy":
        forms = {model: ("value",) for model in BASELINES} | {"linear": ("value", "change")}
        return [
            {"framework": framework, "series": name, "model": model, "form": form, "seed": 0, "fold": fold}
            for name in SERIES
            for model in BASELINES
            for form in forms[model]
            for fold in range(FOLDS)
        ]
    # A GRU on windows of 104 steps takes PyTorch four times as long as an LSTM, and Keras trains on two series.
    names = SERIES if framework == "torch" else ("sunspots", "elnino")
    wanted = [(n, cell, "change") for n in names for cell in CELLS[framework] if (n, cell) != ("co2", "gru")]
    if framework == "torch":
        wanted += [(name, "lstm", "value") for name in SERIES]
        wanted += [(name, "lstm, quantiles", "change") for name in ("sunspots", "elnino")]
    found = [
        {"framework": framework, "series": name, "model": cell, "form": form, "seed": seed, "fold": fold}
        for name, cell, form in wanted
        for seed in SEEDS
        for fold in range(FOLDS)
    ]
    if framework == "torch":
        found += [
            {"framework": "torch", "of": of, "split": split, "seed": seed}
            for of in ("co2", "walk")
            for split in ("random", "time")
            for seed in SEEDS
        ]
    return found


def point(framework: str, place: Row) -> Row:
    """Return the numbers of one row."""
    if "split" in place:
        return split_point(place["of"], place["split"], place["seed"])
    name, kind, form = place["series"], place["model"], place["form"]
    how, period = SERIES[name], prepared(name)[2]
    if framework == "numpy":
        if kind == "linear":
            return measured(name, place["fold"], lambda x, y: linear(x, y, form), recursive=True)
        return measured(name, place["fold"], lambda x, y: rule(kind, how["horizon"], period))
    cell, quantiles = kind.split(",")[0], kind.endswith("quantiles")
    make = lambda x, y: network(framework, cell, x, y, form, place["seed"], how, quantiles)  # noqa: E731
    return measured(name, place["fold"], make, recursive=framework == "torch" and not quantiles and name != "co2")


def work(framework: str, log: Path) -> None:
    """Append the rows that are missing to a file."""
    done = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    for place in points(framework):
        if not any(place.items() <= row.items() for row in done):
            row = place | point(framework, place)
            with log.open("a") as file:
                file.write(json.dumps(row) + "\n")


def compute(logs: Path) -> list[Row]:
    """Return every row, each framework's from a process of its own."""
    rows = []
    for framework in ("numpy", "torch", "keras"):
        log = logs / f"{framework}.jsonl"
        subprocess.run([sys.executable, "-m", "experiments.forecasts", framework, "--logs", log], check=True)
        rows += [json.loads(line) for line in log.read_text().splitlines()]
    return rows


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in ("numpy", "torch", "keras"):
        work(sys.argv[1], Path(sys.argv[3]))
    else:
        kept = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(tempfile.mkdtemp())
        stamp.run("forecasts", lambda: compute(kept), SEEDS, ["numpy", "torch", "tensorflow", "keras"])
