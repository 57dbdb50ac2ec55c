// Random masks that are computed where they are needed and never stored.
#pragma once

#include "call.hpp"
#include "simd.hpp"

namespace HOLDFAST_ISA {

// Threefry-2x32 with 20 rounds (Salmon et al. 2011), its first word, for as many counters as a
// vector of `Real` has lanes: (first, second), (first, second + 1), …
// Key, counter and what they stand for: `holdfast/engine/cells/masks.py`.
template <class Real>
HOLDFAST_INLINE typename Simd<Real>::Words threefry(
    uint32_t seed, uint32_t stream, uint32_t first, uint32_t second) {
  using Words = typename Simd<Real>::Words;
  const uint32_t schedule[3] = {seed, stream, 0x1BD11BDAu ^ seed ^ stream};
  Words x = (first + schedule[0]) - Words{}, y = {};
  for (int lane = 0; lane < Simd<Real>::lanes; ++lane) y[lane] = static_cast<uint32_t>(lane);
  y += second + schedule[1];
  constexpr int rotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
#pragma GCC unroll 5
  for (uint32_t turn = 0; turn < 5; ++turn) {
#pragma GCC unroll 4
    for (int round = 0; round < 4; ++round) {
      const int by = rotations[turn % 2][round];
      x += y;
      y = (y << by) | (y >> (32 - by));
      y ^= x;
    }
    x += schedule[(turn + 1) % 3];
    y += schedule[(turn + 2) % 3] + turn + 1;
  }
  return x;
}

// A mask of one pass: which values of the rows of width `width` are kept, or are new.
template <class Real>
class Mask {
  using V = Vec<Real>;
  uint32_t seed, stream, width;
  uint32_t below;  // the largest word that is not kept
  double probability;
  int64_t first_step;

 public:
  bool drawn;  // else outside training, or nothing to draw
  Real share;  // the probability of a value that is not kept

  Mask(const HoldfastCall& call, int purpose, double of_dropping, int64_t units)
      : seed(static_cast<uint32_t>(call.seed)),
        stream(static_cast<uint32_t>(call.stream + purpose)),
        width(static_cast<uint32_t>(units)),
        below(last_below(of_dropping)),
        probability(of_dropping),
        first_step(call.first_step),
        drawn(call.masked && of_dropping > 0),
        share(static_cast<Real>(of_dropping)) {}

  // What recurrent dropout multiplies h with.
  HOLDFAST_INLINE V factor(int64_t row, int64_t unit) const {
    return keeps(0, row, unit) ? fill<Real>(static_cast<Real>(1 / (1 - probability))) : V{};
  }

  // Zoneout: the new value or the old one; outside training the expectation.
  HOLDFAST_INLINE V mix(int64_t time, int64_t row, int64_t unit, V before, V after) const {
    if (share == 0) return after;
    if (drawn) return keeps(first_step + time, row, unit) ? after : before;
    return share * before + (1 - share) * after;
  }

  // The gradient of the new value; what goes on to the old one is left in `dv`.
  HOLDFAST_INLINE V split(int64_t time, int64_t row, int64_t unit, V& dv) const {
    const V all = dv;
    if (share == 0) {
      dv = V{};
      return all;
    }
    if (drawn) {
      const auto truth = keeps(first_step + time, row, unit);
      dv = truth ? V{} : all;
      return truth ? all : V{};
    }
    dv = share * all;
    return (1 - share) * all;
  }

 private:
  // For the values from `unit` on: true where they are kept.
  HOLDFAST_INLINE typename Simd<Real>::Int keeps(int64_t time, int64_t row, int64_t unit) const {
    const auto first = static_cast<uint32_t>(row) * width + static_cast<uint32_t>(unit);
    const typename Simd<Real>::Truths truths =
        threefry<Real>(seed, stream, static_cast<uint32_t>(time), first) > below;
    return __builtin_convertvector(truths, typename Simd<Real>::Int);
  }

  // A word w is kept where w ≥ ⌈p · 2^32⌉.
  static uint32_t last_below(double share) {
    const double scaled = share * 4294967296.0;
    const auto floor = static_cast<uint64_t>(scaled);
    const uint64_t ceiling = floor + (static_cast<double>(floor) < scaled);
    return ceiling > 0 ? static_cast<uint32_t>(ceiling - 1) : 0;
  }
};

}  // namespace HOLDFAST_ISA
