"""A model is taken apart in a copy, and stays as it was."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.lens.subjects import Delayed, Reader
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from holdfast import nn as ours
from holdfast.errors import ArgumentError
from holdfast.lens.subject import take_apart


def test_a_module_with_torchs_layers_needs_no_change() -> None:
    model, tokens = Reader(), torch.randint(0, 11, (4, 20))
    subject = take_apart(model, tokens)
    (layer,) = subject.layers
    assert layer.name == "memory"
    assert layer.recurrent.num_layers == 2
    embedded = model.embedding(tokens).transpose(0, 1).double()
    torch.testing.assert_close(layer.x, embedded.detach(), rtol=0, atol=0)
    assert subject.output is not None
    expected = model.eval()(tokens).double()
    # float32's rounding over 20 steps and two layers; the copy runs in float64
    torch.testing.assert_close(subject.output(subject.encoded), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN, ours.LSTM, ours.GRU, ours.SLSTM])
def test_a_bare_layer_gives_its_last_output(kind: type[nn.Module], batch_first: bool) -> None:
    layer = kind(3, 4, batch_first=batch_first)
    x = torch.randn(7, 5, 3)
    subject = take_apart(layer, x.transpose(0, 1) if batch_first else x)
    assert subject.output is not None
    expected = layer(x.transpose(0, 1) if batch_first else x)[0]
    expected = (expected[:, -1] if batch_first else expected[-1]).double()
    torch.testing.assert_close(subject.output(subject.encoded), expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(subject.encoded, x.double(), rtol=0, atol=0)


def test_a_subclass_a_parametrised_and_a_pruned_layer_are_seen_through() -> None:
    class Own(nn.LSTM):
        def forward(self, input: torch.Tensor, hx: object = None) -> object:
            return super().forward(2 * input, hx)  # type: ignore[arg-type]

    x = torch.randn(7, 5, 3)
    read = take_apart(Own(3, 4), x).layers[0]
    assert type(read.recurrent) is ours.LSTM
    scaled = ours.LSTM(3, 4)
    nn.utils.parametrizations.weight_norm(scaled, "weight_hh_l0")
    seen = take_apart(scaled, x).layers[0].recurrent
    torch.testing.assert_close(seen.weight_hh_l0, scaled.weight_hh_l0.double().detach())


def _changes(model: nn.Module) -> dict[str, object]:
    """All that could have changed of a model, and the state of every random generator."""
    return {
        "weights": {name: weight.clone() for name, weight in model.state_dict().items()},
        "gradients": [None if p.grad is None else p.grad.clone() for p in model.parameters()],
        "wanted": [p.requires_grad for p in model.parameters()],
        "places": [p.data_ptr() for p in model.parameters()],
        "modes": [module.training for module in model.modules()],
        "hooks": [
            (len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks))
            for m in model.modules()
        ],
        "types": [type(module) for module in model.modules()],
        "random": torch.get_rng_state(),
    }


def _same(one: object, other: object) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other


def test_nothing_about_the_model_is_different_afterwards() -> None:
    model, tokens = Reader().train(), torch.randint(0, 11, (4, 20))
    model(tokens).sum().backward()
    model.embedding.weight.requires_grad_(False)
    handle = model.memory.register_forward_hook(lambda *_: torch.rand(1) and None)
    before = _changes(model)
    subject = take_apart(model, tokens)
    assert subject.output is not None
    with torch.random.fork_rng(devices=[]):
        subject.output(subject.encoded)
    after = _changes(model)
    handle.remove()
    for name, value in before.items():
        assert _same(value, after[name]), name


def _broken() -> nn.Module:
    layer = ours.LSTM(3, 4)
    with torch.no_grad():
        layer.weight_hh_l0[2, 1] = torch.nan
    return layer


X = torch.randn(7, 5, 3)


@pytest.mark.parametrize(
    ("model", "x", "said"),
    [
        (lambda: nn.Linear(3, 4), X, "The Linear has no recurrent layer"),
        (_broken, X, "1 of the 64 values of 'weight_hh_l0' are not finite"),
        (lambda: ours.LSTM(3, 4), X[:1], "x has one step"),
        (lambda: ours.LSTM(3, 4), torch.ones(7, 5, 3), "x is the same at every step"),
        (lambda: ours.LSTM(3, 4), X / 0.0, "x holds values that are not finite"),
        (lambda: nn.GRU(3, 4), X[None], "x has shape (1, 7, 5, 3)"),
        (lambda: nn.GRU(3, 4), X[..., :2], "x has shape (7, 5, 2); a GRU takes"),
        (lambda: ours.LSTM(3, 4), X[:0], "so it is empty"),
        (lambda: ours.LSTM(3, 4), X[:, :0], "so it is empty"),
        (lambda: ours.LSTM(3, 4), X.long(), "x holds torch.int64"),
        (lambda: ours.LSTM(3, 4), X.numpy(), "x is a ndarray; a LSTM takes a tensor"),
        (
            lambda: nn.GRU(3, 4),
            pack_padded_sequence(X, torch.tensor([7, 7, 6, 5, 5])),
            "reads sequences of 5 to 7 steps",
        ),
    ],
)
def test_what_cannot_be_inspected_is_refused_in_a_sentence(
    model: Callable[[], nn.Module], x: Any, said: str
) -> None:
    with pytest.raises(ArgumentError, match=re.escape(said)):
        take_apart(model(), x)


def test_something_that_is_no_module_is_refused() -> None:
    with pytest.raises(ArgumentError, match="nothing to inspect in a str"):
        take_apart("model", X)  # type: ignore[arg-type]


def test_an_inspectable_gives_its_losses() -> None:
    subject = take_apart(Delayed(3), torch.randn(20, 4, 1))
    assert subject.losses is not None
    losses = subject.losses(subject.encoded)
    assert losses.shape == (20, 4)
    assert torch.isnan(losses[:3]).all()
    assert torch.allclose(losses[3:], torch.tensor(0.1, dtype=torch.float64))
