// The backward pass: gradients of states, inputs and weights.
#pragma once

#include "pass.hpp"

namespace HOLDFAST_ISA {

template <class Real, class Cell>
class Backward : Pass<Real, Cell> {
  using Base = Pass<Real, Cell>;
  using Base::at, Base::B, Base::call, Base::H, Base::I, Base::into, Base::lanes, Base::left;
  using Base::T;
  using V = Vec<Real>;

  // Rows, of one or more steps, after which gradients go on to inputs and weights.
  static constexpr int64_t CHUNK = 2 * BLOCK;
  static constexpr int64_t panel = COLUMNS * lanes;

  static int64_t padded(int64_t columns, int64_t to) { return (columns + to - 1) / to * to; }

  // Columns of a weight's gradient while it is summed, and of the sums' gradient with room for the
  // last panel that begins at the slots of h.
  const int64_t rows = Cell::gates * H, columns = padded(rows, panel),
                stride = columns + Cell::recurrent * H;
  // What multiplies the sums' gradient in the weights' gradients: x and 1, h and 1.
  const int64_t features = I + H + 2;
  const bool anew = Cell::gates > 1 && !call.slots;
  Buffer<Real> by_h, by_x;

  // What a thread works in.
  struct Scratch {
    Buffer<Real> sums, inputs, slots, begun;
    explicit Scratch(const Backward& pass)
        : sums(CHUNK * pass.stride),
          inputs(CHUNK * pass.features),
          slots(pass.anew ? CHUNK * Cell::slots * pass.H : 0),
          begun(0) {}
    bool there() const { return sums.data && inputs.data && slots.data; }
  };

 public:
  explicit Backward(const HoldfastCall& given)
      : Base(given),
        by_h(rows * padded(H, lanes)),
        by_x(given.grad_x ? rows * padded(I, lanes) : 0) {}

  int run() {
    const int64_t threads = this->threads(), size = this->block_size();
    const int64_t gradient = features * columns;
    Buffer<Real> gradients(threads * gradient);
    if (!this->packed.data || !this->biases.data || !by_h.data || !by_x.data || !gradients.data)
      return 1;
    if (anew) this->pack();
    pack_transposed(by_h.data, at(call.weight_hh, 0), H, 0);
    if (call.grad_x) pack_transposed(by_x.data, at(call.weight_ih, 0), I, Cell::turned);
    const int64_t blocks = (B + size - 1) / size, parts = threads;
    int failed = 0;
#pragma omp parallel num_threads(static_cast<int>(parts)) if (parts > 1)
    {
      Scratch scratch(*this);
      // A part takes every parts-th block, so that what is added to what does not depend on luck.
#pragma omp for schedule(static, 1)
      for (int64_t part = 0; part < parts; ++part) {
        Real* own = gradients.data + part * gradient;
        for (int64_t index = 0; index < gradient; ++index) own[index] = 0;
        if (!scratch.there()) {
#pragma omp atomic write
          failed = 1;
          continue;
        }
        for (int64_t index = 0; index < CHUNK * stride; ++index) scratch.sums.data[index] = 0;
        for (int64_t block = part; block < blocks; block += parts) {
          const int64_t low = block * size, high = low + size < B ? low + size : B;
          back_through_block(low, high, scratch, own);
        }
      }
#pragma omp for schedule(static)
      for (int64_t gate = 0; gate < rows; gate += lanes) hand_over(gate, gradients.data, parts);
    }
    return failed;
  }

 private:
  // A weight (GH, all) in panels of its columns, gate g's rows at the place of slot g + turned.
  void pack_transposed(Real* to, const Real* weight, int64_t all, int turned) const {
    for (int64_t first = 0; first < all; first += panel) {
      const int vectors = vectors_from(first, all);
      for (int slot = 0; slot < Cell::gates; ++slot) {
        const int gate = (slot + turned) % Cell::gates;
        for (int64_t unit = 0; unit < H; ++unit)
          for (int w = 0; w < vectors; ++w, to += lanes)
            store(to, load(weight + (gate * H + unit) * all + first + w * lanes,
                           left(first + w * lanes, all)));
      }
    }
  }

  static int vectors_from(int64_t first, int64_t all) {
    const int64_t vectors = (all - first + lanes - 1) / lanes;
    return vectors < COLUMNS ? static_cast<int>(vectors) : COLUMNS;
  }

  void back_through_block(int64_t low, int64_t high, Scratch& scratch, Real* own) const {
    Row<Real> row[CHUNK];
    Real* grad_x[CHUNK];
    Real* grad_h[BLOCK];
    const Real* sums[CHUNK];
    const Real* from_h[CHUNK];
    for (int64_t index = 0; index < high - low; ++index)
      grad_h[index] = into(call.grad_h, (low + index) * H);
    const int64_t steps = CHUNK / (high - low);
    for (int64_t first = 0; first < T; first += steps) {
      const int64_t last = first + steps < T ? first + steps : T;
      int64_t count = 0;
      for (int64_t turn = first; turn < last; ++turn) {
        const int64_t now = step_at(turn), here = this->rows_at(now, low, high);
        for (int64_t index = 0; index < here; ++index, ++count) {
          row[count] = this->row_at(now, low + index);
          if (anew) row[count].slots = scratch.slots.data + count * Cell::slots * H;
          sums[count] = scratch.sums.data + count * stride;
          from_h[count] = sums[count] + Cell::recurrent * H;
          grad_x[count] = into(call.grad_x, (this->offset(now) + low + index) * I);
        }
      }
      if (anew) compute_slots(row, count);
      int64_t done = 0;
      for (int64_t turn = first; turn < last; ++turn) {
        const int64_t now = step_at(turn), here = this->rows_at(now, low, high);
        for (int64_t index = 0; index < here; ++index)
          deactivate(row[done + index], now, low + index, scratch.sums.data + (done + index) * stride);
        multiply_back<true>(grad_h, from_h + done, here, by_h.data, H);
        done += here;
      }
      if (call.grad_x) multiply_back<false>(grad_x, sums, count, by_x.data, I);
      add_weights(row, count, scratch, own);
    }
  }

  int64_t step_at(int64_t turn) const { return call.reverse ? turn : T - 1 - turn; }

  // What the forward pass did not keep.
  void compute_slots(const Row<Real>* rows_given, int64_t count) const {
    Row<Real> again[CHUNK];
    for (int64_t index = 0; index < count; ++index) {
      again[index] = rows_given[index];
      again[index].h = again[index].c = nullptr;
    }
    this->step(again, count);
  }

  // From the gradient of h to that of the sums; what passes them by is left in grad_h.
  void deactivate(const Row<Real>& row, int64_t now, int64_t index, Real* grad_sums) const {
    Real* grad_h = into(call.grad_h, index * H);
    Real* grad_c = into(call.grad_c, index * H);
    const Real* grad_output = at(call.grad_output, (this->offset(now) + index) * H);
    for (int64_t unit = 0; unit < H; unit += lanes) {
      const int there = left(unit, H);
      V slots[Cell::slots], da[Cell::slots], h_before = {}, c = {}, c_before = {}, dc = {};
      const Real* kept = Cell::gates > 1 ? row.slots : row.h;
      for (int slot = 0; slot < Cell::slots; ++slot) slots[slot] = load(kept + slot * H + unit, there);
      if (Cell::has_cell) {
        c = load<Real>(row.c + unit, there);
        c_before = load(row.c_before + unit, there);
        dc = load<Real>(grad_c + unit, there);
      }
      if (Cell::keeps_hidden) h_before = load(row.h_before + unit, there);
      V dh = load<Real>(grad_h + unit, there);
      if (grad_output) dh += load(grad_output + unit, there);
      const V past = Cell::backward(slots, h_before, c, c_before, dh, dc, da);
      store(grad_h + unit, past, there);
      if (Cell::has_cell) store(grad_c + unit, dc, there);
      for (int slot = 0; slot < Cell::slots; ++slot)
        store(grad_sums + slot * H + unit, da[slot], there);
    }
  }

  // to (+)= sums · weight, for a weight that was packed with `all` columns.
  template <bool ADD>
  void multiply_back(
      Real* const* to, const Real* const* sums, int64_t count, const Real* packed,
      int64_t all) const {
    for (int64_t first = 0; first < all; first += panel) {
      const int vectors = vectors_from(first, all);
      in_tiles(count, [&](int64_t row, auto height) {
        constexpr int R = decltype(height)::rows;
        switch (vectors) {
          case 1: back_tile<ADD, R, 1>(to + row, sums + row, packed, first, all); break;
          case 2: back_tile<ADD, R, 2>(to + row, sums + row, packed, first, all); break;
          case 3: back_tile<ADD, R, 3>(to + row, sums + row, packed, first, all); break;
          default: back_tile<ADD, R, 4>(to + row, sums + row, packed, first, all); break;
        }
      });
      packed += rows * vectors * lanes;
    }
  }

  template <bool ADD, int R, int W>
  void back_tile(
      Real* const* to, const Real* const* sums, const Real* packed, int64_t first,
      int64_t all) const {
    V product[R][COLUMNS];
    for (int r = 0; r < R; ++r)
      for (int w = 0; w < W; ++w) {
        const int64_t column = first + w * lanes;
        product[r][w] = ADD ? load<Real>(to[r] + column, left(column, all)) : V{};
      }
    multiply<Real, R, W, W - 1>(product, sums, rows, packed);
    for (int r = 0; r < R; ++r)
      for (int w = 0; w < W; ++w) {
        const int64_t column = first + w * lanes;
        store(to[r] + column, product[r][w], left(column, all));
      }
  }

  void add_weights(const Row<Real>* row, int64_t count, Scratch& scratch, Real* own) const {
    for (int64_t index = 0; index < count; ++index) {
      Real* to = scratch.inputs.data + index * features;
      for (int64_t k = 0; k < I; ++k) *to++ = row[index].x[k];
      *to++ = 1;
      for (int64_t k = 0; k < H; ++k) *to++ = row[index].h_before[k];
      *to = 1;
    }
    add_outer<Real>(
        own, columns, scratch.inputs.data, features, I + 1, scratch.sums.data, stride, count);
    add_outer<Real>(
        own + (I + 1) * columns, columns, scratch.inputs.data + I + 1, features, H + 1,
        scratch.sums.data + Cell::recurrent * H, stride, count);
  }

  // The parts' gradients of some rows of the weights, added up and brought into torch's order.
  void hand_over(int64_t first, const Real* gradients, int64_t parts) const {
    const int64_t last = first + lanes < rows ? first + lanes : rows;
    for (int64_t row = first; row < last; ++row) {
      // The column of this row among the slots of x, and among those of h.
      const int64_t turned = (row + (Cell::gates - Cell::turned) % Cell::gates * H) % rows;
      for (int64_t feature = 0; feature < features; ++feature) {
        const bool of_x = feature <= I;
        Real sum = 0;
        for (int64_t part = 0; part < parts; ++part)
          sum += gradients[(part * features + feature) * columns + (of_x ? turned : row)];
        const int64_t k = of_x ? feature : feature - I - 1;
        Real* to = of_x ? (k < I ? into(call.grad_weight_ih, row * I + k)
                                 : into(call.grad_bias_ih, row))
                        : (k < H ? into(call.grad_weight_hh, row * H + k)
                                 : into(call.grad_bias_hh, row));
        if (to) *to = sum;
      }
    }
  }
};

}  // namespace HOLDFAST_ISA
