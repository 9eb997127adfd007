"""A meter beside a training run: the energy of the run and of each epoch, also of a run that is resumed."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gpulab.energy.result import Energy, EnergyError, Part

if TYPE_CHECKING:
    from gpulab.energy.meter import Meter


class MeterCallback:
    """What ``fit`` calls. Get one from :meth:`Meter.callback`.

    Attributes
    ----------
    energy : Energy
        Of the run; with the parts before, where it was resumed.
    epochs : list of Energy
        Of each finished epoch, its validation included.
    """

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.epochs: list[Energy] = []
        self._before: Energy | None = None
        self._mine = False  # whether this callback started the meter
        self._begun: Energy | None = None
        self._seen: Energy | None = None
        self._run: Energy | None = None

    @property
    def energy(self) -> Energy:
        """The energy of the run so far.

        Raises
        ------
        EnergyError
            No run has begun.
        """
        if self._begun is None:
            raise EnergyError("no run has begun. Pass this callback to fit: callbacks=[meter.callback(Callback)]")
        this = self._run or less(self.meter.energy, self._begun)
        return this if self._before is None else self._before + this

    def on_start(self, run: Any) -> None:
        """Start the meter, unless the run is inside its block."""
        self.epochs, self._before, self._run = [], None, None
        self._mine = not self.meter.running
        if self._mine:
            self.meter.start()
        self._begun = self._seen = self.meter.energy

    def on_step(self, run: Any) -> None:
        """Do nothing: the meter looks by itself."""

    def on_epoch(self, run: Any) -> None:
        """Note the energy since the last epoch."""
        now = self.meter.energy
        self.epochs.append(less(now, self._seen))
        self._seen = now

    def on_interrupt(self, run: Any) -> None:
        """Do nothing: the meter is stopped at the end."""

    def on_end(self, run: Any) -> None:
        """Do nothing: the meter is stopped at the end."""

    def close(self, run: Any) -> None:
        """Stop the meter, whatever happened."""
        if self._begun is None:
            return
        now = self.meter.stop() if self._mine and self.meter.running else self.meter.energy
        self._run = less(now, self._begun)

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what a checkpoint keeps: the energy so far and of each epoch."""
        epochs = [json.loads(epoch.to_json()) for epoch in self.epochs]
        return {"energy": asdict(self.energy), "epochs": epochs}, {}

    def set_state(self, plain: dict[str, Any], weights: dict[str, Any]) -> None:
        """Go on from what :meth:`state` returned."""
        self._before = Energy.from_json(json.dumps(plain["energy"]))
        self.epochs = [Energy.from_json(json.dumps(epoch)) for epoch in plain["epochs"]]


def less(later: Energy, earlier: Energy) -> Energy:
    """Return what was used between two looks of one meter."""
    had = {part.name: part.joules for part in earlier.parts}
    parts = [Part(part.name, part.joules - had.get(part.name, 0.0), part.source, part.kind) for part in later.parts]
    return Energy.of_parts(parts, later.seconds - earlier.seconds, later.notes)
