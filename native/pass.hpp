// What the forward and the backward pass share: where numbers lie, packed weights, and a step.
#pragma once

#include <cstdlib>

#include "call.hpp"
#include "product.hpp"

namespace HOLDFAST_ISA {

// Rows of the batch that go through a step together: their states stay in the nearest caches.
constexpr int64_t BLOCK = 48;

// Bytes of saved gates from which on they would drive everything else out of a core's own cache.
constexpr int64_t MANY = 1 << 20;

// Memory that is given back, aligned to cache lines.
template <class Real>
struct Buffer {
  Real* data;
  explicit Buffer(int64_t count) : data(nullptr) {
    void* memory = nullptr;
    const size_t bytes = static_cast<size_t>(count > 0 ? count : 1) * sizeof(Real);
    if (posix_memalign(&memory, 64, bytes) == 0) data = static_cast<Real*>(memory);
  }
  ~Buffer() { std::free(data); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
};

// One row of the batch at one step: where its numbers lie; what is null is not there or not wanted.
template <class Real>
struct Row {
  const Real* x;
  const Real* begun;  // the sums with x and biases already in them, instead of x
  const Real *h_before, *c_before;
  Real *h, *c, *saved;
  int64_t time, index;  // step of the input and row of the batch: what masks are drawn for
};

template <class Real, class Cell>
class Pass {
 protected:
  using V = Vec<Real>;
  static constexpr int lanes = Simd<Real>::lanes;
  // A panel has a vector for each gate of a few units; a cell of one gate fills it with units.
  static constexpr int tiles = Cell::gates == 1 ? COLUMNS : 1;
  static constexpr int width = Cell::gates * tiles;
  static constexpr int64_t panel_units = tiles * lanes;

  const HoldfastCall& call;
  const int64_t T, B, I, H, P, panels, depth;
  const bool away;  // saved gates are stored past the caches
  Buffer<Real> packed, biases;

  explicit Pass(const HoldfastCall& given)
      : call(given),
        T(given.steps),
        B(given.batch),
        I(given.inputs),
        H(given.units),
        P(given.projection ? given.projection : given.units),
        panels((H + panel_units - 1) / panel_units),
        depth(I + P),
        away(
            H % lanes == 0 && reinterpret_cast<uintptr_t>(call.saved_gates) % sizeof(V) == 0 &&
            offset(T) * Cell::saved * H * static_cast<int64_t>(sizeof(Real)) >= MANY),
        packed(panels * depth * width * lanes),
        biases(panels * COLUMNS * lanes) {}

  // What a thread works in at a step of some rows; the plain cells need nothing.
  struct Work {
    Work(const Pass&, int64_t) {}
    bool allocated() const { return true; }
  };

  bool allocated() const { return packed.data && biases.data; }

  // Threads take blocks of the batch from the first step to the last: no step waits for another
  // thread, and no row's result depends on how many there are.
  int64_t threads() const {
    const int64_t most = call.threads < B ? call.threads : B;
    return most < 1 ? 1 : most;
  }

  int64_t block_size() const {
    const int64_t share = B > 0 ? (B + threads() - 1) / threads() : 1;
    const int64_t parts = (share + BLOCK - 1) / BLOCK;
    return (share + parts - 1) / parts;
  }

  int64_t offset(int64_t step) const { return call.offsets ? call.offsets[step] : step * B; }

  int64_t rows_at(int64_t step) const {
    if (step < 0 || step >= T) return 0;
    return call.offsets ? call.offsets[step + 1] - call.offsets[step] : B;
  }

  // Rows of the block [low, high) that a step has.
  int64_t rows_at(int64_t step, int64_t low, int64_t high) const {
    const int64_t top = rows_at(step) < high ? rows_at(step) : high;
    return top > low ? top - low : 0;
  }

  static const Real* at(const void* base, int64_t index) {
    return base ? static_cast<const Real*>(base) + index : nullptr;
  }

  static Real* into(void* base, int64_t index) {
    return base ? static_cast<Real*>(base) + index : nullptr;
  }

  Row<Real> row_at(int64_t step, int64_t row) const {
    const int64_t here = offset(step) + row, neighbour = call.reverse ? step + 1 : step - 1;
    const bool first = row >= rows_at(neighbour);
    const int64_t before = first ? 0 : offset(neighbour) + row;
    Row<Real> result;
    result.x = at(call.x, here * I);
    result.begun = nullptr;
    result.h_before = first ? at(call.h0, row * P) : at(call.output, before * P);
    result.h = into(call.output, here * P);
    result.saved = into(call.saved_gates, here * Cell::saved * H);
    if (call.cells) {
      result.c_before = first ? at(call.c0, row * H) : at(call.cells, before * H);
      result.c = into(call.cells, here * H);
    } else {
      result.c = into(call.cell_state, row * H);
      result.c_before = result.c;
    }
    result.time = step, result.index = row;
    return result;
  }

  void pack() {
    for (int64_t panel = 0; panel < panels; ++panel) {
      Real* to = packed.data + panel * depth * width * lanes;
      Real* bias = biases.data + panel * COLUMNS * lanes;
      for (int lane = 0; lane < COLUMNS * lanes; ++lane) bias[lane] = 0;
      for (int column = 0; column < width * lanes; ++column) {
        const int gate = tiles == 1 ? column / lanes : 0;
        const int64_t unit = panel * panel_units + (tiles == 1 ? column % lanes : column);
        const int64_t row = gate * H + unit;
        const Real* from_x = unit < H ? at(call.weight_ih, row * I) : nullptr;
        const Real* from_h = unit < H ? at(call.weight_hh, row * P) : nullptr;
        for (int64_t k = 0; k < I; ++k) to[k * width * lanes + column] = from_x ? from_x[k] : 0;
        for (int64_t k = 0; k < P; ++k)
          to[(I + k) * width * lanes + column] = from_h ? from_h[k] : 0;
        // Behind a normalisation a bias is its shift, and no part of the sum.
        if (unit >= H || !call.bias_ih || call.norm_ih) continue;
        const Real bias_x = *at(call.bias_ih, row), bias_h = *at(call.bias_hh, row);
        const bool apart = Cell::from_x != Cell::from_h && gate == Cell::from_x;
        bias[column] = apart ? bias_x : bias_x + bias_h;
        if (apart) bias[Cell::from_h * lanes + column % lanes] = bias_h;
      }
    }
  }

  // Values in `begun` for a row.
  int64_t begun_size() const { return panels * COLUMNS * lanes; }

  // W_ih x + b for some rows, into row after row of `to`.
  void begin(Row<Real>* rows, int64_t count, Real* to) const {
    for (int64_t panel = 0; panel < panels; ++panel)
      in_tiles(count, [&](int64_t first, auto height) {
        constexpr int R = decltype(height)::rows;
        V sums[R][COLUMNS];
        add_inputs<R>(sums, rows + first, panel);
        for (int r = 0; r < R; ++r)
          for (int w = 0; w < COLUMNS; ++w)
            store(to + (first + r) * begun_size() + (panel * COLUMNS + w) * lanes, sums[r][w]);
      });
    for (int64_t row = 0; row < count; ++row) rows[row].begun = to + row * begun_size();
  }

  // One step of some rows, which need not be of the same time.
  void step(const Row<Real>* rows, int64_t count, Work&) const {
    for (int64_t panel = 0; panel < panels; ++panel)
      in_tiles(count, [&](int64_t first, auto height) {
        tile<decltype(height)::rows>(rows + first, panel);
      });
  }

  // The sums of a tile begin with the biases and W_ih x, or with what `begin` has made of them.
  template <int R>
  HOLDFAST_INLINE void begin_sums(
      V (&sums)[R][COLUMNS], const Row<Real>* rows, int64_t panel) const {
    if (rows[0].begun) {
      for (int r = 0; r < R; ++r)
        for (int w = 0; w < COLUMNS; ++w)
          sums[r][w] = load(rows[r].begun + (panel * COLUMNS + w) * lanes);
    } else {
      add_inputs<R>(sums, rows, panel);
    }
  }

  // W_hh h is added to the sums of a tile.
  template <int R>
  HOLDFAST_INLINE void add_hidden(
      V (&sums)[R][COLUMNS], const Real* const* h_before, int64_t panel) const {
    multiply<Real, R, width, tiles == 1 ? Cell::from_h : width - 1>(
        sums, h_before, P, packed.data + (panel * depth + I) * width * lanes);
  }

 private:
  template <int R>
  HOLDFAST_INLINE void add_inputs(
      V (&sums)[R][COLUMNS], const Row<Real>* rows, int64_t panel) const {
    const Real* bias = biases.data + panel * COLUMNS * lanes;
    const Real* sources[R];
    for (int r = 0; r < R; ++r) {
      sources[r] = rows[r].x;
      for (int w = 0; w < COLUMNS; ++w) sums[r][w] = load(bias + w * lanes);
    }
    multiply<Real, R, width, tiles == 1 ? Cell::from_x : width - 1>(
        sums, sources, I, packed.data + panel * depth * width * lanes);
  }

  template <int R>
  void tile(const Row<Real>* rows, int64_t panel) const {
    V sums[R][COLUMNS];
    const Real* sources[R];
    begin_sums<R>(sums, rows, panel);
    for (int r = 0; r < R; ++r) sources[r] = rows[r].h_before;
    add_hidden<R>(sums, sources, panel);
    for (int r = 0; r < R; ++r)
      for (int part = 0; part < tiles; ++part) {
        const int64_t unit = panel * panel_units + part * lanes;
        if (unit < H) activate(rows[r], sums[r], part, unit);
      }
  }

  HOLDFAST_INLINE void activate(
      const Row<Real>& row, const V (&sums)[COLUMNS], int part, int64_t unit) const {
    const int there = left<Real>(unit, H);
    V saved[Cell::saved], a[COLUMNS], c = {}, h_before = {};
    for (int w = 0; w < COLUMNS; ++w) a[w] = sums[tiles == 1 ? w : part];
    if (Cell::has_cell) c = load(row.c_before + unit, there);
    if (Cell::keeps_hidden) h_before = load(row.h_before + unit, there);
    const V h = Cell::forward(a, h_before, c, saved);
    if (row.h) store(row.h + unit, h, there);
    if (Cell::has_cell && row.c) store(row.c + unit, c, there);
    if (!row.saved) return;
    Real* to = row.saved + unit;
    if (away) {
#pragma GCC unroll 4
      for (int gate = 0; gate < Cell::saved; ++gate) store_away(to + gate * H, saved[gate]);
    } else {
#pragma GCC unroll 4
      for (int gate = 0; gate < Cell::saved; ++gate) store(to + gate * H, saved[gate], there);
    }
  }
};

}  // namespace HOLDFAST_ISA
