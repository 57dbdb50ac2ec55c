// Numbers to run a kernel on, and what the equations make of them.
#pragma once

#include "equations.hpp"

namespace selftest {

// Numbers in (−1, 1) that float holds exactly, so that both precisions compute with the same.
struct Draw {
  uint32_t state = 1;
  double operator()() {
    state = state * 1664525u + 1013904223u;
    return (static_cast<int32_t>(state >> 12) - (1 << 19)) / static_cast<double>(1 << 19);
  }
  std::vector<double> operator()(int64_t count, double scale = 1, double shift = 0) {
    std::vector<double> result;
    for (int64_t index = 0; index < count; ++index)
      result.push_back(static_cast<float>(shift + scale * (*this)()));
    return result;
  }
};

// The larger of two errors; NaN is larger than any number, and stays.
inline double worse(double one, double other) {
  return std::isnan(one) || one > other ? one : other;
}

// One problem: the numbers, the results, and the derivatives of a loss that weighs every result.
// They are taken by complex steps (Squire and Trapp, SIAM Review 40, 1998), so that no formula of
// the backward pass stands here.
struct Problem {
  Kind kind;
  Shape shape;
  Layout layout;
  Given<double> given, gradient;
  Result<double> result, loss;

  Problem(const Kind& which, const Shape& size) : kind(which), shape(size), layout(size) {
    Draw draw;
    const Options& options = kind.options;
    const int64_t steps = layout.rows(), H = size.H, P = kind.width(size), rows = kind.gates() * H;
    const int64_t cell = kind.has_cell() ? size.B * H : 0, beyond = kind.cell == SLSTM ? cell : 0;
    const int64_t normed = options.norm ? rows : 0;
    const int64_t normed_cell = options.norm && kind.cell == LSTM ? H : 0;
    given.x = draw(steps * size.I, 2);
    given.w_ih = draw(rows * size.I, 1 / std::sqrt(static_cast<double>(size.I)));
    given.w_hh = draw(rows * P, 1 / std::sqrt(static_cast<double>(P)));
    given.b_ih = draw(rows, size.bias ? 0.5 : 0);
    given.b_hh = draw(rows, size.bias ? 0.5 : 0);
    given.h0 = draw(size.B * P);
    given.c0 = draw(cell);
    given.n0 = draw(beyond, 0.5, 1);
    for (int64_t at = 0; at < beyond; at += 3) given.n0[at] = 0;  // has seen nothing
    given.m0 = draw(beyond);
    given.w_hr = draw(options.projection * H, 1 / std::sqrt(static_cast<double>(H)));
    given.peephole = draw(options.peepholes ? rows - H : 0);
    given.norm_ih = draw(normed, 0.5, 1);
    given.norm_hh = draw(normed, 0.5, 1);
    given.norm_c = draw(normed_cell, 0.5, 1);
    given.norm_c_bias = draw(normed_cell, size.bias ? 0.5 : 0);
    loss.output = draw(steps * P);
    loss.h = draw(size.B * P);
    loss.c = draw(cell), loss.n = draw(beyond), loss.m = draw(beyond);
    result = equations(kind, shape, layout, given);
    differentiate();
  }

 private:
  void differentiate() {
    constexpr double small = 1e-100;
    Given<std::complex<double>> moved;
    moved.take(given);
    gradient.take(given);
    for (int part = 0; part < moved.parts; ++part)
      for (size_t index = 0; index < moved.all[part]->size(); ++index) {
        std::complex<double>& number = (*moved.all[part])[index];
        number.imag(small);
        const auto result = equations(kind, shape, layout, moved);
        number.imag(0);
        double sum = 0;
        const auto add = [&](const auto& values, const auto& weights) {
          for (size_t at = 0; at < weights.size(); ++at)
            sum += values[at].imag() / small * weights[at];
        };
        add(result.output, loss.output);
        add(result.h, loss.h), add(result.c, loss.c), add(result.n, loss.n), add(result.m, loss.m);
        (*gradient.all[part])[index] = sum;
      }
  }
};

}  // namespace selftest
