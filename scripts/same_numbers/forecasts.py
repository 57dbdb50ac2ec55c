"""Cases: forecasters and tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from entries import arrays_in, case
from names import example, fit, fit_from, load_forecaster, read_table

WEEK = 7
COVARIATES = {
    "future_covariates": ("promotion", "weather"),
    "past_covariates": "visits",
    "holidays": "DE",
}


def shop(days: int = 120) -> pd.DataFrame:
    """Daily sales: a season, promotions, gaps, counts, one short series; a week of plans behind."""
    draw, frames = np.random.default_rng(0), []
    for number, name in enumerate(("tea", "milk", "rare", "new")):
        dates = pd.date_range("2023-01-02", periods=days + WEEK)
        day = np.arange(len(dates))
        promotion = np.repeat(draw.random(len(dates) // 7 + 1) < 0.3, 7)[: len(dates)]
        y = 40.0 * (number + 1) * np.where(promotion, 2.0, 1.0)
        y = y * (1 + 0.6 * np.sin(day * 2 * np.pi / 7)) * np.exp(draw.normal(0.0, 0.1, len(dates)))
        y = draw.poisson(0.4, len(dates)).astype(float) if name == "rare" else y
        y[days:] = np.nan
        frame = pd.DataFrame({
            "unique_id": name, "ds": dates, "y": y, "promotion": promotion.astype(int),
            "weather": draw.choice(["sun", "rain"], len(dates)),
            "visits": draw.normal(size=len(dates)), "region": "north" if number < 2 else "south",
        })  # fmt: skip
        kept = (day >= 108) if name == "new" else (name != "milk") | (day % 11 != 3) | (day > 115)
        frames.append(frame[kept])
    return pd.concat(frames, ignore_index=True)


def halves() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """What is known, new rows, what is planned, and what the series are like."""
    whole = shop(120 + WEEK)
    sold, start = whole.dropna(subset="y"), pd.Timestamp("2023-01-02") + pd.Timedelta(days=120)
    items = pd.DataFrame({"unique_id": ["tea", "milk", "rare", "new"], "size": [1.0, 2.0, 3.0, 4.0],
                          "kind": ["dry", "cold", "dry", "cold"]})  # fmt: skip
    known, new = sold[sold["ds"] < start], sold[sold["ds"] >= start]
    return known, new, whole[whole["ds"] >= start].drop(columns=["y", "visits"]), items


def plans_in(columns: pd.DataFrame) -> pd.DataFrame:
    """The table of the future: ids, times and what is known ahead."""
    return columns[["unique_id", "ds", "promotion", "weather"]]


def sold_in(columns: pd.DataFrame) -> pd.DataFrame:
    """Ids, times and values alone."""
    return columns[["unique_id", "ds", "y"]]


@case
def forecaster() -> Iterator[tuple[str, Any]]:
    """A fit that trains nothing, and all that can be asked of it; then the life after it."""
    known, new, _, _ = halves()
    made = fit(known.drop(columns=["promotion", "weather", "visits"]), WEEK)
    yield "predict", made.predict(level=(50, 80, 90, 95), members=True)
    yield "integers", made.predict(integers=True)
    yield "backtest", made.backtest(level=(50, 90))
    yield "backtest of two folds", made.backtest(folds=2, step=3)
    yield "backtest of a table", made.backtest(sold_in(known))
    yield "record", made.record(level=(80, 95))
    yield "paths", made.paths(n=20, seed=1)
    yield "paths in integers", made.paths(n=5, integers=True)
    for by, over in (("region", None), ("all", "week"), (None, "month"), ("all", "horizon")):
        yield f"totals by {by} over {over}", made.totals(by=by, over=over, n=50, seed=2)
    yield "anomalies", made.anomalies(level=95)
    yield "embed", made.embed().set_index("unique_id").to_numpy()
    yield "arguments", made.get_params()
    yield "drift", made.drift(sold_in(new))
    yield "predict others", made.predict(sold_in(new))
    made.save("model")
    again = load_forecaster("model")
    yield "stored", arrays_in("model")
    yield "loaded", again.predict(members=True)
    yield "updated", again.update(sold_in(new)).predict()
    changed = sold_in(new).assign(y=new["y"] + 1)
    yield "corrected", again.update(changed, correct=True).predict()


@case
def forecaster_trained() -> Iterator[tuple[str, Any]]:
    """Networks adapted and trained from nothing, with and without covariates; going on from one."""
    known, new, plans, items = halves()
    made = fit(sold_in(known), WEEK, adapt="full", steps=6)
    yield "plain/predict", made.predict(members=True)
    yield "plain/record", made.record()
    made.save("model")
    yield "plain/stored", arrays_in("model")
    yield "loaded", load_forecaster("model").predict(members=True)
    again = fit_from(sold_in(known), WEEK, "model", adapt="full", steps=4)
    yield "gone on", again.predict(members=True)
    for name, options in {"none": {"adapt": "none"}, "full": {"adapt": "full", "steps": 3}}.items():
        made = fit(known, WEEK, {**COVARIATES, "static_df": items}, **options)
        yield f"covariates {name}/predict", made.predict(X_df=plans_in(plans), members=True)
        yield f"covariates {name}/backtest", made.backtest()
        yield f"covariates {name}/paths", made.paths(X_df=plans_in(plans), n=4)
        made.save(f"covariates {name}")
        yield f"covariates {name}/stored", arrays_in(f"covariates {name}")
        later = plans_in(shop(127)).loc[lambda frame: frame["ds"] > new["ds"].max()]
        loaded = load_forecaster(f"covariates {name}").update(new)
        yield f"covariates {name}/updated", loaded.predict(X_df=later)
    yield "auto", fit(sold_in(known), WEEK, adapt="auto", steps=3).predict(members=True)
    yield "other seed", fit(example("air-passengers"), 12, adapt="full", steps=3, seed=5).predict()


@case
def tables() -> Iterator[tuple[str, Any]]:
    """Calendars, kinds of frames and layouts: what is understood, and a forecast."""
    y = [20 + 5 * math.sin(step * math.pi / 2) + step % 3 for step in range(60)]
    stamps: dict[str, Any] = {
        freq: pd.date_range("2015-01-01", periods=60, freq=freq)
        for freq in ("MS", "ME", "W", "QS", "YS", "B", "h", "15min")
    }
    stamps |= {"counter": np.arange(60), "zone": pd.date_range("2024-03-01", periods=60, tz="CET")}
    for name, ds in stamps.items():
        yield f"{name}/predict", partial(forecast_of, pd.DataFrame({"ds": ds, "y": y}))
    columns: dict[str, Any] = {"ds": stamps["MS"].to_numpy().astype("datetime64[us]"), "y": y}
    kinds = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table, "columns": dict}
    for name, kind in kinds.items():
        yield f"{name}/predict", partial(forecast_of, kind(columns))
    yield "values/predict", partial(forecast_of, y)
    yield "pandas series/predict", partial(forecast_of, pd.Series(y, index=stamps["MS"]))
    yield "example/predict", partial(forecast_of, example("bike-hire"), 24)
    texts = {
        "wide": ("date,tea,oil\n" + rows_of(stamps["W"], "{0:%Y-%m-%d},{1},{2}"), {"wide": True}),
        "semicolons": ("Tag;Wert\n" + rows_of(stamps["W"], "{0:%d.%m.%Y};{1},5"), {}),
        "month names": ("month,n\n" + rows_of(stamps["MS"], "{0:%b %Y},{2}"), {}),
        "day first": ("a,b\n" + rows_of(stamps["W"], "{0:%d/%m/%Y},{1}"), {"day_first": True}),
        "sums": ("when,amount\n" + rows_of(stamps["h"], "{0:%Y-%m-%d %H:17},{1}"),
                 {"freq": "D", "aggregate": "sum"}),
        "zeros": ("ds,y\n" + rows_of(stamps["MS"][::3].append(stamps["MS"][1:2]).sort_values(),
                                     "{0:%Y-%m-%d},{1}"), {"missing": "zero"}),
    }  # fmt: skip
    frame = pd.DataFrame({"ds": stamps["W"], "y": y})
    frame.to_excel("t.xlsx", index=False)
    frame.to_parquet("t.parquet", index=False)
    frame.to_csv("t.csv.gz", index=False)
    for name in ("t.xlsx", "t.parquet", "t.csv.gz"):
        yield f"{name}/predict", partial(forecast_of, name)
    for name, (text, options) in texts.items():
        Path(f"{name}.csv").write_text(text, encoding="utf-8")
        table = read_table(f"{name}.csv", **options)
        yield f"{name}/summary", table.summary
        yield f"{name}/values", table.series.values


def forecast_of(table: Any, horizon: int = 4) -> Any:
    """A forecast of a table without training."""
    return fit(table, horizon).predict(members=True)


def rows_of(times: Iterable[Any], form: str) -> str:
    """Lines of a table, a time and two numbers in each."""
    return "".join(f"{form.format(one, 7 + k % 4, k % 5)}\n" for k, one in enumerate(times))
