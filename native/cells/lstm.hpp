// The LSTM's step for one vector of units, forward and backward.
#pragma once

#include "../simd.hpp"

namespace HOLDFAST_ISA {

// What variants of the LSTM know beyond the gates: peepholes, and the bound of c.
template <class Real>
struct Look {
  Vec<Real> i, f, o;  // weights from c to the gates
  Real clip;          // infinity for none
  bool peepholes;
};

// VARIANT: with what `Look` has, each of it where it is asked for. COUPLED: f = 1 − i (CIFG).
template <class Real, bool VARIANT = false, bool COUPLED = false>
struct Lstm {
  using V = Vec<Real>;
  static constexpr int gates = COUPLED ? 3 : 4;  // rows of the weights: i, f, g, o or i, g, o
  static constexpr int saved = gates;            // the same after their nonlinearity
  static constexpr int from_x = gates - 1;  // the sum to which the last gate's part of x is added
  static constexpr int from_h = gates - 1;  // and the last gate's part of h
  static constexpr int recurrent = 0;       // the first saved gate that W_hh^T is applied to
  static constexpr int turned = 0;          // gate g of W_ih stands at saved gate g + gates − turned
  static constexpr bool keeps_hidden = false;  // h_{t-1} goes on past the gates
  static constexpr bool has_cell = true;
  static constexpr bool stabilised = false;  // n and m are parts of the state
  static constexpr int together = gates;  // gates that are normalised as one vector
  static constexpr int g_at = gates - 2, o_at = gates - 1;

  // i, f, o = σ(a);  g = tanh(a);  c = f c + i g;  h = o tanh(c)
  static HOLDFAST_INLINE V forward(const V (&a)[4], V, V& c, V (&gate)[saved]) {
    open(a, c, Look<Real>{}, gate);
    return hidden(gate[o_at], c);
  }

  // The gates and the new c. With peepholes i and f look at the old c, o at the new one.
  static HOLDFAST_INLINE void open(
      const V (&a)[4], V& c, const Look<Real>& look, V (&gate)[saved]) {
    V a_i = a[0], a_f = a[1], a_o = a[o_at];
    if constexpr (VARIANT)
      if (look.peepholes) a_i += look.i * c, a_f += look.f * c;
    const V i = sigmoid<Real>(a_i);
    const V f = COUPLED ? 1 - i : sigmoid<Real>(a_f);
    const V g = tanh<Real>(a[g_at]);
    c = f * c + i * g;
    if constexpr (VARIANT) {
      c = clipped(c, look.clip);
      if (look.peepholes) a_o += look.o * c;
    }
    gate[0] = i, gate[1] = f, gate[g_at] = g, gate[o_at] = sigmoid<Real>(a_o);
  }

  static HOLDFAST_INLINE V hidden(V o, V c) { return o * tanh<Real>(c); }

  static HOLDFAST_INLINE V clipped(V c, Real clip) {
    c = c > clip ? fill<Real>(clip) : c;
    return c < -clip ? fill<Real>(-clip) : c;
  }

  // From dh and the dc of later steps to the gradient of the four sums and the dc of the step before.
  // Returns what reaches h_{t-1} past the sums: nothing.
  static HOLDFAST_INLINE V backward(
      const V (&gate)[saved], V, V c, V c_before, V dh, V& dc, V (&da)[saved]) {
    V squashed;
    dc += hidden_backward(gate[o_at], c, dh, squashed, da[o_at]);
    open_backward(gate, c_before, Look<Real>{}, dc, da);
    return V{};
  }

  // From dh to the gradient of the c under the tanh, and to that of the output gate's sum.
  static HOLDFAST_INLINE V hidden_backward(V o, V c, V dh, V& squashed, V& da_o) {
    squashed = tanh<Real>(c);
    da_o = dh * squashed * o * (1 - o);
    return dh * o * (1 - squashed * squashed);
  }

  // From the gradients of the new c and of the output gate's sum to those of the other sums and of
  // the old c.
  static HOLDFAST_INLINE void open_backward(
      const V (&gate)[saved], V c_before, const Look<Real>& look, V& dc, V (&da)[saved]) {
    const V i = gate[0], f = COUPLED ? 1 - i : gate[1], g = gate[g_at];
    if constexpr (VARIANT) {
      if (look.peepholes) dc += da[o_at] * look.o;
      const V c = f * c_before + i * g;
      dc = c > look.clip ? V{} : dc;
      dc = c < -look.clip ? V{} : dc;
    }
    da[0] = dc * (COUPLED ? g - c_before : g) * i * (1 - i);
    if constexpr (!COUPLED) da[1] = dc * c_before * f * (1 - f);
    da[g_at] = dc * i * (1 - g * g);
    dc = dc * f;
    if constexpr (VARIANT)
      if (look.peepholes) dc += da[0] * look.i + (COUPLED ? V{} : da[1] * look.f);
  }
};

}  // namespace HOLDFAST_ISA
