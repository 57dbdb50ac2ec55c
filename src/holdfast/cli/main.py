"""The `holdfast` command."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from holdfast.cli import (
    backtest,
    bench,
    classify,
    compare,
    forecast,
    inspect,
    predict,
    pretrain,
    synth,
    tag,
    text,
    watch,
)
from holdfast.cli.screen import follows
from holdfast.errors import HoldfastError, InputError, options_as
from holdfast.version import __version__

BAD_INPUT = 2
"""Exit code for input or usage that the caller can mend."""

FAILED = 1
"""Exit code for anything else that ended the command."""

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="LSTMs for time series and text, on the computer you have.",
)
app.command("forecast")(forecast.forecast)
app.command("backtest")(backtest.backtest)
app.command("predict")(predict.predict)
app.command("update")(predict.update)
app.command("drift")(predict.drift)
app.command("watch")(watch.watch)
app.command("inspect")(inspect.inspect)
app.command("pretrain")(pretrain.pretrain)
app.command("synth")(synth.synth)
app.command("bench")(bench.bench)
app.command("compare")(compare.compare)
app.add_typer(text.app, name="text")
app.add_typer(classify.app, name="classify")
app.add_typer(tag.app, name="tag")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"holdfast {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Options of the command itself."""


def run() -> None:
    """Run the command; an expected error is one sentence on standard error and an exit code."""
    with options_as("flag"):
        try:
            app()
        except HoldfastError as error:
            if not follows():
                print(f"holdfast: {error}", file=sys.stderr)  # noqa: T201  # its own voice
            sys.exit(BAD_INPUT if isinstance(error, InputError) else FAILED)
