"""`holdfast inspect`: what a saved model remembers, for how long, and what to change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.cli import options
from holdfast.cli.screen import Screen
from holdfast.errors import ArgumentError, ModelError, option

if TYPE_CHECKING:
    from torch import nn

    from holdfast import Forecaster
    from holdfast.records import SequenceLabels

FORECASTER, LANGUAGE_MODEL, CLASSIFIER, TAGGER = (
    "forecaster", "language model", "classifier", "tagger",
)  # fmt: skip
NEEDED = {
    LANGUAGE_MODEL: "a text",
    CLASSIFIER: "a table of labelled texts",
    TAGGER: "tagged sentences",
}
"""What a model that has no data of its own is looked at on."""

SEQUENCE_PAGE = Path("holdfast-sequence.html")
"""Where the page of a sequence is written if nobody says."""


@options.grouped
def inspect(
    model: Annotated[Path, typer.Argument(help="A model folder that Holdfast wrote.")],
    data: Annotated[
        Path | None,
        typer.Argument(
            help="What to look at it on: a table of series, a text, a table of texts, or tagged "
            "sentences; without it a forecaster's own histories."
        ),
    ] = None,
    sequence: Annotated[
        str | None,
        typer.Option(
            "--sequence",
            help="Look at one sequence, step by step, in place of the model as a whole: a series "
            "by its name or number, or a text to read.",
        ),
    ] = None,
    max_lag: Annotated[
        int | None, typer.Option("--max-lag", min=1, help="The longest lag, in steps.")
    ] = None,
    prescribe: Annotated[
        bool, typer.Option("--prescribe", help="Say what to change, and from which number.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="HTML page to write; none without, of a sequence holdfast-sequence.html.",
        ),
    ] = None,
    *,
    columns: options.Columns,
    text: Annotated[str, typer.Option("--text", help="A classifier's column of texts.")] = "text",
    label: Annotated[
        str, typer.Option("--label", help="A classifier's column of labels.")
    ] = "label",
    encoding: Annotated[str, typer.Option(help="Encoding of a text.")] = "utf-8",
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Measure what a saved model remembers: gradients, gates and losses by lag.

    Takes forecasters, language models, classifiers and taggers.
    """
    screen = Screen(quiet=quiet, as_json=as_json)
    from holdfast.cli.results import model_folder, model_kind, typed_command

    folder = model_folder(model, "holdfast forecast, text train, classify train or tag train")
    kind = model_kind(folder)
    if kind != FORECASTER and kind not in NEEDED:
        raise ModelError(f"{model} is of kind {kind!r}, which has no memory to inspect.")
    if sequence is not None:
        _check_sequence(sequence, data, kind, max_lag=max_lag, prescribe=prescribe)
        if kind == FORECASTER:
            from holdfast.forecasting.inspect import forecast_sequence

            forecaster, table = _forecaster(folder, data, columns)
            example = forecast_sequence(forecaster, sequence, table)
        else:
            example = _text_sequence(kind, folder, sequence)
        _show_sequence(screen, *example, SEQUENCE_PAGE if out is None else out)
        return
    if kind == FORECASTER:
        from holdfast.forecasting.inspect import forecaster_examples

        forecaster, table = _forecaster(folder, data, columns)
        subject, examples, member = forecaster_examples(forecaster, table)
        histories = "its own histories" if data is None else data.name
        title = f"The network {member} of a forecaster, on {histories}"
    elif data is None:
        raise ArgumentError(
            f"A {kind} is looked at while it reads: give {NEEDED[kind]} behind {model}."
        )
    elif kind == LANGUAGE_MODEL:
        subject, examples, title = _language_model(folder, data, encoding)
    elif kind == CLASSIFIER:
        subject, examples, title = _classifier(folder, data, text, label)
    else:
        subject, examples, title = _tagger(folder, data, encoding)

    from holdfast import lens
    from holdfast.reports import as_json as summary
    from holdfast.reports import save, terminal, terminal_research

    record = lens.inspect(
        subject, examples, max_lag=max_lag, title=title, seed=seed, command=typed_command()
    )
    if prescribe:
        record = replace(record, advice=lens.prescribe(record))
    screen.show(terminal_research.inspection(record))
    files = {}
    if out is not None:
        save(record, out)
        files["page"] = str(out)
        screen.show(terminal.written(files), whole_lines=True)
    screen.result(summary(record, files))


def _forecaster(
    folder: Path, data: Path | None, columns: options.Columns
) -> tuple[Forecaster, Any]:
    """A forecaster, and a table of other histories; None without one."""
    from holdfast import Forecaster

    forecaster = Forecaster.load(folder)
    if data is None:
        return forecaster, None
    return forecaster, forecaster.read(data, **options.arguments(columns))


def _language_model(folder: Path, data: Path, encoding: str) -> tuple[nn.Module, Any, str]:
    from holdfast.language import read_all

    text = "".join(read_all([data], encoding=encoding))

    from holdfast.language import LanguageModel
    from holdfast.language.inspect import language_examples

    subject, examples = language_examples(LanguageModel.load(folder), text)
    return subject, examples, f"A language model, on {data.name}"


def _classifier(folder: Path, data: Path, text: str, label: str) -> tuple[nn.Module, Any, str]:
    from holdfast.language import read_labelled_texts

    texts, labels = read_labelled_texts(data, text=text, label=label)

    from holdfast.language import TextClassifier
    from holdfast.language.inspect import classifier_examples

    subject, examples = classifier_examples(TextClassifier.load(folder), texts, labels)
    steps = len(examples[0].words)
    return subject, examples, f"A classifier, on the first {steps} words of texts in {data.name}"


def _tagger(folder: Path, data: Path, encoding: str) -> tuple[nn.Module, Any, str]:
    from holdfast.language import read_sentences

    sentences = read_sentences(data, encoding=encoding)

    from holdfast.language import Tagger
    from holdfast.language.inspect import tagger_examples

    subject, examples = tagger_examples(Tagger.load(folder), sentences)
    steps = len(examples[0].words)
    return subject, examples, f"A tagger, on the first {steps} words of sentences in {data.name}"


def _check_sequence(
    sequence: str, data: Path | None, kind: str, *, max_lag: int | None, prescribe: bool
) -> None:
    """Refuse what --sequence cannot be given with."""
    if not sequence.strip():
        raise ArgumentError(f"{option('sequence')} is empty; give a text, or the name of a series.")
    if data is not None and kind != FORECASTER:
        raise ArgumentError(f"{option('sequence')} is the text itself; leave {data} away.")
    if max_lag is not None or prescribe:
        other = option("prescribe" if prescribe else "max_lag")
        raise ArgumentError(
            f"{other} is for a model as a whole; leave it or {option('sequence')} away."
        )


def _text_sequence(kind: str, folder: Path, text: str) -> tuple[nn.Module, Any, SequenceLabels]:
    """What a language model, a classifier or a tagger reads of a text."""
    from holdfast.language import LanguageModel, Tagger, TextClassifier
    from holdfast.language.inspect import (
        classifier_sequence,
        language_sequence,
        tagger_sequence,
    )

    if kind == LANGUAGE_MODEL:
        return language_sequence(LanguageModel.load(folder), text)
    if kind == CLASSIFIER:
        return classifier_sequence(TextClassifier.load(folder), text)
    return tagger_sequence(Tagger.load(folder), text)


def _show_sequence(
    screen: Screen, subject: nn.Module, examples: Any, words: SequenceLabels, page: Path
) -> None:
    """Look at one sequence, say what its output rests on, and write its page."""
    from holdfast import lens
    from holdfast.reports import as_json as summary
    from holdfast.reports import save, terminal, terminal_research

    record = lens.sequence(
        subject,
        examples,
        labels=words.labels,
        values=words.values,
        channels=words.channels,
        at=words.at,
        output=words.output,
        title=words.title,
    )
    save(record, page)
    files = {"page": str(page)}
    screen.show(terminal_research.sequence(record))
    screen.show(terminal.written(files), whole_lines=True)
    screen.result(summary(record, files))
