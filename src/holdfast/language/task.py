"""What the training loop is given to learn: windows of a text, read by a state that is carried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from holdfast.language.corpus import Corpus, Stored
from holdfast.language.design import LanguageDesign
from holdfast.language.evaluate import mean_loss
from holdfast.language.model import LanguageNetwork, States
from holdfast.training.seed import generator, seeded, torch_seed

WATCHED = 65_536
"""Tokens of the validation text on which training is watched; all of them count in the end."""


SCORES = 1 << 29
"""Scores of tokens in a validation, where the softmax is sampled in training."""


class CarriedNetwork(nn.Module):
    """A network and the state in which the last window left it.

    The state is a buffer, so that a checkpoint holds it and a resumed run goes on exactly.

    Arguments:
        design: the network's sizes.
    """

    def __init__(self, design: LanguageDesign) -> None:
        super().__init__()
        self.network = LanguageNetwork(design)
        for place, (_, units) in enumerate(design.sizes()):
            for part in "hc":
                self.register_buffer(f"{part}{place}", torch.zeros(1, design.batch, units))

    @property
    def states(self) -> States:
        """h and c of each layer."""
        places = range(len(self.network.layers))
        return tuple((getattr(self, f"h{place}"), getattr(self, f"c{place}")) for place in places)

    def keep(self, states: States) -> None:
        """Carry these states to the next window; no gradient goes back through them."""
        for mine, after in zip(self.states, states, strict=True):
            for buffer, part in zip(mine, after, strict=True):
                buffer.copy_(part.detach())

    def begin(self) -> None:
        """Forget what was read."""
        for state in self.states:
            for buffer in state:
                buffer.zero_()


@dataclass(frozen=True, eq=False)
class TextBatch:
    """What one update reads.

    Arguments:
        ids: (T, B) tokens.
        targets: (T, B) those that follow.
        first: whether the streams begin here.
    """

    ids: Tensor
    targets: Tensor
    first: bool


class LanguageTask:
    """Learning to predict the next token of a text.

    The text is divided into B streams of equal length, which are read side by side, window after
    window, the state carried from each to the next. Windows of later passes begin elsewhere, so
    that gradients are not always cut at the same places.

    Arguments:
        design: the network's sizes.
        corpus: the text.
        seed: of the initial weights.
    """

    def __init__(self, design: LanguageDesign, corpus: Corpus, seed: int) -> None:
        self.design = design
        self.corpus = corpus
        streams = corpus.training
        self._length = len(streams) // design.batch
        self._begins = np.arange(design.batch) * self._length
        window = min(design.window, self._length - 1)
        # One window is left to shift the borders by.
        self._window = window
        self.windows = max((self._length - 1) // window - 1, 1)
        with seeded(torch_seed(seed, "initial weights"), torch.device("cpu")):
            self._module = CarriedNetwork(design)

    @property
    def module(self) -> CarriedNetwork:
        """The network in training."""
        return self._module

    def batch(self, step: int, seed: int) -> TextBatch:
        """The windows of update `step`."""
        epoch, place = divmod(step - 1, self.windows)
        room = self._length - self.windows * self._window
        shift = int(generator(seed, "shift", epoch).integers(room)) if room > 1 else 0
        begin = shift + place * self._window
        columns = self._begins[:, None] + begin + np.arange(self._window + 1)
        ids = torch.from_numpy(self._taken(columns).T.astype(np.int64))
        return TextBatch(ids[:-1].contiguous(), ids[1:].contiguous(), place == 0)

    def losses(self, module: nn.Module, batch: TextBatch) -> Tensor:
        """(B,) mean surprise of each stream's window in nats, and what its activations cost."""
        assert isinstance(module, CarriedNetwork)
        if batch.first:
            module.begin()
        network, design = module.network, self.design
        # Copies: the buffers change before the gradient is worked out.
        before = tuple((h.clone(), c.clone()) for h, c in module.states)
        states, after = network(batch.ids, before)
        module.keep(after)
        losses = network.losses(states, batch.targets).mean(dim=0)
        if network.training and design.activation_penalty:
            losses = losses + design.activation_penalty * states.square().mean(dim=(0, 2))
        if network.training and design.temporal_penalty and len(states) > 1:
            change = (states[1:] - states[:-1]).square().mean(dim=(0, 2))
            losses = losses + design.temporal_penalty * change
        return losses

    def names(self, batch: TextBatch, rows: Sequence[int]) -> Sequence[str]:
        """Where in the text some streams are."""
        del batch
        return [f"the text from token {self._begins[row]:,} on" for row in rows]

    def validate(self, module: nn.Module) -> float | None:
        """Mean surprise on the beginning of the validation text, in nats a token."""
        assert isinstance(module, CarriedNetwork)
        watched = WATCHED
        if self.design.sampled:  # where scoring the whole vocabulary is what costs
            watched = min(watched, max(SCORES // self.design.vocabulary, 1_000))
        return mean_loss(module.network, self.corpus.validation[: watched + 1])

    def _taken(self, places: np.ndarray) -> Stored:
        taken: Stored = self.corpus.training[places]
        return taken
