"""A chain of tags: which may follow which, and the best of all chains."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Chain(nn.Module):
    """A linear-chain conditional random field over K tags.

    ```
    score(y | x) = Σ_t emission_t[y_t] + Σ_t transition[y_{t-1}, y_t] + first[y_1] + last[y_T]
    log p(y | x) = score(y | x) − log Σ_{y'} exp score(y' | x)
    ```

    Arguments:
        tags: K.
        allowed: (K + 1, K + 1) whether tag j may follow tag i; row K is the beginning and column K
            the end of a sentence. None for everything.

    Source: Lafferty, McCallum and Pereira (2001), "Conditional random fields"; over LSTM states:
    Huang, Xu and Yu (2015), arXiv 1508.01991; Lample et al. (2016), arXiv 1603.01360, equation 1.

    Example:
        >>> chain = Chain(3)
        >>> emissions = torch.randn(5, 2, 3)
        >>> lengths = torch.tensor([5, 3])
        >>> tags = chain.best(emissions, lengths)
        >>> loss = chain.losses(emissions, tags, lengths)
        >>> [len(row) for row in tags.T.tolist()], bool((loss >= 0).all())
        ([5, 5], True)
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
