"""The `holdfast` command: its verbs, and how an error becomes one sentence."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from holdfast.errors import HoldfastError, InputError, options_as
from holdfast.version import __version__

BAD_INPUT = 2
"""Exit code for input or usage that the caller can mend."""

FAILED = 1
"""Exit code for anything else that ended the command."""

VERBS: Final = {
    "forecast": "Forecast every series of a table.",
    "backtest": "Forecast past horizons of a table and score them against what came.",
    "predict": "Forecast from the end of other histories with a saved model.",
    "update": "Take new rows into a saved model: it then forecasts from their end on.",
    "drift": "Say whether a model's errors on new rows are more than chance; the model stays as it "
    "is.",
    "watch": "Judge rows as they come: CSV lines on standard input, an alarm line a surprising "
    "value.",
    "inspect": "Measure what a saved model remembers: gradients, gates and losses by lag.",
    "pretrain": "Train the networks that ship, on synthetic series and nothing else.",
    "synth": "Say what the synthetic series are made of; with --show draw some.",
    "bench": "Measure the layers of holdfast.nn beside torch's on this machine.",
    "compare": "Train plain RNN, GRU, LSTMs and sLSTM on a task whose lag is known, and say who "
    "solves it.",
    "text": "Language models: train on files; generate, evaluate and mark text.",
    "classify": "Classifiers of text: train on a labelled table; predict and evaluate.",
    "tag": "Taggers: train on tagged sentences; predict and evaluate.",
}
"""The verbs in the order of the help, and what it says of each: their own first sentence."""


def verb(name: str) -> Callable[..., None] | typer.Typer:
    """The function of a verb, or the verbs below it; what the others need is not imported."""
    # Written out one by one: a table of strings would hide the imports from every reader and tool.
    match name:
        case "forecast":
            from holdfast.cli.forecast import forecast as found
        case "backtest":
            from holdfast.cli.backtest import backtest as found
        case "predict":
            from holdfast.cli.predict import predict as found
        case "update":
            from holdfast.cli.predict import update as found
        case "drift":
            from holdfast.cli.predict import drift as found
        case "watch":
            from holdfast.cli.watch import watch as found
        case "inspect":
            from holdfast.cli.inspect import inspect as found
        case "pretrain":
            from holdfast.cli.pretrain import pretrain as found
        case "synth":
            from holdfast.cli.synth import synth as found
        case "bench":
            from holdfast.cli.bench import bench as found
        case "compare":
            from holdfast.cli.compare import compare as found
        case "text":
            from holdfast.cli.text import app

            return app
        case "classify":
            from holdfast.cli.classify import app

            return app
        case "tag":
            from holdfast.cli.tag import app

            return app
        case _:
            raise KeyError(name)
    return found


def command_of(name: str) -> Any:
    """A verb as typer runs it."""
    found = verb(name)
    if not isinstance(found, typer.Typer):
        function, found = (
            found,
            typer.Typer(
                add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
            ),
        )
        found.command(name)(function)
    return typer.main.get_command(found)


class Verbs(TyperGroup):
    """Verbs that are imported when they are run."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = {name: TyperCommand(name, help=text) for name, text in VERBS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb that the first word names, and the words behind it."""
        name, listed, rest = super().resolve_command(ctx, args)
        return name, None if listed is None else command_of(str(name)), rest


app = typer.Typer(
    cls=Verbs,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="LSTMs for time series and text, on the computer you have.",
)


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
            from holdfast.cli.screen import follows

            if not follows():
                print(f"holdfast: {error}", file=sys.stderr)  # noqa: T201  # its own voice
            sys.exit(BAD_INPUT if isinstance(error, InputError) else FAILED)
