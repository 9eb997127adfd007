"""What makes the plain torch loop faster, one thing at a time: the leads behind ``fit``'s speed, and those that failed.

Each lead is the loop over tensors of :mod:`benchmarks.peers` with some switches, in a process of its own.
"""

from __future__ import annotations

import os
from typing import Any

from benchmarks import peers, workloads

# Name of the lead: its switches, and the workloads that it can matter for.
LEADS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "plain": ((), workloads.NAMES),
    "memory": (("memory",), workloads.NAMES),
    "layout": (("layout",), ("cnn",)),
    "fused": (("fused",), workloads.NAMES),
    "memory+layout": (("memory", "layout"), ("cnn",)),
    "memory+layout+fused": (("memory", "layout", "fused"), ("cnn",)),
    "memory+fused": (("memory", "fused"), ("lstm",)),
    "all+layout of weights": (("memory", "layout", "fused", "weights"), ("cnn",)),
    "all+relu in place": (("memory", "layout", "fused", "inplace"), ("cnn",)),
    "all+compile": (("memory", "layout", "fused", "compile"), workloads.NAMES),
    "all+one thread": (("memory", "layout", "fused", "thread"), workloads.NAMES),
    "all+no denormals": (("memory", "layout", "fused", "denormals"), workloads.NAMES),
    "all+huge pages": (("memory", "layout", "fused", "pages"), workloads.NAMES),
    "huge pages alone": (("pages",), workloads.NAMES),
    "all+no oneDNN": (("memory", "layout", "fused", "no-onednn"), ("lstm",)),
}


def environment(lead: str) -> dict[str, str]:
    """Return the variables that a lead's process starts with."""
    return {"THP_MEM_ALLOC_ENABLE": "1"} if "pages" in LEADS[lead][0] else {}  # torch asks for huge pages


def run(lead: str, workload: str, epochs: int) -> list[float]:
    """Train with a lead's switches on; return the seconds of each epoch."""
    import torch
    from gpulab.train import layout, memory

    switches = LEADS[lead][0]
    model, data = workloads.torch_model(workload), workloads.tensors(workload)
    more: dict[str, Any] = {"model": model, "fused": "fused" in switches or None}
    if "memory" in switches:
        assert memory.keep_freed(), "this system's allocator cannot be told to keep memory"
    if "layout" in switches and workload == "cnn":
        data = (layout.channels_last(data[0]), data[1])
    if "weights" in switches:
        model.to(memory_format=torch.channels_last)
    if "inplace" in switches:
        for part in model.modules():
            if isinstance(part, torch.nn.ReLU):
                part.inplace = True
    if "thread" in switches:
        torch.set_num_threads(1)
    if "denormals" in switches:
        torch.set_flush_denormal(True)
    if "no-onednn" in switches:
        torch.backends.mkldnn.set_flags(False)
    if "pages" in switches:
        assert os.environ["THP_MEM_ALLOC_ENABLE"]
    if "compile" in switches:
        more["compiled"] = torch.compile(model)
    return peers.torch_tensors(workload, epochs, data=data, **more)
