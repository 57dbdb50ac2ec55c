"""Networks as forecasters of one table: alike, beside the simple methods, and resumable."""

from pathlib import Path

import numpy as np
import pytest
from tests.lens.compare.test_memory import KillAt, KilledError

from holdfast.errors import ModelError, TableError
from holdfast.forecasting.backtest import backtest_data
from holdfast.forecasting.networks.design import choose_design
from holdfast.lens.compare.forecasters import (
    ComparedTask,
    Recurrence,
    compare_forecasters,
    compared_network,
    forecast_findings,
)
from holdfast.lens.compare.models import MODELS, weights_of
from holdfast.tables.read import ReadOptions, Table, read


def series(points: int = 60, shift: float = 0.0) -> Table:
    steps = np.arange(points)
    values = 10.0 + shift + np.sin(steps * np.pi / 2) + 0.01 * steps
    return read(list(values), ReadOptions(season=4))


@pytest.mark.parametrize("points", [50, 5000, 50_000])
def test_all_forecasters_have_about_as_many_weights(points: int) -> None:
    design = choose_design(np.array([points]), horizon=6, season=12)
    sizes = [weights_of(compared_network(model, design)) for model in MODELS]
    assert max(sizes) / min(sizes) < 1.03


def test_each_comparison_trains_a_network_with_the_layers_of_its_model() -> None:
    data = backtest_data(series(), 4)
    design = choose_design(data.training.lengths, 4, 1)
    for model in MODELS:
        layers = ComparedTask(model, data, design, 0).module.recurrent
        assert [str(layer) for layer in layers] == [
            str(layer) for layer in compared_network(model, design).recurrent
        ]
        assert all(isinstance(layer, Recurrence) for layer in layers)


def test_a_killed_comparison_goes_on_to_the_same_scores(tmp_path: Path) -> None:
    table, models = series(), ("plain RNN", "LSTM, remember")
    whole = compare_forecasters(table, 3, models=models, seeds=2, updates=4)
    with pytest.raises(KilledError):
        compare_forecasters(
            table, 3, tmp_path, models=models, seeds=2, updates=4, progress=KillAt(20)
        )
    gone_on = compare_forecasters(table, 3, tmp_path, models=models, seeds=2)
    assert gone_on.models == whole.models
    np.testing.assert_array_equal(gone_on.scores, whole.scores)
    assert set(whole.simple) >= {"SeasonalNaive", "Theta"}
    assert np.all(np.median(whole.scores, axis=1)[:-1] <= np.median(whole.scores, axis=1)[1:])
    with pytest.raises(ModelError, match="another table"):
        compare_forecasters(series(shift=1.0), 3, tmp_path, models=models)


def test_a_table_that_is_too_short_is_refused() -> None:
    with pytest.raises(TableError, match="Nothing can be scored"):
        compare_forecasters(read([1.0, 2.0, 3.0, 4.0]), 3)


def test_findings_say_where_no_network_wins() -> None:
    scores = np.array([[0.9, 1.0, 1.1], [1.2, 1.3, 1.4]])
    sentences = " ".join(forecast_findings(["GRU", "LSTM, remember"], scores, {"Theta": 0.8}, 100))
    assert "No network was better than Theta (MASE 0.800)" in sentences
    assert "not first: MASE 1.300, outside the spread" in sentences
