// How accurate the kernels' exp, σ, log σ and tanh are, seen through one step of a cell.
#pragma once

#include <limits>

#include "library.hpp"
#include "problem.hpp"

namespace selftest {

constexpr double FARTHEST = 15;  // what is looked at lies between −FARTHEST and FARTHEST

// Units in the last place by which each function is off at worst.
struct Accuracy {
  double exp, sigmoid, log_sigmoid, tanh;

  // What docs/concepts/kernels.md promises.
  bool kept() const { return exp <= 2 && sigmoid <= 2 && log_sigmoid <= 4 && tanh <= 3; }
};

template <class Real>
class Functions {
  static constexpr int precision = sizeof(Real) == 8;
  static constexpr int64_t COUNT = 200000;
  using Numbers = std::vector<Real>;

  const char* const instruction_set;
  Numbers x;

 public:
  explicit Functions(const char* set) : instruction_set(set) {
    // Half of them anywhere, half at any order of magnitude from 10^-6 on.
    Draw draw;
    for (int64_t at = 0; at < COUNT; ++at) {
      const double one = draw(), size = FARTHEST * std::pow(10, -7 * (at % 2) * std::abs(draw()));
      x.push_back(static_cast<Real>(at % 2 ? std::copysign(size, one) : size * one));
    }
  }

  Accuracy accuracy() const {
    Accuracy result;
    // An LSTM's gates are σ(x) and tanh(x) where every weight is 1.
    Numbers saved = gates({"", LSTM, {}}, x, {1, 1, 1, 1}, {0, 0, 0, 0}).saved;
    result.sigmoid = ulps(x, every(saved, 4, 0), [](auto a) { return 1 / (1 + std::exp(-a)); });
    result.tanh = ulps(x, every(saved, 4, 2), [](auto a) { return std::tanh(a); });
    // An sLSTM's input gate is e^x where m is 0: nothing above 0 is asked of its exp.
    Numbers below = x;
    for (Real& number : below) number = -std::abs(number);
    const Kind exponential = {"", SLSTM, exponential_forget()};
    saved = gates(exponential, below, {1, 0, 0, 0}, {0, 0, 0, 0}).saved;
    result.exp = ulps(below, every(saved, 6, 0), [](auto a) { return std::exp(a); });
    // And its m is log σ(x) where nothing comes in.
    const Numbers m = gates({"", SLSTM, {}}, x, {0, 1, 0, 0}, {-1000, 0, 0, 0}).m;
    result.log_sigmoid = ulps(x, m, [](auto a) {
      return a < 0 ? a - std::log1p(std::exp(a)) : -std::log1p(std::exp(-a));
    });
    return result;
  }

 private:
  struct Step {
    Numbers saved, m;
  };

  static Options exponential_forget() {
    Options options;
    options.exponential_forget = true;
    return options;
  }

  static Numbers every(const Numbers& saved, int64_t stride, int64_t first) {
    Numbers result;
    for (size_t at = first; at < saved.size(); at += stride) result.push_back(saved[at]);
    return result;
  }

  // One step of a cell of one unit and one input from h = c = m = 0 and n = 1, a row for each x.
  Step gates(const Kind& kind, const Numbers& inputs, Numbers weights, Numbers biases) const {
    const Numbers noughts(inputs.size(), 0), ones(inputs.size(), 1), four(4, 0);
    Numbers output = noughts, cells = noughts, n = ones;
    Step result = {Numbers(6 * inputs.size()), noughts};
    HoldfastCall call = {};
    call.steps = call.inputs = call.units = call.threads = 1;
    call.batch = static_cast<int64_t>(inputs.size());
    call.x = inputs.data();
    call.weight_ih = weights.data(), call.weight_hh = four.data();
    call.bias_ih = biases.data(), call.bias_hh = four.data();
    call.h0 = call.c0 = noughts.data();
    call.output = output.data(), call.cells = cells.data(), call.saved_gates = result.saved.data();
    call.normaliser = n.data(), call.stabiliser = result.m.data();
    call.cell_clip = HUGE_VAL, call.exponential_forget = kind.options.exponential_forget;
    const HoldfastKernel* const kernel = kernel_of<Real>(instruction_set, kind);
    if (!kernel || holdfast_forward(kernel, &call))
      result.saved.assign(result.saved.size(), std::numeric_limits<Real>::quiet_NaN());
    result.saved.resize((kind.cell == SLSTM ? 6 : 4) * inputs.size());
    return result;
  }

  template <class Function>
  static double ulps(const Numbers& inputs, const Numbers& found, Function function) {
    using Wide = std::conditional_t<precision, long double, double>;
    double worst = 0;
    for (size_t at = 0; at < inputs.size(); ++at) {
      const Wide right = function(static_cast<Wide>(inputs[at]));
      const Wide epsilon = std::numeric_limits<Real>::epsilon();
      const Wide ulp = std::ldexp(epsilon, std::ilogb(right));
      worst = worse(worst, static_cast<double>(std::abs(found[at] - right) / ulp));
    }
    return worst;
  }
};

}  // namespace selftest
