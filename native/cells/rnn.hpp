// The plain RNN's step for one vector of units, forward and backward.
#pragma once

#include "../simd.hpp"

namespace HOLDFAST_ISA {

template <class Real, bool RELU>
struct Rnn {
  using V = Vec<Real>;
  static constexpr int gates = 1;
  static constexpr int slots = 1;  // h itself, read from the output
  static constexpr int from_x = 0;
  static constexpr int from_h = 0;
  static constexpr int recurrent = 0;
  static constexpr bool has_cell = false;

  // h = tanh(a), or relu(a) with NaN kept
  static HOLDFAST_INLINE V forward(const V (&a)[4], V, V&, V (&kept)[slots]) {
    const V h = RELU ? (a[0] < V{} ? V{} : a[0]) : tanh<Real>(a[0]);
    kept[0] = h;
    return h;
  }

  static HOLDFAST_INLINE V backward(
      const V (&)[slots], V h, V, V, V, V dh, V&, V (&da)[slots]) {
    da[0] = RELU ? (h <= V{} ? V{} : dh) : dh * (1 - h * h);
    return V{};
  }
};

}  // namespace HOLDFAST_ISA
