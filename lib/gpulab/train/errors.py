"""What can go wrong in training, said in one clear message."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


class TrainError(Exception):
    """Training cannot start or go on; the message says what was wrong, what was expected and what to do."""


def unknown(what: str, name: object, known: Iterable[str]) -> TrainError:
    """Return the error for a name that is not known, with those that are.

    Examples
    --------
    >>> str(unknown("loss", "hinge", ["mse", "cross_entropy"]))
    "There is no loss 'hinge'. Choose one of: cross_entropy, mse."
    """
    return TrainError(f"There is no {what} {name!r}. Choose one of: {', '.join(sorted(known))}.")


def not_finite(step: int, epoch: int, lr: float, precision: str) -> TrainError:
    """Return the error for a loss that is NaN or infinite."""
    causes = [f"the learning rate is too high (lr={lr:g}: try {lr / 10:g})", "gradients explode (try clip=1.0)"]
    if precision == "fp16":
        causes.append("fp16 overflows above 65,504 (try precision='bf16')")
    causes.append("the loss takes the logarithm or the quotient of a 0")
    return TrainError(
        f"The loss is not a finite number at step {step} (epoch {epoch}); the weights can no longer be trusted. "
        f"Likely causes: {'; '.join(causes)}. A checkpoint written before this step is kept."
    )


def largest_that_fits(
    attempt: Callable[[int], None], start: int, is_memory_error: Callable[[Exception], bool]
) -> int | None:
    """Halve a batch size until a training step fits in memory.

    Parameters
    ----------
    attempt : callable
        Tries one step with so many samples.
    start : int
        The size that did not fit.
    is_memory_error : callable
        Whether an exception means that memory ran out; any other exception ends the search.

    Returns
    -------
    int or None
        0 if not even one sample fits; None if another error came up, so that nothing is known.

    Examples
    --------
    >>> def attempt(size):
    ...     if size > 20:
    ...         raise MemoryError
    >>> largest_that_fits(attempt, 128, lambda error: isinstance(error, MemoryError))
    16
    """
    size = start // 2
    while size:
        try:
            attempt(size)
        except Exception as error:
            if not is_memory_error(error):
                return None
            size //= 2
        else:
            return size
    return 0


def out_of_memory(batch_size: int, pieces: int, fits: int | None, *, loader: bool = False) -> TrainError:
    """Return the advice after memory ran out.

    Parameters
    ----------
    batch_size, pieces : int
        Samples a step, and in how many pieces they were processed (``accumulate``).
    fits : int or None
        Samples that fit at once; None if that is not known.
    loader : bool
        Whether the batches are those of the learner's DataLoader.
    """
    piece = -(-batch_size // pieces)
    start = f"Memory ran out: {piece} samples at once do not fit on the device."
    if fits is None:
        return TrainError(f"{start} Use a smaller batch, or a larger accumulate: the same gradient in smaller pieces.")
    if not fits:
        return TrainError(f"{start} Not even one sample fits: take a smaller model, smaller inputs or a larger device.")
    use = f"Make the DataLoader with batch_size={fits}" if loader else f"Use batch_size={fits}"
    return TrainError(
        f"{start} {fits} do. {use}, or keep batch_size={batch_size} with "
        f"accumulate={-(-batch_size // fits)}: the same gradient in smaller pieces."
    )
