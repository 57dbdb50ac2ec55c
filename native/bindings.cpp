// The C functions that Python calls; the instruction set is picked when the library is loaded.
#include <pthread.h>
#include <sys/mman.h>

#include "kernels.hpp"

namespace {

struct Isa {
  const char* name;
  bool there;
  const HoldfastKernel (*kernels)[2][2];
  const HoldfastOpen (*streams)[2];
};

#ifdef HOLDFAST_X86
const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif

// The best first.
const Isa sets[] = {
#ifdef HOLDFAST_X86
    {"avx512", has_avx512, avx512::kernels, avx512::streams},
    {"avx2", has_avx2, avx2::kernels, avx2::streams},
#endif
    {"baseline", true, baseline::kernels, baseline::streams},
};
constexpr int count = sizeof sets / sizeof sets[0];

// A child of fork has lost the threads of the parent's pool, and waiting for them would never end.
bool forked = false;

__attribute__((constructor)) void watch_forks() {
  pthread_atfork(nullptr, nullptr, [] { forked = true; });
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

// The size of the struct, so that both sides can be seen to mean the same one.
int64_t holdfast_call_size() { return sizeof(HoldfastCall); }

// The name of instruction set `index`, the best first; null where there are no more.
const char* holdfast_isa_name(int index) {
  return index < 0 || index >= count ? nullptr : sets[index].name;
}

// Whether this processor has instruction set `index`.
int holdfast_isa_there(int index) {
  return index >= 0 && index < count && sets[index].there;
}

// Asks for large pages for memory that nobody has touched yet: a fault for every 2 MiB instead of
// every 4 KiB, where the faults of a long sequence's tensors cost as much as its arithmetic.
void holdfast_advise(void* memory, size_t bytes) {
#ifdef MADV_HUGEPAGE
  constexpr uintptr_t page = uintptr_t{1} << 21;
  const uintptr_t from = (reinterpret_cast<uintptr_t>(memory) + page - 1) & ~(page - 1);
  const uintptr_t to = (reinterpret_cast<uintptr_t>(memory) + bytes) & ~(page - 1);
  // Where the system refuses, small pages serve as well.
  if (to > from) madvise(reinterpret_cast<void*>(from), to - from, MADV_HUGEPAGE);
#else
  (void)memory, (void)bytes;
#endif
}

// Runs a kernel: 0 done, 1 out of memory, 2 no such kernel on this processor.
int holdfast_run(int isa, int cell, int precision, int backward, const HoldfastCall* call) {
  if (!holdfast_isa_there(isa) || cell < 0 || cell >= HOLDFAST_CELLS) return 2;
  const HoldfastKernel kernel = sets[isa].kernels[cell][precision != 0][backward != 0];
  if (!forked) return kernel(call);
  HoldfastCall alone = *call;
  alone.threads = 1;
  return kernel(&alone);
}

// A layer to be run step by step, or null: no memory, or no such kernel. `call` has to outlive it.
HoldfastStream* holdfast_stream_open(int isa, int cell, int precision, const HoldfastCall* call) {
  if (!holdfast_isa_there(isa) || cell < 0 || cell >= HOLDFAST_CELLS) return nullptr;
  return sets[isa].streams[cell][precision != 0](call);
}

void holdfast_stream_refresh(HoldfastStream* stream) { stream->refresh(); }

void holdfast_stream_step(HoldfastStream* stream, const void* x) { stream->step(x, forked); }

void holdfast_stream_close(HoldfastStream* stream) { delete stream; }
}
#pragma GCC visibility pop
