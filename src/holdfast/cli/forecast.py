"""`holdfast forecast`: a table in; forecasts, a report and a model out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.cli import options, partitions
from holdfast.cli.screen import Screen, follows, show_first_forecast, show_outcome
from holdfast.errors import ArgumentError

if TYPE_CHECKING:
    from holdfast import Forecaster
    from holdfast.records import ForecastRecord, MethodScore

MANY_SERIES = 20_000
"""Series of one table above which a sample of them is worth a sentence."""


@options.grouped
def forecast(
    data: options.Data = None,
    horizon: options.Horizon = None,
    example: options.Example = None,
    out: options.Out = Path("holdfast-forecast"),
    *,
    fitting: options.Fitting,
    warm_start: options.WarmStart = None,
    level: options.Levels = "80,90",
    reading: options.Reading,
    covariates: options.Covariates,
    X_df: options.Future = None,
    integers: options.Integers = False,
    total_by: options.TotalBy = None,
    total_over: options.TotalOver = None,
    partitioned: options.Partitioned,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Forecast every series of a table.

    Writes forecast.csv, report.html (open it in a browser) and model/ into the --out folder: once
    within seconds, by a network that is already trained, and again when training on these series
    ends. With --total-by or --total-over it writes totals.csv too.
    """
    started = time.monotonic()
    screen = Screen(quiet=quiet or follows(), as_json=as_json and not follows())
    # Whatever can be refused is refused before torch is loaded.
    levels = options.levels(level)
    if data is not None and example is None and partitions.needed(data, partitioned):
        partitions.refuse_together(
            warm_start=warm_start, integers=integers, by=total_by, over=total_over, X_df=X_df
        )
        partitions.run(
            "forecast", screen, data, horizon, out, levels, fitting, reading, covariates,
            partitioned,
        )  # fmt: skip
        return
    table = open_table(
        data, horizon, example, fitting, **options.arguments(reading), **covariates.arguments(),
        X_df=X_df,
    )  # fmt: skip
    forecaster = table.forecaster
    forecaster.check(table.table, total_by=total_by, total_over=total_over, folder=out / "model")

    from holdfast.cli.results import results_folder, typed_command
    from holdfast.reports import as_json as summary
    from holdfast.reports import save, terminal

    folder = results_folder(out)
    screen.show(table.about, terminal.understood(table.table.summary))
    if (series := table.table.summary.series) > MANY_SERIES:
        screen.show(
            f"{series:,} series all take part in the backtest; --sample 1000 finds ensemble weights"
            " and intervals on a sample, forecasts each series once and keeps memory bounded."
        )

    def show_simple(scores: tuple[MethodScore, ...], reason: str) -> None:
        if scores:
            screen.show(terminal.scores(scores, "Simple methods on past horizons"))
        screen.show(reason)

    def write(fitted: Forecaster) -> tuple[ForecastRecord, dict[str, str]]:
        """Write all results; what reports show of them, and what is where."""
        shown: dict[str, Any] = {"level": levels, "integers": integers}
        record = fitted.record(
            **shown, total_by=total_by, total_over=total_over, title=table.title,
            command=typed_command(),
        )  # fmt: skip
        files = {
            "forecast": folder / "forecast.csv",
            "report": folder / "report.html",
            "model": folder / "model",
        }
        fitted.predict(**shown, members=True, csv=files["forecast"])
        save(record, files["report"])
        fitted.save(files["model"])
        if total_by is not None or total_over is not None:
            files["totals"] = folder / "totals.csv"
            fitted.totals(
                **shown, by=total_by, over=total_over, seed=fitting.seed, csv=files["totals"]
            )
        return record, {name: str(path) for name, path in files.items()}

    def show_first(fitted: Forecaster) -> None:
        """Write and show what there is before anything is trained."""
        if not follows():
            record, _ = write(fitted)
            show_first_forecast(screen, record, folder)

    forecaster.fit(
        table.table, level=levels, checkpoints=folder / "training", warm_start=warm_start,
        started=started, progress=screen.progress(), on_simple_scores=show_simple,
        on_first_forecast=show_first,
    )  # fmt: skip
    if follows():
        return
    record, files = write(forecaster)
    show_outcome(screen, record)
    screen.show(terminal.written(files), whole_lines=True)
    screen.result(summary(record, files))


@dataclass(frozen=True, eq=False)
class OpenTable:
    """A table that was read and checked, and the forecaster for it.

    Arguments:
        forecaster: not fitted yet.
        table: from `Forecaster.read`.
        title: the file's or the example's name.
        about: a sentence about an example; "" for a file.
    """

    forecaster: Forecaster
    table: Any
    title: str
    about: str


def open_table(
    data: Path | None,
    horizon: int | None,
    example: str | None,
    fitting: options.Fitting,
    **reading: Any,
) -> OpenTable:
    """Read a file or an example.

    Arguments:
        data, example: the one or the other.
        horizon: periods to forecast; None for an example's own.
        fitting: the options of the forecaster.
        reading: options of `Forecaster.read`.

    Raises:
        InputError: something is missing, contradictory or cannot be read.
    """
    if (data is None) == (example is None):
        raise ArgumentError(
            "Give a file or --example, one of the two, as in: holdfast forecast sales.csv "
            "--horizon 12."
        )
    from holdfast import Forecaster

    settings = options.arguments(fitting)
    if example is not None:
        from holdfast.forecasting import example as shipped

        one = shipped(example)
        forecaster = Forecaster(one.horizon if horizon is None else horizon, **settings)
        return OpenTable(forecaster, forecaster.read(one.columns), one.name, one.about)
    assert data is not None
    forecaster = Forecaster(options.given(horizon), **settings)
    return OpenTable(forecaster, forecaster.read(data, **reading), data.name, "")
