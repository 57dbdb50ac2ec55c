"""What onnxruntime computes from an exported language model is what the model computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from texts import VERSE, small_model

from holdfast.language.design import LanguageDesign
from holdfast.language.language_model import LanguageModel
from holdfast.language.network import LanguageNetwork
from holdfast.language.onnx_step import language_onnx
from holdfast.language.tokenizer import KINDS, Kind, train_tokenizer

onnxruntime = pytest.importorskip("onnxruntime")

DESIGNS = {
    "one layer": {},
    "tied, two layers": {"tied": True, "layers": 2},
}


def session(model: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def made(vocabulary: int, **options: Any) -> LanguageNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(2)
        design = LanguageDesign(vocabulary, **{"embedding": 8, "hidden": 12, **options})
        network = LanguageNetwork(design).eval()
        for weight in network.parameters():  # the norm's and the biases would be ones and zeros
            torch.nn.init.normal_(weight, std=0.5)
    return network


@pytest.mark.parametrize("options", DESIGNS.values(), ids=list(DESIGNS))
def test_steps_and_windows_in_onnxruntime_give_the_log_probabilities_of_the_model(
    options: dict[str, Any],
) -> None:
    network = made(30, **options)
    ids = torch.randint(30, (9, 3), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = network.log_probabilities(network(ids)[0]).numpy()
    running = session(language_onnx(network))
    for cuts in ([9], [4, 5], [1] * 9):  # at once, in two windows, and token by token
        state = {
            f"{part}_l{place}": np.zeros((1, 3, units), np.float32)
            for place, (_, units) in enumerate(network.design.sizes())
            for part in "hc"
        }
        found = []
        for piece in np.split(ids.numpy(), np.cumsum(cuts)[:-1]):
            scores, *after = running.run(None, {"ids": piece, **state})
            found.append(scores)
            state = dict(zip(state, after, strict=True))
        np.testing.assert_allclose(np.concatenate(found), wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_hugging_face_reads_the_tokenizer_beside_it_and_gives_the_same_ids(
    kind: Kind, tmp_path: Path
) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    source = small_model(kind).tokenizer_
    model = LanguageModel.from_network(source, made(source.size))
    beside = model.export_onnx(tmp_path / "model.onnx")
    assert {entry.name for entry in tmp_path.iterdir()} == {"model.onnx", "model.tokenizer.json"}
    theirs = tokenizers.Tokenizer.from_file(str(beside))
    text = VERSE * 400 + "  A new wörd,\n\n\tis 日本 <unk>  \n"  # longer than is cut at once
    assert theirs.encode(text).ids == source.encode(text).tolist()
    assert theirs.get_vocab_size() == source.size


def test_the_text_that_the_file_scores_is_scored_as_the_model_does(tmp_path: Path) -> None:
    tokens = train_tokenizer("char", [VERSE])
    model = LanguageModel.from_network(tokens, made(tokens.size))
    model.export_onnx(tmp_path / "model.onnx")
    running = session((tmp_path / "model.onnx").read_bytes())
    ids = np.concatenate([tokens.encode("\n"), tokens.encode(VERSE)])
    zeros = np.zeros((1, 1, 12), np.float32)
    scores = running.run(None, {"ids": ids[:-1, None], "h_l0": zeros, "c_l0": zeros})[0]
    nats = -np.take_along_axis(scores[:, 0], ids[1:, None], axis=1).mean()
    assert model.evaluate(VERSE).nats == pytest.approx(nats, abs=1e-4)


def test_a_model_in_float64_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="float64"):
        small_model().export_onnx(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
