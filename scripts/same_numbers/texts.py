"""Cases: language models, classifiers, taggers; pretraining and comparisons."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from entries import arrays_in, case
from names import (
    classifier,
    compare_memory,
    load_classifier,
    load_language,
    load_tagger,
    memory_tasks,
    pretrain_small,
    synthetic,
    synthetic_families,
    tagged_sentences,
    train_language,
    train_tagger,
)  # fmt: skip

VERSE = "The gate forgets, the gate lets in,\nand what is kept is what has been.\n"
NAMES = ("Ada", "Bob", "Cleo", "Dan")


def write_texts() -> None:
    """A text, a table of labelled texts and tagged sentences."""
    Path("verse.txt").write_text((VERSE + VERSE.replace("gate", "door")) * 100, encoding="utf-8")
    good, bad = ("a joy to watch", "warm and funny"), ("dull and far too long", "cold and empty")
    rows = [f"{text} {k % 7},{label}\n" for k in range(20)
            for texts, label in ((good, "good"), (bad, "bad")) for text in texts]  # fmt: skip
    Path("films.csv").write_text("text,label\n" + "".join(rows), encoding="utf-8")
    sentences = [f"{NAMES[k % 4]} B-PER\nsleeps O\nin O\n{('Rome', 'York')[k % 2]} B-LOC\n\n"
                 for k in range(40)]  # fmt: skip
    Path("people.txt").write_text("".join(sentences).replace(" ", "\t"), encoding="utf-8")


@case
def language() -> Iterator[tuple[str, Any]]:
    """Language models of every kind of token: weights, scores, texts, ONNX."""
    write_texts()
    options: dict[str, dict[str, Any]] = {
        "char": {}, "byte": {"layers": 2}, "word": {"weight_drop": 0.3, "dropout": 0.2},
        "bpe": {"vocab": 270},
    }  # fmt: skip
    for tokens, more in options.items():
        model = train_language("verse.txt", tokens=tokens, steps=25, hidden=24, seed=1, **more)
        yield f"{tokens}/weights", model.network_
        yield f"{tokens}/run", model.result_.trained
        yield f"{tokens}/held out", model.scores_
        yield f"{tokens}/score", model.evaluate(VERSE)
        yield f"{tokens}/dynamic", model.evaluate(VERSE * 3, dynamic=True)
        pieces, surprises = model.surprise(VERSE)
        yield f"{tokens}/pieces", pieces
        yield f"{tokens}/surprises", surprises
        yield f"{tokens}/text", model.generate("The gate", length=60, temperature=0.8, seed=2)
        yield f"{tokens}/likeliest", model.generate("The", length=30, top_k=3, top_p=0.9, seed=3)
        model.save(tokens)
        yield f"{tokens}/loaded", load_language(tokens).evaluate(VERSE)
        model.export_onnx(f"{tokens}.onnx")
        yield f"{tokens}/onnx", Path(f"{tokens}.onnx")
        yield f"{tokens}/tokenizer", Path(f"{tokens}.tokenizer.json")


@case
def sentences() -> Iterator[tuple[str, Any]]:
    """Classifiers, one of them begun from a language model, and taggers."""
    write_texts()
    films = pd.read_csv("films.csv")
    train_language("verse.txt", tokens="word", steps=4, hidden=16).save("words")
    sizes: dict[str, Any] = {"steps": 20, "networks": 2, "hidden": 16, "embedding": 16}
    for name, more in {"blend": {}, "balanced": {"class_weight": "balanced", "blend": False},
                       "started": {"start": "words", "networks": 1}}.items():  # fmt: skip
        made = classifier(**(sizes | more)).fit(films["text"], films["label"])
        yield f"{name}/chances", made.predict_proba(["warm and long", "a dull joy"])
        yield f"{name}/labels", made.predict(["warm and long", "a dull joy"]).tolist()
        yield f"{name}/scores", made.scores_
        yield f"{name}/evaluated", made.evaluate(films["text"], films["label"])
        yield f"{name}/deciding", made.word_importance("warm and long", "good")
        made.save(name)
        yield f"{name}/stored", arrays_in(name)
        yield f"{name}/loaded", load_classifier(name).predict_proba(["warm"])
    people = tagged_sentences("people.txt")
    for name, more in {"one layer": {}, "two layers": {"layers": 2, "seed": 2}}.items():
        tagger = train_tagger("people.txt", steps=15, hidden=8, **more)
        yield f"{name}/tags", [one.tags for one in tagger.predict([["Ada", "sleeps"], ["Rome"]])]
        yield f"{name}/scores", tagger.evaluate(people)
        yield f"{name}/held out", tagger.scores_
        yield f"{name}/run", tagger.result_.trained
        tagger.save(name)
        yield f"{name}/stored", arrays_in(name)
        yield f"{name}/loaded", load_tagger(name).evaluate(people)


@case
def pretraining() -> Iterator[tuple[str, Any]]:
    """Synthetic series of each recipe, whole and without each part; a small pretraining."""
    for kind in ("short", "long"):
        yield f"{kind}/series", synthetic(kind, count=8, length=150, seed=4)
        for part in synthetic_families():
            drawn = partial(synthetic, kind, count=2, length=60, seed=1, without=[part])
            yield f"{kind}/without {part}", drawn
    for precision in ("float32", "bfloat16"):
        yield f"{precision}/run", pretrain_small(precision, steps=4, precision=precision)
        yield f"{precision}/weights", arrays_in(precision)
        yield f"{precision}/curves", Path(precision, "curves.csv")


@case
def comparisons() -> Iterator[tuple[str, Any]]:
    """Networks compared on tasks that need a memory."""
    for task in memory_tasks():
        lag = {"adding": 10, "copy": 5, "order": 20, "order-three": 30}.get(task, 6)
        plan = {"lags": (lag,), "seeds": 1, "updates": 3, "rates": (0.01,), "hidden": 8}
        yield task, partial(compare_memory, task, **plan)
