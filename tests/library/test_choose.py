"""Choosing a device: limits, prices, reasons, costs; the command; the table that the widget ranks."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from functools import cache
from typing import Any
from urllib.parse import unquote

import pytest

from gpulab import widgets
from gpulab.choose import ORDERS, READY, ChooseError, Limits, Money, Need, break_even_hours, choose, costs, table
from gpulab.choose.need import SOFTWARE, software
from gpulab.choose.option import SEVERAL, option
from gpulab.choose.ready import FOLDER, load
from gpulab.cli import main
from gpulab.estimate import largest_batch, predict
from gpulab.hardware import catalog, device
from gpulab.results import load as results

KINDS = {"image and video", "text", "reinforcement learning", "generative"}


@cache
def stored_table() -> dict[str, Any]:
    """Return the widget's table, computed once."""
    return table()


def ids(options: Any) -> list[str]:
    return [each.device.id for each in options]


# --- Ready-made workloads --------------------------------------------------------------------------------------------


def test_the_four_kinds_of_applications_have_workloads() -> None:
    assert {each.application for each in READY.values()} == KINDS
    assert all(path.stat().st_size < 100_000 for path in FOLDER.glob("*.json"))


@pytest.mark.parametrize("model", READY)
@pytest.mark.parametrize("mode", ["train", "infer"])
@pytest.mark.parametrize("half", [True, False])
def test_every_ready_made_workload_is_stored_for_any_batch(model: str, mode: str, half: bool) -> None:
    work = load(model, half, mode)
    assert (work.model, work.mode, work.half, work.exact_batch) == (model, mode, half, None)


def test_stored_workloads_are_those_of_the_experiment() -> None:
    for row in results("ready_workloads"):
        work = load(row["model"], row["bits"] == 16, row["mode"])
        gflop = work.with_batch(row["batch"]).flops / row["batch"] / 1e9
        assert gflop == pytest.approx(row["gflop_per_sample"], abs=1e-4)
        assert work.parameters == row["parameters"]


def test_operations_are_those_of_a_count_by_hand() -> None:
    layers = ((100, 1024, 1), (1024, 512, 4), (512, 256, 8), (256, 128, 16), (128, 3, 32))  # in, out, side of the input
    by_hand = sum(2 * side**2 * a * b * 16 for a, b, side in layers)
    assert load("dcgan", False, "infer").with_batch(1000).flops / 1000 == pytest.approx(by_hand, rel=0.01)
    torchvision = 40.70e9  # its count of multiply-adds
    assert load("r3d-18", False, "infer").with_batch(10).flops / 10 == pytest.approx(2 * torchvision, rel=0.01)


# --- Ranking ---------------------------------------------------------------------------------------------------------


def test_every_device_stands_in_exactly_one_list() -> None:
    found = choose("resnet50", Limits(budget_usd=1000, power_w=300))
    assert sorted(ids((*found.ranked, *found.apart, *found.ruled_out))) == sorted(catalog())


@pytest.mark.parametrize("by", ORDERS)
def test_the_order_is_the_one_asked_for(by: str) -> None:
    ranked = choose("bert-base", by=by).ranked
    keys = [ORDERS[by](each) for each in ranked]
    assert len(keys) > 20 and keys == sorted(keys)


def test_time_is_samples_over_the_predicted_speed() -> None:
    found = choose(Need("resnet50", batch=64, precision="fp16", samples=1e6), devices=["rtx-3090"]).best
    guess = predict(load("resnet50", True, "train").with_batch(64), "rtx-3090", "fp16", True)
    assert found.hours == pytest.approx(1e6 / guess.samples_per_s / 3600)
    assert found.kwh == pytest.approx(guess.energy_wh_per_1000_samples * 1000 / 1000)
    assert found.memory_gb == guess.peak_memory_gb


def test_equal_times_are_ranked_by_cost() -> None:
    ranked = [each for each in choose("dqn").ranked if each.bound_by == "overhead"]
    same = [each for each in ranked if each.hours == pytest.approx(ranked[0].hours, rel=1e-9)]
    assert len(same) > 5 and [each.cost_usd for each in same] == sorted(each.cost_usd for each in same)


def test_sixteen_bits_are_bf16_where_there_is_no_fp16() -> None:
    money = Money(prices={"tpu-v4": 1.0, "t4": 1.0})
    found = choose("resnet50", money=money, devices=["tpu-v4", "t4"])
    assert {each.device.id: each.precision for each in found.ranked} == {"tpu-v4": "bf16", "t4": "fp16"}


def test_a_device_that_waits_for_the_next_kernel_is_not_bound_by_memory() -> None:
    ranked = choose(Need("resnet50", batch=4, mode="infer")).ranked
    assert {each.bound_by for each in ranked[:10]} == {"overhead"}


def test_weak_figures_are_said() -> None:
    best = choose("resnet50", by="value").best
    assert best.device.id.startswith("arc") and any("weak figure" in warning for warning in best.warnings)


def test_a_row_of_several_dies_is_judged_by_one() -> None:
    whole, half = device("mi250x"), 1 / SEVERAL["mi250x"]
    need = Need("gpt2")
    found = option(need, need.workload(), Money(), whole)
    die = replace(whole, id="die", fp32_tflops=whole.fp32_tflops * half, fp16_tflops=whole.fp16_tflops * half,
                  bandwidth_gb_s=whole.bandwidth_gb_s * half)  # fmt: skip
    assert found.samples_per_s == pytest.approx(option(need, need.workload(), Money(), die).samples_per_s)
    assert any("2 devices" in warning for warning in found.warnings)


def test_a_slow_host_makes_cards_equal_and_they_draw_less() -> None:
    free = choose("dqn", devices=["rtx-3090"]).best
    held = choose(Need("dqn", host_samples_per_s=100.0), devices=["rtx-3090"]).best
    assert held.bound_by == "host" and held.samples_per_s == 100.0 and held.interval == (100.0, 100.0)
    assert held.kwh > free.kwh and held.kwh / held.hours < free.kwh / free.hours + 1e-9
    assert "the device waits" in held.reasons[1]


# --- Limits ----------------------------------------------------------------------------------------------------------

RULED = [
    (Limits(software=("cuda",)), "rx-7900-xtx", "is programmed with ROCm, not CUDA"),
    (Limits(software=("rocm", "metal")), "rtx-3090", "is programmed with CUDA, not ROCm or Metal"),
    (Limits(power_w=300), "rtx-4090", "draws 450 W, more than 300 W"),
    (Limits(memory_gb=20), "rtx-4080", "has 16 GB, less than 20 GB"),
    (Limits(kinds=("datacenter",)), "rtx-4090", "is of kind consumer"),
    (Limits(budget_usd=1000), "rtx-4090", r"costs 1,599 USD \(launch price, 2022\), more than 1,000 USD"),
    (Limits(hours=1), "rtx-3070", "takes .* longer than 1 h"),
    (Limits(latency_ms=1), "rtx-3070", "ms a step, longer than 1 ms"),
]  # fmt: skip


@pytest.mark.parametrize(("limits", "name", "words"), RULED)
def test_a_limit_rules_out_and_says_why(limits: Limits, name: str, words: str) -> None:
    (out,) = choose("resnet50", limits, devices=[name]).ruled_out
    assert re.search(words, out.against[0]) and not out.reasons
    assert not choose("resnet50", devices=[name]).ruled_out


def test_all_that_rules_a_card_out_is_said() -> None:
    limits = Limits(budget_usd=1000, power_w=300, software=("rocm",))
    (out,) = choose("resnet50", limits, devices=["rtx-4090"]).ruled_out
    assert len(out.against) == 3


def test_a_batch_that_does_not_fit_is_ruled_out_with_the_largest_that_does() -> None:
    need = Need("resnet50", batch=512)
    (out,) = choose(need, devices=["rtx-3070"]).ruled_out
    most = largest_batch(need.workload(), "rtx-3070")
    assert f"a batch of {most} would fit" in out.against[0]
    assert choose(Need("resnet50", batch=most), devices=["rtx-3070"]).best
    assert not choose(Need("resnet50", batch=most + 1), devices=["rtx-3070"]).best


def test_a_precision_that_a_device_lacks_rules_it_out() -> None:
    (out,) = choose(Need("resnet50", precision="bf16"), devices=["t4"]).ruled_out
    assert "has no bf16" in out.against[0]


def test_limits_only_take_away() -> None:
    every = set(ids(choose("resnet50").ranked))
    for limits in (Limits(budget_usd=800), Limits(power_w=200), Limits(software=("rocm",)), Limits(hours=30)):
        assert set(ids(choose("resnet50", limits).ranked)) < every


# --- Money -----------------------------------------------------------------------------------------------------------


def test_without_a_price_a_card_is_listed_apart() -> None:
    found = choose("resnet50")
    assert all(each.device.launch_price_usd is None for each in found.apart)
    assert all(each.device.launch_price_usd is not None for each in found.ranked)
    assert "no price" in found.apart[0].missing[0]
    assert ids(choose("resnet50", money=Money(prices={"a100-sxm-80gb": 9000}), devices=["a100-sxm-80gb"]).ranked)


def test_a_limit_that_cannot_be_judged_sets_apart() -> None:
    money = Money(prices={"apple-m4-max": 3000})
    found = choose("resnet50", Limits(power_w=100), money, devices=["apple-m4-max"])
    assert found.apart[0].missing == ("its design power is not in the catalog",)
    assert choose("resnet50", Limits(), money, devices=["apple-m4-max"]).best


def test_your_price_goes_before_the_launch_price() -> None:
    best = choose("resnet50", money=Money(prices={"rtx-3090": 700}), devices=["rtx-3090"]).best
    assert (best.price_usd, best.price_from) == (700, "your price")
    best = choose("resnet50", devices=["rtx-3090"]).best
    assert (best.price_usd, best.price_from) == (1499, "launch price, 2020")


def test_buying_costs_the_price_and_the_electricity() -> None:
    best = choose("resnet50", money=Money(electricity=0.3), devices=["rtx-3090"]).best
    assert best.cost_usd == pytest.approx(1499 + 0.3 * best.kwh)


def test_renting_costs_the_hours_and_only_your_rates_count() -> None:
    found = choose("resnet50", money=Money(rent=True, rates={"h100-sxm": 2.5}), by="cost")
    assert ids(found.ranked) == ["h100-sxm"]
    assert found.best.cost_usd == pytest.approx(2.5 * found.best.hours)
    assert all("no rate" in each.missing[0] for each in found.apart)


def test_break_even_is_where_both_cost_the_same() -> None:
    hours = break_even_hours(1500, 0.6, watts=350, electricity=0.3)
    assert 1500 + hours * 0.35 * 0.3 == pytest.approx(hours * 0.6)
    best = choose("resnet50", money=Money(rates={"rtx-3090": 0.5}, electricity=0.3), devices=["rtx-3090"]).best
    watts = 1000 * best.kwh / best.hours
    assert best.break_even_hours == pytest.approx(break_even_hours(1499, 0.5, watts, 0.3))
    assert "buying pays after" in best.reasons[-1]


def test_energy_counts_the_waiting() -> None:
    card = device("rtx-3090")
    assert costs.kwh(card, 1, 1, 300) == pytest.approx(0.3)
    assert costs.kwh(card, 1, 3, 300) == pytest.approx(0.3 + 2 * 0.45 * 0.35)
    assert costs.kwh(device("apple-m1"), 1, 1, None) is None


# --- Errors ----------------------------------------------------------------------------------------------------------

WRONG = [
    (lambda: choose("resnet51"), "did you mean.*Ready-made: resnet50"),
    (lambda: choose("bert-large"), "how many samples are to be processed"),
    (lambda: choose("resnet50", by="beauty"), "Rank by: time, cost, energy, value"),
    (lambda: choose("resnet50", devices=["rtx-9999"]), "Similar:"),
    (lambda: Need(precision="fp8"), "no precision 'fp8'"),
    (lambda: Need(mode="dream"), "train or infer"),
    (lambda: Need(batch=0), "at least one"),
    (lambda: Need(samples=-1), "expected a number above 0"),
    (lambda: Limits(software="cuda"), "tuples"),
    (lambda: Limits(software=("opengl",)), "There is: cuda"),
    (lambda: Limits(kinds=("toy",)), "There are: consumer"),
    (lambda: Limits(budget_usd=float("nan")), "above 0"),
    (lambda: Money(rent=True), "renting needs your rates"),
    (lambda: Money(prices={"rtx-309": 5}), "Similar: rtx-3090"),
    (lambda: Money(rates={"t4": "cheap"}), "the price of t4"),
    (lambda: choose(Need(load("vae", True, "train"), precision="fp32")), "was traced in 16 bits"),
]


@pytest.mark.parametrize(("call", "words"), WRONG)
def test_errors_say_what_to_do(call: Any, words: str) -> None:
    with pytest.raises(ChooseError, match=words):
        call()


def test_every_device_has_a_known_software() -> None:
    assert {software(each) for each in catalog().values()} == set(SOFTWARE)


# --- The command -----------------------------------------------------------------------------------------------------


def test_command_prints_reasons_and_what_is_ruled_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["choose", "gpt2", "--budget", "800", "--software", "cuda", "--price", "rtx-3090=700"]) == 0
    text = capsys.readouterr().out
    assert "1. GeForce RTX 3090" in text and "(your price)" in text and "Ruled out" in text and "Listed apart" in text


def test_command_gives_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["choose", "dqn", "rent", "--rate", "t4=0.35", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["device"] for each in found["ranked"]] == ["t4"] and found["need"]["model"] == "dqn"
    assert len(found["ranked"]) + len(found["apart"]) + len(found["ruled_out"]) == len(catalog())


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--price", "rtx-3090"], "like rtx-3090=700"), (["rent"], "renting needs"), (["--batch", "0"], "at least one")],
)
def test_command_says_what_is_wrong(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["choose", "resnet50", *words]) == 1
    assert message in capsys.readouterr().err


def test_command_lists_the_ready_made_and_fails_where_nothing_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["choose"]) == 0 and "reinforcement learning" in capsys.readouterr().out
    assert main(["choose", "resnet50", "--power", "10", "--software", "cuda"]) == 1
    assert "Nothing with a price" in capsys.readouterr().out


# --- The widget's table ----------------------------------------------------------------------------------------------


def test_table_has_what_choose_finds() -> None:
    found = stored_table()
    assert [each["id"] for each in found["devices"]] == list(catalog())
    for work in found["works"][::5]:
        need = Need(work["model"], work["batch"], work["precision"], work["mode"])
        steps = need.workload()
        exact = {name: option(need, steps, Money(), each) for name, each in catalog().items()}
        for row, run in zip(found["devices"], work["runs"], strict=True):
            each = exact[row["id"]]
            assert (run is None) == (each.hours is None)
            if run:
                assert run[0] == pytest.approx(each.step_ms, rel=1e-4) and run[2] == each.bound_by[0]
                assert work["gb"] == pytest.approx(each.memory_gb, rel=1e-4) and work["samples"] == need.amount


def test_three_batches_of_every_work() -> None:
    works = stored_table()["works"]
    groups: dict[tuple[str, ...], list[int]] = {}
    for work in works:
        groups.setdefault((work["model"], work["mode"], work["precision"]), []).append(work["batch"])
    assert len(groups) == len(READY) * 4
    assert all(len(batches) == 3 and batches == sorted(set(batches)) for batches in groups.values())


def test_widget_is_complete_and_the_same_each_time() -> None:
    explorer = widgets.chooser(stored_table())
    page = explorer._repr_html_()
    assert page == widgets.chooser(table())._repr_html_() and len(page) < 400_000
    assert re.findall(r"(?:src|href)=[\"'](?!data:)", page) == [] and "fetch(" not in page
    svg = ET.fromstring(unquote(explorer.still.split(",", 1)[1]))
    assert float(svg.get("width")) <= 640
    best = choose("resnet50").ranked[:5]
    assert all(each.device.name in explorer.alt for each in best)
