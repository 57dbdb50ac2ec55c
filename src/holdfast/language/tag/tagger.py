"""`Tagger`: the public class of taggers: fit, predict, evaluate, save, load."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import torch

from holdfast import storage
from holdfast.errors import ArgumentError, InputError, ModelError, option
from holdfast.language.sentence_training import (
    SentenceBatches,
    SentenceResult,
    SentenceSchedule,
    train_sentences,
)
from holdfast.language.tag.network import TaggerNetwork, TaggingTask
from holdfast.language.tag.scores import tag_scores
from holdfast.language.tag.sentences import Sentence, SentenceColumns, check_tags, read_sentences
from holdfast.language.word_encoder import EncoderDesign
from holdfast.language.words import WordVocabulary
from holdfast.records import ConfusedTags, TaggedWords, TaggerRecord, TagScores
from holdfast.training import run_directory
from holdfast.training.budget import Budget, duration
from holdfast.training.parameters import Parameters
from holdfast.training.progress import Progress, progress_for_terminal
from holdfast.training.weights import arrays_of, network_from
from holdfast.version import __version__

HELD_OUT: Final = 0.1
"""Share of the sentences by which the weights are chosen."""

BATCH: Final = 32
MOST_PASSES: Final = 30

RATE: Final = 0.012
"""Peak of the learning rate. On English EWT, 500 updates, tags of the words of dev, one run each:
92.1 % with 0.003, 93.2 with 0.006, 93.6 with 0.012; with the encoder's timescale 93.7, and 93.6
with 0.020. With both, 2,000 updates come to 95.0, for which 0.003 took 9,400."""

PAIRS: Final = 20
"""Pairs of tags that a report shows."""

WORDS: Final = 5
"""Words that are shown of each."""

SHOWN: Final = 8
"""Sentences with mistakes that are shown."""

LONGEST: Final = 60
"""Words of such a sentence that are shown, from a little before its first wrong tag."""


class Tagger(Parameters):
    """A tag for every word: a bidirectional LSTM over words and letters, and a CRF over the tags.

    Arguments:
        budget: how long `fit` may take, such as "10m"; None for as long as it is worth.
        steps: updates in place of the budget; equal steps, equal bits.
        hidden: units each way.
        layers: how many.
        seed: of everything random.

    Attributes:
        tags_: the tags, sorted; there after `fit` or `load`, as are the next three.
        vocabulary_: words and letters that are known.
        network_: scores tags and chains of them.
        most_frequent_: word → the tag that it had most often in training, which the LSTM has to
            beat; a word that is not there has `common_tag_`.
        scores_: on the sentences that chose the weights; None for a loaded tagger, or where none
            were held out.
        held_out_: those sentences.
        result_: the record of the training; None for a loaded tagger.

    Raises:
        ArgumentError: an argument is out of range.

    Example:
        >>> sentences = [Sentence(("the", "gate", "opens"), ("DET", "NOUN", "VERB"))] * 20
        >>> tagger = Tagger(steps=30).fit(sentences)
        >>> tagger.predict([("the", "gate")])[0].words
        ('the', 'gate')
    """

    KIND: ClassVar[str] = "tagger"
    """What a model folder of this class says it holds."""

    tags_: tuple[str, ...]
    vocabulary_: WordVocabulary
    network_: TaggerNetwork
    most_frequent_: dict[str, str]
    common_tag_: str

    def __init__(
        self,
        *,
        budget: str | float | None = "10m",
        steps: int | None = None,
        hidden: int = 128,
        layers: int = 1,
        seed: int = 0,
    ) -> None:
        if budget is not None:
            duration(budget)
        for name, value, most in (
            ("steps", 1 if steps is None else steps, 10_000_000),
            ("hidden", hidden, 8_192),
            ("layers", layers, 16),
        ):
            if type(value) is not int or not 1 <= value <= most:
                raise ArgumentError(f"{option(name, value)} must be from 1 to {most:,}.")
        self.budget = budget
        self.steps = steps
        self.hidden = hidden
        self.layers = layers
        self.seed = seed
        self.scores_: TagScores | None = None
        self.held_out_: tuple[Sentence, ...] = ()
        self.result_: SentenceResult | None = None

    def fit(
        self,
        sentences: str | Path | Sequence[Sentence | Sequence[str]],
        tags: Sequence[Sequence[str]] | None = None,
        *,
        validation: str | Path | Sequence[Sentence] | None = None,
        column: int | None = None,
        columns: SentenceColumns | None = None,
        encoding: str = "utf-8",
        checkpoints: str | Path | None = None,
        progress: Progress | None = None,
    ) -> Tagger:
        """Learn the tags of sentences.

        Arguments:
            sentences: tagged, or the path of a file (`read_sentences` says which); or words alone.
            tags: of sentences that are words alone, as scikit-learn gives them.
            validation: sentences by which the weights are chosen; None for a tenth of the others.
            column: of the tag in a file, counted from 1; None for the usual one.
            columns: names of a CSV's columns; None for `sentence`, `word` and `tag`.
            encoding: of the files.
            checkpoints: folder from which a training that was killed goes on; None for none.
            progress: is told of every update; None for a bar on a terminal.

        Returns:
            itself.

        Raises:
            TextError: a file cannot be read, or its tags break their own grammar; names the line.
            ArgumentError: there is one tag only, or a word has no tag.
        """
        clock = Budget.parse(None if self.steps else self.budget, start=time.monotonic())
        learnt, held_out = (
            read_sentences(given, column=column, columns=columns, encoding=encoding)
            if isinstance(given, str | Path)
            else given
            for given in (sentences, validation)
        )
        learnt = _tagged(learnt or (), tags)
        held_out = None if held_out is None else _tagged(held_out)
        check_tags([*learnt, *(held_out or [])])
        if held_out is None:
            learnt, held_out = _divided(learnt, self.seed)
        names = tuple(sorted({tag for one in (*learnt, *held_out) for tag in one.tags or ()}))
        if len(names) < 2:
            raise ArgumentError(f"Every word has the tag {names[0]!r}: there is nothing to learn.")
        vocabulary = WordVocabulary.counted([one.words for one in learnt])
        design = EncoderDesign(
            len(vocabulary.words) + 2,
            len(vocabulary.letters) + 2,
            hidden=self.hidden,
            layers=self.layers,
        )
        self.result_ = train_sentences(
            lambda: TaggingTask(design, vocabulary, names, learnt, held_out, BATCH, self.seed),
            SentenceSchedule(
                learning_rate=RATE, most_passes=MOST_PASSES, steps=self.steps, seed=self.seed
            ),
            budget=clock,
            identity=_identity(design, names, learnt, held_out, clock.seconds),
            progress=progress_for_terminal() if progress is None else progress,
            folder=None if checkpoints is None else Path(checkpoints),
        )
        network = self.result_.task.module.eval()
        assert isinstance(network, TaggerNetwork)
        self.tags_, self.vocabulary_, self.network_ = names, vocabulary, network
        self.most_frequent_, self.common_tag_ = _most_frequent(learnt)
        self.held_out_ = tuple(held_out)
        self.scores_ = self.evaluate(held_out) if held_out else None
        return self

    @staticmethod
    def clear_checkpoints(folder: str | Path) -> None:
        """Remove what a training that is done has left, and nothing that lies beside it."""
        run_directory.clear(Path(folder))

    def predict(self, sentences: Sequence[Sentence | Sequence[str]]) -> list[Sentence]:
        """The likeliest chain of tags of each sentence.

        Arguments:
            sentences: of words; tags that they have are not looked at.

        Raises:
            ArgumentError: not fitted, or a sentence has no word.
        """
        self._check_fitted()
        words = _words(sentences)
        predicted: list[Sentence] = [Sentence(one) for one in words]
        batches = SentenceBatches.of_words(self.vocabulary_, words, 64)
        for rows in batches.in_order():
            with torch.no_grad():
                numbers = self.network_.best(batches.tensors(rows)).numpy()
            for column, row in enumerate(rows.tolist()):
                chain = numbers[: len(words[row]), column].tolist()
                predicted[row] = Sentence(words[row], tuple(self.tags_[tag] for tag in chain))
        return predicted

    def evaluate(self, sentences: Sequence[Sentence]) -> TagScores:
        """Scores of tags and spans, beside the tags that words had most often in training.

        Raises:
            ArgumentError: not fitted, or a sentence has no tags.
        """
        self._check_fitted()
        if any(one.tags is None for one in sentences) or not sentences:
            raise ArgumentError("Scores need sentences with tags.")
        truth = [one.tags or () for one in sentences]
        predicted = [one.tags or () for one in self.predict(sentences)]
        usual = [
            tuple(self.most_frequent_.get(word, self.common_tag_) for word in one.words)
            for one in sentences
        ]
        return tag_scores(truth, predicted, usual, self.tags_)

    def score(
        self,
        sentences: Sequence[Sentence | Sequence[str]],
        tags: Sequence[Sequence[str]] | None = None,
    ) -> float:
        """The share of words whose tag is right.

        Arguments:
            sentences, tags: as `fit` takes them, but for files.

        Raises:
            ArgumentError: not fitted, or a word has no tag.
        """
        return self.evaluate(_tagged(sentences, tags)).accuracy

    def record(
        self, *, title: str = "Tagger", command: str = "", started: float | None = None
    ) -> TaggerRecord:
        """All that a report shows of the training, for `holdfast.reports.save`.

        Arguments:
            title: what it was trained on.
            command: that trained it; "" from Python.
            started: the reading of ``time.monotonic`` from which seconds count; None for those of
                the updates alone.

        Raises:
            ArgumentError: it was loaded, or there were too few sentences to hold some out.
        """
        if self.result_ is None or self.scores_ is None:
            raise ArgumentError("There is nothing to report: nothing was held out to score.")
        trained, predicted = self.result_.trained, self.predict(self.held_out_)
        return TaggerRecord(
            title=title,
            command=command,
            created=storage.local_time(),
            version=__version__,
            seed=self.seed,
            seconds=trained.seconds if started is None else time.monotonic() - started,
            learnt=len(self.result_.task.batches),
            held_out=len(self.held_out_),
            vocabulary=len(self.vocabulary_.words),
            parameters=sum(weight.numel() for weight in self.network_.parameters()),
            steps=trained.steps,
            scores=self.scores_,
            confused=_confused(self.held_out_, predicted),
            mistakes=_mistakes(self.held_out_, predicted),
        )

    def save(self, folder: str | Path) -> None:
        """Write a model folder, whole or not at all.

        Raises:
            ArgumentError: not fitted.
            InputError: the folder cannot be written, or holds something that is not ours.
        """
        self._check_fitted()
        manifest = {
            "design": self.network_.encoder.design.to_json(),
            "vocabulary": self.vocabulary_.to_json(),
            "tags": list(self.tags_),
            "most frequent": self.most_frequent_,
            "common tag": self.common_tag_,
        }
        storage.save(folder, self.KIND, manifest, arrays_of(self.network_))

    @classmethod
    def load(cls, folder: str | Path) -> Tagger:
        """A tagger from its folder, everything checked.

        Raises:
            ModelError: the folder is missing, corrupt, foreign or from a newer version.
        """
        manifest, arrays = storage.load(folder, cls.KIND)
        try:
            if set(manifest) != {
                "design", "vocabulary", "tags", "most frequent", "common tag",
            }:  # fmt: skip
                raise ValueError("it has missing or unknown fields")
            design = EncoderDesign.from_json(manifest["design"])
            vocabulary = WordVocabulary.from_json(manifest["vocabulary"])
            tags, usual = manifest["tags"], manifest["most frequent"]
            named = isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)
            if not named or len(set(tags)) < len(tags) or manifest["common tag"] not in tags:
                raise ValueError("its tags are damaged")
            if not isinstance(usual, dict) or not set(usual.values()) <= set(tags):
                raise ValueError("its most frequent tags are damaged")
            vocabulary.check(design.words, design.letters)
            names = tuple(tags)
            tagger = cls(hidden=design.hidden, layers=design.layers)
            tagger.network_ = network_from(lambda: TaggerNetwork(design, names), arrays)
            tagger.tags_, tagger.vocabulary_ = names, vocabulary
            tagger.most_frequent_, tagger.common_tag_ = usual, manifest["common tag"]
            return tagger
        except (InputError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            message = f"{folder} does not fit together ({str(error).rstrip('.')}); train it again."
            raise ModelError(message) from error

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is a network; scikit-learn's `check_is_fitted` asks."""
        return hasattr(self, "network_")

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise ArgumentError("The tagger is not fitted yet; call fit first.")


def _words(sentences: Sequence[Sentence | Sequence[str]]) -> list[tuple[str, ...]]:
    """The words of each sentence, at least one."""
    for place, sentence in enumerate(sentences):
        if isinstance(sentence, str):
            raise ArgumentError(
                f"Sentence {place + 1} is one text, {sentence[:40]!r}; give its words."
            )
    words = [one.words if isinstance(one, Sentence) else tuple(one) for one in sentences]
    for place, one in enumerate(words):
        if not one:
            raise ArgumentError(f"Sentence {place + 1} has no word.")
    return words


def _tagged(
    sentences: Sequence[Sentence | Sequence[str]], tags: Sequence[Sequence[str]] | None = None
) -> list[Sentence]:
    """Sentences with a tag for each word, at least one."""
    if tags is not None and len(tags) == len(sentences):
        sentences = [
            Sentence(words, tuple(one)) for words, one in zip(_words(sentences), tags, strict=True)
        ]
    checked = [one for one in sentences if isinstance(one, Sentence)]
    whole = all(one.words and len(one.tags or ()) == len(one.words) for one in checked)
    if not checked or not whole or len(checked) < len(sentences):
        raise ArgumentError("Give sentences of words with a tag for each, at least one.")
    return checked


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
    common = {word: count.most_common(1)[0][0] for word, count in counts.items()}
    return common, every.most_common(1)[0][0]


def _identity(
    design: EncoderDesign,
    tags: tuple[str, ...],
    learnt: Sequence[Sentence],
    held_out: Sequence[Sentence],
    seconds: float | None,
) -> str:
    """A hash of the sentences and of all options."""
    parts = [repr((design, tags, seconds))]
    for group in (learnt, held_out):
        parts += [*(repr((one.words, one.tags)) for one in group), "|"]
    return storage.digest(*parts)


def _confused(truth: Sequence[Sentence], predicted: Sequence[Sentence]) -> tuple[ConfusedTags, ...]:
    """The pairs of tags that were mixed up most often, and where."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for true, other in zip(truth, predicted, strict=True):
        for word, right, given in zip(true.words, true.tags or (), other.tags or (), strict=True):
            if right != given:
                found.setdefault((right, given), Counter())[word] += 1
    pairs = sorted(found.items(), key=lambda pair: (-pair[1].total(), pair[0]))[:PAIRS]
    return tuple(
        ConfusedTags(*tags, words.total(), tuple(word for word, _ in words.most_common(WORDS)))
        for tags, words in pairs
    )


def _mistakes(truth: Sequence[Sentence], predicted: Sequence[Sentence]) -> tuple[TaggedWords, ...]:
    """Some sentences that are not right, spread over all of them; of a long one a part."""
    wrong = []
    for true, other in zip(truth, predicted, strict=True):
        right, given = true.tags or (), other.tags or ()
        if right != given:
            first = next(place for place, tag in enumerate(right) if tag != given[place])
            begin = max(0, min(first - LONGEST // 3, len(true) - LONGEST))
            part = slice(begin, begin + LONGEST)
            wrong.append(TaggedWords(true.words[part], given[part], right[part]))
    return tuple(wrong[:: max(len(wrong) // SHOWN, 1)][:SHOWN])
