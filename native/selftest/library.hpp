// The library's functions (`bindings.cpp`), and which kernel runs a cell with its options.
#pragma once

#include <string>

#include "../call.hpp"
#include "equations.hpp"

extern "C" {
const char* holdfast_instruction_set(int index);
int holdfast_usable(const char* instruction_set);
const HoldfastKernel* holdfast_kernel(
    const char* instruction_set, const char* cell, const char* precision);
int holdfast_forward(const HoldfastKernel* kernel, const HoldfastCall* call);
int holdfast_backward(const HoldfastKernel* kernel, const HoldfastCall* call);
HoldfastStream* holdfast_stream_open(const HoldfastKernel* kernel, const HoldfastCall* call);
void holdfast_stream_step(HoldfastStream* stream, const void* x);
void holdfast_stream_close(HoldfastStream* stream);
}

namespace selftest {

// The kernel for a cell, in the precision of a type.
template <class Real>
const HoldfastKernel* kernel_of(const char* instruction_set, const Kind& kind) {
  static const char* const names[] = {"lstm", "gru", "rnn_tanh", "rnn_relu", "slstm"};
  std::string name = names[kind.cell];
  if (kind.cell != SLSTM && kind.options.changed())
    name += kind.options.coupled ? "_coupled" : "_variant";
  return holdfast_kernel(instruction_set, name.c_str(), sizeof(Real) == 8 ? "float64" : "float32");
}

}  // namespace selftest
