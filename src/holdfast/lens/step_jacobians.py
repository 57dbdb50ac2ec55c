"""∂(state after a step) / ∂(state before it), by hand from the equations of each cell.

A cell meets its old h through matrices, and everything else unit by unit, so all of a step's
Jacobian but the columns of h is diagonal, block by block; only layer normalisation of c and a
projection mix units on the way from c to h. `StepJacobian` keeps it in these parts.

In the formulas a letter with a stroke is the derivative of a gate by what it is applied to:
i' = i (1 − i), g' = 1 − g². A is the matrix from h to the gates' arguments: W_hh, or with layer
normalisation the derivative of LN(W_hh h) (`by_state`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn.functional import layer_norm, linear, logsigmoid

from holdfast.engine.cells import (
    GRU,
    LSTM,
    RNN_RELU,
    RNN_TANH,
    SLSTM,
    Cell,
    Options,
    State,
    Weights,
    gru,
    lstm,
    rnn,
    slstm,
)
from holdfast.engine.cells.cell import NEUTRAL
from holdfast.engine.cells.operations import by_heads, from_input, from_state
from holdfast.errors import ArgumentError


@dataclass(frozen=True, eq=False)
class StepJacobian:
    """The Jacobians of N steps by the state before them; S = P + RH, h first, then R cells.

    Arguments:
        hidden: (N, S, P), by the old h.
        cells: (N, R, R, H), the diagonals of new cells by old ones; R is 1 for an LSTM (c), 3 for
            an sLSTM (c, n, m), 0 where h is all there is.
        output: (N, R, H), the diagonals of the new h by old cells; none where units mix.
        mixed: (N, P, RH), the new h by old cells where units mix.
        input: (N, S, I), by what the step reads; none unless `by_input`.
        cell_path: (N, H), ∂c/∂(c before) with all gates held: f for an LSTM; z for a GRU, whose
            cell is h; none for a plain RNN.
        reaches: (N, H), the same up to the new h, before a projection: o (1 − tanh² c) f.
    """

    hidden: Tensor
    cells: Tensor
    output: Tensor | None = None
    mixed: Tensor | None = None
    input: Tensor | None = None
    cell_path: Tensor | None = None
    reaches: Tensor | None = None

    @property
    def width(self) -> int:
        """S."""
        return int(self.hidden.shape[1])

    @property
    def path_at(self) -> int:
        """Where in the state the cell begins that the cell path is of."""
        return int(self.hidden.shape[2]) if self.cells.shape[1] else 0

    def at(self, rows: slice) -> StepJacobian:
        """Those of some steps."""
        cut: dict[str, Any] = {}
        for field in fields(self):
            part = getattr(self, field.name)
            cut[field.name] = None if part is None else part[rows]
        return StepJacobian(**cut)

    def times(self, matrix: Tensor) -> Tensor:
        """J M for M (N, S, m)."""
        wide = self.hidden.shape[2]
        new = torch.bmm(self.hidden, matrix[:, :wide])
        blocks = matrix[:, wide:].reshape(len(new), *self.cells.shape[2:], new.shape[2])
        self._add_cells(new, blocks)
        return new

    def dense(self) -> Tensor:
        """(N, S, S)."""
        eye = torch.eye(self.width, dtype=self.hidden.dtype)
        return self.times(eye.expand(len(self.hidden), -1, -1))

    def by_cell_path(self) -> Tensor:
        """(N, S, H) the columns of the cell in J, less the diagonal of the path."""
        assert self.cell_path is not None
        if not self.cells.shape[1]:
            return self.hidden - torch.diag_embed(self.cell_path)
        count, cells, _, units = self.cells.shape
        new = self.hidden.new_zeros(count, self.width, units)
        blocks = self.hidden.new_zeros(count, cells, units, units)
        blocks[:, 0] = torch.eye(units, dtype=new.dtype)
        self._add_cells(new, blocks)
        at = self.path_at
        new[:, at : at + units].diagonal(dim1=1, dim2=2).sub_(self.cell_path)
        return new

    def _add_cells(self, new: Tensor, blocks: Tensor) -> None:
        """Add what the old cells give, whose rows are `blocks` (N, R, H, m), to `new` in place."""
        wide, (_, cells, _, units) = self.hidden.shape[2], self.cells.shape
        for row in range(cells):
            into = new[:, wide + row * units : wide + (row + 1) * units]
            for column in range(cells):
                into.addcmul_(self.cells[:, row, column, :, None], blocks[:, column])
        for column in range(cells if self.output is not None else 0):
            assert self.output is not None
            new[:, :wide].addcmul_(self.output[:, column, :, None], blocks[:, column])
        if self.mixed is not None:
            new[:, :wide].add_(torch.bmm(self.mixed, blocks.flatten(1, 2)))


def step_jacobian(
    cell: Cell,
    x: Tensor,
    state: State,
    weights: Weights,
    options: Options = NEUTRAL,
    *,
    by_input: bool = False,
) -> StepJacobian:
    """The Jacobians of N steps of evaluation, each on its own: x (N, I), states (N, ·).

    Raises:
        ArgumentError: there is no Jacobian for this cell.
    """
    jacobian = _JACOBIANS.get(cell)
    if jacobian is None:
        raise ArgumentError(f"The step Jacobian of a cell {cell.name!r} is not known.")
    return jacobian(x, state, weights, options, by_input)


def _lstm(
    x: Tensor, state: State, weights: Weights, options: Options, by_input: bool
) -> StepJacobian:
    """c = f c₀ + i g and h = o tanh(c), each with what the options do to it."""
    _, c_0 = state
    (i, f, g, o), _ = lstm.advance(x, state, weights, options)
    d_g = i * (1 - g * g)
    if options.coupled:
        d_i, d_f = i * (1 - i) * (g - c_0), None
    else:
        d_i, d_f = i * (1 - i) * g, f * (1 - f) * c_0
    c = f * c_0 + i * g
    inside = torch.ones_like(c)
    if options.cell_clip is not None:
        inside = (c.abs() <= options.cell_clip).to(c.dtype)
        c = c.clamp(-options.cell_clip, options.cell_clip)
    p_o = None
    by_c = f
    if weights.weight_peephole is not None:
        parts = weights.weight_peephole.chunk(2 if options.coupled else 3)
        p_o, by_c = parts[-1], by_c + d_i * parts[0]
        if d_f is not None:
            by_c = by_c + d_f * parts[1]
    by_c = by_c * inside
    u, norm = c, None
    if weights.norm_c is not None:
        u = layer_norm(c, weights.norm_c.shape, weights.norm_c, weights.norm_c_bias)
        norm = norm_derivative(c, weights.norm_c)
    tanh = torch.tanh(u)
    d_o, d_u = o * (1 - o) * tanh, o * (1 - tanh * tanh)
    peep = None if p_o is None else d_o * p_o
    keep_h, keep_c = options.zoneout_hidden, options.zoneout_cell

    def new_hidden(new_c: Tensor, gate: Tensor | None) -> Tensor:
        """∂h from ∂c and the output gate's argument, (N, ·, m) each."""
        behind = new_c if norm is None else torch.bmm(norm, new_c)
        h = d_u[..., None] * behind
        if peep is not None:
            h = h + peep[..., None] * new_c
        if gate is not None:
            h = h + d_o[..., None] * gate
        return (1 - keep_h) * (h if weights.weight_hr is None else weights.weight_hr @ h)

    def through(matrix: Tensor) -> Tensor:
        """(N, S, m) from the gates' arguments by something, (N or 1, GH, m)."""
        gates = matrix.chunk(3 if options.coupled else 4, dim=1)
        new_c = d_i[..., None] * gates[0] + d_g[..., None] * gates[-2]
        if d_f is not None:
            new_c = new_c + d_f[..., None] * gates[1]
        new_c = inside[..., None] * new_c
        return torch.cat([new_hidden(new_c, gates[-1]), (1 - keep_c) * new_c], dim=1)

    hidden = through(by_state(state[0], weights))
    if keep_h:
        hidden.diagonal(dim1=1, dim2=2).add_(keep_h)
    path = f * inside
    slope = d_u if norm is None else d_u * norm.diagonal(dim1=1, dim2=2)
    output = mixed = None
    if norm is None and weights.weight_hr is None:
        output = ((1 - keep_h) * by_c * (d_u if peep is None else d_u + peep))[:, None]
    else:
        mixed = new_hidden(torch.diag_embed(by_c), None)
    return StepJacobian(
        hidden,
        (keep_c + (1 - keep_c) * by_c)[:, None, None],
        output,
        mixed,
        through(by_input_of(x, weights)) if by_input else None,
        keep_c + (1 - keep_c) * path,
        (1 - keep_h) * slope * path,
    )


def _gru(
    x: Tensor, state: State, weights: Weights, options: Options, by_input: bool
) -> StepJacobian:
    """h = (1 − z) n + z h₀ with n = tanh(x_n + r h_n)."""
    (h_0,) = state
    r, z, n = gru.gates(x, h_0, weights)
    h_n = from_state(h_0, weights, groups=(2, 1)).chunk(3, dim=-1)[2]
    keep = options.zoneout_hidden
    d_n = (1 - keep) * (1 - z) * (1 - n * n)
    d_r = d_n * h_n * r * (1 - r)
    d_z = (1 - keep) * (h_0 - n) * z * (1 - z)

    def through(matrix: Tensor, candidate: Tensor) -> Tensor:
        m_r, m_z, m_n = matrix.chunk(3, dim=1)
        return d_r[..., None] * m_r + d_z[..., None] * m_z + candidate[..., None] * m_n

    hidden = through(by_state(h_0, weights, (2, 1)), d_n * r)
    path = keep + (1 - keep) * z
    hidden.diagonal(dim1=1, dim2=2).add_(path)
    return StepJacobian(
        hidden,
        _no_cells(hidden),
        input=through(by_input_of(x, weights, (2, 1)), d_n) if by_input else None,
        cell_path=path,
        reaches=path,
    )


def _rnn(
    x: Tensor, state: State, weights: Weights, options: Options, by_input: bool, *, relu: bool
) -> StepJacobian:
    """h = tanh(a) or relu(a); no cell, hence no cell path."""
    a = rnn.preactivation(x, state[0], weights)
    slope = (a > 0).to(a.dtype) if relu else 1 - torch.tanh(a) ** 2
    keep = options.zoneout_hidden
    slope = (1 - keep) * slope[..., None]
    hidden = slope * by_state(state[0], weights)
    hidden.diagonal(dim1=1, dim2=2).add_(keep)
    by_x = slope * by_input_of(x, weights) if by_input else None
    return StepJacobian(hidden, _no_cells(hidden), input=by_x)


def _slstm(
    x: Tensor, state: State, weights: Weights, options: Options, by_input: bool
) -> StepJacobian:
    """c = f c₀ + i z, n = f n₀ + i and h = o c / n, with i and f over e^m."""
    h_0, c_0, n_0, m_0 = state
    (i, f, z, o), (_, c, n, _) = slstm.advance(x, state, weights, options)
    a = from_input(x, weights) + from_state(h_0, weights, heads=options.heads)
    a_i, a_f, _, _ = a.chunk(4, dim=-1)
    log_f = a_f if options.exponential_forget else logsigmoid(a_f)
    seen = (n_0 != 0).to(a.dtype)  # a cell that has seen nothing has no scale that could matter
    kept = torch.where(n_0 == 0, -torch.inf, log_f + m_0)
    # m = max(kept, a_i); where both are equal, torch gives each half of the slope.
    older = (kept > a_i).to(a.dtype) + 0.5 * (kept == a_i).to(a.dtype)
    by_log_f = seen if options.exponential_forget else seen * torch.sigmoid(-a_f)
    # of ln i = a_i − m and ln f = kept − m, by the arguments of i and f and by the old m
    i_by, f_by = (older, -older * by_log_f), (older - 1, (1 - older) * by_log_f)
    i_by_m, f_by_m = -older * seen, (1 - older) * seen
    m_by = (1 - older, older * by_log_f)
    keep = options.zoneout_hidden
    to_c, to_n = (1 - keep) * o / n, -(1 - keep) * o * c / (n * n)
    d_o = (1 - keep) * o * (1 - o) * c / n
    d_z = i * (1 - z * z)

    def through(matrix: Tensor) -> Tensor:
        m_i, m_f, m_z, m_o = matrix.chunk(4, dim=1)

        def weighted(by_i: Tensor, by_f: Tensor) -> Tensor:
            return by_i[..., None] * m_i + by_f[..., None] * m_f

        new_c = weighted(c_0 * f * f_by[0] + z * i * i_by[0], c_0 * f * f_by[1] + z * i * i_by[1])
        new_c = new_c + d_z[..., None] * m_z
        new_n = weighted(n_0 * f * f_by[0] + i * i_by[0], n_0 * f * f_by[1] + i * i_by[1])
        new_h = d_o[..., None] * m_o + to_c[..., None] * new_c + to_n[..., None] * new_n
        return torch.cat([new_h, new_c, new_n, weighted(*m_by)], dim=1)

    hidden = through(by_state(h_0, weights, heads=options.heads))
    wide = h_0.shape[1]
    hidden[:, :wide].diagonal(dim1=1, dim2=2).add_(keep)
    zero = torch.zeros_like(f)
    c_by_m, n_by_m = c_0 * f * f_by_m + z * i * i_by_m, n_0 * f * f_by_m + i * i_by_m
    rows = [(f, zero, c_by_m), (zero, f, n_by_m), (zero, zero, older * seen)]
    return StepJacobian(
        hidden,
        torch.stack([torch.stack(row, dim=1) for row in rows], dim=1),
        torch.stack([to_c * f, to_n * f, to_c * c_by_m + to_n * n_by_m], dim=1),
        input=through(by_input_of(x, weights)) if by_input else None,
        cell_path=f,
        reaches=to_c * f,
    )


_JACOBIANS: Final[Mapping[Cell, Callable[..., StepJacobian]]] = {
    LSTM: _lstm,
    GRU: _gru,
    SLSTM: _slstm,
    RNN_TANH: partial(_rnn, relu=False),
    RNN_RELU: partial(_rnn, relu=True),
}


def _no_cells(hidden: Tensor) -> Tensor:
    return hidden.new_zeros(hidden.shape[0], 0, 0, hidden.shape[2])


_EPSILON = 1e-5
"""What layer normalisation adds to the variance."""


def by_state(h: Tensor, weights: Weights, groups: tuple[int, ...] = (1,), heads: int = 1) -> Tensor:
    """A: the gates' arguments by the old h, (N or 1, GH, P)."""
    matrix = weights.weight_hh
    if heads > 1:
        eye = torch.eye(h.shape[1], dtype=h.dtype)
        matrix = by_heads(eye, matrix, heads).T
    if weights.norm_hh is None:
        return matrix[None]
    return _normed(linear(h, matrix), matrix, weights.norm_hh, groups)


def by_input_of(x: Tensor, weights: Weights, groups: tuple[int, ...] = (1,)) -> Tensor:
    """The same by x, (N or 1, GH, I)."""
    if weights.norm_ih is None:
        return weights.weight_ih[None]
    return _normed(linear(x, weights.weight_ih), weights.weight_ih, weights.norm_ih, groups)


def _normed(a: Tensor, matrix: Tensor, gain: Tensor, groups: tuple[int, ...]) -> Tensor:
    """The derivative of LN(a) by what a = matrix · it is made of, (N, GH, ·)."""
    unit = len(gain) // sum(groups)
    sizes = [unit * group for group in groups]
    parts = zip(
        torch.split(a, sizes, dim=-1),
        torch.split(matrix, sizes),
        torch.split(gain, sizes),
        strict=True,
    )
    return torch.cat([_normed_together(part, rows, gains) for part, rows, gains in parts], dim=1)


def _normed_together(a: Tensor, matrix: Tensor, gain: Tensor) -> Tensor:
    """gain (M − mean of its rows − â (âᵀ M) / n) / σ: as `norm_derivative`, times M, (N, n, ·)."""
    unit, deviation = _standardised(a)
    inner = matrix - matrix.mean(0) - unit[:, :, None] * (unit @ matrix / len(gain))[:, None]
    return (gain / deviation)[:, :, None] * inner


def norm_derivative(a: Tensor, gain: Tensor) -> Tensor:
    """∂LN(a)/∂a = gain (1 − 1/n − â âᵀ/n) / σ, (N, n, n), with â the normalised a."""
    count = a.shape[-1]
    unit, deviation = _standardised(a)
    inner = torch.eye(count, dtype=a.dtype) - 1 / count - unit[:, :, None] * unit[:, None] / count
    return (gain / deviation)[:, :, None] * inner


def _standardised(a: Tensor) -> tuple[Tensor, Tensor]:
    """â, and σ (N, 1)."""
    deviation = (a.var(-1, correction=0, keepdim=True) + _EPSILON).sqrt()
    return (a - a.mean(-1, keepdim=True)) / deviation, deviation
