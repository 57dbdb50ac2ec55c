"""One text or sentence as a model of language reads it, for the lens to look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from holdfast.errors import TextError
from holdfast.language.classify.stored import StoredClassifier
from holdfast.language.inspected import (
    InspectedClassifier,
    InspectedTagger,
    inspected_language,
)
from holdfast.language.language_model import LanguageModel
from holdfast.language.tag.tagger import Tagger
from holdfast.language.word_encoder import WordTensors
from holdfast.language.words import WordVocabulary, batched, cut_words
from holdfast.records import SequenceLabels

LONGEST: Final = 2_000
"""Tokens of a text at most: what a page shows of it."""


def language_sequence(model: LanguageModel, text: str) -> tuple[nn.Module, Tensor, SequenceLabels]:
    """A text, and what a language model expects behind it.

    Arguments:
        model: which reads it.
        text: of two tokens at least.

    Returns:
        What implements `holdfast.nn.Inspectable`, its examples: the tokens and behind them the
        likeliest next one, whose logarithmic probability is what the lens attributes, and what
        the steps are called.

    Raises:
        TextError: the text has one token, or too many.
    """
    ids = np.asarray(model.tokens.encode(text), dtype=np.int64)
    _check_length(len(ids), "token")
    read = torch.from_numpy(ids)[:, None]
    with torch.no_grad():
        states, _ = model.network(read)
        chances = model.network.log_probabilities(states[-1])[0]
    best = int(chances.argmax())
    labels = [model.tokens.decode([int(number)]) for number in ids]
    said = f"{model.tokens.decode([best])!r} ({float(chances[best].exp()):.0%}), the likeliest next"
    words = SequenceLabels(
        labels=tuple(labels),
        output=f"the logarithmic probability of {said}",
        title="What a language model expects, and why",
    )
    examples = torch.cat([read, torch.tensor([[best]])])
    return inspected_language(model), examples, words


def classifier_sequence(
    kept: StoredClassifier, text: str
) -> tuple[nn.Module, tuple[WordTensors, Tensor], SequenceLabels]:
    """A text, and the label that a classifier gives it, as its first network sees it.

    Raises:
        TextError: the text has one word, or too many.
    """
    cut = cut_words(text)
    batch = _words(kept.vocabulary, cut)
    network = kept.networks[0].eval()
    chances = kept.chances([text])[0]
    best = int(chances.argmax())
    with torch.no_grad():
        own = float(torch.softmax(network(batch).double(), dim=-1)[0, best])
    said = f"the logarithmic probability of the label {kept.labels[best]!r}"
    if len(kept.networks) > 1 or kept.bag is not None:
        said += (
            f" ({chances[best]:.0%}) in the first network of {len(kept.networks)} "
            f"({own:.0%} before calibration)"
        )
    words = SequenceLabels(
        labels=_spaced(cut),
        output=said,
        title=f"Why a classifier says {kept.labels[best]!r}",
    )
    return InspectedClassifier(network), (batch, torch.tensor([best])), words


def tagger_sequence(
    tagger: Tagger, text: str
) -> tuple[nn.Module, tuple[WordTensors, Tensor], SequenceLabels]:
    """A sentence, words between blanks, and the tag of its last word that is tagged.

    That is the last word whose tag is not "O"; where all are, the last word.

    Raises:
        TextError: the sentence has one word, or too many.
    """
    cut = text.split()
    batch = _words(tagger.vocabulary, cut)
    (found,) = tagger.predict([cut])
    assert found.tags is not None
    marked = [place for place, tag in enumerate(found.tags) if tag != "O"]
    at = marked[-1] if marked else len(cut) - 1
    words = SequenceLabels(
        labels=_spaced(cut),
        at=at,
        output=f"the logarithmic probability of the tag {found.tags[at]!r} of {cut[at]!r}",
        title=f"Why a tagger says {found.tags[at]!r} at {cut[at]!r}",
    )
    numbers = torch.tensor([[tagger.tags.index(tag)] for tag in found.tags])
    return InspectedTagger(tagger.network), (batch, numbers), words


def _words(vocabulary: WordVocabulary, cut: Sequence[str]) -> WordTensors:
    _check_length(len(cut), "word")
    return WordTensors.of(batched(vocabulary, [list(cut)]))


def _check_length(count: int, what: str) -> None:
    if count < 2:
        raise TextError(
            f"--sequence: the text has {count} {what}s; give at least 2, since memory shows over "
            "steps."
        )
    if count > LONGEST:
        raise TextError(
            f"--sequence: the text has {count:,} {what}s; give at most {LONGEST:,} of them."
        )


def _spaced(words: Sequence[str]) -> tuple[str, ...]:
    """As the words of a text, so that they do not run together."""
    return tuple(word if place == 0 else f" {word}" for place, word in enumerate(words))
