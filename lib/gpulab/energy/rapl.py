"""RAPL (running average power limit): the energy counters of x86 CPUs, as Linux shows them below /sys/class/powercap.

A zone is a folder ``intel-rapl:N`` (AMD's CPUs have the same names): a CPU package, which includes its cores, or
"psys", the whole platform. Zones inside a package are parts of it, but "dram" is not included in it. The counter counts
microjoules up to ``max_energy_range_uj`` and begins again at 0. It counts the whole machine, not one process. See the
kernel's documentation, https://docs.kernel.org/power/powercap/powercap.html.
"""

from __future__ import annotations

from pathlib import Path

from gpulab.energy.result import MEASURED

ROOT = Path("/sys/class/powercap")
REMEDY = "To let every user read it until the next start: sudo chmod -R a+r /sys/class/powercap/*/"


class Zone:
    """One counter.

    Parameters
    ----------
    folder : Path
        With the files ``energy_uj`` and ``max_energy_range_uj``.
    name : str

    Raises
    ------
    OSError, ValueError
        The counter cannot be read.
    """

    source, kind = "RAPL energy counter", MEASURED

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.range = _number(folder / "max_energy_range_uj")
        self.last, self.total = self._read(), 0

    def _read(self) -> int:
        return _number(self.folder / "energy_uj")

    def joules(self) -> float:
        """Return the joules since this object was made. Two turns of the counter between two calls look like one."""
        now = self._read()
        self.total += now - self.last if now >= self.last else now + self.range - self.last
        self.last = now
        return self.total / 1e6


def zones(root: Path = ROOT) -> tuple[list[Zone], list[str]]:
    """Return the counters to add up, and notes on those that cannot be read.

    They are every package and its memory; the whole platform ("psys"), which includes them, only where there is no
    package. One package that cannot be read spoils the sum: then none is returned.
    """
    named = sorted((_text(folder / "name"), folder) for folder in root.glob("intel-rapl:*"))
    packages = [(name, folder) for name, folder in named if name.startswith("package")]
    memory = [(f"dram {folder.name.split(':')[1]}", folder) for name, folder in named if name == "dram"]
    platform = [(name, folder) for name, folder in named if name == "psys"]
    if not packages and not platform:
        return [], [f"RAPL: there are no counters below {root}."]
    found, notes = _open(packages or platform)
    if notes:
        return [], notes
    extra, notes = _open(memory if packages else [])
    return found + extra, notes


def _open(named: list[tuple[str, Path]]) -> tuple[list[Zone], list[str]]:
    found, notes = [], []
    for name, folder in named:
        try:
            found.append(Zone(folder, name))
        except PermissionError:
            notes.append(f"RAPL: {folder / 'energy_uj'} may not be read by this user. {REMEDY}")
        except (OSError, ValueError) as error:
            notes.append(f"RAPL: the counter {name} cannot be read ({error}).")
    return found, notes


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _number(path: Path) -> int:
    return int(path.read_text(encoding="ascii"))
