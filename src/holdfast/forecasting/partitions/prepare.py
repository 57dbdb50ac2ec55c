"""What is checked and read before a job over parts begins; no torch here."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from holdfast.errors import InputError, TableError
from holdfast.forecasting.groundwork import Groundwork, lay
from holdfast.forecasting.partitions.folder import Part, find_parts, head
from holdfast.forecasting.partitions.identities import Counted, count_parts
from holdfast.forecasting.partitions.plan import Plan, Settings
from holdfast.forecasting.partitions.sample import sample
from holdfast.tables.columns import Roles, find_roles
from holdfast.tables.reading import read

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
    ground: Groundwork


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
            f"--out {out} lies inside the folder of parts; choose a folder outside {data}."
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
        id_col=list(roles.id),
        time_col=roles.time,
        target_col=roles.target,
        freq=settings.freq,
        season=settings.season,
        day_first=settings.day_first,
        decimal=settings.decimal,
        missing=settings.missing,
        aggregate=settings.aggregate,
    )
    ground = lay(table, settings.horizon, folds=settings.folds, step=settings.step)
    if settings.verb == "backtest" and not ground.folds.scoring:
        raise TableError(f"{ground.folds.reason.removesuffix('.')}; give a shorter --horizon.")
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
            f" name it with {'--id' if not roles.id else '--time'}."
        )
    if settings.aggregate == "sum" and settings.missing == "zero":
        raise InputError(
            "--aggregate sum with --missing zero fills every series to the end of the table, which "
            "a part does not know; aggregate the parts first."
        )
    return roles
