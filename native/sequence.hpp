// The loop over time, generic in the cell: blocks of the batch run on threads of their own from the
// first step to the last, so nobody waits for anybody and no result depends on the thread count.
#pragma once

#include <cstdlib>

#include "call.hpp"
#include "product.hpp"

namespace HOLDFAST_ISA {

// Rows of the batch that go through a step together: their states stay in the nearest caches.
constexpr int64_t BLOCK = 48;

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
  const Real *x, *projected, *h_before, *c_before;
  Real *h, *c, *kept;
};

template <class Real, class Cell>
class Pass {
  using V = Vec<Real>;
  static constexpr int lanes = Simd<Real>::lanes;
  // Vectors of units in a panel: a cell of one gate fills the four columns with units.
  static constexpr int tiles = Cell::gates == 1 ? 4 : 1;
  static constexpr int width = Cell::gates * tiles;
  static constexpr int64_t panel_units = tiles * lanes;

 public:
  explicit Pass(const HoldfastCall& given)
      : call(given),
        T(given.steps),
        B(given.batch),
        I(given.projected ? 0 : given.inputs),
        H(given.units),
        panels((H + panel_units - 1) / panel_units),
        depth(I + H),
        packed(panels * depth * width * lanes),
        biases(panels * 4 * lanes) {}

  int forward() {
    if (!packed.data || !biases.data) return 1;
    pack();
    each_block([this](int64_t low, int64_t high, Real*) { forward_block(low, high); }, 0);
    return 0;
  }

  int backward() {
    const bool recompute = Cell::has_cell || Cell::gates > 1 ? !call.gates : false;
    const int64_t scratch = recompute ? BLOCK * Cell::slots * H : 0;
    const int64_t rows = Cell::gates * H;
    Buffer<Real> transposed(rows * ((H + lanes - 1) / lanes) * lanes);
    if (!packed.data || !biases.data || !transposed.data) return 1;
    if (recompute) pack();
    pack_transposed(transposed.data);
    return each_block(
        [this, recompute, &transposed](int64_t low, int64_t high, Real* memory) {
          backward_block(low, high, transposed.data, recompute ? memory : nullptr);
        },
        scratch);
  }

 private:
  const HoldfastCall& call;
  const int64_t T, B, I, H, panels, depth;
  Buffer<Real> packed, biases;

  template <class Work>
  int each_block(Work work, int64_t scratch) {
    const int64_t threads = call.threads > 1 ? call.threads : 1;
    const int64_t share = (B + threads - 1) / threads;
    const int64_t count = share > 0 ? (share + BLOCK - 1) / BLOCK * threads : 1;
    const int64_t size = (B + count - 1) / count;
    int failed = 0;
#pragma omp parallel num_threads(static_cast<int>(threads)) if (threads > 1 && count > 1)
    {
      Buffer<Real> memory(scratch);
#pragma omp for schedule(dynamic, 1)
      for (int64_t block = 0; block < count; ++block) {
        const int64_t low = block * size, high = low + size < B ? low + size : B;
        if (!memory.data) {
#pragma omp atomic write
          failed = 1;
        } else if (low < high) {
          work(low, high, memory.data);
        }
      }
    }
    return failed;
  }

  int64_t offset(int64_t step) const { return call.offsets ? call.offsets[step] : step * B; }

  int64_t rows_at(int64_t step) const {
    if (step < 0 || step >= T) return 0;
    return call.offsets ? call.offsets[step + 1] - call.offsets[step] : B;
  }

  // The row that was computed before row `row` of a step; −1 where that is the initial state.
  int64_t before(int64_t step, int64_t row) const {
    const int64_t previous = call.reverse ? step + 1 : step - 1;
    return row < rows_at(previous) ? offset(previous) + row : -1;
  }

  Row<Real> row_at(int64_t step, int64_t row) const {
    const int64_t here = offset(step) + row, previous = before(step, row);
    const int64_t local = here - offset(call.begin);
    const auto at = [](const void* base, int64_t index, int64_t columns) {
      return base ? static_cast<const Real*>(base) + index * columns : nullptr;
    };
    const auto into = [](void* base, int64_t index, int64_t columns) {
      return base ? static_cast<Real*>(base) + index * columns : nullptr;
    };
    Row<Real> made;
    made.x = at(call.x, here, I);
    made.projected = at(call.projected, local, Cell::gates * H);
    made.h_before = previous < 0 ? at(call.h0, row, H) : at(call.output, previous, H);
    made.h = into(call.output, here, H);
    made.kept = into(call.gates, here, Cell::slots * H);
    if (call.cells) {
      made.c = into(call.cells, here, H);
      made.c_before = previous < 0 ? at(call.c0, row, H) : at(call.cells, previous, H);
    } else {
      made.c = into(call.cell_state, row, H);
      made.c_before = made.c;
    }
    return made;
  }

  void pack() {
    const auto* weight_ih = static_cast<const Real*>(call.weight_ih);
    const auto* weight_hh = static_cast<const Real*>(call.weight_hh);
    const auto* bias_ih = static_cast<const Real*>(call.bias_ih);
    const auto* bias_hh = static_cast<const Real*>(call.bias_hh);
    for (int64_t panel = 0; panel < panels; ++panel) {
      Real* to = packed.data + panel * depth * width * lanes;
      Real* bias = biases.data + panel * 4 * lanes;
      for (int lane = 0; lane < 4 * lanes; ++lane) bias[lane] = 0;
      for (int column = 0; column < width * lanes; ++column) {
        const int gate = tiles == 1 ? column / lanes : 0;
        const int64_t unit = panel * panel_units + (tiles == 1 ? column % lanes : column);
        const bool there = unit < H;
        const int64_t row = gate * H + unit;
        for (int64_t k = 0; k < I; ++k)
          to[k * width * lanes + column] = there ? weight_ih[row * I + k] : 0;
        for (int64_t k = 0; k < H; ++k)
          to[(I + k) * width * lanes + column] = there ? weight_hh[row * H + k] : 0;
        if (!there || !bias_ih) continue;
        const bool apart = Cell::from_x != Cell::from_h && gate == Cell::from_x;
        bias[column] = apart ? bias_ih[row] : bias_ih[row] + bias_hh[row];
        if (apart) bias[Cell::from_h * lanes + column % lanes] = bias_hh[row];
      }
    }
  }

  // W_hh in panels of columns, the rows of all gates below one another.
  void pack_transposed(Real* to) const {
    const auto* weight_hh = static_cast<const Real*>(call.weight_hh);
    const int64_t rows = Cell::gates * H;
    for (int64_t first = 0; first < H; first += 4 * lanes) {
      const int vectors = vectors_from(first);
      for (int64_t k = 0; k < rows; ++k)
        for (int w = 0; w < vectors; ++w, to += lanes)
          store(to, load(weight_hh + k * H + first + w * lanes, left(first + w * lanes)));
    }
  }

  int vectors_from(int64_t first) const {
    const int64_t vectors = (H - first + lanes - 1) / lanes;
    return vectors < 4 ? static_cast<int>(vectors) : 4;
  }

  int left(int64_t unit) const { return H - unit < lanes ? static_cast<int>(H - unit) : lanes; }

  // Calls `work.template operator()<R>(first)` for tiles of nearly equal height.
  template <class Work>
  static HOLDFAST_INLINE void in_tiles(int64_t rows, Work work) {
    const int64_t tiles_wanted = (rows + ROWS - 1) / ROWS;
    int64_t first = 0;
    for (int64_t tile = 0; tile < tiles_wanted; ++tile) {
      const int64_t height = (rows - first) / (tiles_wanted - tile);
      switch (height) {
        case 1: work(first, Height<1>()); break;
        case 2: work(first, Height<2>()); break;
        case 3: work(first, Height<3>()); break;
#if HOLDFAST_ROWS > 3
        case 4: work(first, Height<4>()); break;
        case 5: work(first, Height<5>()); break;
        case 6: work(first, Height<6>()); break;
#endif
      }
      first += height;
    }
  }

  template <int R>
  struct Height {
    static constexpr int rows = R;
  };

  void step(const Row<Real>* rows, int64_t count) const {
    for (int64_t panel = 0; panel < panels; ++panel)
      in_tiles(count, [&](int64_t first, auto height) {
        tile<decltype(height)::rows>(rows + first, panel);
      });
  }

  template <int R>
  void tile(const Row<Real>* rows, int64_t panel) const {
    const Real* weights = packed.data + panel * depth * width * lanes;
    const Real* bias = biases.data + panel * 4 * lanes;
    const int64_t unit = panel * panel_units;
    V sums[R][4];
    const Real* sources[R];
    for (int r = 0; r < R; ++r)
      for (int w = 0; w < 4; ++w) sums[r][w] = load(bias + w * lanes);
    if (call.projected) {
      for (int r = 0; r < R; ++r)
        for (int w = 0; w < width; ++w) {
          const int64_t at = tiles == 1 ? unit : unit + w * lanes;
          if (at < H)
            sums[r][w] += load(rows[r].projected + (tiles == 1 ? w * H : 0) + at, left(at));
        }
    } else {
      for (int r = 0; r < R; ++r) sources[r] = rows[r].x;
      accumulate<Real, R, width, tiles == 1 ? Cell::from_x : width - 1>(sums, sources, I, weights);
    }
    for (int r = 0; r < R; ++r) sources[r] = rows[r].h_before;
    accumulate<Real, R, width, tiles == 1 ? Cell::from_h : width - 1>(
        sums, sources, H, weights + I * width * lanes);
    for (int r = 0; r < R; ++r)
      for (int part = 0; part < tiles; ++part)
        if (unit + part * lanes < H) activate(rows[r], sums[r], part, unit + part * lanes);
  }

  HOLDFAST_INLINE void activate(
      const Row<Real>& row, const V (&sums)[4], int part, int64_t unit) const {
    const int there = left(unit);
    V kept[Cell::slots], c = {}, h_before = {};
    V a[4];
    for (int w = 0; w < 4; ++w) a[w] = tiles == 1 ? sums[w] : sums[part];
    if (Cell::has_cell) c = load(row.c_before + unit, there);
    else if (Cell::gates > 1) h_before = load(row.h_before + unit, there);
    const V h = Cell::forward(a, h_before, c, kept);
    if (row.h) store(row.h + unit, h, there);
    if (Cell::has_cell && row.c) store(row.c + unit, c, there);
    if (row.kept)
      for (int slot = 0; slot < Cell::slots; ++slot)
        store(row.kept + slot * H + unit, kept[slot], there);
  }

  void forward_block(int64_t low, int64_t high) const {
    Row<Real> rows[BLOCK];
    for (int64_t turn = call.begin; turn < call.end; ++turn) {
      const int64_t now = call.reverse ? call.end - 1 - (turn - call.begin) : turn;
      const int64_t top = rows_at(now) < high ? rows_at(now) : high;
      for (int64_t row = low; row < top; ++row) rows[row - low] = row_at(now, row);
      if (top > low) step(rows, top - low);
    }
  }

  void backward_block(int64_t low, int64_t high, const Real* transposed, Real* scratch) const {
    Row<Real> rows[BLOCK];
    const Real* sums[BLOCK];
    auto* grad_h = static_cast<Real*>(call.grad_h);
    for (int64_t turn = call.begin; turn < call.end; ++turn) {
      const int64_t now = call.reverse ? turn : call.end - 1 - (turn - call.begin);
      const int64_t top = rows_at(now) < high ? rows_at(now) : high;
      if (top <= low) continue;
      for (int64_t row = low; row < top; ++row) rows[row - low] = row_at(now, row);
      if (scratch) again(rows, top - low, scratch);
      for (int64_t row = low; row < top; ++row)
        sums[row - low] = deactivate(rows[row - low], now, row) + Cell::recurrent * H;
      back_through_weights(sums, top - low, transposed, grad_h + low * H);
    }
  }

  // The slots of some rows, computed a second time.
  void again(Row<Real>* rows, int64_t count, Real* scratch) const {
    Row<Real> anew[BLOCK];
    for (int64_t row = 0; row < count; ++row) {
      rows[row].kept = scratch + row * Cell::slots * H;
      anew[row] = rows[row];
      anew[row].h = anew[row].c = nullptr;
    }
    step(anew, count);
  }

  // From the gradient of h to that of the sums; what passes them by is left in grad_h.
  const Real* deactivate(const Row<Real>& row, int64_t now, int64_t index) const {
    const int64_t here = offset(now) + index;
    Real* grad_h = static_cast<Real*>(call.grad_h) + index * H;
    Real* grad_c = Cell::has_cell ? static_cast<Real*>(call.grad_c) + index * H : nullptr;
    const Real* grad_output =
        call.grad_output ? static_cast<const Real*>(call.grad_output) + here * H : nullptr;
    Real* grad_sums =
        static_cast<Real*>(call.grad_sums) + (here - offset(call.begin)) * Cell::slots * H;
    for (int64_t unit = 0; unit < H; unit += lanes) {
      const int there = left(unit);
      V kept[Cell::slots], da[Cell::slots], h = {}, h_before = {}, c = {}, c_before = {}, dc = {};
      if (Cell::gates > 1)
        for (int slot = 0; slot < Cell::slots; ++slot)
          kept[slot] = load(static_cast<const Real*>(row.kept) + slot * H + unit, there);
      else
        h = load(static_cast<const Real*>(row.h) + unit, there);
      if (Cell::has_cell) {
        c = load(static_cast<const Real*>(row.c) + unit, there);
        c_before = load(row.c_before + unit, there);
        dc = load(static_cast<const Real*>(grad_c) + unit, there);
      } else if (Cell::gates > 1) {
        h_before = load(row.h_before + unit, there);
      }
      V dh = load(static_cast<const Real*>(grad_h) + unit, there);
      if (grad_output) dh += load(grad_output + unit, there);
      store(grad_h + unit, Cell::backward(kept, h, h_before, c, c_before, dh, dc, da), there);
      if (Cell::has_cell) store(grad_c + unit, dc, there);
      for (int slot = 0; slot < Cell::slots; ++slot)
        store(grad_sums + slot * H + unit, da[slot], there);
    }
    return grad_sums;
  }

  // grad_h += grad_sums W_hh
  void back_through_weights(
      const Real* const* sums, int64_t count, const Real* transposed, Real* grad_h) const {
    for (int64_t first = 0; first < H; first += 4 * lanes) {
      const int vectors = vectors_from(first);
      in_tiles(count, [&](int64_t row, auto height) {
        constexpr int R = decltype(height)::rows;
        Real* to = grad_h + row * H + first;
        switch (vectors) {
          case 1: back_tile<R, 1>(sums + row, transposed, to, first); break;
          case 2: back_tile<R, 2>(sums + row, transposed, to, first); break;
          case 3: back_tile<R, 3>(sums + row, transposed, to, first); break;
          default: back_tile<R, 4>(sums + row, transposed, to, first); break;
        }
      });
      transposed += Cell::gates * H * vectors * lanes;
    }
  }

  template <int R, int W>
  void back_tile(const Real* const* sums, const Real* panel, Real* to, int64_t first) const {
    V product[R][4];
    for (int r = 0; r < R; ++r)
      for (int w = 0; w < W; ++w)
        product[r][w] = load(static_cast<const Real*>(to) + r * H + w * lanes, left(first + w * lanes));
    accumulate<Real, R, W, W - 1>(product, sums, Cell::gates * H, panel);
    for (int r = 0; r < R; ++r)
      for (int w = 0; w < W; ++w)
        store(to + r * H + w * lanes, product[r][w], left(first + w * lanes));
  }
};

}  // namespace HOLDFAST_ISA
