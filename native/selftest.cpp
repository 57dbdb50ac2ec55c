// The library against loops over scalars, without Python: for machines that only an emulator has.
// The loops are the equations and nothing else; their derivatives are taken by complex steps
// (Squire and Trapp, SIAM Review 40, 1998), so that no formula of the backward pass stands here.
#include <cmath>
#include <complex>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "call.hpp"

extern "C" {
int64_t holdfast_call_size();
const char* holdfast_isa_name(int index);
int holdfast_isa_there(int index);
int holdfast_run(int isa, int cell, int precision, int backward, const HoldfastCall* call);
HoldfastStream* holdfast_stream_open(int isa, int cell, int precision, const HoldfastCall* call);
void holdfast_stream_step(HoldfastStream* stream, const void* x);
void holdfast_stream_close(HoldfastStream* stream);
}

namespace {

enum Cell { LSTM, GRU, RNN_TANH, RNN_RELU };
const char* const names[] = {"lstm", "gru", "rnn_tanh", "rnn_relu"};
const int64_t gates_of[] = {4, 3, 1, 1};

struct Shape {
  int64_t T, B, I, H;
  bool reverse, ragged, bias;
};

// Where the sequences lie: row r of step t at offsets[t] + r.
struct Layout {
  std::vector<int64_t> lengths, offsets;

  explicit Layout(const Shape& shape) : offsets(1, 0) {
    for (int64_t row = 0; row < shape.B; ++row)
      lengths.push_back(shape.ragged && shape.T > row ? shape.T - row : shape.ragged ? 1 : shape.T);
    for (int64_t step = 0; step < shape.T; ++step) {
      int64_t there = 0;
      for (const int64_t length : lengths) there += length > step;
      offsets.push_back(offsets.back() + there);
    }
  }

  int64_t rows() const { return offsets.back(); }
};

// What goes in, and with other names the gradients of it.
template <class Number>
struct Given {
  std::vector<Number> x, w_ih, w_hh, b_ih, b_hh, h0, c0;

  std::vector<Number>* all[7] = {&x, &w_ih, &w_hh, &b_ih, &b_hh, &h0, &c0};

  Given() = default;
  Given(const Given&) = delete;

  template <class Other>
  void take(const Given<Other>& other) {
    for (int part = 0; part < 7; ++part) all[part]->assign(other.all[part]->begin(), other.all[part]->end());
  }
};

template <class Number>
struct Result {
  std::vector<Number> output, h, c;
};

// Numbers in (−1, 1) that float holds exactly, so that both precisions compute with the same.
struct Draw {
  uint32_t state = 1;
  double operator()() {
    state = state * 1664525u + 1013904223u;
    return (static_cast<int32_t>(state >> 12) - (1 << 19)) / static_cast<double>(1 << 19);
  }
  std::vector<double> operator()(int64_t count, double scale = 1) {
    std::vector<double> made;
    for (int64_t index = 0; index < count; ++index)
      made.push_back(static_cast<float>(scale * (*this)()));
    return made;
  }
};

template <class Number>
Number sigmoid(Number a) {
  return 1.0 / (1.0 + std::exp(-a));
}

template <class Number>
Result<Number> equations(
    Cell cell, const Shape& shape, const Layout& layout, const Given<Number>& given) {
  const int64_t H = shape.H, I = shape.I;
  Result<Number> made;
  made.output.resize(static_cast<size_t>(layout.rows() * H));
  for (int64_t row = 0; row < shape.B; ++row) {
    std::vector<Number> h(given.h0.begin() + row * H, given.h0.begin() + (row + 1) * H), c(h);
    if (cell == LSTM) c.assign(given.c0.begin() + row * H, given.c0.begin() + (row + 1) * H);
    const int64_t length = layout.lengths[row];
    for (int64_t turn = 0; turn < length; ++turn) {
      const int64_t here = layout.offsets[shape.reverse ? length - 1 - turn : turn] + row;
      const auto of_x = [&](int64_t gate, int64_t unit) {
        Number sum = given.b_ih[gate * H + unit];
        for (int64_t k = 0; k < I; ++k) sum += given.w_ih[(gate * H + unit) * I + k] * given.x[here * I + k];
        return sum;
      };
      const auto of_h = [&](int64_t gate, int64_t unit) {
        Number sum = given.b_hh[gate * H + unit];
        for (int64_t k = 0; k < H; ++k) sum += given.w_hh[(gate * H + unit) * H + k] * h[k];
        return sum;
      };
      std::vector<Number> next(h.size());
      for (int64_t unit = 0; unit < H; ++unit) {
        const auto a = [&](int64_t gate) { return of_x(gate, unit) + of_h(gate, unit); };
        if (cell == LSTM) {
          c[unit] = sigmoid(a(1)) * c[unit] + sigmoid(a(0)) * std::tanh(a(2));
          next[unit] = sigmoid(a(3)) * std::tanh(c[unit]);
        } else if (cell == GRU) {
          const Number r = sigmoid(a(0)), z = sigmoid(a(1));
          const Number n = std::tanh(of_x(2, unit) + r * of_h(2, unit));
          next[unit] = (1.0 - z) * n + z * h[unit];
        } else if (cell == RNN_TANH) {
          next[unit] = std::tanh(a(0));
        } else {
          next[unit] = std::real(a(0)) > 0 ? a(0) : Number(0);
        }
      }
      h = next;
      for (int64_t unit = 0; unit < H; ++unit) made.output[here * H + unit] = h[unit];
    }
    made.h.insert(made.h.end(), h.begin(), h.end());
    made.c.insert(made.c.end(), c.begin(), c.end());
  }
  return made;
}

// One problem: the numbers, and what the equations make of them.
struct Problem {
  Cell cell;
  Shape shape;
  Layout layout;
  Given<double> given, gradient;
  Result<double> result, loss;  // the loss weighs every result

  Problem(Cell kind, const Shape& size) : cell(kind), shape(size), layout(size) {
    Draw draw;
    const int64_t rows = layout.rows(), H = size.H, G = gates_of[kind] * H;
    given.x = draw(rows * size.I, 2);
    given.w_ih = draw(G * size.I, 1 / std::sqrt(static_cast<double>(size.I)));
    given.w_hh = draw(G * H, 1 / std::sqrt(static_cast<double>(H)));
    given.b_ih = draw(G, size.bias ? 0.5 : 0);
    given.b_hh = draw(G, size.bias ? 0.5 : 0);
    given.h0 = draw(size.B * H);
    given.c0 = draw(size.B * H);
    loss.output = draw(rows * H);
    loss.h = draw(size.B * H);
    loss.c = draw(size.B * H);
    result = equations(cell, shape, layout, given);
    differentiate();
  }

  void differentiate() {
    constexpr double small = 1e-100;
    Given<std::complex<double>> moved;
    moved.take(given);
    gradient.take(given);
    for (int part = 0; part < 7; ++part)
      for (size_t index = 0; index < moved.all[part]->size(); ++index) {
        std::complex<double>& number = (*moved.all[part])[index];
        number.imag(small);
        const auto made = equations(cell, shape, layout, moved);
        number.imag(0);
        double sum = 0;
        const auto add = [&](const auto& values, const auto& weights) {
          for (size_t at = 0; at < weights.size(); ++at) sum += values[at].imag() / small * weights[at];
        };
        add(made.output, loss.output);
        add(made.h, loss.h);
        if (cell == LSTM) add(made.c, loss.c);
        (*gradient.all[part])[index] = sum;
      }
  }
};

// The worst error, as a share of what rounding may do: each sum, over units, inputs and rows, is
// rounded once at every step.
struct Errors {
  double worst = 0;

  template <class Real>
  void see(const Shape& shape, const std::vector<Real>& found, const std::vector<double>& right) {
    double largest = 1, error = 0;
    for (size_t at = 0; at < right.size(); ++at) {
      const double one = std::abs(static_cast<double>(found[at]) - right[at]);
      largest = std::fmax(largest, std::abs(right[at]));
      if (!(one <= error)) error = one;  // so that NaN is seen
    }
    const int64_t roundings = shape.T * (shape.H + shape.I + shape.B) + 2;
    const double share =
        error / (static_cast<double>(roundings) * std::numeric_limits<Real>::epsilon() * largest);
    if (!(share <= worst)) worst = share;
  }
};

template <class Real>
std::vector<Real> turned(const std::vector<double>& values) {
  return std::vector<Real>(values.begin(), values.end());
}

template <class Real>
double check(const Problem& problem, int isa, int64_t threads, bool keep) {
  const Shape& shape = problem.shape;
  const bool lstm = problem.cell == LSTM;
  constexpr int precision = sizeof(Real) == 8;
  Given<Real> given, gradient;
  given.take(problem.given);
  gradient.take(problem.given);
  const size_t values = problem.result.output.size();
  // What nobody writes is seen, as NaN.
  const Real nothing = std::numeric_limits<Real>::quiet_NaN();
  std::vector<Real> output(values, nothing), cells(values, nothing), slots(4 * values, nothing);
  for (int part = 0; part < 5; ++part) gradient.all[part]->assign(gradient.all[part]->size(), nothing);
  HoldfastCall call = {};
  call.steps = shape.T, call.batch = shape.B, call.inputs = shape.I, call.units = shape.H;
  call.reverse = shape.reverse, call.threads = threads;
  call.offsets = shape.ragged ? problem.layout.offsets.data() : nullptr;
  call.x = given.x.data(), call.weight_ih = given.w_ih.data(), call.weight_hh = given.w_hh.data();
  if (shape.bias) call.bias_ih = given.b_ih.data(), call.bias_hh = given.b_hh.data();
  call.h0 = given.h0.data();
  call.output = output.data();
  if (lstm) call.c0 = given.c0.data(), call.cells = cells.data();
  if (keep) call.slots = slots.data();
  Errors errors;
  if (holdfast_run(isa, problem.cell, precision, 0, &call)) return nothing;
  errors.see(shape, output, problem.result.output);

  std::vector<Real> grad_output = turned<Real>(problem.loss.output);
  std::vector<Real> grad_h = turned<Real>(problem.loss.h), grad_c = turned<Real>(problem.loss.c);
  call.grad_output = grad_output.data();
  call.grad_h = grad_h.data();
  if (lstm) call.grad_c = grad_c.data();
  call.grad_x = gradient.x.data();
  call.grad_weight_ih = gradient.w_ih.data(), call.grad_weight_hh = gradient.w_hh.data();
  if (shape.bias) call.grad_bias_ih = gradient.b_ih.data(), call.grad_bias_hh = gradient.b_hh.data();
  if (holdfast_run(isa, problem.cell, precision, 1, &call)) return nothing;
  gradient.h0 = grad_h, gradient.c0 = grad_c;
  for (int part = 0; part < 7; ++part) {
    if ((part == 3 || part == 4) && !shape.bias) continue;
    if (part == 6 && !lstm) continue;
    errors.see(shape, *gradient.all[part], *problem.gradient.all[part]);
  }

  // Without room for the cells of every step, only the last ones come back.
  std::vector<Real> state = given.c0, again(values, nothing);
  HoldfastCall bare = call;
  bare.cells = bare.slots = nullptr;
  bare.output = again.data();
  if (lstm) bare.cell_state = state.data();
  if (holdfast_run(isa, problem.cell, precision, 0, &bare)) return nothing;
  errors.see(shape, again, problem.result.output);
  if (lstm) errors.see(shape, state, problem.result.c);

  if (!shape.reverse && !shape.ragged) {
    std::vector<Real> h = given.h0, c = given.c0, seen;
    bare.steps = 1;
    bare.output = h.data();
    if (lstm) bare.cell_state = c.data();
    HoldfastStream* stream = holdfast_stream_open(isa, problem.cell, precision, &bare);
    if (!stream) return nothing;
    for (int64_t step = 0; step < shape.T; ++step) {
      holdfast_stream_step(stream, given.x.data() + step * shape.B * shape.I);
      seen.insert(seen.end(), h.begin(), h.end());
    }
    holdfast_stream_close(stream);
    errors.see(shape, seen, problem.result.output);
  }
  return errors.worst;
}

}  // namespace

int main() {
  if (holdfast_call_size() != static_cast<int64_t>(sizeof(HoldfastCall))) {
    std::puts("selftest: the library belongs to another version");
    return 1;
  }
  // One of everything; several vectors, tiles and panels; several blocks and chunks.
  const Shape shapes[] = {
      {1, 1, 1, 1, false, false, true}, {5, 4, 3, 17, false, false, true},
      {5, 4, 2, 17, true, true, false}, {3, 9, 5, 6, false, true, true},
      {2, 131, 2, 3, true, false, true}, {70, 2, 4, 3, false, false, false},
  };
  bool good = true;
  for (int kind = LSTM; kind <= RNN_RELU; ++kind) {
    std::vector<double> worst;
    for (const Shape& shape : shapes) {
      const Problem problem(static_cast<Cell>(kind), shape);
      size_t at = 0;
      for (int isa = 0; holdfast_isa_name(isa); ++isa) {
        if (!holdfast_isa_there(isa)) continue;
        worst.resize(std::fmax(worst.size(), at + 2));
        for (const int64_t threads : {1, 3})
          for (const bool keep : {false, true}) {
            const double one = check<float>(problem, isa, threads, keep),
                         two = check<double>(problem, isa, threads, keep);
            if (!(one <= worst[at])) worst[at] = one;
            if (!(two <= worst[at + 1])) worst[at + 1] = two;
          }
        at += 2;
      }
    }
    size_t at = 0;
    for (int isa = 0; holdfast_isa_name(isa); ++isa) {
      if (!holdfast_isa_there(isa)) {
        std::printf("%-9s %-9s this processor has none\n", names[kind], holdfast_isa_name(isa));
        continue;
      }
      std::printf(
          "%-9s %-9s float %.3f, double %.3f of what rounding may do\n", names[kind],
          holdfast_isa_name(isa), worst[at], worst[at + 1]);
      for (const size_t one : {at, at + 1}) good = good && worst[one] <= 1;
      at += 2;
    }
  }
  std::puts(good ? "selftest: every result is within its rounding" : "selftest: WRONG");
  return good ? 0 : 1;
}
