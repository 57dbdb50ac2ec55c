"""Looking into a model that runs: what it must offer, and inputs and outputs seen and replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar, runtime_checkable

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


@contextmanager
def input_seen(module: nn.Module) -> Iterator[list[Any]]:
    """Inside, every call of a module adds its first argument to the list."""
    seen: list[Any] = []

    def see(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        seen.append(args[0] if args else kwargs.get("input"))

    handle = module.register_forward_pre_hook(see, with_kwargs=True)
    try:
        yield seen
    finally:
        handle.remove()


@contextmanager
def input_replaced(module: nn.Module, x: Tensor | None) -> Iterator[None]:
    """Inside, a module reads `x` whatever it is called with; None leaves it as it is.

    Example:
        >>> import torch
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
        >>> with input_replaced(model[1], torch.zeros(5, 3)):
        ...     float(model(torch.ones(5, 2)).abs().sum())
        0.0
    """
    if x is None:
        yield
        return

    def replace(
        _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        others = {name: value for name, value in kwargs.items() if name != "input"}
        return (x, *args[1:]), others

    handle = module.register_forward_pre_hook(replace, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def output_seen(module: nn.Module) -> Iterator[list[Tensor]]:
    """Inside, every call of a module adds what it returns to the list."""
    seen: list[Tensor] = []
    handle = module.register_forward_hook(lambda _, __, output: seen.append(output))
    try:
        yield seen
    finally:
        handle.remove()


@contextmanager
def output_replaced(module: nn.Module, y: Tensor | None) -> Iterator[None]:
    """Inside, a module returns `y` whatever it makes; None leaves it as it is.

    Example:
        >>> import torch
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
        >>> with output_replaced(model[0], torch.zeros(5, 3)):
        ...     float(model(torch.ones(5, 2)).abs().sum())
        0.0
    """
    if y is None:
        yield
        return
    handle = module.register_forward_hook(lambda _, __, ___: y)
    try:
        yield
    finally:
        handle.remove()
