"""The plan of a job over a folder of partitions: checked, read and kept; no torch here."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

from holdfast.errors import InputError, TableError, option
from holdfast.forecasting.arguments import check_levels, check_whole_number
from holdfast.forecasting.backtest import BacktestData, backtest_data
from holdfast.forecasting.partitions.folder import (
    Partition,
    PartitionSize,
    count_partitions,
    find_partitions,
    first_rows,
    sample,
)
from holdfast.storage import write_text_atomically
from holdfast.tables.read import ReadOptions, read
from holdfast.tables.roles import Roles, find_roles
from holdfast.training.budget import duration
from holdfast.version import __version__

Verb = Literal["forecast", "backtest"]

PLAN: Final = "plan.json"
MODEL: Final = "model"
FORMAT: Final = "holdfast parts 1"
_HASHES: Final = "identities"


@dataclass(frozen=True)
class Settings:
    """All options that have a say in the results.

    Raises:
        ArgumentError: the horizon is less than 1.
    """

    verb: Verb  # "forecast" or "backtest"
    data: str  # the folder, or a single file, absolute
    horizon: int  # steps
    levels: tuple[float, ...]  # interval levels in percent
    # adapt, budget, steps, seed: of the fit on the sample, as `forecasting.fit.fit` has them
    adapt: Literal["none", "auto", "full"]
    budget: str | None
    steps: int | None
    seed: int
    sample: int  # series on which season, frequency, ensemble weights and widths are found
    folds: int = 3  # folds, step: of a backtest
    step: int | None = None
    # how to read a partition; `id_col` is a tuple
    read: ReadOptions = field(default_factory=ReadOptions)

    def __post_init__(self) -> None:
        check_whole_number("horizon", self.horizon, 1)
        check_levels(self.levels)
        if self.budget is not None:
            duration(self.budget)

    def identity(self) -> dict[str, Any]:
        """What makes it another job, as JSON has it; the folder may have moved."""
        fields = asdict(self) | {"version": __version__}
        fields |= fields.pop("read")
        del fields["data"]
        plain: dict[str, Any] = json.loads(json.dumps(fields))
        return plain


@dataclass(frozen=True)
class Plan:
    """Settings, the inputs as they were, and what was found on the sample."""

    settings: Settings  # all options
    # a partition each: name, bytes, when it was modified, rows and series
    inputs: tuple[Mapping[str, Any], ...]
    ids: tuple[str, ...]  # ids, time, target: the columns of every partition
    time: str
    target: str
    freq: str | int  # freq, season: of every partition
    season: int
    # cutoffs, needed: the folds of a backtest, as `evaluation.folds.Folds` has them
    cutoffs: tuple[int, ...]
    needed: int

    @property
    def series(self) -> int:
        """In all partitions."""
        return sum(int(one["series"]) for one in self.inputs)

    @property
    def columns(self) -> tuple[str, ...]:
        """All that is read of a partition."""
        return tuple(dict.fromkeys((*self.ids, self.time, self.target)))

    def partition(self, number: int) -> Partition:
        """One of the inputs."""
        one = self.inputs[number]
        data = Path(self.settings.data)
        path = data if data.is_file() else data.joinpath(*one["name"].split("/"))
        return Partition(path, one["name"], one["bytes"], one["modified"])

    def result_path(self, out: Path, number: int) -> Path:
        """Where the results of a partition are written."""
        return out.joinpath(self.settings.verb, *self.partition(number).result.split("/"))

    def write(self, out: Path) -> None:
        """Write plan.json, whole or not at all."""
        contents = asdict(self) | {"format": FORMAT, "settings": self.settings.identity()}
        write_text_atomically(out / PLAN, json.dumps(contents, indent=1))

    @classmethod
    def read(cls, out: Path, settings: Settings) -> Plan | None:
        """The plan of a job that was begun; None where there is none.

        Raises:
            InputError: the folder holds another job, or something that is not ours.
        """
        path = out / PLAN
        if not path.exists():
            if (out / settings.verb).exists() and any((out / settings.verb).iterdir()):
                raise InputError(
                    f"{out / settings.verb} holds files and {out} no {PLAN}; choose another "
                    f"{option('out')}."
                )
            return None
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            if found["format"] != FORMAT:
                raise ValueError(f"it says {found['format']!r}")
            before, now = found["settings"], settings.identity()
            for name in now:
                if before.get(name) != now[name]:
                    raise InputError(
                        f"{out} holds a job {_setting(name, before.get(name))}, and this one is "
                        f"{_setting(name, now[name])}; give the same settings to go on, or another "
                        f"{option('out')}."
                    )
            return cls(
                settings=settings,
                inputs=tuple(found["inputs"]),
                ids=tuple(found["ids"]),
                time=found["time"],
                target=found["target"],
                freq=found["freq"],
                season=found["season"],
                cutoffs=tuple(found["cutoffs"]),
                needed=found["needed"],
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
            raise InputError(
                f"{path} is not a plan of this version ({problem}); choose another {option('out')}."
            ) from None

    def check_inputs(self, partitions: tuple[Partition, ...]) -> None:
        """Refuse to go on where the partitions are not those that the job began with."""
        was = {one["name"]: one for one in self.inputs}
        for partition in partitions:
            before = was.pop(partition.name, None)
            if before is None:
                changed = f"{partition.name} is new"
            elif any(before[name] != value for name, value in partition.identity().items()):
                changed = f"{partition.name} has changed"
            else:
                continue
            raise InputError(
                f"{changed} since this job began; give another {option('out')} to begin again."
            )
        for name in was:
            raise InputError(f"{name} is gone since this job began; give another {option('out')}.")


@dataclass(frozen=True, eq=False)
class NewJob:
    """What is known of a job that begins."""

    roles: Roles  # the columns of every partition
    sizes: tuple[PartitionSize, ...]  # rows and series of each
    sample_data: BacktestData  # the sample, its folds, and the simple methods on them


@dataclass(frozen=True, eq=False)
class Job:
    """A folder of partitions and what to do with it, checked."""

    out: Path  # the folder of results
    settings: Settings  # what to do
    partitions: tuple[Partition, ...]  # the files
    begun: Plan | NewJob  # the plan of an earlier process, or what is known of a new job


def prepare(out: Path, settings: Settings) -> Job:
    """Check folder and settings; read the names of all series, and the sample, of a new job.

    Arguments:
        out: the folder of results; not inside the folder of partitions.

    Raises:
        InputError: the folder, a partition or the settings cannot be used; a series is in two
            partitions; or the folder of results holds another job.
    """
    data, out = Path(settings.data), out.absolute()
    if data == out or data in out.parents:
        raise InputError(
            f"{option('out', out)} lies inside the folder of partitions; choose a folder outside "
            f"{data}."
        )
    partitions = find_partitions(data)
    plan = Plan.read(out, settings)
    if plan is not None:
        plan.check_inputs(partitions)
        return Job(out, settings, partitions, plan)
    return Job(out, settings, partitions, _new_job(out, settings, partitions))


def _setting(name: str, value: object) -> str:
    """A setting of a job as its reader gave it."""
    if name in ("verb", "version"):
        return f"of the {name} {value}"
    name = {"levels": "level"}.get(name, name)
    return f"without {option(name)}" if value is None else f"with {option(name, value)}"


def _new_job(out: Path, settings: Settings, partitions: tuple[Partition, ...]) -> NewJob:
    roles = _roles(partitions[0], settings)
    assert roles.time is not None
    columns = tuple(dict.fromkeys((*roles.id, roles.time, roles.target)))
    try:
        sizes = count_partitions(partitions, roles.id, settings.seed, out / _HASHES)
        raw = sample(
            partitions,
            roles.id,
            columns,
            count=settings.sample,
            seed=settings.seed,
            hashes=out / _HASHES,
        )
    finally:
        shutil.rmtree(out / _HASHES, ignore_errors=True)
    table = read(
        raw,
        replace(settings.read, id_col=roles.id, time_col=roles.time, target_col=roles.target),
    )
    sample_data = backtest_data(table, settings.horizon, folds=settings.folds, step=settings.step)
    if settings.verb == "backtest" and not sample_data.folds.scoring:
        raise TableError(
            f"{sample_data.folds.reason.removesuffix('.')}; give a shorter {option('horizon')}."
        )
    return NewJob(roles, sizes, sample_data)


def _roles(partition: Partition, settings: Settings) -> Roles:
    """The columns of all partitions, as the first rows of one have them."""
    roles = find_roles(
        first_rows(partition),
        id_col=settings.read.id_col,
        time_col=settings.read.time_col,
        target_col=settings.read.target_col,
    )
    if not roles.id or roles.time is None:
        raise TableError(
            f"{partition.name} has no column that "
            f"{'tells series apart' if not roles.id else 'is time'}; name it with "
            f"{option('id_col' if not roles.id else 'time_col')}."
        )
    if settings.read.aggregate == "sum" and settings.read.missing == "zero":
        raise InputError(
            f"{option('aggregate', 'sum')} with {option('missing', 'zero')} fills every series to "
            "the end of the table, which a partition does not know; aggregate the partitions first."
        )
    return roles
