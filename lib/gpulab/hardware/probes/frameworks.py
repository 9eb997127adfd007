"""Frameworks: read from their files, or asked in a process of their own. Two in one process can crash each other."""

from __future__ import annotations

import json
import re

from gpulab.hardware.facts import Answer, Framework
from gpulab.hardware.probes.host import GIBIBYTE, Host

PATIENCE = 90  # seconds; a first import from a cold disk is slow
PACKAGES = ("torchvision", "accelerate", "keras", "numpy", "nvidia-cudnn-cu12", "tensorflow-metal")
TENSORFLOW_NAMES = ("tensorflow", "tensorflow-cpu")
ENVIRONMENT = (
    "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
    "HSA_OVERRIDE_GFX_VERSION", "OMP_NUM_THREADS", "KERAS_BACKEND",
)  # fmt: skip

ASK_TORCH = """
import json, torch
kind, module = "cpu", None
if torch.cuda.is_available():
    kind, module = ("rocm" if torch.version.hip else "cuda"), torch.cuda
elif torch.backends.mps.is_available():
    kind = "mps"
elif hasattr(torch, "xpu") and torch.xpu.is_available():
    kind, module = "xpu", torch.xpu
said = {"kind": kind, "error": "", "name": "", "memory": None, "targets": []}
try:
    if hasattr(torch._C, "_cuda_getArchFlags"):
        said["targets"] = (torch._C._cuda_getArchFlags() or "").split()
    if module:
        said["name"] = module.get_device_name(0)
        said["memory"] = module.get_device_properties(0).total_memory
    if kind == "cpu" and torch.version.cuda:
        torch.cuda.init()
except Exception as error:
    said["error"] = str(error)
if kind != "cpu":
    try:
        device = {"rocm": "cuda"}.get(kind, kind)
        assert (torch.ones(8, 8, device=device) @ torch.ones(8, 8, device=device)).sum().item() == 512
    except Exception as error:
        said["error"] = str(error)
print("\\n" + json.dumps(said))
"""
ASK_TENSORFLOW = """
import json, tensorflow as tf
gpus = tf.config.list_physical_devices("GPU")
said = {"kind": "gpu" if gpus else "cpu", "error": "", "name": "", "memory": None, "targets": []}
try:
    if gpus:
        said["name"] = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "")
        with tf.device("GPU:0"):
            assert float(tf.reduce_sum(tf.ones((8, 8)) @ tf.ones((8, 8)))) == 512
except Exception as error:
    said["error"] = str(error)
print("\\n" + json.dumps(said))
"""
QUESTIONS = {"torch": ASK_TORCH, "tensorflow": ASK_TENSORFLOW}


def frameworks(host: Host) -> dict[str, Framework]:
    """Return the frameworks that are installed, without importing them."""
    found = {"torch": torch(host), "tensorflow": tensorflow(host)}
    return {name: framework for name, framework in found.items() if framework}


def torch(host: Host) -> Framework | None:
    """Return PyTorch's version and build, from its file version.py."""
    if (version := host.version("torch")) is None:
        return None
    text = host.module_file("torch", "version.py") or ""
    said = {name: _setting(text, name) for name in ("cuda", "hip", "rocm", "xpu")}
    short = (_setting(text, "__version__") or version).split("+")[0]
    if said["hip"]:
        return Framework(short, "ROCm", ".".join((said["rocm"] or said["hip"]).split(".")[:2]))
    if said["cuda"]:
        return Framework(short, "CUDA", said["cuda"])
    if said["xpu"]:
        return Framework(short, "XPU")
    metal = host.system == "Darwin" and host.architecture == "arm64"
    return Framework(short, "Metal" if metal else "CPU")


def tensorflow(host: Host) -> Framework | None:
    """Return TensorFlow's version and build, from its file build_info.py."""
    version = next((found for name in TENSORFLOW_NAMES if (found := host.version(name))), None)
    if version is None:
        return None
    text = host.module_file("tensorflow", "python/platform/build_info.py") or ""
    if "'is_rocm_build', True" in text:
        return Framework(version, "ROCm")
    if "'is_cuda_build', True" not in text:
        metal = host.version("tensorflow-metal") is not None
        return Framework(version, "Metal" if metal else "CPU")
    toolkit = re.search(r"'cuda_version', '([\d.]+)'", text)
    return Framework(version, "CUDA", toolkit[1] if toolkit else "", tuple(re.findall(r"(?:sm|compute)_\d+", text)))


def packages(host: Host) -> dict[str, str]:
    """Return the versions of the other packages that decide whether a GPU is used."""
    return {name: found for name in PACKAGES if (found := host.version(name))}


def bounds(host: Host) -> dict[str, str]:
    """Return the lowest versions that this library declares to work with."""
    wanted = (re.match(r"([\w.-]+?)\s*(?:\[.*\])?>=([\d.]+)", line) for line in host.requirements("gpulab"))
    return {found[1]: found[2] for found in wanted if found}


def environment(host: Host) -> dict[str, str]:
    """Return the variables that decide about devices and threads, where they are set."""
    return {name: host.environment[name] for name in ENVIRONMENT if name in host.environment}


def ask(host: Host, name: str) -> Answer:
    """Import a framework in a process of its own and let it compute on its first device."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3"}
    ran = host.run(host.executable, "-c", QUESTIONS[name], seconds=PATIENCE, environment=quiet)
    if ran is None:
        return Answer("cpu", error=f"no answer within {PATIENCE} s")
    try:
        said = json.loads(ran.output.splitlines()[-1])
    except (ValueError, IndexError):
        lines = ran.errors.strip().splitlines()
        return Answer("cpu", error=lines[-1][:200] if lines else f"it ended with status {ran.status}")
    memory = said["memory"] / GIBIBYTE if said["memory"] else None
    return Answer(said["kind"], said["name"], memory, tuple(said["targets"]), " ".join(said["error"].split())[:200])


def _setting(text: str, name: str) -> str | None:
    """Return a string that a Python file assigns to a name."""
    found = re.search(rf"^{name}\s*(?::[^=]*)?=\s*['\"]([^'\"]*)['\"]", text, re.MULTILINE)
    return found[1] if found else None
