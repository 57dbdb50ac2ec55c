"""What flows into and out of a module, seen and replaced while a model runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


@contextmanager
def input_seen(module: nn.Module) -> Iterator[list[Any]]:
    """Inside, every call of a module adds its first argument to the list.

    Example:
        >>> import torch
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
        >>> with input_seen(model[1]) as seen:
        ...     _ = model(torch.zeros(5, 2))
        >>> seen[0].shape
        torch.Size([5, 3])
    """
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
