// The library against loops over scalars, without Python: for machines that only an emulator has.
#include <algorithm>
#include <cstdio>
#include <iterator>

#include "check.hpp"
#include "functions.hpp"

using namespace selftest;

namespace {

Options with(void (*change)(Options&)) {
  Options options;
  change(options);
  return options;
}

// Everything that every cell has, in training; the LSTM has more.
void every(Options& options) {
  options.norm = options.masked = true;
  options.dropout = 0.4, options.zoneout_hidden = 0.3;
}

void every_of_lstm(Options& options) {
  every(options);
  options.peepholes = true;
  options.projection = 2, options.clip = 0.4, options.zoneout_cell = 0.2;
}

const Kind plain[] = {
    {"lstm", LSTM, {}}, {"gru", GRU, {}}, {"rnn_tanh", RNN_TANH, {}}, {"rnn_relu", RNN_RELU, {}}};

const Kind variants[] = {
    {"lstm peepholes clip", LSTM, with([](Options& o) { o.peepholes = true, o.clip = 0.4; })},
    {"lstm coupled", LSTM, with([](Options& o) { o.coupled = o.peepholes = true; })},
    {"lstm projection", LSTM, with([](Options& o) { o.projection = 2; })},
    {"lstm norm", LSTM, with([](Options& o) { o.norm = true; })},
    {"lstm expectation", LSTM,
     with([](Options& o) { o.zoneout_hidden = 0.3, o.zoneout_cell = 0.2; })},
    {"lstm masks", LSTM,
     with([](Options& o) {
       o.masked = true, o.dropout = 0.4, o.zoneout_hidden = 0.3, o.zoneout_cell = 0.2;
     })},
    {"lstm all", LSTM, with(every_of_lstm)},
    {"lstm coupled all", LSTM, with([](Options& o) { every_of_lstm(o), o.coupled = true; })},
    {"gru norm", GRU, with([](Options& o) { o.norm = true; })},
    {"gru all", GRU, with(every)},
    {"rnn_tanh all", RNN_TANH, with(every)},
    {"rnn_relu all", RNN_RELU, with(every)},
    {"slstm", SLSTM, {}},
    {"slstm all", SLSTM, with([](Options& o) { every(o), o.exponential_forget = true; })},
};

// One of everything; several vectors, tiles and panels; several blocks and chunks.
const Shape shapes[] = {
    {1, 1, 1, 1, false, false, true},  {5, 4, 3, 17, false, false, true},
    {5, 4, 2, 17, true, true, false},  {3, 9, 5, 6, false, true, true},
    {2, 131, 2, 3, true, false, true}, {70, 2, 4, 3, false, false, false},
};
const Shape shapes_of_variants[] = {
    {5, 4, 3, 17, false, false, true}, {4, 5, 2, 6, true, true, false},
    {2, 60, 2, 3, false, true, true},  {50, 2, 4, 3, false, false, true},
};

bool good = true;

void compare(const Kind& kind, const Shape* first, const Shape* last) {
  std::vector<double> worst;
  for (; first < last; ++first) {
    const Problem problem(kind, *first);
    size_t at = 0;
    for (int index = 0; const char* isa = holdfast_instruction_set(index); ++index) {
      if (!holdfast_usable(isa)) continue;
      worst.resize(std::max(worst.size(), at + 2));
      for (const int64_t threads : {1, 3})
        for (const bool keep : {false, true}) {
          worst[at] = worse(worst[at], Check<float>(problem, isa, threads)(keep));
          worst[at + 1] = worse(worst[at + 1], Check<double>(problem, isa, threads)(keep));
        }
      at += 2;
    }
  }
  size_t at = 0;
  for (int index = 0; const char* isa = holdfast_instruction_set(index); ++index) {
    if (!holdfast_usable(isa)) continue;
    std::printf(
        "%-20s %-9s float %.3f, double %.3f of what rounding may do\n", kind.name, isa,
        worst[at], worst[at + 1]);
    for (const size_t one : {at, at + 1}) good = good && worst[one] <= 1;
    at += 2;
  }
}

template <class Real>
void measure(const char* isa, const char* precision) {
  const Accuracy found = Functions<Real>(isa).accuracy();
  std::printf(
      "%-20s %-9s %s: off by %.2f (exp), %.2f (sigmoid), %.2f (log sigmoid), %.2f (tanh) ulp\n",
      "functions", isa, precision, found.exp, found.sigmoid, found.log_sigmoid,
      found.tanh);
  good = good && found.kept();
}

}  // namespace

int main() {
  for (const Kind& kind : plain) compare(kind, std::begin(shapes), std::end(shapes));
  for (const Kind& kind : variants)
    compare(kind, std::begin(shapes_of_variants), std::end(shapes_of_variants));
  for (int index = 0; const char* isa = holdfast_instruction_set(index); ++index) {
    if (!holdfast_usable(isa)) {
      std::printf("%-20s this processor has none\n", isa);
      continue;
    }
    measure<float>(isa, "float");
    measure<double>(isa, "double");
  }
  std::puts(good ? "selftest: every result is within its rounding" : "selftest: WRONG");
  return good ? 0 : 1;
}
