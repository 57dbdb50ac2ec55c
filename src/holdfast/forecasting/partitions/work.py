"""One part: read in chunks, forecast or backtested, and written under its own name at the end."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from holdfast.errors import InputError
from holdfast.forecasting.columns import Columns, backtest_columns, forecast_columns
from holdfast.forecasting.evaluation.folds import Fold, Folds
from holdfast.forecasting.fitted import Fitted
from holdfast.forecasting.groundwork import lay_on
from holdfast.forecasting.judged import Trial
from holdfast.forecasting.partitions.folder import Part, chunks, chunks_needed
from holdfast.forecasting.partitions.plan import MODEL, Plan, Settings
from holdfast.forecasting.partitions.sums import Sums
from holdfast.forecasting.predictor import forecast
from holdfast.tables.arrow import is_text
from holdfast.tables.frames import arrow_table
from holdfast.tables.raw import RawTable
from holdfast.tables.reading import Table, read

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
    def fitted(self) -> Fitted:
        """What was fitted on the sample."""
        return Fitted.load(self.out / MODEL)

    def do(self, number: int, alive: Callable[[], bool] = lambda: True) -> Facts:
        """Do one part: its file appears whole or not at all.

        Arguments:
            number: of the part.
            alive: asked before every chunk whether anybody still waits for the result.

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
                    if not alive():
                        raise InputError("The process that began this job has ended.")
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
        ground = lay_on(table, settings.horizon, folds)
        trial = Trial(ground, settings.levels, settings.seed)
        for member in fitted.networks:
            trial.add(member)
        judged = trial.judged()
        sums.add(Sums.of(ground, judged, settings.levels))
        return backtest_columns(ground, judged, settings.levels)


def read_part(raw: RawTable, plan: Plan) -> Table:
    """A chunk of a part as series, read as the plan says.

    Raises:
        TableError: names the part, and the column or row.
    """
    settings = plan.settings
    return read(
        raw,
        id_col=list(plan.ids),
        time_col=plan.time,
        target_col=plan.target,
        freq=plan.freq,
        season=plan.season,
        day_first=settings.day_first,
        decimal=settings.decimal,
        missing=settings.missing,
        aggregate=settings.aggregate,
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
