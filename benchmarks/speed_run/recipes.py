"""The ladder: recipes from the reference to the fastest, each with one difference from the step before it.

The numbers of epochs were chosen on the validation part, see ``pilot`` in :mod:`benchmarks.speed_run.__main__`; the test
part had no say in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

TARGET = 0.975  # mean accuracy over ten seeds, on the test part
MARGIN = 0.005  # so far above it must the mean on validation lie: its 500 digits are easier by about that


@dataclass(frozen=True)
class Recipe:
    """All that decides a run, beside its seed.

    Attributes
    ----------
    framework : {"torch", "keras"}
    way : {"tutorial", "tensors"}
        "tutorial": as the framework's guides write it (a DataLoader with transforms; ``model.fit`` with a
        RandomTranslation layer). "tensors": the training part lies on the device, and batches are cut from it.
    epochs, batch_size : float, int
        An epoch is 3,500 images. A part of an epoch is allowed.
    optimizer : {"adam", "nesterov", "muon"}
    lr : float
        The highest rate; for "muon" that of the convolutions and the hidden dense layer, the rest has Adam.
    schedule : {"one_cycle", "triangle"}
    init : {"default", "he"}
        "default" is the framework's own.
    shift : int
        The farthest random move of a training image, in pixels each way; 0 for none.
    distinct : bool
        An image never gets the same move twice before it had all of them.
    smoothing : float
        Of the labels.
    average : float
        Decay of the moving average of the weights; 0 for none.
    views : int
        Moved copies of a test image whose logits are averaged: 1 (none), or 5.
    pool_first : bool
        ReLU after the pooling instead of before it: the same function, on a quarter of the numbers.
    layout, memory, fused : bool
        Channels last in memory; freed memory is kept; the optimizer's update in one kernel. (torch)
    compiled : bool
        XLA. (Keras)
    steps_at_once : int
        ``steps_per_execution``. (Keras)
    precision : {"fp32", "bf16"}
    stop : float
        End when so large a share of the validation digits is right, asked every half epoch; 0 for never.
    widths : tuple of int
        Maps of the three convolutions; anything but (32, 64, 64) is the open class.
    """

    framework: str = "torch"
    way: str = "tensors"
    epochs: float = 16
    batch_size: int = 64
    optimizer: str = "adam"
    lr: float = 3e-3
    schedule: str = "one_cycle"
    init: str = "default"
    shift: int = 2
    distinct: bool = False
    smoothing: float = 0.0
    average: float = 0.0
    views: int = 1
    pool_first: bool = False
    layout: bool = False
    memory: bool = False
    fused: bool = False
    compiled: bool = False
    steps_at_once: int = 1
    precision: str = "fp32"
    stop: float = 0.0
    widths: tuple[int, int, int] = (32, 64, 64)

    def __post_init__(self) -> None:
        """Refuse a word that nothing stands behind."""
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name}={getattr(self, name)!r}: expected one of {', '.join(map(repr, known))}.")
        for name in ("epochs", "batch_size", "lr"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}={getattr(self, name)!r}: expected a number above 0.")

    @property
    def open_class(self) -> bool:
        """Whether the network is another one than the reference CNN."""
        return self.widths != (32, 64, 64)


CHOICES: Mapping[str, tuple[object, ...]] = {
    "framework": ("torch", "keras"),
    "way": ("tutorial", "tensors"),
    "optimizer": ("adam", "nesterov", "muon"),
    "schedule": ("one_cycle", "triangle"),
    "init": ("default", "he"),
    "views": (1, 5),
    "precision": ("fp32", "bf16"),
}


def changed(old: Recipe, new: Recipe) -> dict[str, object]:
    """Return the settings of a recipe that differ from another's.

    >>> changed(Recipe(), Recipe(batch_size=128))
    {'batch_size': 128}
    """
    names = (field.name for field in fields(Recipe))
    return {name: getattr(new, name) for name in names if getattr(old, name) != getattr(new, name)}


@dataclass(frozen=True)
class Step:
    """A step of the ladder.

    Attributes
    ----------
    recipe : Recipe
    before : str or None
        The step that it changes.
    what : str
        The change, in a few words.
    tuned : tuple of str
        Settings that go along with the change, such as the rate of another optimizer. The epochs always may.
    rounds : int or None
        Rounds in which it is measured; all where there is none.
    pilot : tuple of float
        Epochs that the pilot tries, on validation.
    """

    recipe: Recipe
    before: str | None = None
    what: str = ""
    tuned: tuple[str, ...] = ()
    rounds: int | None = None
    pilot: tuple[float, ...] = ()


BASE = "keras tutorial"
LADDER: dict[str, Step] = {}


def _step(name: str, before: str | None, what: str, *, tuned: tuple[str, ...] = (), rounds: int | None = None,
          pilot: tuple[float, ...] = (), **change: object) -> None:
    recipe = replace(LADDER[before].recipe, **change) if before else Recipe(**change)
    LADDER[name] = Step(recipe, before, what, tuned, rounds, pilot)


_step(BASE, None, "model.fit with a RandomTranslation layer", framework="keras", way="tutorial")
_step("torch tutorial", None, "a loop over a DataLoader that moves each image", way="tutorial", rounds=3)

# Fewer images. What a step needs was asked on validation.
_step("tensors", "torch tutorial", "data as one tensor, moved and cut there", way="tensors", rounds=3)
_step("stop in time", "tensors", "no more epochs than the target needs", epochs=12, rounds=3, pilot=(8, 12))
_step("rate", "stop in time", "a higher learning rate", lr=8e-3, epochs=8, rounds=3, pilot=(4, 5, 6, 8))
_step("triangle", "rate", "a triangle in place of one cycle", schedule="triangle", epochs=8, rounds=3, pilot=(4, 5, 6, 8))
_step("he", "triangle", "He's initialization", init="he", epochs=6, rounds=3, pilot=(4, 5, 6))
_step("distinct", "he", "no move of an image twice", distinct=True, epochs=6, rounds=3, pilot=(5, 6))
_step("muon", "distinct", "Muon in place of Adam", optimizer="muon", lr=0.02, tuned=("lr",), epochs=5, rounds=3,
      pilot=(3, 3.5, 5))
_step("views", "muon", "the mean of five views", views=5, epochs=4, rounds=3, pilot=(2.5, 3, 4))

# Faster images: the same training in less time.
_step("pool first", "views", "ReLU after the pooling", pool_first=True, rounds=3)
_step("memory", "pool first", "freed memory is kept", memory=True, rounds=3)
_step("layout", "memory", "channels last in memory", layout=True, rounds=3)
_step("fused", "layout", "Adam's update in one kernel", fused=True)
_step("bf16", "fused", "bfloat16 in the convolutions", precision="bf16")

# Tried on the fast recipe, and not kept.
_step("batch 128", "bf16", "larger batches", batch_size=128, lr=0.03, tuned=("lr",), rounds=3)
_step("smoothing", "bf16", "smoothed labels", smoothing=0.1, rounds=3)
_step("average", "bf16", "an average of the weights", average=0.9, rounds=3)
_step("early exit", "bf16", "ask validation every half epoch", stop=0.98, rounds=3)

# Another network: the open class.
_step("narrow", "bf16", "16, 32 and 32 maps", widths=(16, 32, 32), epochs=6, rounds=3, pilot=(6,))

# Keras.
_step("keras tensors", BASE, "images moved in NumPy, before", way="tensors", rounds=3)
_step("keras in time", "keras tensors", "no more epochs than the target needs", epochs=12, rounds=3)
_step("keras muon", "keras in time", "Muon, the triangle, He, no move twice", optimizer="muon", lr=0.02, schedule="triangle",
      init="he", distinct=True, tuned=("lr", "schedule", "init", "distinct"), epochs=5, rounds=3, pilot=(3.5, 4))
_step("keras views", "keras muon", "the mean of five views", views=5, epochs=4, rounds=3)
_step("keras pool first", "keras views", "ReLU after the pooling", pool_first=True, rounds=3)
_step("keras five steps", "keras pool first", "five steps before returning to Python", steps_at_once=5)
_step("keras bf16", "keras five steps", "bfloat16", precision="bf16", rounds=3)
_step("keras xla", "keras five steps", "XLA", compiled=True, rounds=1)
