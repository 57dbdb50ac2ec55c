"""One part: read in chunks, forecast or backtested, and written under its own name at the end."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
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
from holdfast.forecasting.evaluation.folds import Fold, Folds
from holdfast.forecasting.evaluation.metrics import inside, mean_observed, scaled_error, smape
from holdfast.forecasting.model import FittedModel
from holdfast.forecasting.output import Columns, backtest_columns, forecast_columns
from holdfast.forecasting.partitions.folder import Part, chunks, chunks_needed
from holdfast.forecasting.partitions.plan import MODEL, Plan, Settings
from holdfast.forecasting.predict import forecast
from holdfast.records import Floats, LevelCoverage, MethodScore
from holdfast.tables.frames import arrow_table
from holdfast.tables.raw import RawTable, is_text
from holdfast.tables.read import ReadOptions, Table, read

FACTS: Final = b"holdfast"
"""The key under which a result's file says what it holds."""


@dataclass(frozen=True)
class Facts:
    """What was made of a part.

    Arguments:
        series, rows: that were written.
        seconds: that it took, and `cpu`, of this process.
        sums: scores of a backtest; None for forecasts.
    """

    series: int
    rows: int
    seconds: float
    cpu: float
    sums: Sums | None

    def to_json(self) -> dict[str, Any]:
        """The fields, for JSON."""
        sums = None if self.sums is None else self.sums.to_json()
        return {
            "series": self.series,
            "rows": self.rows,
            "seconds": self.seconds,
            "cpu": self.cpu,
            "sums": sums,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Facts:
        """What `to_json` wrote."""
        sums = None if data["sums"] is None else Sums.from_json(data["sums"])
        return cls(data["series"], data["rows"], data["seconds"], data["cpu"], sums)


@dataclass(frozen=True)
class Work:
    """A job as a process sees it that does parts of it.

    Arguments:
        plan: of the job.
        out: the folder of results.
    """

    plan: Plan
    out: Path

    @classmethod
    def open(cls, out: Path, settings: Settings) -> Work:
        """The job whose plan is in a folder.

        Raises:
            InputError: there is none, or it is another.
        """
        plan = Plan.read(out, settings)
        if plan is None:
            raise InputError(f"{out} has no plan; give the command of the job again.")
        return cls(plan, out)

    @cached_property
    def fitted(self) -> FittedModel:
        """What was fitted on the sample."""
        return FittedModel.load(self.out / MODEL)

    def do(self, number: int) -> Facts:
        """Do one part: its file appears whole or not at all.

        Arguments:
            number: of the part.

        Raises:
            InputError: the part cannot be read, or the result not be written.
        """
        from pyarrow import parquet

        part, target = self.plan.part(number), self.plan.result(self.out, number)
        begin, cpu = time.monotonic(), time.process_time()
        series = rows = 0
        sums = Sums() if self.plan.settings.verb == "backtest" else None
        with _whole_or_not(target) as partial:
            writer = None
            try:
                for table, time_type in self._tables(part, number):
                    columns = self._columns(table, sums)
                    made = arrow_table(columns, table.series.calendar, time_type)
                    if writer is None:
                        writer = parquet.ParquetWriter(partial, made.schema)
                    writer.write_table(made.cast(writer.schema))
                    series, rows = series + len(table.series), rows + made.num_rows
                if writer is None:
                    raise InputError(f"{part.name} has no rows; take it out of the folder.")
                facts = Facts(
                    series, rows, time.monotonic() - begin, time.process_time() - cpu, sums
                )
                writer.add_key_value_metadata({FACTS: json.dumps(facts.to_json())})
            finally:
                if writer is not None:
                    writer.close()
        return facts

    def done(self, number: int) -> bool:
        """Whether a part's result is there."""
        return self.plan.result(self.out, number).exists()

    def facts(self, number: int) -> Facts:
        """What a result that is there says of itself.

        Raises:
            InputError: it is damaged.
        """
        import pyarrow as pa
        from pyarrow import parquet

        path = self.plan.result(self.out, number)
        try:
            with parquet.ParquetFile(path) as file:
                return Facts.from_json(json.loads(file.metadata.metadata[FACTS]))
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as problem:
            raise InputError(
                f"{path} is damaged ({problem}); delete it and give the command again."
            ) from None

    def _tables(self, part: Part, number: int) -> Iterator[tuple[Table, object]]:
        """The chunks of a part, and the type that its timestamps have in the file."""
        plan, one = self.plan, self.plan.inputs[number]
        count = chunks_needed(one["rows"], one["series"], plan.settings.horizon)
        for raw in chunks(part, plan.ids, plan.columns, count):
            table = read_part(raw, plan)
            self.fitted.check_calendar(table, part.name)
            kind = raw.columns[plan.time].type
            yield table, None if is_text(kind) else kind

    def _columns(self, table: Table, sums: Sums | None) -> Columns:
        settings, fitted = self.plan.settings, self.fitted
        if sums is None:
            made = forecast(fitted, table.series, settings.levels, strangers=False)
            return forecast_columns(fitted.names, table.series, made, members=False)
        plan = self.plan
        scoring = tuple(Fold(cutoff, "score") for cutoff in plan.cutoffs)
        folds = Folds(scoring, None, settings.horizon, plan.needed, "")
        ground = backtest_data_on(table, settings.horizon, folds)
        trial = Backtest(ground, settings.levels, settings.seed)
        for member in fitted.networks:
            trial.add(member)
        judged = trial.judged()
        sums.add(Sums.of(ground, judged, settings.levels))
        return backtest_columns(ground, judged, settings.levels)


def do_partition(
    out: Path,
    settings: Settings,
    number: int,
    open_job: Callable[[Path, Settings], Work] = Work.open,
) -> Facts | str:
    """One partition of a job: its facts, or in a sentence why there are none."""
    try:
        return open_job(out, settings).do(number)
    except HoldfastError as problem:
        return str(problem)


def read_part(raw: RawTable, plan: Plan) -> Table:
    """A chunk of a part as series, read as the plan says.

    Raises:
        TableError: names the part, and the column or row.
    """
    settings = plan.settings
    return read(
        raw,
        ReadOptions(
            id_col=list(plan.ids),
            time_col=plan.time,
            target_col=plan.target,
            freq=plan.freq,
            season=plan.season,
            day_first=settings.day_first,
            decimal=settings.decimal,
            missing=settings.missing,
            aggregate=settings.aggregate,
        ),
    )


@contextmanager
def _whole_or_not(target: Path) -> Iterator[Path]:
    """A name to write under; what is written gets the target's name when all went well."""
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())  # the rename must not reach the disk before the data
        partial.replace(target)
    except OSError as problem:
        raise InputError(
            f"{target} cannot be written: {problem.strerror or problem}; give the command again "
            "when it can."
        ) from problem
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def sweep(out: Path, settings: Settings) -> None:
    """Remove what processes left that were killed while they wrote."""
    for path in (out / settings.verb).rglob(".*.partial"):
        with suppress(OSError):
            path.unlink()


@dataclass
class Sums:
    """Sums and counts behind scores.

    Arguments:
        mase, smape: method → (sum, count): of series and folds, of points.
        inside, width: level → (sum, count): points inside, widths in MASE's unit.
        scores: level → independent scores behind the calibration of the chunk that has fewest.
        uncalibrated: levels that some chunk could not calibrate.
    """

    mase: dict[str, tuple[float, int]] = field(default_factory=dict)
    smape: dict[str, tuple[float, int]] = field(default_factory=dict)
    inside: dict[str, tuple[float, int]] = field(default_factory=dict)
    width: dict[str, tuple[float, int]] = field(default_factory=dict)
    scores: dict[str, int] = field(default_factory=dict)
    uncalibrated: list[str] = field(default_factory=list)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Sums:
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
    def of(cls, ground: BacktestData, judged: BacktestResult, levels: Sequence[float]) -> Sums:
        """Those of one chunk."""
        made, judgement = cls(), judged.judgement
        methods = {BLEND: judgement.blend, **judged.members}
        if MEAN in ground.simple:
            methods[MEAN] = ground.simple[MEAN]
        for name, median in methods.items():
            errors = scaled_error(ground.actual, median, ground.scales)
            made.mase[name] = _summed(mean_observed(errors, axis=-1))
            made.smape[name] = _summed(smape(ground.actual, median))
        rows = {row.level: row for row in judgement.coverage}
        for level in levels:
            lower, upper = judgement.intervals.lower[level], judgement.intervals.upper[level]
            key = f"{level:g}"
            made.inside[key] = _summed(inside(ground.actual, lower, upper))
            width = np.where(np.isnan(ground.actual), np.nan, upper - lower)
            made.width[key] = _summed(width / ground.scales[..., None])
            if level in rows:
                made.scores[key] = rows[level].scores
                made.uncalibrated += [] if rows[level].calibrated else [key]
        return made

    def add(self, other: Sums) -> None:
        """Take in those of another chunk."""
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
        """A row a method, the blend first; weights differ between chunks and are not shown."""
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
