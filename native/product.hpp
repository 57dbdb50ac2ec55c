// The matrix product inside a step: a few rows of the batch times one panel of packed weights.
#pragma once

#include "simd.hpp"

namespace HOLDFAST_ISA {

// A panel holds `width` vectors of columns for every row k of a matrix, one k after the other, so
// that it is read once from front to back and stays in the nearest cache while rows pass by.
template <class Real>
constexpr int panel_columns(int width) {
  return width * Simd<Real>::lanes;
}

// sums[r][columns[w]] += Σ_k rows[r][k] · panel[k][w], k rising, so that a row's result does not
// depend on which rows are computed beside it.
template <class Real, int R, int W, int LAST>
HOLDFAST_INLINE void accumulate(
    Vec<Real> (&sums)[R][4], const Real* const* rows, int64_t depth, const Real* panel) {
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

}  // namespace HOLDFAST_ISA
