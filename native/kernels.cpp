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

template <class Real, class Cell, template <class, class> class Steps,
          template <class, class> class StepsBack, bool options>
constexpr HoldfastKernel kernel(const char* name) {
  return {name, sizeof(Real) == 4 ? "float32" : "float64",
          // The only gate of a plain RNN is its output.
          Cell::gates > 1 || options ? Cell::saved : 0, forward<Real, Cell, Steps>,
          backward<Real, Cell, StepsBack>, open<Real, Cell, Steps>};
}

template <class Real, class Cell>
constexpr HoldfastKernel plain(const char* name) {
  return kernel<Real, Cell, Pass, StepBack, false>(name);
}

template <class Real, class Cell>
constexpr HoldfastKernel variant(const char* name) {
  return kernel<Real, Cell, Variant, VariantStepBack, true>(name);
}

}  // namespace

// Found by the names of cell and precision; `variant` takes every option. Constant, so that nothing
// of an instruction set that the processor has not is run when the library is loaded.
extern constexpr HoldfastKernel kernels[] = {
    plain<float, Lstm<float>>("lstm"),
    plain<double, Lstm<double>>("lstm"),
    plain<float, Gru<float>>("gru"),
    plain<double, Gru<double>>("gru"),
    plain<float, Rnn<float, false>>("rnn_tanh"),
    plain<double, Rnn<double, false>>("rnn_tanh"),
    plain<float, Rnn<float, true>>("rnn_relu"),
    plain<double, Rnn<double, true>>("rnn_relu"),
    variant<float, Lstm<float, true>>("lstm_variant"),
    variant<double, Lstm<double, true>>("lstm_variant"),
    variant<float, Lstm<float, true, true>>("lstm_coupled"),
    variant<double, Lstm<double, true, true>>("lstm_coupled"),
    variant<float, Gru<float>>("gru_variant"),
    variant<double, Gru<double>>("gru_variant"),
    variant<float, Rnn<float, false>>("rnn_tanh_variant"),
    variant<double, Rnn<double, false>>("rnn_tanh_variant"),
    variant<float, Rnn<float, true>>("rnn_relu_variant"),
    variant<double, Rnn<double, true>>("rnn_relu_variant"),
    variant<float, Slstm<float>>("slstm"),
    variant<double, Slstm<double>>("slstm"),
    {nullptr, nullptr, 0, nullptr, nullptr, nullptr},
};

}  // namespace HOLDFAST_ISA
