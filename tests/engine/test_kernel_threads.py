"""The compiled kernels beside other threads: the same numbers, whoever else computes."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.engine.specs import CELLS, FORCED, Numbers, numbers
from torch import Tensor

import holdfast.nn as ours
from holdfast.engine.cells import GRU, LSTM, Cell
from holdfast.engine.kernels.contract import KernelSpec, PassKernel
from holdfast.engine.kernels.cpu import CpuKernel, worthwhile_threads
from holdfast.engine.kernels.reference import REFERENCE

pytestmark = pytest.mark.skipif(not FORCED, reason="no compiled kernels here")

LONGEST = 60
"""Seconds after which a child counts as hanging; it computes for milliseconds."""

TORCHS_GRAIN = 1 << 15
"""Values up to which an elementwise operator of torch runs on one thread."""

every_kernel = pytest.mark.parametrize("kernel", FORCED, ids=lambda kernel: kernel.name)
every_cell = pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def shared_out(
    cell: Cell, dtype: torch.dtype = torch.float32, *, ragged: bool = False
) -> KernelSpec:
    """Enough work, and rows, for eight threads; units and rows fill no vector and no tile.

    And so few numbers that torch computes with them alone: in a child of fork its own operators
    wait for threads that the child has not got.
    """
    torch.set_num_threads(8)
    spec = KernelSpec(cell, 40, 23, 5, 33, dtype, "cpu", ragged=ragged, reverse=ragged)
    assert spec.steps * spec.batch * spec.hidden_size < TORCHS_GRAIN
    assert worthwhile_threads(spec) == 8
    return spec


def everything(kernel: PassKernel, spec: KernelSpec, given: Numbers) -> dict[str, list[Tensor]]:
    """Outputs and states; gradients of inputs and states; those of the weights."""
    inputs = given.inputs()._replace(
        x=given.x.detach(),
        weights=tuple(map(torch.detach, given.weights)),
        state=tuple(map(torch.detach, given.state)),
    )
    output, final, saved = kernel.forward(spec, inputs)
    draw = torch.Generator().manual_seed(9)
    loss = [
        torch.randn(part.shape, generator=draw, dtype=torch.float32).to(part.dtype)
        for part in (output, *final)
    ]
    gradients = kernel.backward(spec, saved, loss[0], tuple(loss[1:]))
    assert gradients.x is not None
    return {
        "forward": [output, *final],
        "backward": [gradients.x, *gradients.state],
        "weights": list(gradients.weights),
    }


def equal(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@every_kernel
@every_cell
@pytest.mark.parametrize(
    ("dtype", "ragged"),
    [(torch.float32, False), (torch.float64, True)],
    ids=["float-dense", "double-ragged"],
)
def test_the_loop_gives_the_same_bits_on_any_number_of_threads(
    kernel: CpuKernel, cell: Cell, dtype: torch.dtype, ragged: bool
) -> None:
    spec = shared_out(cell, dtype, ragged=ragged)
    given = numbers(spec).to(dtype)
    found = {}
    for threads in (1, 2, 8):
        torch.set_num_threads(threads)
        assert worthwhile_threads(spec) == threads
        found[threads] = everything(kernel, spec, given)
        again = everything(kernel, spec, given)
        # The weights' gradients are summed thread by thread, so their bits are those of a count.
        for part, tensors in found[threads].items():
            assert equal(tensors, again[part]), (threads, part)
    rows = given.x.shape[:-1].numel()
    for threads in (2, 8):
        assert equal(found[threads]["forward"], found[1]["forward"])
        assert equal(found[threads]["backward"], found[1]["backward"])
        for mine, alone in zip(found[threads]["weights"], found[1]["weights"], strict=True):
            # However `rows` numbers are bracketed, each addition rounds once.
            largest = float(alone.abs().max())
            assert float((mine - alone).abs().max()) <= rows * torch.finfo(dtype).eps * largest


@every_kernel
def test_calls_from_several_python_threads_do_not_disturb_each_other(kernel: CpuKernel) -> None:
    specs = [shared_out(cell, ragged=ragged) for cell in CELLS for ragged in (False, True)]
    tasks = [(spec, numbers(spec, seed).to(torch.float32))
             for spec in specs for seed in (0, 1)]  # fmt: skip
    torch.set_num_threads(2)
    alone = [everything(kernel, *task) for task in tasks]

    def run(task: tuple[KernelSpec, Numbers]) -> dict[str, list[Tensor]]:
        torch.set_num_threads(2)
        return everything(kernel, *task)

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(run, tasks))
    for one, other in zip(together, alone, strict=True):
        assert all(equal(one[part], other[part]) for part in other)


def in_a_child(work: Callable[[], bool]) -> None:
    """Fork, and see the child end with True."""
    ended = multiprocessing.get_context("fork").Process(target=_told, args=(work,))
    ended.start()
    ended.join(LONGEST)
    hangs = ended.is_alive()
    if hangs:
        ended.kill()
        ended.join()
    assert not hangs, "the child hangs"
    assert ended.exitcode == 0, "the child has other numbers than its parent"


def _told(work: Callable[[], bool]) -> None:
    raise SystemExit(0 if work() else 1)


@every_kernel
@pytest.mark.parametrize("cell", [LSTM, GRU], ids=lambda cell: cell.name)
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_computes_and_has_its_parents_numbers(kernel: CpuKernel, cell: Cell) -> None:
    spec = shared_out(cell)
    given = numbers(spec).to(torch.float32)
    found = everything(kernel, spec, given)  # from here on there is a pool of threads
    torch.set_num_threads(1)
    weights = everything(kernel, spec, given)["weights"]
    torch.set_num_threads(8)

    def work() -> bool:
        mine = everything(kernel, spec, given)
        same = all(equal(mine[part], found[part]) for part in ("forward", "backward"))
        return same and equal(mine["weights"], weights)

    in_a_child(work)
    assert equal(everything(kernel, spec, given)["forward"], found["forward"])


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_stepper_goes_on_in_a_forked_child() -> None:
    torch.set_num_threads(8)
    rows, inputs, units = 64, 8, 64
    layer = ours.LSTM(inputs, units, num_layers=2)
    assert worthwhile_threads(KernelSpec(LSTM, 1, rows, inputs, units, torch.float32, "cpu")) == 8
    x = torch.randn(6, rows, inputs)
    expected = [output.clone() for output in _steps(layer.stepper(rows), x)]
    stepper = layer.stepper(rows)
    _steps(stepper, x[:3])

    def work() -> bool:
        return equal(_steps(stepper, x[3:]), expected[3:])

    in_a_child(work)
    assert equal(_steps(stepper, x[3:]), expected[3:])


def _steps(stepper: ours.Stepper, x: Tensor) -> list[Tensor]:
    return [stepper.step(x_t).clone() for x_t in x]


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux's list of libraries")
def test_there_is_one_pool_of_threads_torchs() -> None:
    """In a process of its own, since other packages (scikit-learn) bring pools with them."""
    script = (
        "import pathlib, torch\n"
        "from holdfast.nn import LSTM, explain\n"
        "layer = LSTM(8, 64)\n"
        "assert explain(layer, steps=20, batch=64).kernel == 'cpu'\n"
        "layer(torch.randn(20, 64, 8))[0].sum().backward()\n"
        "lines = pathlib.Path('/proc/self/maps').read_text().split()\n"
        "found = {pathlib.Path(word).resolve() for word in lines\n"
        "         if 'libgomp' in word or 'libomp' in word}\n"
        "assert len(found) == 1, found"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@every_kernel
@every_cell
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf], ids=["nan", "inf", "minus"])
def test_what_is_not_finite_stays_in_its_row_and_reaches_output_and_gradients_there(
    kernel: CpuKernel, cell: Cell, value: float
) -> None:
    torch.set_num_threads(1)
    spec = KernelSpec(cell, 7, 11, 3, 17, torch.float32, "cpu")
    given = numbers(spec).to(torch.float32)
    row, step = 4, 3
    x = given.x.detach().clone()
    x[step, row, 1] = value
    broken = replace(given, x=x)
    clean, mine = everything(kernel, spec, given), everything(kernel, spec, broken)
    theirs = everything(REFERENCE, spec, broken)
    others = [index for index in range(spec.batch) if index != row]
    for part in ("forward", "backward"):
        for one, whole in zip(mine[part], clean[part], strict=True):
            assert torch.equal(one[:, others], whole[:, others])
    output, grad_x = mine["forward"][0], mine["backward"][0]
    assert torch.equal(output[:step, row], clean["forward"][0][:step, row])
    if value != value:
        assert output[step:, row].isnan().all()
        # max(0, NaN) is NaN, and torch hands what comes from above on through it.
        assert cell.name == "rnn_relu" or grad_x[: step + 1, row].isnan().all()
    for part, tensors in theirs.items():
        for one, right in zip(mine[part], tensors, strict=True):
            assert torch.equal(one.isfinite(), right.isfinite()), part
            if part != "weights":
                assert torch.equal(one.isnan(), right.isnan()), part
            # Each sum, over units, inputs and rows, is rounded once at every step, in both.
            there = right[right.isfinite()]
            largest = max(1.0, float(there.abs().max())) if there.numel() else 1.0
            roundings = 2 * spec.steps * (17 + 3 + 11)
            error = (one[right.isfinite()] - there).abs().max() if there.numel() else 0.0
            assert float(error) <= roundings * torch.finfo(torch.float32).eps * largest, part
