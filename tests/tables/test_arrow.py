"""Arrow arrays are read from their own buffers, wherever in them they begin."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from holdfast.tables import raw


@pytest.mark.parametrize("start", [0, 3, 11])
def test_slices_are_read_from_where_they_begin(start: int) -> None:
    rows = 20
    whole = pa.array(range(rows), pa.int64()).slice(start)
    holed = pa.array([None if k % 3 == 0 else float(k) for k in range(rows)]).slice(start)
    truth = pa.array([None if k % 4 == 0 else k % 2 == 0 for k in range(rows)]).slice(start)
    small = pa.array(range(rows), pa.int16()).slice(start)
    numbers = np.arange(start, rows)
    np.testing.assert_array_equal(raw.integers(whole), numbers)
    np.testing.assert_array_equal(raw.integers(small), numbers)
    np.testing.assert_array_equal(raw.objects(small), numbers)
    np.testing.assert_array_equal(raw.missing(holed), numbers % 3 == 0)
    np.testing.assert_array_equal(raw.floats(holed), np.where(numbers % 3, numbers, np.nan))
    np.testing.assert_array_equal(raw.booleans(truth), numbers % 4 == 2)
    assert raw.objects(small).dtype == np.int16


@pytest.mark.parametrize("texts", [[], [""], ["a", "", "ü🍕", "long " * 9]])
def test_text_and_masks_go_in_and_out(texts: list[str]) -> None:
    made = raw.text_array(texts)
    made.validate(full=True)
    assert raw.objects(made).tolist() == texts
    mask = np.array([len(text) > 1 for text in texts], dtype=bool)
    assert made.filter(raw.mask_array(mask)).to_pylist() == [t for t in texts if len(t) > 1]


def test_arrays_of_nothing_are_all_missing() -> None:
    assert raw.missing(pa.nulls(3)).all()
    assert np.isnan(raw.floats(pa.nulls(3))).all()
    assert raw.integers(pa.array([], pa.int32())).shape == (0,)


def test_numbers_of_every_width_are_read_as_what_they_are() -> None:
    for name in ("int8", "uint16", "int64", "float16", "float32", "float64"):
        values = np.array([1, 2, 3], dtype=name)
        made = raw.objects(pa.array(values))
        assert made.dtype == values.dtype
        np.testing.assert_array_equal(made, values)
