"""Options that several verbs share, and what they become."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from holdfast.errors import ArgumentError

Out = Annotated[Path, typer.Option("--out", help="Folder for the results.")]
Horizon = Annotated[int, typer.Option("--horizon", "-h", help="How many periods to forecast.")]
Levels = Annotated[str, typer.Option("--level", help="Interval levels in percent, as in 80,90.")]
Budget = Annotated[str, typer.Option(help="How long everything may take: 90s, 5m, 1h30m.")]
Steps = Annotated[
    int | None,
    typer.Option(help="Updates of each network, in place of what the budget allows."),
]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

Ids = Annotated[
    list[str] | None,
    typer.Option("--id", help="Column that names the series; several times for several columns."),
]
Time = Annotated[str | None, typer.Option("--time", help="Column of the timestamps.")]
Target = Annotated[str | None, typer.Option("--target", help="Column of the values.")]
Frequency = Annotated[
    str | None,
    typer.Option("--freq", help="Distance of the timestamps: h, D, W, MS, 15min …, 1 for counters."),
]
Season = Annotated[int | None, typer.Option("--season", help="Periods in a season; 1 for none.")]
Wide = Annotated[bool, typer.Option("--wide", help="One column a series, the time in the first.")]
DayFirst = Annotated[
    bool | None,
    typer.Option("--day-first/--month-first", help="How to read dates such as 03/04/2025."),
]
Missing = Annotated[
    Literal["gap", "zero"],
    typer.Option("--missing", help="What a missing period means: unknown, or nothing happened."),
]
Aggregate = Annotated[
    Literal["sum", "mean"] | None,
    typer.Option("--aggregate", help="Put several rows of a period together; with --freq."),
]
Sheet = Annotated[str | None, typer.Option("--sheet", help="Sheet of an Excel file.")]


def levels(text: str) -> tuple[float, ...]:
    """The interval levels in "80,90".

    Raises:
        ArgumentError: one of them is not a number between 0 and 100.
    """
    result = []
    for part in text.split(","):
        try:
            level = float(part)
        except ValueError:
            level = 0.0
        if not 0.0 < level < 100.0:
            raise ArgumentError(
                f"--level {text!r}: {part.strip()!r} is not a number between 0 and 100; "
                "write percents as in --level 80,90."
            )
        result.append(level)
    return tuple(sorted(set(result)))
