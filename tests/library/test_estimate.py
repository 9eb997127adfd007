"""The estimator without a framework: stored workloads, the roofline, memory, errors, and how near it comes to published."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gpulab import results
from gpulab.cli import main
from gpulab.estimate import EstimateError, Workload, estimate, largest_batch, predict, workload
from gpulab.estimate.device_model import rates, sustained
from gpulab.estimate.operators import class_of, is_free
from gpulab.estimate.published import fit_points, validation_points
from gpulab.estimate.recurrent import layer_ops
from gpulab.estimate.roofline import Constants, as_dict, constants, step_seconds
from gpulab.estimate.workload import Memory, Op, merge, through_two_points
from gpulab.hardware import catalog, device

PERFECT = Constants(matmul=1e9, conv=1e9, plain=1.0, memory=1.0, step_s=1e-5)


def tiny(kind: str = "matmul", flops: float = 0.0, moved: float = 0.0, bits: int = 32, **more: float) -> Workload:
    return Workload("tiny", 1, [Op(kind, "x", (flops, 0.0), (moved, 0.0), bits, **more)], half=bits == 16)


def seconds(work: Workload, name: str, precision: str) -> float:
    return step_seconds(work, rates(device(name), precision), PERFECT)[0]


def test_arithmetic_takes_flops_over_the_peak_of_the_precision() -> None:
    work = tiny(flops=1e15)
    assert seconds(work, "v100-sxm2-32gb", "fp32") == pytest.approx(1e15 / 15.7e12, rel=1e-3)
    assert seconds(work, "a100-sxm-80gb", "tf32") == pytest.approx(1e15 / 156e12, rel=1e-3)
    assert seconds(tiny(flops=1e15, bits=16), "a100-sxm-80gb", "fp16") == pytest.approx(1e15 / 312e12, rel=1e-3)


def test_traffic_takes_bytes_over_the_bandwidth() -> None:
    work = tiny("pointwise", moved=1e12)
    assert seconds(work, "rtx-3090", "fp32") == pytest.approx(1e12 / device("rtx-3090").bandwidth_gb_s / 1e9, rel=1e-3)


def test_a_chain_of_steps_takes_its_latency_however_small_the_steps() -> None:
    assert seconds(tiny("rnn", flops=1.0, steps=1000.0), "h100-sxm", "fp32") == pytest.approx(1e-2, rel=0.05)


def test_small_operators_are_bound_by_starting_them() -> None:
    work = replace(tiny("pointwise", moved=8.0), ops=[Op("pointwise", "x", (0.0, 0.0), (8.0, 0.0), 32, count=1000)])
    answer = predict(work, "h100-sxm")
    assert answer.bound_by == "overhead"
    assert answer.step_time_s > 1e-3


def test_bf16_is_refused_where_the_card_has_none() -> None:
    for name in ("t4", "v100-sxm2-32gb", "rtx-2080-ti", "p100-pcie-16gb", "gtx-1080-ti"):
        with pytest.raises(EstimateError, match="has no bf16. Use fp16 or fp32"):
            rates(device(name), "bf16")


def test_a_card_without_tensor_units_computes_fp16_at_the_fp32_rate_and_says_so() -> None:
    found = rates(device("gtx-1080-ti"), "fp16")
    assert found.products == pytest.approx(11.3e12)
    assert any("no tensor units" in warning for warning in found.warnings)


def test_tf32_is_fp32_where_the_card_has_none() -> None:
    found = rates(device("v100-sxm2-32gb"), "tf32")
    assert found.products == rates(device("v100-sxm2-32gb"), "fp32").products
    assert "no TF32: computed in FP32" in found.warnings


def test_no_card_runs_faster_than_its_boost_clock() -> None:
    for each in catalog().values():
        assert 0.3 < sustained(each) <= 1.0, each.id


def test_every_device_has_a_prediction_or_one_clear_reason() -> None:
    for name in catalog():
        for precision in ("fp32", "fp16", "bf16", "tf32"):
            try:
                answer = estimate("resnet50", name, 64, precision)
            except EstimateError as error:
                assert "\n" not in str(error) and "Use " in str(error)
            else:
                low, high = answer.interval
                assert 0 < low < answer.samples_per_s < high
                assert answer.step_time_s * answer.samples_per_s == pytest.approx(64)


def test_weak_devices_are_marked() -> None:
    assert any("TPU" in warning for warning in estimate("resnet50", "tpu-v3", 64, "bf16").warnings)
    assert any("CPU" in warning for warning in estimate("resnet50", "cpu-ryzen7-5800x", 64).warnings)
    assert any("NVIDIA cards only" in warning for warning in estimate("resnet50", "apple-m2", 64).warnings)
    assert any("batch below 8" in warning for warning in estimate("resnet50", "t4", 1).warnings)


def test_the_layout_matters_in_16_bits_and_without_it_the_middle_is_given() -> None:
    speeds = [
        estimate("resnet50", "a100-sxm-80gb", 256, "fp16", channels_last=way).samples_per_s
        for way in (False, None, True)
    ]
    assert speeds == sorted(speeds) and speeds[0] < 0.9 * speeds[2]
    assert estimate("resnet50", "v100-sxm2-32gb", 64, channels_last=True) == estimate(
        "resnet50", "v100-sxm2-32gb", 64, channels_last=False
    )


def test_inference_is_faster_and_smaller_than_training() -> None:
    train, infer = (estimate("resnet50", "rtx-3090", 64, "fp16", mode) for mode in ("train", "infer"))
    assert 2 < infer.samples_per_s / train.samples_per_s < 5
    assert infer.peak_memory_gb < train.peak_memory_gb / 2
    assert infer.memory["gradients"] == infer.memory["optimizer"] == 0


def test_memory_parts_add_up_and_grow_with_the_batch() -> None:
    small, large = (estimate("bert-large", "a100-sxm-80gb", batch, "tf32") for batch in (8, 16))
    assert sum(small.memory.values()) == pytest.approx(small.peak_memory_gb)
    assert large.memory["activations"] > 1.8 * small.memory["activations"]
    assert small.memory["weights"] == pytest.approx(334e6 * 4 / 1e9, rel=0.01)  # 334 million parameters
    assert small.memory["optimizer"] == pytest.approx(2 * small.memory["weights"], rel=0.01)  # Adam has two states


def test_the_largest_batch_fits_and_one_more_does_not() -> None:
    work = workload("resnet50", 1)
    most = largest_batch(work, "rtx-3090")
    assert predict(work.with_batch(most), "rtx-3090").fits
    assert not predict(work.with_batch(most + 1), "rtx-3090").fits
    assert 100 < most < 400
    assert largest_batch(workload("gpt2", 1), "gtx-1080-ti") < 16


def test_nothing_fits_when_the_weights_do_not() -> None:
    big = Workload("big", 1, [], Memory(weights=1e12))
    assert largest_batch(big, "h100-sxm") == 0


def test_energy_follows_power_and_time() -> None:
    answer = estimate("resnet50", "rtx-3090", 256, "fp16")
    watts = answer.energy_wh_per_1000_samples * 3600 / 1000 * answer.samples_per_s
    assert 0.4 * 350 < watts <= 350
    assert estimate("resnet50", "apple-m2", 64).energy_wh_per_1000_samples is None  # the catalog has no power of it


def test_a_workload_survives_its_file(tmp_path: Path) -> None:
    work = workload("gnmt", 128, "fp16")
    work.save(tmp_path / "w.json")
    again = Workload.load(tmp_path / "w.json").with_batch(128)
    assert predict(again, "t4", "fp16") == predict(work, "t4", "fp16")
    (tmp_path / "w.json").write_text("{}")
    with pytest.raises(EstimateError, match="is not a stored workload"):
        Workload.load(tmp_path / "w.json")


def test_ready_workloads_need_no_framework() -> None:
    block = "import sys; sys.modules.update({'torch': None, 'tensorflow': None, 'keras': None, 'numpy': None})"
    code = f"{block}; from gpulab.estimate import estimate; print(estimate('resnet50', 't4', 64, 'fp16').fits)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "True\n"


def test_a_workload_for_one_width_is_refused_for_the_other() -> None:
    with pytest.raises(EstimateError, match="was traced in 32 bits"):
        predict(workload("resnet50", 8), "t4", "fp16")


def test_equal_operators_are_merged_and_lines_go_through_both_points() -> None:
    one = Op("norm", "x", (0.0, 0.0), (8.0, 0.0), 32)
    assert merge([one, one])[0].count == 2
    small, large = (Workload("x", n, [replace(one, bytes=(10.0 + 3 * n, 0.0))]) for n in (2, 4))
    assert through_two_points(small, large).ops[0].bytes == (10.0, 3.0)
    assert through_two_points(small, replace(large, ops=[one, one])) is None


def test_lstm_operations_follow_the_formula() -> None:
    batch, steps, width, units = 3, 5, 7, 11
    forward = sum(op.flops[0] for op in layer_ops("lstm", batch, steps, width, units, False, False))
    backward = sum(op.flops[0] for op in layer_ops("lstm", batch, steps, width, units, False, True))
    assert forward == 2 * 4 * units * (width + units) * batch * steps
    assert backward == 2 * forward


def test_classes_of_operators() -> None:
    expected = {"convolution_backward": "conv", "addmm": "matmul", "native_layer_norm": "norm", "gelu_backward": "pointwise",
                "embedding_dense_backward": "gather", "_fused_adam_": "optimizer", "max_pool2d_with_indices": "reduce"}  # fmt: skip
    assert {name: class_of(name) for name in expected} == expected
    assert is_free("empty_like") and is_free("detach") and not is_free("add_")


def test_five_constants_at_most_and_every_point_has_a_source() -> None:
    assert len(as_dict(constants())) <= 5
    assert all(point.source.startswith("github.com/") for point in (*fit_points(), *validation_points()))
    assert len(fit_points()) == 11 and len(validation_points()) >= 30
    fitted = {(p.device, p.model, p.mode, p.precision, p.samples_per_s) for p in fit_points()}
    assert not fitted & {(p.device, p.model, p.mode, p.precision, p.samples_per_s) for p in validation_points()}


@pytest.mark.parametrize(("kind", "middle", "worst"), [
    ("fit", 0.10, 0.30), ("leave one device out", 0.12, 0.40), ("leave one model out", 0.12, 0.40), ("validation", 0.15, 0.40),
])  # fmt: skip
def test_errors_against_published_points_stay_as_promised(kind: str, middle: float, worst: float) -> None:
    errors = [abs(row["error"]) for row in results.load("estimate_fit") if row["set"] == kind]
    assert statistics.median(errors) <= middle
    assert max(errors) <= worst


def test_predictions_of_stored_rows_are_still_what_the_library_says() -> None:
    rows = [row for row in results.load("estimate_fit") if row["set"] == "fit"]
    for point, row in zip(fit_points(), rows, strict=True):
        work = workload(point.model, point.batch, point.precision)
        assert predict(work, point.device, point.precision, point.channels_last).samples_per_s == pytest.approx(
            row["predicted"], rel=1e-3
        )


def test_nine_in_ten_published_points_lie_in_the_interval() -> None:
    inside = []
    for point in validation_points():
        if point.model in ("resnet50", "gnmt") and point.image_size == 224:
            work = workload(point.model, point.batch, point.precision, point.mode)
            low, high = predict(work, point.device, point.precision, point.channels_last).interval
            inside.append(low <= point.samples_per_s <= high)
    assert statistics.mean(inside) >= 0.85


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(["estimate", *words])
    done = capsys.readouterr()
    return status, done.out, done.err


def test_the_command_prints_json_with_the_agreed_keys(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "resnet50", "--device", "rtx-3090", "--precision", "fp16", "--batch", "128", "--json")
    answer = json.loads(out)
    assert status == 0
    assert list(answer)[:6] == [
        "samples_per_s",
        "step_time_s",
        "peak_memory_gb",
        "fits",
        "energy_wh_per_1000_samples",
        "bound_by",
    ]


def test_the_command_tells_a_reader_the_range_and_the_doubts(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "resnet50", "--device", "rtx-3090", "--precision", "fp16", "--batch", "128")
    assert (
        "predicted, not measured" in out and "(estimate)" in out and "Loading and preparing data is not included" in out
    )
    assert "Beware: memory layout not given" in out


@pytest.mark.parametrize(("words", "message"), [
    (("resnet50", "--device", "t44", "--batch", "8"), "no device 't44'"),
    (("resnet50", "--device", "t4", "--batch", "0"), "at least one sample"),
    (("resnet50", "--device", "t4", "--batch", "8", "--precision", "bf16"), "has no bf16"),
])  # fmt: skip
def test_errors_are_one_line_and_status_one(capsys: pytest.CaptureFixture[str], words: tuple, message: str) -> None:
    status, out, err = run(capsys, *words)
    assert (status, out) == (1, "")
    assert message in err and err.count("\n") == 1
