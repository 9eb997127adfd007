"""From facts to advice: each rule looks at a `Machine` and returns what it found. Rules read nothing themselves."""

from __future__ import annotations

from gpulab.hardware.facts import Machine
from gpulab.hardware.rules import cards, packages, system
from gpulab.hardware.rules.finding import Finding, Level

# The order of the report.
RULES = (
    system.system, system.rosetta, system.hosted, system.cpu, system.old_cpu, system.threads, system.quota,
    system.memory, system.disk,
    cards.none, cards.listed, cards.driver_fails, cards.no_driver, cards.closed, cards.hidden, cards.order, cards.wsl,
    cards.sliced, cards.busy, cards.weak,
    packages.torch, packages.tensorflow, packages.neither, packages.below_bounds,
    packages.cpu_build, packages.other_build, packages.old_driver, packages.no_code_for_card, packages.unexplained,
    packages.tensorflow_on_cpu,
)  # fmt: skip


def findings(machine: Machine) -> tuple[Finding, ...]:
    """Return what every rule found, in the order of the report."""
    return tuple(finding for rule in RULES for finding in rule(machine))


__all__ = ["RULES", "Finding", "Level", "findings"]
