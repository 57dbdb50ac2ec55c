"""`holdfast pretrain`: networks that know series before they see any table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from holdfast.cli import options
from holdfast.cli.screen import Screen

if TYPE_CHECKING:
    from holdfast.records import CurvesRecord, PlannedTraining


def pretrain(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")],
    budget: Annotated[
        str | None, typer.Option(help="How long all of it may take: 30m, 3h, 1h30m.")
    ] = None,
    steps: options.Steps = None,
    seed: options.Seed = 0,
    network: Annotated[
        list[str] | None,
        typer.Option("--network", help="fine or coarse; repeat it for both, as without it."),
    ] = None,
    without: options.Without = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"],
        typer.Option(help="Where to train; auto takes a GPU where there is one."),
    ] = "auto",
    precision: Annotated[
        Literal["auto", "float32", "bfloat16"],
        typer.Option(
            help="What it multiplies in; auto takes bfloat16 where the processor is made for it."
        ),
    ] = "auto",
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Train the networks that ship, on synthetic series and nothing else.

    Writes weights, a description and learning curves into the --out folder. A command that was
    killed goes on where it stopped when it is given again.
    """
    started = time.monotonic()
    screen = Screen(quiet=quiet, as_json=as_json)
    # Whatever can be refused is refused before torch is loaded.
    from holdfast.cli.results import results_folder, typed_command
    from holdfast.errors import ArgumentError
    from holdfast.pretraining import KIND_OF, check_networks
    from holdfast.reports import terminal, terminal_research
    from holdfast.training.budget import Budget

    if budget is None and steps is None:
        raise ArgumentError("Say how long it may take, as in --budget 3h, or give --steps.")
    limit = Budget.parse(None if steps else budget, start=started)
    networks = tuple(network or KIND_OF)
    check_networks(networks, without or ())
    folder = results_folder(out)

    from holdfast import pretraining, reports

    def announce(planned: Sequence[PlannedTraining]) -> None:
        screen.show(terminal_research.pretraining_plan(planned))

    def write_page(record: CurvesRecord) -> None:
        reports.save(replace(record, command=typed_command()), folder / "curves.html")

    results = pretraining.pretrain(
        folder,
        networks=networks,
        budget=limit,
        steps=steps,
        seed=seed,
        without=without or (),
        device=device,
        precision=precision,
        progress=screen.progress(),
        announce=announce,
        on_curves=write_page,
    )
    files = {one.network: str(folder / f"{one.network}.safetensors") for one in results}
    files |= {"curves": str(folder / "curves.html"), "table": str(folder / "curves.csv")}
    screen.show(terminal_research.pretrained(results))
    screen.show(terminal.written(files), whole_lines=True)
    screen.result({"networks": [asdict(one) for one in results], "files": files})
