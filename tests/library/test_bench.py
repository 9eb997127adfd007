"""A report is plain data: read, printed and drawn without a framework. Sizes and timings follow their rules."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from gpulab import bench, hardware, plots
from gpulab.bench import BenchError, Measurement, Report, Skip, devices, memory, timing
from gpulab.bench.ways import product
from gpulab.cli import main

matplotlib.use("agg")


def row(name: str = "matmul", median: float = 0.01, work: float = 2e9, **others: object) -> Measurement:
    """Return a measurement of round numbers."""
    given = {"size": "1000", "precision": "fp32", "device": "cpu", "threads": 2, "repeats": 9, "unit": "FLOP"} | others
    return Measurement(name=name, median=median, low=median * 0.9, high=median * 1.2, work=work, **given)


@pytest.fixture
def report() -> Report:
    """Two products, one of them in bf16, two streams, and a launch."""
    rows = (
        row(),
        row(median=0.02, work=8e9, size="2000"),
        row(median=0.001, precision="bf16"),
        row("memory copy", 0.1, 2e9, unit="byte", size="256 MiB"),
        row("memory triad", 0.1, 3e9, unit="byte", size="256 MiB"),
        row("launch", 2e-6, 1, unit="call", size="1"),
    )
    return Report(rows, (Skip("matmul", "256", "tf32", "no such units"),), {"device": "cpu"}, True, 4.5)


def test_peaks_are_the_best_of_their_kind(report: Report) -> None:
    assert report.peak_tflops() == pytest.approx(0.4)
    assert report.peak_tflops("bf16") == pytest.approx(2.0)
    assert report.peak_tflops("fp16") is None
    assert report.bandwidth_gb_s == pytest.approx(30.0)
    assert Report(()).bandwidth_gb_s is None


def test_json_comes_back_as_it_was(report: Report) -> None:
    assert Report.from_json(report.to_json()) == report


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no report"),
        ("[]", "no report"),
        ('{"measurements": [{"name": 1}], "skipped": []}', "no report"),
        ('{"measurements": [], "skipped": [], "format": 99}', "format 99; expected 1"),
    ],
)
def test_other_json_is_refused(text: str, words: str) -> None:
    with pytest.raises(BenchError, match=words):
        Report.from_json(text)


def test_a_report_is_read_with_no_framework(report: Report, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(report.to_json())
    code = (
        "import sys; sys.modules.update(torch=None, tensorflow=None)\n"
        "from pathlib import Path; from gpulab.bench import Report\n"
        f"report = Report.from_json(Path({str(tmp_path / 'report.json')!r}).read_text())\n"
        "print(report.peak_tflops(), len(report.table()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split()[-1] == "6", done.stderr


def test_without_torch_the_command_says_what_to_install() -> None:
    code = "import sys; sys.modules['torch'] = None; from gpulab.cli import main; sys.exit(main(['bench', '--quick']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "pip install 'gpulab[torch]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_table_and_text_have_every_row(report: Report) -> None:
    assert [entry["name"] for entry in report.table()] == [each.name for each in report.measurements]
    assert report.table()[0]["rate"] == pytest.approx(2e11)
    json.dumps(report.table())
    text = str(report)
    assert "200 GFLOPS" in text
    assert "30 GB/s" in text
    assert "skipped: matmul 256 tf32: no such units" in text
    assert len(text.splitlines()) == 1 + 6 + 1


def test_quartiles_and_repeats_are_those_of_the_timings() -> None:
    found = timing.summary([5.0, 1.0, 4.0, 2.0, 3.0], "x", "1", "fp32", "cpu", 1, "call", 1)
    assert (found.low, found.median, found.high, found.repeats) == (2.0, 3.0, 4.0, 5)


def test_plain_timing_warms_up_and_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes on by a second at each call of the function, and by nothing else."""
    now, calls = [0.0], []

    def work() -> None:
        calls.append(now[0])
        now[0] += 10.0 if len(calls) == 1 else 1.0  # the first is slow, as the first often is

    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])
    assert timing.plain_times(work, budget=0.1) == [1.0] * timing.LEAST
    calls.clear()
    assert len(timing.plain_times(work, budget=20.0)) == 20


def test_the_python_loop_is_a_matrix_product() -> None:
    generator = np.random.default_rng(0)
    left, right = generator.standard_normal((3, 5)), generator.standard_normal((5, 4))
    np.testing.assert_allclose(product(left.tolist(), right.tolist()), left @ right)


@pytest.mark.parametrize("measure", [bench.python_matmul, bench.numpy_matmul])
def test_loop_and_numpy_need_no_framework(measure: object) -> None:
    found = measure(16, budget=0.0)  # type: ignore[operator]
    assert found.work == 2 * 16**3
    assert found.repeats >= timing.LEAST
    assert 0 < found.low <= found.median <= found.high


def test_arrays_are_beyond_the_caches_and_within_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    mib = 2**20
    cases = ((32, 16_000, 256), (512, 64_000, 2048), (32, 1_000, 125), (2048, 1_000, 125))
    for cache, free, expected in cases:
        monkeypatch.setattr(devices, "cache_bytes", lambda device, cache=cache: cache * mib)
        monkeypatch.setattr(devices, "free_memory", lambda device, free=free: free * mib)
        assert memory.array_bytes("cpu") == expected * mib


def test_caches_that_cpus_share_count_once(tmp_path: Path) -> None:
    for cpu, (shared, size) in enumerate([("0-1", "32768K"), ("0-1", "32768K"), ("2-3", "32768K"), ("2-3", "32768K")]):
        folder = tmp_path / f"cpu{cpu}" / "cache" / "index3"
        folder.mkdir(parents=True)
        (folder / "shared_cpu_list").write_text(shared)
        (folder / "size").write_text(size)
    assert devices.cache_bytes("cpu", tmp_path) == 2 * 32 * 2**20
    assert devices.cache_bytes("cpu", tmp_path / "none") == devices.USUAL_CACHE


def test_a_containers_limit_counts(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("400\n")
    assert devices._container_free(tmp_path) == 600
    (tmp_path / "memory.max").write_text("max\n")
    assert devices._container_free(tmp_path) is None
    assert devices._container_free(tmp_path / "none") is None


# ---- the roofline


def test_roofline_is_the_lower_of_two_limits() -> None:
    intensities = np.geomspace(0.01, 1000, 60)
    found = bench.roofline(intensities, peak=10.0, bandwidth=2.0)
    assert np.all(found <= 10.0)
    assert np.all(found <= 2.0 * intensities + 1e-12)
    assert np.all((found == 10.0) | np.isclose(found, 2.0 * intensities))
    assert np.all(np.diff(found) >= 0)
    assert bench.roofline(5, 10.0, 2.0) == 10.0  # the ridge
    assert [bench.roofline(x, 10.0, 2.0) for x in intensities.tolist()] == pytest.approx(found.tolist())


def test_the_roofline_picture_has_the_roof_and_the_points() -> None:
    figure = plots.roofline(10.0, 500.0, [("copy", 0.1, 0.04), ("matmul", 100.0, 8.0)], title="A card")
    ax = figure.axes[0]
    assert "ridge: 20 FLOP/B" in [text.get_text() for text in ax.texts]
    assert {"copy", "matmul"} <= {text.get_text() for text in ax.texts}
    assert (ax.get_xscale(), ax.get_yscale(), ax.get_title()) == ("log", "log", "A card")
    assert ax.get_xlabel() == "arithmetic intensity (FLOP/B)"
    roof = ax.lines[0].get_ydata()
    assert roof.max() == 10.0


def test_the_machine_stands_among_the_catalog() -> None:
    everything = hardware.catalog().values()
    figure = plots.place_in_catalog(0.2, 30.0, everything, label="my laptop", named=["rtx-3090"])
    ax = figure.axes[0]
    drawn = sum(len(collection.get_offsets()) for collection in ax.collections)
    assert drawn == sum(device.fp32_tflops is not None for device in everything)
    assert {text.get_text() for text in ax.texts} == {"my laptop", hardware.device("rtx-3090").name}
    assert ax.lines[0].get_xydata().tolist() == [[30.0, 0.2]]


def kinds() -> Iterator[str]:
    """Return the kinds of device in the catalog."""
    yield from {device.kind for device in hardware.catalog().values()}


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_every_kind_of_device_has_a_color(kind: str) -> None:
    from gpulab.plots import machines

    assert kind in machines.KINDS


def test_pictures_refuse_what_has_no_place() -> None:
    with pytest.raises(ValueError, match="peak_tflops has 0"):
        plots.roofline(0, 10.0)
    with pytest.raises(ValueError, match="add has -1"):
        plots.roofline(1.0, 10.0, [("add", -1, 2.0)])
    with pytest.raises(ValueError, match="no-such-card"):
        plots.place_in_catalog(1.0, 10.0, hardware.catalog().values(), named=["no-such-card"])


def test_help_names_the_benchmarks(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bench", "--help"])
    said = capsys.readouterr().out
    assert all(name in said for name in bench.GROUPS)
