// What a kernel is told: sizes and pointers, and nothing of Python or torch.
// `holdfast/engine/kernels/native.py` mirrors this struct field by field.
#pragma once

#include <cstdint>

extern "C" {

// One pass: a layer in one direction over sequences of up to T steps.
// Rows lie step after step: those of step t are offsets[t] … offsets[t + 1] − 1, sequences sorted by
// falling length, so that row r of a step is sequence r. Without offsets every step has B rows.
// Every matrix is contiguous, row by row; gradients are written, not added. G is the number of gates
// of the cell, S of its slots: what its backward pass wants to know of a unit at a step. P is the
// width of h: H, or the projection's.
struct HoldfastCall {
  int64_t steps, batch, inputs, units;  // T, B, I, H
  int64_t reverse;                      // 1: from the last step to the first
  int64_t threads;
  const int64_t* offsets;   // (T + 1) or null
  const void* x;            // (rows, I)
  const void* weight_ih;    // (GH, I)
  const void* weight_hh;    // (GH, P)
  const void* bias_ih;      // (GH) or null
  const void* bias_hh;      // (GH) or null
  const void* h0;           // (B, P)
  const void* c0;           // (B, H), or null for a cell without c
  void* output;             // (rows, P): h at every step
  void* cells;              // (rows, H): c at every step, or null
  void* cell_state;         // (B, H): where `cells` is null, c0 on entry and the final c on return
  void* slots;              // (rows, SH): kept by the forward pass for the backward pass, or null
  const void* grad_output;  // (rows, P), or null for zeros
  void* grad_h;             // (B, P): of the final h on entry, of h0 on return
  void* grad_c;             // (B, H): the same of c, or null
  void* grad_x;             // (rows, I), or null where nobody asks
  void* grad_weight_ih;     // (GH, I)
  void* grad_weight_hh;     // (GH, P)
  void* grad_bias_ih;       // (GH) or null
  void* grad_bias_hh;       // (GH) or null

  // What belongs to options, and is 0 or null without them.
  int64_t projection;      // P, or 0: h has H values
  int64_t masked;          // 0 outside training: no dropout, and of zoneout the expectation
  int64_t seed, stream;    // the masks' key; to `stream` a mask's purpose is added
  int64_t first_step;      // what the first step counts as in the masks' counter
  double recurrent_dropout, zoneout_hidden, zoneout_cell;  // probabilities
  double cell_clip;        // the bound of c; infinity for none
  const void* weight_hr;   // (P, H) or null
  const void* peephole;    // (3H), of i, f, o; (2H), of i, o, where coupled; or null
  const void* norm_ih;     // (GH) or null; with it norm_hh, and for the LSTM norm_c
  const void* norm_hh;     // (GH) or null
  const void* norm_c;      // (H) or null
  const void* norm_c_bias;  // (H) or null
  void* grad_weight_hr;     // each as its weight, or null
  void* grad_peephole;
  void* grad_norm_ih;
  void* grad_norm_hh;
  void* grad_norm_c;
  void* grad_norm_c_bias;

  // What belongs to the sLSTM.
  int64_t exponential_forget;  // 1: the forget gate is e^a
  void* normaliser;            // (B, H): n, at first on entry and at last on return
  void* stabiliser;            // (B, H): m, in the same way
  void* grad_normaliser;       // (B, H): of the final n on entry, of the first on return
  void* grad_stabiliser;       // (B, H): the same of m
};

// 0, or 1 where memory could not be had.
typedef int (*HoldfastKernel)(const HoldfastCall*);
}

// A layer that is run step by step: `output` and `cell_state` of its call are the state, read and
// written by every step. The call is the stream's for as long as it lives.
struct HoldfastStream {
  virtual void refresh() = 0;  // takes the weights as they are now
  virtual void step(const void* x, bool alone) = 0;  // alone: on this thread only
  virtual ~HoldfastStream() = default;
};

// Null where memory could not be had.
typedef HoldfastStream* (*HoldfastOpen)(const HoldfastCall*);
