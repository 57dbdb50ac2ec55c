"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Data = Annotated[
    Path | None,
    typer.Argument(help="A CSV, Parquet or Excel file, or a folder of Parquet or CSV parts."),
]
Table = Annotated[Path, typer.Argument(help="A CSV, Parquet or Excel file.")]
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
Adapt = Annotated[
    Literal["none", "auto", "full"],
    typer.Option(
        "--adapt",
        help="Train on these series: not at all, where it promises something, or in any case.",
    ),
]
Baselines = Annotated[
    bool,
    typer.Option(
        "--baselines",
        help="Show AutoETS, AutoARIMA and AutoTheta beside ours (extra baselines; a third of the "
        "budget at most).",
    ),
]
From = Annotated[
    Path | None,
    typer.Option("--from", help="A model folder from whose networks training goes on."),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything random.")]
Without = Annotated[
    list[str] | None,
    typer.Option("--without", help="Part of the generator to switch off; repeat it for several."),
]
Sample = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Series that settle season, blend and widths: 1000 of a folder; of a file all, unless "
        "given: then it is read and written in chunks as a folder is.",
    ),
]
Engine = Annotated[
    Literal["processes", "ray"],
    typer.Option("--engine", help="Of a folder: processes of this machine, or a Ray cluster."),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="Of a folder: parts at a time; one a core unless given."),
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

Ids = Annotated[
    list[str] | None,
    typer.Option("--id", help="Column that names the series; repeat it for several columns."),
]
Time = Annotated[str | None, typer.Option("--time", help="Column of the timestamps.")]
Target = Annotated[str | None, typer.Option("--target", help="Column of the values.")]
Frequency = Annotated[
    str | None,
    typer.Option("--freq", help="Distance of timestamps: h, D, W, MS, 15min …; 1 for counters."),
]
Season = Annotated[
    int | None, typer.Option("--season", min=1, help="Periods in a season; 1 for none.")
]
Wide = Annotated[bool, typer.Option("--wide", help="One column a series, the time in the first.")]
DayFirst = Annotated[
    bool | None,
    typer.Option("--day-first/--month-first", help="How to read dates such as 03/04/2025."),
]
Decimal = Annotated[
    Literal[".", ","] | None, typer.Option("--decimal", help="The decimal mark of the numbers.")
]
Missing = Annotated[
    Literal["gap", "zero"],
    typer.Option("--missing", help="What a missing period means: unknown, or nothing happened."),
]
Aggregate = Annotated[
    Literal["sum", "mean"] | None,
    typer.Option("--aggregate", help="Combine the rows of a period; with --freq."),
]
Known = Annotated[
    str | None,
    typer.Option(help="Columns known ahead, as in price,promo; their future is in --future."),
]
Historic = Annotated[
    str | None, typer.Option(help="Columns known up to the last row only, as in visits,stock.")
]
Static = Annotated[
    Path | None, typer.Option(help="A table with one row a series: id and what it is like.")
]
Future = Annotated[
    Path | None, typer.Option(help="A table of the periods to come: id, time, --known columns.")
]
Holidays = Annotated[
    str | None, typer.Option(help="Country whose public holidays count: DE, US-CA.")
]
Sheet = Annotated[str | None, typer.Option("--sheet", help="Sheet of an Excel file.")]
