from __future__ import annotations

from dataclasses import replace

import numpy as np

from holdfast.tables.calendar import Calendar
from holdfast.tables.covariates import Column, Covariates
from holdfast.tables.series import SeriesSet

COLUMNS = (Column("price", "future"), Column("visits", "past"))


def covariates(*lengths: int, starts: tuple[int, ...] | None = None) -> Covariates:
    """Each cell says where it stands: 100 · series + ordinal, and the same + 0.5."""
    first = np.array(starts or [0] * len(lengths), dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    cells = np.concatenate(
        [
            100.0 * row + begin + np.arange(length)
            for row, (begin, length) in enumerate(zip(first.tolist(), lengths, strict=True))
        ]
    )
    return Covariates(
        columns=COLUMNS,
        starts=first,
        offsets=offsets,
        values=np.stack([cells, cells + 0.5], axis=1),
        statics=(Column("store", "static", ("north", "south")),),
        static=np.arange(len(lengths), dtype=np.float64)[:, None] % 2,
    )


def series_with(made: Covariates, *lengths: int) -> SeriesSet:
    rows = {f"s{row}": np.arange(float(length)) for row, length in enumerate(lengths)}
    series = SeriesSet.from_arrays(rows, Calendar.integer())
    return replace(series, starts=made.starts.copy(), covariates=made)


def test_behind_a_cut_historic_columns_do_not_exist_and_known_ones_do() -> None:
    series = series_with(covariates(6, 6, starts=(0, 2)), 4, 4)
    cut = series.cut(3).covariates
    assert cut is not None
    seen = cut.span(0, 8)
    assert seen[0, :, 0].tolist()[:6] == [0, 1, 2, 3, 4, 5]
    assert seen[0, :4, 1].tolist() == [0.5, 1.5, 2.5, 3.5]
    assert np.isnan(seen[0, 4:, 1]).all()
    assert seen[1, 2:4, 1].tolist() == [102.5, 103.5]
    assert np.isnan(seen[1, 4:, 1]).all()
    assert np.isfinite(seen[1, 2:, 0]).all()
    by_series = series.cut(np.array([1, 4])).covariates
    assert by_series is not None
    assert np.isfinite(by_series.span(0, 8)[..., 1]).sum(axis=1).tolist() == [2, 3]


def test_covariates_go_where_their_series_go() -> None:
    series = series_with(covariates(5, 7, 6), 4, 4, 4)
    taken = series.take(np.array([2, 0])).covariates
    assert taken is not None
    assert taken.span(0, 1)[:, 0, 0].tolist() == [200.0, 0.0]
    assert taken.lengths.tolist() == [6, 5]
    assert taken.static[:, 0].tolist() == [0.0, 0.0]


def test_a_span_is_empty_outside_the_rows() -> None:
    made = covariates(3, 4, starts=(5, 0))
    span = made.span(np.array([4, 2]), 3)
    assert np.isnan(span[0, 0]).all()
    assert span[0, 1:, 0].tolist() == [5.0, 6.0]
    assert span[1, :2, 0].tolist() == [102.0, 103.0]
    assert np.isnan(span[1, 2]).all()


def test_the_future_adds_known_columns_only_and_wins_where_both_speak() -> None:
    made = covariates(4, 4)
    later = replace(covariates(3, 3, starts=(3, 5)), values=np.full((6, 2), -1.0))
    joined = made.followed_by(later)
    assert joined.lengths.tolist() == [6, 8]
    assert joined.span(0, 8)[0, :, 0].tolist()[:6] == [0.0, 1.0, 2.0, -1.0, -1.0, -1.0]
    assert joined.span(0, 8)[0, 3, 1] == 3.5
    assert np.isnan(joined.span(0, 8)[0, 4:, 1]).all()
    assert np.isnan(joined.span(0, 8)[1, 4]).all()  # a gap between the two stays one
