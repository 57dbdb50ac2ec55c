from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from texts import VERSE, small_model, write_text

from holdfast.errors import ArgumentError, ModelError, TextError
from holdfast.language.generate import Reader, Sampling, Writer, generate_ids
from holdfast.language.language_model import LanguageModel
from holdfast.language.network import LanguageNetwork
from holdfast.language.score import surprises
from holdfast.language.tokenizer import KINDS, Kind
from holdfast.training.seed import generator


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("window", [1, 7, 40])
def test_windows_give_the_surprises_of_one_stream(kind: Kind, window: int) -> None:
    model = small_model(kind, layers=2)
    ids = model.tokenizer_.encode(VERSE * 2)
    whole = np.concatenate(list(surprises(model.network_, ids, window=10_000)))
    cut = np.concatenate(list(surprises(model.network_, ids, window=window)))
    np.testing.assert_allclose(cut, whole, rtol=0, atol=1e-10)


def test_a_padded_batch_gives_the_surprises_of_each_sequence_alone() -> None:
    model = small_model()
    ids = torch.from_numpy(model.tokenizer_.encode(VERSE))
    lengths = [30, 12, 5]
    rows = torch.zeros(31, 3, dtype=torch.long)
    for row, length in enumerate(lengths):
        rows[: length + 1, row] = ids[row : row + length + 1]
    hidden, _ = model.network_(rows[:-1])
    together = model.network_.losses(hidden, rows[1:])
    for row, length in enumerate(lengths):
        alone = np.concatenate(list(surprises(model.network_, ids[row : row + length + 1].numpy())))
        np.testing.assert_allclose(
            together[:length, row].detach().numpy(), alone, rtol=0, atol=1e-10
        )


def test_probabilities_are_those_of_the_losses_and_add_up() -> None:
    network = small_model().network_
    ids = torch.arange(9)[:, None] % network.design.vocabulary
    hidden, _ = network(ids[:-1])
    scores = network.log_probabilities(hidden)
    assert torch.allclose(scores.exp().sum(-1), torch.ones(8, 1, dtype=scores.dtype))
    picked = -scores.gather(-1, ids[1:, :, None])[..., 0]
    assert torch.allclose(picked, network.losses(hidden, ids[1:]))


def test_a_reader_that_steps_says_what_a_pass_over_the_text_says() -> None:
    network = small_model(layers=2).network_.float()
    ids = small_model().tokenizer_.encode(VERSE[:40])
    stepping, reading = Reader(network), Reader(network)
    for token in ids.tolist():
        stepping.step(token)
    reading.read(ids)
    np.testing.assert_allclose(stepping.scores(), reading.scores(), atol=1e-5)
    small_model(layers=2).network_.double()


def test_what_a_model_writes_depends_on_the_seed_and_on_nothing_else() -> None:
    model = _single()
    first = model.generate("The gate", length=40, seed=3)
    torch.rand(3)
    assert model.generate("The gate", length=40, seed=3) == first
    assert model.generate("The gate", length=40, seed=4) != first
    assert "".join(model.stream("The gate", length=40, seed=3)) == first
    assert len(first) == 40


@pytest.mark.parametrize("make", ["one layer", "tied, two layers"])
def test_what_is_written_is_drawn_from_the_probabilities_of_the_network(make: str) -> None:
    model = small_model() if make == "one layer" else small_model(layers=2, tied=True)
    network = copy.deepcopy(model.network_)
    with torch.random.fork_rng():
        torch.manual_seed(4)
        for weight in network.norm.parameters():
            torch.nn.init.normal_(weight)
    prompt, sampling, ids = np.array([3, 1, 4]), Sampling(0.8, 9, 0.9), [3, 1, 4]
    made = generate_ids(network, prompt, sampling, seed=7, barred=0)
    random = generator(7, "text")
    for _ in range(60):
        with torch.no_grad():
            hidden, _ = network(torch.tensor(ids)[:, None])
            scores = network.log_probabilities(hidden[-1])[0].numpy()
        scores[0] = -np.inf
        ids.append(sampling.draw(scores, random))
        assert next(made) == ids[-1]


def test_writing_ends_before_the_stop_even_where_it_lies_across_tokens() -> None:
    model = _single()
    whole = model.generate(length=200, seed=1)
    stop = whole[50:53]
    assert model.generate(length=200, seed=1, stop=stop) == whole[: whole.index(stop)]


def test_top_k_of_one_and_a_temperature_of_zero_take_the_likeliest() -> None:
    model = _single()
    likeliest = model.generate("The", length=30, temperature=0.0)
    assert model.generate("The", length=30, top_k=1, seed=5) == likeliest
    assert model.generate("The", length=30, top_p=1e-9, seed=6) == likeliest


def test_the_unknown_token_is_never_written() -> None:
    assert "<unk>" not in _single().generate(length=300, temperature=5.0)


@pytest.mark.parametrize("kind", KINDS)
def test_text_that_comes_piece_by_piece_is_the_text(kind: Kind) -> None:
    tokens = small_model(kind).tokenizer_
    ids = tokens.encode(VERSE)
    writer = Writer(tokens)
    assert "".join(writer.write(int(token)) for token in ids) == tokens.decode(ids)


def test_a_model_comes_back_from_its_folder(tmp_path: Path) -> None:
    for tied in (False, True):
        model = LanguageModel.from_network(small_model(tied=tied).tokenizer_, _float_copy(tied))
        model.save(tmp_path / "model")
        again = LanguageModel.load(tmp_path / "model")
        assert again.evaluate(VERSE) == model.evaluate(VERSE)
        assert again.generate(length=20) == model.generate(length=20)


def test_damaged_folders_are_refused_in_a_sentence(tmp_path: Path) -> None:
    model = _single()
    model.save(tmp_path / "model")
    manifest = tmp_path / "model" / "manifest.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    for name, value in {
        "design": {"vocabulary": 10},
        "kind": "runes",
        "tokenizer": "{}",
    }.items():
        broken = {**content, "content": {**content["content"], name: value}}
        manifest.write_text(json.dumps(broken), encoding="utf-8")
        with pytest.raises(ModelError, match="does not fit together"):
            LanguageModel.load(tmp_path / "model")


def test_scores_are_in_the_units_that_they_say() -> None:
    model = _single()
    score = model.evaluate(VERSE)
    texts, nats = model.surprise(VERSE)
    assert "".join(texts) == VERSE
    assert score.nats == pytest.approx(nats.mean(), rel=1e-6)
    assert score.bits_per_character == pytest.approx(score.nats / np.log(2), rel=1e-9)
    assert score.perplexity == pytest.approx(np.exp(score.nats), rel=1e-9)
    assert (score.tokens, score.words) == (len(VERSE), len(VERSE.split()))


def test_a_file_scores_as_its_text_does(tmp_path: Path) -> None:
    model = _single()
    assert model.evaluate(write_text(tmp_path, VERSE * 3)) == model.evaluate(VERSE * 3)


def test_dynamic_evaluation_learns_and_leaves_the_model_alone() -> None:
    model = _single()
    before = model.evaluate(VERSE * 8)
    dynamic = model.evaluate(VERSE * 8, dynamic=True)
    assert dynamic.nats < before.nats - 0.05
    assert model.evaluate(VERSE * 8) == before


def test_weight_drop_changes_output_and_gradient_in_training_only() -> None:
    network = _float_copy(False)
    ids = torch.from_numpy(small_model().tokenizer_.encode(VERSE))[:, None]

    def run() -> tuple[torch.Tensor, torch.Tensor]:
        hidden, _ = network(ids[:-1])
        loss = network.losses(hidden, ids[1:]).mean()
        (gradient,) = torch.autograd.grad(loss, [network.layers[0].weight_hh_l0])
        return hidden.detach(), gradient

    network.eval()
    still, again = run(), run()
    assert torch.equal(still[0], again[0])
    assert torch.equal(still[1], again[1])
    network.train()
    one, two = run(), run()
    assert not torch.equal(one[0], two[0])
    assert not torch.equal(one[1], two[1])


def test_training_learns_and_equal_steps_give_equal_bits(tmp_path: Path) -> None:
    path = write_text(tmp_path)
    first = LanguageModel(steps=40, hidden=32).fit(path)
    second = LanguageModel(steps=40, hidden=32).fit(path)
    for one, two in zip(first.network_.parameters(), second.network_.parameters(), strict=True):
        assert torch.equal(one, two)
    untrained = LanguageModel(steps=1, hidden=32).fit(path)
    assert first.scores_ is not None
    assert untrained.scores_ is not None
    assert first.scores_.nats < 0.9 * untrained.scores_.nats


def test_a_killed_training_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    path = write_text(tmp_path)
    whole = LanguageModel(steps=30, hidden=16).fit(path)
    killed = tmp_path / "killed"
    program = (
        "import os, sys\n"
        "from holdfast.training import loop\n"
        "from holdfast.language.language_model import LanguageModel\n"
        "do = loop._Run.one_step\n"
        "def one_step(run, progress):\n"
        "    do(run, progress)\n"
        "    run.checkpoint()\n"
        "    if run.state.step == 17: os._exit(9)\n"
        "loop._Run.one_step = one_step\n"
        "LanguageModel(steps=30, hidden=16).fit(sys.argv[1], checkpoints=sys.argv[2])\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(path), str(killed)], check=False)
    assert ended.returncode == 9
    resumed = LanguageModel(steps=30, hidden=16).fit(path, checkpoints=killed)
    for one, two in zip(whole.network_.parameters(), resumed.network_.parameters(), strict=True):
        assert torch.equal(one, two)
    LanguageModel.clear_checkpoints(killed)
    assert not killed.exists()


def test_arguments_out_of_range_are_refused(tmp_path: Path) -> None:
    path, model = write_text(tmp_path), _single()
    with pytest.raises(ArgumentError, match="tokens='letters'"):
        LanguageModel("letters")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="steps=0"):
        LanguageModel(steps=0)
    with pytest.raises(ArgumentError, match="validation"):
        LanguageModel(steps=1).fit(path, validation=1.5)
    with pytest.raises(ArgumentError, match="length=0"):
        model.generate(length=0)
    with pytest.raises(ArgumentError, match="top_p"):
        model.generate(top_p=1.5)
    with pytest.raises(ArgumentError, match="stop"):
        model.generate(stop="")
    with pytest.raises(TextError, match="no text"):
        model.evaluate("")


def _float_copy(tied: bool) -> LanguageNetwork:
    source = small_model(tied=tied).network_
    made = LanguageNetwork(source.design)
    made.load_state_dict(source.state_dict())
    return made.eval()


def _single() -> LanguageModel:
    return LanguageModel.from_network(small_model().tokenizer_, _float_copy(False))
