"""What a model must offer so that the lens can look inside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar, runtime_checkable

from torch import Tensor, nn

Examples = TypeVar("Examples", contravariant=True)


@runtime_checkable
class Inspectable(Protocol[Examples]):
    """A model whose memory can be measured without knowing what it models.

    A forecaster's network and a language model's offer this protocol alike, so the lens knows of
    neither. `Examples` is what the model is fed: series and a cut-off, or text.

    Example:
        >>> import torch
        >>> class Copier(nn.Module):
        ...     def encode(self, examples: Tensor) -> Tensor:
        ...         return examples
        ...     def recurrent_layers(self) -> dict[str, nn.Module]:
        ...         return {}
        ...     def loss_by_position(self, examples: Tensor) -> Tensor:
        ...         return torch.zeros(examples.shape[:2])
        >>> isinstance(Copier(), Inspectable)
        True
    """

    def encode(self, examples: Examples) -> Tensor:
        """The sequence as the first recurrent layer reads it, (T, B, I), differentiable."""
        ...

    def recurrent_layers(self) -> Mapping[str, nn.Module]:
        """The recurrent layers by name, in the order in which the sequence passes them."""
        ...

    def loss_by_position(self, examples: Examples) -> Tensor:
        """(T, B) the loss at every position, NaN where nothing is predicted, differentiable."""
        ...
