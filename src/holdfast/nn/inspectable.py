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
    neither. `Examples` is what the model is fed: series and a cut-off, or text. Only modules are
    inspected, since a copy in float64 is; their methods shall follow their weights' dtype.

    Example:
        >>> import torch
        >>> class Copier(nn.Module):
        ...     loss_unit = "squared error"
        ...     def encode(self, examples: Tensor) -> Tensor:
        ...         return examples
        ...     def recurrent_layers(self) -> dict[str, nn.Module]:
        ...         return {}
        ...     def loss_by_position(self, examples, encoded=None) -> Tensor:
        ...         read = examples if encoded is None else encoded
        ...         return (read - examples).square().mean(dim=-1)
        >>> isinstance(Copier(), Inspectable)
        True
    """

    @property
    def loss_unit(self) -> str:
        """What the loss is counted in, such as "nats a character"."""
        ...

    def encode(self, examples: Examples) -> Tensor:
        """The sequence that memory is about, (T, B, I), differentiable.

        Whatever a position's loss knows of earlier ones reaches it through this sequence and the
        recurrent layers: mostly the sequence as the first of them reads it.
        """
        ...

    def recurrent_layers(self) -> Mapping[str, nn.Module]:
        """The recurrent layers by name, in the order in which the sequence passes them."""
        ...

    def loss_by_position(self, examples: Examples, encoded: Tensor | None = None) -> Tensor:
        """(T, B) the loss at every position, NaN where nothing is predicted, differentiable.

        Arguments:
            examples: as in `encode`.
            encoded: (T, B, I) read in place of what `encode` makes of the examples, which still
                say what is to be predicted; None for that.
        """
        ...
