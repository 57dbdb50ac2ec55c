// The GRU's step for one vector of units, forward and backward.
#pragma once

#include "../simd.hpp"

namespace HOLDFAST_ISA {

template <class Real>
struct Gru {
  using V = Vec<Real>;
  static constexpr int gates = 3;      // rows of the weights: r, z, n
  static constexpr int saved = 4;      // n, r, z and W_hn h + b_hn; x has the first three, h the last
  static constexpr int from_x = 2;     // sums: r, z, n from x, n from h
  static constexpr int from_h = 3;
  static constexpr int recurrent = 1;
  static constexpr int turned = 2;     // gate g of W_ih stands at saved gate g + gates − turned
  static constexpr bool keeps_hidden = true;  // h_{t-1} goes on past the gates
  static constexpr bool has_cell = false;
  static constexpr bool stabilised = false;  // n and m are parts of the state
  static constexpr int together = 2;  // gates that are normalised as one vector: r and z

  // r, z = σ(a);  n = tanh(a_nx + r a_nh);  h = (1 − z) n + z h
  static HOLDFAST_INLINE V forward(const V (&a)[4], V h_before, V&, V (&gate)[saved]) {
    const V r = sigmoid<Real>(a[0]);
    const V z = sigmoid<Real>(a[1]);
    const V n = tanh<Real>(a[2] + r * a[3]);
    gate[0] = n, gate[1] = r, gate[2] = z, gate[3] = a[3];
    return (1 - z) * n + z * h_before;
  }

  static HOLDFAST_INLINE V backward(
      const V (&gate)[saved], V h_before, V, V, V dh, V&, V (&da)[saved]) {
    const V n = gate[0], r = gate[1], z = gate[2];
    da[0] = dh * (1 - z) * (1 - n * n);
    da[1] = da[0] * gate[3] * r * (1 - r);
    da[2] = dh * (h_before - n) * z * (1 - z);
    da[3] = da[0] * r;
    return dh * z;
  }
};

}  // namespace HOLDFAST_ISA
