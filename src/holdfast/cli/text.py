"""`holdfast text`: language models that train on files and write, score and mark text."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from holdfast.cli import options
from holdfast.cli.screen import Screen

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Language models: train on files; generate, evaluate and mark text.",
)

Model = Annotated[Path, typer.Argument(help="A model folder that `holdfast text train` wrote.")]
TextFile = Annotated[Path, typer.Argument(help="A text file.")]
Encoding = Annotated[str, typer.Option(help="Encoding of the files.")]


@app.command("train")
def train(
    files: Annotated[list[Path], typer.Argument(help="Text files, read in this order.")],
    tokens: Annotated[
        Literal["char", "byte", "word", "bpe"], typer.Option("--tokens", help="What a token is.")
    ] = "char",
    vocab: Annotated[
        int | None, typer.Option(help="Tokens of the vocabulary; without it as many as fit.")
    ] = None,
    out: options.Out = Path("holdfast-text"),
    budget: options.Budget = "10m",
    steps: options.Steps = None,
    validation: Annotated[
        float, typer.Option(help="Share of the text, at its end, that is only scored.")
    ] = 0.1,
    validation_file: Annotated[
        list[Path] | None,
        typer.Option("--validation-file", help="A file that is only scored, in place of a share."),
    ] = None,
    encoding: Encoding = "utf-8",
    hidden: Annotated[int | None, typer.Option(min=1, help="Units of a layer.")] = None,
    layers: Annotated[int | None, typer.Option(min=1, help="Layers.")] = None,
    dropout: Annotated[
        float | None, typer.Option(help="Share of outputs hidden in training.")
    ] = None,
    weight_drop: Annotated[
        float | None, typer.Option(help="Share of recurrent weights hidden in training.")
    ] = None,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Train a language model on text files.

    Sizes and dropout are chosen from the text and the budget. Writes model/ and report.html into
    the --out folder. A command that was killed goes on where it stopped when it is given again.
    """
    started = time.monotonic()
    screen = Screen(quiet=quiet, as_json=as_json)
    # Whatever can be refused is refused before torch is loaded.
    from holdfast.cli.results import TrainingResults, typed_command
    from holdfast.language import check_files

    check_files([*files, *(validation_file or [])], encoding=encoding)
    results = TrainingResults(out, budget)

    from holdfast.language import LanguageModel
    from holdfast.reports import terminal_language

    results.replaceable(LanguageModel.KIND)
    model = LanguageModel(
        tokens,
        vocab=vocab,
        budget=budget,
        steps=steps,
        hidden=hidden,
        layers=layers,
        dropout=dropout,
        weight_drop=weight_drop,
        seed=seed,
    )
    model.fit(
        files,
        validation=validation_file or validation,
        encoding=encoding,
        checkpoints=results.training,
        progress=screen.progress(),
        announce=lambda plan: screen.show(terminal_language.text_plan(plan)),
    )
    title = files[0].name if len(files) == 1 else f"{files[0].name} and {len(files) - 1} more"
    record = model.record(title=title, command=typed_command(), started=started)
    results.save(model, record, model.clear_checkpoints)
    screen.show(terminal_language.text_training(record))
    results.tell(screen, asdict(record))


@app.command("generate")
def generate(
    model: Model,
    prompt: Annotated[str, typer.Option(help="Text to write on after.")] = "",
    length: Annotated[int, typer.Option(min=1, help="Tokens to write at most.")] = 500,
    temperature: Annotated[
        float, typer.Option(min=0.0, help="Below 1 the likely becomes likelier; 0: no chance.")
    ] = 1.0,
    top_k: Annotated[
        int | None, typer.Option(min=1, help="Draw among so many of the likeliest tokens.")
    ] = None,
    top_p: Annotated[
        float | None, typer.Option(help="Draw among the likeliest that reach this probability.")
    ] = None,
    seed: options.Seed = 0,
    stop: Annotated[str | None, typer.Option(help="Text before which writing ends.")] = None,
) -> None:
    """Write text, printed as it is made; every token costs the same."""
    from holdfast.cli.results import model_folder

    folder = model_folder(model, "holdfast text train")
    from holdfast.language import LanguageModel

    pieces = LanguageModel.load(folder).stream(
        prompt,
        length=length,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
        stop=stop,
    )
    sys.stdout.write(prompt)
    try:
        for piece in pieces:
            sys.stdout.write(piece)
            sys.stdout.flush()
    except KeyboardInterrupt:
        pass  # what was written stands
    sys.stdout.write("\n")


@app.command("evaluate")
def evaluate(
    model: Model,
    file: TextFile,
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="Let a copy go on learning from what it has read.")
    ] = False,
    encoding: Encoding = "utf-8",
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Say how well a model predicts a text: nats, bits and perplexity; its weights stay fixed."""
    screen = Screen(quiet=quiet, as_json=as_json)
    from holdfast.cli.results import model_folder
    from holdfast.language import check_files

    folder = model_folder(model, "holdfast text train")
    check_files([file], encoding=encoding)
    from holdfast.language import LanguageModel
    from holdfast.reports import terminal_language

    score = LanguageModel.load(folder).evaluate(file, dynamic=dynamic, encoding=encoding)
    screen.show(terminal_language.text_score(score))
    screen.result(asdict(score))


@app.command("surprise")
def surprise(
    model: Model,
    file: TextFile,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="HTML page to write; the terminal without.")
    ] = None,
    most: Annotated[
        int, typer.Option(min=1, help="Tokens to show, from the beginning of the file.")
    ] = 5_000,
    encoding: Encoding = "utf-8",
) -> None:
    """Mark the tokens that a model did not expect."""
    screen = Screen(quiet=False, as_json=False)
    from holdfast.cli.results import model_folder
    from holdfast.language import check_files

    folder = model_folder(model, "holdfast text train")
    check_files([file], encoding=encoding)
    from holdfast.language import LanguageModel
    from holdfast.reports import save, terminal, terminal_language

    record = LanguageModel.load(folder).surprise_record(file, most=most, encoding=encoding)
    if out is None:
        screen.show(terminal_language.surprise(record))
        return
    save(record, out)
    screen.show(terminal.written({"page": str(out)}), whole_lines=True)


@app.command("export")
def export(
    model: Model,
    file: Annotated[Path, typer.Argument(help="The ONNX file to write, such as model.onnx.")],
    quiet: options.Quiet = False,
) -> None:
    """Write a model as an ONNX file: tokens and a state in, log-probabilities and the state out.

    Its tokenizer, in the form of Hugging Face, is written beside it.
    """
    screen = Screen(quiet=quiet, as_json=False)
    from holdfast.cli.results import model_folder
    from holdfast.errors import ArgumentError

    folder = model_folder(model, "holdfast text train")
    if file.suffix != ".onnx":
        raise ArgumentError(f"{file} must end in .onnx, as in: holdfast text export MODEL a.onnx.")
    from holdfast.language import LanguageModel
    from holdfast.reports import terminal

    tokenizer = LanguageModel.load(folder).export_onnx(file)
    files = {"model": str(file), "tokenizer": str(tokenizer)}
    screen.show(terminal.written(files), whole_lines=True)
