"""Faults of the equations, the kernels and the layers."""

from __future__ import annotations

from faults.fault import Fault

CELLS = "tests/engine/test_cells.py::"
START = "tests/nn/test_initialisation.py::"
PARITY = "tests/nn/test_parity.py::"
LENGTHS = "tests/nn/test_lengths.py::"

GATES = "a gate is wrong"
KERNEL = "a kernel is wrong"

FAULTS: tuple[Fault, ...] = (
    Fault(
        GATES, "LSTM: forget and input gate change places", "engine/cells/lstm.py",
        "c = f * c + i * g", "c = i * c + f * g",
        (CELLS + "test_lstm_is_the_equations_worked_out_by_hand",
         CELLS + "test_cells_agree_with_torch_cells"),
    ),
    Fault(
        GATES, "LSTM: the output gate is missing", "engine/cells/lstm.py",
        "h = o * torch.tanh(c)", "h = torch.tanh(c)",
        (CELLS + "test_lstm_is_the_equations_worked_out_by_hand",),
    ),
    Fault(
        GATES, "LSTM: gates are read in another order than torch's", "engine/cells/lstm.py",
        "a_i, a_f, a_g, a_o = a.chunk(4, dim=-1)", "a_i, a_f, a_o, a_g = a.chunk(4, dim=-1)",
        (CELLS + "test_lstm_is_the_equations_worked_out_by_hand",),
    ),
    Fault(
        GATES, "GRU: the update gate is the wrong way round", "engine/cells/gru.py",
        "h = (1 - z) * n + z * h", "h = z * n + (1 - z) * h",
        (CELLS + "test_gru_is_the_equations_worked_out_by_hand",
         CELLS + "test_cells_agree_with_torch_cells"),
    ),
    Fault(
        GATES, "GRU: the reset gate is missing", "engine/cells/gru.py",
        "n = torch.tanh(x_n + r * h_n)", "n = torch.tanh(x_n + h_n)",
        (CELLS + "test_gru_is_the_equations_worked_out_by_hand",),
    ),
    Fault(
        GATES, "RNN with tanh: the state before is not read", "engine/cells/rnn.py",
        "h = torch.tanh(preactivation(x, h, weights, masks))",
        "h = torch.tanh(preactivation(x, torch.zeros_like(h), weights, masks))",
        (CELLS + "test_rnn_is_the_equation_worked_out_by_hand",),
    ),
    Fault(
        GATES, "RNN with relu: what is negative stays", "engine/cells/rnn.py",
        "h = torch.relu(preactivation(x, h, weights, masks))", "h = preactivation(x, h, weights, masks).abs()",
        (CELLS + "test_rnn_is_the_equation_worked_out_by_hand",),
    ),
    Fault(
        GATES, "LSTM: a fresh forget gate is half open", "nn/initialisation.py",
        "    f.copy_(forget)\n", "    f.zero_()\n",
        (START + "test_forget_gates_hold_the_timescales_and_input_gates_open_less",
         START + "test_a_fresh_lstm_remembers_and_does_not_saturate"),
    ),
    Fault(
        KERNEL, "the biases reach the equations in the wrong order", "engine/cells/cell.py",
        'shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}',
        'shapes |= {"bias_hh": (rows,), "bias_ih": (rows,)}',
        (PARITY + "test_the_equations_give_the_same_numbers",),
    ),
    Fault(
        KERNEL, "reference kernel: a row that has ended loses its state",
        "engine/kernels/reference.py",
        "torch.cat([new, old[rows:]])", "torch.cat([new, torch.zeros_like(old[rows:])])",
        (PARITY + "test_the_equations_give_the_same_numbers",),
    ),
    Fault(
        KERNEL, "built-in kernel: h and c change places", "engine/kernels/builtin.py",
        "return output, (h, c)", "return output, (c, h)",
        (PARITY + "test_outputs_and_gradients_are_those_of_torch",),
    ),
    Fault(
        KERNEL, "built-in kernel: the state to begin with is not read",
        "engine/kernels/builtin.py",
        "x, state[0], weights, bias, layers, dropout, train, both, False",
        "x, torch.zeros_like(state[0]), weights, bias, layers, dropout, train, both, False",
        (PARITY + "test_outputs_and_gradients_are_those_of_torch",),
    ),
    Fault(
        KERNEL, "a batch with one full row counts as full", "nn/lengths.py",
        "if bool((counts == steps).all()):", "if bool((counts == steps).any()):",
        (LENGTHS + "test_each_row_gives_what_it_gives_alone",
         LENGTHS + "test_what_lies_in_the_padding_has_no_say"),
    ),
    Fault(
        KERNEL, "final states of a ragged batch stay sorted by length", "nn/recurrent.py",
        "final = tuple(part.index_select(1, unsorted_indices) for part in final)",
        "final = tuple(part for part in final)",
        (LENGTHS + "test_each_row_gives_what_it_gives_alone",
         PARITY + "test_packed_sequences_are_those_of_torch"),
    ),
)  # fmt: skip
