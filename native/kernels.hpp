// The kernels of each instruction set that was compiled; the list ends with one without a name.
#pragma once

#include "call.hpp"

namespace baseline {
extern const HoldfastKernel kernels[];
}
#ifdef HOLDFAST_X86
namespace avx2 {
extern const HoldfastKernel kernels[];
}
namespace avx512 {
extern const HoldfastKernel kernels[];
}
#endif
