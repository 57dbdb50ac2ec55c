"""The names of the members that are networks."""

from __future__ import annotations

from typing import Final

PRETRAINED: Final = "Pretrained"
"""The member that ships with Holdfast and has seen none of the user's series."""

ADAPTED: Final = "Adapted"
"""The same network after fine-tuning on the user's series."""

LSTM: Final = "LSTM"
"""The network that is trained on the user's series alone."""

PRETRAINED_X: Final = "PretrainedX"
"""The pretrained network around a regression on covariates; X as in ARIMAX."""

LSTM_X: Final = "LSTMX"
"""The network that is trained on the user's series alone and reads their covariates."""

NETWORKS: Final = (PRETRAINED, PRETRAINED_X, ADAPTED, LSTM, LSTM_X)
"""The members that are networks, in the order in which they are shown; all others are simple."""

TRAINED: Final = (LSTM_X, PRETRAINED_X, LSTM, ADAPTED)
"""The members that learn from the user's series, so that each must prove that it helps.

Those that read covariates first: they go where the others are as good without."""

WITH_COVARIATES: Final = (PRETRAINED_X, LSTM_X)
"""The members that read covariates; there are none where a table has none."""
