"""Faults of the lens: numbers that would look right."""

from __future__ import annotations

from faults.fault import Fault

STEPS = "tests/lens/test_step_jacobians.py::"
JACOBIANS = "tests/lens/test_jacobians.py::"
PAST = "tests/lens/test_past.py::"
COMMAND = "tests/cli/test_inspect_command.py::"
SEQUENCE = "tests/lens/test_lens_sequence.py::"

LENS = "the lens shows what the model does not do"

FAULTS: tuple[Fault, ...] = (
    Fault(
        LENS, "the candidate's slope goes to the forget gate's rows", "lens/step_jacobians.py",
        "d_g[..., None] * gates[-2]", "d_g[..., None] * gates[1]",
        (STEPS + "test_a_step_is_autograds",
         JACOBIANS + "test_a_product_is_autograds_at_every_lag"),
    ),
    Fault(
        LENS, "a clipped cell still has a path", "lens/step_jacobians.py",
        "    path = f * inside\n", "    path = f\n",
        (STEPS + "test_a_clipped_cell_has_no_path",
         STEPS + "test_the_cell_path_of_an_lstm_is_autograds_with_the_gates_held"),
    ),
    Fault(
        LENS, "the Jacobians' lag is off by one", "lens/jacobians.py",
        "yield Product(count, alive, rest,", "yield Product(count + 1, alive, rest,",
        (JACOBIANS + "test_a_product_is_autograds_at_every_lag",),
    ),
    Fault(
        LENS, "the median unit is the largest one", "lens/inspect.py",
        "median_cell=decay.median_cell", "median_cell=decay.cell_path",
        ("tests/lens/test_inspect.py::test_everything_is_measured_of_torchs_own_layer_in_any_state",),
    ),
    Fault(
        LENS, "attributions are counted from the step before", "lens/attribution.py",
        "back = size[: position + 1, row]", "back = size[:position, row]",
        (PAST + "test_attributions_lie_where_the_model_reads_and_are_complete",),
    ),
    Fault(
        LENS, "attributions begin at zero, not at the mean input", "lens/attribution.py",
        "baseline = inputs.mean(dim=(0, 1), keepdim=True).expand_as(inputs).contiguous()",
        "baseline = torch.zeros_like(inputs)",
        (PAST + "test_an_input_that_is_the_mean_explains_nothing",),
    ),
    Fault(
        LENS, "one sequence's attributions begin at zero", "lens/sequence.py",
        "return encoded.mean(dim=0, keepdim=True).expand_as(encoded).contiguous()",
        "return torch.zeros_like(encoded)",
        (SEQUENCE + "test_the_attribution_is_complete",),
    ),
    Fault(
        LENS, "one step too few of the past is taken away", "lens/context.py",
        "cut = np.maximum(at - lag + 1, 0)", "cut = np.maximum(at - lag, 0)",
        (PAST + "test_the_loss_gains_from_as_many_steps_as_the_model_reads",),
    ),
    Fault(
        LENS, "the input gate is held in place of the forget gate", "lens/intervention.py",
        "_KEEPING: Final = 1", "_KEEPING: Final = 0",
        ("tests/lens/test_intervention.py::test_only_the_chosen_gates_are_held",),
    ),
    Fault(
        LENS, "the steps of a forecast are named one point too early",
        "forecasting/inspected_series.py",
        "begins = last + 1 - patch", "begins = last - patch",
        (COMMAND + "test_a_forecaster_is_inspected_on_its_own_histories",),
    ),
)  # fmt: skip
