"""What is drawn at random in training: from torch's seed, and each layer for itself."""

from __future__ import annotations

import pytest
import torch
from tests.nn.pairs import (
    INPUTS,
    LENGTHS,
    OPTIONS,
    RANDOM,
    UNITS,
    assert_all_close,
    gradients,
    sequence,
    tensors,
    variant_layer,
)

import holdfast.nn as ours


@pytest.mark.parametrize(
    ("name", "option"), [(name, key) for name in OPTIONS for key in RANDOM if key in OPTIONS[name]]
)
def test_chance_repeats_with_torchs_seed_and_is_off_in_evaluation(name: str, option: str) -> None:
    layer = variant_layer(name, {option: 0.4}, bidirectional=True)
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found = layer(sequence(), lengths=LENGTHS)
        results.append(tensors(found) + gradients(found, list(layer.parameters())))
    assert_all_close(results[1], results[0])
    assert not any(torch.equal(one, two) for one, two in zip(*results[1:], strict=True))
    layer.eval()
    before = torch.get_rng_state()
    quiet = tensors(layer(sequence()))
    assert_all_close(tensors(layer(sequence())), quiet)
    assert torch.equal(torch.get_rng_state(), before)
    if option in ("recurrent_dropout", "weight_drop"):
        plain = variant_layer(name, {}, bidirectional=True)
        plain.load_state_dict(layer.state_dict())
        assert_all_close(quiet, tensors(plain(sequence())))


def test_layers_and_directions_have_masks_of_their_own() -> None:
    layer = variant_layer("RNN", {"zoneout_hidden": 0.5}, bidirectional=True)
    with torch.no_grad():
        for name, weight in layer.named_parameters():
            weight.fill_(1.0 if name.startswith("bias") else 0.0)
    zeros = torch.zeros(4, 40, UNITS, dtype=torch.float64)
    _, h = layer(torch.zeros(1, 40, INPUTS, dtype=torch.float64), zeros)
    kept = h == 0
    for one in range(4):
        for other in range(one):
            assert not torch.equal(kept[one], kept[other])


def test_recurrent_dropout_hides_the_same_units_at_all_steps() -> None:
    """With W_hh = 1 and a relu each unit counts the steps since it was hidden: all or none."""
    layer = ours.RNN(1, 50, nonlinearity="relu", dtype=torch.float64, recurrent_dropout=0.5)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.zero_()
        layer.weight_hh_l0.copy_(torch.eye(50))
        layer.bias_ih_l0.fill_(1.0)
    output, _ = layer(torch.zeros(4, 3, 1, dtype=torch.float64))
    assert set(output[-1].unique().tolist()) == {1.0, 15.0}  # 1 + 2 (1 + 2 (1 + 2))


def test_weight_drop_takes_its_share_of_the_recurrent_weights_and_their_gradient() -> None:
    layer = ours.LSTM(INPUTS, 50, dtype=torch.float64, weight_drop=0.3)
    output, _ = layer(sequence())
    (slope,) = torch.autograd.grad(output.square().sum(), layer.weight_hh_l0)
    gone = float((slope == 0).double().mean())
    assert abs(gone - 0.3) < 5 * (0.3 * 0.7 / slope.numel()) ** 0.5
    again = torch.autograd.grad(layer(sequence())[0].square().sum(), layer.weight_hh_l0)[0]
    assert not torch.equal(again == 0, slope == 0)
