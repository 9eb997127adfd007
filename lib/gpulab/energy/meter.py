"""Measure the energy of a block of code, or of a training run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from gpulab.energy import sources
from gpulab.energy.callback import MeterCallback
from gpulab.energy.result import ESTIMATE, Energy, EnergyError, Part, check_quantity
from gpulab.energy.sources import Source

Finder = Callable[[], tuple[Sequence[Source], Sequence[str]]]


class Meter:
    """Measure the energy that the machine uses inside a ``with`` block.

    CPU: the RAPL counters where they can be read, else CPU time of this process times watts per core. NVIDIA GPUs:
    NVML. Counters are of the whole machine or card, so other programs count too; disks, fans and the losses of the
    power supply don't. Other GPUs than NVIDIA's have no counter here: use :func:`estimate`.

    Parameters
    ----------
    tdp_w : float, optional
        Thermal design power of the CPU, for the estimate where there is no counter; by default 4 W a core.
    cores : int, optional
        Logical cores of the CPU that has this TDP; by default those of this machine.
    gpus : sequence of int, optional
        Numbers of the NVIDIA GPUs to count; by default those that CUDA may use. ``()`` leaves them out.
    every : float
        Seconds between two looks at the counters in the background, so that a turn of a counter is not missed.
    find : callable, optional
        Returns the sources to read and notes, in the place of this machine's.

    Attributes
    ----------
    energy : Energy
        So far, or of the finished block.

    Examples
    --------
    >>> with Meter(tdp_w=65, cores=8) as meter:
    ...     total = sum(range(100_000))
    >>> meter.energy.joules > 0, meter.energy.kind in ("measured", "estimate")
    (True, True)
    """

    def __init__(
        self,
        *,
        tdp_w: float | None = None,
        cores: int | None = None,
        gpus: Sequence[int] | None = None,
        every: float = 1.0,
        find: Finder | None = None,
    ) -> None:
        for name, value, least in (("tdp_w", tdp_w, 0), ("cores", cores, 1), ("every", every, 0.001)):
            if value is not None:
                check_quantity(name, value, least=least)
        self.every = every
        self._find = find or (lambda: sources.find(tdp_w, cores, gpus))
        self._lock = threading.Lock()
        self._finished: threading.Event | None = None
        self._energy: Energy | None = None

    @property
    def running(self) -> bool:
        """Whether the meter has been started and not stopped."""
        return self._finished is not None

    @property
    def energy(self) -> Energy:
        """The energy so far, or of the finished block.

        Raises
        ------
        EnergyError
            The meter was never started.
        """
        if self.running:
            return self._look()
        if self._energy is None:
            raise EnergyError("this meter has not run. Use it so: with Meter() as meter: ...")
        return self._energy

    def start(self) -> Meter:
        """Begin to measure, from 0.

        Raises
        ------
        EnergyError
            It is running already.
        """
        if self.running:
            raise EnergyError("this meter is running already. Make another Meter() for a block inside its block.")
        self._sources, self._notes = self._find()
        self._lost: dict[str, str] = {}
        self._last = {source.name: 0.0 for source in self._sources}
        self._began, self._finished = time.perf_counter(), threading.Event()
        threading.Thread(target=self._watch, args=(self._finished,), daemon=True, name="energy meter").start()
        return self

    def stop(self) -> Energy:
        """Stop and return the energy; once more, it changes nothing."""
        if self._finished is not None:
            self._energy = self._look()
            self._finished.set()
            self._finished = None
        return self.energy

    def __enter__(self) -> Meter:
        """Begin to measure."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, whatever happened inside."""
        self.stop()

    def callback(self, base: type = object) -> MeterCallback:
        """Return a callback for ``gpulab.train.fit`` that measures the run and each of its epochs.

        Parameters
        ----------
        base : type
            The class of which the callback shall be one: ``gpulab.train.Callback``. It is handed in because this module
            knows nothing of training.

        Examples
        --------
        >>> from gpulab.train import Callback  # doctest: +SKIP
        >>> counting = Meter().callback(Callback)  # doctest: +SKIP
        >>> fit(model, data, epochs=3, callbacks=[counting])  # doctest: +SKIP
        >>> [epoch.wh for epoch in counting.epochs], counting.energy.wh  # doctest: +SKIP
        """
        bases = (MeterCallback,) if base is object else (MeterCallback, base)
        return type("MeterCallback", bases, {"__doc__": MeterCallback.__doc__})(self)

    def _watch(self, finished: threading.Event) -> None:
        while not finished.wait(self.every):
            self._look()

    def _look(self) -> Energy:
        """Read every source once; one that fails keeps what it had and is no longer called measured."""
        with self._lock:
            for source in self._sources:
                if source.name not in self._lost:
                    self._read(source)
            parts = [self._part(source) for source in self._sources]
            notes = [*self._notes, *self._lost.values()]
            return Energy.of_parts(parts, time.perf_counter() - self._began, notes)

    def _read(self, source: Source) -> None:
        try:
            self._last[source.name] = source.joules()
        except (OSError, ValueError) as error:
            self._lost[source.name] = f"{source.name}: its counter failed during the run ({error})."

    def _part(self, source: Source) -> Part:
        if source.name in self._lost:
            return Part(source.name, self._last[source.name], f"{ESTIMATE}: {source.source}, which failed", ESTIMATE)
        return Part(source.name, self._last[source.name], source.source, source.kind)
