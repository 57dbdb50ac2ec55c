// The library's functions (`bindings.cpp`), and which number each kernel has.
#pragma once

#include "../call.hpp"
#include "equations.hpp"

extern "C" {
int64_t holdfast_call_size();
const char* holdfast_isa_name(int index);
int holdfast_isa_there(int index);
int holdfast_run(int isa, int cell, int precision, int backward, const HoldfastCall* call);
HoldfastStream* holdfast_stream_open(int isa, int cell, int precision, const HoldfastCall* call);
void holdfast_stream_step(HoldfastStream* stream, const void* x);
void holdfast_stream_close(HoldfastStream* stream);
}

namespace selftest {

// In the table of `kernels.cpp`.
inline int kernel_of(const Kind& kind) {
  if (kind.cell == SLSTM) return 9;
  if (!kind.options.changed()) return kind.cell;
  return 4 + kind.cell + (kind.cell > LSTM || kind.options.coupled);
}

}  // namespace selftest
