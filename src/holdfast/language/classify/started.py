"""A classifier's network that starts from a language model."""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holdfast.errors import ModelError
from holdfast.language.design import LanguageDesign
from holdfast.language.model import LanguageNetwork
from holdfast.language.word_encoder import WordTensors
from holdfast.training.plan import LayerRate

FASTER: Final = 1.6
"""How much faster each layer learns than the one below it. Howard and Ruder (2018, section 3.2)
take 2.6, for many more updates: with that, a rate of 0.002, and parts that waited for half of the
run, 600 updates from a small model, one network, were right for 65 % of held-out texts of SST-2;
with this, 0.010 and a fifth of the run, for 80 %."""

WAITING: Final = 5
"""Of the run at most one part in so many passes until every layer learns."""

DROPOUT: Final = 0.4
"""Share of the pooled states that is hidden in training."""


class StartedNetwork(nn.Module):
    """The layers of a language model, pooled over the text, and a score for each label.

    Arguments:
        design: of the language model.
        labels: K.

    Source: Howard and Ruder (2018), "Universal language model fine-tuning for text classification",
    arXiv 1801.06146; concatenated pooling as in section 3.3.
    """

    def __init__(self, design: LanguageDesign, labels: int) -> None:
        super().__init__()
        self.design = design
        self.language = LanguageNetwork(design)
        self.language.head = nn.Identity()  # type: ignore[assignment]  # nothing is foretold here
        self.score = nn.Linear(3 * design.output, labels)

    def forward(self, batch: WordTensors) -> Tensor:
        """(B, K) the score of each label of each text."""
        states, _ = self.language(batch.words)
        states = self.language.norm(states)
        # The language model reads forward: what is padded behind a text changes no state of it.
        inside = (torch.arange(len(states), device=states.device)[:, None] < batch.lengths)[
            ..., None
        ]
        largest = states.masked_fill(~inside, -torch.inf).amax(dim=0)
        mean = states.masked_fill(~inside, 0.0).sum(dim=0) / batch.lengths[:, None]
        last = states[batch.lengths - 1, torch.arange(states.shape[1])]
        pooled = torch.cat([last, largest, mean], dim=-1)
        scores: Tensor = self.score(F.dropout(pooled, DROPOUT, self.training))
        return scores


def started_from(network: LanguageNetwork, labels: int) -> StartedNetwork:
    """A network with the weights of a language model; the scores begin at random.

    Arguments:
        network: the language model's; it is copied.
        labels: K.
    """
    rates = StartedNetwork(network.design, labels)
    own = rates.language.state_dict()
    theirs = {name: value for name, value in network.state_dict().items() if name in own}
    if set(theirs) != set(own):
        raise ModelError("The language model has not the weights that its design asks for.")
    rates.language.load_state_dict({name: value.clone() for name, value in theirs.items()})
    return rates


def layer_rates(layers: int, steps: int, a_pass: int) -> tuple[LayerRate, ...]:
    """The scores learn first; the layers follow from the last to the first, each more slowly.

    Arguments:
        layers: of the language model.
        steps: updates of the run.
        a_pass: updates of one pass over all texts; each part waits for one after the part above it,
            and all of them for at most a fifth of the run.

    Example:
        >>> [(r.prefix, round(r.factor, 2), r.first_step) for r in layer_rates(1, 900, 100)[1:]]
        [('language.layers.0.', 0.62, 91), ('language.embedding', 0.39, 181)]
    """
    wait = max(min(a_pass, steps // (WAITING * (layers + 1))), 1)
    rates = [LayerRate("language.norm", 1 / FASTER, wait + 1)]
    for depth in range(1, layers + 1):
        name = f"language.layers.{layers - depth}."
        rates.append(LayerRate(name, FASTER**-depth, depth * wait + 1))
    below = layers + 1
    rates.append(LayerRate("language.embedding", FASTER**-below, below * wait + 1))
    return tuple(rates)
