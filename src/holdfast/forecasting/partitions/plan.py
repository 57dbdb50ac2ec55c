"""What a job over a folder of parts does, settled once and kept beside its results."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from holdfast.errors import InputError, TableError, option
from holdfast.forecasting.backtest import BacktestData, backtest_data
from holdfast.forecasting.partitions.folder import (
    Counted,
    Part,
    count_parts,
    find_parts,
    head,
    sample,
)
from holdfast.storage import write_text_atomically
from holdfast.tables.numbers import Decimal
from holdfast.tables.read import ReadOptions, read
from holdfast.tables.roles import Roles, find_roles
from holdfast.tables.rows import Aggregate, Missing
from holdfast.version import __version__

Verb = Literal["forecast", "backtest"]

PLAN: Final = "plan.json"
MODEL: Final = "model"
FORMAT: Final = "holdfast parts 1"


@dataclass(frozen=True)
class Settings:
    """What a person asked for: all that has a say in the results.

    Arguments:
        verb: "forecast" or "backtest".
        data: the folder, or a single file, absolute.
        horizon: steps.
        levels: interval levels in percent.
        adapt, budget, steps, seed: of the fit on the sample, as `forecasting.fitting.fit` has them.
        sample: series that season, frequency, blend and widths are settled on.
        folds, step: of a backtest.
        ids, time, target, freq, season, day_first, decimal, missing, aggregate: how to read a part,
            as `tables.read.read` has them.
    """

    verb: Verb
    data: str
    horizon: int
    levels: tuple[float, ...]
    adapt: Literal["none", "auto", "full"]
    budget: str | None
    steps: int | None
    seed: int
    sample: int
    folds: int = 3
    step: int | None = None
    ids: tuple[str, ...] | None = None
    time: str | None = None
    target: str | None = None
    freq: str | None = None
    season: int | None = None
    day_first: bool | None = None
    decimal: Decimal | None = None
    missing: Missing = "gap"
    aggregate: Aggregate | None = None

    def identity(self) -> dict[str, Any]:
        """What tells another job; the folder may have moved."""
        fields = asdict(self) | {"levels": list(self.levels), "version": __version__}
        fields["ids"] = None if self.ids is None else list(self.ids)
        del fields["data"]
        return fields


@dataclass(frozen=True)
class Plan:
    """Settings, the inputs as they were, and what the sample settled.

    Arguments:
        settings: what was asked for.
        inputs: a part each: name, bytes, when it was modified, rows and series.
        ids, time, target: the columns of every part.
        freq, season: of every part.
        cutoffs, needed: the folds of a backtest, as `judgement.folds.Folds` has them.
    """

    settings: Settings
    inputs: tuple[Mapping[str, Any], ...]
    ids: tuple[str, ...]
    time: str
    target: str
    freq: str | int
    season: int
    cutoffs: tuple[int, ...]
    needed: int

    @property
    def series(self) -> int:
        """In all parts."""
        return sum(int(one["series"]) for one in self.inputs)

    @property
    def columns(self) -> tuple[str, ...]:
        """All that is read of a part."""
        return tuple(dict.fromkeys((*self.ids, self.time, self.target)))

    def part(self, number: int) -> Part:
        """One of the inputs."""
        one = self.inputs[number]
        data = Path(self.settings.data)
        path = data if data.is_file() else data.joinpath(*one["name"].split("/"))
        return Part(path, one["name"], one["bytes"], one["modified"])

    def result(self, out: Path, number: int) -> Path:
        """Where what is made of a part is written."""
        return out.joinpath(self.settings.verb, *self.part(number).result.split("/"))

    def write(self, out: Path) -> None:
        """Write plan.json, whole or not at all.

        Raises:
            InputError: it cannot be written.
        """
        contents = asdict(self) | {"format": FORMAT, "settings": self.settings.identity()}
        contents["settings hash"] = settings_hash(self.settings)
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
            was = found["settings"]
            if found["settings hash"] != settings_hash(settings):
                now = settings.identity()
                name = next((name for name in now if was.get(name) != now[name]), "version")
                raise InputError(
                    f"{out} holds a job with {name} {_said(was.get(name))}, and this one has "
                    f"{_said(now[name])}; give the same settings to go on, or another "
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

    def check_inputs(self, parts: tuple[Part, ...]) -> None:
        """Refuse to go on where the parts are not those that the job began with.

        Raises:
            InputError: names the first that is new, gone or changed.
        """
        was = {one["name"]: one for one in self.inputs}
        for part in parts:
            before = was.pop(part.name, None)
            if before is None:
                changed = f"{part.name} is new"
            elif any(before[name] != value for name, value in part.identity().items()):
                changed = f"{part.name} has changed"
            else:
                continue
            raise InputError(
                f"{changed} since this job began; give another {option('out')} to begin again."
            )
        for name in was:
            raise InputError(f"{name} is gone since this job began; give another {option('out')}.")


def settings_hash(settings: Settings) -> str:
    """A hash of all that has a say in the results."""
    text = json.dumps(settings.identity(), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _said(value: object) -> str:
    return "none" if value is None else str(value)


_HASHES = "identities"


@dataclass(frozen=True, eq=False)
class Fresh:
    """What a job knows that has just begun.

    Arguments:
        roles: the columns of every part.
        counted: rows and series of each.
        ground: the sample, its folds, and the simple methods on them.
    """

    roles: Roles
    counted: tuple[Counted, ...]
    ground: BacktestData


@dataclass(frozen=True, eq=False)
class Job:
    """A folder of parts and what to do with it, checked.

    Arguments:
        out: the folder of results.
        settings: what to do.
        parts: the files.
        begun: the plan of an earlier process, or what is known of a job that is new.
    """

    out: Path
    settings: Settings
    parts: tuple[Part, ...]
    begun: Plan | Fresh


def prepare(out: Path, settings: Settings) -> Job:
    """Check folder and settings; read the names of all series, and the sample, of a new job.

    Arguments:
        out: the folder of results; not inside the folder of parts.
        settings: what to do.

    Raises:
        InputError: the folder, a part or the settings cannot be used; a series is in two parts; or
            the folder of results holds another job.
    """
    data, out = Path(settings.data), out.absolute()
    if data == out or data in out.parents:
        raise InputError(
            f"{option('out', out)} lies inside the folder of parts; choose a folder outside {data}."
        )
    parts = find_parts(data)
    plan = Plan.read(out, settings)
    if plan is not None:
        plan.check_inputs(parts)
        return Job(out, settings, parts, plan)
    return Job(out, settings, parts, _fresh(out, settings, parts))


def _fresh(out: Path, settings: Settings, parts: tuple[Part, ...]) -> Fresh:
    roles = _roles(parts[0], settings)
    assert roles.time is not None
    columns = tuple(dict.fromkeys((*roles.id, roles.time, roles.target)))
    try:
        counted = count_parts(parts, roles.id, settings.seed, out / _HASHES)
        raw = sample(
            parts,
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
        ReadOptions(
            id_col=list(roles.id),
            time_col=roles.time,
            target_col=roles.target,
            freq=settings.freq,
            season=settings.season,
            day_first=settings.day_first,
            decimal=settings.decimal,
            missing=settings.missing,
            aggregate=settings.aggregate,
        ),
    )
    ground = backtest_data(table, settings.horizon, folds=settings.folds, step=settings.step)
    if settings.verb == "backtest" and not ground.folds.scoring:
        raise TableError(
            f"{ground.folds.reason.removesuffix('.')}; give a shorter {option('horizon')}."
        )
    return Fresh(roles, counted, ground)


def _roles(part: Part, settings: Settings) -> Roles:
    """The columns of all parts, as the first rows of one have them.

    Raises:
        TableError: the folder has no ids or no timestamps.
        InputError: the settings cannot be kept to where parts are read in chunks.
    """
    roles = find_roles(
        head(part),
        id_col=None if settings.ids is None else list(settings.ids),
        time_col=settings.time,
        target_col=settings.target,
    )
    if not roles.id or roles.time is None:
        raise TableError(
            f"{part.name} has no column that {'tells series apart' if not roles.id else 'is time'};"
            f" name it with {option('id_col') if not roles.id else option('time_col')}."
        )
    if settings.aggregate == "sum" and settings.missing == "zero":
        raise InputError(
            f"{option('aggregate', 'sum')} with {option('missing', 'zero')} fills every series to "
            "the end of the table, which "
            "a part does not know; aggregate the parts first."
        )
    return roles
