from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from holdfast.errors import ModelError
from holdfast.language.classify.classifier import TextClassifier
from holdfast.language.classify.networks import TokenReader, fine_tuned_from, layer_rates
from holdfast.language.language_model import LanguageModel
from holdfast.records import WarmStartComparison
from holdfast.training.loop import train
from holdfast.training.plan import LayerRate, Plan

GOOD, BAD = "what a warm and funny film", "what a cold and empty film"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    path = tmp_path_factory.mktemp("text") / "films.txt"
    path.write_text(f"{GOOD}\n{BAD}\n" * 100, encoding="utf-8")
    return LanguageModel("word", steps=3, hidden=16).fit(path)


def films(count: int = 60) -> tuple[list[str], list[str]]:
    return [GOOD, BAD] * count, ["good", "bad"] * count


def test_a_classifier_starts_from_a_language_model_and_says_what_it_brought(
    model: LanguageModel, tmp_path: Path
) -> None:
    model.save(tmp_path / "language")
    settings = {"steps": 60, "networks": 1, "hidden": 8, "embedding": 16, "blend": False}
    classifier = TextClassifier(start=tmp_path / "language", **settings).fit(*films())  # type: ignore[arg-type]
    scores = classifier.scores_
    assert scores is not None
    assert scores.accuracy == 1.0
    assert isinstance(scores.warm_start, WarmStartComparison)
    # One to be judged, one from nothing beside it, and one that learns from all texts.
    assert len(classifier.result_.trained) == 3  # type: ignore[union-attr]
    classifier.save(tmp_path / "model")
    again = TextClassifier.load(tmp_path / "model")
    with pytest.raises(ModelError, match="reads its tokens, not words"):
        again.model_.word_network()
    texts = [GOOD, BAD, "", "zzz", "film " * 5_000]
    np.testing.assert_array_equal(again.predict_proba(texts), classifier.predict_proba(texts))
    same = TextClassifier(start=model, **settings).fit(*films())  # type: ignore[arg-type]
    np.testing.assert_array_equal(same.predict_proba(texts), classifier.predict_proba(texts))


def test_a_folder_that_is_no_language_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        TextClassifier(start=tmp_path, steps=1).fit(*films(2))


def test_it_starts_with_the_weights_of_the_language_model(model: LanguageModel) -> None:
    network = fine_tuned_from(model.network_, 2)
    for name, weight in network.language.named_parameters():
        assert torch.equal(weight, model.network_.get_parameter(name))
        assert weight.data_ptr() != model.network_.get_parameter(name).data_ptr()


def test_a_started_network_scores_texts_alike_alone_and_among_others(model: LanguageModel) -> None:
    network, reader = fine_tuned_from(model.network_, 2).eval(), TokenReader(model.tokenizer_)
    batches = reader.batches(["a film", GOOD, "warm " * 20], 3)
    with torch.no_grad():
        together = network(batches.tensors([0, 1, 2]))
        alone = torch.cat([network(batches.tensors([row])) for row in range(3)])
    torch.testing.assert_close(together, alone)


def test_parts_of_a_network_wait_and_learn_at_their_own_pace() -> None:
    class Both(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.below, self.above = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.above(self.below(x))  # type: ignore[no-any-return]

    class Fit:
        def __init__(self) -> None:
            torch.manual_seed(0)
            self.module = Both()

        def batch(self, step: int, seed: int) -> torch.Tensor:
            return torch.ones(3, 2)

        def losses(self, module: torch.nn.Module, batch: torch.Tensor) -> torch.Tensor:
            return (module(batch) - 9.0).square().flatten()

        def names(self, batch: torch.Tensor, rows: object) -> list[str]:
            return []

        def validate(self, module: torch.nn.Module) -> float | None:
            return None

    begin = Fit().module.state_dict()

    def moved(**rate: float) -> dict[str, float]:
        task = Fit()
        rates = (LayerRate("below.", **rate),)  # type: ignore[arg-type]
        plan = Plan(steps=1, average=0.0, weight_decay=0.0, layer_rates=rates)
        train(task, plan)
        after = task.module.state_dict()
        return {name: float((after[name] - begin[name]).abs().max()) for name in begin}

    usual, slow, frozen = moved(), moved(factor=0.25), moved(first_step=2)
    assert frozen["below.weight"] == frozen["below.bias"] == 0.0
    # The first update of Adam is as long as the rate, whatever the gradient.
    assert slow["below.weight"] == pytest.approx(0.25 * usual["below.weight"], rel=1e-3)
    for moves in (slow, frozen):
        assert moves["above.weight"] == usual["above.weight"] > 0.0


def test_a_plan_without_paces_is_the_run_that_it_was() -> None:
    assert "layer_rates" not in Plan(steps=1).identity()
    assert Plan(steps=1, layer_rates=(LayerRate("a", 0.5),)).identity()["layer_rates"] == [
        {"prefix": "a", "factor": 0.5, "first_step": 1}
    ]


def test_layers_learn_from_the_last_to_the_first() -> None:
    rates = layer_rates(2, 90, 5)
    assert [rate.first_step for rate in rates] == [6, 6, 11, 16]
    assert [rate.factor for rate in rates] == sorted((rate.factor for rate in rates), reverse=True)
    assert max(rate.first_step for rate in layer_rates(2, 6, 100)) <= 6
    assert max(rate.first_step for rate in layer_rates(2, 1000, 10_000)) <= 201


def test_the_verdict_on_a_start_is_that_of_two_standard_errors() -> None:
    assert WarmStartComparison(0.9, 0.8, 0.1, 0.04).verdict == "better"
    assert WarmStartComparison(0.9, 0.8, 0.1, 0.06).verdict == "no clear difference"
    assert WarmStartComparison(0.7, 0.8, -0.1, 0.04).verdict == "worse"
    assert WarmStartComparison(0.8, 0.8, 0.0, 0.0).verdict == "no clear difference"
