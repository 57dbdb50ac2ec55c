"""How much of a cell survives 100 steps, untrained: torch's start, and one that remembers."""

from __future__ import annotations

import torch

from holdfast.nn import LSTM

STEPS, LAG = 300, 100
torch.manual_seed(0)
x = torch.randn(STEPS, 16, 8)

for name, layer in {
    "torch's start": LSTM(8, 128, init="torch"),
    "remember": LSTM(8, 128, timescale=1000),
}.items():
    h = c = torch.zeros(16, 128)
    gates = []
    for x_t in x:
        a = torch.addmm(layer.bias_ih_l0 + layer.bias_hh_l0, x_t, layer.weight_ih_l0.T)
        i, f, g, o = (a + h @ layer.weight_hh_l0.T).chunk(4, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        gates.append(f.sigmoid().log())
    path = torch.stack(gates).unfold(0, LAG, 1).sum(-1).exp()  # ∏ f over every stretch of 100
    print(f"{name:<14} median unit keeps {path.median():.1e} of its cell over {LAG} steps")
