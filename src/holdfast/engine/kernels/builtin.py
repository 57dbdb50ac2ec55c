"""torch's fused recurrences: oneDNN on the CPU, cuDNN on a GPU, torch's loops elsewhere."""

from __future__ import annotations

from typing import Any, Final, Literal

import torch
from torch import Tensor
from torch.backends import cudnn
from torch.backends.cudnn.rnn import get_cudnn_mode

from holdfast.engine.cells import GRU, LSTM, RNN_RELU, RNN_TANH, Cell, State, Weights
from holdfast.engine.kernels.contract import Inputs, KernelSpec, Verdict

_CELLS: Final[dict[Cell, Any]] = {
    LSTM: torch.lstm,
    GRU: torch.gru,
    RNN_TANH: torch.rnn_tanh,
    RNN_RELU: torch.rnn_relu,
}


class BuiltinKernel:
    """Runs whole stacks through torch's own operators, which torch differentiates."""

    name = "builtin"
    own_backward: Literal[False] = False

    def serves(self, spec: KernelSpec) -> Verdict:
        """Every stack of a cell that torch knows, in every dtype and on every device."""
        if spec.by_equations:
            return Verdict(False, "the equations themselves were asked for")
        if spec.cell not in _CELLS:
            return Verdict(False, f"torch has no operator for {spec.cell.name}")
        if spec.options.changed:
            return Verdict(False, f"torch's operators have no {', '.join(spec.options.changed)}")
        if spec.reverse:
            return Verdict(False, "torch's operators read backwards only beside forwards")
        return Verdict(True, "torch's fused operator runs the whole stack in one call")

    def forward(self, spec: KernelSpec, inputs: Inputs) -> tuple[Tensor, State]:
        """Run a stack; see `contract.StackKernel`."""
        x, batch_sizes = inputs.x, inputs.batch_sizes
        weights, state = inputs.weights, inputs.state
        bias, layers, both = spec.bias, spec.layers, spec.directions == 2
        # Without "train" the fused libraries keep nothing for the backward pass. Dropout is 0 in
        # evaluation anyway, so a layer in that mode can be differentiated on cuDNN too.
        dropout, train = spec.dropout, spec.gradient or spec.dropout > 0
        operator = _CELLS[spec.cell]
        begin = state if spec.cell is LSTM else state[0]
        if batch_sizes is None:
            output, *final = operator(x, begin, weights, bias, layers, dropout, train, both, False)
        else:
            output, *final = operator(
                x, batch_sizes, begin, weights, bias, layers, dropout, train, both
            )
        return output, tuple(final)


def step(cell: Cell, x: Tensor, state: State, weights: Weights) -> State:
    """The state after one step through torch's own operator, for weights without a projection."""
    tensors = weights[:4]
    if cell is LSTM:
        h, c = torch.lstm_cell(x, state, *tensors)
        return h, c
    if cell is GRU:
        return (torch.gru_cell(x, state[0], *tensors),)
    if cell is RNN_TANH:
        return (torch.rnn_tanh_cell(x, state[0], *tensors),)
    return (torch.rnn_relu_cell(x, state[0], *tensors),)


def flatten_weights(
    cell: Cell,
    tensors: list[Tensor],
    *,
    tensors_per_pass: int,
    input_size: int,
    hidden_size: int,
    projection: int,
    layers: int,
    bidirectional: bool,
) -> None:
    """Move a stack's weights into one piece of memory, as cuDNN wants them; elsewhere do nothing.

    The tensors are all the stack's weights in torch's order, changed in place.
    """
    if cell not in _CELLS:
        return
    first = tensors[0]
    if not all(tensor.is_cuda and tensor.dtype == first.dtype for tensor in tensors):
        return
    if len({tensor.data_ptr() for tensor in tensors}) != len(tensors):
        return  # a weight used twice cannot lie in two places
    if not cudnn.is_acceptable(first):  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return
    mode = get_cudnn_mode(cell.name.upper())  # type: ignore[no-untyped-call]  # the same
    with torch.cuda.device(first.device), torch.no_grad():
        torch._cudnn_rnn_flatten_weight(
            tensors,
            tensors_per_pass,
            input_size,
            mode,
            hidden_size,
            projection,
            layers,
            False,  # batch_first has no say in the layout
            bidirectional,
        )


BUILTIN = BuiltinKernel()
