"""Networks as members of the blend: forecasts for whatever comes, recipes that leave no trace."""

from __future__ import annotations

import numpy as np
import pytest
from tests.forecasting.pretrained.examples import series_of, walk
from tests.forecasting.small import DESIGN, untrained

from holdfast.errors import ModelError
from holdfast.forecasting.networks.design import choose_design
from holdfast.forecasting.networks.members import PretrainedMember
from holdfast.forecasting.networks.recipes import FineTuning, FromScratch
from holdfast.forecasting.networks.storage import networks_from_json, networks_to_json
from holdfast.forecasting.pretrained.model import PretrainedNetwork
from holdfast.records import PRETRAINED
from holdfast.training.weights import arrays_of, network_from

HORIZON = 9


def member() -> PretrainedMember:
    return PretrainedMember(PRETRAINED, untrained(), HORIZON, 7, None)


@pytest.mark.parametrize("unit", [1e-310, 1e-200, 1e-3, 1e30, 1e200, 1e300])
def test_values_near_the_ends_of_the_floats_are_forecast_like_any_other(unit: float) -> None:
    row = walk(60)
    result, plain = (member().quantiles(series_of([one]))[0] for one in (unit * row, row))
    # The smallest numbers have 11 bits fewer; what is left is float32's rounding in the network.
    np.testing.assert_allclose(result / unit, plain, rtol=1e-3, atol=1e-3 * np.ptp(row))


def test_series_without_a_value_are_left_out_and_move_no_other() -> None:
    rows = [walk(40), np.zeros(0), np.full(12, np.nan), np.array([5.0])]
    result = member().quantiles(series_of(rows))
    assert np.isnan(result[[1, 2]]).all()
    assert np.isfinite(result[[0, 3]]).all()
    (alone,) = member().quantiles(series_of(rows[:1]))
    np.testing.assert_allclose(result[0], alone, atol=1e-5)


def test_weights_take_half_the_room_only_where_nothing_is_lost() -> None:
    exact = untrained()
    halves = arrays_of(exact)
    assert {array.dtype.name for array in halves.values()} == {"float16"}
    again = network_from(lambda: PretrainedNetwork(DESIGN), halves)
    for name, weight in exact.state_dict().items():
        assert bool((again.state_dict()[name] == weight).all())
    weight = next(iter(exact.parameters()))
    weight.data[0] += 1e-5
    assert "float32" in {array.dtype.name for array in arrays_of(exact).values()}


def test_networks_come_back_from_their_description() -> None:
    start = member()
    series = series_of([walk(60), walk(60, 1)])
    scratch = FromScratch(choose_design(series.lengths, HORIZON, 7))
    fine_tuning = FineTuning(start)
    tasks = [scratch.task(series, None, seed).module.eval() for seed in (0, 1)]
    adapted = fine_tuning.member([fine_tuning.task(series, None, 0).module.eval()])
    described, arrays = networks_to_json([start, adapted, scratch.member(tasks)])
    given = {"horizon": HORIZON, "season": 7, "calendar": series.calendar}
    again = networks_from_json(described, arrays, **given)
    assert [one.name for one in again] == ["Pretrained", "Adapted", "LSTM"]
    for one, other in zip((start, adapted, scratch.member(tasks)), again, strict=True):
        np.testing.assert_array_equal(other.quantiles(series), one.quantiles(series))
    with pytest.raises(ModelError, match="pretrained"):
        networks_from_json({"LSTM": described["LSTM"]}, arrays, **given)


def test_what_shapes_an_adapted_network_is_in_its_identity() -> None:
    start = member()
    other = untrained()
    next(iter(other.parameters())).data[0] += 1.0
    changed = PretrainedMember(PRETRAINED, other, HORIZON, 7, None)
    longer = PretrainedMember(PRETRAINED, start.network, HORIZON, 7, 14)
    identities = [str(FineTuning(one).identity()) for one in (start, changed, longer, member())]
    assert identities[0] == identities[3]
    assert len(set(identities)) == 3
