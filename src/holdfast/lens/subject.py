"""A model taken apart for the lens, and left as it was: everything happens to a copy."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from holdfast.errors import ArgumentError
from holdfast.nn.convert import convert
from holdfast.nn.inspectable import Inspectable, input_replaced, input_seen
from holdfast.nn.recurrent import Recurrent

_THEIRS: Final = (nn.LSTM, nn.GRU, nn.RNN)


@dataclass(frozen=True, eq=False)
class ReadLayer:
    """A recurrent layer, copied in float64 and evaluation, and what it read, (T, B, I)."""

    name: str
    recurrent: Recurrent
    x: Tensor


@dataclass(frozen=True, eq=False)
class Subject:
    """A copy of a model that can be measured.

    Arguments:
        layers: in the order in which a sequence passes them.
        encoded: (T, B, I) float64, the sequence that memory is about.
        output: `encoded` or something in its place → (B, O), the output after the last step.
        losses: the same → (T, B), NaN where nothing is predicted; None where there is no loss.
    """

    layers: tuple[ReadLayer, ...]
    encoded: Tensor
    output: Callable[[Tensor], Tensor] | None
    losses: Callable[[Tensor], Tensor] | None
    loss_unit: str
    description: tuple[tuple[str, str], ...]


def take_apart(model: nn.Module, x: Any) -> Subject:
    """Copy a model, run the copy once, and keep what each recurrent layer read.

    Model and x are as in `inspect`.

    Raises:
        ArgumentError: it has no recurrent layer, a weight or an input is not finite, there is one
            step only, or the inputs do not vary.
    """
    if not isinstance(model, nn.Module):
        raise ArgumentError(
            f"There is nothing to inspect in a {type(model).__name__}; give a torch module."
        )
    check_weights(model)
    if isinstance(model, Recurrent | nn.LSTM | nn.GRU | nn.RNN):
        _check_layer_input(model, x)
    whole = _copied(model)
    with torch.inference_mode(False), torch.random.fork_rng(devices=[]):
        if isinstance(whole, Inspectable):
            subject = _inspectable(whole, _in_double(x))
        else:
            subject = _module(whole, _in_double(x))
    _check_inputs(subject.encoded)
    for layer in subject.layers:
        _check_inputs(layer.x)
    return subject


def check_weights(model: nn.Module) -> None:
    """Refuse a model with a weight that is no number; the ArgumentError names it."""
    for name, weight in [*model.named_parameters(), *model.named_buffers()]:
        if weight.is_floating_point() and not bool(torch.isfinite(weight).all()):
            wrong = int((~torch.isfinite(weight)).sum())
            raise ArgumentError(
                f"{wrong:,} of the {weight.numel():,} values of {name!r} are not finite: the model "
                "is broken; take the weights of an earlier checkpoint, and train with clipping."
            )


def _copied(model: nn.Module) -> nn.Module:
    """The model in float64 on the CPU, in evaluation, with our layers in place of torch's."""
    try:
        with torch.inference_mode(False):
            copied = copy.deepcopy(model)
    except RuntimeError as error:
        raise ArgumentError(
            f"The model cannot be copied, and only a copy is inspected ({error}); give one whose "
            "weights are parameters."
        ) from error
    copied = copied.to("cpu").double().eval()
    for module in list(copied.modules()):
        if isinstance(module, (Recurrent, *_THEIRS)) and is_parametrized(module):
            # The class was made for this one layer, and a copy shares it: taking the
            # parametrisation off it would break the model that is to stay as it was.
            kind = type(module)
            module.__class__ = type(kind.__name__, kind.__bases__, dict(vars(kind)))
            names = list(cast(Mapping[str, nn.Module], module.parametrizations))
            for name in names:
                remove_parametrizations(module, name)
    for parameter in copied.parameters():
        parameter.requires_grad_(False)
        parameter.grad = None
    return convert(copied)


def _inspectable(model: nn.Module, examples: Any) -> Subject:
    offered = cast(Inspectable[Any], model)
    layers = dict(offered.recurrent_layers())
    if not layers:
        raise _nothing_recurrent(model)
    with torch.no_grad():
        encoded = offered.encode(examples)
        read = _read(layers, _calls(layers, lambda: offered.loss_by_position(examples)))
    return Subject(
        layers=read,
        encoded=encoded,
        output=None,
        losses=lambda sequence: offered.loss_by_position(examples, sequence),
        loss_unit=offered.loss_unit,
        description=_description(model, read),
    )


def _module(model: nn.Module, x: Any) -> Subject:
    layers = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, (Recurrent, *_THEIRS))
    }
    if not layers:
        raise _nothing_recurrent(model)
    arguments = x if type(x) is tuple else (x,)
    with torch.no_grad():
        calls = _calls(layers, lambda: model(*arguments))
    read = _read(layers, calls)
    first, called = layers[read[0].name], calls[read[0].name]
    steps, batch, _ = read[0].x.shape

    def output(sequence: Tensor) -> Tensor:
        with input_replaced(first, _as_called(first, sequence, called.dim())):
            returned = _first_tensor(model(*arguments))
        return _last(returned, steps, batch, first=bool(getattr(first, "batch_first", False)))

    return Subject(
        layers=read,
        encoded=read[0].x,
        output=None if isinstance(called, PackedSequence) else output,
        losses=None,
        loss_unit="",
        description=_description(model, read),
    )


def _calls(layers: Mapping[str, nn.Module], run: Callable[[], object]) -> dict[str, Any]:
    """What each layer that ran was called with first."""
    with ExitStack() as stack:
        seen = {name: stack.enter_context(input_seen(layer)) for name, layer in layers.items()}
        run()
    return {name: calls[0] for name, calls in seen.items() if calls}


def _read(layers: Mapping[str, nn.Module], calls: Mapping[str, Any]) -> tuple[ReadLayer, ...]:
    """The layers that ran, in the order of `layers`, with what each read."""
    if not calls:
        raise ArgumentError(
            "None of the recurrent layers ran on x; give inputs that pass through them."
        )
    return tuple(
        ReadLayer(name, _ours(layers[name]), _sequence(name, layers[name], x).detach().double())
        for name, x in calls.items()
    )


def _sequence(name: str, layer: nn.Module, x: Any) -> Tensor:
    """(T, B, I) from what a layer was called with."""
    if isinstance(x, PackedSequence):
        padded, lengths = pad_packed_sequence(x)
        if int(lengths.min()) < int(lengths.max()):
            raise ArgumentError(
                f"The layer {name!r} reads sequences of {int(lengths.min())} to "
                f"{int(lengths.max())} steps; give sequences of one length, since lags are counted "
                "in steps."
            )
        return padded
    assert isinstance(x, Tensor)
    if x.dim() == 2:
        return x.unsqueeze(1)
    return x.transpose(0, 1) if getattr(layer, "batch_first", False) else x


def _as_called(layer: nn.Module, sequence: Tensor, dimensions: int) -> Tensor:
    """(T, B, I) as a layer is called with it."""
    if dimensions == 2:
        return sequence.squeeze(1)
    return sequence.transpose(0, 1) if getattr(layer, "batch_first", False) else sequence


def _ours(layer: nn.Module) -> Recurrent:
    """A layer of ours with the same weights, also in place of a subclass of torch's."""
    if isinstance(layer, Recurrent):
        return layer
    plain = copy.copy(layer)
    for torch_kind in _THEIRS:
        if isinstance(layer, torch_kind):
            plain.__class__ = torch_kind
    converted = convert(plain)
    if not isinstance(converted, Recurrent):
        raise ArgumentError(
            f"A {type(layer).__name__} cannot be inspected; the lens knows LSTM, GRU, RNN and "
            "sLSTM."
        )
    return converted


def _first_tensor(output: Any) -> Tensor:
    """The output among what a model returns."""
    if isinstance(output, PackedSequence):
        return pad_packed_sequence(output)[0]
    if isinstance(output, Tensor):
        return output
    values: Iterable[Any] = output.values() if isinstance(output, Mapping) else output
    for value in values:
        if isinstance(value, Tensor) and value.is_floating_point():
            return value
    raise ArgumentError("The model returns no tensor of numbers, so nothing rests on its inputs.")


def _last(output: Tensor, steps: int, batch: int, *, first: bool) -> Tensor:
    """(B, O) what a model returned after the last step, or in all where it has no steps."""
    if not first and output.shape[:2] == (steps, batch):
        return output[-1].reshape(batch, -1)
    if output.shape[:2] == (batch, steps):
        return output[:, -1].reshape(batch, -1)
    if batch == 1 and output.shape[:1] == (steps,):
        return output[-1].reshape(1, -1)
    if output.shape[:1] == (batch,):
        return output.reshape(batch, -1)
    return output.reshape(1, -1)


def _check_layer_input(layer: Recurrent | nn.LSTM | nn.GRU | nn.RNN, x: Any) -> None:
    """Refuse what a layer cannot read."""
    given = x[0] if type(x) is tuple and x else x
    if isinstance(given, PackedSequence):
        return
    what = f"a {type(layer).__name__} takes a tensor of numbers (T, B, {layer.input_size})"
    if not isinstance(given, Tensor):
        raise ArgumentError(f"x is a {type(given).__name__}; {what}, as torch.from_numpy gives.")
    if given.dim() not in (2, 3) or given.shape[-1] != layer.input_size:
        raise ArgumentError(f"x has shape {tuple(given.shape)}; {what}.")
    if not given.is_floating_point():
        raise ArgumentError(f"x holds {given.dtype}; {what}: x.double().")
    if not given.numel():
        raise ArgumentError(f"x has shape {tuple(given.shape)}, so it is empty; {what}.")


def _in_double(x: Any) -> Any:
    """Numbers in float64 on the CPU, whatever holds them; token numbers stay as they are."""
    if isinstance(x, Tensor):
        x = x.detach().cpu()
        return x.clone().double() if x.is_floating_point() else x
    if isinstance(x, PackedSequence):
        return x.cpu().double()
    if type(x) in (tuple, list):
        return type(x)(_in_double(part) for part in x)
    return x


def _check_inputs(x: Tensor) -> None:
    if x.shape[0] < 2:
        raise ArgumentError(
            "x has one step, and memory shows over steps; give sequences of at least 2."
        )
    if not bool(torch.isfinite(x).all()):
        raise ArgumentError(
            "x holds values that are not finite where the recurrent layers read it; fill or leave "
            "out what is missing."
        )
    if bool((x == x[:1, :1]).all()):
        raise ArgumentError(
            "x is the same at every step of every sequence, so nothing in it could be remembered; "
            "give sequences that vary, for example torch.randn(T, B, I)."
        )


def _nothing_recurrent(model: nn.Module) -> ArgumentError:
    return ArgumentError(
        f"The {type(model).__name__} has no recurrent layer; the lens looks into LSTM, GRU, RNN "
        "and sLSTM of torch.nn and holdfast.nn (cells that a loop of your own steps are not seen)."
    )


def _description(model: nn.Module, read: tuple[ReadLayer, ...]) -> tuple[tuple[str, str], ...]:
    stacks = ", ".join(_words(layer.recurrent) for layer in read)
    weights = sum(weight.numel() for weight in model.parameters())
    return (
        ("model", type(model).__name__),
        ("recurrent", stacks),
        ("weights", f"{weights:,}"),
    )


def _words(layer: Recurrent) -> str:
    depth = f"{layer.num_layers} × " if layer.num_layers > 1 else ""
    both = ", both ways" if layer.bidirectional else ""
    return f"{depth}{type(layer).__name__} of {layer.hidden_size} units{both}"
