"""How each peer trains a workload: its plain best practice, with loggers, checkpoints and progress bars off.

Every function trains for so many epochs and returns the seconds of each. None validates; only ``fit`` counts right
answers on the way. One peer a process.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks import workloads
from benchmarks.workloads import BATCH, LR


def fit_torch(workload: str, epochs: int) -> list[float]:
    """Train with ``gpulab.train.fit`` on torch."""
    from gpulab.train import fit

    model, data = workloads.torch_model(workload), workloads.arrays(workload)
    return fit(model, data, epochs=epochs, batch_size=BATCH, lr=LR, verbose=False)["seconds"]


def fit_keras(workload: str, epochs: int) -> list[float]:
    """Train with ``gpulab.train.fit`` on Keras."""
    from gpulab.train import fit

    model, data = workloads.keras_model(workload), workloads.arrays(workload)
    return fit(model, data, epochs=epochs, batch_size=BATCH, lr=LR, verbose=False)["seconds"]


def plain_epochs(workload: str, epochs: int, batches: Callable[[], Iterator[Any]], **more: Any) -> list[float]:
    """Train with the loop of every tutorial on batches from somewhere."""
    import torch
    from torch.nn.functional import cross_entropy

    model = more["model"] if "model" in more else workloads.torch_model(workload)
    call = more.get("compiled", model)
    optimizer = torch.optim.Adam(model.parameters(), lr=LR, fused=more.get("fused"))
    seconds = []
    for _ in range(epochs):
        start = time.perf_counter()
        model.train()
        for x, y in batches():
            optimizer.zero_grad()
            cross_entropy(call(x), y).backward()
            optimizer.step()
        seconds.append(time.perf_counter() - start)
    return seconds


def torch_loader(workload: str, epochs: int) -> list[float]:
    """Train with a plain loop on a DataLoader."""
    from torch.utils.data import DataLoader, TensorDataset

    loader = DataLoader(TensorDataset(*workloads.tensors(workload)), batch_size=BATCH, shuffle=True)
    return plain_epochs(workload, epochs, lambda: iter(loader))


def torch_tensors(workload: str, epochs: int, **more: Any) -> list[float]:
    """Train with a plain loop on tensors that are cut by index."""
    import torch

    x, y = more.pop("data", None) or workloads.tensors(workload)

    def batches() -> Iterator[Any]:
        for index in torch.randperm(len(x)).split(BATCH):
            yield x[index], y[index]

    return plain_epochs(workload, epochs, batches, **more)


def skorch(workload: str, epochs: int) -> list[float]:
    """Train with skorch."""
    import torch
    from skorch import NeuralNetClassifier

    net = NeuralNetClassifier(
        workloads.torch_model(workload),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=LR,
        batch_size=BATCH,
        max_epochs=epochs,
        train_split=None,
        iterator_train__shuffle=True,
        verbose=0,
    )
    net.fit(*workloads.tensors(workload))
    return net.history[:, "dur"]


def lightning(workload: str, epochs: int) -> list[float]:
    """Train with Lightning."""
    import logging

    import torch
    from lightning.pytorch import Callback, LightningModule, Trainer
    from torch.utils.data import DataLoader, TensorDataset

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    seconds: list[float] = []

    class Module(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = workloads.torch_model(workload)

        def training_step(self, batch: Any, number: int) -> torch.Tensor:
            return torch.nn.functional.cross_entropy(self.model(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=LR)

    class Clock(Callback):
        def on_train_epoch_start(self, *_: Any) -> None:
            self.start = time.perf_counter()

        def on_train_epoch_end(self, *_: Any) -> None:
            seconds.append(time.perf_counter() - self.start)

    loader = DataLoader(TensorDataset(*workloads.tensors(workload)), batch_size=BATCH, shuffle=True)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = Trainer(
        max_epochs=epochs, accelerator="cpu", devices=1, callbacks=[Clock()], enable_model_summary=False, **quiet
    )
    trainer.fit(Module(), loader)
    return seconds


def hf_trainer(workload: str, epochs: int) -> list[float]:
    """Train with the Trainer of transformers; its AdamW without decay is Adam."""
    import torch
    from torch.utils.data import Dataset
    from transformers import Trainer, TrainerCallback, TrainingArguments

    x, y = workloads.tensors(workload)
    seconds: list[float] = []

    class Items(Dataset):
        def __len__(self) -> int:
            return len(x)

        def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
            return {"x": x[index], "labels": y[index]}

    class WithLoss(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = workloads.torch_model(workload)

        def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
            outputs = self.model(x)
            return {"loss": torch.nn.functional.cross_entropy(outputs, labels), "logits": outputs}

    class Clock(TrainerCallback):
        def on_epoch_begin(self, *_: Any, **__: Any) -> None:
            self.start = time.perf_counter()

        def on_epoch_end(self, *_: Any, **__: Any) -> None:
            seconds.append(time.perf_counter() - self.start)

    with tempfile.TemporaryDirectory() as folder:
        settings = TrainingArguments(
            folder,
            num_train_epochs=epochs,
            per_device_train_batch_size=BATCH,
            learning_rate=LR,
            lr_scheduler_type="constant",
            weight_decay=0.0,
            max_grad_norm=0.0,  # no clipping, as everywhere else
            use_cpu=True,
            report_to=[],
            logging_strategy="no",
            save_strategy="no",
            disable_tqdm=True,
            dataloader_pin_memory=False,
        )
        Trainer(WithLoss(), settings, train_dataset=Items(), callbacks=[Clock()]).train()
    return seconds


def keras_fit(workload: str, epochs: int) -> list[float]:
    """Train with plain Keras ``fit`` on arrays. XLA, Keras' default, is off: it is slower here, on a CPU."""
    import keras

    seconds: list[float] = []
    state = {"start": 0.0}
    clock = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: state.update(start=time.perf_counter()),
        on_epoch_end=lambda epoch, logs: seconds.append(time.perf_counter() - state["start"]),
    )
    model = workloads.keras_model(workload)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(LR), loss, jit_compile=False)
    model.fit(*workloads.arrays(workload), batch_size=BATCH, epochs=epochs, verbose=0, callbacks=[clock])
    return seconds


# Each with the packages that it needs beside the course's.
PEERS: dict[str, tuple[Callable[[str, int], list[float]], tuple[str, ...]]] = {
    "fit": (fit_torch, ()),
    "torch-loader": (torch_loader, ()),
    "torch-tensors": (torch_tensors, ()),
    "skorch": (skorch, ("skorch",)),
    "lightning": (lightning, ("lightning",)),
    "hf-trainer": (hf_trainer, ("transformers", "accelerate")),
    "keras": (keras_fit, ("tensorflow",)),
    "fit-keras": (fit_keras, ("tensorflow",)),
}
