"""`holdfast bench`: which kernel runs a layer here, why, and how fast."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

import typer

from holdfast.cli import options
from holdfast.cli.screen import Screen
from holdfast.errors import ArgumentError


def bench(
    cell: Annotated[Literal["LSTM", "GRU", "RNN"], typer.Option(help="Which layers.")] = "LSTM",
    shape: Annotated[
        list[str] | None,
        typer.Option(help="Steps, rows, inputs and units, as in 100,32,8,64; repeat it."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say which kernel and why, and measure nothing.")
    ] = False,
    rounds: Annotated[int, typer.Option(min=1, help="Measurements of each layer.")] = 5,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Measure the layers of holdfast.nn beside torch's on this machine."""
    screen = Screen(quiet=quiet, as_json=as_json)
    shapes = [_sizes(text) for text in shape or ()]
    from holdfast import lens
    from holdfast.reports import terminal_research

    found = lens.layer_speeds(
        cell,
        shapes or None,
        rounds=rounds,
        measured=not explain,
        progress=screen.progress(),
    )
    screen.show(terminal_research.speeds(found, explained=explain))
    screen.result({"layers": [asdict(one) for one in found]})


def _sizes(text: str) -> tuple[int, int, int, int]:
    words = text.split(",")
    sizes = [int(word) for word in words if word.strip().isdecimal()]
    if len(words) != 4 or len(sizes) != 4 or min(sizes) < 1:
        raise ArgumentError(
            f"--shape takes four whole numbers from 1, steps, rows, inputs and units, as in "
            f"100,32,8,64; got {text!r}."
        )
    return sizes[0], sizes[1], sizes[2], sizes[3]
