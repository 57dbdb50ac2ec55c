// The kernels of each instruction set that was compiled.
#pragma once

#include "call.hpp"

namespace baseline {
extern const HoldfastKernel kernels[4][2][2];
extern const HoldfastOpen streams[4][2];
}
#ifdef HOLDFAST_X86
namespace avx2 {
extern const HoldfastKernel kernels[4][2][2];
extern const HoldfastOpen streams[4][2];
}
namespace avx512 {
extern const HoldfastKernel kernels[4][2][2];
extern const HoldfastOpen streams[4][2];
}
#endif
