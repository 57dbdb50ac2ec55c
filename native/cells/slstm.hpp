// The sLSTM's step for one vector of units, forward and backward.
#pragma once

#include "../simd.hpp"

namespace HOLDFAST_ISA {

// log(1 + u) = 2 artanh(u / (2 + u)) for 0 ≤ u ≤ 1
template <class Real>
HOLDFAST_INLINE Vec<Real> log_one_plus(Vec<Real> u) {
  constexpr int terms = sizeof(Real) == 4 ? 8 : 17;  // s ≤ 1/3: s^(2 · terms) / (2 · terms) is no more seen
  const Vec<Real> s = u / (2 + u), square = s * s;
  Vec<Real> sum = fill<Real>(static_cast<Real>(1.0 / (2 * terms + 1)));
#pragma GCC unroll 20
  for (int k = terms - 1; k >= 0; --k) sum = sum * square + static_cast<Real>(1.0 / (2 * k + 1));
  return 2 * s * sum;
}

// e^x; 0 where it is below the smallest normal number.
template <class Real>
HOLDFAST_INLINE Vec<Real> exponential(Vec<Real> x) {
  Vec<Real> power;
  const Vec<Real> less_one = exponential_less_one<Real>(x, power);
  return x < -Simd<Real>::largest ? Vec<Real>{} : power + power * less_one;
}

template <class Real>
struct Slstm {
  using V = Vec<Real>;
  static constexpr int gates = 4;      // rows of the weights: i, f, z, o
  static constexpr int saved = 6;      // the same, ∂ log f / ∂ a_f, and the n before
  static constexpr int from_x = 3;     // the sum to which the last gate's part of x is added
  static constexpr int from_h = 3;     // and the last gate's part of h
  static constexpr int recurrent = 0;  // the first saved gate that W_hh^T is applied to
  static constexpr int turned = 0;     // gate g of W_ih stands at saved gate g + gates − turned
  static constexpr bool keeps_hidden = false;  // h_{t-1} goes on past the gates
  static constexpr bool has_cell = true;
  static constexpr bool stabilised = true;  // n and m are parts of the state
  static constexpr int together = 4;        // gates that are normalised as one vector

  // m = max(log f + m, a_i);  i = e^{a_i − m};  f = e^{log f + m_before − m};  c = f c + i z;
  // n = f n + i;  h = o c / n. Where n = 0 nothing has been seen, and there is no m before.
  static HOLDFAST_INLINE V forward(
      const V (&a)[4], V& c, V& n, V& m, bool exponential_forget, V (&gate)[saved]) {
    V log_f = a[1], slope = fill<Real>(1);
    if (!exponential_forget) {
      const V magnitude = a[1] < V{} ? a[1] : -a[1];
      log_f = (a[1] < V{} ? a[1] : V{}) - log_one_plus<Real>(exponential<Real>(magnitude));
      slope = sigmoid<Real>(-a[1]);
    }
    const V kept = n == V{} ? fill<Real>(-static_cast<Real>(__builtin_inf())) : log_f + m;
    m = a[0] < kept ? kept : a[0];
    m = kept == kept ? m : kept;
    const V i = exponential<Real>(a[0] - m);
    const V f = exponential<Real>(kept - m);
    const V z = tanh<Real>(a[2]);
    const V o = sigmoid<Real>(a[3]);
    gate[0] = i, gate[1] = f, gate[2] = z, gate[3] = o, gate[4] = slope, gate[5] = n;
    c = f * c + i * z;
    n = f * n + i;
    return o * (c / n);
  }

  // From dh and the gradients of the new c, n and m to those of the sums and of the old ones.
  static HOLDFAST_INLINE void backward(
      const V (&gate)[saved], V c_before, V dh, V& dc, V& dn, V& dm, V (&da)[gates]) {
    const V i = gate[0], f = gate[1], z = gate[2], o = gate[3], slope = gate[4], n_before = gate[5];
    const V c = f * c_before + i * z, n = f * n_before + i;
    const V ratio = c / n;
    da[3] = dh * ratio * o * (1 - o);
    dc += dh * o / n;
    dn -= dh * o * ratio / n;
    da[2] = dc * i * (1 - z * z);
    const V through_i = (dc * z + dn) * i;
    const V through_f = (dc * c_before + dn * n_before) * f;
    // Of i and f the one that m was taken from is 1; both where they are level.
    const V of_m = dm - through_i - through_f;
    const V half = of_m * static_cast<Real>(0.5);
    const V alone_i = i >= 1 ? of_m : V{};
    const V alone_f = f >= 1 ? of_m : V{};
    da[0] = through_i + (f >= 1 ? (i >= 1 ? half : V{}) : alone_i);
    const V kept = through_f + (i >= 1 ? (f >= 1 ? half : V{}) : alone_f);
    dm = n_before == V{} ? V{} : kept;
    da[1] = dm * slope;
    dc = dc * f;
    dn = dn * f;
  }
};

}  // namespace HOLDFAST_ISA
