"""The network of a tagger: word encoder, scores of tags, and a linear-chain CRF over them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.language.sentence_training import SentenceBatch, SentenceBatches
from holdfast.language.tag.scores import allowed_moves, are_span_tags
from holdfast.language.tag.sentences import Sentence
from holdfast.language.word_encoder import EncoderDesign, WordEncoder
from holdfast.language.words import WordBatch, WordVocabulary, padded
from holdfast.training.seed import seeded, torch_seed


class Chain(nn.Module):
    """A linear-chain conditional random field over K tags.

        score(y | x) = Σ_t emission_t[y_t] + Σ_t transition[y_{t-1}, y_t] + first[y_1] + last[y_T]
        log p(y | x) = score(y | x) − log Σ_{y'} exp score(y' | x)

    `allowed` (K + 1, K + 1) says whether tag j may follow tag i; row K is the beginning and column
    K the end of a sentence. None for everything.

    Source: Lafferty, McCallum and Pereira (2001), "Conditional random fields"; over LSTM states:
    Huang, Xu and Yu (2015), arXiv 1508.01991; Lample et al. (2016), arXiv 1603.01360, equation 1.
    """

    allowed: Tensor

    def __init__(self, tags: int, allowed: Tensor | None = None) -> None:
        super().__init__()
        self.transition = nn.Parameter(torch.zeros(tags, tags))
        self.first = nn.Parameter(torch.zeros(tags))
        self.last = nn.Parameter(torch.zeros(tags))
        everything = torch.ones(tags + 1, tags + 1, dtype=torch.bool)
        self.register_buffer(
            "allowed", everything if allowed is None else allowed, persistent=False
        )

    def losses(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """(B,) −log p of tags (T, B) under emissions (T, B, K); lengths (B,) of the sentences."""
        return self._partition(emissions, lengths) - self._score(emissions, tags, lengths)

    def best(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """(T, B) the tags with the highest score (Viterbi); 0 beyond a sentence's end."""
        first, transition, last = self._scores()
        steps, batch, _ = emissions.shape
        score = first + emissions[0]
        back = []
        for step in range(1, steps):
            through = score[:, :, None] + transition
            best, origin = through.max(dim=1)
            inside = (lengths > step)[:, None]
            score = torch.where(inside, best + emissions[step], score)
            back.append(origin)
        tags = torch.zeros(steps, batch, dtype=torch.long, device=emissions.device)
        current = (score + last).argmax(dim=1)
        for step in range(steps - 1, -1, -1):
            inside = lengths > step
            tags[step] = torch.where(inside, current, 0)
            if step:
                before = back[step - 1].gather(1, current[:, None])[:, 0]
                current = torch.where(inside, before, current)
        return tags

    def marginals(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """(T, B, K) the probability of each tag at each word, over all chains."""
        with torch.enable_grad():
            given = emissions.detach().requires_grad_()
            total = self._partition(given, lengths).sum()
            # The derivative of the log partition by an emission is that tag's probability.
            (marginal,) = torch.autograd.grad(total, given)
        return marginal

    def _scores(self) -> tuple[Tensor, Tensor, Tensor]:
        """First, transition and last scores; −10⁴ for what is not allowed."""
        allowed = self.allowed
        barred = torch.tensor(-1e4, dtype=self.first.dtype, device=self.first.device)
        return (
            torch.where(allowed[-1, :-1], self.first, barred),
            torch.where(allowed[:-1, :-1], self.transition, barred),
            torch.where(allowed[:-1, -1], self.last, barred),
        )

    def _partition(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """(B,) log of the sum over all chains (forward algorithm)."""
        first, transition, last = self._scores()
        score = first + emissions[0]
        for step in range(1, len(emissions)):
            through = torch.logsumexp(score[:, :, None] + transition, dim=1) + emissions[step]
            score = torch.where((lengths > step)[:, None], through, score)
        return torch.logsumexp(score + last, dim=1)

    def _score(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """(B,) the score of one chain."""
        first, transition, last = self._scores()
        steps = torch.arange(len(emissions), device=emissions.device)[:, None]
        inside = steps < lengths
        emitted = emissions.gather(2, tags[:, :, None])[..., 0]
        total = torch.where(inside, emitted, 0.0).sum(dim=0) + first[tags[0]]
        moved = transition[tags[:-1], tags[1:]]
        total = total + torch.where(inside[1:], moved, 0.0).sum(dim=0)
        final = tags.gather(0, (lengths - 1)[None, :])[0]
        return total + last[final]


class TaggerNetwork(nn.Module):
    """Scores every tag at every word, and every chain of tags but those that break spans."""

    def __init__(self, design: EncoderDesign, tags: tuple[str, ...]) -> None:
        super().__init__()
        self.encoder = WordEncoder(design)
        self.score = nn.Linear(design.output, len(tags))
        moves = torch.from_numpy(allowed_moves(tags)) if are_span_tags(tags) else None
        self.chain = Chain(len(tags), moves)

    def emissions(self, batch: WordBatch) -> Tensor:
        """(T, B, K) the score of each tag at each word."""
        scores: Tensor = self.score(self.encoder(batch))
        return scores

    def losses(self, batch: WordBatch, tags: Tensor) -> Tensor:
        """(B,) surprise of each sentence's tags (T, B) in nats a word."""
        chained: Tensor = self.chain.losses(self.emissions(batch), tags, batch.lengths)
        return chained / batch.lengths

    def best(self, batch: WordBatch) -> Tensor:
        """(T, B) the likeliest chain of tags."""
        return self.chain.best(self.emissions(batch), batch.lengths)


class TaggingTask:
    """Learning the tags of sentences."""

    def __init__(
        self,
        design: EncoderDesign,
        vocabulary: WordVocabulary,
        tags: tuple[str, ...],
        sentences: Sequence[Sentence],
        held_out: Sequence[Sentence],
        size: int,
        seed: int,
    ) -> None:
        self._numbers = {tag: number for number, tag in enumerate(tags)}
        self._tags = [self._numbered(sentence) for sentence in sentences]
        self._held_tags = [self._numbered(sentence) for sentence in held_out]
        self._words = [one.words for one in sentences]
        self.batches = SentenceBatches.of_words(vocabulary, self._words, size)
        words = [one.words for one in held_out]
        self._held = SentenceBatches.of_words(vocabulary, words, size) if words else None
        with seeded(torch_seed(seed, "initial weights"), torch.device("cpu")):
            self.module = TaggerNetwork(design, tags)

    def batch(self, step: int, seed: int) -> SentenceBatch:
        """The sentences of update `step`."""
        return self.batches.at(step, seed)

    def losses(self, module: nn.Module, batch: SentenceBatch) -> Tensor:
        """(B,) nats a word of each sentence."""
        assert isinstance(module, TaggerNetwork)
        tags, _ = padded([self._tags[row] for row in batch.rows])
        return module.losses(batch.words, tags)

    def names(self, batch: SentenceBatch, rows: Sequence[int]) -> Sequence[str]:
        """The beginnings of some sentences."""
        chosen = [self._words[batch.rows[row]] for row in rows]
        return [f"the sentence {' '.join(words[:6])!r}" for words in chosen]

    def validate(self, module: nn.Module) -> float | None:
        """Share of held-out words whose tag is wrong."""
        assert isinstance(module, TaggerNetwork)
        if self._held is None:
            return None
        wrong = count = 0
        for rows in self._held.in_order():
            predicted = module.best(self._held.tensors(rows)).numpy()
            for column, row in enumerate(rows):
                truth = self._held_tags[row]
                wrong += int((predicted[: len(truth), column] != truth).sum())
                count += len(truth)
        return wrong / count

    def _numbered(self, sentence: Sentence) -> NDArray[np.int64]:
        assert sentence.tags is not None
        return np.array([self._numbers[tag] for tag in sentence.tags], dtype=np.int64)
