"""Energy adds up, its source is told, and counters that wrap, refuse or fail do not spoil it."""

from __future__ import annotations

import itertools
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gpulab import energy
from gpulab.cli import main
from gpulab.energy import Energy, EnergyError, Meter, Part, co2_g, nvml, rapl, sources

QUIET = 3600.0  # seconds between two looks in the background: none during a test


class Powercap:
    """A folder of RAPL counters, as Linux shows them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def zone(self, number: str, name: str, microjoules: int = 0, limit: int = 1_000_000) -> Callable[[int], None]:
        """Make a counter; return what sets it."""
        folder = self.root / f"intel-rapl:{number}"
        folder.mkdir()
        (folder / "name").write_text(f"{name}\n")
        (folder / "max_energy_range_uj").write_text(f"{limit}\n")
        counter = folder / "energy_uj"

        def put(value: int) -> None:
            (folder / "new").write_text(f"{value}\n")
            (folder / "new").replace(counter)  # whoever reads meanwhile sees a whole number, as the kernel shows it

        put(microjoules)
        return put


@pytest.fixture
def powercap(tmp_path: Path) -> Powercap:
    """No counter yet."""
    return Powercap(tmp_path)


def no_nvml() -> Any:
    """Return an NVML without a driver."""

    def refuse() -> None:
        raise RuntimeError("Driver Not Loaded")

    return SimpleNamespace(nvmlInit=refuse)


def meter_on(powercap: Powercap, library: Any = None, **settings: Any) -> Meter:
    """Return a meter that reads a made-up machine."""
    every = settings.pop("every", QUIET)
    found = lambda: sources.find(**settings, powercap=powercap.root, library=library or no_nvml())  # noqa: E731
    return Meter(every=every, find=found)


# ---- RAPL


def test_two_packages_and_memory_add_up_without_their_cores(powercap: Powercap) -> None:
    first = powercap.zone("0", "package-0", 100)
    core = powercap.zone("0:0", "core", 100)
    dram = powercap.zone("0:1", "dram", 500)
    second = powercap.zone("1", "package-1", 200)
    platform = powercap.zone("2", "psys", 10)
    with meter_on(powercap) as meter:
        first(100 + 200_000)
        core(100 + 150_000)  # inside package-0
        dram(500 + 30_000)
        second(200 + 400_000)
        platform(10 + 900_000)  # around everything
    used = meter.energy
    assert {part.name: part.joules for part in used.parts} == {"package-0": 0.2, "package-1": 0.4, "dram 0": 0.03}
    assert used.joules == pytest.approx(0.63)
    assert (used.kind, used.source) == ("measured", "RAPL energy counter")


def test_the_platform_counts_where_there_is_no_package(powercap: Powercap) -> None:
    platform = powercap.zone("0", "psys")
    with meter_on(powercap) as meter:
        platform(5_000)
    assert [(part.name, part.joules) for part in meter.energy.parts] == [("psys", 0.005)]


@pytest.mark.parametrize("seed", range(5))
def test_a_counter_that_begins_again_at_zero_loses_nothing(powercap: Powercap, seed: int) -> None:
    """Whatever the steps, the sum is theirs, as long as no step is longer than the counter."""
    chance = random.Random(seed)
    limit, start = 1_000, chance.randrange(1_000)
    put = powercap.zone("0", "package-0", start, limit)
    zone = rapl.zones(powercap.root)[0][0]
    steps = [chance.randrange(limit) for _ in range(50)]
    for reached in itertools.accumulate(steps, initial=start):
        put(reached % limit)
        seen = zone.joules()
    assert seen == pytest.approx(sum(steps) / 1e6)


def test_the_background_watch_catches_every_turn(powercap: Powercap) -> None:
    put = powercap.zone("0", "package-0", 0, 100)
    with meter_on(powercap, every=0.001) as meter:
        for value in (60, 20, 80, 40):  # 60 + 60 + 60 + 60 microjoules
            seen = meter._last["package-0"]
            put(value)
            deadline = time.monotonic() + 10
            while meter._last["package-0"] == seen and time.monotonic() < deadline:
                time.sleep(0.001)
    assert meter.energy.joules == pytest.approx(240e-6)


def test_a_counter_that_may_not_be_read_gives_an_estimate_and_the_remedy(
    powercap: Powercap, monkeypatch: pytest.MonkeyPatch
) -> None:
    powercap.zone("0", "package-0")
    read = Path.read_text

    def refuse(path: Path, *arguments: Any, **named: Any) -> str:
        if path.name == "energy_uj":
            raise PermissionError(13, "Permission denied")
        return read(path, *arguments, **named)

    monkeypatch.setattr(Path, "read_text", refuse)
    with meter_on(powercap) as meter:
        pass
    assert meter.energy.kind == "estimate"
    assert meter.energy.source.startswith("estimate: CPU time")
    assert any("sudo chmod" in note for note in meter.energy.notes)


def test_one_unreadable_package_is_not_passed_over(powercap: Powercap) -> None:
    """Half of the packages would look like a measurement of all."""
    powercap.zone("0", "package-0")
    powercap.zone("1", "package-1")
    (powercap.root / "intel-rapl:1" / "energy_uj").write_text("")
    found, notes = rapl.zones(powercap.root)
    assert not found
    assert "package-1" in notes[0]


def test_a_counter_that_fails_in_the_run_is_no_longer_called_measured(powercap: Powercap) -> None:
    put = powercap.zone("0", "package-0")
    with meter_on(powercap) as meter:
        put(700)
        assert meter.energy.kind == "measured"
        (powercap.root / "intel-rapl:0" / "energy_uj").unlink()
    assert meter.energy.joules == pytest.approx(700e-6)
    assert meter.energy.kind == "estimate"
    assert "failed during the run" in meter.energy.notes[-1]


# ---- NVML


class NVMLError(Exception):
    """As in pynvml."""


class Driver:
    """NVML with some cards. A question that is not in ``offers`` is refused."""

    NVMLError = NVMLError

    def __init__(self, cards: int = 1, offers: tuple[str, ...] = ("TotalEnergyConsumption", "PowerUsage")) -> None:
        self.cards, self.offers = cards, offers
        self.mj = [1_000_000] * cards
        self.milliwatts = 100_000
        self.percent = 50

    def nvmlInit(self) -> None:  # noqa: N802
        """Answer."""

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        """Return the number of cards."""
        return self.cards

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        """Return what stands for a card."""
        return index

    def nvmlDeviceGetUUID(self, handle: int) -> str:  # noqa: N802
        """Return a card's lasting name."""
        return f"GPU-{'abcd'[handle]}000"

    def _offer(self, name: str, value: Any) -> Any:
        if name not in self.offers:
            raise NVMLError("Not Supported")
        return value

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:  # noqa: N802
        """Return millijoules."""
        return self._offer("TotalEnergyConsumption", self.mj[handle])

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int:  # noqa: N802
        """Return milliwatts."""
        return self._offer("PowerUsage", self.milliwatts)

    def nvmlDeviceGetEnforcedPowerLimit(self, handle: int) -> int:  # noqa: N802
        """Return milliwatts."""
        return self._offer("Limit", 200_000)

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> SimpleNamespace:  # noqa: N802
        """Return percent."""
        return self._offer("Limit", SimpleNamespace(gpu=self.percent))


@pytest.fixture(autouse=True)
def every_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not depend on what the shell hides."""
    monkeypatch.delenv(nvml.VISIBLE, raising=False)


def test_the_cards_counter_and_the_cpus_add_up(powercap: Powercap) -> None:
    put, driver = powercap.zone("0", "package-0"), Driver(cards=2)
    with meter_on(powercap, driver) as meter:
        put(250_000)
        driver.mj[0] += 4_000
        driver.mj[1] += 500
    used = meter.energy
    assert {part.name: part.joules for part in used.parts} == {"package-0": 0.25, "gpu 0": 4.0, "gpu 1": 0.5}
    assert used.kind == "measured"
    assert "NVML" in used.source
    assert "RAPL" in used.source


def test_measured_cards_beside_an_estimated_cpu_make_an_estimate(powercap: Powercap) -> None:
    with meter_on(powercap, Driver()) as meter:
        pass
    assert {part.name: part.kind for part in meter.energy.parts} == {"cpu": "estimate", "gpu 0": "measured"}
    assert (meter.energy.kind, meter.energy.source[:8]) == ("estimate", "estimate")


def test_a_card_without_a_counter_is_sampled(powercap: Powercap, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(0.0, 2.0)
    monkeypatch.setattr(nvml.time, "perf_counter", lambda: next(clock))
    driver = Driver(offers=("PowerUsage",))
    (card,), _ = nvml.cards(library=driver)
    assert card.joules() == 200.0  # 2 s at 100 W
    driver.milliwatts = 300_000
    assert card.joules() == 600.0  # and 2 s from 100 W to 300 W
    assert card.kind == "measured"


def test_a_card_that_tells_only_its_utilization_is_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(0.0, 10.0)
    monkeypatch.setattr(nvml.time, "perf_counter", lambda: next(clock))
    (card,), _ = nvml.cards(library=Driver(offers=("Limit",)))
    assert card.joules() == 1000.0  # 10 s at half of 200 W
    assert (card.kind, card.source[:8]) == ("estimate", "estimate")


def test_a_card_that_tells_nothing_is_noted() -> None:
    found, notes = nvml.cards(library=Driver(offers=()))
    assert not found
    assert "GPU 0 tells neither" in notes[0]


@pytest.mark.parametrize(
    ("said", "chosen"),
    [("1", [1]), ("2,0", [2, 0]), ("", []), ("GPU-c", [2]), ("0,9,1", [0]), ("-1", []), ("1,1", [1])],
)
def test_only_cards_for_cuda_are_counted(monkeypatch: pytest.MonkeyPatch, said: str, chosen: list[int]) -> None:
    monkeypatch.setenv(nvml.VISIBLE, said)
    assert [card.name for card in nvml.cards(library=Driver(cards=3))[0]] == [f"gpu {index}" for index in chosen]


def test_cards_can_be_named_or_left_out() -> None:
    assert [card.name for card in nvml.cards([1], Driver(cards=2))[0]] == ["gpu 1"]
    assert nvml.cards([], no_nvml()) == ([], [])
    with pytest.raises(EnergyError, match="gpus has 4; this machine has 2"):
        nvml.cards([4], Driver(cards=2))


def test_no_driver_and_no_package_are_noted_not_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Driver Not Loaded" in nvml.cards(library=no_nvml())[1][0]

    def missing() -> Any:
        raise ImportError("pynvml")

    monkeypatch.setattr(nvml, "_library", missing)
    assert "nvidia-ml-py" in nvml.cards()[1][0]


# ---- the estimate


def test_the_estimate_is_power_times_utilization_times_time(monkeypatch: pytest.MonkeyPatch) -> None:
    used, now = [5.0], [100.0]
    monkeypatch.setattr(sources, "cpu_seconds", lambda: used[0])
    monkeypatch.setattr(sources.time, "perf_counter", lambda: now[0])
    cpu = sources.CpuTime(tdp_w=80, cores=8)
    used[0], now[0] = 5.0 + 6.0, 100.0 + 3.0  # 6 s of CPU time in 3 s: 2 of 8 cores busy, a quarter of the TDP
    assert cpu.joules() == pytest.approx(energy.estimate(seconds=3, watts=80, utilization=2 / 8).joules)
    used[0] = 1e6
    assert cpu.joules() == pytest.approx(80 * 3)  # never more than the TDP


def test_an_unknown_cpu_has_the_documented_power() -> None:
    """4 W: DEFAULT_POWER_PER_CORE in core/cpu.py of codecarbon 3.3.2."""
    assert energy.WATTS_PER_CORE == 4.0
    cpu = sources.CpuTime()
    assert cpu.cores == os.cpu_count()
    assert "4 W per core, assumed" in cpu.source
    assert "assumed" not in sources.CpuTime(tdp_w=65, cores=8).source


# ---- the meter


def test_this_machine_gives_something_with_its_source() -> None:
    with Meter() as meter:
        sum(range(300_000))
    used = meter.energy
    assert used.joules > 0
    assert used.joules == pytest.approx(sum(part.joules for part in used.parts))
    assert used.kind == ("measured" if all(part.kind == "measured" for part in used.parts) else "estimate")
    assert used.source
    assert meter.stop() == used


def test_nested_meters_each_see_their_own_block(powercap: Powercap) -> None:
    put = powercap.zone("0", "package-0")
    with meter_on(powercap) as outer:
        put(100)
        with meter_on(powercap) as inner:
            put(300)
        put(600)
    assert (outer.energy.joules, inner.energy.joules) == (pytest.approx(600e-6), pytest.approx(200e-6))


def test_an_exception_inside_still_closes(powercap: Powercap) -> None:
    put, meter = powercap.zone("0", "package-0"), meter_on(powercap)
    with pytest.raises(ZeroDivisionError), meter:
        put(50)
        _ = 1 / 0
    put(900)
    assert not meter.running
    assert meter.energy.joules == pytest.approx(50e-6)


def test_a_meter_begins_from_zero_each_time(powercap: Powercap) -> None:
    put, meter = powercap.zone("0", "package-0"), meter_on(powercap)
    for value in (100, 350):
        with meter:
            put(value)
    assert meter.energy.joules == pytest.approx(250e-6)


def test_misuse_is_told() -> None:
    meter = Meter(find=lambda: ([], []))
    with pytest.raises(EnergyError, match="has not run"):
        _ = meter.energy
    with meter, pytest.raises(EnergyError, match="running already"):
        meter.start()
    with pytest.raises(EnergyError, match="cores is 0"):
        Meter(cores=0)


# ---- the callback


def run_epochs(callback: Any, put: Callable[[int], None], values: list[int]) -> None:
    """Do what ``fit`` does with a callback."""
    callback.on_start(None)
    for value in values:
        put(value)
        callback.on_step(None)
        callback.on_epoch(None)
    callback.on_end(None)
    callback.close(None)


def test_epochs_add_up_to_the_run(powercap: Powercap) -> None:
    put = powercap.zone("0", "package-0")
    callback = meter_on(powercap).callback()
    run_epochs(callback, put, [100, 350, 400])
    assert [epoch.joules for epoch in callback.epochs] == pytest.approx([100e-6, 250e-6, 50e-6])
    assert callback.energy.joules == pytest.approx(400e-6)
    assert not callback.meter.running


def test_a_callback_inside_a_block_leaves_the_meter_running(powercap: Powercap) -> None:
    put = powercap.zone("0", "package-0")
    with meter_on(powercap) as meter:
        put(1_000)
        callback = meter.callback()
        run_epochs(callback, put, [1_500])
        assert meter.running
        put(1_700)
    assert callback.energy.joules == pytest.approx(500e-6)
    assert meter.energy.joules == pytest.approx(1_700e-6)


def test_a_resumed_run_counts_what_went_before(powercap: Powercap) -> None:
    put = powercap.zone("0", "package-0")
    first = meter_on(powercap).callback()
    run_epochs(first, put, [100])
    second = meter_on(powercap).callback()
    second.on_start(None)
    second.set_state(*first.state())
    put(400)
    second.on_epoch(None)
    second.close(None)
    assert second.energy.joules == pytest.approx(400e-6)
    assert [epoch.joules for epoch in second.epochs] == pytest.approx([100e-6, 300e-6])


# ---- quantities and CO2


@pytest.mark.parametrize("seed", range(3))
def test_energy_adds_up_in_any_order(seed: int) -> None:
    chance = random.Random(seed)
    runs = [
        Energy.of_parts([Part(name, chance.uniform(0, 50), "s", "measured") for name in "ab"], chance.uniform(1, 9))
        for _ in range(4)
    ]
    total = sum(runs[1:], runs[0])
    assert total.joules == pytest.approx(sum(part.joules for run in runs for part in run.parts))
    assert total.seconds == pytest.approx(sum(run.seconds for run in runs))
    assert [part.name for part in total.parts] == ["a", "b"]
    backward = sum(reversed(runs[:-1]), runs[-1])
    assert backward.joules == pytest.approx(total.joules)


def test_an_estimate_in_a_sum_makes_it_one() -> None:
    measured = Energy.of_parts([Part("gpu 0", 5.0, "counter", "measured")], 1.0)
    total = measured + energy.estimate(seconds=1, watts=10)
    assert (measured.kind, total.kind) == ("measured", "estimate")


# From codecarbon 3.3.2, data/private_infra/global_energy_mix.json: carbon_intensity and year (read 2026-11-24).
CITED = [
    ("FRA", 56.039, 2023),
    ("SWE", 40.695, 2023),
    ("DEU", 380.95, 2023),
    ("USA", 369.473, 2023),
    ("POL", 661.926, 2023),
    ("IND", 713.441, 2023),
    ("ABW", 561.224, 2022),
    ("WLD", 475.0, 2018),
]


@pytest.mark.parametrize(("code", "intensity", "year"), CITED)
def test_grid_is_the_cited_one(code: str, intensity: float, year: int) -> None:
    found = energy.grid()[code]
    assert (found.g_per_kwh, found.year) == (intensity, year)


def test_grid_is_plausible() -> None:
    assert len(energy.grid()) == 213  # 212 countries and the world
    assert all(10 < each.g_per_kwh < 1400 for each in energy.grid().values())  # of hydro power, and of the worst coal
    assert all(len(code) == 3 and code.isupper() for code in energy.grid())


@pytest.mark.parametrize("code", ["FRA", "WLD"])
def test_co2_is_linear_in_energy_and_pue(code: str) -> None:
    one = co2_g(1000, code)
    assert one == energy.grid()[code].g_per_kwh
    for factor in (1.0, 1.1, 1.58, 3.0):
        assert co2_g(1000, code, pue=factor) == pytest.approx(factor * one)
        assert co2_g(1000 * factor, code) == pytest.approx(factor * one)


def test_co2_of_a_measured_run() -> None:
    """By hand: 7.2 kJ = 2 Wh = 0.002 kWh; x 1.5 x 380.95 g/kWh."""
    used = Energy.of_parts([Part("gpu 0", 7200.0, "counter", "measured")], 60.0)
    assert co2_g(used, "Germany", pue=1.5) == pytest.approx(0.002 * 1.5 * 380.95)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"energy": 1, "country": "Frnce"}, "FRA"),
        ({"energy": 1, "country": "FRA", "pue": 0.9}, "pue is 0.9; expected a number of at least 1"),
        ({"energy": -1, "country": "FRA"}, "energy"),
        ({"energy": float("nan"), "country": "FRA"}, "energy"),
    ],
)
def test_what_cannot_be_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(EnergyError, match=words):
        co2_g(**arguments)


def test_bad_json_is_refused() -> None:
    for text in ("", "[]", "{}", '{"joules": 1}'):
        with pytest.raises(EnergyError, match="to_json"):
            Energy.from_json(text)


def test_the_command_converts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["energy", "--wh", "12", "--country", "SWE", "--pue", "1.2"]) == 0
    said = capsys.readouterr().out
    assert f"{12 / 1000 * 1.2 * 40.695:.3g} g CO2e" in said
    assert "codecarbon" in said


def test_the_command_lists_the_countries(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["energy", "grid"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(energy.grid()) + 1
    assert any(line.startswith("SWE") and "Sweden" in line for line in lines)


@pytest.mark.parametrize(
    ("arguments", "words"), [(["--wh", "1", "--country", "XXQ"], "no country"), ([], "how much energy")]
)
def test_the_command_tells_what_is_wrong(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    assert main(["energy", *arguments]) == 1
    assert words in capsys.readouterr().err
