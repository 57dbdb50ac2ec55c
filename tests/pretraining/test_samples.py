"""Samples of the generator: as pretraining draws them, and the same whenever they are asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from holdfast.errors import ArgumentError
from holdfast.pretraining.samples import draw_samples, write_samples
from holdfast.pretraining.synthetic.recipe import LATE, LONG, PARTS, SHORT, recipe_of
from holdfast.reports.pretraining_pages import generator_words
from holdfast.tables.read import read


@pytest.mark.parametrize(("kind", "length"), [("short", 128), ("long", 672)])
def test_equal_seeds_give_equal_series_and_others_give_others(kind: str, length: int) -> None:
    one, two, other = (draw_samples(kind, count=5, seed=seed) for seed in (3, 3, 4))
    assert one.values.shape == (5, length)
    np.testing.assert_array_equal(one.values, two.values)
    assert one.family == two.family
    assert not np.array_equal(one.values, other.values)


def test_every_sample_begins_at_the_first_point_as_in_pretraining() -> None:
    made = draw_samples("short", count=200, without=["missing"])
    assert np.isfinite(made.values).all()


def test_a_family_that_is_switched_off_is_not_drawn() -> None:
    usual, without = (draw_samples("short", count=200, without=w) for w in ([], ["structural"]))
    assert "structural" in usual.family
    assert "structural" not in without.family
    assert without.families["structural"] == 0.0
    assert sum(without.families.values()) == pytest.approx(1.0)


def test_the_shares_are_those_of_the_recipe() -> None:
    for kind, recipe in (("short", SHORT), ("long", LONG)):
        made = draw_samples(kind, count=1)
        assert made.families["counts"] == pytest.approx(recipe.counts / sum(recipe.weights))
        assert made.parts["exponential"] == recipe.exponential


def test_every_part_is_explained() -> None:
    made = draw_samples("short", count=1)
    assert set(made.families) == set(generator_words("families"))
    assert set(made.parts) == set(generator_words("parts"))
    assert set(made.families) | set(made.parts) | {LATE} == set(PARTS)


def test_the_table_is_one_that_holdfast_reads(tmp_path: Path) -> None:
    made = draw_samples("short", count=12, seed=1)
    write_samples(made, tmp_path / "samples.csv")
    table = read(tmp_path / "samples.csv")
    assert len(table.series) == 12
    for number, (row, label) in enumerate(zip(made.values, table.series.labels, strict=True)):
        assert label == f"{number + 1:02d} {made.family[number]}"
        begin, end = table.series.offsets[number : number + 2]
        first = int(np.flatnonzero(np.isfinite(row))[0])
        values = table.series.values[begin:end].astype(np.float32)
        np.testing.assert_array_equal(values, row[first:])


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"kind": "medium"}, "medium"),
        ({"count": 0}, "count=0"),
        ({"count": 501}, "count=501"),
        ({"length": 9}, "length=9"),
        ({"length": 20_001}, "length=20001"),
        ({"seed": -1}, "seed=-1"),
        ({"without": ["rain"]}, "rain"),
        ({"without": [LATE]}, LATE),
    ],
)
def test_bad_arguments_are_named(options: dict[str, object], named: str) -> None:
    with pytest.raises(ArgumentError, match=named):
        draw_samples(**options)  # type: ignore[arg-type]  # what is refused


def test_the_last_family_cannot_be_switched_off() -> None:
    families = list(draw_samples("short", count=1).families)
    with pytest.raises(ArgumentError, match="last family"):
        recipe_of("short", families)
