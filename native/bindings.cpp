// The C functions that Python calls; the instruction set is picked when the library is loaded.
#include <pthread.h>
#include <sys/mman.h>

#include <cstring>

#include "kernels.hpp"

namespace {

struct InstructionSet {
  const char* name;
  bool usable;  // by this processor
  const HoldfastKernel* kernels;
};

#ifdef HOLDFAST_X86
const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif

// The best first.
const InstructionSet sets[] = {
#ifdef HOLDFAST_X86
    {"avx512", has_avx512, avx512::kernels},
    {"avx2", has_avx2, avx2::kernels},
#endif
    {"baseline", true, baseline::kernels},
};
constexpr int count = sizeof sets / sizeof sets[0];

// A child of fork has lost the threads of the parent's pool, and waiting for them would never end.
bool forked = false;

__attribute__((constructor)) void watch_forks() {
  pthread_atfork(nullptr, nullptr, [] { forked = true; });
}

int run(int (*pass)(const HoldfastCall*), const HoldfastCall* call) {
  if (!forked) return pass(call);
  HoldfastCall alone = *call;
  alone.threads = 1;
  return pass(&alone);
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

// The fields of a call, kind and name, so that Python and the library can be seen to mean the same.
const char* holdfast_call_fields() {
  return
#define SIZE(name) "size " #name "\n"
#define SIZES(name) "pointer " #name "\n"
#define NUMBER(name) "number " #name "\n"
#define READ(name) "pointer " #name "\n"
#define WRITTEN(name) "pointer " #name "\n"
#include "call_fields.inc"
      ;
}

// The name of instruction set `index`, the best first; null where there are no more.
const char* holdfast_instruction_set(int index) {
  return index < 0 || index >= count ? nullptr : sets[index].name;
}

// Whether this processor has an instruction set that was compiled.
int holdfast_usable(const char* instruction_set) {
  for (const InstructionSet& set : sets)
    if (!std::strcmp(set.name, instruction_set)) return set.usable;
  return 0;
}

// A kernel by its names, or null: no such one, or not for this processor.
const HoldfastKernel* holdfast_kernel(
    const char* instruction_set, const char* cell, const char* precision) {
  for (const InstructionSet& set : sets) {
    if (std::strcmp(set.name, instruction_set) || !set.usable) continue;
    for (const HoldfastKernel* kernel = set.kernels; kernel->cell; ++kernel)
      if (!std::strcmp(kernel->cell, cell) && !std::strcmp(kernel->precision, precision))
        return kernel;
  }
  return nullptr;
}

// What the forward pass of a kernel can save of a unit at a step for the backward pass.
int holdfast_saved_gates(const HoldfastKernel* kernel) { return kernel->saved_gates; }

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

// Run a kernel: 0 done, 1 out of memory.
int holdfast_forward(const HoldfastKernel* kernel, const HoldfastCall* call) {
  return run(kernel->forward, call);
}

int holdfast_backward(const HoldfastKernel* kernel, const HoldfastCall* call) {
  return run(kernel->backward, call);
}

// A layer to be run step by step, or null: no memory. `call` has to outlive it.
HoldfastStream* holdfast_stream_open(const HoldfastKernel* kernel, const HoldfastCall* call) {
  return kernel->open(call);
}

void holdfast_stream_refresh(HoldfastStream* stream) { stream->refresh(); }

void holdfast_stream_step(HoldfastStream* stream, const void* x) { stream->step(x, forked); }

void holdfast_stream_close(HoldfastStream* stream) { delete stream; }
}
#pragma GCC visibility pop
