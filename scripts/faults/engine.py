"""Faults of the engine: equations, kernels, derivatives, masks, segments."""

from __future__ import annotations

from typing import Any

import torch

from faults.fault import Fault, changed, reads, returns

CELLS = "tests/engine/test_cells.py::"
LSTM_BY_HAND = (CELLS + "test_lstm_is_the_equations_worked_out_by_hand",)
GRU_BY_HAND = (CELLS + "test_gru_is_the_equations_worked_out_by_hand",)
VARIANTS = "tests/engine/test_cell_variants.py::"
VARIANTS_BY_HAND = (VARIANTS + "test_each_variant_is_its_equations_worked_out_by_hand",)
CONTRACT = "tests/engine/test_contract.py::"
AS_TORCH = ("tests/nn/test_parity.py::test_outputs_and_gradients_are_those_of_torch",)
SEGMENTS = "tests/engine/test_recompute.py::"
SEGMENTS_EQUAL = (SEGMENTS + "test_outputs_states_and_gradients_are_those_of_all_steps_at_once",)

GATE = "a gate is wrong"
VARIANT = "a variant is wrong"
KERNEL = "a kernel is wrong"
SEGMENT = "a long sequence is not the plain one"


def rows(weights: Any, order: list[int], names: tuple[str, ...]) -> Any:
    """Weights whose gates' blocks of rows stand in another order."""

    def moved(tensor: Any) -> Any:
        if tensor is None:
            return None
        return torch.cat([tensor.chunk(len(order))[place] for place in order])

    return changed(weights, **{name: moved(getattr(weights, name)) for name in names})


PLAIN = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def lstm_gates_change_places(weights: Any, given: Any) -> Any:
    """Forget and input gate have each other's weights."""
    return weights if given.options.coupled else rows(weights, [1, 0, 2, 3], PLAIN)


def coupled_gates_open_together(found: Any, given: Any) -> Any:
    """What is let in is also what is kept: f = i in place of 1 − i."""
    if not given.options.coupled:
        return found
    gates, (h, c) = found
    return gates, (h, c + (2 * gates.i - 1) * given.state[1])


def peepholes_change_places(weights: Any, given: Any) -> Any:
    """Input and forget gate look through each other's peepholes."""
    if weights.weight_peephole is None or given.options.coupled:
        return weights
    return rows(weights, [1, 0, 2], ("weight_peephole",))


def normaliser_keeps_everything(found: Any, given: Any) -> Any:
    """The sLSTM's normaliser adds up what came in without forgetting."""
    gates, (h, c, _, m) = found
    return gates, (h, c, given.state[2] + gates.i, m)


def forget_learns_as_input(found: Any, given: Any) -> Any:
    """The forget gate's rows of W_hh's gradient are those of the input gate."""
    if given.spec.cell.name != "lstm" or given.spec.options.coupled:
        return found
    weights = list(found.weights)
    weights[1] = torch.cat([weights[1].chunk(4)[place] for place in (0, 0, 2, 3)])
    return changed(found, weights=tuple(weights))


def final_state_of_the_next_row(found: Any, _: Any) -> Any:
    """Every row's final state is that of its neighbour."""
    output, state, saved = found
    return output, tuple(part.roll(1, 1) for part in state), saved


def another_seed(inputs: Any, _: Any) -> Any:
    """The kernel draws its masks from the seed behind the one it is given."""
    masks = inputs.masks
    return inputs if masks is None else changed(inputs, masks=changed(masks, seed=masks.seed + 1))


def zeros_in_place_of(part: Any) -> Any:
    """Zeros that are differentiated where the part of the state was."""
    return torch.zeros_like(part).requires_grad_(part.requires_grad)


FAULTS: tuple[Fault, ...] = (
    Fault(
        GATE, "LSTM: forget and input gate change places",
        "holdfast.engine.cells.lstm:advance", reads(weights=lstm_gates_change_places),
        LSTM_BY_HAND,
    ),
    Fault(
        GATE, "GRU: the update gate is the wrong way round",
        "holdfast.engine.cells.gru:gates",
        returns(lambda found, _: changed(found, z=1 - found.z)),
        GRU_BY_HAND,
    ),
    Fault(
        GATE, "RNN: the state before is not read",
        "holdfast.engine.cells.rnn:preactivation", reads(h=lambda h, _: torch.zeros_like(h)),
        (CELLS + "test_rnn_is_the_equation_worked_out_by_hand",),
    ),
    Fault(
        GATE, "sLSTM: the normaliser does not forget",
        "holdfast.engine.cells.slstm:advance", returns(normaliser_keeps_everything),
        VARIANTS_BY_HAND,
    ),
    Fault(
        VARIANT, "peepholes of input and forget gate change places",
        "holdfast.engine.cells.lstm:advance", reads(weights=peepholes_change_places),
        VARIANTS_BY_HAND,
    ),
    Fault(
        VARIANT, "coupled gates open together",
        "holdfast.engine.cells.lstm:advance", returns(coupled_gates_open_together),
        VARIANTS_BY_HAND,
    ),
    Fault(
        VARIANT, "the cell is not clipped",
        "holdfast.engine.cells.lstm:advance",
        reads(options=lambda options, _: changed(options, cell_clip=None)),
        VARIANTS_BY_HAND,
    ),
    Fault(
        VARIANT, "layer normalisation takes the gates and the candidate of a GRU together",
        "holdfast.engine.cells.operations:normalised", reads(groups=lambda *_: (1,)),
        VARIANTS_BY_HAND,
    ),
    Fault(
        VARIANT, "zoneout keeps what it should renew",
        "holdfast.engine.cells.operations:zoneout",
        reads(
            before=lambda before, given: given.after if given.share else before,
            after=lambda after, given: given.before if given.share else after,
        ),
        VARIANTS_BY_HAND,
    ),
    Fault(
        VARIANT, "recurrent dropout does not enlarge what stays",
        "holdfast.engine.cells.operations:from_state",
        reads(masks=lambda masks, _: changed(masks,
            recurrent=None if masks.recurrent is None else (masks.recurrent > 0).to(torch.float64)
        )),
        VARIANTS_BY_HAND,
    ),
    Fault(
        KERNEL, "compiled LSTM: the forget gate learns as the input gate",
        "holdfast.engine.kernels.cpu:CpuKernel.backward", returns(forget_learns_as_input),
        AS_TORCH,
    ),
    Fault(
        KERNEL, "compiled kernel: reverse passes are read forwards",
        "holdfast.engine.kernels.cpu:CpuKernel.forward",
        reads(spec=lambda spec, _: changed(spec, reverse=False)),
        AS_TORCH,
    ),
    Fault(
        KERNEL, "compiled kernel: a row's final state is its neighbour's",
        "holdfast.engine.kernels.cpu:CpuKernel.forward", returns(final_state_of_the_next_row),
        AS_TORCH,
    ),
    Fault(
        KERNEL, "compiled kernel: it draws other masks than the equations",
        "holdfast.engine.kernels.cpu:CpuKernel.forward", reads(inputs=another_seed),
        ("tests/nn/test_variants_inside.py::test_the_equations_draw_the_same_masks",),
    ),
    Fault(
        SEGMENT, "every segment begins from zeros",
        "holdfast.engine.recompute:Segment.inputs",
        reads(state=lambda state, _: tuple(map(zeros_in_place_of, state))),
        SEGMENTS_EQUAL,
    ),
    Fault(
        SEGMENT, "the gradient stops at a segment's border",
        "holdfast.engine.recompute:_backward_again",
        returns(lambda found, _: (*found[:2], tuple(map(torch.zeros_like, found[2])))),
        (*SEGMENTS_EQUAL, SEGMENTS + "test_a_loss_on_the_last_state_alone"),
    ),
)  # fmt: skip
