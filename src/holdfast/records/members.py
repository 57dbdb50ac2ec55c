"""The names of the members that are networks."""

from __future__ import annotations

from typing import Final

PRETRAINED: Final = "Pretrained"
"""The member that ships with Holdfast and has seen none of the user's series."""

ADAPTED: Final = "Adapted"
"""The same network after fine-tuning on the user's series."""

LSTM: Final = "LSTM"
"""The network that is trained on the user's series alone."""

NETWORKS: Final = (PRETRAINED, ADAPTED, LSTM)
"""The members that are networks, in the order in which they are shown; all others are simple."""

TRAINED: Final = (LSTM, ADAPTED)
"""The members that learn from the user's series, so that each must prove that it helps."""
