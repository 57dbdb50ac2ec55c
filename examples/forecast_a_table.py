"""Forecast a table, look at the backtest, keep a report and a model. Takes about ten seconds."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa

import holdfast
from holdfast.tables.examples import example

table = pa.table(example("air-passengers").columns)  # month, passengers; pandas and polars work too

# Without adapt="none" networks are also trained on these series, which may take two minutes.
forecaster = holdfast.Forecaster(horizon=12, adapt="none").fit(table)
forecast = forecaster.predict(level=(80, 90))
print(forecast.slice(0, 3).to_pylist())

folds = forecaster.backtest()
errors = [abs(row["passengers"] - row["holdfast"]) / row["passengers"] for row in folds.to_pylist()]
print(f"{len(errors)} past forecasts, mean error {100 * sum(errors) / len(errors):.1f} %")

with tempfile.TemporaryDirectory() as folder:
    holdfast.reports.save(forecaster.record(title="Air passengers"), Path(folder) / "report.html")
    forecaster.save(Path(folder) / "model")
    again = holdfast.Forecaster.load(Path(folder) / "model").predict(table)
    assert again["holdfast"].to_pylist() == forecast["holdfast"].to_pylist()
