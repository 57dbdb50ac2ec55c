"""What a report shows of a language model's training, and of a text's surprises."""

from __future__ import annotations

import datetime
import time
from itertools import islice
from pathlib import Path

from holdfast.errors import ArgumentError
from holdfast.language.design import design_words
from holdfast.language.language_model import LanguageModel
from holdfast.language.text_files import read_all
from holdfast.records import SurpriseRecord, TextTrainingRecord
from holdfast.version import __version__

SAMPLE = 600
"""Tokens that the model writes for the report."""


def training_record(
    model: LanguageModel, *, title: str, command: str, started: float | None
) -> TextTrainingRecord:
    """All that a report shows of a training.

    Arguments:
        model: trained in this process.
        title: what it was trained on.
        command: that made it.
        started: the reading of ``time.monotonic`` from which seconds count; None for none.

    Raises:
        ArgumentError: the model was loaded, so that nobody knows how it was trained.
    """
    fit = model.fit
    if fit is None:
        raise ArgumentError("There is nothing to report: this model was loaded, not trained.")
    corpus, trained, design = fit.task.corpus, fit.trained, model.network.design
    read = trained.steps * design.batch * design.window
    return TextTrainingRecord(
        title=title,
        command=command,
        created=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        version=__version__,
        seed=fit.seed,
        seconds=0.0 if started is None else time.monotonic() - started,
        kind=model.tokens.kind,
        vocabulary=model.tokens.size,
        learnt=len(corpus.training),
        held_out=len(corpus.validation),
        parameters=sum(weight.numel() for weight in model.network.parameters()),
        design=tuple(design_words(design).items()),
        passes=read / len(corpus.training),
        steps=trained.steps,
        tokens_per_second=read / max(trained.seconds, 1e-9),
        curve_steps=tuple(step for step, _ in trained.curve),
        curve_loss=tuple(loss for _, loss in trained.curve),
        validation_steps=tuple(step for step, _ in trained.validations),
        validation_loss=tuple(loss for _, loss in trained.validations),
        stopped=trained.stopped,
        score=model.held_out_score(),
        sample=model.generate(length=SAMPLE, temperature=0.8, seed=fit.seed),
    )


def surprise_record(
    model: LanguageModel, file: Path, *, most: int, encoding: str = "utf-8"
) -> SurpriseRecord:
    """The surprises of the beginning of a file.

    Arguments:
        model: reads it.
        file: of text.
        most: tokens.
        encoding: of the file.

    Raises:
        TextError: the file cannot be read, or is empty.
    """
    text = "".join(islice(read_all([file], encoding=encoding), 4))
    texts, nats = model.surprise(text, most=most)
    return SurpriseRecord(
        title=file.name, texts=tuple(texts), nats=tuple(nats.tolist()), version=__version__
    )
