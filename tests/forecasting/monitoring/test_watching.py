"""A watch judges each row by the forecast that was made before it, whatever comes together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.forecasting.fits import HORIZON, fit, table

from holdfast.errors import ArgumentError, InputError, ModelError
from holdfast.forecasting.model import FittedModel
from holdfast.forecasting.monitoring import watch as watching
from holdfast.forecasting.monitoring.watch import LARGEST_LEAP, Watch, doubt
from holdfast.forecasting.monitoring.watch_state import WatchState, forget
from holdfast.forecasting.predict import forecast

LEVEL = 80.0


@pytest.fixture(scope="module")
def fitted() -> FittedModel:
    return fit(table(np.array(["a", "b"], dtype=object)))._fitted_model()


def rows_of(count: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of both series behind their ends, series by series in turns."""
    random = np.random.default_rng(seed)
    places = np.tile([0, 1], count)
    ordinals = np.repeat(np.arange(count), 2)
    values = 50.0 + random.normal(0, 8, 2 * count)
    return places, ordinals, values


def begun(fitted: FittedModel, every: int | None = None) -> tuple[Watch, int]:
    return Watch(fitted, LEVEL, every), int(fitted.series.ends[0]) + 1


def judged(watch: Watch, rows: tuple[np.ndarray, ...]) -> list[tuple[object, ...]]:
    made, _ = watch.take(*rows)
    columns = (made.places, made.ordinals, made.values, made.lower, made.upper, made.scores)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_each_row_is_beside_the_forecast_of_the_horizon_before_it(fitted: FittedModel) -> None:
    watch, first = begun(fitted)
    places, steps, values = rows_of(2 * HORIZON)
    made, refused = watch.take(places, first + steps, values)
    assert not refused
    matrix = values.reshape(-1, 2).T
    history = [np.concatenate([fitted.series.one(i), matrix[i]]) for i in range(2)]
    expected = []
    for place in range(2):
        for begin in (0, HORIZON):
            known = fitted.series.take(np.array([place]))
            length = known.lengths[0] + begin
            known = type(known)(
                known.labels, known.keys, known.starts, np.array([0, length]),
                history[place][:length], known.calendar,
            )  # fmt: skip
            told = forecast(fitted, known, (LEVEL,))
            for step in range(HORIZON):
                value = matrix[place, begin + step]
                low, high = told.lower[LEVEL][0, step], told.upper[LEVEL][0, step]
                if not low <= value <= high:
                    expected.append((place, first + begin + step, value, low, high))
    found = zip(made.places, made.ordinals, made.values, made.lower, made.upper, strict=True)
    np.testing.assert_allclose(np.array(sorted(found)), np.array(sorted(expected)), rtol=1e-5)
    assert 0 < len(expected) < 4 * HORIZON
    outside = np.abs(made.scores)
    assert (outside > 1).all()


@pytest.mark.parametrize("every", [1, None])
def test_it_does_not_matter_which_rows_come_together(
    fitted: FittedModel, every: int | None
) -> None:
    places, steps, values = rows_of(30)
    whole, first = begun(fitted, every)
    expected = judged(whole, (places, first + steps, values))
    random = np.random.default_rng(0)
    for _ in range(3):
        watch, _ = begun(fitted, every)
        cuts = np.sort(random.choice(np.arange(1, 60), 5, replace=False))
        found = []
        for part in np.split(np.arange(60), cuts):
            found += judged(watch, (places[part], first + steps[part], values[part]))
        assert np.array(found) == pytest.approx(np.array(expected), rel=1e-5)
    by_series = np.argsort(places, kind="stable")
    watch, _ = begun(fitted, every)
    found = judged(watch, (places[by_series], first + steps[by_series], values[by_series]))
    assert np.array(sorted(found)) == pytest.approx(np.array(sorted(expected)), rel=1e-5)


def test_a_long_watch_forgets_what_is_far_behind_and_goes_on(
    fitted: FittedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_points_needed", lambda fitted: 60)
    monkeypatch.setattr(watching, "LARGEST_LEAP", 20)
    watch, first = begun(fitted)
    places, steps, values = rows_of(150)
    watch.take(places, first + steps, values)
    kept = watch.series()
    np.testing.assert_array_equal(kept.one(1), values[1::2][-len(kept.one(1)) :])
    assert kept.ends.tolist() == [first + 149] * 2
    assert len(kept.one(1)) == 60
    assert (watch.take(places[:2], first + steps[:2], values[:2])[1], watch.past) == ([], 2)


def test_rows_that_are_known_say_nothing_and_others_are_named(fitted: FittedModel) -> None:
    watch, first = begun(fitted)
    zero, value = np.zeros(6, dtype=np.int64), fitted.series.one(0)[-1]
    ordinals = np.array([first - 1, first - 1, first + 3, first + 1, first + 900, first + 4])
    made, refused = watch.take(zero, ordinals, np.array([value, 1.0, np.nan, 2.0, 3.0, 50.0]))
    assert [one.row for one in refused] == [1, 3, 4]
    for one, words in zip(refused, ("there already", "fills a gap", "leaps over 896"), strict=True):
        assert words in one.reason
    np.testing.assert_array_equal(watch.series().one(0)[-5:], [np.nan, 2.0, np.nan, np.nan, 50.0])
    assert not made.ordinals.tolist().count(first + 1)


def test_many_slips_in_one_batch_cost_no_time_and_change_nothing(fitted: FittedModel) -> None:
    watch, first = begun(fitted)
    count = 2000
    far = first + LARGEST_LEAP + 1 + np.arange(count)
    _, refused = watch.take(np.zeros(count, dtype=np.int64), far, np.ones(count))
    assert len(refused) == count
    assert watch.series().ends.tolist() == fitted.series.ends.tolist()


def test_every_is_at_most_the_horizon_and_a_small_backtest_is_owned_up_to(
    fitted: FittedModel,
) -> None:
    with pytest.raises(ArgumentError, match=r"every=4 must be from 1 to the model's horizon, 3"):
        Watch(fitted, LEVEL, 4)
    assert "this takes 199 independent scores, the backtest has 6" in doubt(fitted, 99.0)


@pytest.mark.parametrize("torn", [0, 1, 23, 25])
def test_a_state_goes_on_where_a_kill_left_it(
    fitted: FittedModel, tmp_path: Path, torn: int
) -> None:
    places, steps, values = rows_of(40)
    whole, first = begun(fitted)
    expected = judged(whole, (places, first + steps, values))
    found: list[tuple[object, ...]] = []
    done = 0
    for stop in (17, 18, 50, 80):
        watch, _ = begun(fitted)
        with WatchState(tmp_path, watch, "one") as state:
            again = [(judged(watch, rows), seen) for rows, seen in state.resume()]
            found += [alarm for alarms, seen in again if not seen for alarm in alarms]
            state.reported()
            for row in range(done, stop):  # what was lost is sent again, and the rest
                rows = (
                    places[[row]], first + steps[[row]], values[[row]], np.zeros((1, 0))
                )  # fmt: skip
                state.take(rows)
                found += judged(watch, rows)
                state.reported()
            if stop == 18:
                state.checkpoint(0)
        # A row that was being written when the process died.
        with next(tmp_path.glob("rows-*")).open("ab") as file:
            file.write(np.array([-1, 1, 0], dtype="<i8").tobytes()[:torn])
        done = stop
    assert np.array(found) == pytest.approx(np.array(expected), rel=1e-5)


def test_rows_that_were_taken_and_not_reported_are_reported_later(
    fitted: FittedModel, tmp_path: Path
) -> None:
    places, steps, values = rows_of(20)
    whole, first = begun(fitted)
    expected = judged(whole, (places, first + steps, values))
    watch, _ = begun(fitted)
    with WatchState(tmp_path, watch, "one") as state:
        state.take((places, first + steps, values, np.zeros((len(places), 0))))
    watch, _ = begun(fitted)
    with WatchState(tmp_path, watch, "one") as state:
        ((rows, seen),) = state.resume()
        assert not seen
        assert judged(watch, rows) == expected


def test_a_state_is_refused_where_it_cannot_be_the_models(
    fitted: FittedModel, tmp_path: Path
) -> None:
    state = WatchState(tmp_path, Watch(fitted, LEVEL), "one")
    with pytest.raises(InputError, match="in use by another process"):
        WatchState(tmp_path, Watch(fitted, LEVEL), "one")
    state.close()
    with pytest.raises(ModelError, match="made with another model"):
        WatchState(tmp_path, Watch(fitted, LEVEL), "two")
    with pytest.raises(ModelError, match="another level= or every="):
        WatchState(tmp_path, Watch(fitted, 90.0), "one")
    forget(tmp_path)
    WatchState(tmp_path, Watch(fitted, 90.0), "two").close()
