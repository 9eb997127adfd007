"""Each rule of ``gpulab doctor`` speaks where it should and only there; the command does what it says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from gpulab import hardware
from gpulab.cli import doctor, main
from gpulab.hardware import Finding, Level, accelerator, examine
from gpulab.hardware.facts import Answer, Cpu, Framework, Gpu, Machine, Memory, System
from gpulab.hardware.rules import RULES, cards, packages, system
from gpulab.hardware.rules.packages import has_cuda_code

CUDA13 = ("sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120")
WORKS = Answer("cuda", "NVIDIA GeForce RTX 3090", 23.69, CUDA13)
CARD = Gpu("NVIDIA", "NVIDIA GeForce RTX 3090", 24, 0.4, "8.6", uuid="GPU-1", driver="580.95.05", device="rtx-3090")
T4 = Gpu("NVIDIA", "Tesla T4", 15, 0, "7.5", uuid="GPU-2", driver="580.95.05", device="t4")
RADEON = Gpu("AMD", "AMD Radeon RX 7900 XTX", 24, None, "gfx1100", 96, driver="amdgpu", device="rx-7900-xtx")
TORCH = Framework("2.14.1", "CUDA", "13.0")
TORCH_CPU = Framework("2.14.1")
TORCH_ROCM = Framework("2.14.1", "ROCm", "7.1")
TENSORFLOW = Framework("2.21.0", "CUDA", "12.5.1", ("sm_80", "compute_90"))
PLAIN = Machine(
    System("Linux", "6.8.0", "x86_64", "3.12.3"), Cpu("A processor", 8, 8, 4, features=("AVX2",)), Memory(16, 8), 100.0,
    frameworks={"torch": TORCH, "tensorflow": TENSORFLOW}, cuda_library=False,
    bounds={"torch": "2.9", "tensorflow": "2.19"},
)  # fmt: skip
GOOD = replace(PLAIN, gpus=(CARD,), cuda_library=True, answers={"torch": WORKS}, packages={"nvidia-cudnn-cu12": "9.5"})


def with_torch(machine: Machine, torch: Framework, answer: Answer | None = None) -> Machine:
    """Return the machine with another PyTorch, and with what that says, if it was asked."""
    return replace(machine, frameworks={"torch": torch}, answers={"torch": answer} if answer else {})


def with_card(card: Gpu, torch: Framework = TORCH, answer: Answer | None = None, **environment: str) -> Machine:
    """Return a machine with one card."""
    return replace(with_torch(PLAIN, torch, answer), gpus=(card,), cuda_library=True, environment=environment)


def on(machine: Machine, **changes: object) -> Machine:
    """Return the machine on another system."""
    return replace(machine, system=replace(machine.system, **changes))


def chip(**changes: object) -> Machine:
    """Return the plain machine with another processor."""
    return replace(PLAIN, cpu=replace(PLAIN.cpu, **changes))


OLD = Gpu("NVIDIA", "NVIDIA GeForce GTX 1080 Ti", 11, 0, "6.1", driver="580.95.05", device="gtx-1080-ti")
NEW = Gpu("NVIDIA", "NVIDIA GeForce RTX 5090", 32, 0, "12.0", driver="580.95.05", device="rtx-5090")
VOLTA = Gpu("NVIDIA", "Tesla V100-PCIE-16GB", 16, 0, "7.0", driver="580.95.05", device="v100-pcie-16gb")
NAVI23 = Gpu("AMD", "AMD Radeon RX 6600", 8, None, "gfx1032", 28, driver="amdgpu")
ON_BUS = Gpu("NVIDIA", "NVIDIA Graphics [0x2204]", answers=False)
ARC = Gpu("Intel", "Intel(R) Arc(TM) B580 Graphics", answers=False, device="arc-b580")
UHD = Gpu("Intel", "Intel Graphics [0x4680]", driver="i915", answers=False)
ROCM_SAYS = Answer("rocm", "AMD Radeon RX 6600", 8, ("gfx1030", "gfx1100"), "HIP error: invalid device function")
NO_CODE = Answer("cuda", OLD.name, 11, CUDA13, "CUDA error: no kernel image is available for execution on the device")
Rule = Callable[[Machine], list[Finding]]

# A rule, a machine where it speaks, how, a word it says, a word of the remedy, and a machine where it is silent.
CASES: tuple[tuple[Rule, Machine, Level, str, str, Machine], ...] = (
    (system.rosetta, on(PLAIN, name="Darwin", rosetta=True), Level.BROKEN, "Intel", "arm64", on(PLAIN, name="Darwin")),
    (system.hosted, on(PLAIN, hosted="Binder"), Level.ADVICE, "2 GB", "small", PLAIN),
    (system.hosted, on(PLAIN, hosted="Colab"), Level.ADVICE, "no GPU", "Change runtime type", on(GOOD, hosted="Colab")),
    (system.hosted, on(PLAIN, hosted="Kaggle"), Level.ADVICE, "no GPU", "Accelerator", on(GOOD, hosted="Kaggle")),
    (system.old_cpu, chip(features=("AVX",)), Level.ADVICE, "AVX2", "Use another", PLAIN),
    (system.old_cpu, chip(features=("AVX",)), Level.ADVICE, "AVX2", "Use another",
     on(chip(features=("NEON",)), architecture="aarch64")),
    (system.threads, replace(PLAIN, environment={"OMP_NUM_THREADS": "16"}), Level.ADVICE, "can use 8",
     "OMP_NUM_THREADS=8",
     replace(PLAIN, environment={"OMP_NUM_THREADS": "8,2"})),
    (system.quota, chip(quota=1.5), Level.ADVICE, "1.5 processors", "OMP_NUM_THREADS=1", chip(quota=8.0)),
    (system.quota, chip(quota=2.0), Level.ADVICE, "8 threads", "OMP_NUM_THREADS=2",
     replace(chip(quota=2.0), environment={"OMP_NUM_THREADS": "2"})),
    (cards.driver_fails, replace(PLAIN, driver_error="Driver/library version mismatch"), Level.BROKEN, "mismatch",
     "Restart", GOOD),
    (cards.driver_fails, replace(PLAIN, driver_error="couldn't communicate with the NVIDIA driver"), Level.BROKEN,
     "communicate", "Install the NVIDIA driver again", PLAIN),
    (cards.driver_fails, replace(PLAIN, driver_error="No devices were found"), Level.BROKEN, "No devices", "power",
     PLAIN),
    (cards.no_driver, replace(PLAIN, gpus=(ON_BUS,)), Level.ADVICE, "no driver", "--gpus all", GOOD),
    (cards.no_driver, replace(PLAIN, gpus=(replace(ON_BUS, driver="nouveau"),)), Level.ADVICE, "nouveau",
     "NVIDIA's own",
     replace(PLAIN, gpus=(ON_BUS,), driver_error="it fails")),
    (cards.closed, replace(GOOD, closed=("/dev/nvidia0",)), Level.BROKEN, "/dev/nvidia0", "usermod",
     replace(GOOD, closed=("/dev/dri/renderD128",))),
    (cards.closed, replace(with_card(RADEON, TORCH_ROCM), closed=("/dev/kfd",)), Level.BROKEN, "/dev/kfd", "render",
     replace(with_card(RADEON, TORCH_CPU), closed=("/dev/kfd",))),
    (cards.hidden, with_card(CARD, CUDA_VISIBLE_DEVICES=""), Level.ADVICE, "CUDA_VISIBLE_DEVICES=''", "unset", GOOD),
    (cards.hidden, with_card(CARD, CUDA_VISIBLE_DEVICES="-1"), Level.ADVICE, "'-1' hides", "unset",
     with_card(CARD, CUDA_VISIBLE_DEVICES="0")),
    (cards.hidden, with_card(RADEON, TORCH_ROCM, HIP_VISIBLE_DEVICES="-1"), Level.ADVICE, "HIP_VISIBLE", "unset",
     replace(PLAIN, environment={"CUDA_VISIBLE_DEVICES": ""})),
    (cards.order, replace(GOOD, gpus=(CARD, T4)), Level.ADVICE, "number", "PCI_BUS_ID",
     replace(GOOD, gpus=(CARD, T4), environment={"CUDA_DEVICE_ORDER": "PCI_BUS_ID"})),
    (cards.order, replace(GOOD, gpus=(CARD, T4)), Level.ADVICE, "number", "PCI_BUS_ID",
     replace(GOOD, gpus=(CARD, CARD))),
    (cards.wsl, on(PLAIN, wsl=True), Level.ADVICE, "libcuda", "in Windows", on(GOOD, wsl=True)),
    (cards.wsl, on(replace(GOOD, cuda_library=False), wsl=True), Level.BROKEN, "libcuda", "wsl --shutdown", PLAIN),
    (cards.sliced, replace(GOOD, gpus=(replace(CARD, sliced=True),)), Level.ADVICE, "MIG", "Measure", GOOD),
    (cards.busy, replace(GOOD, gpus=(replace(CARD, used_gib=22.0),)), Level.ADVICE, "22.0 of 24.0", "nvidia-smi", GOOD),
    (cards.weak, with_card(NEW), Level.ADVICE, "int8_tops", "measures", with_card(T4)),
    (packages.neither, replace(PLAIN, frameworks={}), Level.BROKEN, "neither", "make lab", PLAIN),
    (packages.below_bounds, with_torch(PLAIN, Framework("2.8.0")), Level.BROKEN, "2.8.0", "torch>=2.9", PLAIN),
    (packages.below_bounds, replace(PLAIN, frameworks={"tensorflow": Framework("2.9.1")}), Level.BROKEN, "2.9.1",
     "2.19",
     replace(PLAIN, frameworks={"tensorflow": Framework("2.19.0")})),
    (packages.cpu_build, with_card(CARD, TORCH_CPU), Level.BROKEN, "CPU build", "CUDA build", GOOD),
    (packages.cpu_build, with_card(CARD, TORCH_CPU), Level.BROKEN, "CPU build", "pytorch.org",
     with_card(CARD, TORCH_CPU, CUDA_VISIBLE_DEVICES="-1")),
    (packages.cpu_build, with_card(CARD, TORCH_CPU), Level.BROKEN, "CPU build", "CUDA", with_card(ON_BUS, TORCH_CPU)),
    (packages.other_build, with_card(RADEON, TORCH), Level.ADVICE, "AMD GPU idle", "ROCm build",
     with_card(RADEON, TORCH_ROCM)),
    (packages.other_build, with_card(ARC, TORCH_CPU), Level.ADVICE, "Intel GPU idle", "XPU", with_card(UHD, TORCH_CPU)),
    (packages.old_driver, with_card(replace(CARD, driver="570.86.10")), Level.BROKEN, "it needs 580", "Update", GOOD),
    (packages.old_driver, with_card(replace(CARD, driver="470.1"), Framework("2.9", "CUDA", "12.6")), Level.BROKEN,
     "525",
     "older CUDA", with_card(replace(CARD, driver="525.60.13"), Framework("2.9", "CUDA", "12.6"))),
    (packages.no_code_for_card, with_card(OLD, TORCH, NO_CODE), Level.BROKEN, "6.1", "CUDA 12.6", GOOD),
    (packages.no_code_for_card, with_card(OLD), Level.BROKEN, "no code", "-1", with_card(T4)),
    (packages.no_code_for_card, with_card(VOLTA), Level.BROKEN, "7.0", "12.6",
     with_card(VOLTA, Framework("2.9", "CUDA", "12.6"))),
    (packages.no_code_for_card, with_card(NEW, Framework("2.9", "CUDA", "12.6")), Level.BROKEN, "12.0", "newer CUDA",
     with_card(NEW)),
    (packages.no_code_for_card, with_card(NAVI23, TORCH_ROCM, ROCM_SAYS), Level.BROKEN, "gfx1032", "VERSION=10.3.0",
     with_card(NAVI23, TORCH_ROCM, ROCM_SAYS, HSA_OVERRIDE_GFX_VERSION="10.3.0")),
    (packages.no_code_for_card, with_card(replace(NAVI23, target="gfx803"), TORCH_ROCM, ROCM_SAYS), Level.BROKEN,
     "gfx803",
     "HIP_VISIBLE_DEVICES=-1", with_card(RADEON, TORCH_ROCM, ROCM_SAYS)),
    (packages.no_code_for_card, with_card(NAVI23, TORCH_ROCM), Level.BROKEN, "gfx1032", "10.3.0",
     with_card(RADEON, TORCH_ROCM)),
    (packages.unexplained, with_card(CARD, TORCH, Answer("cpu", targets=CUDA13)), Level.BROKEN, "does not see",
     "Restart", GOOD),
    (packages.unexplained, with_card(CARD, TORCH, Answer("cuda", CARD.name, 24, CUDA13, "out of memory")), Level.BROKEN,
     "out of memory", "Read", with_card(OLD, TORCH, NO_CODE)),
    (packages.unexplained, with_card(CARD, TORCH, Answer("cpu", error="no answer within 90 s")), Level.BROKEN, "90 s",
     "again",
     with_torch(PLAIN, TORCH, Answer("cpu", error="Found no NVIDIA driver on your system"))),
    (packages.tensorflow_on_cpu, replace(GOOD, packages={}), Level.ADVICE, "CUDA 12", "and-cuda", GOOD),
    (packages.tensorflow_on_cpu, on(GOOD, name="Windows"), Level.ADVICE, "2.11", "WSL 2", on(PLAIN, name="Windows")),
    (packages.tensorflow_on_cpu, replace(GOOD, packages={}), Level.ADVICE, "CPU", "environment",
     replace(GOOD, packages={}, answers={"tensorflow": Answer("gpu", "T4")})),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0].__name__}-{case[3]}")
def test_a_rule_speaks_and_is_silent(case: tuple[Rule, Machine, Level, str, str, Machine]) -> None:
    rule, speaks, level, found, do, silent = case
    (finding,) = rule(speaks)
    assert finding.level is level and found in finding.found and do in finding.do
    assert rule(silent) == []
    assert set(rule(speaks)) <= set(examine(speaks)), "the rule is not in the report"


@pytest.mark.parametrize(
    ("machine", "level", "word"),
    [
        (PLAIN, Level.OK, "16.0 GiB, 8.0 GiB free"),
        (replace(PLAIN, memory=Memory(2.0, 1.9)), Level.ADVICE, "2.0 GiB"),
        (replace(PLAIN, memory=Memory(64, 60, 2.0)), Level.ADVICE, "2.0 GiB (the container's limit)"),
        (replace(PLAIN, memory=Memory(16, 0.5)), Level.ADVICE, "little is left"),
        (replace(PLAIN, memory=Memory(16)), Level.OK, "16.0 GiB"),
    ],
)
def test_memory(machine: Machine, level: Level, word: str) -> None:
    (finding,) = system.memory(machine)
    assert finding.level is level and word in finding.found


@pytest.mark.parametrize(("free", "level"), [(0.5, Level.BROKEN), (3.0, Level.ADVICE), (50.0, Level.OK)])
def test_disk(free: float, level: Level) -> None:
    assert [finding.level for finding in system.disk(replace(PLAIN, disk_free_gib=free))] == [level]
    assert system.disk(replace(PLAIN, disk_free_gib=None)) == []


def test_a_machine_without_a_gpu_is_fine() -> None:
    findings = examine(PLAIN)
    assert {finding.level for finding in findings} == {Level.OK}
    (gpu,) = [finding for finding in findings if finding.topic == "GPU"]
    assert "that is fine" in gpu.found and gpu.do == ""
    assert accelerator(PLAIN).kind == "cpu"


def test_a_laptops_own_graphics_are_no_reason_to_worry() -> None:
    findings = examine(with_card(UHD, TORCH))
    assert {finding.level for finding in findings} == {Level.OK} and "none that can train" in str(findings)
    assert cards.none(GOOD) == [] == cards.none(with_card(ARC, TORCH_CPU))


@pytest.mark.parametrize(
    "machine",
    [GOOD, with_card(RADEON, TORCH_ROCM, Answer("rocm", RADEON.name, 24, ("gfx1030", "gfx1100"))), with_card(T4),
     on(with_card(Gpu("Apple", "Apple M2", 16, compute_units=10, device="apple-m2"), Framework("2.14.1", "Metal")),
     name="Darwin"),
     with_card(UHD, TORCH), with_card(UHD, TORCH_CPU)],
    ids=["RTX 3090", "Radeon", "T4, not asked", "Mac", "laptop", "laptop, CPU build"],
)  # fmt: skip
def test_a_working_machine_has_nothing_broken(machine: Machine) -> None:
    said = [finding for finding in examine(machine) if finding.level is Level.BROKEN]
    assert said == []
    assert "none here" not in str(examine(machine))


def test_one_cause_is_reported_once() -> None:
    """PyTorch's failure on a card that it holds no code for is that cause, not a second fault."""
    bad = [finding for finding in examine(with_card(OLD, TORCH, NO_CODE)) if finding.level is Level.BROKEN]
    assert len(bad) == 1 and "no code" in bad[0].found


def test_only_one_framework_is_enough() -> None:
    findings = examine(replace(PLAIN, frameworks={"torch": TORCH}))
    assert {finding.level for finding in findings} == {Level.OK}
    assert any("only the Keras labs need it" in finding.found for finding in findings)


def test_every_broken_or_advised_finding_says_what_to_do() -> None:
    for _, machine, *_ in CASES:
        for finding in examine(machine):
            assert (finding.do == "") == (finding.level is Level.OK), finding
            assert len(finding.found) < 250 and len(finding.do) < 200


def test_topics_come_in_a_fixed_order() -> None:
    order = ["System", "CPU", "Memory", "Disk", "GPU", "PyTorch", "TensorFlow"]
    assert list(dict.fromkeys(finding.topic for finding in examine(GOOD))) == order
    assert len(RULES) == len(set(RULES))


@pytest.mark.parametrize(
    ("capability", "targets", "runs"),
    [
        ("8.6", ["sm_80"], True), ("8.9", ["sm_86"], True), ("8.0", ["sm_86"], False), ("9.0", ["sm_90a"], True),
        ("9.0", ["sm_80", "sm_86"], False), ("7.5", ["sm_80", "compute_90"], False), ("12.1", ["sm_120"], True),
        ("12.0", ["sm_100"], False), ("12.0", ["sm_90", "compute_90"], True), ("10.0", ["sm_90a"], False),
        ("6.1", ["sm_60"], True),
        ("10.3", ["sm_100f"], True), ("8.6", [], False),
    ],
)  # fmt: skip
def test_cuda_code_runs_on_later_cards_of_its_generation(capability: str, targets: list[str], runs: bool) -> None:
    assert has_cuda_code(capability, targets) is runs


# The command


def test_the_report_is_a_screenful_with_remedies_beside() -> None:
    text = doctor.report(examine(with_card(OLD, TORCH, NO_CODE)), accelerator(with_card(OLD, TORCH, NO_CODE)))
    lines = text.splitlines()
    assert len(lines) <= 24 and max(map(len, lines)) <= 110
    assert "1 broken" in lines[-1] and "cpu" in lines[-1]
    at = next(i for i, line in enumerate(lines) if line.startswith("broken"))
    assert any("-> " in line for line in lines[at : at + 3])


@pytest.mark.parametrize(("machine", "status"), [(PLAIN, 0), (GOOD, 0), (with_card(CARD, TORCH_CPU), 1)])
def test_exit_status(
    machine: Machine, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hardware, "machine", lambda **_: machine)
    assert main(["doctor"]) == status
    text = capsys.readouterr().out
    assert ("Nothing is broken" in text) == (status == 0)
    assert main(["doctor", "--json"]) == status
    said = json.loads(capsys.readouterr().out)
    assert any(each["level"] == "broken" for each in said["findings"]) == bool(status)
    assert said["machine"]["cpu"]["threads"] == 8 and said["accelerator"]["kind"] in ("cpu", "cuda")


@pytest.mark.parametrize(("flag", "deep"), [([], None), (["--deep"], True)])
def test_frameworks_are_imported_only_on_request(
    flag: list[str], deep: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    monkeypatch.setattr(hardware, "machine", lambda **wanted: seen.append(wanted) or PLAIN)
    main(["doctor", *flag])
    assert seen == [{"deep": deep}]


def test_on_this_machine() -> None:
    """Nothing is broken where the tests run; without a GPU it says that this is fine."""
    done = subprocess.run([sys.executable, "-m", "gpulab", "doctor"], capture_output=True, text=True)
    found = hardware.machine(deep=False)
    if found.gpus or found.driver_error or (found.disk_free_gib or 9) < 1:
        assert done.returncode in (0, 1) and "GPU" in done.stdout
    else:
        assert done.returncode == 0, done.stdout + done.stderr
        assert "that is fine" in done.stdout and "Nothing is broken. PyTorch's device here: cpu" in done.stdout
    assert "2." in next(line for line in done.stdout.splitlines() if "PyTorch" in line)
