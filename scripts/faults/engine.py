"""Faults of the equations, the kernels and the layers."""

from __future__ import annotations

from faults.fault import Fault

CELLS = "tests/engine/test_cells.py::"
START = "tests/nn/test_initialisation.py::"
PARITY = "tests/nn/test_parity.py::"
LENGTHS = "tests/nn/test_lengths.py::"

SEGMENTS = "tests/engine/test_recompute.py::"
LONG = "tests/nn/test_long_sequences.py::"
STEP = "tests/nn/test_one_step.py::"
TRACE = "tests/nn/test_trace.py::"

GATES = "a gate is wrong"
KERNEL = "a kernel is wrong"
INSIDE = "a long sequence, a stream or a trace is wrong"

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
        "h = torch.tanh(preactivation(x, h, weights))",
        "h = torch.tanh(preactivation(x, torch.zeros_like(h), weights))",
        (CELLS + "test_rnn_is_the_equation_worked_out_by_hand",),
    ),
    Fault(
        GATES, "RNN with relu: what is negative stays", "engine/cells/rnn.py",
        "h = torch.relu(preactivation(x, h, weights))", "h = preactivation(x, h, weights).abs()",
        (CELLS + "test_rnn_is_the_equation_worked_out_by_hand",),
    ),
    Fault(
        GATES, "LSTM: a fresh forget gate is half open", "nn/initialisation.py",
        "    f.copy_(forget)\n", "    f.zero_()\n",
        (START + "test_forget_gates_hold_the_timescales_and_input_gates_open_less",
         START + "test_a_fresh_lstm_remembers_and_does_not_saturate"),
    ),
    Fault(
        KERNEL, "the biases reach the equations in the wrong order", "engine/kernels/contract.py",
        "bias_ih, bias_hh = rest[:2]", "bias_hh, bias_ih = rest[:2]",
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
    Fault(
        INSIDE, "the gradient of the state stops at a segment's border", "engine/recompute.py",
        "for part, new in zip(segment.of(now), of_before, strict=True):",
        "for part, new in zip(segment.of(now), segment.of(now), strict=True):",
        (SEGMENTS + "test_outputs_states_and_gradients_are_those_of_all_steps_at_once",
         SEGMENTS + "test_a_loss_on_the_last_state_alone"),
    ),
    Fault(
        INSIDE, "a segment begins from the state of the first one", "engine/recompute.py",
        "before = segment.of(tuple(border[index : index + 1] for border in borders))",
        "before = segment.of(tuple(border[:1] for border in borders))",
        (SEGMENTS + "test_outputs_states_and_gradients_are_those_of_all_steps_at_once",
         LONG + "test_two_thousand_steps_to_1e_12"),
    ),
    Fault(
        INSIDE, "weights learn from the first segment only", "engine/recompute.py",
        "total += part", "total.copy_(part)",
        (SEGMENTS + "test_outputs_states_and_gradients_are_those_of_all_steps_at_once",),
    ),
    Fault(
        INSIDE, "a pass that reads backwards is cut in forward order", "engine/recompute.py",
        "for start in reversed(starts) if problem.reverse else starts:", "for start in starts:",
        (SEGMENTS + "test_outputs_states_and_gradients_are_those_of_all_steps_at_once",),
    ),
    Fault(
        INSIDE, "recompute is not heard", "nn/stack.py",
        "segment >= problem.steps", "segment > 0",
        (LONG + "test_segments_are_really_cut",),
    ),
    Fault(
        INSIDE, "a stream forgets", "nn/one_step.py",
        "    if state is None:\n", "    if True:\n",
        (STEP + "test_a_stream_is_the_sequence",),
    ),
    Fault(
        INSIDE, "a step drops out", "nn/one_step.py",
        "dropout=0.0, by_equations=True", "by_equations=True",
        (STEP + "test_dropout_is_left_out_of_a_step_in_training_too",),
    ),
    Fault(
        INSIDE, "a trace reads the reverse direction forwards", "nn/tracing.py",
        "    if not reverse:\n", "    if True:\n",
        (TRACE + "test_gates_are_those_worked_out_by_hand",),
    ),
    Fault(
        INSIDE, "a trace's input and forget gate change places", "nn/tracing.py",
        "return i, f, o, g, c, h", "return f, i, o, g, c, h",
        (TRACE + "test_gates_are_those_worked_out_by_hand",
         TRACE + "test_hidden_is_the_output_and_every_step_follows_from_the_one_before"),
    ),
    Fault(
        INSIDE, "a trace shows gates behind the end of a row", "nn/tracing.py",
        "return tuple(tensor.masked_fill(beyond, 0.0) for tensor in tensors)", "return tensors",
        (TRACE + "test_hidden_is_the_output_and_every_step_follows_from_the_one_before",),
    ),
)  # fmt: skip
