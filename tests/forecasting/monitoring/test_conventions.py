"""A forecaster is an estimator as scikit-learn has them."""

from __future__ import annotations

import numpy as np
import pytest
from tests.forecasting.fits import fit, table

from holdfast import Forecaster
from holdfast.errors import ArgumentError

sklearn_base = pytest.importorskip("sklearn.base")


def test_a_clone_has_the_arguments_and_nothing_of_the_fit() -> None:
    arguments = {
        "horizon": np.int64(3), "season": 12, "freq": "MS", "budget": "1m30s", "steps": np.int32(2),
        "seed": 5, "adapt": "none",
    }  # fmt: skip
    original = Forecaster(**arguments)
    assert {name: original.get_params()[name] for name in arguments} == arguments
    clone = sklearn_base.clone(original)
    assert clone.get_params() == original.get_params()
    fitted = fit(table(np.array(["a", "b"], dtype=object)))
    with pytest.raises(ArgumentError, match="not fitted yet"):
        sklearn_base.clone(fitted).predict()
    assert fitted.predict() is not None
    assert sklearn_base.clone(fitted).fit(table(np.array(["a", "b"], dtype=object))).horizon == 3


def test_it_shows_what_is_not_the_default() -> None:
    assert repr(Forecaster(12)) == "Forecaster(horizon=12)"
    assert repr(Forecaster(12, season=4, budget=None)) == (
        "Forecaster(horizon=12, season=4, budget=None)"
    )
    shown = Forecaster(12, freq="MS", steps=3)
    assert repr(eval(repr(shown))) == repr(shown)  # our own words


def test_arguments_can_be_set_and_bad_ones_change_nothing() -> None:
    forecaster = Forecaster(12)
    assert forecaster.set_params(season=7, horizon=3) is forecaster
    assert (forecaster.season, forecaster.horizon) == (7, 3)
    with pytest.raises(ArgumentError, match="seed=-1"):
        forecaster.set_params(season=2, seed=-1)
    with pytest.raises(ArgumentError, match="no argument 'horizons'"):
        forecaster.set_params(horizons=2)
    assert forecaster.season == 7
