// The plain RNN's step for one vector of units, forward and backward.
#pragma once

#include "../simd.hpp"

namespace HOLDFAST_ISA {

template <class Real, bool RELU>
struct Rnn {
  using V = Vec<Real>;
  static constexpr int gates = 1;
  static constexpr int saved = 1;  // h itself, read from the output
  static constexpr int from_x = 0;
  static constexpr int from_h = 0;
  static constexpr int recurrent = 0;
  static constexpr int turned = 0;     // gate g of W_ih stands at saved gate g + gates − turned
  static constexpr bool keeps_hidden = false;  // h_{t-1} goes on past the gates
  static constexpr bool has_cell = false;
  static constexpr bool stabilised = false;  // n and m are parts of the state
  static constexpr int together = 1;  // gates that are normalised as one vector

  // h = tanh(a), or relu(a) with NaN kept
  static HOLDFAST_INLINE V forward(const V (&a)[4], V, V&, V (&gate)[saved]) {
    const V h = RELU ? (a[0] < V{} ? V{} : a[0]) : tanh<Real>(a[0]);
    gate[0] = h;
    return h;
  }

  static HOLDFAST_INLINE V backward(
      const V (&gate)[saved], V, V, V, V dh, V&, V (&da)[saved]) {
    const V h = gate[0];
    da[0] = RELU ? (h <= V{} ? V{} : dh) : dh * (1 - h * h);
    return V{};
  }
};

}  // namespace HOLDFAST_ISA
