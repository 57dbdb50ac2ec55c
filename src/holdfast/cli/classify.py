"""`holdfast classify`: a label for every text of a table."""

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
    help="Classifiers of text: train on a labelled table; predict and evaluate.",
)

Model = Annotated[Path, typer.Argument(help="A model folder that `holdfast classify train` wrote.")]
Data = Annotated[Path, typer.Argument(help="A table: CSV, Parquet or Excel.")]
TextColumn = Annotated[str, typer.Option("--text", help="Column of the texts.")]
LabelColumn = Annotated[str, typer.Option("--label", help="Column of the labels.")]


@app.command("train")
def train(
    data: Data,
    text: TextColumn = "text",
    label: LabelColumn = "label",
    out: options.Out = Path("holdfast-classify"),
    budget: options.Budget = "5m",
    steps: options.Steps = None,
    networks: Annotated[int, typer.Option(min=1, help="Networks that are averaged.")] = 5,
    balanced: Annotated[
        bool, typer.Option("--balanced", help="Let every label count alike, however rare it is.")
    ] = False,
    blend: Annotated[
        bool,
        typer.Option(
            "--blend/--no-blend",
            help="Blend in a log-linear model over words, their pairs and pieces.",
        ),
    ] = True,
    start: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="A model that `holdfast text train` wrote, to start from.",
            metavar="MODEL",
        ),
    ] = None,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Train a classifier on the texts and labels of a table.

    Naive Bayes and a linear SVM learn from the same texts and stand beside it. Writes model/ and
    report.html into the --out folder. A command that was killed goes on where it stopped when it is
    given again.
    """
    started = time.monotonic()
    screen = Screen(quiet=quiet, as_json=as_json)
    # Whatever can be refused is refused before torch is loaded.
    from holdfast.cli.results import TrainingResults, model_folder, typed_command
    from holdfast.language import read_labelled_texts

    begin = None if start is None else model_folder(start, "holdfast text train")
    texts, labels = read_labelled_texts(data, text=text, label=label, learnable=True)
    results = TrainingResults(out, budget)

    from holdfast.language import TextClassifier
    from holdfast.reports import terminal_language

    results.replaceable(TextClassifier.KIND)
    classifier = TextClassifier(
        budget=budget,
        steps=steps,
        networks=networks,
        class_weight="balanced" if balanced else "none",
        blend=blend,
        start=begin,
        seed=seed,
    )
    classifier.fit(texts, labels, checkpoints=results.training, progress=screen.progress())
    scores, result, record = classifier.scores_, classifier.result_, None
    if result is not None:
        kept = len(result.model.networks)
        screen.show(
            terminal_language.networks_trained(
                sum(one.steps for one in result.trained),
                time.monotonic() - started,
                len(result.trained),
                kept if result.retrained else 0,
                networks if kept < networks else 0,
            )
        )
    if scores is not None:
        record = classifier.record(title=data.name, command=typed_command(), started=started)
        screen.show(terminal_language.label_scores(scores, "On texts that were held out"))
    else:
        screen.show(terminal_language.unscored("texts"))
    results.save(classifier, record, classifier.clear_checkpoints)
    results.tell(screen, {"scores": None if scores is None else asdict(scores)})


@app.command("predict")
def predict(
    model: Model,
    data: Data,
    text: TextColumn = "text",
    out: Annotated[Path, typer.Option("--out", "-o", help="CSV to write.")] = Path("labels.csv"),
    quiet: options.Quiet = False,
) -> None:
    """Label the texts of a table: a CSV with the text, its label and every probability.

    Where the column of the texts is called label itself, the new one is label_.
    """
    screen = Screen(quiet=quiet, as_json=False)
    from holdfast.cli.results import model_folder, results_folder
    from holdfast.language import read_texts, write_labels

    folder = model_folder(model, "holdfast classify train")
    texts = read_texts(data, text=text)
    results_folder(out.parent)

    from holdfast.language import TextClassifier
    from holdfast.reports import terminal

    classifier = TextClassifier.load(folder)
    chances = classifier.predict_proba(texts)
    write_labels(out, texts, classifier.classes_.tolist(), chances, text=text)
    screen.show(terminal.written({"labels": str(out)}), whole_lines=True)


@app.command("evaluate")
def evaluate(
    model: Model,
    data: Data,
    text: TextColumn = "text",
    label: LabelColumn = "label",
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Say how well a classifier does on a labelled table."""
    screen = Screen(quiet=quiet, as_json=as_json)
    from holdfast.cli.results import model_folder
    from holdfast.language import read_labelled_texts

    folder = model_folder(model, "holdfast classify train")
    texts, labels = read_labelled_texts(data, text=text, label=label)

    from holdfast.language import TextClassifier
    from holdfast.reports import terminal_language

    scores = TextClassifier.load(folder).evaluate(texts, labels)
    screen.show(terminal_language.label_scores(scores, data.name))
    screen.result(asdict(scores))
