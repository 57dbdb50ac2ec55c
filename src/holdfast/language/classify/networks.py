"""Networks of a classifier, how they read texts, and what the training loop is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.errors import ModelError
from holdfast.language.design import LanguageDesign
from holdfast.language.network import LanguageNetwork
from holdfast.language.sentence_training import SentenceBatch, SentenceBatches
from holdfast.language.tokenizer import Tokenizer
from holdfast.language.word_encoder import EncoderDesign, WordEncoder
from holdfast.language.words import LONGEST, WordBatch, WordVocabulary, cut_words, shortened
from holdfast.training.plan import LayerRate
from holdfast.training.seed import seeded, torch_seed

FASTER: Final = 1.6
"""How much faster each layer learns than the one below it. Howard and Ruder (2018, section 3.2)
take 2.6, for many more updates: with that, a rate of 0.002, and parts that waited for half of the
run, 600 updates from a small model, one network, were right for 65 % of held-out texts of SST-2;
with this, 0.010 and a fifth of the run, for 80 %."""

WAITING: Final = 5
"""Of the run at most one part in so many passes until every layer learns."""

DROPOUT: Final = 0.4
"""Share of the pooled states that is hidden in training."""

SMOOTHING: Final = 0.1
"""Of the labels, so that nothing is ever said to be certain (Szegedy et al. 2016)."""


@dataclass(frozen=True, eq=False)
class WordReader:
    """Reads words and their letters."""

    vocabulary: WordVocabulary

    def batches(self, texts: Sequence[str], size: int) -> SentenceBatches:
        """Batches of texts, each of at most `LONGEST` words."""
        cut = [shortened(cut_words(text)) for text in texts]
        return SentenceBatches.of_words(self.vocabulary, cut, size)

    def to_json(self) -> dict[str, object]:
        """The fields, ready for JSON."""
        return {"words": self.vocabulary.to_json()}


@dataclass(frozen=True, eq=False)
class TokenReader:
    """Reads what a language model reads."""

    tokenizer: Tokenizer

    def batches(self, texts: Sequence[str], size: int) -> SentenceBatches:
        """Batches of texts, each of at most `LONGEST` tokens."""
        return SentenceBatches.of_numbers([self.numbers(text) for text in texts], size)

    def numbers(self, text: str) -> NDArray[np.int64]:
        """(T,) at least one, at most `LONGEST`."""
        found = self.tokenizer.encode(text).astype(np.int64)
        if not len(found):
            found = self.tokenizer.encode("\n").astype(np.int64)
        if len(found) > LONGEST:
            found = np.concatenate([found[: LONGEST // 2], found[-(LONGEST // 2) :]])
        return found if len(found) else np.zeros(1, dtype=np.int64)

    def to_json(self) -> dict[str, object]:
        """The fields, ready for JSON."""
        return {"kind": self.tokenizer.kind, "tokens": self.tokenizer.to_json()}


Reader: TypeAlias = WordReader | TokenReader


def reader_from_json(described: object) -> Reader:
    """A reader from what `to_json` wrote; untrusted."""
    if isinstance(described, dict) and set(described) == {"words"}:
        return WordReader(WordVocabulary.from_json(described["words"]))
    if isinstance(described, dict) and set(described) == {"kind", "tokens"}:
        return TokenReader(Tokenizer.from_json(described["kind"], described["tokens"]))
    raise ModelError("its way of reading is damaged")


class ClassifierNetwork(nn.Module):
    """Scores every label of a text from the largest and the mean state of its words.

    Source: concatenated pooling as in Howard and Ruder (2018), arXiv 1801.06146, section 3.3, over
    the states of both directions.
    """

    def __init__(self, design: EncoderDesign, labels: int) -> None:
        super().__init__()
        self.encoder = WordEncoder(design)
        self.score = nn.Linear(2 * design.output, labels)

    def forward(self, batch: WordBatch) -> Tensor:
        """(B, K) the score of each label of each text."""
        pooled = torch.cat(_pooled(self.encoder(batch), batch.lengths), dim=-1)
        scores: Tensor = self.score(F.dropout(pooled, self.encoder.design.dropout, self.training))
        return scores


class FineTunedNetwork(nn.Module):
    """The layers of a language model, pooled over the text, and a score for each label.

    Source: Howard and Ruder (2018), "Universal language model fine-tuning for text classification",
    arXiv 1801.06146; concatenated pooling as in section 3.3.
    """

    def __init__(self, design: LanguageDesign, labels: int) -> None:
        super().__init__()
        self.design = design
        self.language = LanguageNetwork(design)
        self.language.head = nn.Identity()  # type: ignore[assignment]  # no token is predicted here
        self.score = nn.Linear(3 * design.output, labels)

    def forward(self, batch: WordBatch) -> Tensor:
        """(B, K) the score of each label of each text."""
        states, _ = self.language(batch.words)
        states = self.language.norm(states)
        # The language model reads forward: what is padded behind a text changes no state of it.
        largest, mean = _pooled(states, batch.lengths)
        last = states[batch.lengths - 1, torch.arange(states.shape[1])]
        pooled = torch.cat([last, largest, mean], dim=-1)
        scores: Tensor = self.score(F.dropout(pooled, DROPOUT, self.training))
        return scores


def _pooled(states: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """The largest and the mean state (B, H) of each text, of states (T, B, H)."""
    steps = torch.arange(len(states), device=states.device)[:, None]
    inside = (steps < lengths)[..., None]
    largest = states.masked_fill(~inside, -torch.inf).amax(dim=0)
    return largest, states.masked_fill(~inside, 0.0).sum(dim=0) / lengths[:, None]


def fine_tuned_from(network: LanguageNetwork, labels: int) -> FineTunedNetwork:
    """A network with the weights of a language model; the scores begin at random."""
    tuned = FineTunedNetwork(network.design, labels)
    names = tuned.language.state_dict()
    weights = {name: value for name, value in network.state_dict().items() if name in names}
    if set(weights) != set(names):
        raise ModelError("The language model has not the weights that its design asks for.")
    tuned.language.load_state_dict({name: value.clone() for name, value in weights.items()})
    return tuned


def layer_rates(layers: int, steps: int, a_pass: int) -> tuple[LayerRate, ...]:
    """The scores learn first; the layers follow from the last to the first, each more slowly.

    Each part waits for a pass over all texts after the part above it, and all of them for at most a
    fifth of the run.
    """
    wait = max(min(a_pass, steps // (WAITING * (layers + 1))), 1)
    rates = [LayerRate("language.norm", 1 / FASTER, wait + 1)]
    for depth in range(1, layers + 1):
        name = f"language.layers.{layers - depth}."
        rates.append(LayerRate(name, FASTER**-depth, depth * wait + 1))
    depth = layers + 1
    rates.append(LayerRate("language.embedding", FASTER**-depth, depth * wait + 1))
    return tuple(rates)


class ClassifyingTask:
    """Learning the labels of texts."""

    def __init__(
        self,
        make: Callable[[], nn.Module],
        reader: Reader,
        texts: Sequence[str],
        labels: NDArray[np.int64],
        held_texts: Sequence[str],
        held_labels: NDArray[np.int64],
        weights: NDArray[np.float64],
        size: int,
        seed: int,
    ) -> None:
        self._texts = texts
        self._labels = torch.from_numpy(labels)
        self._held_labels = torch.from_numpy(held_labels)
        self._weights = torch.from_numpy(weights.astype(np.float32))
        self.batches = reader.batches(texts, size)
        self._held = reader.batches(held_texts, size) if held_texts else None
        with seeded(torch_seed(seed, "initial weights"), torch.device("cpu")):
            self.module = make()

    def batch(self, step: int, seed: int) -> SentenceBatch:
        """The texts of update `step`."""
        return self.batches.at(step, seed)

    def losses(self, module: nn.Module, batch: SentenceBatch) -> Tensor:
        """(B,) surprise of each text's label in nats, times the label's weight."""
        labels = self._labels[torch.from_numpy(batch.rows)]
        surprise = F.cross_entropy(
            module(batch.words), labels, reduction="none", label_smoothing=SMOOTHING
        )
        return surprise * self._weights[labels]

    def names(self, batch: SentenceBatch, rows: Sequence[int]) -> Sequence[str]:
        """The beginnings of some texts."""
        return [f"the text {self._texts[batch.rows[row]][:40]!r}" for row in rows]

    def validate(self, module: nn.Module) -> float | None:
        """Mean surprise of the held-out labels in nats."""
        if self._held is None:
            return None
        total = 0.0
        for rows in self._held.in_order():
            scores = module(self._held.tensors(rows))
            labels = self._held_labels[torch.from_numpy(rows)]
            total += float(F.cross_entropy(scores, labels, reduction="sum"))
        return total / len(self._held_labels)
