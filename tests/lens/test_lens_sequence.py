"""One sequence, unit by unit: the record says what the layer did."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from holdfast.errors import ArgumentError
from holdfast.lens.sequence import sequence
from holdfast.nn import GRU, LSTM, RNN, SLSTM


class LastOfThree(nn.Module):
    """Predicts the input of three steps ago by a hand-made rule, and reads it through an LSTM."""

    loss_unit = "squared error"

    def __init__(self) -> None:
        super().__init__()
        self.layer = LSTM(1, 4)

    def encode(self, examples: Tensor) -> Tensor:
        return examples

    def recurrent_layers(self) -> dict[str, nn.Module]:
        return {"memory": self.layer}

    def loss_by_position(self, examples: Tensor, encoded: Tensor | None = None) -> Tensor:
        read = examples if encoded is None else encoded
        seen = self.layer(read)[0].mean(dim=-1)
        ago = torch.cat([torch.full_like(read[:3, :, 0], torch.nan), read[:-3, :, 0]])
        return (ago - 0.5).square() + 0 * seen


def x(steps: int = 30, width: int = 2, seed: int = 0) -> Tensor:
    return torch.randn(steps, 1, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("make", [LSTM, GRU, RNN, SLSTM])
def test_what_was_written_and_kept_adds_up(make: Any) -> None:
    torch.manual_seed(0)
    seen = sequence(make(2, 6), x())
    (layer,) = seen.layers
    assert sorted(layer.order.tolist()) == list(range(6))
    if make is RNN:
        assert list(layer.fields) == ["hidden"]
        assert len(layer.written) == 0
        return
    assert np.all(np.diff(layer.timescales) <= 0)
    keep = layer.fields["update gate" if make is GRU else "forget gate"]
    state = layer.fields["hidden" if make is GRU else "cell"]
    before = np.vstack([np.zeros(6), state[:-1]])
    np.testing.assert_allclose(layer.kept, np.abs(keep * before).mean(axis=1), atol=1e-12)
    np.testing.assert_allclose(layer.erased, np.abs((1 - keep) * before).mean(axis=1), atol=1e-12)
    written = np.abs(state - keep * before).mean(axis=1)
    np.testing.assert_allclose(layer.written, written, atol=1e-12)


def test_the_fields_are_the_layers_own_in_the_order_of_timescales() -> None:
    torch.manual_seed(0)
    layer = LSTM(2, 6, num_layers=2, bidirectional=True, batch_first=True)
    seen = sequence(layer, x().transpose(0, 1))
    names = [one.name for one in seen.layers]
    assert [name.endswith(", reverse") for name in names] == [False, True, False, True]
    assert len(set(names)) == 4
    trace = layer.trace(x().transpose(0, 1))
    for number, one in enumerate(seen.layers):
        own = trace.forget_gate[number // 2, number % 2, :, 0].double().numpy()
        np.testing.assert_allclose(one.fields["forget gate"], own[:, one.order], atol=1e-5)
    # What the output rests on is known of the last layer, in each direction.
    assert [len(one.weight) for one in seen.layers] == [0, 0, 6, 6]
    assert seen.layers[2].weight.sum() == pytest.approx(1)


def test_torchs_layers_are_seen_alike_and_left_alone() -> None:
    torch.manual_seed(0)
    theirs = nn.GRU(2, 5).train()
    state = {name: value.clone() for name, value in theirs.state_dict().items()}
    random = torch.get_rng_state()
    seen = sequence(theirs, x())
    assert torch.equal(torch.get_rng_state(), random)
    assert theirs.training
    assert type(theirs) is nn.GRU
    assert all(torch.equal(value, state[name]) for name, value in theirs.state_dict().items())
    assert all(weight.grad is None for weight in theirs.parameters())
    assert not theirs._forward_hooks
    hidden = theirs(x())[0][:, 0].detach().double().numpy()
    np.testing.assert_allclose(
        seen.layers[0].fields["hidden"], hidden[:, seen.layers[0].order], atol=1e-6
    )


def test_the_attribution_is_complete() -> None:
    torch.manual_seed(0)
    layer = LSTM(2, 6).double()
    read = x().double()
    seen = sequence(layer, read)
    base = layer(read.mean(dim=0, keepdim=True).expand_as(read))[0][-1]
    moved = 0.5 * (layer(read)[0][-1] - base).square().sum().item()
    assert seen.attribution is not None
    assert seen.attribution.sum() == pytest.approx(moved, rel=1e-6)


def test_the_input_that_decides_is_found() -> None:
    read = x(width=1)
    seen = sequence(LastOfThree(), read)
    assert seen.attribution is not None
    assert np.flatnonzero(np.abs(seen.attribution) > 1e-9).tolist() == [26]
    earlier = sequence(LastOfThree(), read, at=10)
    assert earlier.attribution is not None
    assert np.flatnonzero(np.abs(earlier.attribution) > 1e-9).tolist() == [7]
    assert earlier.output == "what the model expects after step 11"
    assert seen.layers[0].name == "memory"


def test_labels_and_values_go_with_the_steps() -> None:
    seen = sequence(LSTM(2, 4), x(), channels=("price", "sales"))
    assert seen.labels[:2] == ("1", "2")
    assert seen.channels == ("price", "sales")
    assert seen.values is not None
    np.testing.assert_allclose(seen.values, x()[:, 0].double().numpy())
    words = sequence(LSTM(2, 4), x(3), labels=("a", "b", "c"))
    assert words.labels == ("a", "b", "c")
    assert words.values is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ("a",)}, "labels names 1 steps, and the sequence has 30."),
        ({"values": np.zeros(30)}, r"values has shape \(30,\); give \(30, C\)."),
        ({"channels": ("a",)}, "channels names 1 columns, and values has 2."),
        ({"at": 3}, "at=3: of a model without a loss the output after the last step"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        sequence(LSTM(2, 4), x(), **changes)
    with pytest.raises(ArgumentError, match="x holds 3 sequences; give one of them"):
        sequence(LSTM(2, 4), torch.randn(30, 3, 2))
    with pytest.raises(ArgumentError, match="at=1: nothing is predicted there; the first such"):
        sequence(LastOfThree(), x(width=1), at=1)
