// From the gradient of h and c at a step to that of its sums, with options.
#pragma once

#include "variant.hpp"

namespace HOLDFAST_ISA {

template <class Real, class Cell>
class VariantStepBack : protected Variant<Real, Cell> {
 protected:
  using Base = Variant<Real, Cell>;
  using Base::at, Base::call, Base::H, Base::into, Base::lanes, Base::P;
  using Base::cell_mask, Base::hidden_mask, Base::normed, Base::parts, Base::peepholes,
      Base::projected, Base::seen_mask;
  using V = Vec<Real>;
  using Work = typename Base::Work;
  static constexpr int64_t panel = COLUMNS * lanes;

  // Where the thread's sums lie that belong to options, the projection's gradient last: transposed,
  // in whole panels.
  const int64_t rows = Cell::gates * H, columns = padded(rows, panel),
                projections = projected ? padded(P, panel) : 0;
  const int64_t of_peephole = 0, of_norm_ih = peepholes ? (Cell::gates - 1) * H : 0,
                of_norm_hh = of_norm_ih + (normed ? rows : 0),
                of_bias_ih = of_norm_hh + (normed ? rows : 0),
                of_bias_hh = of_bias_ih + (normed ? rows : 0),
                of_norm_c = of_bias_hh + (normed ? rows : 0),
                of_norm_c_bias = of_norm_c + (normed ? H : 0),
                of_weight_hr = padded(of_norm_c_bias + (normed ? H : 0), lanes);
  Buffer<Real> by_r;  // W_hr packed for the way back

  explicit VariantStepBack(const HoldfastCall& given)
      : Base(given), by_r(projected ? P * padded(H, lanes) : 0) {
    if (projected && by_r.data)
      pack_panels(by_r.data, P, H, [&](int64_t k) { return at(call.weight_hr, k * H); });
  }

  // What options keep of the rows of a chunk, and of a step.
  struct Trail {
    Buffer<Real> normed;        // gradient of W_hh h, where it is another than that of W_ih x
    Buffer<Real> hidden;        // h before the projection
    Buffer<Real> projected;     // gradient of what the projection gives
    Buffer<Real> grad_hidden;   // gradient of the h that the gates let through
    Buffer<Real> through;       // gradient of the h that W_hh has seen
    Buffer<Real> seen, cell, reaching;  // of one row: that h; the new c; the gradient from h to c
    Trail(const VariantStepBack& pass, int64_t count)
        : normed(pass.normed ? count * pass.columns : 0),
          hidden(pass.projected ? count * pass.H : 0),
          projected(count * pass.projections),
          grad_hidden(BLOCK * pass.H),
          through(pass.seen_mask.drawn ? BLOCK * pass.P : 0),
          seen(pass.P),
          cell(pass.H),
          reaching(pass.H) {
      if (!allocated()) return;
      // What pads a panel is added like the rest.
      for (int64_t index = 0; pass.normed && index < count * pass.columns; ++index)
        normed.data[index] = 0;
      for (int64_t index = 0; index < count * pass.projections; ++index) projected.data[index] = 0;
    }
    bool allocated() const {
      return normed.data && hidden.data && projected.data && grad_hidden.data && through.data &&
             seen.data && cell.data && reaching.data;
    }
  };

  bool allocated() const { return Base::allocated() && by_r.data; }

  // What has been normalised is not kept but computed once more.
  // The sLSTM's gates are, since they depend on all steps before.
  bool anew() const { return normed || !call.saved_gates; }

  int64_t extras() const { return of_weight_hr + projections * H; }

  void add_extras(int64_t count, Trail& trail, Real* extra) const {
    if (projected)
      add_outer<Real>(
          extra + of_weight_hr, projections, trail.hidden.data, H, H, trail.projected.data,
          projections, count);
  }

  void hand_over_extras(const Real* gradients, int64_t stride, int64_t threads) const {
    const auto give = [&](void* to, int64_t from, int64_t count) {
      if (!to) return;
      for (int64_t index = 0; index < count; ++index)
        *into(to, index) = summed(gradients + from + index, stride, threads);
    };
    give(call.grad_weight_peephole, of_peephole, (Cell::gates - 1) * H);
    if (normed) {
      give(call.grad_norm_ih, of_norm_ih, rows);
      give(call.grad_norm_hh, of_norm_hh, rows);
      give(call.grad_bias_ih, of_bias_ih, rows);
      give(call.grad_bias_hh, of_bias_hh, rows);
      give(call.grad_norm_c, of_norm_c, H);
      give(call.grad_norm_c_bias, of_norm_c_bias, H);
    }
    if (!projected) return;
    for (int64_t p = 0; p < P; ++p)
      for (int64_t unit = 0; unit < H; ++unit)
        *into(call.grad_weight_hr, p * H + unit) =
            summed(gradients + of_weight_hr + unit * projections + p, stride, threads);
  }

  // A normalisation stands between W_hh h and the sum.
  static constexpr bool one_sum = false;

  Real* hidden_sums(Real* sums, Trail& trail, int64_t index) const {
    return normed ? trail.normed.data + index * columns : sums + Cell::recurrent * H;
  }

  int64_t hidden_stride(int64_t stride) const { return normed ? columns : stride; }

  const Real* seen(const Row<Real>& row, Trail& trail) const {
    return Base::seen(row, trail.seen.data);
  }

  void step_back(
      const Row<Real>* rows, int64_t count, int64_t first, Real* grad_sums, int64_t stride,
      Work& work, Trail& trail, Real* extra) const {
    Real* hidden[BLOCK];
    const Real* projected_from[BLOCK];
    for (int64_t row = 0; row < count; ++row) {
      hidden[row] = trail.grad_hidden.data + row * H;
      Real* to = projected ? trail.projected.data + (first + row) * projections : hidden[row];
      projected_from[row] = to;
      split_hidden(rows[row], to);
    }
    if (projected) times_matrix<false>(hidden, projected_from, count, P, by_r.data, H);
    for (int64_t row = 0; row < count; ++row) {
      Real* sums = grad_sums + row * stride;
      deactivate(rows[row], first + row, hidden[row], sums, trail, extra);
      if (normed) denormalise(first + row, sums, work, trail, extra);
    }
  }

  void to_hidden(
      const Row<Real>* rows_of, Real* const* grad_h, const Real* const* sums, int64_t count,
      const Real* by_h, Trail& trail) const {
    if (!seen_mask.drawn) return times_matrix<true>(grad_h, sums, count, rows, by_h, P);
    Real* through[BLOCK] = {};
    for (int64_t row = 0; row < count; ++row) through[row] = trail.through.data + row * P;
    times_matrix<false>(through, sums, count, rows, by_h, P);
    for (int64_t row = 0; row < count; ++row)
      for (int64_t unit = 0; unit < P; unit += lanes) {
        const int there = left<Real>(unit, P);
        const V factor = seen_mask.factor(rows_of[row].index, unit);
        const V sum = load(grad_h[row] + unit, there) + load(through[row] + unit, there) * factor;
        store(grad_h[row] + unit, sum, there);
      }
  }

 private:
  static Real summed(const Real* from, int64_t stride, int64_t threads) {
    Real sum = 0;
    for (int64_t thread = 0; thread < threads; ++thread) sum += from[thread * stride];
    return sum;
  }

  static HOLDFAST_INLINE void add(Real* to, V value, int there) {
    store(to, load<Real>(to, there) + value, there);
  }

  // The gradient of the new h; in grad_h that of the old one remains.
  void split_hidden(const Row<Real>& row, Real* to) const {
    Real* grad_h = into(call.grad_h, row.index * P);
    const Real* grad_output = at(call.grad_output, (this->offset(row.time) + row.index) * P);
    for (int64_t unit = 0; unit < P; unit += lanes) {
      const int there = left<Real>(unit, P);
      V dh = load<Real>(grad_h + unit, there);
      if (grad_output) dh += load(grad_output + unit, there);
      store(to + unit, hidden_mask.split(row.time, row.index, unit, dh), there);
      store(grad_h + unit, dh, there);
    }
  }

  void deactivate(
      const Row<Real>& row, int64_t index, const Real* hidden, Real* grad_sums, Trail& trail,
      Real* extra) const {
    Real* grad_h = into(call.grad_h, row.index * P);
    if constexpr (Cell::stabilised) return destabilise(row, hidden, grad_sums);
    if constexpr (Base::gated_cell) reach_cell(row, index, hidden, grad_sums, trail, extra);
    for (int64_t unit = 0; unit < H; unit += lanes) {
      const int there = left<Real>(unit, H);
      V saved[Cell::saved], da[Cell::saved], h_before = {}, c_before = {}, dc = {};
      for (int gate = 0; gate < Cell::saved; ++gate)
        saved[gate] = load<Real>(row.saved + gate * H + unit, there);
      if constexpr (Base::gated_cell) {
        Real* grad_c = into(call.grad_c, row.index * H + unit);
        V past = load<Real>(grad_c, there);
        dc = cell_mask.split(row.time, row.index, unit, past) +
             load<Real>(trail.reaching.data + unit, there);
        da[Cell::o_at] = load<Real>(grad_sums + Cell::o_at * H + unit, there);
        c_before = load(row.c_before + unit, there);
        Cell::open_backward(saved, c_before, this->look_at(unit, there), dc, da);
        store(grad_c, dc + past, there);
        if (peepholes) {
          Real* own = extra + of_peephole + unit;
          add(own, da[0] * c_before, there);
          if (Cell::gates == 4) add(own + H, da[1] * c_before, there);
          add(own + (Cell::gates - 2) * H, da[Cell::o_at] * load(trail.cell.data + unit, there),
              there);
        }
      } else if constexpr (!Cell::stabilised) {
        if (Cell::keeps_hidden) h_before = load(row.h_before + unit, there);
        const V dh = load(hidden + unit, there);
        add(grad_h + unit, Cell::backward(saved, h_before, V{}, c_before, dh, dc, da), there);
      }
      for (int gate = 0; gate < Cell::saved; ++gate)
        store(grad_sums + gate * H + unit, da[gate], there);
    }
  }

  void destabilise(const Row<Real>& row, const Real* hidden, Real* grad_sums) const {
    if constexpr (Cell::stabilised)
      for (int64_t unit = 0; unit < H; unit += lanes) {
        const int there = left<Real>(unit, H);
        V saved[Cell::saved], da[Cell::gates];
        for (int gate = 0; gate < Cell::saved; ++gate)
          saved[gate] = load<Real>(row.saved + gate * H + unit, there);
        Real* to[3];
        V of_state[3];
        void* const parts_of_state[3] = {call.grad_c, call.grad_normaliser, call.grad_stabiliser};
        for (int part = 0; part < 3; ++part) {
          to[part] = into(parts_of_state[part], row.index * H + unit);
          of_state[part] = load<Real>(to[part], there);
        }
        Cell::backward(saved, load(row.c_before + unit, there), load(hidden + unit, there),
                       of_state[0], of_state[1], of_state[2], da);
        for (int part = 0; part < 3; ++part) store(to[part], of_state[part], there);
        for (int gate = 0; gate < Cell::gates; ++gate)
          store(grad_sums + gate * H + unit, da[gate], there);
      }
  }

  // From the gradient of h to that of the output gate's sum and that of c.
  void reach_cell(
      const Row<Real>& row, int64_t index, const Real* hidden, Real* grad_sums, Trail& trail,
      Real* extra) const {
    Real *cell = trail.cell.data, *reaching = trail.reaching.data;
    for (int64_t unit = 0; unit < H; unit += lanes) {
      const int there = left<Real>(unit, H);
      const V i = load<Real>(row.saved + unit, there);
      const V f = Cell::gates == 4 ? load<Real>(row.saved + H + unit, there) : 1 - i;
      const V g = load<Real>(row.saved + Cell::g_at * H + unit, there);
      const V c = f * load(row.c_before + unit, there) + i * g;
      store(cell + unit, Cell::clipped(c, this->clip), there);
    }
    Moments<Real> moments = {0, 1};
    if (normed)
      moments = Moments<Real>::template of<1>(
          H, [&](int64_t unit, int) { return load<Real>(cell + unit, left<Real>(unit, H)); });
    V sum = {}, along = {};
    for (int64_t unit = 0; unit < H; unit += lanes) {
      const int there = left<Real>(unit, H);
      const V o = load<Real>(row.saved + Cell::o_at * H + unit, there);
      const V c = load<Real>(cell + unit, there);
      V squashed, da_o;
      V dc = Cell::hidden_backward(
          o, normed ? this->normal_cell(c, moments, unit, there) : c, load(hidden + unit, there),
          squashed, da_o);
      store(grad_sums + Cell::o_at * H + unit, da_o, there);
      if (projected) store(trail.hidden.data + index * H + unit, o * squashed, there);
      if (normed) {
        const V normal = (c - moments.mean) * moments.scale;
        add(extra + of_norm_c + unit, dc * normal, there);
        add(extra + of_norm_c_bias + unit, dc, there);
        dc *= load(at(call.norm_c, unit), there);
        sum += dc, along += dc * normal;
      }
      store(reaching + unit, dc, there);
    }
    if (!normed) return;
    const Real mean = total<Real>(sum) / static_cast<Real>(H);
    const Real slope = total<Real>(along) / static_cast<Real>(H);
    for (int64_t unit = 0; unit < H; unit += lanes) {
      const int there = left<Real>(unit, H);
      const V normal = (load<Real>(cell + unit, there) - moments.mean) * moments.scale;
      store(reaching + unit,
            (load<Real>(reaching + unit, there) - mean - normal * slope) * moments.scale, there);
    }
  }

  // From the gradient of the sums to that of W_ih x, in its place, and to that of W_hh h.
  void denormalise(
      int64_t index, Real* grad_sums, Work& work, Trail& trail, Real* extra) const {
    const Real* normal_x = work.sums.data + index * this->begun_size();
    const Real* normal_h = work.recurrent.data + index * this->begun_size();
    const Real* scale = work.scales.data + index * 2 * parts;
    Real* to_h = trail.normed.data + index * columns;
    const auto column_x = [](int gate) { return Base::column_of_x(gate); };
    const auto column_h = [](int gate) { return Base::column_of_h(gate); };
    const auto saved_x = [](int gate) { return (gate + Cell::gates - Cell::turned) % Cell::gates; };
    const auto saved_h = [](int gate) { return gate + Cell::recurrent; };
    const auto same = [](int gate) { return gate; };
    const Real *gain_x = at(call.norm_ih, 0), *gain_h = at(call.norm_hh, 0);
    Real *own_x = extra + of_norm_ih, *own_h = extra + of_norm_hh;
    constexpr int all = Cell::gates, together = Cell::together;
    denormalise<0, together>(
        normal_h, column_h, scale[parts], gain_h, own_h, grad_sums, saved_h, to_h, same);
    if constexpr (parts > 1)
      denormalise<together, all>(
          normal_h, column_h, scale[parts + 1], gain_h, own_h, grad_sums, saved_h, to_h, same);
    denormalise<0, together>(
        normal_x, column_x, scale[0], gain_x, own_x, grad_sums, saved_x, grad_sums, saved_x);
    if constexpr (parts > 1)
      denormalise<together, all>(
          normal_x, column_x, scale[1], gain_x, own_x, grad_sums, saved_x, grad_sums, saved_x);
  }

  // Of some gates: `normal` is what has been normalised, in columns, `scale` by what; the gradients
  // of gain and shift are added to `own`; those of the sums go from the saved gates of one row to those
  // of another.
  template <int FIRST, int LAST, class Column, class From, class To>
  HOLDFAST_INLINE void denormalise(
      const Real* normal, Column column, Real scale, const Real* gain, Real* own,
      const Real* grad_sums, From from, Real* to, To saved_at) const {
    V sum[LAST] = {}, along[LAST] = {};
    Real* own_shift = own + of_bias_ih - of_norm_ih;
    for (int64_t unit = 0; unit < H; unit += lanes) {
      const int there = left<Real>(unit, H);
#pragma GCC unroll 4
      for (int gate = FIRST; gate < LAST; ++gate) {
        const int64_t row = gate * H + unit;
        const V da = load(grad_sums + from(gate) * H + unit, there);
        const V value = load<Real>(normal + Base::place(unit, column(gate)));
        add(own + row, da * value, there);
        add(own_shift + row, da, there);
        const V through = da * load(gain + row, there);
        sum[gate] += through, along[gate] += cut<Real>(through * value, there);
      }
    }
#pragma GCC unroll 4
    for (int gate = FIRST + 1; gate < LAST; ++gate)
      sum[FIRST] += sum[gate], along[FIRST] += along[gate];
    const Real count = static_cast<Real>((LAST - FIRST) * H);
    const Real mean = total<Real>(sum[FIRST]) / count, slope = total<Real>(along[FIRST]) / count;
    for (int64_t unit = 0; unit < H; unit += lanes) {
      const int there = left<Real>(unit, H);
#pragma GCC unroll 4
      for (int gate = FIRST; gate < LAST; ++gate) {
        const V through =
            load(grad_sums + from(gate) * H + unit, there) * load(gain + gate * H + unit, there);
        const V value = load<Real>(normal + Base::place(unit, column(gate)));
        store(to + saved_at(gate) * H + unit, (through - mean - value * slope) * scale, there);
      }
    }
  }
};

}  // namespace HOLDFAST_ISA
