"""Options that several verbs share, each declared once.

Options that travel together are a frozen dataclass here, a field an option, called as the argument
in Python is. A verb takes the group as one parameter, and `grouped` turns it into its options.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

from holdfast.errors import ArgumentError, option

Data = Annotated[
    Path | None,
    typer.Argument(help="A CSV, Parquet or Excel file, or a folder of Parquet or CSV partitions."),
]
Table = Annotated[Path, typer.Argument(help="A CSV, Parquet or Excel file.")]
ForecasterFolder = Annotated[
    Path, typer.Argument(help="A model folder that `holdfast forecast` wrote.")
]
Horizon = Annotated[int | None, typer.Option("--horizon", "-h", help="Periods to forecast.")]
Example = Annotated[
    str | None, typer.Option(help="A table that ships with Holdfast: air-passengers or bike-hire.")
]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")]
Levels = Annotated[str, typer.Option("--level", help="Interval levels in percent, as in 80,90.")]
Budget = Annotated[str, typer.Option(help="How long everything may take: 90s, 5m, 1h30m.")]
Steps = Annotated[
    int | None,
    typer.Option(
        min=1, help="Updates of each network, in place of --budget; equal runs, equal bits."
    ),
]
WarmStart = Annotated[
    Path | None, typer.Option(help="A model folder from whose networks training goes on.")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything random.")]
Without = Annotated[
    list[str] | None,
    typer.Option("--without", help="Part of the generator to switch off; repeat it for several."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Integers = Annotated[
    bool,
    typer.Option(
        "--integers", help="Whole numbers where the history has them; bounds rounded outwards."
    ),
]
TotalBy = Annotated[
    str | None,
    typer.Option("--total-by", help="Add series up by this column, such as region; or: all."),
]
TotalOver = Annotated[
    Literal["week", "month", "quarter", "year", "horizon"] | None,
    typer.Option("--total-over", help="Add steps up over this period."),
]
Frequency = Annotated[
    str | None,
    typer.Option("--freq", help="Distance of timestamps: h, D, W, MS, 15min …; 1 for counters."),
]
Season = Annotated[
    int | None, typer.Option("--season", min=1, help="Periods in a season; 1 for none.")
]
Static = Annotated[
    Path | None,
    typer.Option("--static", help="A table with one row a series: id and what it is like."),
]
Future = Annotated[
    Path | None,
    typer.Option(
        "--future", help="A table of the periods to come: id, time and the future covariates."
    ),
]


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which columns of a table are what."""

    id_col: Annotated[
        list[str] | None,
        typer.Option("--id", help="Column that names the series; repeat it for several columns."),
    ] = None
    time_col: Annotated[str | None, typer.Option("--time", help="Column of the timestamps.")] = None
    target_col: Annotated[str | None, typer.Option("--target", help="Column of the values.")] = None


@dataclass(frozen=True, kw_only=True)
class Layout(Columns):
    """How a table is written."""

    wide: Annotated[
        bool, typer.Option("--wide", help="One column a series, the time in the first.")
    ] = False
    day_first: Annotated[
        bool | None,
        typer.Option("--day-first/--month-first", help="How to read dates such as 03/04/2025."),
    ] = None
    decimal: Annotated[
        Literal[".", ","] | None,
        typer.Option("--decimal", help="The decimal mark of the numbers."),
    ] = None
    sheet: Annotated[str | None, typer.Option("--sheet", help="Sheet of an Excel file.")] = None


@dataclass(frozen=True, kw_only=True)
class Reading(Layout):
    """How to read a table of whole series."""

    missing: Annotated[
        Literal["gap", "zero"],
        typer.Option(
            "--missing", help="What a missing period means: unknown, or nothing happened."
        ),
    ] = "gap"
    aggregate: Annotated[
        Literal["sum", "mean"] | None,
        typer.Option(
            "--aggregate", help="Combine the rows of a period, of --freq or of the model."
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class Covariates:
    """Columns beside the values."""

    past_covariates: Annotated[
        str | None, typer.Option(help="Columns known up to the last row only, as in visits,stock.")
    ] = None
    future_covariates: Annotated[
        str | None,
        typer.Option(help="Columns known ahead, as in price,promo; their future is in --future."),
    ] = None
    static_df: Static = None
    holidays: Annotated[
        str | None, typer.Option(help="Country whose public holidays count: DE, US-CA.")
    ] = None

    def arguments(self) -> dict[str, Any]:
        """As `Forecaster` takes them."""
        return arguments(self) | {
            "past_covariates": names(self.past_covariates),
            "future_covariates": names(self.future_covariates),
        }


@dataclass(frozen=True, kw_only=True)
class Fitting:
    """The forecaster, but for its horizon."""

    season: Season = None
    freq: Frequency = None
    budget: Budget = "2m"
    steps: Steps = None
    seed: Seed = 0
    adapt: Annotated[
        Literal["none", "auto", "full"],
        typer.Option(
            "--adapt",
            help="Train on these series: not at all, where it promises something, or in any case.",
        ),
    ] = "auto"
    baselines: Annotated[
        bool,
        typer.Option(
            "--baselines",
            help="Show AutoETS, AutoARIMA and AutoTheta beside ours (extra baselines; a third of "
            "the budget at most).",
        ),
    ] = False


@dataclass(frozen=True, kw_only=True)
class Partitioned:
    """Of a folder of partitions."""

    sample: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Series on which season, ensemble weights and widths are found: 1000 of a folder; "
            "of a file all, unless given: then it is read and written in batches as a folder is.",
        ),
    ] = None
    engine: Annotated[
        Literal["processes", "ray"],
        typer.Option("--engine", help="Of a folder: processes of this machine, or a Ray cluster."),
    ] = "processes"
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", min=1, help="Of a folder: partitions at a time; one a core unless given."
        ),
    ] = None


def grouped(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb an option for each field of the groups among its parameters.

    Example:
        >>> @grouped
        ... def show(columns: Columns) -> None:
        ...     print(columns.time_col)
        >>> show(id_col=None, time_col="day", target_col=None)
        day
        >>> list(inspect.signature(show).parameters)
        ['id_col', 'time_col', 'target_col']
    """
    hints = get_type_hints(verb, include_extras=True)
    parameters: list[inspect.Parameter] = []
    groups: dict[str, type[Any]] = {}
    for name, parameter in inspect.signature(verb).parameters.items():
        if is_dataclass(hints[name]):
            groups[name] = hints[name]
            parameters += _parameters(hints[name])
        else:
            parameters.append(parameter.replace(annotation=hints[name]))
    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters]

    @functools.wraps(verb)
    def called(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        verb(**given)

    called.__dict__["__signature__"] = inspect.Signature(parameters)
    called.__annotations__ = {one.name: one.annotation for one in parameters}
    return called


def _parameters(group: type[Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    described: tuple[Field[Any], ...] = fields(group)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in described
    ]


def arguments(group: Any) -> dict[str, Any]:
    """The fields of a group, by name."""
    return {field.name: getattr(group, field.name) for field in fields(group)}


def given(horizon: int | None) -> int:
    """The horizon.

    Raises:
        ArgumentError: there is none.
    """
    if horizon is None:
        raise ArgumentError(f"Say how many periods to forecast, as in {option('horizon', 12)}.")
    return horizon


def names(text: str | None) -> tuple[str, ...]:
    """The columns in "price, promo".

    Example:
        >>> names("price, promo")
        ('price', 'promo')
    """
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def levels(text: str) -> tuple[float, ...]:
    """The interval levels in "80,90", ascending.

    Raises:
        ArgumentError: one of them is no number, or no percentage.
    """
    from holdfast.forecasting.arguments import check_levels

    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise ArgumentError(
            f"{option('level', text)} is not a list of numbers; write percentages as in "
            f"{option('level', (80, 90))}."
        ) from None
    return check_levels(numbers)
