// A step with options: in two phases, since a normalisation needs the whole row before it begins.
#pragma once

#include "cells/lstm.hpp"
#include "masks.hpp"
#include "pass.hpp"

namespace HOLDFAST_ISA {

template <class Real>
HOLDFAST_INLINE Real total(Vec<Real> vector) {
  using Int = typename Simd<Real>::Int;
  Int lane = {};
  for (int at = 0; at < Simd<Real>::lanes; ++at) lane[at] = at;
#pragma GCC unroll 4
  for (int apart = Simd<Real>::lanes / 2; apart > 0; apart /= 2)
    vector += __builtin_shuffle(vector, lane ^ apart);
  return vector[0];
}

// The lanes from `there` on set to 0.
template <class Real>
HOLDFAST_INLINE Vec<Real> cut(Vec<Real> vector, int there) {
  if (there >= Simd<Real>::lanes) return vector;
  for (int lane = there; lane < Simd<Real>::lanes; ++lane) vector[lane] = 0;
  return vector;
}

// Mean and 1/√(variance + 10^-5) of PIECES times `units` values: piece(unit, p) gives some of them.
template <class Real>
struct Moments {
  Real mean, scale;

  template <int PIECES, class Piece>
  static HOLDFAST_INLINE Moments of(int64_t units, Piece piece) {
    constexpr int lanes = Simd<Real>::lanes;
    const Real count = static_cast<Real>(units * PIECES);
    Vec<Real> sum[PIECES] = {}, squares[PIECES] = {};
    for (int64_t unit = 0; unit < units; unit += lanes)
#pragma GCC unroll 4
      for (int p = 0; p < PIECES; ++p) sum[p] += cut<Real>(piece(unit, p), left<Real>(unit, units));
#pragma GCC unroll 4
    for (int p = 1; p < PIECES; ++p) sum[0] += sum[p];
    const Real mean = total<Real>(sum[0]) / count;
    for (int64_t unit = 0; unit < units; unit += lanes)
#pragma GCC unroll 4
      for (int p = 0; p < PIECES; ++p) {
        const Vec<Real> off = cut<Real>(piece(unit, p) - mean, left<Real>(unit, units));
        squares[p] += off * off;
      }
#pragma GCC unroll 4
    for (int p = 1; p < PIECES; ++p) squares[0] += squares[p];
    const Real variance = total<Real>(squares[0]) / count + static_cast<Real>(1e-5);
    return {mean, 1 / root(variance)};
  }

  static HOLDFAST_INLINE float root(float value) { return __builtin_sqrtf(value); }
  static HOLDFAST_INLINE double root(double value) { return __builtin_sqrt(value); }
};

template <class Real, class Cell>
class Variant : protected Pass<Real, Cell> {
 protected:
  using Base = Pass<Real, Cell>;
  using Base::at, Base::begun_size, Base::call, Base::H, Base::into, Base::lanes, Base::P;
  using Base::tiles;
  using V = Vec<Real>;
  // Whether h is made of c and the output gate, with options in between.
  static constexpr bool gated_cell = Cell::has_cell && !Cell::stabilised;
  static constexpr int last_gate = Cell::gates - 1;
  // Gates that are normalised together: the first `together`, then the rest.
  static constexpr int parts = Cell::together < Cell::gates ? 2 : 1;

  const bool normed, projected, peepholes;
  const Real clip;
  const Mask<Real> seen_mask, hidden_mask, cell_mask;
  Buffer<Real> projection;

  explicit Variant(const HoldfastCall& given)
      : Base(given),
        normed(given.norm_ih),
        projected(given.projection),
        peepholes(given.weight_peephole),
        clip(static_cast<Real>(given.cell_clip)),
        seen_mask(given, 0, given.recurrent_dropout, this->P),
        hidden_mask(given, 1, given.zoneout_hidden, this->P),
        cell_mask(given, 2, given.zoneout_cell, this->H),
        projection(projected ? H * padded(P, lanes) : 0) {}

  // What a thread works in at a step of up to `rows` rows.
  struct Work {
    Buffer<Real> sums;      // W_ih x + W_hh h + b; with normalisation LN(W_ih x) before its gain
    Buffer<Real> recurrent;  // with normalisation LN(W_hh h) before its gain
    Buffer<Real> scales;    // what each normalisation has divided by: `parts` of x, `parts` of h
    Buffer<Real> seen;      // h after recurrent dropout
    Buffer<Real> hidden;    // h before the projection
    Buffer<Real> cell, gate;  // of one row: the new c, the output gate
    Work(const Variant& pass, int64_t rows)
        : sums(rows * pass.begun_size()),
          recurrent(pass.normed ? rows * pass.begun_size() : 0),
          scales(rows * 2 * parts),
          seen(pass.seen_mask.drawn ? rows * pass.P : 0),
          hidden(rows * pass.H),
          cell(pass.H),
          gate(pass.H) {}
    bool allocated() const {
      return sums.data && recurrent.data && scales.data && seen.data && hidden.data && cell.data &&
             gate.data;
    }
  };

  bool allocated() const { return Base::allocated() && projection.data; }

  void pack() {
    Base::pack();
    if (!projected) return;
    // Column p of row k of the matrix is weight_hr[p][k]: panels of a transposed matrix.
    Real* to = projection.data;
    for (int64_t first = 0; first < P; first += COLUMNS * lanes)
      for (int64_t k = 0; k < H; ++k)
        for (int w = 0; w < vectors_from<Real>(first, P); ++w)
          for (int lane = 0; lane < lanes; ++lane, ++to) {
            const int64_t p = first + w * lanes + lane;
            *to = p < P ? *at(call.weight_hr, p * H + k) : 0;
          }
  }

  // Where a row of sums has those of a gate's units from `unit` on.
  static HOLDFAST_INLINE int64_t place(int64_t unit, int column) {
    return tiles == 1 ? unit * COLUMNS + column * lanes : unit;
  }
  static HOLDFAST_INLINE constexpr int column_of_x(int gate) {
    return gate < last_gate ? gate : Cell::from_x;
  }
  static HOLDFAST_INLINE constexpr int column_of_h(int gate) {
    return gate < last_gate ? gate : Cell::from_h;
  }

  // The h that W_hh sees, into `to` where it is another than the h before.
  const Real* seen(const Row<Real>& row, Real* to) const {
    if (!seen_mask.drawn) return row.h_before;
    for (int64_t unit = 0; unit < P; unit += lanes) {
      const int there = left<Real>(unit, P);
      store(to + unit, load(row.h_before + unit, there) * seen_mask.factor(row.index, unit), there);
    }
    return to;
  }

  HOLDFAST_INLINE Look<Real> look_at(int64_t unit, int there) const {
    Look<Real> look;
    look.clip = clip, look.peepholes = peepholes;
    if (peepholes) {
      const Real* from = at(call.weight_peephole, unit);
      look.i = load(from, there);
      look.f = load(from + H, there);  // where coupled that of o, and not looked at
      look.o = load(from + (Cell::gates - 2) * H, there);
    }
    return look;
  }

  // One step of some rows, which need not be of the same time.
  void step(const Row<Real>* rows, int64_t count, Work& work) const {
    for (int64_t first = 0; first < count; first += BLOCK)
      sums(rows + first, first, count - first < BLOCK ? count - first : BLOCK, work);
    for (int64_t row = 0; row < count; ++row) {
      if (normed) normalise(row, work);
      // n and m go on with every step: such a cell's gates are never computed once more.
      if (rows[row].h || !Cell::stabilised) activate(rows[row], row, work);
    }
    if (projected && rows[0].h)
      for (int64_t first = 0; first < count; first += BLOCK)
        project(rows + first, first, count - first < BLOCK ? count - first : BLOCK, work);
  }

 private:
  void sums(const Row<Real>* rows, int64_t begin, int64_t count, Work& work) const {
    const Real* sources[BLOCK];
    for (int64_t row = 0; row < count; ++row)
      sources[row] = seen(rows[row], work.seen.data + (begin + row) * P);
    for (int64_t panel = 0; panel < this->panels; ++panel)
      in_tiles(count, [&](int64_t first, auto height) {
        constexpr int R = decltype(height)::rows;
        const int64_t to = (begin + first) * begun_size() + panel * COLUMNS * lanes;
        V sums[R][COLUMNS];
        this->template begin_sums<R>(sums, rows + first, panel);
        if (normed) {
          keep<R>(sums, work.sums.data + to);
          for (int r = 0; r < R; ++r)
            for (int w = 0; w < COLUMNS; ++w) sums[r][w] = V{};
        }
        this->template add_hidden<R>(sums, sources + first, panel);
        keep<R>(sums, (normed ? work.recurrent : work.sums).data + to);
      });
  }

  template <int R>
  HOLDFAST_INLINE void keep(const V (&sums)[R][COLUMNS], Real* to) const {
    for (int r = 0; r < R; ++r)
      for (int w = 0; w < COLUMNS; ++w) store(to + r * begun_size() + w * lanes, sums[r][w]);
  }

  void normalise(int64_t row, Work& work) const {
    Real* of_x = work.sums.data + row * begun_size();
    Real* of_h = work.recurrent.data + row * begun_size();
    Real* scale = work.scales.data + row * 2 * parts;
    const auto x = [](int gate) { return column_of_x(gate); };
    const auto h = [](int gate) { return column_of_h(gate); };
    scale[0] = normalise<0, Cell::together>(of_x, x);
    scale[parts] = normalise<0, Cell::together>(of_h, h);
    if constexpr (parts > 1) {
      scale[1] = normalise<Cell::together, Cell::gates>(of_x, x);
      scale[parts + 1] = normalise<Cell::together, Cell::gates>(of_h, h);
    }
  }

  // Some gates' sums to mean 0 and variance 1; what they were divided by, as a factor.
  template <int FIRST, int LAST, class Column>
  HOLDFAST_INLINE Real normalise(Real* sums, Column column) const {
    const auto moments = Moments<Real>::template of<LAST - FIRST>(H, [&](int64_t unit, int p) {
      return load<Real>(sums + place(unit, column(FIRST + p)));
    });
    for (int64_t unit = 0; unit < H; unit += lanes)
#pragma GCC unroll 4
      for (int gate = FIRST; gate < LAST; ++gate) {
        Real* at = sums + place(unit, column(gate));
        store(at, (load<Real>(at) - moments.mean) * moments.scale);
      }
    return moments.scale;
  }

  // Gains and shifts behind the normalisations, then both parts together.
  HOLDFAST_INLINE void shift(
      V (&a)[COLUMNS], const Real* recurrent, int64_t unit, int there) const {
    V sums[COLUMNS] = {};
#pragma GCC unroll 4
    for (int gate = 0; gate < Cell::gates; ++gate) {
      const int64_t row = gate * H + unit;
      V of_x = a[column_of_x(gate)] * load(at(call.norm_ih, row), there);
      V of_h = load<Real>(recurrent + place(unit, column_of_h(gate))) *
               load(at(call.norm_hh, row), there);
      if (call.bias_ih) {
        of_x += load(at(call.bias_ih, row), there);
        of_h += load(at(call.bias_hh, row), there);
      }
      sums[column_of_x(gate)] += of_x;
      sums[column_of_h(gate)] += of_h;
    }
    for (int w = 0; w < COLUMNS; ++w) a[w] = sums[w];
  }

  void activate(const Row<Real>& row, int64_t index, Work& work) const {
    const Real* sums = work.sums.data + index * begun_size();
    const Real* recurrent = work.recurrent.data + index * begun_size();
    Real* hidden = work.hidden.data + index * H;
    for (int64_t unit = 0; unit < H; unit += lanes) {
      const int there = left<Real>(unit, H);
      V saved[Cell::saved], a[COLUMNS] = {};
      for (int w = 0; w < (tiles == 1 ? COLUMNS : 1); ++w) a[w] = load<Real>(sums + place(unit, w));
      if (normed) shift(a, recurrent, unit, there);
      if constexpr (Cell::stabilised) {
        Real* at_n = into(call.normaliser, row.index * H + unit);
        Real* at_m = into(call.stabiliser, row.index * H + unit);
        V c = load(row.c_before + unit, there);
        V n = load<Real>(at_n, there), m = load<Real>(at_m, there);
        store(hidden + unit, Cell::forward(a, c, n, m, call.exponential_forget, saved), there);
        store(at_n, n, there);
        store(at_m, m, there);
        if (row.c) store(row.c + unit, c, there);
      } else if constexpr (Cell::has_cell) {
        V c = load(row.c_before + unit, there);
        Cell::open(a, c, look_at(unit, there), saved);
        store(work.cell.data + unit, c, there);
        store(work.gate.data + unit, saved[Cell::o_at], there);
      } else {
        V c, h_before = {};
        if (Cell::keeps_hidden) h_before = load(row.h_before + unit, there);
        store(hidden + unit, Cell::forward(a, h_before, c, saved), there);
      }
      if (row.saved)
        for (int gate = 0; gate < Cell::saved; ++gate)
          store(row.saved + gate * H + unit, saved[gate], there);
    }
    if (row.h) release(row, hidden, work);
  }

  // The state after the step, from the gates and the new c, or from the new h.
  void release(const Row<Real>& row, Real* hidden, Work& work) const {
    Moments<Real> moments = {0, 1};
    if (gated_cell && normed)
      moments = Moments<Real>::template of<1>(H, [&](int64_t unit, int) {
        return load(work.cell.data + unit, left<Real>(unit, H));
      });
    for (int64_t unit = 0; unit < H; unit += lanes) {
      const int there = left<Real>(unit, H);
      V h;
      if constexpr (gated_cell) {
        const V c = load(work.cell.data + unit, there);
        h = Cell::hidden(load(work.gate.data + unit, there),
                         normed ? normal_cell(c, moments, unit, there) : c);
        if (row.c) {
          const V before = load(row.c_before + unit, there);
          store(row.c + unit, cell_mask.mix(row.time, row.index, unit, before, c), there);
        }
      } else {
        h = load(hidden + unit, there);
      }
      if (projected)
        store(hidden + unit, h, there);
      else
        store(row.h + unit, mixed(row, unit, there, h), there);
    }
  }

  HOLDFAST_INLINE V mixed(const Row<Real>& row, int64_t unit, int there, V h) const {
    if (hidden_mask.share == 0) return h;
    return hidden_mask.mix(row.time, row.index, unit, load(row.h_before + unit, there), h);
  }

  void project(const Row<Real>* rows, int64_t begin, int64_t count, Work& work) const {
    Real* to[BLOCK] = {};
    const Real* from[BLOCK] = {};
    for (int64_t row = 0; row < count; ++row) {
      to[row] = rows[row].h;
      from[row] = work.hidden.data + (begin + row) * H;
    }
    times_matrix<false>(to, from, count, H, projection.data, P);
    if (hidden_mask.share == 0) return;
    for (int64_t row = 0; row < count; ++row)
      for (int64_t unit = 0; unit < P; unit += lanes) {
        const int there = left<Real>(unit, P);
        const V h = load(to[row] + unit, there);
        store(to[row] + unit, mixed(rows[row], unit, there, h), there);
      }
  }

 protected:
  // LN(c), with its gain and shift.
  HOLDFAST_INLINE V normal_cell(V c, const Moments<Real>& moments, int64_t unit, int there) const {
    V normal = (c - moments.mean) * moments.scale * load(at(call.norm_c, unit), there);
    if (call.norm_c_bias) normal += load(at(call.norm_c_bias, unit), there);
    return normal;
  }
};

}  // namespace HOLDFAST_ISA
