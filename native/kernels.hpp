// The kernels of each instruction set that was compiled.
#pragma once

#include "call.hpp"

// LSTM, GRU, RNN with tanh, RNN with relu; with options LSTM, LSTM with coupled gates, GRU, RNN with
// tanh, RNN with relu, sLSTM.
#define HOLDFAST_CELLS 10

namespace baseline {
extern const HoldfastKernel kernels[HOLDFAST_CELLS][2][2];
extern const HoldfastOpen streams[HOLDFAST_CELLS][2];
}
#ifdef HOLDFAST_X86
namespace avx2 {
extern const HoldfastKernel kernels[HOLDFAST_CELLS][2][2];
extern const HoldfastOpen streams[HOLDFAST_CELLS][2];
}
namespace avx512 {
extern const HoldfastKernel kernels[HOLDFAST_CELLS][2][2];
extern const HoldfastOpen streams[HOLDFAST_CELLS][2];
}
#endif
