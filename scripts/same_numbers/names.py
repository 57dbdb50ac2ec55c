"""All that these scripts know of the names of Holdfast: after a renaming only this changes."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

import holdfast


def layer(cell: str, *sizes: int, **options: Any) -> Any:
    """A recurrent layer or cell, by the name of its class."""
    return getattr(holdfast.nn, cell)(*sizes, **options)


def from_torch(cell: str, theirs: nn.Module, **options: Any) -> Any:
    """A layer with the weights of torch's."""
    return getattr(holdfast.nn, cell).from_torch(theirs, **options)


def convert(model: nn.Module) -> nn.Module:
    """A model whose recurrent layers are ours."""
    return holdfast.nn.convert(model)


def by_equations() -> Any:
    """A context in which layers run their equations step after step."""
    return holdfast.nn.by_equations()


def kernel(made: Any, steps: int, batch: int, *, training: bool) -> str:
    """Which kernel runs a layer."""
    return holdfast.nn.explain(made, steps, batch, training=training).kernel


def train(task: Any, **plan: Any) -> Any:
    """A run of the training loop."""
    from holdfast.training.loop import train
    from holdfast.training.plan import Plan

    return train(task, Plan(**plan))


def inspect(model: Any, x: Any, **options: Any) -> Any:
    """What a model remembers."""
    return holdfast.lens.inspect(model, x, **options)


def prescribe(record: Any) -> Any:
    """What to change."""
    return holdfast.lens.prescribe(record)


def sequence(model: Any, x: Any, **options: Any) -> Any:
    """One sequence as a model reads it."""
    return holdfast.lens.sequence(model, x, **options)


def force_forget(made: Any, units: Sequence[int], **options: Any) -> Any:
    """A layer some of whose units forget at a constant rate."""
    return holdfast.lens.force_forget(made, units, **options)


def to_onnx(made: Any, **options: Any) -> bytes:
    """A layer as an ONNX file."""
    return holdfast.export.to_onnx(made, **options)


def from_onnx(content: bytes) -> list[Any]:
    """The layers of an ONNX file."""
    return holdfast.export.from_onnx(content)


def from_keras(arrays: Sequence[np.ndarray], cell: str, **options: Any) -> Any:
    """A layer with Keras' weights."""
    return holdfast.export.from_keras_weights(arrays, getattr(holdfast.nn, cell), **options)


def fit(df: Any, horizon: int, covariates: Mapping[str, Any] | None = None, **options: Any) -> Any:
    """A fitted forecaster; without other options it trains nothing."""
    return holdfast.Forecaster(horizon, **{"adapt": "none", **options}).fit(df, **covariates or {})


def fit_from(df: Any, horizon: int, start: str, **options: Any) -> Any:
    """A forecaster whose training goes on from a saved one."""
    return holdfast.Forecaster(horizon, **options).fit(df, warm_start=start)


def example(name: str) -> Any:
    """A table that ships."""
    from holdfast.tables.examples import example
    from holdfast.tables.frames import to_frame

    return to_frame(example(name).columns)


def read_table(source: Any, **options: Any) -> Any:
    """A table as it is understood."""
    from holdfast.tables.read import ReadOptions, read

    return read(source, ReadOptions(**options))


def load_forecaster(folder: str) -> Any:
    """A forecaster from its folder."""
    return holdfast.Forecaster.load(folder)


def train_language(file: str, **options: Any) -> Any:
    """A language model."""
    return holdfast.LanguageModel(**options).fit(file)


def load_language(folder: str) -> Any:
    """A language model from its folder."""
    return holdfast.LanguageModel.load(folder)


def classifier(**options: Any) -> Any:
    """A classifier that is not fitted yet."""
    return holdfast.TextClassifier(**options)


def load_classifier(folder: str) -> Any:
    """A classifier from its folder."""
    return holdfast.TextClassifier.load(folder)


def train_tagger(file: str, **options: Any) -> Any:
    """A tagger."""
    return holdfast.Tagger(**options).fit(file)


def load_tagger(folder: str) -> Any:
    """A tagger from its folder."""
    return holdfast.Tagger.load(folder)


def tagged_sentences(file: str) -> Any:
    """The sentences of a file."""
    from holdfast.language.tag.sentences import read_sentences

    return read_sentences(file)


def synthetic(kind: str, **options: Any) -> Any:
    """Series as pretraining draws them."""
    from holdfast.pretraining import draw_samples

    return draw_samples(kind, **options)


def synthetic_families() -> Sequence[str]:
    """Families and augmentations of the generator that can be switched off."""
    from holdfast.pretraining.synthetic.recipe import LATE, PARTS

    return [part for part in PARTS if part != LATE]


def pretrain_small(folder: str, **options: Any) -> Any:
    """A pretraining of networks that take a moment."""
    from holdfast.forecasting.pretrained.design import COARSE, FINE
    from holdfast.pretraining import pretrain

    size = {"half_life": 16, "hidden": 8, "blocks": 2}
    designs = {
        "fine": dataclasses.replace(FINE, window=8, context=32, **size),
        "coarse": dataclasses.replace(COARSE, patch=6, window=12, context=48, **size),
    }
    return pretrain(folder, designs=designs, positions=64, device="cpu", **options)


def compare_memory(task: str, **plan: Any) -> Any:
    """Networks on a task that needs a memory."""
    return holdfast.lens.compare_memory(holdfast.lens.MemoryPlan(task, **plan))


def memory_tasks() -> Sequence[str]:
    """Names of those tasks."""
    return ("adding", "copy", "order", "order-three", "noisy-lag", "latch", "parity")


def command(*words: object, stdin: str = "") -> tuple[int, str, str]:
    """Run `holdfast WORDS` in this process: exit code, standard output, standard error."""
    from holdfast.cli.main import run

    Path("stdin").write_text(stdin)
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    before = sys.argv, sys.stdin
    code: Any = 0
    with Path("stdin").open() as given:
        sys.argv, sys.stdin = ["holdfast", *map(str, words)], given
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                run()
        except SystemExit as end:
            code = end.code
        finally:
            sys.argv, sys.stdin = before
    said, complained = (one.buffer.getvalue().decode() for one in (out, err))
    return int(code or 0), said, complained
