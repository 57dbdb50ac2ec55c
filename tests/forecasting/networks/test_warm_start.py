"""Training goes on from a saved model, and what is scored never sees its weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tests.forecasting.monthly import HORIZON, long_frame

from holdfast import Forecaster
from holdfast.forecasting.model import FittedModel
from holdfast.forecasting.networks.design import choose_design
from holdfast.forecasting.networks.members import WindowMember
from holdfast.forecasting.networks.recipes import FineTuning, FromScratch, warm_started
from holdfast.records import ADAPTED, LSTM

pytestmark = pytest.mark.usefixtures("small")


def saved_networks() -> FittedModel:
    """A model in which both kinds of trained networks are, of weights that nothing else has."""
    fitted = Forecaster(HORIZON, adapt="none").fit(long_frame())._fitted_model()
    design = choose_design(_seen_lengths(), HORIZON, fitted.season)
    scratch = [FromScratch(design).task(fitted.series, None, seed).module.eval() for seed in (0, 1)]
    adapted = FineTuning(fitted.pretrained).task(fitted.series, None, 0).module.eval()
    with torch.no_grad():
        for network in (*scratch, adapted):
            for weight in network.parameters():
                weight.mul_(3.0)
    members = (
        fitted.pretrained,
        replace(fitted.pretrained, name=ADAPTED, network=adapted),
        WindowMember(design, scratch),
    )
    names = (fitted.ensemble.names[0], ADAPTED, LSTM, *fitted.ensemble.names[1:])
    weights = np.full(len(names), 1.0 / len(names))
    return replace(
        fitted, networks=members, ensemble=replace(fitted.ensemble, names=names, weights=weights)
    )


def _seen_lengths() -> np.ndarray:
    forecaster = Forecaster(HORIZON, adapt="none").fit(long_frame())
    assert forecaster._result is not None
    return forecaster._result.data.training.lengths


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    result = tmp_path_factory.mktemp("continue") / "model"
    saved_networks().save(result)
    return result


def test_scores_and_the_blend_know_nothing_of_the_saved_weights(model: Path) -> None:
    anew = Forecaster(HORIZON, adapt="full", steps=2).fit(long_frame())
    going = Forecaster(HORIZON, adapt="full", steps=2).fit(long_frame(), warm_start=model)
    pd.testing.assert_frame_equal(going.backtest(), anew.backtest(), check_exact=True)
    ours, theirs = going._fitted_model(), anew._fitted_model()
    assert ours.ensemble.names == theirs.ensemble.names
    np.testing.assert_array_equal(ours.ensemble.weights, theirs.ensemble.weights)
    assert not any("anew" in remark for remark in going.notes_)


def test_the_last_training_begins_with_the_saved_weights_and_takes_half() -> None:
    saved = saved_networks()
    whole = saved.series
    held_out = whole.cut(whole.ends - HORIZON)
    design = choose_design(_seen_lengths(), HORIZON, saved.season)
    for recipe in (FineTuning(saved.pretrained), FromScratch(design)):
        going, note = warm_started(recipe, saved.networks, whole)
        assert note == ""
        assert going.warm_start is not None
        assert (going.final_steps(9), recipe.final_steps(9)) == (4, 9)
        assert going.identity() != recipe.identity()
        for seed in range(recipe.networks):
            before = going.warm_start.networks[seed].state_dict()
            last = going.task(whole, None, seed).module.state_dict()
            early = going.task(held_out, None, seed).module.state_dict()
            plain = recipe.task(held_out, None, seed).module.state_dict()
            for name, weight in before.items():
                assert torch.equal(last[name], weight)
                assert torch.equal(early[name], plain[name])


def test_where_there_is_nothing_to_go_on_from_it_says_so(model: Path) -> None:
    saved = saved_networks()
    other = choose_design(np.array([900] * 4), 24, 12)
    going, note = warm_started(FromScratch(other), saved.networks, saved.series)
    assert going.warm_start is None
    assert note == "The saved LSTM has other sizes; it begins anew."
    zero = Forecaster(HORIZON, adapt="none").fit(long_frame())
    going, note = warm_started(
        FineTuning(saved.pretrained), zero._fitted_model().networks, saved.series
    )
    assert note == "The saved model has no Adapted to go on from; it begins anew."
