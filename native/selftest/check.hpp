// A kernel against the equations: forward, backward, without room for what is kept, and streamed.
#pragma once

#include <limits>

#include "library.hpp"
#include "problem.hpp"

namespace selftest {

// The worst error, as a share of what rounding may do: each sum, over units, inputs and rows, is
// rounded once at every step, and what options do beside their sums is worth 16 terms more. Where
// all units are alike, layer normalisation multiplies each rounding by 1/√(10^-5).
struct Errors {
  double allowed, worst = 0;

  explicit Errors(const Problem& problem) {
    const Shape& shape = problem.shape;
    const bool variant = problem.kind.options.changed() || problem.kind.cell == SLSTM;
    allowed = static_cast<double>(shape.T * (shape.H + shape.I + shape.B + 16 * variant) + 2);
    if (problem.kind.options.norm) allowed /= std::sqrt(1e-5);
  }

  template <class Real>
  void see(const std::vector<Real>& found, const std::vector<double>& right) {
    double largest = 1, error = 0;
    for (size_t at = 0; at < right.size(); ++at) {
      const double one = std::abs(static_cast<double>(found[at]) - right[at]);
      largest = std::fmax(largest, std::abs(right[at]));
      error = worse(error, one);
    }
    worst = worse(worst, error / (allowed * std::numeric_limits<Real>::epsilon() * largest));
  }
};

template <class Real>
class Check {
  using Numbers = std::vector<Real>;
  // What nobody writes is seen, as NaN.
  static constexpr Real nothing = std::numeric_limits<Real>::quiet_NaN();

  const Problem& problem;
  const HoldfastKernel* const kernel;
  Given<Real> given;
  HoldfastCall call = {};
  Errors errors;

  static Real* data(Numbers& numbers) { return numbers.empty() ? nullptr : numbers.data(); }
  static Numbers turned(const std::vector<double>& values) {
    return Numbers(values.begin(), values.end());
  }
  bool run(const HoldfastCall& told, bool backward) const {
    return (backward ? holdfast_backward : holdfast_forward)(kernel, &told) == 0;
  }

 public:
  Check(const Problem& given_problem, const char* instruction_set, int64_t threads)
      : problem(given_problem),
        kernel(kernel_of<Real>(instruction_set, given_problem.kind)),
        errors(given_problem) {
    const Shape& shape = problem.shape;
    const Options& options = problem.kind.options;
    given.take(problem.given);
    call.steps = shape.T, call.batch = shape.B, call.inputs = shape.I, call.units = shape.H;
    call.reverse = shape.reverse, call.threads = threads;
    call.offsets = shape.ragged ? problem.layout.offsets.data() : nullptr;
    call.x = given.x.data(), call.weight_ih = given.w_ih.data(), call.weight_hh = given.w_hh.data();
    if (shape.bias) call.bias_ih = given.b_ih.data(), call.bias_hh = given.b_hh.data();
    call.h0 = given.h0.data(), call.c0 = data(given.c0);
    call.projection = options.projection, call.masked = options.masked;
    call.seed = SEED, call.stream = STREAM, call.first_step = FIRST_STEP;
    call.recurrent_dropout = options.dropout, call.cell_clip = options.clip;
    call.zoneout_hidden = options.zoneout_hidden, call.zoneout_cell = options.zoneout_cell;
    call.exponential_forget = options.exponential_forget;
    call.weight_hr = data(given.w_hr), call.weight_peephole = data(given.peephole);
    call.norm_ih = data(given.norm_ih), call.norm_hh = data(given.norm_hh);
    call.norm_c = data(given.norm_c);
    if (shape.bias) call.norm_c_bias = data(given.norm_c_bias);
  }

  // The worst error as a share of what is allowed; NaN where a kernel did not run.
  // `keep`: the forward pass keeps the gates for the backward pass.
  double operator()(bool keep) {
    if (!kernel) return nothing;
    const Shape& shape = problem.shape;
    const bool stream = !shape.reverse && !shape.ragged && !problem.kind.options.masked;
    const bool done = forward_and_backward(keep) && without_cells() && (!stream || streamed());
    return done ? errors.worst : nothing;
  }

 private:
  bool forward_and_backward(bool keep) {
    const size_t units = problem.layout.rows() * call.units;
    // The sLSTM's gates cannot be computed once more.
    const bool kept = keep || problem.kind.cell == SLSTM;
    Numbers output(problem.result.output.size(), nothing), n = given.n0, m = given.m0;
    Numbers cells(given.c0.empty() ? 0 : units, nothing), gates(kept ? 6 * units : 0, nothing);
    call.output = output.data(), call.cells = data(cells), call.saved_gates = data(gates);
    call.normaliser = data(n), call.stabiliser = data(m);
    if (!run(call, false)) return false;
    errors.see(output, problem.result.output);
    errors.see(n, problem.result.n);
    errors.see(m, problem.result.m);

    Given<Real> gradient;
    gradient.take(problem.gradient);
    for (Numbers* part : gradient.all) part->assign(part->size(), nothing);
    Numbers grad_output = turned(problem.loss.output);
    gradient.h0 = turned(problem.loss.h), gradient.c0 = turned(problem.loss.c);
    gradient.n0 = turned(problem.loss.n), gradient.m0 = turned(problem.loss.m);
    HoldfastCall back = call;
    back.grad_output = grad_output.data();
    back.grad_h = gradient.h0.data(), back.grad_c = data(gradient.c0);
    back.grad_normaliser = data(gradient.n0), back.grad_stabiliser = data(gradient.m0);
    back.grad_x = gradient.x.data();
    back.grad_weight_ih = gradient.w_ih.data(), back.grad_weight_hh = gradient.w_hh.data();
    back.grad_weight_hr = data(gradient.w_hr), back.grad_weight_peephole = data(gradient.peephole);
    back.grad_norm_ih = data(gradient.norm_ih), back.grad_norm_hh = data(gradient.norm_hh);
    back.grad_norm_c = data(gradient.norm_c);
    if (problem.shape.bias) {
      back.grad_bias_ih = gradient.b_ih.data(), back.grad_bias_hh = gradient.b_hh.data();
      back.grad_norm_c_bias = data(gradient.norm_c_bias);
    }
    if (!run(back, true)) return false;
    for (int part = 0; part < gradient.parts; ++part) {
      const Numbers* const found = gradient.all[part];
      const bool bias = found == &gradient.b_ih || found == &gradient.b_hh ||
                        found == &gradient.norm_c_bias;
      if (problem.shape.bias || !bias) errors.see(*found, *problem.gradient.all[part]);
    }
    return true;
  }

  // Without room for the cells of every step, only the last ones come back.
  bool without_cells() {
    Numbers output(problem.result.output.size(), nothing), c = given.c0, n = given.n0, m = given.m0;
    HoldfastCall bare = call;
    bare.cells = bare.saved_gates = nullptr;
    bare.output = output.data(), bare.cell_state = data(c);
    bare.normaliser = data(n), bare.stabiliser = data(m);
    if (!run(bare, false)) return false;
    errors.see(output, problem.result.output);
    errors.see(c, problem.result.c);
    errors.see(n, problem.result.n);
    errors.see(m, problem.result.m);
    return true;
  }

  bool streamed() {
    Numbers h = given.h0, c = given.c0, n = given.n0, m = given.m0, seen;
    HoldfastCall bare = call;
    bare.cells = bare.saved_gates = nullptr;
    bare.steps = 1;
    bare.output = h.data(), bare.cell_state = data(c);
    bare.normaliser = data(n), bare.stabiliser = data(m);
    HoldfastStream* stream = holdfast_stream_open(kernel, &bare);
    if (!stream) return false;
    for (int64_t step = 0; step < problem.shape.T; ++step) {
      holdfast_stream_step(stream, given.x.data() + step * call.batch * call.inputs);
      seen.insert(seen.end(), h.begin(), h.end());
    }
    holdfast_stream_close(stream);
    errors.see(seen, problem.result.output);
    return true;
  }
};

}  // namespace selftest
