"""Which figures of the catalog are weak, and why."""

from __future__ import annotations

from gpulab.hardware.catalog import Device

_APPLE = "no figure of the vendor; public sources differ by about 10 %"
_ARC = "taken as half of the vendor's INT8 rate, not stated by it"
_RDNA = "from a table of rates per clock that was seen second-hand"
_INT8 = "taken as four times the FP16 rate, as on the generation before; not seen in a vendor's table"
_CPU = "computed from an assumed number of operations per clock, at base clock"
_LINK = "the bandwidth of the link between cards was seen second-hand only"
_A10G = "sources disagree; no document of the vendor was available"

# Devices, their weak figures, and the reason.
WEAK = (
    (("a10g",), ("fp32_tflops", "fp16_tflops", "bf16_tflops", "tdp_w"), _A10G),
    (("apple-m3", "apple-m3-max", "apple-m4", "apple-m4-max"), ("fp32_tflops",), _APPLE),
    (("arc-a770-16gb", "arc-b580"), ("fp16_tflops", "bf16_tflops"), _ARC),
    (("rx-7900-xtx", "rx-9070-xt"), ("fp16_tflops", "bf16_tflops", "fp8_tflops", "int8_tops"), _RDNA),
    (("rtx-5060-ti-16gb", "rtx-5070", "rtx-5070-ti", "rtx-5080", "rtx-5090"), ("int8_tops",), _INT8),
    (("a10",), ("fp64_tflops",), "twice what the other cards of its architecture do for their FP32 rate"),
    (("titan-v",), ("fp16_tflops",), "the vendor's 110 is below 119, which its clock gives"),
    (("tpu-v3",), ("bf16_tflops",), "the vendor says 123, its own software 140"),
    (("b200-sxm",), ("bandwidth_gb_s",), "8.0 and 7.7 TB/s in documents of the same vendor"),
    (("b200-sxm",), ("fp32_tflops",), "sources differ by 7 %"),
    (("cpu-ryzen7-5800x", "cpu-ryzen9-9950x", "cpu-xeon-w-2295"), ("fp32_tflops", "fp64_tflops"), _CPU),
    (("rtx-3090", "rtx-2080", "h100-pcie"), ("interconnect",), _LINK),
)


def caveats(device: Device) -> dict[str, str]:
    """Return the weak figures of a device with the reason, by the name of the figure; empty where there are none.

    A figure that the device lacks is not listed.

    Examples
    --------
    >>> from gpulab.hardware import device
    >>> caveats(device("tpu-v3"))
    {'bf16_tflops': 'the vendor says 123, its own software 140'}
    >>> caveats(device("rtx-4090"))
    {}
    """
    return {
        figure: why
        for rows, figures, why in WEAK
        if device.id in rows
        for figure in figures
        if getattr(device, figure) is not None
    }
