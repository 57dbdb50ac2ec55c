"""Forecast or backtest one partition, some series at a time, and write it whole."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from holdfast.errors import HoldfastError, InputError
from holdfast.forecasting.backtest import (
    MEAN,
    Backtest,
    BacktestData,
    BacktestResult,
    backtest_data_on,
)
from holdfast.forecasting.evaluation.cross_fit import BLEND
from holdfast.forecasting.evaluation.folds import Folds
from holdfast.forecasting.evaluation.metrics import inside, mean_observed, scaled_error, smape
from holdfast.forecasting.model import FittedModel
from holdfast.forecasting.output import Columns, backtest_columns, forecast_columns
from holdfast.forecasting.partitions.folder import Partition, batches_needed, series_batches
from holdfast.forecasting.partitions.plan import MODEL, Plan, Settings
from holdfast.forecasting.predict import forecast
from holdfast.records import Floats, LevelCoverage, MethodScore
from holdfast.storage import PARTIAL, written_atomically
from holdfast.tables.frames import arrow_table
from holdfast.tables.raw import RawTable, is_text
from holdfast.tables.read import Table, read

RESULT_KEY: Final = b"holdfast"
"""The key under which a result's file says what it holds."""


@dataclass
class ScoreSums:
    """Sums and counts behind scores."""

    # mase, smape: method → (sum, count): of series and folds, of points
    mase: dict[str, tuple[float, int]] = field(default_factory=dict)
    smape: dict[str, tuple[float, int]] = field(default_factory=dict)
    # inside, width: level → (sum, count): points inside, widths in MASE's unit
    inside: dict[str, tuple[float, int]] = field(default_factory=dict)
    width: dict[str, tuple[float, int]] = field(default_factory=dict)
    # level → independent scores behind the calibration of the batch that has fewest
    scores: dict[str, int] = field(default_factory=dict)
    # levels that some batch could not calibrate
    uncalibrated: list[str] = field(default_factory=list)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ScoreSums:
        """What `to_json` wrote."""
        pairs = {
            name: {key: (float(total), int(count)) for key, (total, count) in data[name].items()}
            for name in ("mase", "smape", "inside", "width")
        }
        scores = {key: int(value) for key, value in data["scores"].items()}
        return cls(**pairs, scores=scores, uncalibrated=list(data["uncalibrated"]))

    def to_json(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)

    @classmethod
    def of(cls, data: BacktestData, result: BacktestResult, levels: Sequence[float]) -> ScoreSums:
        """Of one batch."""
        sums, evaluation = cls(), result.evaluation
        methods = {BLEND: evaluation.blend, **result.members}
        if MEAN in data.simple:
            methods[MEAN] = data.simple[MEAN]
        for name, median in methods.items():
            errors = scaled_error(data.actual, median, data.scales)
            sums.mase[name] = _summed(mean_observed(errors, axis=-1))
            sums.smape[name] = _summed(smape(data.actual, median))
        rows = {row.level: row for row in evaluation.coverage}
        for level in levels:
            lower, upper = evaluation.intervals.lower[level], evaluation.intervals.upper[level]
            key = f"{level:g}"
            sums.inside[key] = _summed(inside(data.actual, lower, upper))
            width = np.where(np.isnan(data.actual), np.nan, upper - lower)
            sums.width[key] = _summed(width / data.scales[..., None])
            if level in rows:
                sums.scores[key] = rows[level].scores
                sums.uncalibrated += [] if rows[level].calibrated else [key]
        return sums

    def add(self, other: ScoreSums) -> None:
        """Add those of another batch."""
        for own, theirs in (
            (self.mase, other.mase),
            (self.smape, other.smape),
            (self.inside, other.inside),
            (self.width, other.width),
        ):
            for name, (total, count) in theirs.items():
                before, counted = own.get(name, (0.0, 0))
                own[name] = (before + total, counted + count)
        for key, scores in other.scores.items():
            self.scores[key] = min(self.scores.get(key, scores), scores)
        self.uncalibrated = sorted({*self.uncalibrated, *other.uncalibrated})

    def methods(self) -> tuple[MethodScore, ...]:
        """A row a method, the blend first; weights differ between batches and are not shown."""
        return tuple(
            MethodScore(name, _mean(self.mase[name]), _mean(self.smape[name])) for name in self.mase
        )

    def coverage(self) -> tuple[LevelCoverage, ...]:
        """A row a level."""
        return tuple(
            LevelCoverage(
                level=float(key),
                coverage=_mean(self.inside[key]),
                width=_mean(self.width[key]),
                scores=self.scores.get(key, 0),
                calibrated=key not in self.uncalibrated,
            )
            for key in self.inside
        )


def _summed(values: Floats) -> tuple[float, int]:
    seen = ~np.isnan(values)
    return float(values[seen].sum()), int(seen.sum())


def _mean(pair: tuple[float, int]) -> float:
    total, count = pair
    return total / count if count else float("nan")


@dataclass(frozen=True)
class PartitionResult:
    """What the results of a partition hold."""

    series: int  # series, rows: that were written
    rows: int
    seconds: float  # that it took, and `cpu`, of this process
    cpu: float
    sums: ScoreSums | None  # scores of a backtest; None for forecasts

    def to_json(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> PartitionResult:
        """What `to_json` wrote."""
        sums = None if data["sums"] is None else ScoreSums.from_json(data["sums"])
        return cls(data["series"], data["rows"], data["seconds"], data["cpu"], sums)


@dataclass(frozen=True)
class Work:
    """A job as a worker sees it."""

    plan: Plan  # of the job
    out: Path  # the folder of results

    @classmethod
    def open(cls, out: Path, settings: Settings) -> Work:
        """The job whose plan is in a folder."""
        plan = Plan.read(out, settings)
        if plan is None:
            raise InputError(f"{out} has no plan; give the command of the job again.")
        return cls(plan, out)

    @cached_property
    def fitted(self) -> FittedModel:
        """The model that was fitted on the sample."""
        return FittedModel.load(self.out / MODEL)

    def do(self, number: int) -> PartitionResult:
        """Do one partition: its file appears whole or not at all.

        Raises:
            InputError: the partition cannot be read, or the result not be written.
        """
        from pyarrow import parquet

        partition, target = self.plan.partition(number), self.plan.result_path(self.out, number)
        begin, cpu = time.monotonic(), time.process_time()
        series = rows = 0
        sums = ScoreSums() if self.plan.settings.verb == "backtest" else None
        with written_atomically(target) as partial:
            writer = None
            try:
                for table, time_type in self._tables(partition, number):
                    columns = self._columns(table, sums)
                    rows_written = arrow_table(columns, table.series.calendar, time_type)
                    if writer is None:
                        writer = parquet.ParquetWriter(partial, rows_written.schema)
                    writer.write_table(rows_written.cast(writer.schema))
                    series, rows = series + len(table.series), rows + rows_written.num_rows
                if writer is None:
                    raise InputError(f"{partition.name} has no rows; take it out of the folder.")
                result = PartitionResult(
                    series, rows, time.monotonic() - begin, time.process_time() - cpu, sums
                )
                writer.add_key_value_metadata({RESULT_KEY: json.dumps(result.to_json())})
            finally:
                if writer is not None:
                    writer.close()
        return result

    def done(self, number: int) -> bool:
        """Whether a partition's results are there."""
        return self.plan.result_path(self.out, number).exists()

    def result(self, number: int) -> PartitionResult:
        """What the file of results says of itself."""
        import pyarrow as pa
        from pyarrow import parquet

        path = self.plan.result_path(self.out, number)
        try:
            with parquet.ParquetFile(path) as file:
                return PartitionResult.from_json(json.loads(file.metadata.metadata[RESULT_KEY]))
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as problem:
            raise InputError(
                f"{path} is damaged ({problem}); delete it and give the command again."
            ) from None

    def _tables(self, partition: Partition, number: int) -> Iterator[tuple[Table, object]]:
        """The batches of a partition, and the type that its timestamps have in the file."""
        plan, one = self.plan, self.plan.inputs[number]
        count = batches_needed(one["rows"], one["series"], plan.settings.horizon)
        for raw in series_batches(partition, plan.ids, plan.columns, count):
            table = read_batch(raw, plan)
            self.fitted.check_calendar(table, partition.name)
            kind = raw.columns[plan.time].type
            yield table, None if is_text(kind) else kind

    def _columns(self, table: Table, sums: ScoreSums | None) -> Columns:
        settings, fitted = self.plan.settings, self.fitted
        if sums is None:
            forecasts = forecast(fitted, table.series, settings.levels, note_unseen=False)
            return forecast_columns(fitted.names, table.series, forecasts, members=False)
        plan = self.plan
        folds = Folds(plan.cutoffs, None, settings.horizon, plan.needed, "")
        data = backtest_data_on(table, settings.horizon, folds)
        backtest = Backtest(data, settings.levels, settings.seed)
        for member in fitted.networks:
            backtest.add(member)
        result = backtest.evaluate()
        sums.add(ScoreSums.of(data, result, settings.levels))
        return backtest_columns(data, result, settings.levels)


def do_partition(
    out: Path,
    settings: Settings,
    number: int,
    open_job: Callable[[Path, Settings], Work] = Work.open,
) -> PartitionResult | str:
    """One partition of a job: its result, or in a sentence why there is none."""
    try:
        return open_job(out, settings).do(number)
    except HoldfastError as problem:
        return str(problem.args[0])  # its options are named for whoever began the job


def read_batch(raw: RawTable, plan: Plan) -> Table:
    """Some series of a partition, read as the plan says."""
    options = replace(
        plan.settings.read,
        id_col=plan.ids,
        time_col=plan.time,
        target_col=plan.target,
        freq=plan.freq,
        season=plan.season,
    )
    return read(raw, options)


def remove_unfinished(out: Path, settings: Settings) -> None:
    """Remove what processes left that were killed while they wrote."""
    for path in (out / settings.verb).rglob(PARTIAL):
        with suppress(OSError):
            path.unlink()
