"""The tagger's network: states of words, a score for each tag, and a chain over them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from holdfast.language.tag.crf import Chain
from holdfast.language.tag.spans import allowed_moves, mark_spans
from holdfast.language.word_encoder import EncoderDesign, WordEncoder, WordTensors


class TaggerNetwork(nn.Module):
    """Scores every tag at every word, and every chain of tags.

    Arguments:
        design: of the encoder.
        tags: their names; where they mark spans, chains that break them are not allowed.
    """

    def __init__(self, design: EncoderDesign, tags: tuple[str, ...]) -> None:
        super().__init__()
        self.encoder = WordEncoder(design)
        self.score = nn.Linear(design.output, len(tags))
        moves = torch.from_numpy(allowed_moves(tags)) if mark_spans(tags) else None
        self.chain = Chain(len(tags), moves)

    def emissions(self, batch: WordTensors) -> Tensor:
        """(T, B, K) the score of each tag at each word."""
        scores: Tensor = self.score(self.encoder(batch))
        return scores

    def losses(self, batch: WordTensors, tags: Tensor) -> Tensor:
        """(B,) surprise of each sentence's tags (T, B) in nats a word."""
        chained: Tensor = self.chain.losses(self.emissions(batch), tags, batch.lengths)
        return chained / batch.lengths

    def best(self, batch: WordTensors) -> Tensor:
        """(T, B) the likeliest chain of tags."""
        return self.chain.best(self.emissions(batch), batch.lengths)
