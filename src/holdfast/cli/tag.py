"""`holdfast tag`: a tag for every word, learnt from tagged sentences."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli import options
from holdfast.cli.screen import Screen

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Taggers: train on tagged sentences; predict and evaluate.",
)

Model = Annotated[Path, typer.Argument(help="A model folder that `holdfast tag train` wrote.")]
File = Annotated[
    Path,
    typer.Argument(
        help="A .conllu file, a .csv with a row for each word, or a word on each line and its tag "
        "in the last column."
    ),
]
Column = Annotated[int | None, typer.Option(min=1, help="Column of the tag, counted from 1.")]
WordName = Annotated[str, typer.Option("--word", help="Column of the words in a CSV.")]
TagName = Annotated[str, typer.Option("--tag", help="Column of the tags in a CSV.")]
SentenceName = Annotated[
    str, typer.Option("--sentence", help="Column that tells a CSV's sentences apart.")
]
Encoding = Annotated[str, typer.Option(help="Encoding of the file.")]


@app.command("train")
def train(
    file: File,
    validation: Annotated[
        Path | None, typer.Option(help="Sentences to choose the weights by; else a tenth.")
    ] = None,
    column: Column = None,
    word: WordName = "word",
    tag: TagName = "tag",
    sentence: SentenceName = "sentence",
    out: options.Out = Path("holdfast-tag"),
    budget: options.Budget = "10m",
    steps: options.Steps = None,
    hidden: Annotated[int, typer.Option(min=1, help="Units each way.")] = 128,
    layers: Annotated[int, typer.Option(min=1, help="Layers.")] = 1,
    seed: options.Seed = 0,
    encoding: Encoding = "utf-8",
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Train a tagger on tagged sentences.

    Writes model/ and report.html into the --out folder. A command that was killed goes on where it
    stopped when it is given again.
    """
    started = time.monotonic()
    screen = Screen(quiet=quiet, as_json=as_json)
    # Whatever can be refused is refused before torch is loaded.
    from holdfast.cli.results import TrainingResults, typed_command
    from holdfast.language import SentenceColumns, check_tags, read_sentences

    columns = SentenceColumns(word, tag, sentence)
    sentences, held = (
        read_sentences(path, column=column, columns=columns, encoding=encoding) if path else None
        for path in (file, validation)
    )
    assert sentences is not None  # the file is not optional
    check_tags([*sentences, *(held or [])])
    results = TrainingResults(out, budget)

    from holdfast.language import Tagger
    from holdfast.reports import terminal_language

    results.replaceable(Tagger.KIND)
    tagger = Tagger(budget=budget, steps=steps, hidden=hidden, layers=layers, seed=seed)
    tagger.fit(sentences, validation=held, checkpoints=results.training, progress=screen.progress())
    scores, record = tagger.scores_, None
    if scores is not None:
        record = tagger.record(title=file.name, command=typed_command(), started=started)
    results.save(tagger, record, tagger.clear_checkpoints)
    if tagger.result_ is not None:
        updates = tagger.result_.trained.steps
        screen.show(terminal_language.networks_trained(updates, time.monotonic() - started))
    if scores is not None:
        screen.show(terminal_language.tag_scores(scores, "On sentences that chose the weights"))
    else:
        screen.show(terminal_language.unscored("sentences"))
    results.tell(screen, {"scores": None if scores is None else asdict(scores)})


@app.command("predict")
def predict(
    model: Model,
    file: File,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="File to write, .csv for a table.")
    ] = Path("tagged.txt"),
    word: WordName = "word",
    sentence: SentenceName = "sentence",
    encoding: Encoding = "utf-8",
    quiet: options.Quiet = False,
) -> None:
    """Tag the sentences of a file: each line its word, a tab and its tag, or rows of a CSV."""
    screen = Screen(quiet=quiet, as_json=False)
    from holdfast.cli.results import model_folder
    from holdfast.language import SentenceColumns, read_sentences, write_sentences

    folder = model_folder(model, "holdfast tag train")
    columns = SentenceColumns(word=word, sentence=sentence)
    sentences = read_sentences(file, tagged=False, columns=columns, encoding=encoding)

    from holdfast.language import Tagger
    from holdfast.reports import terminal

    write_sentences(out, Tagger.load(folder).predict(sentences), columns=columns)
    screen.show(terminal.written({"tags": str(out)}), whole_lines=True)


@app.command("evaluate")
def evaluate(
    model: Model,
    file: File,
    column: Column = None,
    word: WordName = "word",
    tag: TagName = "tag",
    sentence: SentenceName = "sentence",
    encoding: Encoding = "utf-8",
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Say how well a tagger does on tagged sentences, beside each word's most frequent tag."""
    screen = Screen(quiet=quiet, as_json=as_json)
    from holdfast.cli.results import model_folder
    from holdfast.language import SentenceColumns, read_sentences

    folder = model_folder(model, "holdfast tag train")
    columns = SentenceColumns(word, tag, sentence)
    sentences = read_sentences(file, column=column, columns=columns, encoding=encoding)

    from holdfast.language import Tagger
    from holdfast.reports import terminal_language

    scores = Tagger.load(folder).evaluate(sentences)
    screen.show(terminal_language.tag_scores(scores, file.name))
    screen.result(asdict(scores))
