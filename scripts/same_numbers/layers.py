"""Cases: layers, training, lens and export."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from entries import case
from names import (
    by_equations,
    convert,
    force_forget,
    from_keras,
    from_onnx,
    from_torch,
    inspect,
    kernel,
    layer,
    prescribe,
    sequence,
    to_onnx,
    train,
)  # fmt: skip
from normal import without_producer
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

COMMON: dict[str, dict[str, Any]] = {
    "one layer": {"num_layers": 1},
    "plain": {},
    "no bias": {"bias": False},
    "batch first": {"batch_first": True},
    "dropout": {"dropout": 0.3},
    "bidirectional": {"bidirectional": True},
    "torch start": {"init": "torch"},
    "timescale 50": {"timescale": 50},
    "layer norm": {"layer_norm": True},
    "recurrent dropout": {"recurrent_dropout": 0.4},
    "zoneout hidden": {"zoneout_hidden": 0.3},
    "weight drop": {"weight_drop": 0.4},
    "residual": {"residual": True},
    "dilation": {"dilation": (1, 3)},
    "recompute": {"recompute": 4},
    "together": {"layer_norm": True, "recurrent_dropout": 0.4, "zoneout_hidden": 0.3,
                 "weight_drop": 0.4, "residual": True, "dilation": (1, 3)},
}  # fmt: skip
OWN: dict[str, dict[str, dict[str, Any]]] = {
    "LSTM": {
        "projection": {"proj_size": 3},
        "peepholes": {"peepholes": True},
        "coupled": {"coupled": True},
        "cell clip": {"cell_clip": 0.5},
        "zoneout cell": {"zoneout_cell": 0.2},
        "own together": {"peepholes": True, "coupled": True, "cell_clip": 0.5,
                         "zoneout_cell": 0.2, **COMMON["together"]},
    },
    "GRU": {},
    "RNN": {"relu": {"nonlinearity": "relu"}},
    "SLSTM": {"heads": {"heads": 2}, "exponential": {"heads": 2, "forget_gate": "exponential"}},
}  # fmt: skip
STEPS, ROWS, INPUTS, UNITS = 13, 3, 5, 8
LENGTHS = [13, 4, 9]


def numbers(*shape: int, seed: int = 1, dtype: torch.dtype = torch.float32) -> Tensor:
    """Normal draws that depend on the seed alone."""
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).to(dtype)


def states(state: Any) -> tuple[Tensor, ...]:
    """A state as its parts."""
    return (state,) if isinstance(state, Tensor) else tuple(state)


def made_layer(cell: str, options: Mapping[str, Any], dtype: torch.dtype = torch.float32) -> Any:
    """A stack of two layers with weights of its own for every option."""
    torch.manual_seed(3)
    made = layer(cell, INPUTS, UNITS, **{"num_layers": 2, "dtype": dtype, **options})
    with torch.no_grad():
        for place, (name, weight) in enumerate(made.named_parameters()):
            if name.startswith(("weight_peephole", "norm_", "bias")):
                weight.add_(numbers(*weight.shape, seed=place, dtype=dtype) / 2)
    return made


def passed(made: Any, x: Any, state: Any = None, **given: Any) -> dict[str, Any]:
    """Output, final state, and the gradients of the input and all weights."""
    x = x if isinstance(x, PackedSequence) else x.clone().requires_grad_()
    torch.manual_seed(4)
    output, final = made(x, state, **given)
    result: dict[str, Any] = {"output": output}
    result |= {f"state{place}": part for place, part in enumerate(states(final))}
    flat = output.data if isinstance(output, PackedSequence) else output
    made.zero_grad()
    loss = (flat * numbers(*flat.shape, seed=2, dtype=flat.dtype)).sum()
    (loss + sum(part.square().sum() for part in states(final))).backward()
    weights = {name: weight.grad for name, weight in made.named_parameters()}
    slopes = weights if isinstance(x, PackedSequence) else {"x": x.grad, **weights}
    return result | {f"grad {name}": slope for name, slope in slopes.items() if slope is not None}


def evaluated(made: Any, x: Tensor) -> list[Tensor]:
    """Outputs in evaluation, of a sequence and of one that goes on from its end."""
    made.eval()
    with torch.no_grad():
        output, state = made(x)
        return [output, made(x, state)[0]]


@case
def layers() -> Iterator[tuple[str, Any]]:
    """Every cell with every option: starts, outputs, states and gradients in both precisions."""
    for cell, own in OWN.items():
        for name, options in (COMMON | own).items():
            for dtype in (torch.float32, torch.float64):
                at = f"{cell}/{name}/{str(dtype)[6:]}"
                made = made_layer(cell, options, dtype)
                x = numbers(STEPS, ROWS, INPUTS, dtype=dtype)
                x = x.transpose(0, 1) if "batch_first" in options else x
                yield f"{at}/train", partial(passed, made, x)
                yield f"{at}/eval", partial(evaluated, made, x)
            torch.manual_seed(5)
            drawn = layer(cell, INPUTS, UNITS, 2, **{k: v for k, v in options.items()
                                                     if k != "num_layers"})  # fmt: skip
            yield f"{cell}/{name}/start", drawn


@case
def layer_calls() -> Iterator[tuple[str, Any]]:
    """Other ways to call a layer: lengths, packed, unbatched, a step at a time, from inside."""
    x, one = numbers(STEPS, ROWS, INPUTS), numbers(STEPS, INPUTS)
    packed = pack_padded_sequence(x, torch.tensor(LENGTHS), enforce_sorted=False)
    for cell in OWN:
        made, both = made_layer(cell, {}), made_layer(cell, {"bidirectional": True})
        for name, chosen in (("one way", made), ("both ways", both)):
            yield f"{cell}/{name}/lengths", partial(passed, chosen, x, lengths=LENGTHS)
            yield f"{cell}/{name}/packed", partial(passed, chosen, packed)
            yield f"{cell}/{name}/unbatched", partial(passed, chosen, one)
            yield f"{cell}/{name}/trace", vars(chosen.trace(x))
            yield f"{cell}/{name}/trace lengths", vars(chosen.trace(x, lengths=LENGTHS))
        with by_equations():
            slow = passed(made, x)
        yield f"{cell}/equations", slow
        long = made_layer(cell, {"recompute_memory": 200_000})
        yield f"{cell}/recompute memory", partial(passed, long, numbers(400, 1, INPUTS))
        stream, outputs, state = made.stepper(ROWS), [], None
        for x_t in x:
            y, state = made.step(x_t, state)
            outputs.append(torch.stack([y, stream.step(x_t).clone()]))
        yield f"{cell}/step and stepper", torch.stack(outputs)
        yield f"{cell}/step state", list(states(state))
        yield f"{cell}/stepper state", list(states(stream.state))
        slope = torch.func.jacrev(lambda x_t, made=made: made.transition(x_t)[0])
        yield f"{cell}/transition slope", slope(x[0].double())
        weights = {name: weight.detach() for name, weight in made.named_parameters()}

        def loss(weights: Any, row: Tensor, made: Any = made) -> Tensor:
            return torch.func.functional_call(made, weights, (row,))[0].square().sum()

        per_row = torch.func.vmap(torch.func.grad(loss), (None, 1))
        yield f"{cell}/per-sample gradients", per_row(weights, x)
        yield f"{cell}/bfloat16", made_layer(cell, {}, torch.bfloat16)(x.bfloat16())[0]
        for size in ((30, 16, 24, 128), (3, 2, 3, 520), (200, 1, 4, 32)):
            torch.manual_seed(6)
            large = layer(cell, *size[2:])
            yield f"{cell}/{size}", lambda size=size, large=large: {
                name: value for name, value in passed(large, numbers(*size[:3])).items()
                if "weight" not in name
            }  # fmt: skip
            kernels = [kernel(large, *size[:2], training=way) for way in (True, False)]
            yield f"{cell}/{size}/kernels", kernels
        exported = torch.export.export(made.eval(), (x,)).module()
        yield f"{cell}/exported", exported(x)[0]
    for cell in ("LSTM", "GRU", "RNN"):
        torch.manual_seed(7)
        single = layer(f"{cell}Cell", INPUTS, UNITS)
        yield f"{cell}Cell/start", single
        yield f"{cell}Cell/output", list(states(single(x[0], single(x[1]))))
        theirs = getattr(nn, cell)(INPUTS, UNITS, 2, bidirectional=True)
        yield f"{cell}/from torch", from_torch(cell, theirs, weight_drop=0.5).eval()(x)[0]
        model = convert(nn.ModuleDict({"inside": theirs}))
        yield f"{cell}/converted", model["inside"](x)[0]


class Echo(nn.Module):
    """Says after a sequence what its first step was; also a task of the training loop."""

    def __init__(self, cell: str = "LSTM") -> None:
        super().__init__()
        self.memory = layer(cell, 1, 12, timescale=10)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(12, 1)

    @property
    def module(self) -> nn.Module:
        """What is trained."""
        return self

    def forward(self, x: Tensor) -> Tensor:
        """(T, B, 1) → (B,)."""
        said: Tensor = self.head(self.drop(self.memory(x)[0][-1]))[:, 0]
        return said

    def batch(self, step: int, seed: int) -> Tensor:
        """The sequences of an update."""
        return numbers(10, 16, 1, seed=1000 * seed + step)

    def losses(self, module: nn.Module, batch: Tensor) -> Tensor:
        """A loss for each row."""
        made: Tensor = (module(batch) - batch[0, :, 0]).square()
        return made

    def names(self, batch: Tensor, rows: Sequence[int]) -> list[str]:
        """Rows in words."""
        return [f"row {row}" for row in rows]

    def validate(self, module: nn.Module) -> float:
        """The loss on sequences that are not learnt."""
        return float(self.losses(module, self.batch(0, 9)).mean())


@case
def training() -> Iterator[tuple[str, Any]]:
    """Some updates of the loop: curve, validations and weights."""
    plans: dict[str, dict[str, Any]] = {
        "plain": {"steps": 40, "learning_rate": 1e-2},
        "validated": {"steps": 60, "learning_rate": 1e-2, "evaluate_every": 5, "patience": 4},
        "no average": {"steps": 20, "average": 0.0, "clip": None, "seed": 3},
    }
    for name, plan in plans.items():
        torch.manual_seed(1)
        task = Echo()
        yield f"{name}/run", train(task, **plan)
        yield f"{name}/weights", task


@case
def lens() -> Iterator[tuple[str, Any]]:
    """What untrained and trained layers remember, one sequence, forced gates."""
    x = numbers(24, 3, INPUTS)
    for cell in OWN:
        for name, options in {"plain": {}, "both ways": {"bidirectional": True}}.items():
            record = inspect(made_layer(cell, options), x)
            yield f"{cell}/{name}/table", record.table()
            yield f"{cell}/{name}/verdict", record.verdict()
            yield f"{cell}/{name}/record", record
            yield f"{cell}/{name}/advice", list(prescribe(record))
        yield f"{cell}/sequence", sequence(made_layer(cell, {}), x[:, :1], title="one")
    torch.manual_seed(1)
    task = Echo()
    first = {name: weight.clone() for name, weight in task.state_dict().items()}
    train(task, steps=30, learning_rate=1e-2)
    record = inspect(task, task.batch(1, 5), before=first, max_lag=5, seed=2)
    yield "model/record", record
    yield "model/table", record.table()
    for cell in ("LSTM", "GRU"):
        held = force_forget(made_layer(cell, {}), [0, 5], value=0.3, stacked=1)
        yield f"{cell}/forced", held
        yield f"{cell}/forced output", held(x)[0]


@case
def export() -> Iterator[tuple[str, Any]]:
    """ONNX out and in, Keras' weights in."""
    x = numbers(4, STEPS, INPUTS, dtype=torch.float64)
    for cell, gates in {"LSTM": 4, "GRU": 3, "RNN": 1}.items():
        variants: dict[str, dict[str, Any]] = {"plain": {}, "both ways": {"bidirectional": True}}
        variants |= {"peepholes": {"peepholes": True, "coupled": True}} if gates == 4 else {}
        for name, options in variants.items():
            content = to_onnx(made_layer(cell, options), initial_state=True, lengths=True)
            yield f"{cell}/{name}/onnx", without_producer(content)
            yield f"{cell}/{name}/read", from_onnx(content)[0]
        arrays = [numbers(*shape, seed=gates).numpy() for shape in
                  ((INPUTS, gates * UNITS), (UNITS, gates * UNITS))]  # fmt: skip
        shape = (2, gates * UNITS) if cell == "GRU" else (gates * UNITS,)
        arrays.append(numbers(*shape, seed=9).numpy())
        read = from_keras(arrays, cell)
        yield f"{cell}/keras/weights", read
        yield f"{cell}/keras/output", read(x.to(read.weight_ih_l0.dtype))[0]
        yield f"{cell}/keras/both ways", from_keras(arrays * 2, cell, bidirectional=True)
