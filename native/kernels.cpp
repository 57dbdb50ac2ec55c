// Every cell in both precisions, compiled once per instruction set.
#include "backward.hpp"
#include "cells/gru.hpp"
#include "cells/lstm.hpp"
#include "cells/rnn.hpp"
#include "forward.hpp"
#include "kernels.hpp"
#include "stream.hpp"

namespace HOLDFAST_ISA {

namespace {

template <class Real, class Cell>
int forward(const HoldfastCall* call) {
  return Forward<Real, Cell>(*call).run();
}

template <class Real, class Cell>
int backward(const HoldfastCall* call) {
  return Backward<Real, Cell>(*call).run();
}

template <class Real, class Cell>
HoldfastStream* open(const HoldfastCall* call) {
  auto* stream = new (std::nothrow) Stream<Real, Cell>(*call);
  if (stream && stream->open()) return stream;
  delete stream;
  return nullptr;
}

}  // namespace

// By cell (LSTM, GRU, RNN with tanh, RNN with relu), precision (float, double) and direction.
extern const HoldfastKernel kernels[4][2][2] = {
    {{forward<float, Lstm<float>>, backward<float, Lstm<float>>},
     {forward<double, Lstm<double>>, backward<double, Lstm<double>>}},
    {{forward<float, Gru<float>>, backward<float, Gru<float>>},
     {forward<double, Gru<double>>, backward<double, Gru<double>>}},
    {{forward<float, Rnn<float, false>>, backward<float, Rnn<float, false>>},
     {forward<double, Rnn<double, false>>, backward<double, Rnn<double, false>>}},
    {{forward<float, Rnn<float, true>>, backward<float, Rnn<float, true>>},
     {forward<double, Rnn<double, true>>, backward<double, Rnn<double, true>>}},
};

extern const HoldfastOpen streams[4][2] = {
    {open<float, Lstm<float>>, open<double, Lstm<double>>},
    {open<float, Gru<float>>, open<double, Gru<double>>},
    {open<float, Rnn<float, false>>, open<double, Rnn<double, false>>},
    {open<float, Rnn<float, true>>, open<double, Rnn<double, true>>},
};

}  // namespace HOLDFAST_ISA
