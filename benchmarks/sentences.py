"""Classifiers and taggers on data that everybody knows, with the simple methods beside them.

    python benchmarks/sentences.py --data ../shared/data --part sst2 --seed 0 --budget 5m
    python benchmarks/sentences.py --data ../shared/data --part sst2-start --seed 0 --budget 5m
    python benchmarks/sentences.py --data ../shared/data --part trec --seed 0 --budget 90s
    python benchmarks/sentences.py --data ../shared/data --part ewt --seed 0 --budget 10m
    python benchmarks/sentences.py --data ../shared/data --part spans --seed 0 --budget 3m

- `sst2`: learns from the 6,920 training sentences, of which a split chooses the weights; the 872
  dev sentences are only scored. `sst2-start` starts from a language model trained on the same
  sentences and on WikiText-2 (`--language 10m`, kept in --work and used again).
- `trec`: ten folds of the 5,452 questions, a row each (`--folds 0,1` for some).
- `ewt`: parts of speech of UD English EWT, a tenth of train chooses the weights, dev is scored.
- `spans`: noun phrases derived from EWT's trees by rule (`noun_spans`), as `seqeval` counts.

What the results file has already is left out, so that a run which was stopped goes on; --again
measures it again.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from ledger import RESULTS, append

from holdfast import LanguageModel, Tagger, TextClassifier
from holdfast.language.classify.scores import simple_predictions
from holdfast.language.tag.scores import broken_span
from holdfast.language.tag.sentences import Sentence, read_sentences

FOLDS = 10
INSIDE = ("det", "amod", "compound", "nummod", "nmod:poss", "flat", "punct")
"""Relations by which a word before its noun belongs to the noun's phrase."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of shared data")
    parts = ["sst2", "sst2-start", "trec", "ewt", "spans"]
    parser.add_argument("--part", choices=parts, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--budget", default="5m", help="of one training")
    parser.add_argument("--folds", default=",".join(map(str, range(FOLDS))), help="of trec")
    parser.add_argument("--language", default="10m", help="budget of the language model")
    parser.add_argument("--language-hidden", type=int, help="its units, in place of its choice")
    parser.add_argument("--work", type=Path, default=Path("sentences-work"), help="kept models")
    parser.add_argument("--networks", type=int, default=5)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--embedding", type=int, default=256)
    parser.add_argument("--layers", type=int, default=1, help="of the tagger")
    parser.add_argument("--steps", type=int, help="updates of a network in place of the budget")
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()
    if not options.data.is_dir():
        sys.exit(f"{options.data} is not there; --data names the folder of shared data.")
    run = {"trec": trec, "ewt": ewt, "spans": spans}.get(options.part, sst2)
    run(options)


def sst2(options: argparse.Namespace) -> None:
    """One seed on SST-2's sentences, started from a language model or not."""
    key = _key(options)
    if _done(key, options):
        return
    folder = options.data / "sst2"
    texts, labels = _pairs(folder / "sentences_train.tsv")
    others, truth = _pairs(folder / "sentences_dev.tsv")
    start = _language(options, texts) if options.part == "sst2-start" else None
    _keep(key, _classified(options, texts, labels, others, truth, start))


def trec(options: argparse.Namespace) -> None:
    """Ten folds of TREC's questions, a row each."""
    lines = (options.data / "trec" / "TREC.train.all").read_text(encoding="latin-1").splitlines()
    labels = np.array([int(line.split(" ", 1)[0]) for line in lines])
    texts = [line.split(" ", 1)[1] for line in lines]
    places = np.random.default_rng(options.seed).permutation(len(texts)) % FOLDS
    for fold in map(int, options.folds.split(",")):
        key = {**_key(options), "fold": fold}
        if _done(key, options):
            continue
        inside, outside = np.flatnonzero(places != fold), np.flatnonzero(places == fold)
        row = _classified(
            options,
            [texts[place] for place in inside],
            labels[inside],
            [texts[place] for place in outside],
            labels[outside],
            None,
        )
        _keep(key, row)


def ewt(options: argparse.Namespace) -> None:
    """Parts of speech."""
    _tagged(options, *(read_sentences(_ewt(options, part)) for part in ("train", "dev")))


def spans(options: argparse.Namespace) -> None:
    """Noun phrases as spans."""
    train, dev = (noun_spans(_ewt(options, part)) for part in ("train", "dev"))
    _tagged(options, train, dev)


def noun_spans(path: Path) -> list[Sentence]:
    """EWT's sentences with B-NP, I-NP and O, by rule from the trees.

    A phrase is a noun, a proper noun or a pronoun together with the words right before it that
    hang on it, directly or through one another, by one of the relations in `INSIDE`. Where one
    phrase would lie inside another, the longer one counts.
    """
    made = []
    for rows in _trees(path):
        heads, names, kinds = rows
        tags = ["O"] * len(heads)
        for end in reversed(range(len(heads))):
            if kinds[end] not in ("NOUN", "PROPN", "PRON") or tags[end] != "O":
                continue
            begin = end
            while begin and _belongs(begin - 1, end, heads, names):
                begin -= 1
            while names[begin] == "punct":
                begin += 1
            tags[begin : end + 1] = ["B-NP", *["I-NP"] * (end - begin)]
        made.append(tags)
    sentences = read_sentences(path)
    return [Sentence(one.words, tuple(tags)) for one, tags in zip(sentences, made, strict=True)]


def _belongs(place: int, noun: int, heads: list[int], names: list[str]) -> bool:
    """Whether a word hangs on a noun through relations that stay inside its phrase."""
    for _ in range(len(heads)):
        if names[place] not in INSIDE or not place < heads[place] <= noun:
            return False
        if heads[place] == noun:
            return True
        place = heads[place]
    return False


def _trees(path: Path) -> Iterator[tuple[list[int], list[str], list[str]]]:
    """Each sentence's heads (from 0, -1 for the root), relations and parts of speech."""
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        lines = [line.split("\t") for line in block.splitlines() if line[:1].isdigit()]
        words = [fields for fields in lines if fields[0].isdigit()]
        if words:
            yield (
                [int(fields[6]) - 1 for fields in words],
                [fields[7] for fields in words],
                [fields[3] for fields in words],
            )


def _classified(
    options: argparse.Namespace,
    texts: list[str],
    labels: np.ndarray,
    others: list[str],
    truth: np.ndarray,
    start: LanguageModel | None,
) -> dict[str, object]:
    begin, processor = time.monotonic(), time.process_time()
    classifier = TextClassifier(
        budget=options.budget,
        steps=options.steps,
        networks=options.networks,
        hidden=options.hidden,
        embedding=options.embedding,
        start=start,
        seed=options.seed,
    ).fit(texts, labels)
    seconds, processor = time.monotonic() - begin, time.process_time() - processor
    result, scores = classifier.result_, classifier.evaluate(others, truth)
    assert result is not None
    said = {
        name: (one == truth).mean()
        for name, one in simple_predictions(texts, labels, others).items()
    }
    model = result.model
    row: dict[str, object] = {
        "seconds": round(seconds, 1),
        "processor seconds": round(processor, 1),
        "updates": sum(one.steps for one in result.trained),
        "accuracy": round(scores.accuracy, 4),
        "networks alone": round(_alone(model.reader, model.networks, others, truth), 4),
        "share of pairs": model.share,
        "calibration error": round(scores.calibration_error, 4),
        **{name: round(float(value), 4) for name, value in said.items()},
    }
    if model.log_linear is not None:
        made = model.log_linear.log_probabilities(others).argmax(axis=1)
        row["words and pairs alone"] = round(float((model.classes[made] == truth).mean()), 4)
    if result.scores is not None and result.scores.warm_start is not None:
        row["start, held out"] = round(result.scores.warm_start.difference, 4)
        row["its error"] = round(result.scores.warm_start.error, 4)
    return row


def _alone(reader: object, networks: object, others: list[str], truth: np.ndarray) -> float:
    from holdfast.language.classify.model import network_scores

    labels = len(np.unique(truth))
    made = network_scores(reader, networks, others, labels).argmax(axis=1)  # type: ignore[arg-type]
    return float((np.unique(truth)[made] == truth).mean())


def _tagged(options: argparse.Namespace, train: list[Sentence], dev: list[Sentence]) -> None:
    key = _key(options)
    if _done(key, options):
        return
    begin, processor = time.monotonic(), time.process_time()
    tagger = Tagger(
        budget=options.budget,
        steps=options.steps,
        hidden=options.hidden,
        layers=options.layers,
        seed=options.seed,
    ).fit(train)
    seconds, processor = time.monotonic() - begin, time.process_time() - processor
    scores = tagger.evaluate(dev)
    assert tagger.result_ is not None
    row: dict[str, object] = {
        "seconds": round(seconds, 1),
        "processor seconds": round(processor, 1),
        "updates": tagger.result_.trained.steps,
        "accuracy": round(scores.accuracy, 4),
        "most frequent tag": round(scores.accuracy_most_frequent, 4),
    }
    if scores.spans:
        made = tagger.predict(dev)
        row["broken spans"] = sum(broken_span(one.tags or ()) is not None for one in made)
        row["span F1"] = round({one.name: one.f1 for one in scores.spans}["all"], 4)
    _keep(key, row)


def _language(options: argparse.Namespace, texts: list[str]) -> LanguageModel:
    """A language model of WikiText-2's and SST-2's training text, trained once."""
    units = options.language_hidden
    name = f"language-{options.language}" + (f"-{units}" if units else "")
    folder = options.work / name
    if not folder.exists():
        options.work.mkdir(parents=True, exist_ok=True)
        own, held = options.work / "sst2.txt", options.work / "sst2-held.txt"
        cut = len(texts) * 9 // 10
        own.write_text("\n".join(texts[:cut]) + "\n", encoding="utf-8")
        held.write_text("\n".join(texts[cut:]) + "\n", encoding="utf-8")
        files = [options.data / "wikitext-2" / "wiki.train.tokens", own]
        model = LanguageModel("word", budget=options.language, hidden=units)
        model.fit(files, validation=[held]).save(folder)
    return LanguageModel.load(folder)


def _ewt(options: argparse.Namespace, part: str) -> Path:
    return Path(options.data / "ud-english-ewt" / f"en_ewt-ud-{part}.conllu")


def _pairs(path: Path) -> tuple[list[str], np.ndarray]:
    lines = [line.rsplit("\t", 1) for line in path.read_text(encoding="utf-8").splitlines()]
    return [text for text, _ in lines], np.array([int(label) for _, label in lines])


def _key(options: argparse.Namespace) -> dict[str, object]:
    tagger = options.part in ("ewt", "spans")
    start = ""
    if options.part == "sst2-start":
        start = f", from a language model of {options.language}, {options.language_hidden} units"
    return {
        "part": options.part,
        "seed": options.seed,
        "budget": options.budget if options.steps is None else f"{options.steps} updates",
        "design": f"{options.hidden} units, {options.layers} layers"
        if tagger
        else f"{options.networks} networks, {options.hidden} units, embedding {options.embedding}"
        + start,
        "threads": torch.get_num_threads(),
        "fold": "",
    }


def _done(key: dict[str, object], options: argparse.Namespace) -> bool:
    """Whether the results hold this measurement."""
    path = RESULTS / "sentences.csv"
    if options.again or not path.exists():
        return False
    with path.open(newline="", encoding="utf-8") as file:
        found = any(
            all(row.get(name, "") == str(value) for name, value in key.items())
            for row in csv.DictReader(file)
        )
    if found:
        print("measured already:", key, flush=True)
    return found


def _keep(key: dict[str, object], row: dict[str, object]) -> None:
    full = {**key, **row}
    print(", ".join(f"{name} {value}" for name, value in full.items()), flush=True)
    append("sentences", full)


if __name__ == "__main__":
    main()
