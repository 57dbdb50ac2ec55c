// The matrix products inside the loop over time: tiles of rows times panels of packed columns.
#pragma once

#include "simd.hpp"

namespace HOLDFAST_ISA {

// Vectors in a panel at most. ROWS × COLUMNS sums fill the registers.
constexpr int COLUMNS = 4;

template <int R>
struct Height {
  static constexpr int rows = R;
};

// Calls work(first row, Height<R>()) for tiles of nearly equal height.
template <class Work>
HOLDFAST_INLINE void in_tiles(int64_t rows, Work work) {
  const int64_t tiles = (rows + ROWS - 1) / ROWS;
  int64_t first = 0;
  for (int64_t tile = 0; tile < tiles; ++tile) {
    const int64_t height = (rows - first) / (tiles - tile);
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

// sums[r][w] += Σ_k rows[r][k] · panel[k][w], the last column's sum at LAST instead of W − 1.
// k rises, so that a row's result does not depend on which rows are computed beside it.
template <class Real, int R, int W, int LAST>
HOLDFAST_INLINE void multiply(
    Vec<Real> (&sums)[R][COLUMNS], const Real* const* rows, int64_t depth, const Real* panel) {
  constexpr int lanes = Simd<Real>::lanes;
  const Real* row[R];
  for (int r = 0; r < R; ++r) row[r] = rows[r];
  for (int64_t k = 0; k < depth; ++k) {
    Vec<Real> weight[W];
#pragma GCC unroll 4
    for (int w = 0; w < W; ++w) weight[w] = load(panel + (k * W + w) * lanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vec<Real> value = fill(row[r][k]);
#pragma GCC unroll 4
      for (int w = 0; w < W; ++w) sums[r][w < W - 1 ? w : LAST] += value * weight[w];
    }
  }
}

// Columns in whole vectors or panels.
inline int64_t padded(int64_t columns, int64_t to) { return (columns + to - 1) / to * to; }

// The lanes of a vector that begins at `unit` of `all`.
template <class Real>
HOLDFAST_INLINE int left(int64_t unit, int64_t all) {
  constexpr int lanes = Simd<Real>::lanes;
  return all - unit < lanes ? static_cast<int>(all - unit) : lanes;
}

template <class Real>
int vectors_from(int64_t first, int64_t all) {
  constexpr int lanes = Simd<Real>::lanes;
  const int64_t vectors = (all - first + lanes - 1) / lanes;
  return vectors < COLUMNS ? static_cast<int>(vectors) : COLUMNS;
}

// A matrix of depth × padded(columns) values in panels of its columns; row(k) is where row k lies.
template <class Real, class Where>
void pack_panels(Real* to, int64_t depth, int64_t columns, Where row) {
  constexpr int lanes = Simd<Real>::lanes;
  for (int64_t first = 0; first < columns; first += COLUMNS * lanes) {
    const int vectors = vectors_from<Real>(first, columns);
    for (int64_t k = 0; k < depth; ++k) {
      const Real* from = row(k) + first;
      for (int w = 0; w < vectors; ++w, to += lanes)
        store(to, load(from + w * lanes, left<Real>(first + w * lanes, columns)));
    }
  }
}

template <class Real, bool ADD, int R, int W>
void times_panel(
    Real* const* to, const Real* const* from, int64_t depth, const Real* packed, int64_t first,
    int64_t columns) {
  constexpr int lanes = Simd<Real>::lanes;
  Vec<Real> product[R][COLUMNS];
  for (int r = 0; r < R; ++r)
    for (int w = 0; w < W; ++w) {
      const int64_t column = first + w * lanes;
      product[r][w] = ADD ? load<Real>(to[r] + column, left<Real>(column, columns)) : Vec<Real>{};
    }
  multiply<Real, R, W, W - 1>(product, from, depth, packed);
  for (int r = 0; r < R; ++r)
    for (int w = 0; w < W; ++w) {
      const int64_t column = first + w * lanes;
      store(to[r] + column, product[r][w], left<Real>(column, columns));
    }
}

// to (+)= from · matrix, for `count` rows and a matrix that `pack_panels` has packed.
template <bool ADD, class Real>
void times_matrix(
    Real* const* to, const Real* const* from, int64_t count, int64_t depth, const Real* packed,
    int64_t columns) {
  constexpr int lanes = Simd<Real>::lanes;
  for (int64_t first = 0; first < columns; first += COLUMNS * lanes) {
    const int vectors = vectors_from<Real>(first, columns);
    in_tiles(count, [&](int64_t row, auto height) {
      constexpr int R = decltype(height)::rows;
      switch (vectors) {
        case 1: times_panel<Real, ADD, R, 1>(to + row, from + row, depth, packed, first, columns); break;
        case 2: times_panel<Real, ADD, R, 2>(to + row, from + row, depth, packed, first, columns); break;
        case 3: times_panel<Real, ADD, R, 3>(to + row, from + row, depth, packed, first, columns); break;
        default: times_panel<Real, ADD, R, 4>(to + row, from + row, depth, packed, first, columns); break;
      }
    });
    packed += depth * vectors * lanes;
  }
}

// Columns up to which a vector along the rows of a matrix is better filled than one along its columns.
constexpr int64_t FEW = 4;

// to = from · matrix, for a matrix (depth, columns ≤ FEW) whose columns lie one after the other.
template <class Real>
void times_few(
    Real* const* to, const Real* const* from, int64_t count, int64_t depth, const Real* matrix,
    int64_t columns) {
  constexpr int lanes = Simd<Real>::lanes;
  for (int64_t row = 0; row < count; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      Vec<Real> sums = {};
      for (int64_t k = 0; k < depth; k += lanes) {
        const int there = left<Real>(k, depth);
        sums += load(from[row] + k, there) * load(matrix + column * depth + k, there);
      }
      Real parts[lanes];
      store(parts, sums);
#pragma GCC unroll 4
      for (int half = lanes / 2; half > 0; half /= 2)
        for (int lane = 0; lane < half; ++lane) parts[lane] += parts[lane + half];
      to[row][column] = parts[0];
    }
}

// to[f][column] += Σ_k features[k][f] · values[k][column] for f < count and all columns, which are
// a multiple of a panel; both factors lie row k after row k.
template <class Real>
void add_outer(
    Real* to, int64_t columns, const Real* features, int64_t feature_stride, int64_t count,
    const Real* values, int64_t value_stride, int64_t depth) {
  constexpr int lanes = Simd<Real>::lanes;
  for (int64_t column = 0; column < columns; column += COLUMNS * lanes)
    in_tiles(count, [&](int64_t first, auto height) {
      constexpr int R = decltype(height)::rows;
      Real* corner = to + first * columns + column;
      Vec<Real> sums[R][COLUMNS];
      for (int r = 0; r < R; ++r)
        for (int w = 0; w < COLUMNS; ++w) sums[r][w] = load<Real>(corner + r * columns + w * lanes);
      const Real* feature = features + first;
      const Real* value = values + column;
      for (int64_t k = 0; k < depth; ++k, feature += feature_stride, value += value_stride) {
        Vec<Real> loaded[COLUMNS];
#pragma GCC unroll 4
        for (int w = 0; w < COLUMNS; ++w) loaded[w] = load(value + w * lanes);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
          const Vec<Real> factor = fill(feature[r]);
#pragma GCC unroll 4
          for (int w = 0; w < COLUMNS; ++w) sums[r][w] += factor * loaded[w];
        }
      }
      for (int r = 0; r < R; ++r)
        for (int w = 0; w < COLUMNS; ++w) store(corner + r * columns + w * lanes, sums[r][w]);
    });
}

}  // namespace HOLDFAST_ISA
