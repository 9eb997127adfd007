"""Measurements of this machine are sound: counted work, quartiles around the median, a reason for what is left out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gpulab import bench
from gpulab.bench import BenchError, Report, Unsupported, devices, kernels, memory, suite, timing
from gpulab.cli import main

SHORT = 0.001


def sound(row: bench.Measurement) -> bool:
    """Return whether a measurement has what every measurement must have."""
    return 0 < row.low <= row.median <= row.high and row.repeats >= timing.LEAST and row.work > 0


@pytest.mark.parametrize(
    ("measure", "work", "unit"),
    [
        (lambda: bench.matmul(16, device="cpu", budget=SHORT), 2 * 16**3, "FLOP"),
        (lambda: bench.matmul(16, "fp64", device="cpu", budget=SHORT), 2 * 16**3, "FLOP"),
        (lambda: bench.convolution(1, 4, 8, device="cpu", budget=SHORT), 2 * 8 * 8 * 4 * 4 * 9, "FLOP"),
        (lambda: bench.lstm_step(2, 8, device="cpu", budget=SHORT), 2 * 2 * 4 * 8 * 16, "FLOP"),
        (lambda: bench.lstm(2, 8, 3, device="cpu", budget=SHORT), 3 * 2 * 2 * 4 * 8 * 16, "FLOP"),
        (lambda: bench.launch("cpu", budget=SHORT), 1, "call"),
        (lambda: bench.bandwidth("copy", 4096, "cpu", budget=SHORT), 2 * 4096, "byte"),
        (lambda: bench.bandwidth("scale", 4096, "cpu", budget=SHORT), 2 * 4096, "byte"),
        (lambda: bench.bandwidth("add", 4096, "cpu", budget=SHORT), 3 * 4096, "byte"),
        (lambda: bench.bandwidth("triad", 4096, "cpu", budget=SHORT), 3 * 4096, "byte"),
    ],
)
def test_work_is_counted_and_timings_are_sound(measure: object, work: int, unit: str) -> None:
    row = measure()  # type: ignore[operator]
    assert sound(row)
    assert (row.work, row.unit, row.device) == (work, unit, "cpu")


@pytest.mark.parametrize(
    ("module", "inputs", "work"),
    [
        (torch.nn.Linear(16, 16, bias=False), (16, 16), 2 * 16**3),
        (torch.nn.Conv2d(4, 4, 3, padding=1, bias=False), (1, 4, 8, 8), 2 * 8 * 8 * 4 * 4 * 9),
        (torch.nn.LSTMCell(8, 8, bias=False), (2, 8), 2 * 2 * 4 * 8 * 16),
    ],
)
def test_work_agrees_with_torchs_own_counter(module: torch.nn.Module, inputs: tuple[int, ...], work: int) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        module(torch.zeros(inputs))
    assert counter.get_total_flops() == work


@pytest.mark.parametrize("kind", memory.STREAMS)
def test_streams_compute_what_they_say(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a = 1 and b = 2 the arrays end as c = 1, 2, 3, 5."""
    seen = []
    monkeypatch.setattr(kernels, "torch_times", lambda function, *_: seen.append(function()) or [1.0] * timing.LEAST)
    bench.bandwidth(kind, 4096, "cpu")
    assert seen[0].unique().tolist() == [{"copy": 1.0, "scale": 2.0, "add": 3.0, "triad": 5.0}[kind]]


def test_threads_are_used_and_given_back() -> None:
    before = torch.get_num_threads()
    seen = []
    timing.torch_times(lambda: seen.append(torch.get_num_threads()), threads=1, budget=0.0)
    assert set(seen) == {1}
    assert torch.get_num_threads() == before
    assert bench.matmul(8, device="cpu", threads=1, budget=SHORT).threads == 1


def test_a_slow_call_is_still_repeated() -> None:
    """The budget is gone after one call; a mean of one is no measurement."""
    import time

    assert len(timing.torch_times(lambda: time.sleep(0.002), threads=1, budget=0.0)) >= timing.LEAST


def test_a_precision_without_instructions_is_left_out_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
    with pytest.raises(Unsupported, match="no instructions for bf16"):
        bench.matmul(8, "bf16", "cpu")
    with pytest.raises(Unsupported, match="TF32 exists on NVIDIA"):
        bench.matmul(8, "tf32", "cpu")
    report = bench.run("cpu", quick=True, only=["launch"])
    assert [(skip.name, bool(skip.reason)) for skip in report.skipped] == [("round trip", True)]


@pytest.mark.parametrize("way", [bench.copy_to_device, bench.copy_to_host, bench.round_trip])
def test_the_cpu_has_no_copies_and_nothing_to_wait_for(way: object) -> None:
    with pytest.raises(Unsupported):
        way(device="cpu")  # type: ignore[operator]


def test_out_of_memory_is_a_reason_not_a_crash() -> None:
    with pytest.raises(Unsupported, match="torch refuses"):
        bench.bandwidth("copy", 2**50, "cpu")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: bench.matmul(8, "fp17", "cpu"), "precision 'fp17' is not known"),
        (lambda: bench.bandwidth("sum", 4096, "cpu"), "bandwidth kind 'sum'"),
        (lambda: bench.run("gpu"), "device 'gpu' is not known; expected one of: cpu, cuda"),
        (lambda: bench.run("cpu", only=["matmul", "fft"]), "no benchmark fft; choose from: matmul"),
        (lambda: bench.run("cpu", only=[]), "choose from"),
        (lambda: bench.run("cpu", threads=0), "threads is 0"),
    ],
)
def test_wrong_arguments_are_told(call: object, words: str) -> None:
    with pytest.raises(BenchError, match=words):
        call()  # type: ignore[operator]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_here_is_told() -> None:
    with pytest.raises(BenchError, match=r"finds no cuda device here; there is: cpu"):
        devices.find("cuda")


def test_what_would_take_too_long_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """256 takes 1 s on this made-up machine, so 1024 would take 64 s."""
    done = []

    def slow(size: int, precision: str, *_: object) -> bench.Measurement:
        done.append(size)
        return timing.summary([1.0] * 5, "matmul", str(size), precision, "cpu", 1, "FLOP", 1)

    monkeypatch.setattr(kernels, "matmul", slow)
    report = bench.run("cpu", quick=True, only=["matmul"])
    assert set(done) == {256}
    assert all("64.0 s" in skip.reason for skip in report.skipped)


def test_after_the_limit_nothing_more_is_begun() -> None:
    report = bench.run("cpu", quick=True, only=["matmul", "launch"], limit=-1.0)
    assert not report.measurements
    assert {skip.reason for skip in report.skipped} == {"the time for the whole round is over"}


def test_the_plan_covers_every_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "array_bytes", lambda *_: 2**20)
    for device in ("cpu", "cuda"):
        for quick in (True, False):
            for group in suite.GROUPS:
                assert list(suite.plans(device, [group], 1, quick=quick)), (device, group)


def test_every_way_to_multiply_is_compared() -> None:
    rows = bench.compare(32, 8, "cpu", budget=SHORT)
    assert [row.name for row in rows[:3]] == ["python loop", "numpy matmul", "matmul"]
    assert all(map(sound, rows))
    assert {row.threads for row in rows[2:]} == {1, timing.cpu_threads()}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure small things only."""
    monkeypatch.setattr(memory, "USUAL", 2**20)
    monkeypatch.setattr(devices, "cache_bytes", lambda device: 1)


@pytest.mark.usefixtures("small")
def test_a_whole_report_is_sound_and_comes_back() -> None:
    report = bench.run("cpu", quick=True, only=["bandwidth", "launch", "lstm", "python"], threads=1)
    assert all(map(sound, report.measurements))
    assert {"memory triad", "launch", "lstm", "python loop"} <= {row.name for row in report.measurements}
    assert report.bandwidth_gb_s > 0
    assert Report.from_json(report.to_json()) == report


def test_the_command_prints_json_and_nothing_else() -> None:
    """What a notebook without a framework does."""
    command = [sys.executable, "-m", "gpulab", "bench", "--quick", "--only", "launch", "--device", "cpu", "--json", "-"]
    done = subprocess.run(command, capture_output=True, text=True)
    report = Report.from_json(done.stdout)
    assert report.machine["device"] == "cpu"
    assert [row.name for row in report.measurements] == ["launch"]
    assert "Traceback" not in done.stderr


def test_the_command_writes_a_file_and_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bench.json"
    given = ["bench", "--quick", "--only", "launch", "--device", "cpu", "--threads", "1", "--json", str(path)]
    assert main(given) == 0
    assert "launch" in capsys.readouterr().out
    assert json.loads(path.read_text())["quick"]
    given[-1] = str(tmp_path / "none" / "bench.json")
    assert main(given) == 1
    assert "cannot write" in capsys.readouterr().err


# ---- where there is a GPU


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_is_measured_and_waited_for() -> None:
    """A product of 4096 takes a GPU much longer than its launch; a timer that did not wait would see the launch."""
    product, start = bench.matmul(4096, device="cuda"), bench.launch("cuda")
    assert product.median > 10 * start.median
    assert bench.round_trip("cuda").median > start.median
    assert all(map(sound, (bench.copy_to_device(pinned=True), bench.copy_to_host(), bench.bandwidth())))
