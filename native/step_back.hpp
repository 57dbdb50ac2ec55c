// From the gradient of h and c at a step to that of its sums: the cells without options.
#pragma once

#include "pass.hpp"

namespace HOLDFAST_ISA {

template <class Real, class Cell>
class StepBack : protected Pass<Real, Cell> {
 protected:
  using Base = Pass<Real, Cell>;
  using Base::at, Base::call, Base::H, Base::into, Base::lanes, Base::P;
  using V = Vec<Real>;

  explicit StepBack(const HoldfastCall& given) : Base(given) {}

  // Options keep more than a step's sums while they go back; these cells do not.
  struct Trail {
    Trail(const StepBack&, int64_t) {}
    bool allocated() const { return true; }
  };

  // Whether the saved gates have to be computed once more.
  bool anew() const { return Cell::gates > 1 && !call.saved_gates; }

  // Values that each thread sums up beside the gradients of W_ih, W_hh and their biases.
  int64_t extras() const { return 0; }
  void add_extras(int64_t, Trail&, Real*) const {}
  void hand_over_extras(const Real*, int64_t, int64_t) const {}

  // Whether W_ih x and W_hh h have one sum, and so one gradient.
  static constexpr bool one_sum = Cell::recurrent == 0;

  // The gradient of the sums of W_hh h in that of all sums of a row.
  Real* hidden_sums(Real* sums, Trail&, int64_t) const { return sums + Cell::recurrent * H; }

  int64_t hidden_stride(int64_t stride) const { return stride; }

  // The h that W_hh has seen.
  const Real* seen(const Row<Real>& row, Trail&) const { return row.h_before; }

  // From the gradient of h to that of the sums; what passes them by is left in grad_h.
  // `first` is the number of the first row within its chunk.
  void step_back(
      const Row<Real>* rows, int64_t count, int64_t, Real* grad_sums, int64_t stride,
      typename Base::Work&, Trail&, Real*) const {
    for (int64_t row = 0; row < count; ++row) deactivate(rows[row], grad_sums + row * stride);
  }

  // grad_h += W_hh^T sums
  void to_hidden(
      const Row<Real>*, Real* const* grad_h, const Real* const* sums, int64_t count,
      const Real* by_h, Trail&) const {
    times_matrix<true>(grad_h, sums, count, Cell::gates * H, by_h, P);
  }

 private:
  // What the next step back will read of a row, and only the memory of a long sequence has: asked for
  // now, it comes while the products of this step are computed.
  struct Ahead {
    const Real *saved, *c_before, *grad_output;

    HOLDFAST_INLINE void fetch(int64_t unit, int64_t units) const {
      if (saved)
        for (int gate = 0; gate < Cell::saved; ++gate) __builtin_prefetch(saved + gate * units + unit, 0, 2);
      if (c_before) __builtin_prefetch(c_before + unit, 0, 2);
      if (grad_output) __builtin_prefetch(grad_output + unit, 0, 2);
    }
  };

  Ahead ahead_of(const Row<Real>& row) const {
    const int64_t step = call.reverse ? row.time + 1 : row.time - 1;
    if (row.index >= this->rows_at(step)) return {nullptr, nullptr, nullptr};
    const Row<Real> next = this->row_at(step, row.index);
    return {next.saved, Cell::has_cell ? next.c_before : nullptr,
            at(call.grad_output, (this->offset(step) + row.index) * H)};
  }

  void deactivate(const Row<Real>& row, Real* grad_sums) const {
    Real* grad_h = into(call.grad_h, row.index * H);
    Real* grad_c = into(call.grad_c, row.index * H);
    const Real* grad_output = at(call.grad_output, (this->offset(row.time) + row.index) * H);
    const Ahead ahead = ahead_of(row);
    for (int64_t unit = 0; unit < H; unit += lanes) {
      ahead.fetch(unit, H);
      const int there = left<Real>(unit, H);
      V saved[Cell::saved], da[Cell::saved], h_before = {}, c = {}, c_before = {}, dc = {};
      const Real* kept = Cell::gates > 1 ? row.saved : row.h;
#pragma GCC unroll 4
      for (int gate = 0; gate < Cell::saved; ++gate) saved[gate] = load(kept + gate * H + unit, there);
      if (Cell::has_cell) {
        c = load<Real>(row.c + unit, there);
        c_before = load(row.c_before + unit, there);
        dc = load<Real>(grad_c + unit, there);
      }
      if (Cell::keeps_hidden) h_before = load(row.h_before + unit, there);
      V dh = load<Real>(grad_h + unit, there);
      if (grad_output) dh += load(grad_output + unit, there);
      const V past = Cell::backward(saved, h_before, c, c_before, dh, dc, da);
      store(grad_h + unit, past, there);
      if (Cell::has_cell) store(grad_c + unit, dc, there);
#pragma GCC unroll 4
      for (int gate = 0; gate < Cell::saved; ++gate)
        store(grad_sums + gate * H + unit, da[gate], there);
    }
  }
};

}  // namespace HOLDFAST_ISA
