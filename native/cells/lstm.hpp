// The LSTM's step for one vector of units, forward and backward.
#pragma once

#include "../simd.hpp"

namespace HOLDFAST_ISA {

template <class Real>
struct Lstm {
  using V = Vec<Real>;
  static constexpr int gates = 4;      // rows of the weights: i, f, g, o
  static constexpr int slots = 4;      // i, f, g, o after their nonlinearity
  static constexpr int from_x = 3;     // the sum to which the last gate's part of x is added
  static constexpr int from_h = 3;     // and the last gate's part of h
  static constexpr int recurrent = 0;  // the first slot that W_hh^T is applied to
  static constexpr bool has_cell = true;

  // i, f, o = σ(a);  g = tanh(a);  c = f c + i g;  h = o tanh(c)
  static HOLDFAST_INLINE V forward(const V (&a)[4], V, V& c, V (&kept)[slots]) {
    const V i = sigmoid<Real>(a[0]);
    const V f = sigmoid<Real>(a[1]);
    const V g = tanh<Real>(a[2]);
    const V o = sigmoid<Real>(a[3]);
    c = f * c + i * g;
    kept[0] = i, kept[1] = f, kept[2] = g, kept[3] = o;
    return o * tanh<Real>(c);
  }

  // From dh and the dc of later steps to the gradient of the four sums and the dc of the step before.
  // Returns what reaches h_{t-1} past the sums: nothing.
  static HOLDFAST_INLINE V backward(
      const V (&kept)[slots], V, V, V c, V c_before, V dh, V& dc, V (&da)[slots]) {
    const V i = kept[0], f = kept[1], g = kept[2], o = kept[3];
    const V squashed = tanh<Real>(c);
    dc += dh * o * (1 - squashed * squashed);
    da[0] = dc * g * i * (1 - i);
    da[1] = dc * c_before * f * (1 - f);
    da[2] = dc * i * (1 - g * g);
    da[3] = dh * squashed * o * (1 - o);
    dc = dc * f;
    return V{};
  }
};

}  // namespace HOLDFAST_ISA
