"""What people do to layers with torch's tools works on ours, and gives torch's numbers."""

from __future__ import annotations

import copy
import io
import multiprocessing
import pickle
from collections.abc import Callable

import pytest
import torch
from tests.nn.pairs import (
    CELL_NAMES,
    INPUTS,
    NAMES,
    UNITS,
    assert_all_close,
    gradients,
    pair,
    sequence,
    tensors,
)
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize, prune

import holdfast.nn as ours


@pytest.mark.parametrize("name", NAMES + CELL_NAMES)
@pytest.mark.parametrize("again", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_copies_are_equal_and_apart(name: str, again: Callable[[nn.Module], nn.Module]) -> None:
    _, mine = pair(name)
    x = sequence() if name in NAMES else sequence()[0]
    expected = tensors(mine(x))
    twin = again(mine)
    assert type(twin) is type(mine)
    with torch.no_grad():
        for parameter in mine.parameters():
            parameter.zero_()
    assert_all_close(tensors(twin(x)), expected)
    assert not any(part.any() for part in tensors(mine(x))[:1])


def test_a_whole_layer_can_be_saved() -> None:
    _, mine = pair("LSTM", num_layers=2)
    file = io.BytesIO()
    torch.save(mine, file)
    file.seek(0)
    again = torch.load(file, weights_only=False)
    assert_all_close(tensors(again(sequence())), tensors(mine(sequence())))


def _answer(layer: nn.Module, queue: multiprocessing.Queue[list[float]]) -> None:
    torch.set_num_threads(1)
    queue.put(layer(sequence())[0].flatten().tolist())


def test_a_spawned_process_gets_the_same_layer() -> None:
    _, mine = pair("LSTM", bidirectional=True)
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_answer, args=(mine, queue))
    process.start()
    found = queue.get(timeout=60)
    process.join()
    assert found == mine(sequence())[0].flatten().tolist()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("read", [torch.float32, torch.bfloat16])
def test_autocast_gives_the_numbers_of_torch(name: str, read: torch.dtype) -> None:
    theirs, mine = pair(name, dtype=torch.float32, num_layers=2)
    x = sequence(dtype=torch.float32).to(read).requires_grad_()
    results = []
    for layer in (theirs, mine):
        with torch.autocast("cpu", torch.bfloat16):
            result = layer(x)
        results.append(tensors(result) + gradients(result, [x, *layer.parameters()]))
    assert_all_close(results[1], results[0])


@pytest.mark.parametrize("name", NAMES)
def test_the_equations_run_under_autocast(name: str) -> None:
    """In bfloat16, forward and backward: as the same layer in bfloat16 does."""
    _, mine = pair(name, dtype=torch.float32, num_layers=2)
    x = sequence(dtype=torch.float32)
    with ours.by_equations(), torch.autocast("cpu", torch.bfloat16):
        result = mine(x)
    slopes = gradients(result, list(mine.parameters()))
    low = copy.deepcopy(mine).bfloat16()
    with ours.by_equations():
        expected = low(x.bfloat16())
    assert_all_close(tensors(result), tensors(expected))
    right = gradients(expected, list(low.parameters()))
    assert_all_close(slopes, [gradient.float() for gradient in right])


@pytest.mark.parametrize("name", NAMES)
def test_parametrisations_are_seen(name: str) -> None:
    theirs, mine = pair(name)
    for layer in (theirs, mine):
        parametrizations.weight_norm(layer, "weight_hh_l0")
        with torch.no_grad():
            layer.parametrizations.weight_hh_l0.original0.mul_(2.0)
    x = sequence()
    expected, found = theirs(x), mine(x)
    assert_all_close(tensors(found), tensors(expected))
    watched = [layer.parametrizations.weight_hh_l0.original0 for layer in (theirs, mine)]
    assert_all_close(gradients(found, [watched[1]]), gradients(expected, [watched[0]]))
    parametrize.remove_parametrizations(mine, "weight_hh_l0")
    assert type(mine) is getattr(ours, name)
    assert_all_close(tensors(mine(x)), tensors(expected))


@pytest.mark.parametrize("name", NAMES)
def test_pruned_weights_stay_pruned_in_training(name: str) -> None:
    _, mine = pair(name)
    prune.random_unstructured(mine, "weight_hh_l0", amount=0.5)
    optimiser = torch.optim.SGD(mine.parameters(), lr=0.1)
    before = mine(sequence())[0]
    before.square().sum().backward()
    optimiser.step()
    after = mine(sequence())[0]
    assert not torch.equal(after, before)
    mask = mine.weight_hh_l0_mask
    assert 0 < float(mask.sum()) < mask.numel()
    assert not mine.weight_hh_l0[mask == 0].any()
    masked = getattr(nn, name)(INPUTS, UNITS, dtype=torch.float64)
    weights = {key: getattr(mine, key).detach() for key in masked.state_dict()}
    masked.load_state_dict(weights)
    assert_all_close(tensors(mine(sequence())), tensors(masked(sequence())))


def test_a_weight_set_by_hand_is_the_weight_that_runs() -> None:
    """Weight dropping deletes a parameter and puts a tensor under its name."""
    _, mine = pair("LSTM")
    raw = mine.weight_hh_l0
    del mine.weight_hh_l0
    mine.register_parameter("weight_hh_l0_raw", raw)
    mine.weight_hh_l0 = raw * 0.5
    mine.double()  # moving a layer must not trip over the missing parameter
    halved = copy.deepcopy(pair("LSTM")[1])
    with torch.no_grad():
        halved.weight_hh_l0.mul_(0.5)
    assert_all_close(tensors(mine(sequence())), tensors(halved(sequence())))


def test_functional_call_takes_the_given_weights() -> None:
    _, mine = pair("GRU")
    given = {name: parameter.detach() * 2 for name, parameter in mine.named_parameters()}
    found = torch.func.functional_call(mine, given, (sequence(),))
    with torch.no_grad():
        for parameter in mine.parameters():
            parameter.mul_(2)
    assert_all_close(tensors(found), tensors(mine(sequence())))


def test_to_turns_every_weight() -> None:
    _, mine = pair("LSTM", bidirectional=True, dtype=torch.float32)
    assert mine.double() is mine
    assert mine(sequence())[0].dtype == torch.float64
    assert {parameter.dtype for parameter in mine.parameters()} == {torch.float64}


def test_layers_without_memory_behind_them_know_their_shapes() -> None:
    layer = ours.LSTM(INPUTS, UNITS, 2, bidirectional=True, device="meta")
    x = torch.empty(7, 5, INPUTS, device="meta")
    with ours.by_equations():
        slow, _ = layer(x)
    output, (h, _) = layer(x)
    assert output.shape == slow.shape == (7, 5, 2 * UNITS)
    assert h.shape == (4, 5, UNITS)


def second_derivative(layer: nn.Module, x: Tensor) -> Tensor:
    """Of the sum of the squared outputs to x, squared and summed, to x again."""
    (first,) = torch.autograd.grad(layer(x)[0].square().sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), x)
    return second


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kernel", ["chosen", "equations"])
def test_gradients_of_gradients_of_a_ragged_stack_that_reads_both_ways(
    name: str, kernel: str
) -> None:
    torch.manual_seed(0)
    layer = getattr(ours, name)(2, 2, bidirectional=True, dtype=torch.float64, timescale=5)
    x = torch.randn(7, 3, 2, dtype=torch.float64, requires_grad=True)
    parts = 2 if name == "LSTM" else 1
    start = [torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True) for _ in range(parts)]
    names = [key for key, _ in layer.named_parameters()]
    weights = list(layer.parameters())

    def call(x: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        given = dict(zip(names, rest[parts:], strict=True))
        hx = rest[:2] if parts == 2 else rest[0]
        result = torch.func.functional_call(layer, given, (x, hx), {"lengths": [7, 2, 5]})
        return tuple(tensors(result))

    leaves = (x, *start, *weights)
    if kernel == "equations":
        with ours.by_equations():
            assert torch.autograd.gradcheck(call, leaves, fast_mode=True)
            assert torch.autograd.gradgradcheck(call, leaves, fast_mode=True)
    else:
        assert torch.autograd.gradcheck(call, leaves, fast_mode=True)
        assert torch.autograd.gradgradcheck(call, leaves, fast_mode=True)


@pytest.mark.parametrize("name", NAMES)
def test_single_precision_second_derivatives_are_not_lost(name: str) -> None:
    """oneDNN's operator must give them too: against the same in float64."""
    exact, _ = pair(name)
    single = pair(name, dtype=torch.float32)[1]
    single.load_state_dict(exact.state_dict())
    x = sequence(dtype=torch.float32)
    exact.load_state_dict(single.state_dict())
    right = second_derivative(exact, x.double().requires_grad_())
    with ours.by_equations():
        slow = second_derivative(single, x.requires_grad_())
    fast = second_derivative(single, x)
    by_equations = float((slow - right).abs().max())
    assert float((fast - right).abs().max()) <= 10 * by_equations
    assert by_equations <= 1e-3 * float(right.abs().max())
