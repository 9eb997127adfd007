"""What `gpulab.hardware` reads from files is what PyTorch says itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from gpulab import hardware
from gpulab.hardware import accelerator
from gpulab.hardware.machine import USES
from gpulab.hardware.probes import frameworks
from gpulab.hardware.probes.host import Host
from gpulab.train.torch_setup import find_device


@pytest.fixture(scope="module")
def machine() -> hardware.Machine:
    """This machine, with PyTorch asked in a process of its own."""
    return replace(hardware.machine(deep=False), answers={"torch": frameworks.ask(Host(), "torch")})


def test_version_and_build(machine: hardware.Machine) -> None:
    found = machine.frameworks["torch"]
    assert found.version == torch.__version__.split("+")[0]
    assert found.toolkit == (torch.version.cuda or ".".join((torch.version.hip or "").split(".")[:2]))
    assert (found.build == "CUDA") == (torch.version.cuda is not None)


def test_its_answer_is_what_this_process_sees(machine: hardware.Machine) -> None:
    answer = machine.answers["torch"]
    assert (answer.kind in ("cuda", "rocm")) == torch.cuda.is_available()
    if torch.version.cuda:
        assert list(answer.targets) == torch._C._cuda_getArchFlags().split()
    if torch.cuda.is_available():
        assert answer.name == torch.cuda.get_device_name(0) and answer.error == ""


def test_the_accelerator_is_the_device_that_fit_takes(machine: hardware.Machine) -> None:
    used = accelerator(machine)
    kind = {"rocm": "cuda"}.get(used.kind, used.kind)
    assert find_device(None).type == kind and kind in {"cpu", *(name for name, _ in USES.values())}
    if used.device and torch.cuda.is_available():
        assert used.device.memory_gb == pytest.approx(torch.cuda.get_device_properties(0).total_memory / 1e9, rel=0.15)


def test_a_matching_gpu_is_found_without_asking(machine: hardware.Machine) -> None:
    """What is concluded from driver and build agrees with the answer."""
    concluded = accelerator(hardware.machine(deep=False))
    assert (concluded.kind, concluded.name) == (accelerator(machine).kind, accelerator(machine).name)


def test_nothing_is_broken_here(machine: hardware.Machine) -> None:
    broken = [finding for finding in hardware.examine(machine) if finding.level is hardware.Level.BROKEN]
    assert broken == [] or machine.gpus
