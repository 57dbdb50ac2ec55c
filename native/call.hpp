// What a kernel is told: sizes and pointers, and nothing of Python or torch.
#pragma once

#include <cstdint>

// One pass: a layer in one direction over sequences of up to T steps.
// Rows lie step after step: those of step t are offsets[t] … offsets[t + 1] − 1, sequences sorted by
// falling length, so that row r of a step is sequence r. Without offsets every step has B rows.
// Every matrix is contiguous, row by row; gradients are written, not added. G is the number of gates
// of the cell, S of its saved gates: what its backward pass wants to know of a unit at a step. P is
// the width of h: H, or the projection's.
struct HoldfastCall {
#define SIZE(name) int64_t name;
#define SIZES(name) const int64_t* name;
#define NUMBER(name) double name;
#define READ(name) const void* name;
#define WRITTEN(name) void* name;
#include "call_fields.inc"
#undef SIZE
#undef SIZES
#undef NUMBER
#undef READ
#undef WRITTEN
};

// A layer that is run step by step: `output` and `cell_state` of its call are the state, read and
// written by every step. The call is the stream's for as long as it lives.
struct HoldfastStream {
  virtual void refresh() = 0;  // takes the weights as they are now
  virtual void step(const void* x, bool alone) = 0;  // alone: on this thread only
  virtual ~HoldfastStream() = default;
};

// A compiled cell in one precision.
struct HoldfastKernel {
  const char* cell;       // its name; null behind the last one
  const char* precision;  // torch's name: "float32", "float64"
  int saved_gates;        // S; 0 where the backward pass reads the output instead
  int (*forward)(const HoldfastCall*);   // 0, or 1 where memory could not be had
  int (*backward)(const HoldfastCall*);  // the same
  HoldfastStream* (*open)(const HoldfastCall*);  // null where memory could not be had
};
