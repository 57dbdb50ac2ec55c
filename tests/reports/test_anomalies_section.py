"""What the page says of surprising values and of totals: the right points, and bounded."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from tests.forecasting.small import small_network
from tests.reports.records import forecast_record, wave

from holdfast import Forecaster
from holdfast.records import AnomalyRecord, ForecastRecord, TotalsRecord
from holdfast.reports.forecast_page import TOTALS, payload

BUDGET = 500_000


def record(**changes: Any) -> ForecastRecord:
    return forecast_record(wave(3, 60, 12), labels=("a", "b", "c"), **changes)


def odd(series: list[int], places: list[int]) -> AnomalyRecord:
    """Values 5, expected from 1 to 2."""
    count = len(series)
    return AnomalyRecord(
        99.0, 180, True, np.array(series), np.array(places), np.full(count, 5.0),
        np.full(count, 1.0), np.full(count, 2.0), np.arange(count, 0, -1.0) + 1,
    )  # fmt: skip


def page_data(forecast: ForecastRecord) -> Any:
    return json.loads(json.dumps(payload(forecast, BUDGET)))


def test_a_surprising_value_is_marked_at_its_point_and_listed_with_its_time() -> None:
    base = record()
    page = page_data(record(anomalies=odd([1, 1], [0, 59])))
    curves = page["series"]["curves"]
    assert curves[1]["a"] == [[0, 1.0, 2.0], [59, 1.0, 2.0]]
    assert "a" not in curves[0]
    rows = page["anomalies"]["rows"]
    assert [row["label"] for row in rows] == ["b", "b"]
    assert [row["at"] for row in rows] == [1, 1]
    ends = base.history_offsets[2] - 1
    for row, back in zip(rows, (0, 59), strict=True):
        time = base.history_times[ends - back].astype("datetime64[ms]").astype(np.int64)
        assert row["time"] == time
    assert page_data(base)["anomalies"] is None


def test_a_fit_finds_the_slip_that_is_farthest_out() -> None:
    y = [10.0 + step % 4 for step in range(80)]
    y[60] = 90.0
    with small_network():
        found = Forecaster(2, season=4, adapt="none").fit({"ds": range(80), "y": y}).record()
    assert found.anomalies is not None
    assert found.anomalies.places[0] == 79 - 60
    assert found.anomalies.values[0] == 90.0
    assert (np.diff(np.abs(found.anomalies.scores)) <= 0).all()


@pytest.mark.parametrize("count", [4, TOTALS + 7])
def test_totals_are_shown_group_by_group_with_their_bounds(count: int) -> None:
    numbers = np.arange(float(count))
    sums = TotalsRecord(
        by="region", over="week",
        labels=tuple(("north", "south")[place % 2] for place in range(count)),
        times=tuple(f"2024-01-{1 + place % 28:02d}" for place in range(count)),
        median=numbers, mean=numbers + 0.5,
        lower={80.0: numbers - 1, 90.0: numbers - 2}, upper={80.0: numbers + 1, 90.0: numbers + 2},
        note=("",) * count,
    )  # fmt: skip
    groups = page_data(record(totals=sums))["groups"]
    assert (groups["by"], groups["over"], groups["levels"]) == ("region", "week", [80.0, 90.0])
    assert groups["unlisted"] == max(count - TOTALS, 0)
    south = groups["groups"][1]
    assert south["label"] == "south"
    assert south["rows"][0] == {
        "time": "2024-01-02", "median": 1.0, "mean": 1.5, "note": "",
        "bounds": [[0.0, 2.0], [-1.0, 3.0]],
    }  # fmt: skip
    assert page_data(record())["groups"] is None
