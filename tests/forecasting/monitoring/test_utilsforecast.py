"""What comes out is read by utilsforecast as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.forecasting.fits import fit, table
from utilsforecast.evaluation import evaluate
from utilsforecast.losses import coverage, mae

BOTH = pytest.mark.parametrize("kind", [pd.DataFrame, pl.from_pandas], ids=["pandas", "polars"])


def frame_of(kind: Any) -> Any:
    return kind(table(np.array(["a", "b"], dtype=object)))


@BOTH
def test_evaluate_scores_a_backtest_fold_by_fold(kind: Any) -> None:
    backtest = fit(frame_of(kind)).backtest()
    made = evaluate(backtest, metrics=[mae, coverage], level=[80], models=["holdfast"])
    assert len(made) == 2 * 3 * 2
    made = pd.DataFrame(made.to_dict(as_series=False) if kind is pl.from_pandas else made)
    rows = pd.DataFrame(backtest.to_dict(as_series=False) if kind is pl.from_pandas else backtest)
    first = rows[(rows["unique_id"] == "a") & (rows["cutoff"] == rows["cutoff"].min())]
    expected = (first["y"] - first["holdfast"]).abs().mean()
    own = made[(made["unique_id"] == "a") & (made["metric"] == "mae")].sort_values("cutoff")
    assert own["holdfast"].iloc[0] == pytest.approx(expected)
    assert "SeasonalNaive" in evaluate(backtest, metrics=[mae]).columns  # every member by itself


@BOTH
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
def test_plot_series_draws_forecasts_with_their_intervals(kind: Any) -> None:
    pytest.importorskip("matplotlib")
    from utilsforecast.plotting import plot_series

    frame = frame_of(kind)
    made = fit(frame).predict(level=(80, 90))
    figure = plot_series(frame, made, models=["holdfast"], level=[80, 90], engine="plotly")
    drawn = [len(trace.y) for trace in figure.data if trace.name and "holdfast" in trace.name]
    assert drawn
    assert plot_series(frame, made, models=["holdfast"], level=[80]) is not None
