"""What a plan promises: its numbers are sound, its schedule is a function of the step."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from holdfast.errors import ArgumentError
from holdfast.training.optimise import adamw, learning_rate
from holdfast.training.plan import Plan


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("steps", 2.0),
        ("steps", True),
        ("learning_rate", 0.0),
        ("learning_rate", math.nan),
        ("weight_decay", -1.0),
        ("betas", (0.9, 1.0)),
        ("warmup", -0.1),
        ("warmup", 11),
        ("clip", 0.0),
        ("evaluate_every", 0),
        ("patience", 0),
        ("average", 1.5),
        ("average_every", 0),
        ("seed", -1),
        ("checkpoint_every", -1.0),
        ("checkpoint_every", math.nan),
    ],
)
def test_a_number_out_of_range_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ArgumentError, match=f"^{name} must be"):
        Plan(**({"steps": 10} | {name: value}))  # type: ignore[arg-type]


@pytest.mark.parametrize(("warmup", "steps"), [(0, 0), (0.1, 20), (0.999, 200), (1, 1), (50, 50)])
def test_warm_up_is_a_share_below_one_and_a_number_of_steps_from_one(
    warmup: float, steps: int
) -> None:
    assert Plan(steps=200, warmup=warmup).warmup_steps == steps


def test_plans_that_train_differently_have_different_identities() -> None:
    plans = [Plan(steps=10), Plan(steps=11), Plan(steps=10, seed=1), Plan(steps=10, clip=None)]
    assert len({str(plan.identity()) for plan in plans}) == 4
    assert Plan(steps=9, checkpoint_every=1.0).identity() == Plan(steps=9).identity()


@pytest.mark.parametrize("average", [0.0, 0.01, 0.3, 1.0])
@pytest.mark.parametrize("every", [1, 7])
def test_averaged_steps_lie_in_the_last_share_and_end_with_the_last(
    average: float, every: int
) -> None:
    plan = Plan(steps=100, average=average, average_every=every)
    chosen = [step for step in range(1, 101) if plan.averages(step)]
    assert len(chosen) == math.ceil(100 * average / every)
    assert all(step > 100 - 100 * average for step in chosen)
    assert not chosen or chosen[-1] == 100


@pytest.mark.parametrize("warmup", [0, 1, 10, 100])
def test_the_rate_climbs_to_its_peak_and_falls_towards_zero(warmup: int) -> None:
    rates = [learning_rate(s, steps=100, peak=0.5, warmup=warmup) for s in range(1, 101)]
    top = max(warmup, 1) - 1
    assert rates[top] == max(rates) == 0.5
    assert all(a < b for a, b in pairwise(rates[: top + 1]))
    assert all(a > b for a, b in pairwise(rates[top:]))
    assert all(rate > 0.0 for rate in rates)
    if warmup == 10:
        assert rates[4] == 0.25  # half-way up
    if warmup < 2:
        # Half-way between the peak and the zero that would follow the last step.
        assert learning_rate(51, steps=100, peak=0.5, warmup=warmup) == pytest.approx(0.25)


def test_only_matrices_are_decayed() -> None:
    module = nn.Sequential(nn.LSTM(2, 3), nn.LayerNorm(3), nn.Linear(3, 1))
    module[1].weight.requires_grad_(False)
    optimiser = adamw(module, weight_decay=0.1, betas=(0.9, 0.999))
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    groups = {
        group["weight_decay"]: sorted(names[id(p)] for p in group["params"])
        for group in optimiser.param_groups
    }
    assert groups == {
        0.1: ["0.weight_hh_l0", "0.weight_ih_l0", "2.weight"],
        0.0: ["0.bias_hh_l0", "0.bias_ih_l0", "1.bias", "2.bias"],
    }


def test_an_update_is_adamw_of_the_paper() -> None:
    """Algorithm 2 of Loshchilov and Hutter, in float64, against two updates of ours."""
    layer = nn.Linear(2, 1, bias=False).double()
    weight = layer.weight.detach().clone()
    gradients = [torch.tensor([[0.3, -2.0]]).double(), torch.tensor([[1.0, 0.5]]).double()]
    optimiser = adamw(layer, weight_decay=0.1, betas=(0.9, 0.99))
    first = second = torch.zeros_like(weight)
    for step, gradient in enumerate(gradients, start=1):
        rate = 0.01 * step
        for group in optimiser.param_groups:
            group["lr"] = rate
        layer.weight.grad = gradient.clone()
        optimiser.step()
        first = 0.9 * first + 0.1 * gradient
        second = 0.99 * second + 0.01 * gradient**2
        mean, square = first / (1 - 0.9**step), second / (1 - 0.99**step)
        weight = weight - rate * (mean / (square.sqrt() + 1e-8) + 0.1 * weight)
    torch.testing.assert_close(layer.weight.detach(), weight)
