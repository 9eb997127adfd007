"""The catalog agrees with itself, names lead to the right row or to none, and probes read what systems write."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import asdict

import pytest

from gpulab import hardware
from gpulab.hardware import AS_OF, Device, HardwareError, accelerator, catalog, caveats, device, machine, match, table
from gpulab.hardware.names import PATTERNS, share
from gpulab.hardware.probes import cpu, frameworks, gpus
from gpulab.hardware.probes.host import GIBIBYTE, Host, Ran
from tests.library.fake_host import CPUINFO, MEMINFO, TORCH_CPU, TORCH_CUDA, TORCH_ROCM, TORCH_XPU, FakeHost

ROWS = list(catalog().values())
RATES = ("fp32_tflops", "fp64_tflops", "fp16_tflops", "bf16_tflops", "tf32_tflops", "fp8_tflops", "int8_tops")
GPUS = [row for row in ROWS if row.kind not in ("cpu", "tpu")]


def by_id(row: Device) -> str:
    return row.id


# The catalog


def test_it_has_seventy_devices_of_every_kind() -> None:
    assert len(ROWS) == 70
    assert {row.kind for row in ROWS} == {"consumer", "workstation", "datacenter", "integrated", "tpu", "cpu"}
    assert re.fullmatch(r"20\d\d-\d\d", AS_OF)


@pytest.mark.parametrize("row", ROWS, ids=by_id)
def test_every_row_is_complete_and_says_its_source(row: Device) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row.id)
    assert all((row.name, row.architecture, row.memory_type, row.interconnect, row.software)) and len(row.source) > 5
    assert row.vendor in {"NVIDIA", "AMD", "Intel", "Apple", "Google"}
    kinds = {"vendor datasheet", "vendor whitepaper", "secondary page", "general knowledge, unverified"}
    assert row.source_kind in kinds
    assert 2016 <= row.year <= int(AS_OF[:4])


@pytest.mark.parametrize("row", ROWS, ids=by_id)
def test_figures_are_in_the_stated_units(row: Device) -> None:
    """A figure in GFLOPS, MB/s or kW, or the sparse rate of a datacenter card, would fall outside."""
    ranges = {"bandwidth_gb_s": (50, 8100), "fp32_tflops": (0.5, 170), "fp64_tflops": (0.1, 90), "memory_gb": (7, 300)}
    ranges |= {"fp16_tflops": (20, 2600), "bf16_tflops": (20, 2600), "tf32_tflops": (10, 1300)}
    ranges |= {
        "fp8_tflops": (80, 5100),
        "int8_tops": (80, 5100),
        "tdp_w": (60, 1500),
        "launch_price_usd": (200, 10_000),
    }
    for name, (low, high) in ranges.items():
        value = getattr(row, name)
        assert value is None or low <= value <= high, f"{name}={value}"
    assert 1 <= row.compute_units <= 304


@pytest.mark.parametrize("row", ROWS, ids=by_id)
def test_a_narrower_format_is_never_slower(row: Device) -> None:
    order = ("fp64_tflops", "fp32_tflops", "tf32_tflops", "fp16_tflops", "fp8_tflops")
    known = [getattr(row, name) for name in order if getattr(row, name) is not None]
    assert all(b >= 0.99 * a for a, b in zip(known, known[1:], strict=False)), known
    assert row.int8_tops is None or row.fp16_tflops is None or row.int8_tops >= 0.99 * row.fp16_tflops


# FP16 tensor rate (FP32 accumulate) over FP32 rate. GeForce cards from Turing to Blackwell run FP32 accumulate at half.
TENSOR_RATIO = {
    ("Volta", False): 8, ("Turing", False): 8, ("Turing", True): 4, ("Ampere (GA100)", False): 16, ("Ampere", False): 4,
    ("Ampere", True): 2, ("Ada", False): 4, ("Ada", True): 2, ("Hopper", False): 14.8, ("Blackwell (GB2", False): 4,
    ("Blackwell (GB2", True): 2, ("Blackwell", False): 30.7, ("CDNA 4", False): 16, ("CDNA", False): 8,
    ("RDNA 3", True): 2, ("RDNA 4", True): 4,
}  # fmt: skip
# Rows whose ratio is another, and why: both are weak in the catalog.
EXCEPTIONS = {"titan-v": "fp16_tflops", "a10g": "fp16_tflops"}


def expected_ratio(row: Device) -> float | None:
    found = [key for key in TENSOR_RATIO if row.architecture.startswith(key[0]) and key[1] == (row.kind == "consumer")]
    return TENSOR_RATIO[max(found, key=lambda key: len(key[0]))] if found else None


@pytest.mark.parametrize("row", [row for row in GPUS if row.fp16_tflops and row.vendor != "Intel"], ids=by_id)
def test_tensor_rates_follow_the_architecture(row: Device) -> None:
    ratio = expected_ratio(row)
    assert ratio, f"no ratio is written down for {row.architecture}"
    agrees = row.fp16_tflops / row.fp32_tflops == pytest.approx(ratio, rel=0.04)
    assert agrees != (row.id in EXCEPTIONS), f"{row.fp16_tflops / row.fp32_tflops:.2f} instead of {ratio}"
    if row.tf32_tflops:
        assert row.tf32_tflops == pytest.approx(row.fp16_tflops / 2, rel=0.02)
    if row.bf16_tflops and row.id != "mi100":  # the MI100's matrix units take BF16 at half rate
        assert row.bf16_tflops == row.fp16_tflops
    if row.fp8_tflops:
        assert row.fp8_tflops == pytest.approx(2 * row.fp16_tflops, rel=0.02)


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_an_exception_is_a_documented_weakness(name: str) -> None:
    assert EXCEPTIONS[name] in caveats(device(name))


@pytest.mark.parametrize("row", [row for row in GPUS if row.fp64_tflops and row.vendor == "NVIDIA"], ids=by_id)
def test_double_precision_follows_the_architecture(row: Device) -> None:
    """Half of FP32 on the chips for computing, 1/32 (to Turing) or 1/64 (since Ampere) on the others."""
    computing = re.search(r"GP100|GV100|GA100|GH100", row.architecture)
    share = 1 / 2 if computing else 1 / 32 if re.search("GP102|Turing", row.architecture) else 1 / 64
    agrees = row.fp64_tflops / row.fp32_tflops == pytest.approx(share, rel=0.03)
    assert agrees != ("fp64_tflops" in caveats(row))


LANES = {
    "GP100": 64,
    "Volta": 64,
    "Turing": 64,
    "GA100": 64,
    "CDNA 3": 128,
    "CDNA 4": 128,
    "CDNA": 64,
    "RDNA 2": 64,
    "GCN": 64,
}


@pytest.mark.parametrize("row", GPUS, ids=by_id)
def test_fp32_rate_needs_a_plausible_clock(row: Device) -> None:
    """2 x lanes x units x clock: a wrong number of units, or a doubled rate, asks for a clock that no chip has."""
    lanes = next((count for part, count in LANES.items() if part in row.architecture), 128)
    clock_ghz = row.fp32_tflops * 1e3 / (2 * lanes * row.compute_units)
    assert 1.1 <= clock_ghz <= 3.1, f"{clock_ghz:.2f} GHz"


# Bits of the bus, and the rate of one of its pins in Gbit/s; a stack of HBM has 1024 bits.
PINS = {
    "GDDR5X": (10, 12), "GDDR6": (10, 20.5), "GDDR6X": (18, 24), "GDDR7": (27, 31), "LPDDR4X": (4.2, 4.3),
    "LPDDR5": (6.2, 6.5), "LPDDR5X": (7.4, 8.6), "HBM2": (1.4, 2.5), "HBM2e": (3.0, 3.6), "HBM3": (5.0, 6.6),
    "HBM3e": (5.6, 8.1),
}  # fmt: skip
WIDTHS = {"G": (128, 192, 256, 320, 352, 384, 512), "L": (128, 256, 512), "H": tuple(1024 * n for n in range(2, 9))}


@pytest.mark.parametrize("row", GPUS, ids=by_id)
def test_bandwidth_fits_the_kind_of_memory(row: Device) -> None:
    low, high = PINS[row.memory_type]
    rates = [row.bandwidth_gb_s * 8 / width for width in WIDTHS[row.memory_type[0]]]
    assert any(low <= rate <= high for rate in rates), rates


@pytest.mark.parametrize("row", [row for row in ROWS if row.kind == "cpu"], ids=by_id)
def test_bandwidth_of_a_cpu_is_that_of_its_channels(row: Device) -> None:
    transfers, channels = map(int, re.findall(r"-(\d+) x(\d)", row.memory_type)[0])
    assert row.bandwidth_gb_s == pytest.approx(transfers * 8e-3 * channels, rel=0.001)
    assert row.source_kind == "general knowledge, unverified" and caveats(row)


def test_two_tiers_of_one_generation_are_in_order() -> None:
    for family in (("rtx-3060-12gb", "rtx-3070", "rtx-3080-10gb", "rtx-3090"),
                   ("rtx-4060-ti-16gb", "rtx-4070", "rtx-4080", "rtx-4090"),
                   ("rtx-5060-ti-16gb", "rtx-5070", "rtx-5070-ti", "rtx-5080", "rtx-5090"),
                   ("rtx-2070", "rtx-2080", "rtx-2080-ti"), ("rx-6800", "rx-6800-xt", "rx-6900-xt")):  # fmt: skip
        for name in ("compute_units", "fp32_tflops", "tdp_w", "bandwidth_gb_s", "launch_price_usd"):
            values = [getattr(device(each), name) for each in family]
            assert values == sorted(values), (family, name)


def test_formats_that_an_architecture_lacks_are_empty() -> None:
    for row in ROWS:
        if re.search("Volta|Turing|Pascal|GCN|RDNA 2", row.architecture):
            assert row.bf16_tflops is None and row.tf32_tflops is None and row.fp8_tflops is None, row.id
        if re.search(r"Ampere|CDNA 2|CDNA$", row.architecture):
            assert row.fp8_tflops is None, row.id
        assert row.tf32_tflops is None or row.vendor in ("NVIDIA", "AMD")


def test_an_unknown_device_names_similar_ones() -> None:
    with pytest.raises(HardwareError, match="rtx-3090"):
        device("rtx3090")


def test_the_catalog_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        catalog()["x"] = ROWS[0]  # type: ignore[index]


# Weak rows and the table


@pytest.mark.parametrize("row", ROWS, ids=by_id)
def test_a_weak_figure_exists_and_has_a_reason(row: Device) -> None:
    for figure, why in caveats(row).items():
        assert getattr(row, figure) is not None and len(why) > 15


def test_weak_rows_are_those_of_the_notes() -> None:
    weak = {row.id for row in ROWS if caveats(row)}
    assert {"a10g", "apple-m3", "apple-m4-max", "arc-b580", "rx-7900-xtx", "rtx-5090", "tpu-v3", "b200-sxm"} <= weak
    assert not weak & {"a100-sxm-40gb", "h100-sxm", "rtx-4090", "t4", "v100-sxm2-32gb", "mi300x", "apple-m2"}


def test_what_a_row_itself_calls_doubtful_is_weak() -> None:
    for row in ROWS:
        if re.search("low confidence", row.note, re.IGNORECASE):
            assert caveats(row), row.id


def test_table_gives_rows_in_the_order_asked() -> None:
    rows = table(["t4", device("a10g")], ["name", "fp16_tflops", "weak"])
    assert [row["name"] for row in rows] == ["Tesla T4", "A10G (AWS G5)"]
    assert rows[0]["weak"] == "" and "fp16_tflops" in str(rows[1]["weak"])
    assert len(table()) == 70 and json.dumps(table())


def test_table_refuses_what_is_not_there() -> None:
    with pytest.raises(HardwareError, match="no column 'price'"):
        table(columns=["price"])
    with pytest.raises(HardwareError, match="no device 'gtx-970'"):
        table(["gtx-970"])


# Names: what drivers report, the memory they report in GiB, compute units where they tell, and the row or nothing.

REAL = (
    ("NVIDIA GeForce RTX 3090", 23.69, None, "rtx-3090"), ("GeForce RTX 3090", None, None, "rtx-3090"),
    ("NVIDIA GeForce RTX 3080", 9.78, None, "rtx-3080-10gb"), ("NVIDIA GeForce RTX 3070", 7.79, None, "rtx-3070"),
    ("NVIDIA GeForce RTX 3060", 11.76, None, "rtx-3060-12gb"), ("GeForce RTX 2080 Ti", 10.76, None, "rtx-2080-ti"),
    ("NVIDIA GeForce RTX 2080", 7.79, None, "rtx-2080"), ("GeForce RTX 2070", 7.79, None, "rtx-2070"),
    ("NVIDIA GeForce GTX 1080 Ti", 10.91, None, "gtx-1080-ti"), ("NVIDIA TITAN V", 11.77, None, "titan-v"),
    ("NVIDIA GeForce RTX 4060 Ti", 15.7, None, "rtx-4060-ti-16gb"), ("NVIDIA GeForce RTX 4070", 11.6, None, "rtx-4070"),
    ("NVIDIA GeForce RTX 4080", 15.7, None, "rtx-4080"), ("NVIDIA GeForce RTX 4090", 23.6, None, "rtx-4090"),
    ("NVIDIA GeForce RTX 5060 Ti", 15.5, None, "rtx-5060-ti-16gb"), ("NVIDIA GeForce RTX 5070", 11.5, None, "rtx-5070"),
    ("NVIDIA GeForce RTX 5070 Ti", 15.5, None, "rtx-5070-ti"), ("NVIDIA GeForce RTX 5080", 15.5, None, "rtx-5080"),
    ("NVIDIA GeForce RTX 5090", 31.4, None, "rtx-5090"), ("NVIDIA RTX A6000", 47.5, None, "rtx-a6000"),
    ("NVIDIA RTX 6000 Ada Generation", 44.4, None, "rtx-6000-ada"),
    ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", 95.6, None, "rtx-pro-6000-blackwell-ws"),
    ("Tesla P100-PCIE-16GB", 15.9, None, "p100-pcie-16gb"), ("Tesla V100-SXM2-32GB", 31.7, None, "v100-sxm2-32gb"),
    ("Tesla V100-PCIE-16GB", 15.8, None, "v100-pcie-16gb"), ("Tesla T4", 14.7, None, "t4"),
    ("NVIDIA L4", 22.0, None, "l4"),
    ("NVIDIA L40S", 44.4, None, "l40s"), ("NVIDIA A10", 22.1, None, "a10"), ("NVIDIA A10G", 22.0, None, "a10g"),
    ("NVIDIA A100-PCIE-40GB", 39.4, None, "a100-pcie-40gb"), ("A100-SXM4-40GB", 39.6, None, "a100-sxm-40gb"),
    ("NVIDIA A100 80GB PCIe", 79.1, None, "a100-pcie-80gb"), ("NVIDIA A100-SXM4-80GB", 79.2, None, "a100-sxm-80gb"),
    ("NVIDIA H100 PCIe", 79.1, None, "h100-pcie"), ("NVIDIA H100 80GB HBM3", 79.1, None, "h100-sxm"),
    ("NVIDIA H200", 139.8, None, "h200-sxm"), ("NVIDIA B200", 178.4, None, "b200-sxm"),
    ("NVIDIA GB200", 184.3, None, "gb200-gpu"),
    ("AMD Radeon RX 6800 XT", 15.98, 72, "rx-6800-xt"), ("AMD Radeon RX 6800", 15.98, 60, "rx-6800"),
    ("AMD Radeon RX 6900 XT", 15.98, 80, "rx-6900-xt"), ("AMD Radeon RX Vega", 7.98, 64, "rx-vega-64"),
    ("Radeon RX Vega", 7.98, 56, "rx-vega-56"), ("AMD Radeon RX 7900 XTX", 23.98, 96, "rx-7900-xtx"),
    ("gfx1100", 23.98, 96, "rx-7900-xtx"), ("AMD Radeon RX 9070 XT", 15.9, 64, "rx-9070-xt"),
    ("gfx1201", 15.9, 64, "rx-9070-xt"),
    ("AMD Instinct MI100", 31.98, 120, "mi100"), ("AMD Instinct MI210", 63.98, 104, "mi210"),
    ("AMD Instinct MI250X", 63.98, 110, "mi250x"), ("AMD Instinct MI250X/MI250", 63.98, 110, "mi250x"),
    ("AMD Instinct MI300X", 191.98, 304, "mi300x"), ("AMD Instinct MI300X OAM", 191.5, 304, "mi300x"),
    ("AMD Instinct MI325X", 255.98, 304, "mi325x"), ("AMD Instinct MI355X", 287.98, 256, "mi355x"),
    ("Intel(R) Arc(TM) A770 Graphics", 15.9, None, "arc-a770-16gb"), ("Intel(R) Arc(TM) B580 Graphics", 11.6, None,
     "arc-b580"),
    ("Intel(R) Graphics [0x56a0]", 15.9, None, "arc-a770-16gb"), ("Apple M1", 16, 8, "apple-m1"),
    ("Apple M1 Max", 32, 32, "apple-m1-max"), ("Apple M2", 8, 10, "apple-m2"), ("Apple M2 Max", 96, 38, "apple-m2-max"),
    ("Apple M3", 16, 10, "apple-m3"), ("Apple M3 Max", 64, 40, "apple-m3-max"), ("Apple M4", 24, 10, "apple-m4"),
    ("Apple M4 Max", 48, 40, "apple-m4-max"), ("TPU v5 lite", None, None, "tpu-v5e"),
    ("TPU v6 lite", None, None, "tpu-v6e"),
    ("AMD Ryzen 7 5800X 8-Core Processor", 31.3, None, "cpu-ryzen7-5800x"),
    ("Intel(R) Xeon(R) W-2295 CPU @ 3.00GHz", None, None, "cpu-xeon-w-2295"),
)  # fmt: skip
OTHERS = (
    "NVIDIA GeForce RTX 3090 Ti", "NVIDIA GeForce RTX 3080 Ti", "NVIDIA GeForce RTX 3080 Laptop GPU",
    "NVIDIA GeForce RTX 3080 Ti Laptop GPU", "NVIDIA GeForce RTX 3070 Ti", "NVIDIA GeForce RTX 3070 Laptop GPU",
    "NVIDIA GeForce RTX 3060 Ti", "NVIDIA GeForce RTX 3060 Laptop GPU", "GeForce RTX 2080 SUPER",
    "GeForce RTX 2080 with Max-Q Design", "GeForce RTX 2080 Super with Max-Q Design", "GeForce RTX 2070 SUPER",
    "GeForce RTX 2070 with Max-Q Design", "NVIDIA GeForce GTX 1080", "NVIDIA GeForce RTX 4060",
    "NVIDIA GeForce RTX 4070 Ti",
    "NVIDIA GeForce RTX 4070 SUPER", "NVIDIA GeForce RTX 4070 Ti SUPER", "NVIDIA GeForce RTX 4070 Laptop GPU",
    "NVIDIA GeForce RTX 4080 SUPER", "NVIDIA GeForce RTX 4080 Laptop GPU", "NVIDIA GeForce RTX 4090 D",
    "NVIDIA GeForce RTX 4090 Laptop GPU", "NVIDIA GeForce RTX 5070 Ti Laptop GPU", "NVIDIA GeForce RTX 5070 Laptop GPU",
    "NVIDIA GeForce RTX 5090 D", "NVIDIA GeForce RTX 5090 D V2", "NVIDIA GeForce RTX 5090 Laptop GPU",
    "NVIDIA TITAN RTX",
    "NVIDIA TITAN V CEO Edition", "NVIDIA TITAN Xp", "Quadro RTX 6000", "NVIDIA RTX 6000D",
    "NVIDIA RTX A6000 Laptop GPU",
    "NVIDIA RTX A5000", "NVIDIA RTX 5000 Ada Generation", "NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition",
    "NVIDIA RTX PRO 6000 Blackwell Server Edition", "Tesla P100-SXM2-16GB", "Tesla P100-PCIE-12GB",
    "Tesla V100-SXM2-16GB",
    "Tesla V100-SXM2-32GB-LS", "Tesla V100-SXM3-32GB", "Tesla V100S-PCIE-32GB", "Tesla V100-PCIE-32GB", "GRID T4-16Q",
    "NVIDIA A10-24Q", "NVIDIA A10M", "NVIDIA A16", "NVIDIA L40", "NVIDIA A100-SXM4-40GB MIG 3g.20gb", "NVIDIA A100X",
    "NVIDIA A100-SXM-64GB", "NVIDIA A800-SXM4-80GB", "GRID A100-40C", "NVIDIA H100 NVL",
    "NVIDIA H100 80GB HBM3 MIG 1g.10gb",
    "NVIDIA H200 NVL", "NVIDIA H20", "NVIDIA H800", "NVIDIA GH200 480GB", "NVIDIA B300 SXM6 AC", "NVIDIA GB300",
    "NVIDIA GB10", "NVIDIA Graphics Device", "AMD Radeon RX 6950 XT", "AMD Radeon RX 6800S", "AMD Radeon RX 6800M",
    "AMD Radeon RX 7900 XT", "AMD Radeon RX 7900 GRE", "AMD Radeon RX 9070", "AMD Radeon PRO W7900",
    "AMD Radeon Graphics",
    "AMD Instinct MI250", "AMD Instinct MI250X/MI250", "AMD Instinct MI300A", "AMD Instinct MI308X",
    "AMD Instinct MI350X",
    "AMD Radeon VII", "gfx1030", "gfx1036", "gfx1100", "gfx90a", "gfx942", "Intel(R) Arc(TM) A770M Graphics",
    "Intel(R) Arc(TM) A750 Graphics", "Intel(R) Arc(TM) Graphics", "Intel(R) Arc(TM) B570 Graphics",
    "Intel(R) Arc(TM) Pro B60 Graphics", "Intel(R) UHD Graphics 770", "Apple M2 Pro", "Apple M2 Ultra", "Apple M2 Max",
    "TPU v2", "TPU v3", "TPU v5p", "TPU v5", "AMD Ryzen 7 5800X3D 8-Core Processor", "AMD EPYC", "cpu", "",
)  # fmt: skip
SISTERS = (
    ("NVIDIA GeForce RTX 3080", 11.76, None), ("NVIDIA GeForce RTX 3080", None, None),
    ("NVIDIA GeForce RTX 3060", 7.8, None),
    ("NVIDIA GeForce RTX 4060 Ti", 7.6, None), ("NVIDIA GeForce RTX 5060 Ti", 7.5, None),
    ("NVIDIA GeForce RTX 4090", 47.4, None),
    ("NVIDIA GeForce RTX 2080 Ti", 21.7, None), ("NVIDIA A100-SXM4-40GB", 19.6, None),
    ("AMD Instinct MI300X", 23.98, 38),
    ("Intel(R) Arc(TM) A770 Graphics", 7.9, None), ("gfx1100", 19.98, 84), ("gfx1100", 47.98, 96),
    ("gfx1030", 15.98, 80),
    ("gfx1030", 31.98, 60), ("gfx90a", 63.98, 104), ("gfx942", 191.98, 80), ("Apple M2 Max", 64, 30),
    ("Apple M4", 16, 8),
    ("AMD Radeon RX Vega", 15.98, 64), ("AMD Radeon RX Vega", 7.98, None), ("AMD Instinct MI250X/MI250", 63.98, 104),
)  # fmt: skip


@pytest.mark.parametrize(("name", "memory", "units", "row"), REAL, ids=[f"{real[0]}-{real[2]}" for real in REAL])
def test_a_driver_name_leads_to_its_row(name: str, memory: float | None, units: int | None, row: str) -> None:
    found = match(name, memory, units)
    assert found and found.id == row
    if memory is not None and name.startswith(("NVIDIA", "Tesla", "AMD Inst")):  # the same memory, counted in GB
        assert match(name, memory * GIBIBYTE / 1e9, units) is found


@pytest.mark.parametrize("name", OTHERS)
def test_another_device_leads_to_no_row(name: str) -> None:
    assert match(name) is None


@pytest.mark.parametrize(("name", "memory", "units"), SISTERS)
def test_a_sister_of_the_same_name_leads_to_no_row(name: str, memory: float | None, units: int | None) -> None:
    assert match(name, memory, units) is None


ENDINGS = (" Ti", " SUPER", " D", " Laptop GPU", " with Max-Q Design", " NVL", " MIG 1g.5gb", "M", "S", "X")


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_ending_is_swallowed(ending: str) -> None:
    """Adding an ending to a known name gives no row, or the row that has that ending in its own name."""
    for name, needs, row in PATTERNS:
        found = match(name + ending, device(row).memory_gb, device(row).compute_units)
        assert found is None or found.id != row, (name + ending, needs)


def test_every_gpu_is_reached_by_a_driver_name() -> None:
    assert {row.id for row in GPUS} <= {real[3] for real in REAL}
    assert {row for _, _, row in PATTERNS} <= set(catalog())


def test_no_reported_name_fits_two_rows() -> None:
    """Each pattern, given the facts of its row, leads to that row alone."""
    for name, _, row in PATTERNS:
        for vendor in ("", "NVIDIA ", "AMD "):
            found = match(vendor + name, device(row).memory_gb, device(row).compute_units)
            assert found and found.id == row, name


@pytest.mark.parametrize("row", ROWS, ids=by_id)
def test_the_catalogs_own_name_leads_to_its_row(row: Device) -> None:
    assert match(row.name, row.memory_gb, row.compute_units) is row


def test_a_die_is_half_of_a_row() -> None:
    row = device("mi250x")
    assert share(row, 63.98) == 0.5 and share(row, 128) == 1 and share(device("t4"), 14.7) == 1


# Probes


def linux(**changes: object) -> FakeHost:
    host = FakeHost(packages={"torch": "2.14.1"}, modules={"torch": TORCH_CPU})
    for name, value in changes.items():
        setattr(host, name, value)
    return host


def with_files(**files: str) -> dict[str, str]:
    return {"/proc/meminfo": MEMINFO, "/proc/cpuinfo": CPUINFO, **files}


def test_cpu_and_memory_of_linux() -> None:
    chip, memory = cpu.cpu(linux()), cpu.memory(linux())
    assert (chip.cores, chip.threads, chip.quota, chip.usable) == (2, 4, None, 4)
    assert chip.features == ("AVX", "AVX2", "AVX-512") and "Xeon" in chip.name
    assert (memory.total_gib, memory.available_gib, memory.limit_gib) == (16, 8, None)


@pytest.mark.parametrize(
    ("files", "quota", "limit"),
    [
        ({"/sys/fs/cgroup/cpu.max": "150000 100000\n", "/sys/fs/cgroup/memory.max": "2147483648\n"}, 1.5, 2.0),
        ({"/sys/fs/cgroup/cpu.max": "max 100000\n", "/sys/fs/cgroup/memory.max": "max\n"}, None, None),
        (
            {"/proc/self/cgroup": "0::/user/job\n", "/sys/fs/cgroup/user/job/cpu.max": "400000 100000",
             "/sys/fs/cgroup/user/cpu.max": "100000 100000", "/sys/fs/cgroup/user/job/memory.max": "1073741824"}, 1.0,
             1.0,
        ),
        (
            {"/proc/self/cgroup": "4:memory:/job\n2:cpu,cpuacct:/job\n",
             "/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us": "200000", "/sys/fs/cgroup/cpu/job/cpu.cfs_period_us": "100000",
             "/sys/fs/cgroup/memory/job/memory.limit_in_bytes": "4294967296",
             "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712"}, 2.0, 4.0,
        ),
        (
            {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1", "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
             "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712"}, None, None,
        ),
    ],
    ids=["container", "no limit", "the tightest above", "version 1", "version 1, no limit"],
)  # fmt: skip
def test_limits_of_a_container(files: dict[str, str], quota: float | None, limit: float | None) -> None:
    host = linux(files=with_files(**files))
    assert cpu.cpu(host).quota == quota and cpu.memory(host).limit_gib == limit


def test_a_fraction_of_a_processor_is_one_thread() -> None:
    assert cpu.cpu(linux(files=with_files(**{"/sys/fs/cgroup/cpu.max": "50000 100000"}))).usable == 1


def mac(**more: str) -> FakeHost:
    values = {"machdep.cpu.brand_string": "Apple M2 Max", "hw.physicalcpu": "12", "hw.memsize": str(64 * GIBIBYTE)}
    values |= {"hw.optional.arm.FEAT_BF16": "1", **more}
    commands = {f"sysctl -n {key}": Ran(0, f"{value}\n") for key, value in values.items()}
    displays = {"SPDisplaysDataType": [{"sppci_model": "Apple M2 Max", "sppci_cores": "38"}]}
    commands["system_profiler"] = Ran(0, json.dumps(displays))
    return FakeHost(files={}, commands=commands, system="Darwin", architecture="arm64", cpus=12,
                    packages={"torch": "2.14.1"}, modules={"torch": TORCH_CPU})  # fmt: skip


def test_a_mac() -> None:
    found = machine(mac(), deep=False)
    assert found.cpu.features == ("NEON", "BF16") and found.cpu.cores == 12 and found.memory.total_gib == 64
    assert found.gpus[0].device == "apple-m2-max" and found.frameworks["torch"].build == "Metal"
    used = accelerator(found)
    assert (used.kind, used.name, used.memory_gib) == ("mps", "Apple M2 Max", 64)
    assert used.device is device("apple-m2-max")


def test_a_mac_with_a_translated_python() -> None:
    host = mac(**{"sysctl.proc_translated": "1"})
    host.architecture = "x86_64"
    found = machine(host, deep=False)
    assert found.system.rosetta and accelerator(found).kind == "cpu"


SMI = """NVIDIA GeForce RTX 3090, GPU-aaaa-1, 580.95.05, 24576, 1024, 8.6, [N/A]
Tesla T4, GPU-bbbb-2, 580.95.05, 15360, 0, 7.5, [N/A]
"""


def nvidia(text: str = SMI, **changes: object) -> FakeHost:
    return linux(**{"commands": {"nvidia-smi": Ran(0, text)}, "modules": {"torch": TORCH_CUDA}, **changes})


def test_nvidia_cards_from_the_command() -> None:
    found = machine(nvidia(), deep=False)
    first, second = found.gpus
    assert (first.name, first.memory_gib, first.used_gib, first.target) == ("NVIDIA GeForce RTX 3090", 24, 1, "8.6")
    assert (first.device, second.device, first.driver, first.answers) == ("rtx-3090", "t4", "580.95.05", True)
    assert (accelerator(found).kind, accelerator(found).device) == ("cuda", device("rtx-3090"))


def test_an_old_driver_that_knows_fewer_fields() -> None:
    short = "nvidia-smi --query-gpu=name,uuid,driver_version,memory.total,memory.used --format"
    commands = {
        short: Ran(0, "Tesla T4, GPU-1, 470.1, 15109, 3\n"),
        "nvidia-smi": Ran(2, 'Field "compute_cap" is not a valid field to query.\n'),
    }
    (card,), error = gpus.nvidia(linux(commands=commands))
    assert (card.name, card.target, error) == ("Tesla T4", "", "")


def test_nvidia_cards_from_the_library() -> None:
    row = {"name": "NVIDIA H200", "uuid": "GPU-1", "driver_version": "580.1", "memory.total": "143771",
    "memory.used": "0",
           "compute_cap": "9.0", "mig.mode.current": "Disabled"}  # fmt: skip
    host = linux(cards=[row])
    assert machine(host, deep=False).gpus[0].device == "h200-sxm" and not any("nvidia-smi" in line for line in host.ran)


def test_a_divided_card_is_no_row() -> None:
    text = "NVIDIA A100-SXM4-40GB, GPU-1, 580.1, 40960, 0, 8.0, Enabled\n"
    found = machine(nvidia(text), deep=False)
    assert found.gpus[0].sliced and found.gpus[0].device is None and accelerator(found).device is None


def test_memory_that_the_driver_does_not_tell() -> None:
    found = machine(nvidia("NVIDIA GB10, GPU-1, 580.1, [N/A], [N/A], 12.1, [N/A]\n"), deep=False)
    assert found.gpus[0].memory_gib is None and found.gpus[0].device is None


@pytest.mark.parametrize(
    ("wanted", "name"),
    [("0", "NVIDIA GeForce RTX 3090"), ("1", "Tesla T4"), ("1,0", "Tesla T4"), ("GPU-bbbb", "Tesla T4"), ("", ""),
    ("-1", ""),
     ("7", ""), ("-1,0", "")],
)  # fmt: skip
def test_visible_cards(wanted: str, name: str) -> None:
    used = accelerator(machine(nvidia(variables={"CUDA_VISIBLE_DEVICES": wanted}), deep=False))
    assert (used.kind, used.name) == (("cuda", name) if name else ("cpu", "Intel(R) Xeon(R) CPU @ 2.00GHz"))


def test_a_failing_driver_is_quoted() -> None:
    failed = Ran(18, "", "Failed to initialize NVML: Driver/library version mismatch\n")
    found = machine(linux(commands={"nvidia-smi": failed}))
    assert "version mismatch" in found.driver_error and found.gpus == ()


PCI = "/sys/bus/pci/devices/0000:01:00.0"


def test_a_card_that_is_only_on_the_bus() -> None:
    files = with_files(**{f"{PCI}/class": "0x030000\n", f"{PCI}/vendor": "0x10de\n", f"{PCI}/device": "0x2204\n"})
    (card,) = machine(linux(files=files, links={f"{PCI}/driver": "nouveau"}), deep=False).gpus
    assert (card.name, card.driver, card.answers) == ("NVIDIA Graphics [0x2204]", "nouveau", False)


def test_a_sound_device_of_the_same_vendor_is_no_gpu() -> None:
    files = with_files(**{f"{PCI}/class": "0x040300\n", f"{PCI}/vendor": "0x10de\n", f"{PCI}/device": "0x10f9\n"})
    assert machine(linux(files=files), deep=False).gpus == ()


KFD = "/sys/class/kfd/kfd/topology/nodes"
ROCMINFO = """
*******
Agent 1
*******
  Name:                    AMD Ryzen 9 7900X 12-Core Processor
  Marketing Name:          AMD Ryzen 9 7900X 12-Core Processor
  Device Type:             CPU
*******
Agent 2
*******
  Name:                    gfx1100
  Marketing Name:          AMD Radeon RX 7900 XTX
  Device Type:             GPU
"""


def radeon(
    target: int = 110000, simds: int = 192, per_unit: int = 2, gib: float = 23.98, **changes: object
) -> FakeHost:
    files = with_files(**{
        f"{KFD}/0/properties": "cpu_cores_count 24\nsimd_count 0\ngfx_target_version 0\n",
        f"{KFD}/1/properties": f"simd_count {simds}\nsimd_per_cu {per_unit}\ngfx_target_version {target}\n",
        f"{KFD}/1/mem_banks/0/properties": f"heap_type 1\nsize_in_bytes {int(gib * GIBIBYTE)}\n",
        "/dev/kfd": "",
    })  # fmt: skip
    return linux(**{"files": files, "modules": {"torch": TORCH_ROCM}, **changes})


@pytest.mark.parametrize("tools", [{}, {"rocminfo": Ran(0, ROCMINFO)}, {"rocminfo": Ran(1, "ROCk is NOT loaded")}])
def test_an_amd_card_with_and_without_its_tools(tools: dict[str, Ran]) -> None:
    found = machine(radeon(commands=tools), deep=False)
    (card,) = found.gpus
    assert (card.target, card.compute_units, card.device) == ("gfx1100", 96, "rx-7900-xtx")
    assert accelerator(found).kind == "rocm" and accelerator(found).device is device("rx-7900-xtx")


def test_amd_targets_are_spelled_as_compilers_do() -> None:
    spelled = {90010: "gfx90a", 90402: "gfx942", 100302: "gfx1032", 120001: "gfx1201", 110501: "gfx1151"}
    assert {number: gpus.amd(radeon(number))[0].target for number in spelled} == spelled


def test_one_die_of_an_amd_card_counts_half() -> None:
    text = ROCMINFO.replace("AMD Radeon RX 7900 XTX", "AMD Instinct MI250X")
    used = accelerator(machine(radeon(90010, 440, 4, 63.98, commands={"rocminfo": Ran(0, text)}), deep=False))
    assert used.device is device("mi250x") and used.share == 0.5


def test_windows() -> None:
    names = "NVIDIA GeForce RTX 4070 Laptop GPU\r\nIntel(R) UHD Graphics\r\nMicrosoft Basic Display\r\n"
    card = "NVIDIA GeForce RTX 4070 Laptop GPU, GPU-1, 580.1, 8188, 0, 8.9, [N/A]\n"
    commands = {"powershell": Ran(0, names), "nvidia-smi": Ran(0, card)}
    found = machine(linux(system="Windows", files={}, commands=commands), deep=False)
    assert [(gpu.vendor, gpu.answers) for gpu in found.gpus] == [("NVIDIA", True), ("Intel", False)]
    assert found.gpus[0].device is None
    assert found.memory.total_gib == 8 and found.cuda_library is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [(TORCH_CUDA, "CUDA 13.0 build"), (TORCH_CPU, "CPU build"), (TORCH_ROCM, "ROCm 7.1 build"),
     (TORCH_XPU, "XPU build"), ("", "CPU build")],
)  # fmt: skip
def test_torch_build_is_read_without_importing_it(text: str, kind: str) -> None:
    found = frameworks.torch(linux(modules={"torch": text}))
    assert found and found.kind == kind and found.version == "2.14.1"


def test_tensorflow_build_is_read_without_importing_it() -> None:
    text = "[('cuda_compute_capabilities', ['sm_80', 'compute_90']), "
    text += "('cuda_version', '12.5.1'), ('is_cuda_build', True), ('is_rocm_build', False)]"
    found = frameworks.tensorflow(FakeHost(packages={"tensorflow": "2.21.0"}, modules={"tensorflow": text}))
    assert found and (found.kind, found.targets) == ("CUDA 12.5.1 build", ("sm_80", "compute_90"))
    assert frameworks.tensorflow(FakeHost(packages={"tensorflow-cpu": "2.21.0"})).kind == "CPU build"
    assert frameworks.tensorflow(FakeHost()) is None


def test_lower_bounds_come_from_the_package_itself() -> None:
    assert frameworks.bounds(FakeHost()) == {"torch": "2.9", "numpy": "2.0"}
    assert {"torch", "tensorflow", "accelerate"} <= set(frameworks.bounds(Host()))


def said(**changes: object) -> Ran:
    answer = {"kind": "cuda", "error": "", "name": "Tesla T4", "memory": 15 * GIBIBYTE, "targets": ["sm_75"], **changes}
    return Ran(0, f"a warning\n{json.dumps(answer)}\n")


def test_pytorchs_own_answer_counts() -> None:
    answered = {"nvidia-smi": Ran(0, SMI), "python3": said()}
    used = accelerator(machine(nvidia(commands=answered)))
    assert (used.kind, used.name, used.memory_gib, used.device) == ("cuda", "Tesla T4", 15, device("t4"))
    failing = {**answered, "python3": said(error="CUDA error: no kernel image is available")}
    assert accelerator(machine(nvidia(commands=failing))).kind == "cpu"


@pytest.mark.parametrize(
    ("ran", "error"),
    [
        (None, "no answer within"),
        (Ran(-11, ""), "status -11"),
        (Ran(1, "", "Traceback\nImportError: libcudnn.so.9\n"), "libcudnn"),
    ],
)
def test_a_framework_that_does_not_start_is_quoted(ran: Ran | None, error: str) -> None:
    answer = frameworks.ask(linux(commands={"python3": ran} if ran else {}), "torch")
    assert error in answer.error and answer.kind == "cpu"


def test_torch_is_asked_only_where_it_helps() -> None:
    lonely, carded, told, deep = linux(), nvidia(), nvidia(), linux()
    machine(lonely), machine(carded), machine(told, deep=False), machine(deep, deep=True)
    asked = [any("import json, torch" in line for line in host.ran) for host in (lonely, carded, told, deep)]
    assert asked == [False, True, False, True]


def test_facts_are_plain_data() -> None:
    found = machine(nvidia(), deep=False)
    assert json.loads(json.dumps(asdict(found)))["gpus"][0]["device"] == "rtx-3090"


def test_this_machine_without_importing_a_framework() -> None:
    code = "import sys; from gpulab import hardware; hardware.examine(hardware.machine(deep=False)); "
    code += "print([name for name in ('torch', 'tensorflow', 'numpy', 'keras') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_this_machines_facts_agree_with_psutil() -> None:
    psutil = pytest.importorskip("psutil")
    found = hardware.machine(deep=False)
    assert found.memory.total_gib == pytest.approx(psutil.virtual_memory().total / GIBIBYTE, rel=0.01)
    assert found.cpu.threads == psutil.cpu_count() and found.cpu.cores in (psutil.cpu_count(logical=False), None)
    assert 1 <= found.cpu.usable <= found.cpu.allowed <= found.cpu.threads
