"""Covariates on the command line: named columns, statics, the future, and what is refused."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.cli.command import assert_light, command, one_sentence
from tests.forecasting.small import small_network

DAYS, HORIZON = 84, 7


@pytest.fixture(autouse=True)
def _small() -> Iterator[None]:
    with small_network():
        yield


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """sales.csv, next.csv and items.csv in a folder."""
    random = np.random.default_rng(0)
    past, ahead = ["item,day,promo,sold"], ["item,day,promo"]
    for item in ("tea", "milk"):
        for day in range(DAYS + HORIZON):
            date = np.datetime64("2024-01-01") + day
            promo = day // 7 % 4 == 1
            word = "yes" if promo else "no"
            if day < DAYS:
                past.append(f"{item},{date},{word},{20 * (1 + promo) + random.normal():.2f}")
            else:
                ahead.append(f"{item},{date},{word}")
    for name, lines in (
        ("sales", past),
        ("next", ahead),
        ("items", ["item,kind", "tea,dry", "milk,cold"]),
    ):
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


COLUMNS = ("--id", "item", "--time", "day", "--target", "sold")


def test_forecast_and_predict_with_known_columns_and_statics(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    covariates = ("--static", shop / "items.csv", "--future", shop / "next.csv")
    words = ("--horizon", HORIZON, "--future-covariates", "promo", "--holidays", "DE")
    run = ("forecast", shop / "sales.csv", *words, *covariates, "--out", shop / "out")
    run = (*run, "--adapt", "none")
    assert command(monkeypatch, *run, *COLUMNS, "--quiet") == 0
    again = ("predict", shop / "out" / "model", shop / "sales.csv", *covariates)
    assert command(monkeypatch, *again, *COLUMNS, "--out", shop / "again", "--quiet") == 0
    first, second = (
        list(
            csv.DictReader((shop / name / "forecast.csv").read_text(encoding="utf-8").splitlines())
        )
        for name in ("out", "again")
    )
    assert "PretrainedX" in first[0]
    assert [row["holdfast"] for row in first] == [row["holdfast"] for row in second]


def test_a_missing_future_is_refused_before_torch_and_before_anything_is_written(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["forecast", "sales.csv", "--horizon", "7", "--future-covariates", "promo", *COLUMNS]
    monkeypatch.chdir(shop)
    assert command(monkeypatch, *words) != 0
    said = one_sentence(capsys.readouterr().err)
    assert "'promo'" in said
    assert "7 dates from 2024-03-25 to 2024-03-31" in said
    assert not (shop / "holdfast-forecast").exists()
    assert_light(words, 2, shop)
