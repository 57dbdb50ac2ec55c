"""Every kernel × cell × option × shape × dtype against the equations in float64."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
import torch
from tests.engine.problems import Numbers, label, numbers, problems, run, truth
from torch import Tensor

from holdfast.engine.cells import State
from holdfast.engine.kernels.builtin import BUILTIN
from holdfast.engine.kernels.choose import KERNELS
from holdfast.engine.kernels.contract import Kernel, Problem

CASES = [
    pytest.param(kernel, problem, id=f"{kernel.name}-{label(problem)}")
    for problem in problems()
    for kernel in KERNELS
    if kernel.serves(problem).serves
]

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")
"""torch says once that oneDNN has no projections."""


def results(output: Tensor, state: State, given: Numbers, like: State) -> list[Tensor]:
    """Outputs, final states and the gradients of a loss that weighs each of their values."""
    draw = torch.Generator().manual_seed(9)
    loss = torch.zeros((), dtype=torch.float64)
    for tensor in (output, *state):
        weight = torch.randn(tensor.shape, generator=draw, dtype=torch.float32)
        loss = loss + (tensor * weight.to(tensor.dtype)).sum().double()
    assert len(state) == len(like)
    gradients = torch.autograd.grad(loss, given.leaves(), materialize_grads=True)
    return [output.detach(), *(part.detach() for part in state), *gradients]


def largest_error(found: Iterable[Tensor], expected: Iterable[Tensor]) -> float:
    """The largest error, in units of the last place of the numbers that were added up.

    Those are of order one even where the result is small (1 − tanh² of a saturated unit), so the
    unit is that of the tensor's largest value or of 1, whichever is larger.
    """
    worst = 0.0
    for one, right in zip(found, expected, strict=True):
        assert one.shape == right.shape
        if right.numel():
            ulp = torch.finfo(one.dtype).eps * max(float(right.abs().max()), 1.0)
            worst = max(worst, float((one.double() - right).abs().max()) / ulp)
    return worst


def torch_error(problem: Problem, given: Numbers, right: list[Tensor]) -> float:
    """How far torch's own operator is from the truth; it reads backwards on reversed rows."""
    if not problem.reverse:
        output, state = BUILTIN.forward(
            problem, given.x, given.batch_sizes, given.weights, given.state
        )
        return largest_error(results(output, state, given, given.state), right)
    both = replace(problem, reverse=False, directions=2)
    output, state = BUILTIN.forward(
        both,
        given.x,
        given.batch_sizes,
        given.weights * 2,
        tuple(part.expand(2, -1, -1) for part in given.state),
    )
    backwards = tuple(part[1:] for part in state)
    output = output[..., problem.output_size :]
    return largest_error(results(output, backwards, given, given.state), right)


@pytest.mark.parametrize(("kernel", "problem"), CASES)
def test_kernel_is_as_exact_as_torch(kernel: Kernel, problem: Problem) -> None:
    exact = numbers(problem)
    right = results(*truth(problem, exact), exact, exact.state)
    given = exact.to(problem.dtype)
    found = results(*run(kernel, problem, given), given, given.state)
    torchs = torch_error(problem, exact.to(problem.dtype), right)
    assert largest_error(found, right) <= 1.5 * torchs + 2.0
    # So that both cannot be wrong alike: no result is further off than each of its sums, over rows,
    # steps and units, being rounded once at every step.
    sums = problem.hidden_size + problem.input_size + max(problem.batch, 1)
    assert torchs <= problem.layers * problem.steps * sums


def test_cases_cover_each_kernel_cell_shape_and_option() -> None:
    for kernel in KERNELS:
        mine = [case.values[1] for case in CASES if case.values[0] is kernel]
        for cell in ("lstm", "gru", "rnn_tanh", "rnn_relu"):
            of_cell = [problem for problem in mine if problem.cell.name == cell]
            assert {problem.hidden_size for problem in of_cell} == {1, 3, 17}
            assert {problem.batch for problem in of_cell} == {0, 1, 2, 7}
            assert {problem.steps for problem in of_cell} == {1, 7}
            assert {(problem.ragged, problem.bias, problem.dtype) for problem in of_cell} == {
                (ragged, bias, dtype)
                for ragged in (False, True)
                for bias in (False, True)
                for dtype in (torch.float32, torch.float64)
            }
        assert any(problem.projection for problem in mine)
