"""`holdfast synth`: the series that pretrained networks learn from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from holdfast.cli import options
from holdfast.cli.screen import Screen


def synth(
    show: Annotated[bool, typer.Option("--show", help="Draw a page of samples.")] = False,
    kind: Annotated[
        Literal["short", "long"],
        typer.Option(help="Series of years to days, or of hours and shorter steps."),
    ] = "short",
    count: Annotated[int, typer.Option(min=1, help="How many samples to draw.")] = 24,
    seed: options.Seed = 0,
    length: Annotated[
        int | None, typer.Option(min=1, help="Points of a sample; 128 or 672 unless given.")
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The page to write: a .html file, or a folder.")
    ] = Path("holdfast-synth"),
    without: options.Without = None,
    csv: Annotated[
        Path | None, typer.Option(help="Also write the samples as a table: unique_id, ds, y.")
    ] = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Say what the synthetic series are made of; with --show draw some.

    The page is one HTML file that opens offline. Equal seeds give equal series.
    """
    screen = Screen(quiet=quiet, as_json=as_json)
    from holdfast.cli.results import typed_command
    from holdfast.pretraining import draw_samples, write_samples
    from holdfast.reports import terminal, terminal_research

    record = draw_samples(
        kind,
        count=count,
        length=length,
        seed=seed,
        without=without or (),
        command=typed_command(),
    )
    files: dict[str, str] = {}
    if show:
        from holdfast.reports import save

        page = out if out.suffix.lower() in (".html", ".htm") else out / "samples.html"
        save(record, page)
        files["page"] = str(page)
    if csv is not None:
        from holdfast.cli.results import results_folder

        results_folder(csv.parent)
        write_samples(record, csv)
        files["table"] = str(csv)
    if not files:
        screen.show(terminal_research.families(record))
    screen.show(terminal.written(files) if files else "", whole_lines=True)
    screen.result(
        {
            "kind": kind,
            "seed": seed,
            "families": dict(record.families),
            "parts": dict(record.parts),
            "files": files,
        }
    )
