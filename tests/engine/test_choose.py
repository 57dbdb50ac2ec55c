"""The choice of a kernel: pure, explained, and never a way around an error."""

from __future__ import annotations

import ctypes
from dataclasses import replace

import pytest
import torch

from holdfast.engine.cells import LSTM, Cell
from holdfast.engine.kernels import choose as choosing
from holdfast.engine.kernels import cpu
from holdfast.engine.kernels.builtin import BUILTIN
from holdfast.engine.kernels.choose import choose
from holdfast.engine.kernels.contract import KernelSpec, Verdict
from holdfast.engine.kernels.cpu import CPU, LARGEST_HIDDEN
from holdfast.engine.kernels.reference import REFERENCE, ReferenceKernel

STACK = KernelSpec(LSTM, 7, 2, 3, 4, torch.float32, "cpu", layers=2, directions=2, dropout=0.5)


def test_stacks_go_to_our_own_kernel_pass_by_pass() -> None:
    if isinstance(cpu.load(), str):
        pytest.skip("no compiled kernels here")
    choice = choose(STACK)
    assert choice.kernel is CPU
    assert not choice.whole
    assert choice.reason.startswith("cpu: ")


def test_what_our_own_kernel_refuses_goes_to_torch_in_one_call() -> None:
    choice = choose(replace(STACK, device="cuda"))
    assert choice.kernel is BUILTIN
    assert choice.whole
    assert choice.reason.startswith(
        "builtin: torch's fused operator runs the whole stack in one call"
    )
    assert choose(replace(STACK, dtype=torch.bfloat16)).kernel is BUILTIN
    assert choose(replace(STACK, hidden_size=LARGEST_HIDDEN + 1)).kernel is BUILTIN


def test_without_the_library_everything_goes_to_torch_and_the_reason_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cpu, "load", lambda: "HOLDFAST_NATIVE=0 switches them off")
    uncached = choosing._first_serving.__wrapped__
    monkeypatch.setattr(choosing, "_first_serving", uncached)
    choice = choose(STACK)
    assert choice.kernel is BUILTIN
    assert "not cpu: HOLDFAST_NATIVE=0 switches them off" in choice.reason


def test_the_equations_are_run_pass_by_pass_where_they_are_asked_for() -> None:
    choice = choose(replace(STACK, by_equations=True))
    assert choice.kernel is REFERENCE
    assert not choice.whole
    assert "not builtin: the equations themselves were asked for" in choice.reason


def test_a_cell_that_torch_does_not_know_goes_to_the_reference() -> None:
    cell = Cell(name="own", gates=LSTM.gates, parts=LSTM.parts, step=LSTM.step)
    choice = choose(replace(STACK, cell=cell))
    assert choice.kernel is REFERENCE
    assert "torch has no operator for own" in choice.reason


def test_a_lone_reverse_pass_goes_to_the_reference() -> None:
    reverse = replace(STACK.passes()[1], hidden_size=LARGEST_HIDDEN + 1)
    assert reverse.reverse
    assert choose(reverse).kernel is REFERENCE
    assert choose(reverse).whole


def test_passes_of_a_stack_know_what_they_read() -> None:
    assert [part.input_size for part in STACK.passes()] == [3, 3, 8, 8]
    assert [part.reverse for part in STACK.passes()] == [False, True, False, True]
    assert all(part.is_pass and part.dropout == 0.0 for part in STACK.passes())
    projected = replace(STACK, projection=2)
    assert [part.input_size for part in projected.passes()] == [3, 3, 4, 4]


def test_a_spec_that_nothing_serves_is_an_error_that_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Refusing(ReferenceKernel):
        def serves(self, spec: KernelSpec) -> Verdict:
            return Verdict(False, f"no layer of {spec.input_size} inputs")

    monkeypatch.setattr(choosing, "KERNELS", (Refusing(),))
    with pytest.raises(LookupError, match="no layer of 3 inputs"):
        choose(STACK)


def test_a_library_of_another_version_is_refused_and_not_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if isinstance(cpu.load(), str):
        pytest.skip("no compiled kernels here")
    monkeypatch.setattr(cpu, "_FIELDS", (*cpu._FIELDS, ("size", "new")))
    assert cpu.load.__wrapped__() == "libholdfast.so belongs to another version of Holdfast"


def test_a_library_that_says_nothing_of_its_fields_is_of_another_version() -> None:
    assert cpu._call_fields(ctypes.CDLL(None)) is None
