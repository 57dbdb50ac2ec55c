"""The classifier's network: states of words, pooled over the text, and a score for each label."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holdfast.language.word_encoder import EncoderDesign, WordEncoder, WordTensors


class ClassifierNetwork(nn.Module):
    """Scores every label of a text from the largest and the mean state of its words.

    Arguments:
        design: of the encoder.
        labels: K.

    Source: concatenated pooling as in Howard and Ruder (2018), arXiv 1801.06146, section 3.3, over
    the states of both directions.
    """

    def __init__(self, design: EncoderDesign, labels: int) -> None:
        super().__init__()
        self.encoder = WordEncoder(design)
        self.score = nn.Linear(2 * design.output, labels)

    def forward(self, batch: WordTensors) -> Tensor:
        """(B, K) the score of each label of each text."""
        states = self.encoder(batch)
        steps = torch.arange(len(states), device=states.device)[:, None]
        inside = (steps < batch.lengths)[..., None]
        largest = states.masked_fill(~inside, -torch.inf).amax(dim=0)
        # Beyond a text's end the states are zeros.
        mean = states.sum(dim=0) / batch.lengths[:, None]
        pooled = F.dropout(
            torch.cat([largest, mean], dim=-1), self.encoder.design.dropout, self.training
        )
        scores: Tensor = self.score(pooled)
        return scores
