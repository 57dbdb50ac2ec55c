"""A softmax of which a part is scored: the whole one on average."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from holdfast.language.design import LanguageDesign
from holdfast.language.network import LanguageNetwork, sampled_losses


def test_the_estimated_sum_is_the_whole_one_on_average() -> None:
    random = torch.Generator().manual_seed(0)
    states, weight, bias = (
        torch.randn(size, generator=random, dtype=torch.float64)
        for size in ((3, 4), (40, 4), (40,))
    )
    targets = torch.tensor([0, 17, 39])
    logits = states @ weight.T + bias
    whole = logits.logsumexp(1)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        sums = torch.stack(
            [
                (
                    sampled_losses(states, targets, weight, bias, 12) + logits[range(3), targets]
                ).exp()
                for _ in range(4_000)
            ]
        )
    error = (sums.mean(0) - whole.exp()).abs() / (sums.std(0) / 4_000**0.5)
    assert (error < 4.0).all()  # standard errors of the mean
    assert (sums.std(0) > 0).all()


def test_a_network_is_trained_on_a_part_and_scored_on_the_whole() -> None:
    design = LanguageDesign(60, embedding=8, hidden=8, tied=True, sampled=10)
    with torch.random.fork_rng():
        torch.manual_seed(2)
        network = LanguageNetwork(design)
        ids = torch.randint(60, (7, 2))
        states, _ = network(ids)
        targets = torch.randint(60, (7, 2))
        trained = [network.losses(states, targets) for _ in range(2)]
    assert not torch.equal(trained[0], trained[1])
    network.eval()
    whole = F.cross_entropy(
        network.head(network.norm(states)).flatten(0, 1), targets.flatten(), reduction="none"
    )
    assert torch.allclose(network.losses(states, targets).flatten(), whole)
