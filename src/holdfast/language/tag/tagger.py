"""The public class of taggers: train, load, predict, evaluate, save."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch

from holdfast import storage
from holdfast.errors import ArgumentError, InputError, ModelError
from holdfast.language.sentence_training import SentenceBatches, SentenceFit, fit_sentences
from holdfast.language.tag.network import TaggerNetwork, TaggingTask
from holdfast.language.tag.scores import tag_scores
from holdfast.language.tag.sentences import Sentence, TableColumns, check_tags, read_sentences
from holdfast.language.word_encoder import EncoderDesign
from holdfast.language.words import WordVocabulary
from holdfast.records import TagScores
from holdfast.storage import digest
from holdfast.training.budget import Budget
from holdfast.training.progress import Progress, progress_for_terminal
from holdfast.training.weights import arrays_of, network_from

KIND: Final = "tagger"
"""What a model folder of ours says it holds."""

HELD_OUT: Final = 0.1
"""Share of the sentences by which the weights are chosen."""

BATCH: Final = 32
MOST_PASSES: Final = 30

RATE: Final = 0.012
"""Peak of the learning rate. On English EWT, 500 updates, tags of the words of dev, one run each:
92.1 % with 0.003, 93.2 with 0.006, 93.6 with 0.012; with the encoder's timescale 93.7, and 93.6
with 0.020. With both, 2,000 updates come to 95.0, for which 0.003 took 9,400."""


class Tagger:
    """A bidirectional LSTM over words and letters, and a chain over the tags.

    Arguments:
        vocabulary: of the words.
        tags: their names.
        network: scores them.

    Example:
        >>> sentences = [Sentence(("the", "gate", "opens"), ("DET", "NOUN", "VERB"))] * 20
        >>> tagger = Tagger.train(sentences, steps=30)
        >>> tagger.predict([("the", "gate")])[0].words
        ('the', 'gate')
    """

    def __init__(
        self, vocabulary: WordVocabulary, tags: tuple[str, ...], network: TaggerNetwork
    ) -> None:
        self.vocabulary = vocabulary
        self.tags = tags
        self.network = network.eval()
        self.most_frequent: dict[str, str] = {}
        """Word → the tag that it had most often in training: what the LSTM has to beat."""
        self.common_tag = tags[0]
        self.fit: SentenceFit | None = None  # where this process has trained it
        self.held_out: tuple[Sentence, ...] = ()  # what the weights were chosen by
        self.held_out_scores: TagScores | None = None

    @classmethod
    def train(
        cls,
        sentences: str | Path | Sequence[Sentence],
        *,
        validation: str | Path | Sequence[Sentence] | None = None,
        column: int | None = None,
        columns: TableColumns | None = None,
        budget: str | float | None = "10m",
        steps: int | None = None,
        hidden: int = 128,
        layers: int = 1,
        seed: int = 0,
        encoding: str = "utf-8",
        checkpoints: str | Path | None = None,
        progress: Progress | None = None,
    ) -> Tagger:
        """Learn the tags of sentences.

        Arguments:
            sentences: tagged, or the path of a file (`read_sentences` says which).
            validation: sentences by which the weights are chosen; None for a tenth of the others.
            column: of the tag in a file, counted from 1; None for the usual one.
            columns: names of a CSV's columns; None for `sentence`, `word` and `tag`.
            budget: how long everything may take, such as "10m"; None for as long as it is worth.
            steps: updates in place of the budget; equal steps, equal bits.
            hidden: units each way.
            layers: how many.
            seed: of everything random.
            encoding: of the files.
            checkpoints: folder from which a training that was killed goes on; None for none.
            progress: is told of every update; None for a bar on a terminal.

        Raises:
            TextError: a file cannot be read, or its tags break their own grammar; names the line.
            ArgumentError: there is one tag only, or an argument is out of range.
        """
        clock = Budget.parse(None if steps else budget, start=time.monotonic())
        learnt = _sentences(sentences, column, columns, encoding)
        held_out = None if validation is None else _sentences(validation, column, columns, encoding)
        check_tags([*learnt, *(held_out or [])])
        if held_out is None:
            learnt, held_out = _divided(learnt, seed)
        tags = tuple(sorted({tag for one in (*learnt, *held_out) for tag in one.tags or ()}))
        if len(tags) < 2:
            raise ArgumentError(f"Every word has the tag {tags[0]!r}: there is nothing to learn.")
        vocabulary = WordVocabulary.counted([one.words for one in learnt])
        design = EncoderDesign(
            len(vocabulary.words) + 2,
            len(vocabulary.letters) + 2,
            hidden=hidden,
            layers=layers,
        )
        made = fit_sentences(
            lambda: TaggingTask(design, vocabulary, tags, learnt, held_out, BATCH, seed),
            most_passes=MOST_PASSES,
            learning_rate=RATE,
            budget=clock,
            steps=steps,
            seed=seed,
            identity=_identity(design, tags, learnt, held_out, clock.seconds),
            progress=progress_for_terminal() if progress is None else progress,
            folder=None if checkpoints is None else Path(checkpoints),
        )
        network = made.task.module
        assert isinstance(network, TaggerNetwork)
        tagger = cls(vocabulary, tags, network)
        tagger.most_frequent, tagger.common_tag = _most_frequent(learnt)
        tagger.fit = made
        tagger.held_out = tuple(held_out)
        tagger.held_out_scores = tagger.evaluate(held_out) if held_out else None
        return tagger

    def predict(self, sentences: Sequence[Sentence | Sequence[str]]) -> list[Sentence]:
        """The likeliest chain of tags of each sentence.

        Arguments:
            sentences: of words; tags that they have are not looked at.

        Raises:
            ArgumentError: a sentence has no word.
        """
        for place, sentence in enumerate(sentences):
            if isinstance(sentence, str):
                raise ArgumentError(
                    f"Sentence {place + 1} is one text, {sentence[:40]!r}; give its words."
                )
        words = [one.words if isinstance(one, Sentence) else tuple(one) for one in sentences]
        for place, one in enumerate(words):
            if not one:
                raise ArgumentError(f"Sentence {place + 1} has no word.")
        made: list[Sentence] = [Sentence(one) for one in words]
        for rows, numbers in self._best(words):
            for column, row in enumerate(rows.tolist()):
                length = len(words[row])
                tags = tuple(self.tags[number] for number in numbers[:length, column].tolist())
                made[row] = Sentence(words[row], tags)
        return made

    def evaluate(self, sentences: Sequence[Sentence]) -> TagScores:
        """Scores beside the tags that words had most often in training.

        Raises:
            ArgumentError: a sentence has no tags.
        """
        if any(one.tags is None for one in sentences) or not sentences:
            raise ArgumentError("Scores need sentences with tags.")
        truth = [one.tags or () for one in sentences]
        made = [one.tags or () for one in self.predict(sentences)]
        usual = [
            tuple(self.most_frequent.get(word, self.common_tag) for word in one.words)
            for one in sentences
        ]
        return tag_scores(truth, made, usual, self.tags)

    def save(self, folder: str | Path) -> None:
        """Write a model folder, whole or not at all.

        Raises:
            InputError: the folder cannot be written, or holds something that is not ours.
        """
        manifest = {
            "design": self.network.encoder.design.to_json(),
            "vocabulary": self.vocabulary.to_json(),
            "tags": list(self.tags),
            "most frequent": self.most_frequent,
            "common tag": self.common_tag,
        }
        storage.save(folder, KIND, manifest, arrays_of(self.network))

    @classmethod
    def load(cls, folder: str | Path) -> Tagger:
        """A tagger from its folder, everything checked.

        Raises:
            ModelError: the folder is missing, corrupt, foreign or from a newer version.
        """
        manifest, arrays = storage.load(folder, KIND)
        try:
            if set(manifest) != {
                "design", "vocabulary", "tags", "most frequent", "common tag",
            }:  # fmt: skip
                raise ValueError("it has missing or unknown fields")
            design = EncoderDesign.from_json(manifest["design"])
            vocabulary = WordVocabulary.from_json(manifest["vocabulary"])
            tags, usual = manifest["tags"], manifest["most frequent"]
            if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
                raise ValueError("its tags are damaged")
            if len(set(tags)) < len(tags) or not tags or manifest["common tag"] not in tags:
                raise ValueError("its tags are damaged")
            if not isinstance(usual, dict) or not set(usual.values()) <= set(tags):
                raise ValueError("its most frequent tags are damaged")
            vocabulary.check(design.words, design.letters)
            names = tuple(tags)
            made = cls(
                vocabulary, names, network_from(lambda: TaggerNetwork(design, names), arrays)
            )
            made.most_frequent, made.common_tag = usual, manifest["common tag"]
            return made
        except (InputError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            reason = str(error).rstrip(".")
            raise ModelError(f"{folder} does not fit together ({reason}); train it again.") from (
                error
            )

    def _best(self, words: Sequence[Sequence[str]]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        batches = SentenceBatches.of_words(self.vocabulary, words, 64)
        for rows in batches.in_order():
            with torch.no_grad():
                yield rows, self.network.best(batches.tensors(rows)).numpy()


def _sentences(
    given: str | Path | Sequence[Sentence],
    column: int | None,
    columns: TableColumns | None,
    encoding: str,
) -> list[Sentence]:
    if isinstance(given, str | Path):
        return read_sentences(given, column=column, columns=columns, encoding=encoding)
    if not given or any(not one.words or len(one.tags or ()) != len(one.words) for one in given):
        raise ArgumentError("Give sentences of words with a tag for each, at least one.")
    return list(given)


def _divided(sentences: list[Sentence], seed: int) -> tuple[list[Sentence], list[Sentence]]:
    """Sentences to learn from, and a tenth to choose the weights by."""
    if len(sentences) < 20:
        return sentences, []
    order = np.random.default_rng(seed).permutation(len(sentences))
    cut = round(HELD_OUT * len(sentences))
    held, kept = np.sort(order[:cut]), np.sort(order[cut:])
    return [sentences[place] for place in kept], [sentences[place] for place in held]


def _most_frequent(sentences: Sequence[Sentence]) -> tuple[dict[str, str], str]:
    counts: dict[str, Counter[str]] = {}
    for one in sentences:
        for word, tag in zip(one.words, one.tags or (), strict=True):
            counts.setdefault(word, Counter())[tag] += 1
    every: Counter[str] = Counter()
    for count in counts.values():
        every.update(count)
    return {word: count.most_common(1)[0][0] for word, count in counts.items()}, (
        every.most_common(1)[0][0]
    )


def _identity(
    design: EncoderDesign,
    tags: tuple[str, ...],
    learnt: Sequence[Sentence],
    held_out: Sequence[Sentence],
    seconds: float | None,
) -> str:
    parts = [repr((design, tags, seconds))]
    for group in (learnt, held_out):
        parts += [*(repr((one.words, one.tags)) for one in group), "|"]
    return digest(*parts)
