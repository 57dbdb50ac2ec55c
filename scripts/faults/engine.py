"""Faults of the equations, the kernels and the layers."""

from __future__ import annotations

from faults.fault import Fault

CELLS = "tests/engine/test_cells.py::"
START = "tests/nn/test_initialisation.py::"
CONTRACT = "tests/engine/test_contract.py::"
BY_HAND = "tests/engine/test_cell_variants.py::"
MASKS = "tests/engine/test_masks.py::"
VARIANTS = "tests/nn/test_variants.py::"
CHANCE, STACKS = "tests/nn/test_chance.py::", "tests/nn/test_stacks.py::"
INSIDE_VARIANTS = "tests/nn/test_variants_inside.py::"
PARITY = "tests/nn/test_parity.py::"
LENGTHS = "tests/nn/test_lengths.py::"

SEGMENTS = "tests/engine/test_recompute.py::"
LONG = "tests/nn/test_long_sequences.py::"
STEP = "tests/nn/test_one_step.py::"
TRACE = "tests/nn/test_trace.py::"

GATES = "a gate is wrong"
KERNEL = "a kernel is wrong"
INSIDE = "a long sequence, a stream or a trace is wrong"
VARIANT = "a variant is wrong"
_EQUATIONS = (BY_HAND + "test_each_variant_is_its_equations_worked_out_by_hand",)

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
        "h = torch.relu(preactivation(x, h, weights, masks))",
        "h = preactivation(x, h, weights, masks).abs()",
        (CELLS + "test_rnn_is_the_equation_worked_out_by_hand",),
    ),
    Fault(
        GATES, "LSTM: a fresh forget gate is half open", "nn/initialisation.py",
        "    f.copy_(forget)\n", "    f.zero_()\n",
        (START + "test_forget_gates_hold_the_timescales_and_input_gates_open_less",
         START + "test_a_fresh_lstm_remembers_and_does_not_saturate"),
    ),
    Fault(
        KERNEL, "the biases come in the wrong order", "engine/cells/cell.py",
        'shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}',
        'shapes |= {"bias_hh": (rows,), "bias_ih": (rows,)}',
        (PARITY + "test_state_dicts_load_both_ways",),
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
        (CONTRACT + "test_no_result_is_further_off_than_its_sums_may_be_rounded",),
    ),
    Fault(
        KERNEL, "built-in kernel: the state to begin with is not read",
        "engine/kernels/builtin.py",
        "x, state[0], weights, bias, layers, dropout, train, both, False",
        "x, torch.zeros_like(state[0]), weights, bias, layers, dropout, train, both, False",
        (CONTRACT + "test_no_result_is_further_off_than_its_sums_may_be_rounded",),
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
    Fault(
        VARIANT, "peephole of the output gate: the old cell state is seen", "engine/cells/lstm.py",
        "a_o = a_o + p_o * c", "a_o = a_o + p_o * old_c", _EQUATIONS,
    ),
    Fault(
        VARIANT, "peepholes of i and f change places", "engine/cells/lstm.py",
        "p_i, p_f, p_o = weights", "p_f, p_i, p_o = weights", _EQUATIONS,
    ),
    Fault(
        VARIANT, "coupled gates: both open together", "engine/cells/lstm.py",
        "f = 1 - i", "f = i", _EQUATIONS,
    ),
    Fault(
        VARIANT, "clipping leaves what is negative", "engine/cells/lstm.py",
        "c.clamp(-options.cell_clip, options.cell_clip)", "c.clamp(max=options.cell_clip)",
        _EQUATIONS,
    ),
    Fault(
        VARIANT, "layer normalisation of the GRU takes all gates together", "engine/cells/gru.py",
        "_NORMED_TOGETHER = (2, 1)", "_NORMED_TOGETHER = (1,)", _EQUATIONS,
    ),
    Fault(
        VARIANT, "zoneout keeps what it shall renew", "engine/cells/zoneout.py",
        "torch.where(new, after, before)", "torch.where(new, before, after)", _EQUATIONS,
    ),
    Fault(
        VARIANT, "zoneout in evaluation: the shares change places", "engine/cells/zoneout.py",
        "share * before + (1 - share) * after", "share * after + (1 - share) * before",
        (*_EQUATIONS, BY_HAND + "test_zoneout_in_training_is_its_expectation_on_average"),
    ),
    Fault(
        VARIANT, "recurrent dropout does not enlarge what stays", "engine/cells/masks.py",
        "kept[0].to(like.dtype) * (1.0 / (1.0 - share))", "kept[0].to(like.dtype)",
        (MASKS + "test_reading_in_blocks_is_reading_at_once",
         CHANCE + "test_recurrent_dropout_hides_the_same_units_at_all_steps"),
    ),
    Fault(
        VARIANT, "Threefry: a rotation is another one", "engine/cells/masks.py",
        "(13, 15, 26, 6)", "(13, 15, 26, 7)",
        (MASKS + "test_threefry_gives_the_published_answers",),
    ),
    Fault(
        VARIANT, "masks of all layers are the same", "nn/stack.py",
        "layer=masks.layer + layer,", "layer=masks.layer,",
        (CHANCE + "test_layers_and_directions_have_masks_of_their_own",),
    ),
    Fault(
        VARIANT, "the derivative draws other masks", "engine/kernels/reference.py",
        "            tape.masks,\n", "            None,\n",
        (BY_HAND + "test_the_derivative_sees_the_masks_of_the_pass",),
    ),
    Fault(
        VARIANT, "sLSTM: the normaliser does not forget", "engine/cells/slstm.py",
        "n = f * n + i", "n = n + i", _EQUATIONS,
    ),
    Fault(
        VARIANT, "sLSTM: an empty cell keeps the scale 0", "engine/cells/slstm.py",
        "torch.where(n == 0, -torch.inf, log_f + m)", "log_f + m",
        (BY_HAND + "test_an_slstm_that_has_seen_nothing_is_not_hurt_by_closed_gates",),
    ),
    Fault(
        VARIANT, "sLSTM: heads see each other's units", "engine/cells/products.py",
        '"bku,gkvu->bgkv"', '"bku,gkuv->bgkv"', _EQUATIONS,
    ),
    Fault(
        VARIANT, "weight drop drops nothing", "nn/variants.py",
        'dropout(weight, share) if name.startswith("weight_hh") else weight', "weight",
        (CHANCE + "test_weight_drop_takes_its_share_of_the_recurrent_weights_and_their_gradient",
         VARIANTS + "test_every_option_changes_what_training_computes"),
    ),
    Fault(
        VARIANT, "residual stacks: what is added is what dropout left", "nn/stack.py",
        "x = x + output if residual and layer else output",
        "x = read + output if residual and layer else output",
        (STACKS + "test_residuals_are_added_as_they_were_before_dropout",),
    ),
    Fault(
        VARIANT, "every segment draws the masks of the first one", "engine/recompute.py",
        "first_step=masks.first_step + self.start", "first_step=masks.first_step",
        (INSIDE_VARIANTS + "test_segments_draw_the_masks_of_the_plain_call",),
    ),
    Fault(
        VARIANT, "a compiled layer draws the same masks in every call", "engine/operator.py",
        "Masks(int(seed), place[0], place[1])", "Masks(0, place[0], place[1])",
        (INSIDE_VARIANTS + "test_compiled_layers_have_the_numbers_and_the_chance",),
    ),
    Fault(
        VARIANT, "a trace shows the gates of the plain cell", "nn/tracing.py",
        "lstm.advance(one.x, one.before, one.weights, one.options)",
        "lstm.advance(one.x, one.before, one.weights)",
        (INSIDE_VARIANTS + "test_a_trace_of_an_lstm_shows_the_gates_that_acted",
         INSIDE_VARIANTS + "test_a_trace_of_coupled_gates_shows_both"),
    ),
    Fault(
        VARIANT, "torch's operators take variants for plain layers", "engine/kernels/builtin.py",
        "        if problem.options.changed:\n", "        if False:\n",
        (CONTRACT + "test_no_fused_kernel_takes_a_variant_that_it_does_not_know",),
    ),
    Fault(
        VARIANT, "dilation: the queue of a reverse layer is turned round", "nn/dilation.py",
        "dilation - 1 - place", "place",
        (STACKS + "test_dilated_layers_read_the_state_so_many_steps_back",),
    ),
)  # fmt: skip
