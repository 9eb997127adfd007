"""Recurrent layers as cuDNN runs them: one large product for all inputs, then a chain of small ones over time.

Operations of an LSTM forward: 2 x 4h (x + h) per step, sample and layer; twice that backward (Appleyard and others 2016).
"""

from __future__ import annotations

from typing import Any

from gpulab.estimate.workload import Op

GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}


def layer_ops(
    kind: str, batch: int, steps: int, inputs: int, units: int, half: bool, backward: bool, directions: int = 1
) -> list[Op]:
    """Return the operators of one recurrent layer in one direction of the chain rule.

    Parameters
    ----------
    kind : {"lstm", "gru", "rnn_tanh", "rnn_relu"}
    batch, steps, inputs, units, directions : int
        Samples, time steps, width of the input, hidden units, 2 if it runs both ways in time.

    Examples
    --------
    >>> product, chain, gates = layer_ops("lstm", 2, 5, 3, 7, half=False, backward=False)
    >>> product.flops[0] + chain.flops[0] == 2 * 4 * 7 * (3 + 7) * 2 * 5
    True
    """
    gates, size, bits = GATES[kind], 2 if half else 4, 16 if half else 32
    factor = 2.0 if backward else 1.0
    product = 2.0 * gates * units * inputs * batch * steps * directions * factor
    chain = 2.0 * gates * units * units * batch * steps * directions * factor
    spots = float(batch * steps * directions)
    product_bytes = (spots * (inputs + gates * units) + gates * units * inputs * directions) * size
    # Every step reads the weights again and turns the gates' products into the next state, keeping them for backward.
    chain_bytes = (steps * directions * gates * units * units + spots * (2 * gates + 2) * units) * size
    gate_bytes = spots * (3 * gates + 4) * units * size
    return [
        Op("matmul", f"{kind}_inputs", (product, 0.0), (product_bytes * factor, 0.0), bits, kernels=factor),
        Op("rnn", f"{kind}_steps", (chain, 0.0), (chain_bytes * factor, 0.0), bits, kernels=0.0, steps=steps * factor),
        Op("pointwise", f"{kind}_gates", (0.0, 0.0), (gate_bytes * factor, 0.0), bits, kernels=0.0),
    ]


def run(recorder: Any, name: str, args: tuple, half: bool) -> Any:
    """Return a recurrent layer's outputs of the right shape; record its operators, forward and backward."""
    import torch

    inputs, states, weights, _, layers, _, _, bidirectional, batch_first = args
    state = states[0] if isinstance(states, (tuple, list)) else states
    batch, steps = (inputs.shape[0], inputs.shape[1]) if batch_first else (inputs.shape[1], inputs.shape[0])
    units, ways = state.shape[-1], 2 if bidirectional else 1
    widths = [inputs.shape[-1]] + [units * ways] * (layers - 1)
    dtype = torch.float16 if half else torch.float32

    def ops(backward: bool) -> list[Op]:
        found = []
        for width in widths:
            found += layer_ops(name, batch, steps, width, units, half, backward, ways)
        return found

    class Layer(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, given: Any, *held: Any) -> Any:
            recorder.ops += ops(backward=False)
            shape = (*given.shape[:-1], units * ways)
            reserve = given.new_empty((layers * batch * steps * ways * units * (GATES[name] + 1),), dtype=dtype)
            ctx.save_for_backward(given, reserve, *held)
            return given.new_empty(shape, dtype=dtype)

        @staticmethod
        def backward(ctx: Any, grown: Any) -> Any:
            recorder.ops += ops(backward=True)
            given, _, *held = ctx.saved_tensors
            return torch.empty_like(given), *(torch.empty_like(weight) for weight in held)

    result = Layer.apply(inputs, *weights)
    last = [result.new_empty(state.shape) for _ in range(2 if name == "lstm" else 1)]
    return (result, *last)
