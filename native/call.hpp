// What a kernel is told: sizes and pointers, and nothing of Python or torch.
// `holdfast/engine/kernels/native.py` mirrors this struct field by field.
#pragma once

#include <cstdint>

extern "C" {

// One pass (a layer in one direction) over the steps [begin, end) of a sequence of T = `steps`.
// Rows lie step after step: those of step t are offsets[t] … offsets[t + 1] − 1, sequences sorted by
// falling length, so that row r of a step is sequence r. Every matrix is contiguous, row by row.
// G is the number of gates of the cell, S of its slots: what its backward pass keeps a unit and step.
struct HoldfastCall {
  int64_t steps, batch, inputs, units;  // T, B, I, H
  int64_t begin, end;
  int64_t reverse;  // 1: from the last step to the first
  int64_t threads;
  const int64_t* offsets;   // (T + 1)
  const void* x;            // (rows, I); null where `projected` is given
  const void* projected;    // (rows of the segment, GH): W_ih x without bias, or null
  const void* weight_ih;    // (GH, I)
  const void* weight_hh;    // (GH, H)
  const void* bias_ih;      // (GH) or null
  const void* bias_hh;      // (GH) or null
  const void* h0;           // (B, H)
  const void* c0;           // (B, H) or null
  void* output;             // (rows, H): h at every step
  void* cells;              // (rows, H): c at every step, or null
  void* cell_state;         // (B, H): c where `cells` is null, read and written
  void* gates;              // (rows, SH) slots kept by the forward pass, or null
  const void* grad_output;  // (rows, H) or null
  void* grad_h;             // (B, H): of the states at the segment's end, becomes that at its begin
  void* grad_c;             // (B, H) or null
  void* grad_sums;          // (rows of the segment, SH): of what the activations are applied to
};

// 0, or 1 where memory could not be had.
typedef int (*HoldfastKernel)(const HoldfastCall*);
}
