// The equations of every cell with every option, in loops over scalars and nothing else.
#pragma once

#include <cmath>
#include <complex>
#include <cstdint>
#include <vector>

namespace selftest {

enum Cell { LSTM, GRU, RNN_TANH, RNN_RELU, SLSTM };

struct Shape {
  int64_t T, B, I, H;
  bool reverse, ragged, bias;
};

// What differs from the plain cell; `Options` of `holdfast/engine/cells/cell.py`.
struct Options {
  bool peepholes = false, coupled = false, norm = false, exponential_forget = false;
  int64_t projection = 0;
  double clip = HUGE_VAL, dropout = 0, zoneout_hidden = 0, zoneout_cell = 0;
  bool masked = false;  // in training

  bool changed() const {
    return peepholes || coupled || norm || projection || clip < HUGE_VAL || dropout > 0 ||
           zoneout_hidden > 0 || zoneout_cell > 0;
  }
};

struct Kind {
  const char* name;
  Cell cell;
  Options options;

  int64_t gates() const {
    const int64_t all[] = {4, 3, 1, 1, 4};
    return all[cell] - options.coupled;
  }
  bool has_cell() const { return cell == LSTM || cell == SLSTM; }
  int64_t width(const Shape& shape) const {
    return options.projection ? options.projection : shape.H;
  }
};

// The key of the masks.
constexpr uint32_t SEED = 77, STREAM = 48, FIRST_STEP = 5;

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
  static constexpr int parts = 15;
  std::vector<Number> x, w_ih, w_hh, b_ih, b_hh, h0, c0, n0, m0, w_hr, peephole, norm_ih, norm_hh,
      norm_c, norm_c_bias;

  std::vector<Number>* all[parts] = {&x,  &w_ih,     &w_hh,    &b_ih,    &b_hh,
                                     &h0, &c0,       &n0,      &m0,      &w_hr,
                                     &peephole, &norm_ih, &norm_hh, &norm_c, &norm_c_bias};

  Given() = default;
  Given(const Given&) = delete;

  template <class Other>
  void take(const Given<Other>& other) {
    for (int part = 0; part < parts; ++part)
      all[part]->assign(other.all[part]->begin(), other.all[part]->end());
  }
};

template <class Number>
struct Result {
  std::vector<Number> output, h, c, n, m;
};

template <class Number>
Number sigmoid(Number a) {
  return 1.0 / (1.0 + std::exp(-a));
}

// Threefry-2x32 with 20 rounds (Salmon et al. 2011), its first word.
inline uint32_t threefry(uint32_t key, uint32_t x, uint32_t y) {
  const uint32_t words[3] = {SEED, key, 0x1BD11BDA ^ SEED ^ key};
  const int rotations[8] = {13, 15, 26, 6, 17, 29, 16, 24};
  x += words[0], y += words[1];
  for (uint32_t round = 0; round < 20; ++round) {
    const int by = rotations[round % 8];
    x += y;
    y = ((y << by) | (y >> (32 - by))) ^ x;
    if (round % 4 < 3) continue;
    const uint32_t turn = round / 4 + 1;
    x += words[turn % 3];
    y += words[(turn + 1) % 3] + turn;
  }
  return x;
}

// Whether a value of a mask is kept, or is new; purpose 0 is dropout, 1 zoneout of h, 2 of c.
inline bool keeps(uint32_t purpose, double share, int64_t step, int64_t place) {
  const uint32_t word =
      threefry(STREAM + purpose, static_cast<uint32_t>(step), static_cast<uint32_t>(place));
  return word / 4294967296.0 >= share;
}

// Mean 0, variance 1 from `first` up to `last`, then gain and, unless null, shift.
template <class Number>
void normalise(
    std::vector<Number>& a, int64_t first, int64_t last, const std::vector<Number>& gain,
    const std::vector<Number>* shift) {
  const double count = static_cast<double>(last - first);
  Number mean = 0, variance = 0;
  for (int64_t at = first; at < last; ++at) mean += a[at] / count;
  for (int64_t at = first; at < last; ++at) variance += (a[at] - mean) * (a[at] - mean) / count;
  for (int64_t at = first; at < last; ++at) {
    a[at] = (a[at] - mean) / std::sqrt(variance + 1e-5) * gain[at];
    if (shift) a[at] += (*shift)[at];
  }
}

// The state of one row; each part that its cell has.
template <class Number>
struct State {
  std::vector<Number> h, c, n, m;
};

// W v, row by row.
template <class Number>
std::vector<Number> product(
    const std::vector<Number>& matrix, const Number* vector, int64_t rows, int64_t columns) {
  std::vector<Number> sums(static_cast<size_t>(rows));
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t k = 0; k < columns; ++k) sums[row] += matrix[row * columns + k] * vector[k];
  return sums;
}

// One step of a row.
template <class Number>
void advance(
    const Kind& kind, const Shape& shape, const Given<Number>& given, const Number* x, int64_t time,
    int64_t row, State<Number>& state) {
  const Options& options = kind.options;
  const int64_t H = shape.H, P = kind.width(shape), rows = kind.gates() * H;
  const State<Number> before = state;
  std::vector<Number> seen = before.h;
  if (options.masked && options.dropout > 0)
    for (int64_t unit = 0; unit < P; ++unit)
      seen[unit] *= keeps(0, options.dropout, 0, row * P + unit) / (1 - options.dropout);
  std::vector<Number> of_x = product(given.w_ih, x, rows, shape.I);
  std::vector<Number> of_h = product(given.w_hh, seen.data(), rows, P);
  if (options.norm) {
    const int64_t together = kind.cell == GRU ? 2 * H : rows;
    for (const int64_t first : {int64_t{0}, together}) {
      const int64_t last = first ? rows : together;
      if (first == last) continue;
      normalise(of_x, first, last, given.norm_ih, &given.b_ih);
      normalise(of_h, first, last, given.norm_hh, &given.b_hh);
    }
  } else {
    for (int64_t at = 0; at < rows; ++at) of_x[at] += given.b_ih[at], of_h[at] += given.b_hh[at];
  }
  const auto a = [&](int64_t gate, int64_t unit) {
    return of_x[gate * H + unit] + of_h[gate * H + unit];
  };
  const auto look = [&](int64_t gate, int64_t unit, Number c) {
    return options.peepholes ? given.peephole[gate * H + unit] * c : Number(0);
  };
  std::vector<Number> hidden(static_cast<size_t>(H)), gate(hidden);
  for (int64_t unit = 0; unit < H; ++unit) {
    if (kind.cell == LSTM) {
      const int64_t last = kind.gates() - 1;
      Number& c = state.c[unit];
      const Number i = sigmoid(a(0, unit) + look(0, unit, c));
      const Number f = options.coupled ? 1.0 - i : sigmoid(a(1, unit) + look(1, unit, c));
      c = f * c + i * std::tanh(a(last - 1, unit));
      if (std::real(c) > options.clip) c = options.clip;
      if (std::real(c) < -options.clip) c = -options.clip;
      gate[unit] = sigmoid(a(last, unit) + look(last - 1, unit, c));
    } else if (kind.cell == SLSTM) {
      Number &c = state.c[unit], &n = state.n[unit], &m = state.m[unit];
      const Number a_f = a(1, unit), a_i = a(0, unit);
      const Number kept = m + (options.exponential_forget ? a_f : std::log(sigmoid(a_f)));
      const bool nothing = std::real(n) == 0;
      m = nothing || std::real(a_i) > std::real(kept) ? a_i : kept;
      const Number i = std::exp(a_i - m), f = nothing ? Number(0) : std::exp(kept - m);
      c = f * c + i * std::tanh(a(2, unit));
      n = f * n + i;
      hidden[unit] = sigmoid(a(3, unit)) * c / n;
    } else if (kind.cell == GRU) {
      const Number r = sigmoid(a(0, unit)), z = sigmoid(a(1, unit));
      const Number candidate = std::tanh(of_x[2 * H + unit] + r * of_h[2 * H + unit]);
      hidden[unit] = (1.0 - z) * candidate + z * before.h[unit];
    } else if (kind.cell == RNN_TANH) {
      hidden[unit] = std::tanh(a(0, unit));
    } else {
      hidden[unit] = std::real(a(0, unit)) > 0 ? a(0, unit) : Number(0);
    }
  }
  if (kind.cell == LSTM) {
    std::vector<Number> normal = state.c;
    if (options.norm) normalise(normal, 0, H, given.norm_c, &given.norm_c_bias);
    for (int64_t unit = 0; unit < H; ++unit) hidden[unit] = gate[unit] * std::tanh(normal[unit]);
  }
  state.h = options.projection ? product(given.w_hr, hidden.data(), P, H) : hidden;
  const auto zone_out = [&](std::vector<Number>& now, const std::vector<Number>& then,
                            uint32_t purpose, double share, int64_t width) {
    for (int64_t unit = 0; share > 0 && unit < width; ++unit)
      if (!options.masked)
        now[unit] = share * then[unit] + (1 - share) * now[unit];
      else if (!keeps(purpose, share, FIRST_STEP + time, row * width + unit))
        now[unit] = then[unit];
  };
  zone_out(state.h, before.h, 1, options.zoneout_hidden, P);
  zone_out(state.c, before.c, 2, options.zoneout_cell, kind.has_cell() ? H : 0);
}

// Every sequence of a batch, one after the other.
template <class Number>
Result<Number> equations(
    const Kind& kind, const Shape& shape, const Layout& layout, const Given<Number>& given) {
  const int64_t P = kind.width(shape);
  Result<Number> result;
  result.output.resize(static_cast<size_t>(layout.rows() * P));
  for (int64_t row = 0; row < shape.B; ++row) {
    const auto part = [&](const std::vector<Number>& all, int64_t width) {
      if (all.empty()) return std::vector<Number>();
      return std::vector<Number>(all.begin() + row * width, all.begin() + (row + 1) * width);
    };
    State<Number> state = {part(given.h0, P), part(given.c0, shape.H), part(given.n0, shape.H),
                           part(given.m0, shape.H)};
    const int64_t length = layout.lengths[row];
    for (int64_t turn = 0; turn < length; ++turn) {
      const int64_t time = shape.reverse ? length - 1 - turn : turn;
      const int64_t here = layout.offsets[time] + row;
      advance(kind, shape, given, given.x.data() + here * shape.I, time, row, state);
      for (int64_t unit = 0; unit < P; ++unit) result.output[here * P + unit] = state.h[unit];
    }
    const auto append = [](std::vector<Number>& all, const std::vector<Number>& own) {
      all.insert(all.end(), own.begin(), own.end());
    };
    append(result.h, state.h), append(result.c, state.c);
    append(result.n, state.n), append(result.m, state.m);
  }
  return result;
}

}  // namespace selftest
