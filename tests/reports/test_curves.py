from __future__ import annotations

import base64

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.reports.forecast_curves import MISSING, Axis, pack
from holdfast.reports.forecast_selection import packed_bytes

values = st.lists(
    st.one_of(
        st.floats(-1e300, 1e300),
        st.sampled_from([np.nan, np.inf, -np.inf]),
        st.floats(-1e6, 1e6),
        st.integers(-1000, 1000).map(float),
    ),
    min_size=1,
    max_size=40,
)


@given(values)
@settings(max_examples=200, deadline=None)
def test_a_curve_comes_back_within_a_step(numbers: list[float]) -> None:
    row = np.array(numbers)
    origin, exponent, text = pack(row)
    codes = np.frombuffer(base64.b64decode(text), dtype="<u2").astype(np.float64)
    assert np.array_equal(codes == MISSING, ~np.isfinite(row))
    known = np.isfinite(row)
    # As the page's script does it: a quotient, not a product with an inexact power.
    back = (origin + codes[known]) / 10.0 ** max(-exponent, 0) * 10.0 ** max(exponent, 0)
    if not known.any():
        return
    size = np.abs(row[known]).max()
    reach = row[known].max() - row[known].min()
    # What the docstring of `pack` promises, and the rounding of a float.
    step = max(reach / 6_553, 10.0 ** np.ceil(np.log10(size)) * 1e-12 if size else 0.0, 1e-300)
    assert np.all(np.abs(back - row[known]) <= step + np.spacing(size))


def test_short_decimals_come_back_exactly() -> None:
    row = np.array([112.0, 118.3, 97.25])
    origin, exponent, text = pack(row)
    codes = np.frombuffer(base64.b64decode(text), dtype="<u2")
    assert [(origin + int(code)) / 10**-exponent for code in codes] == row.tolist()


def test_the_bound_on_bytes_holds() -> None:
    random = np.random.default_rng(0)
    for count in (1, 2, 3, 50, 1000):
        for scale in (1e-300, 1.0, -1e15, 1e300):
            origin, exponent, text = pack(scale * (1 + random.random(count)))
            size = len(f'[{origin},{exponent},"{text}"],')
            assert size <= packed_bytes(np.array([count]))[0]


def test_an_axis_with_holes_places_what_lies_across_them() -> None:
    axis = Axis.of([np.array([1, 2, 3, 7]), np.array([4, 5])])
    assert axis.points.tolist() == [1, 2, 3, 4, 5, 7]
    assert axis.payload() == {"unit": "integer", "first": 1, "runs": [1, 4, 2, 1]}
    assert axis.place(np.array([2, 3, 4])) == 1
    assert axis.place(np.array([1, 3, 7])) == [0, 2, 5]


def test_dates_are_written_as_coarsely_as_they_can_be_told_apart() -> None:
    def unit(*dates: str) -> str:
        return Axis.of([np.array(dates, dtype="datetime64[ns]")]).unit

    assert unit("2001-12-31", "2002-12-31", "2003-12-31") == "year"
    assert unit("2001-03-31", "2001-06-30", "2001-09-30") == "quarter"
    assert unit("2001-01-31", "2001-02-28", "2001-03-31") == "month"
    assert unit("2001-01-01", "2001-01-29", "2001-02-26", "2001-03-26") == "day"
    assert unit("2001-01-01", "2001-01-08") == "day"
    assert unit("2001-01-01T00:00", "2001-01-01T00:15") == "minute"
    assert unit("2001-01-01T00:00:00", "2001-01-01T00:00:10") == "second"
