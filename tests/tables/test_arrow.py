"""Arrow arrays are read from their own buffers, wherever in them they begin."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from holdfast.tables import arrow


@pytest.mark.parametrize("start", [0, 3, 11])
def test_slices_are_read_from_where_they_begin(start: int) -> None:
    rows = 20
    whole = pa.array(range(rows), pa.int64()).slice(start)
    holed = pa.array([None if k % 3 == 0 else float(k) for k in range(rows)]).slice(start)
    truth = pa.array([None if k % 4 == 0 else k % 2 == 0 for k in range(rows)]).slice(start)
    small = pa.array(range(rows), pa.int16()).slice(start)
    numbers = np.arange(start, rows)
    np.testing.assert_array_equal(arrow.integers(whole), numbers)
    np.testing.assert_array_equal(arrow.integers(small), numbers)
    np.testing.assert_array_equal(arrow.objects(small), numbers)
    np.testing.assert_array_equal(arrow.missing(holed), numbers % 3 == 0)
    np.testing.assert_array_equal(arrow.floats(holed), np.where(numbers % 3, numbers, np.nan))
    np.testing.assert_array_equal(arrow.booleans(truth), numbers % 4 == 2)
    assert arrow.objects(small).dtype == np.int16


@pytest.mark.parametrize("texts", [[], [""], ["a", "", "ü🍕", "long " * 9]])
def test_text_and_masks_go_in_and_out(texts: list[str]) -> None:
    made = arrow.text_array(texts)
    made.validate(full=True)
    assert arrow.objects(made).tolist() == texts
    mask = np.array([len(text) > 1 for text in texts], dtype=bool)
    assert made.filter(arrow.mask_array(mask)).to_pylist() == [t for t in texts if len(t) > 1]


def test_arrays_of_nothing_are_all_missing() -> None:
    assert arrow.missing(pa.nulls(3)).all()
    assert np.isnan(arrow.floats(pa.nulls(3))).all()
    assert arrow.integers(pa.array([], pa.int32())).shape == (0,)


def test_numbers_of_every_width_are_read_as_what_they_are() -> None:
    for name in ("int8", "uint16", "int64", "float16", "float32", "float64"):
        values = np.array([1, 2, 3], dtype=name)
        made = arrow.objects(pa.array(values))
        assert made.dtype == values.dtype
        np.testing.assert_array_equal(made, values)
