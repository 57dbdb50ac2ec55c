"""What onnxruntime computes from an exported layer is what the layer computes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from tests.export import layers as made_layers
from tests.export.layers import CASES, INPUTS, UNITS, assert_rounded_only, made, results, title

import holdfast.nn as ours
from holdfast.errors import ArgumentError, InputError
from holdfast.export import to_onnx
from holdfast.export.onnx_writer import onnx_model
from holdfast.export.recurrent_stack import PassWeights, RecurrentStack


def session(model: bytes) -> onnxruntime.InferenceSession:
    onnx.checker.check_model(onnx.load_from_string(model), full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize(("name", "options"), CASES, ids=title)
def test_a_layer_gives_its_own_numbers_in_onnxruntime_at_any_length_and_batch(
    name: str, options: dict[str, Any]
) -> None:
    layer = made(name, **options)
    model = session(to_onnx(layer))
    for steps, batch in ((1, 1), (7, 2), (12, 5)):
        x = made_layers.sequence(layer, steps, batch)
        found = model.run(None, {"input": x.numpy()})
        assert_rounded_only(
            found,
            results(layer, x),
            steps=steps,
            layers=layer.num_layers,
            sums=2 * UNITS + UNITS + 1,
        )


@pytest.mark.parametrize(("name", "options"), CASES, ids=title)
def test_states_and_lengths_come_in_and_a_row_gives_what_it_gives_alone(
    name: str, options: dict[str, Any]
) -> None:
    layer = made(name, **options)
    model = session(to_onnx(layer, initial_state=True, lengths=True))
    for lengths in ([7, 2, 5, 1], [3, 6, 6, 2], [7, 7, 7, 7]):
        x, state = made_layers.sequence(layer, 7, 4), made_layers.states(layer, 4)
        given = {"input": x.numpy(), "lengths": np.array(lengths, np.int32)}
        given |= {f"{n}_0": part.numpy() for n, part in zip("hc", state, strict=False)}
        assert_rounded_only(
            model.run(None, given),
            results(layer, x, state, lengths),
            steps=7,
            layers=layer.num_layers,
            sums=2 * UNITS + UNITS + 1,
        )


def test_every_layer_is_one_node_and_nothing_fixes_time_or_batch() -> None:
    layer = made("GRU", num_layers=3, bidirectional=True, batch_first=True)
    model = onnx.load_from_string(to_onnx(layer, lengths=True, initial_state=True))
    assert [node.op_type for node in model.graph.node].count("GRU") == 3
    shapes = {
        value.name: [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {
        "input": ["batch", "steps", INPUTS],
        "h_0": [6, "batch", UNITS],
        "lengths": ["batch"],
        "output": ["batch", "steps", 2 * UNITS],
        "h_n": [6, "batch", UNITS],
    }


def test_what_training_drops_is_left_out_whatever_mode_the_layer_is_in() -> None:
    layer = made("LSTM", num_layers=2, dropout=0.9, recurrent_dropout=0.5, weight_drop=0.5)
    layer.train()
    x = made_layers.sequence(layer, 4, 2)
    assert_rounded_only(
        session(to_onnx(layer)).run(None, {"input": x.numpy()}),
        results(layer, x),
        steps=4,
        layers=2,
        sums=2 * UNITS + 1,
    )
    assert layer.training


def test_what_runs_is_what_is_exported_also_of_a_parametrised_layer() -> None:
    layer = made("LSTM")
    torch.nn.utils.parametrizations.weight_norm(layer, "weight_hh_l0")
    with torch.no_grad():
        layer.parametrizations.weight_hh_l0.original0.mul_(2)
    x = made_layers.sequence(layer, 4, 2)
    with torch.no_grad():
        output, _ = layer(x)
    found = session(to_onnx(layer)).run(["output"], {"input": x.numpy()})
    assert_rounded_only(found, [output.double().numpy()], steps=2 * 4, sums=INPUTS + UNITS + 1)


def peephole_lstm(
    x: NDArray[Any], w: PassWeights, *, coupled: bool, backwards: bool
) -> list[NDArray[np.float64]]:
    """Gers, Schraudolph and Schmidhuber (2002) and Greff et al. (2017), in numpy, for x (T, I)."""

    def sigmoid(a: NDArray[Any]) -> NDArray[Any]:
        return 1 / (1 + np.exp(-a))

    assert w.bias_ih is not None
    assert w.bias_hh is not None
    gates, looks = ("igo", "io") if coupled else ("ifgo", "ifo")
    peephole = np.zeros(len(looks) * UNITS) if w.peephole is None else w.peephole
    p = dict(zip(looks, np.split(peephole.astype(np.float64), len(looks)), strict=True))
    h, c = np.zeros(UNITS), np.zeros(UNITS)
    output = np.zeros((len(x), UNITS))
    for step in reversed(range(len(x))) if backwards else range(len(x)):
        sums = w.weight_ih.astype(np.float64) @ x[step] + w.bias_ih
        sums = sums + w.weight_hh.astype(np.float64) @ h + w.bias_hh
        a = dict(zip(gates, np.split(sums, len(gates)), strict=True))
        i = sigmoid(a["i"] + p["i"] * c)
        f = 1 - i if coupled else sigmoid(a["f"] + p["f"] * c)
        c = f * c + i * np.tanh(a["g"])
        o = sigmoid(a["o"] + p["o"] * c)
        h = o * np.tanh(c)
        output[step] = h
    return [output, h, c]


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize(("peepholes", "coupled"), [(True, False), (False, True), (True, True)])
def test_peepholes_and_coupled_gates_are_the_papers_equations(
    peepholes: bool, coupled: bool, directions: int
) -> None:
    draw = np.random.default_rng(3)

    def array(*shape: int) -> NDArray[np.float32]:
        return draw.uniform(-1, 1, shape).astype(np.float32)

    rows = (3 if coupled else 4) * UNITS
    passes = tuple(
        PassWeights(
            array(rows, INPUTS),
            array(rows, UNITS),
            array(rows),
            array(rows),
            array(rows - UNITS) if peepholes else None,
        )
        for _ in range(directions)
    )
    stack = RecurrentStack("LSTM", passes, directions, coupled=coupled)
    x = array(6, 2, INPUTS)
    found = session(onnx_model(onnx, stack).SerializeToString()).run(None, {"input": x})
    for row in range(2):
        runs = [
            peephole_lstm(x[:, row], one, coupled=coupled, backwards=index == 1)
            for index, one in enumerate(passes)
        ]
        assert_rounded_only(
            [part[:, row] for part in found],
            [
                np.concatenate([run[0] for run in runs], axis=-1),
                np.stack([run[1] for run in runs]),
                np.stack([run[2] for run in runs]),
            ],
            steps=6,
            sums=INPUTS + UNITS + 1,
        )


def test_the_file_is_what_is_returned_and_whole_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new" / "layer.onnx"
    first = to_onnx(made("RNN"), path)
    assert path.read_bytes() == first

    def broken(self: Path, target: Path) -> Path:
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(InputError, match=r"layer\.onnx"):
        to_onnx(made("RNN", seed=1), path)
    assert [entry.name for entry in path.parent.iterdir()] == ["layer.onnx"]
    assert path.read_bytes() == first


class Doubled(ours.LSTM):
    """Gives twice what an LSTM gives."""

    def forward(self, input: Any, hx: Any = None, *, lengths: Any = None) -> Any:
        """Run it."""
        output, state = super().forward(input, hx, lengths=lengths)
        return 2 * output, state


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        (ours.LSTM(3, 5, proj_size=2), "proj_size=2"),
        (ours.LSTM(3, 5, cell_clip=3.0), r"cell_clip=3\.0"),
        (ours.LSTM(3, 5, layer_norm=True), "layer_norm=True"),
        (ours.LSTM(3, 5, zoneout_cell=0.1), r"zoneout_cell=0\.1"),
        (ours.GRU(3, 5, zoneout_hidden=0.1), r"zoneout_hidden=0\.1"),
        (ours.RNN(3, 5, layer_norm=True), "layer_norm=True"),
        (ours.LSTM(3, 5, 2, residual=True), "residual=True"),
        (ours.GRU(3, 5, 2, dilation=[1, 2]), r"dilation=\(1, 2\)"),
        (ours.GRU(3, 5, dtype=torch.float64), r"float64.*layer\.float\(\)"),
        (ours.RNN(3, 5, dtype=torch.bfloat16), r"weight_ih_l0.*bfloat16.*layer\.float\(\)"),
        (torch.nn.LSTM(3, 5), r"holdfast\.nn\.convert"),
        (ours.LSTMCell(3, 5), "LSTMCell"),
        (torch.nn.Sequential(ours.LSTM(3, 5)), "layer inside"),
        (Doubled(3, 5), "Doubled"),
    ],
    ids=lambda case: type(case).__name__,
)
def test_what_no_node_says_is_refused_by_name(layer: Any, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        to_onnx(layer, tmp_path / "layer.onnx")
    assert not list(tmp_path.iterdir())


def test_an_option_that_nobody_has_thought_of_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    original = ours.LSTM.__init__

    def with_more(self: Any, input_size: int, hidden_size: int, *, novelty: float = 0.0) -> None:
        original(self, input_size, hidden_size)
        self.novelty = novelty

    monkeypatch.setattr(ours.LSTM, "__init__", with_more)
    assert to_onnx(ours.LSTM(3, 5))
    layer = ours.LSTM(3, 5, novelty=3.0)
    with pytest.raises(ArgumentError, match=r"novelty=3\.0"):
        to_onnx(layer)
    del layer.novelty  # kept nowhere that is looked at
    with pytest.raises(ArgumentError, match="novelty"):
        to_onnx(layer)


def test_a_layer_too_large_for_the_format_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.export.onnx_writer.MAX_BYTES", 700)
    with pytest.raises(ArgumentError, match=r"800 bytes.*700.*hidden_size"):
        to_onnx(made("LSTM"))


def test_without_the_package_the_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match=r"pip install 'holdfast\[onnx\]'"):
        to_onnx(made("LSTM"))
