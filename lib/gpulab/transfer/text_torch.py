"""MiniLM in PyTorch: the layers of transformers' BertModel, sorted into the stages of the course."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpulab.transfer.errors import TransferError
from gpulab.transfer.staged_torch import can_be_seen, head
from gpulab.transfer.staged_torch import classes as classes_of_stages
from gpulab.transfer.text import CONFIG
from gpulab.transfer.tokens import END, PADDING, START, check_tokens

if TYPE_CHECKING:
    import torch
    from torch import nn

    States = tuple[torch.Tensor, torch.Tensor]  # states (n, T, 384), and real (n, T): True where a token is no padding


@cache
def own_modules() -> tuple[type[nn.Module], type[nn.Module], type[nn.Module]]:
    """Return the three modules that pass the mask along, made when they are asked for: then torch is needed."""
    import torch
    from torch import nn

    class Embeddings(nn.Module):
        """Tokens (n, length) in, one vector for each token out; columns that are padding in all rows are dropped."""

        def __init__(self, layer: nn.Module) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, tokens: torch.Tensor) -> States:
            """Return the states (n, T, 384) and where the tokens are real, (n, T)."""
            if can_be_seen(tokens):
                check_tokens(tokens.detach().cpu().numpy(), self.layer.word_embeddings.num_embeddings)
                tokens = tokens[:, : int((tokens != PADDING).any(dim=0).nonzero().max()) + 1]
            tokens = tokens.long()
            return self.layer(tokens), tokens != PADDING

    class Block(nn.Module):
        """One block of the encoder: attention between the real tokens, then a small network for each token."""

        def __init__(self, layer: nn.Module) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, given: States) -> States:
            """Return new states, and where the tokens are real."""
            states, real = given
            out = self.layer(states, attention_mask=real[:, None, None, :].expand(-1, 1, states.shape[1], -1))
            return (out[0] if isinstance(out, tuple) else out), real

    class MeanOfTokens(nn.Module):
        """The mean over the tokens that are not padding: states (n, T, 384) in, one vector (n, 384) out."""

        def forward(self, given: States) -> torch.Tensor:
            """Return the mean of each text."""
            states, real = given
            weight = real[:, :, None].to(states.dtype)
            return (states * weight).sum(dim=1) / weight.sum(dim=1)

    for made in (Embeddings, Block, MeanOfTokens):  # as if they stood outside, so that a model can be pickled
        made.__qualname__ = made.__name__
    return Embeddings, Block, MeanOfTokens


def __getattr__(name: str) -> Any:
    """Find the modules by name, too: pickle does."""
    for made in own_modules() if name in ("Embeddings", "Block", "MeanOfTokens") else ():
        if made.__name__ == name:
            return made
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def build(file: Path | None, *, classes: int | None, dropout: float) -> nn.Module:
    """Return MiniLM.

    Parameters
    ----------
    file : Path or None
        Of its weights; None: fresh random ones.
    classes : int, optional
        A fresh linear head of so many logits; None: no head, the output is the embedding (n, 384).
    dropout : float
        Before the head.

    Raises
    ------
    TransferError
        transformers is not installed, or the file's arrays are not the model's.
    """
    import torch

    try:
        from transformers import BertConfig
        from transformers.models.bert.modeling_bert import BertModel
    except ImportError as error:
        raise TransferError("Text models in PyTorch need transformers: pip install 'gpulab[text]'.") from error
    bert = BertModel(BertConfig(**CONFIG), add_pooling_layer=False)
    if file is not None:
        from safetensors.torch import load_file

        found, wanted = load_file(file), bert.state_dict()
        lacking = [name for name, tensor in wanted.items() if name not in found or found[name].shape != tensor.shape]
        if lacking:
            raise TransferError(f"{file} is not MiniLM: {lacking[0]} is missing or has another shape.")
        bert.load_state_dict({name: found[name] for name in wanted})
    (embeddings, block, mean), (staged, _) = own_modules(), classes_of_stages()
    stages: dict[str, nn.Module] = {"embeddings": embeddings(bert.embeddings)}
    stages |= {f"block{i}": block(layer) for i, layer in enumerate(bert.encoder.layer, start=1)}
    model = staged("minilm", {**stages, "pool": mean()}, torch.tensor([[START, END]]))
    if classes is not None:
        model.head = head(CONFIG["hidden_size"], classes, (), dropout)
    return model
