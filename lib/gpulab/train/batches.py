"""Where a torch run's batches come from: tensors on the device, a Dataset, or the learner's own DataLoader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from gpulab.train import inputs, layout, plan
from gpulab.train.errors import TrainError

if TYPE_CHECKING:
    import torch

    Batch = tuple[torch.Tensor, torch.Tensor, float]

ROOM = 0.25  # share of a device's free memory that a data set may take


class Batches:
    """Batches of one data set; each kind of data has its own ``pieces``.

    Attributes
    ----------
    samples, steps : int
        Samples and batches in an epoch.
    batch_size : int
        Samples in a batch; the last one may be smaller.
    """

    batch_size: int

    def __init__(self, samples: int, steps: int, device: torch.device, what: str) -> None:
        self.samples, self.steps, self.device, self.what = samples, steps, device, what
        self.augment: Any = None
        self.seed: int | None = None  # None: in order, nothing changed
        self.parts, self.mine = 1, slice(0, 1)
        self.check_labels: Any = None  # set to look at labels that were not looked at before
        self.any_step = True  # whether an epoch can be gone on with in its middle
        self.channels_last = False  # whether images shall lie in memory in the order that is faster for convolutions
        self.turned = False  # whether x is an array's images, turned without moving anything in memory

    def share_out(self, accumulate: int, processes: int, rank: int) -> None:
        """Cut each batch into parts for so many processes and pieces, and keep those of this process."""
        self.parts, self.mine = accumulate * processes, slice(rank, None, processes)

    def pieces(self, epoch: int = 0, first: int = 0) -> Iterator[Batch]:
        """Yield (x, y, share) on the device: the pieces of every batch of an epoch, from batch ``first`` on."""
        raise NotImplementedError

    def few(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return two samples, to try the model with."""
        raise NotImplementedError

    def change(self, x: torch.Tensor, numbers: np.ndarray | None) -> torch.Tensor:
        """Augment inputs with the random numbers drawn for them."""
        if self.augment is None or self.seed is None:
            return x
        return self.arranged(self.augment(x) if numbers is None else self.augment.apply(x, numbers))

    def draw(self, epoch: int, n: int) -> np.ndarray | None:
        """Draw an epoch's random numbers for augmentation, a row a sample."""
        if self.seed is None or not hasattr(self.augment, "draw"):
            return None
        return self.augment.draw(plan.generator(self.seed, epoch), n)

    def order(self, epoch: int) -> np.ndarray:
        """Return the order of an epoch's samples."""
        return np.arange(self.samples) if self.seed is None else plan.order(self.seed, epoch, self.samples)

    def arranged(self, x: torch.Tensor) -> torch.Tensor:
        """Put a batch into the memory order that is wanted."""
        if self.channels_last:
            return layout.channels_last(x)
        return x.contiguous() if self.turned else x

    def to_device(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Bring a batch to the device, in the usual dtypes and memory order."""
        # Cast first: MPS has no float64. Only CUDA keeps the host's memory until a copy that nobody waits for is done.
        alone = self.device.type == "cuda"
        x, y = (usual(part).to(self.device, non_blocking=alone) for part in (x, y))
        return self.arranged(x), y


class TensorBatches(Batches):
    """Tensors, kept on the device where they fit, and cut there by index: no worker, no copy, no waiting."""

    def __init__(self, x: torch.Tensor, y: torch.Tensor, batch_size: int, device: torch.device, what: str) -> None:
        super().__init__(len(x), -(-len(x) // batch_size), device, what)
        self.batch_size = batch_size
        place = device if fits(x.nbytes + y.nbytes, device) else x.device
        self.x, self.y = x.to(place), y.to(place)

    def pieces(self, epoch: int = 0, first: int = 0) -> Iterator[Batch]:
        """Yield the pieces."""
        import torch

        self.x = self.arranged(self.x)  # once: a batch cut from it lies as it does
        order = self.order(epoch)
        numbers = self.draw(epoch, self.samples)
        index = torch.from_numpy(order).to(self.x.device)
        for batch in plan.pieces(self.samples, self.batch_size, self.parts)[first:]:
            for start, stop, share in batch[self.mine]:
                x, y = self.to_device(self.x[index[start:stop]], self.y[index[start:stop]])
                yield self.change(x, None if numbers is None else numbers[order[start:stop]]), y, share

    def few(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the first two samples."""
        return self.to_device(self.x[:2], self.y[:2])


class DatasetBatches(Batches):
    """A torch Dataset, read through a DataLoader in our order."""

    def __init__(self, dataset: Any, batch_size: int, device: torch.device, what: str) -> None:
        super().__init__(len(dataset), -(-len(dataset) // batch_size), device, what)
        self.dataset, self.batch_size = dataset, batch_size

    def pieces(self, epoch: int = 0, first: int = 0) -> Iterator[Batch]:
        """Yield the pieces."""
        order, numbers = self.order(epoch), self.draw(epoch, self.samples)
        batches = plan.pieces(self.samples, self.batch_size, self.parts)[first:]
        cuts = [piece for batch in batches for piece in batch[self.mine]]
        for (start, stop, share), batch in zip(cuts, self._read([order[c.start : c.stop] for c in cuts]), strict=True):
            x, y = self.to_device(*self._pair(batch))
            yield self.change(x, None if numbers is None else numbers[order[start:stop]]), y, share

    def few(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the first two samples."""
        batch = next(iter(self._read([np.arange(min(2, self.samples))])))
        return self.to_device(*self._pair(batch))

    def _read(self, indices: list[np.ndarray]) -> Any:
        import torch

        # A generator of its own, so that reading data leaves the model's random numbers (dropout) alone.
        return torch.utils.data.DataLoader(
            self.dataset,
            batch_sampler=[chosen.tolist() for chosen in indices],
            generator=torch.Generator(),
            pin_memory=self.device.type == "cuda",
        )

    def _pair(self, batch: Any) -> tuple[torch.Tensor, torch.Tensor]:
        return pair_of(batch, self.what, self.check_labels)


class LoaderBatches(Batches):
    """The learner's own DataLoader: its batches in its order; only pieces are cut from them."""

    def __init__(self, loader: Any, device: torch.device, what: str) -> None:
        try:
            steps = len(loader)
        except TypeError as error:
            raise TrainError(
                f"{what} has no length, so the learning rate cannot be planned; give a Dataset with __len__."
            ) from error
        size = loader.batch_size or getattr(loader.batch_sampler, "batch_size", None) or 0
        samples = len(loader.dataset) if hasattr(loader.dataset, "__len__") else steps * size
        if size:  # a sampler may leave samples out, and so does drop_last
            samples = min(samples, steps * size)
        super().__init__(samples, steps, device, what)
        self.loader, self.batch_size = loader, size
        self.any_step = False  # its order is its own, and drawn when an epoch begins

    def share_out(self, accumulate: int, processes: int, rank: int) -> None:
        """Cut for this process; several processes cannot agree on the order of a DataLoader."""
        if processes > 1:
            raise TrainError(f"{self.what} is a DataLoader; under several processes give the Dataset itself.")
        super().share_out(accumulate, processes, rank)

    def pieces(self, epoch: int = 0, first: int = 0) -> Iterator[Batch]:
        """Yield the pieces, of a whole epoch only.

        Raises
        ------
        TrainError
            Batches are to be left out: which samples they had, a DataLoader does not say.
        """
        if first:
            raise TrainError(
                f"The checkpoint was written inside an epoch, and {self.what} is a DataLoader, which cannot go on "
                "there. Give the Dataset itself, or start again."
            )
        for step, batch in enumerate(self.loader):
            x, y = self.to_device(*pair_of(batch, self.what, self.check_labels))
            rng = None if self.seed is None else np.random.default_rng([self.seed, epoch, 1, step])
            numbers = self.augment.draw(rng, len(x)) if rng is not None and hasattr(self.augment, "draw") else None
            x = self.change(x, numbers)
            for start, stop, share in plan.cut(0, len(x), self.parts)[self.mine]:
                yield x[start:stop], y[start:stop], share

    def few(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return two samples of the first batch."""
        x, y = pair_of(next(iter(self.loader)), self.what, None)
        self.batch_size = self.batch_size or len(x)
        return self.to_device(x[:2], y[:2])


def make(data: Any, batch_size: int, device: torch.device, what: str) -> Batches:
    """Return the batches of whatever kind of data was given.

    Raises
    ------
    TrainError
        The data is empty, not finite, of another framework or of no known kind.
    """
    import torch

    inputs.check_side(what, data, "torch")
    if isinstance(data, torch.utils.data.DataLoader):
        found: Batches = LoaderBatches(data, device, what)
    elif inputs.is_pair(data):
        found = TensorBatches(*tensors(data, what), batch_size, device, what)
        found.turned = not any(isinstance(part, torch.Tensor) for part in data)
    elif isinstance(data, torch.utils.data.Dataset):
        if not hasattr(data, "__len__"):
            raise TrainError(
                f"{what} has no length, so the learning rate cannot be planned; give a Dataset with __len__."
            )
        found = DatasetBatches(data, batch_size, device, what)
    else:
        raise inputs.refuse(data, what, "torch")
    if not found.samples:
        raise TrainError(f"{what} is empty; expected at least one sample.")
    return found


def tensors(data: Any, what: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a pair of arrays or tensors as checked tensors; images in arrays are turned to channels first."""
    import torch

    x, y = data
    if not any(isinstance(part, torch.Tensor) for part in data):
        x, y = inputs.check_pair(data, what)
        return channels_first(torch.from_numpy(np.ascontiguousarray(x))), torch.from_numpy(np.ascontiguousarray(y))
    inputs.check_lengths(len(x), len(y), what)
    for name, part in (("x", x), ("y", y)):
        if isinstance(part, torch.Tensor) and part.is_floating_point() and not bool(torch.isfinite(part).all()):
            raise TrainError(f"{what}'s {name} has entries that are NaN or infinite. Mend or drop them.")
    return usual(torch.as_tensor(x).detach()), usual(torch.as_tensor(y).detach())


def channels_first(x: torch.Tensor) -> torch.Tensor:
    """See images (n, height, width, channels) as (n, channels, height, width); leave other inputs alone."""
    return x.permute(0, 3, 1, 2) if x.ndim == 4 else x


def usual(tensor: torch.Tensor) -> torch.Tensor:
    """Return floats as float32 and whole numbers as int64."""
    import torch

    return tensor.to(torch.float32 if tensor.is_floating_point() else torch.int64)


def pair_of(batch: Any, what: str, check: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a batch's inputs and targets."""
    import torch

    good = isinstance(batch, tuple | list) and len(batch) == 2 and all(isinstance(part, torch.Tensor) for part in batch)
    if not good:
        raise TrainError(f"{what} gives a {type(batch).__name__} as a batch; expected a pair of tensors (x, y).")
    if check is not None:
        check(batch[1])
    return batch[0], batch[1]


def fits(size: int, device: torch.device) -> bool:
    """Return whether so many bytes may lie on the device for the whole run."""
    import torch

    return device.type != "cuda" or size < ROOM * torch.cuda.mem_get_info(device)[0]
