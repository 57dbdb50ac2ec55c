"""What a caller asks for is known before the rest of a design is chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
from texts import write_text

from holdfast.errors import ArgumentError, ModelError
from holdfast.language.design import (
    WIDTHS,
    LanguageDesign,
    Overrides,
    choose_design,
    learning_rate,
)
from holdfast.language.language_model import LanguageModel
from holdfast.language.train import LEAST_STEPS

FLOPS = 2e13


def test_rates_and_shares_are_those_of_the_width_that_is_asked_for() -> None:
    narrow, wide = (
        choose_design("char", 65, 1_000_000, FLOPS, Overrides(hidden=width)) for width in (32, 1024)
    )
    assert (narrow.hidden, wide.hidden) == (32, 1024)
    assert (narrow.learning_rate, wide.learning_rate) == (learning_rate(32), learning_rate(1024))
    assert narrow.embedding == 32
    free = choose_design("char", 65, 1_000_000, FLOPS)
    assert free.hidden in WIDTHS
    same = choose_design("char", 65, 1_000_000, FLOPS, Overrides(hidden=free.hidden))
    assert same == free


def test_more_layers_hide_more_where_the_text_is_read_as_often() -> None:
    few, many = (
        choose_design("char", 65, 1_000_000, float("inf"), Overrides(hidden=128, layers=layers))
        for layers in (1, 3)
    )
    assert len(many.sizes()) == 3
    assert many.output_dropout > few.output_dropout


def test_dropout_leaves_the_recurrent_weights_to_the_choice() -> None:
    chosen = choose_design("char", 65, 20_000, 1e15)
    assert chosen.weight_drop > 0.0
    changed = choose_design("char", 65, 20_000, 1e15, Overrides(hidden=chosen.hidden, dropout=0.1))
    assert (changed.output_dropout, changed.hidden_dropout) == (0.1, 0.1)
    assert changed.weight_drop == chosen.weight_drop
    both = choose_design("char", 65, 20_000, 1e15, Overrides(dropout=0.1, weight_drop=0.0))
    assert (both.output_dropout, both.weight_drop) == (0.1, 0.0)


def test_a_training_with_other_overrides_begins_anew(tmp_path: Path) -> None:
    path, folder = write_text(tmp_path), tmp_path / "training"
    for width in (16, 24):
        model = LanguageModel(steps=2, hidden=width).fit(path, checkpoints=folder)
        assert model.network_.design.hidden == width


def test_a_design_and_overrides_contradict_each_other() -> None:
    design = choose_design("char", 20, 2_000, 1e9)
    with pytest.raises(ArgumentError, match="not both"):
        LanguageModel(steps=1, design=design, hidden=8)
    with pytest.raises(ArgumentError, match=r"weight_drop=1\.0 must be a share"):
        LanguageModel(steps=1, weight_drop=1.0)


def test_the_least_updates_are_done_however_little_time_there_is(tmp_path: Path) -> None:
    model = LanguageModel(budget=1e-6, hidden=8).fit(write_text(tmp_path))
    assert model.result_ is not None
    assert model.result_.trained.steps == LEAST_STEPS


def test_a_design_of_an_earlier_model_folder_is_read() -> None:
    design = choose_design("char", 65, 20_000, 1e15)
    switched_off = {
        "cutoffs": [],
        "embedding_dropout": 0.0,
        "activation_penalty": 0.0,
        "temporal_penalty": 0.0,
    }
    assert LanguageDesign.from_json({**design.to_json(), **switched_off}) == design
    with pytest.raises(ModelError, match="unknown fields"):
        LanguageDesign.from_json({**design.to_json(), "cutoffs": [10]})
