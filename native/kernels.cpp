// Every cell in both precisions, compiled once per instruction set.
#include "backward.hpp"
#include "cells/gru.hpp"
#include "cells/lstm.hpp"
#include "cells/rnn.hpp"
#include "cells/slstm.hpp"
#include "forward.hpp"
#include "kernels.hpp"
#include "stream.hpp"
#include "variant.hpp"

namespace HOLDFAST_ISA {

namespace {

template <class Real, class Cell, template <class, class> class Steps>
int forward(const HoldfastCall* call) {
  return Forward<Real, Cell, Steps>(*call).run();
}

template <class Real, class Cell, template <class, class> class Steps>
int backward(const HoldfastCall* call) {
  return Backward<Real, Cell, Steps>(*call).run();
}

template <class Real, class Cell, template <class, class> class Steps>
HoldfastStream* open(const HoldfastCall* call) {
  auto* stream = new (std::nothrow) Stream<Real, Cell, Steps>(*call);
  if (stream && stream->open()) return stream;
  delete stream;
  return nullptr;
}

}  // namespace

#define BOTH(Real, ...) \
  { forward<Real, __VA_ARGS__, Pass>, backward<Real, __VA_ARGS__, Unwinding> }
#define BOTH_WITH_OPTIONS(Real, ...) \
  { forward<Real, __VA_ARGS__, Variant>, backward<Real, __VA_ARGS__, VariantUnwinding> }

// By cell, precision (float, double) and direction.
extern const HoldfastKernel kernels[HOLDFAST_CELLS][2][2] = {
    {BOTH(float, Lstm<float>), BOTH(double, Lstm<double>)},
    {BOTH(float, Gru<float>), BOTH(double, Gru<double>)},
    {BOTH(float, Rnn<float, false>), BOTH(double, Rnn<double, false>)},
    {BOTH(float, Rnn<float, true>), BOTH(double, Rnn<double, true>)},
    {BOTH_WITH_OPTIONS(float, Lstm<float, true>), BOTH_WITH_OPTIONS(double, Lstm<double, true>)},
    {BOTH_WITH_OPTIONS(float, Lstm<float, true, true>),
     BOTH_WITH_OPTIONS(double, Lstm<double, true, true>)},
    {BOTH_WITH_OPTIONS(float, Gru<float>), BOTH_WITH_OPTIONS(double, Gru<double>)},
    {BOTH_WITH_OPTIONS(float, Rnn<float, false>), BOTH_WITH_OPTIONS(double, Rnn<double, false>)},
    {BOTH_WITH_OPTIONS(float, Rnn<float, true>), BOTH_WITH_OPTIONS(double, Rnn<double, true>)},
    {BOTH_WITH_OPTIONS(float, Slstm<float>), BOTH_WITH_OPTIONS(double, Slstm<double>)},
};

#define OPEN(Steps, Cell, ...) \
  { open<float, Cell<float __VA_ARGS__>, Steps>, open<double, Cell<double __VA_ARGS__>, Steps> }

extern const HoldfastOpen streams[HOLDFAST_CELLS][2] = {
    OPEN(Pass, Lstm, ),
    OPEN(Pass, Gru, ),
    OPEN(Pass, Rnn, , false),
    OPEN(Pass, Rnn, , true),
    OPEN(Variant, Lstm, , true),
    OPEN(Variant, Lstm, , true, true),
    OPEN(Variant, Gru, ),
    OPEN(Variant, Rnn, , false),
    OPEN(Variant, Rnn, , true),
    OPEN(Variant, Slstm, ),
};

}  // namespace HOLDFAST_ISA
