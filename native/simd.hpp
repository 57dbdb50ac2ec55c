// A vector of numbers as wide as the instruction set, and exp, sigmoid and tanh on it.
// Everything lies in the namespace of one instruction set, so that no function compiled for one can
// be linked into another (one definition rule).
#pragma once

#include <cstdint>
#include <cstring>

#ifndef HOLDFAST_ISA
#error "HOLDFAST_ISA names the instruction set, and with it the namespace"
#endif

#if defined(__AVX512F__)
#define HOLDFAST_BYTES 64
#define HOLDFAST_ROWS 6
#elif defined(__AVX2__)
#define HOLDFAST_BYTES 32
#define HOLDFAST_ROWS 3
#else
#define HOLDFAST_BYTES 16
#define HOLDFAST_ROWS 3
#endif

#define HOLDFAST_INLINE inline __attribute__((always_inline))

namespace HOLDFAST_ISA {

// Rows of a tile of the matrix product; with 4 vectors a row they fill the registers.
constexpr int ROWS = HOLDFAST_ROWS;

template <class Real>
struct Simd;

template <>
struct Simd<float> {
  typedef float Vec __attribute__((vector_size(HOLDFAST_BYTES)));
  typedef int32_t Int __attribute__((vector_size(HOLDFAST_BYTES)));
  typedef uint32_t Words __attribute__((vector_size(HOLDFAST_BYTES)));  // 32 bits for each lane
  typedef int32_t Truths __attribute__((vector_size(HOLDFAST_BYTES)));
  static constexpr int lanes = HOLDFAST_BYTES / 4;
  static constexpr int mantissa = 23;
  static constexpr int bias = 127;
  static constexpr float rounding = 12582912.0f;  // 1.5 · 2^23: adding it rounds to an integer
  static constexpr float log2e = 1.44269504088896341f;
  static constexpr float ln2_high = 0.693145751953125f;  // 17 bits, so that n · ln2_high is exact
  static constexpr float ln2_low = 1.42860682030941723212e-6f;
  static constexpr float largest = 87.0f;  // exp of it is finite, exp of its negative is normal
  static constexpr int terms = 7;          // of exp's series: |r| ≤ ln 2 / 2, r^8 / 8! < 2^-25 r
};

template <>
struct Simd<double> {
  typedef double Vec __attribute__((vector_size(HOLDFAST_BYTES)));
  typedef int64_t Int __attribute__((vector_size(HOLDFAST_BYTES)));
  typedef uint32_t Words __attribute__((vector_size(HOLDFAST_BYTES / 2)));
  typedef int32_t Truths __attribute__((vector_size(HOLDFAST_BYTES / 2)));
  static constexpr int lanes = HOLDFAST_BYTES / 8;
  static constexpr int mantissa = 52;
  static constexpr int bias = 1023;
  static constexpr double rounding = 6755399441055744.0;  // 1.5 · 2^52
  static constexpr double log2e = 1.44269504088896340736;
  static constexpr double ln2_high = 0.693147180369123816490;
  static constexpr double ln2_low = 1.90821492927058770002e-10;
  static constexpr double largest = 708.0;
  static constexpr int terms = 13;  // r^14 / 14! < 2^-54 r
};

template <class Real>
using Vec = typename Simd<Real>::Vec;

template <class Real>
HOLDFAST_INLINE Vec<Real> load(const Real* from) {
  Vec<Real> vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}

template <class Real>
HOLDFAST_INLINE void store(Real* to, Vec<Real> vector) {
  std::memcpy(to, &vector, sizeof vector);
}

// The first `count` lanes; the others are 0.
template <class Real>
HOLDFAST_INLINE Vec<Real> load(const Real* from, int count) {
  if (count >= Simd<Real>::lanes) return load(from);
  Vec<Real> vector = {};
  for (int lane = 0; lane < count; ++lane) vector[lane] = from[lane];
  return vector;
}

template <class Real>
HOLDFAST_INLINE void store(Real* to, Vec<Real> vector, int count) {
  if (count >= Simd<Real>::lanes) return store(to, vector);
  for (int lane = 0; lane < count; ++lane) to[lane] = vector[lane];
}

// Stores an aligned vector in memory and in no cache, where the processor can: what nobody reads for a
// long time is not fetched before it is overwritten, and drives nothing out. `settle` follows.
template <class Real>
HOLDFAST_INLINE void store_away(Real* to, Vec<Real> vector) {
#if defined(__AVX__)
  __asm__ volatile("vmovntps %1, %0" : "=m"(*reinterpret_cast<Vec<Real>*>(to)) : "v"(vector));
#elif defined(__SSE__)
  __asm__ volatile("movntps %1, %0" : "=m"(*reinterpret_cast<Vec<Real>*>(to)) : "x"(vector));
#else
  store(to, vector);
#endif
}

// What has been stored away is seen by all threads from here on.
HOLDFAST_INLINE void settle() {
#ifdef __SSE__
  __asm__ volatile("sfence" ::: "memory");
#endif
}

template <class Real>
HOLDFAST_INLINE Vec<Real> fill(Real value) {
  return value - Vec<Real>{};  // + would turn −0 into 0, so the compiler could not leave it out
}

// The lesser of x and a bound, and the greater of them; NaN stays NaN. With AVX one instruction, which
// a compiler does not take for the comparison by itself, and which is short on the way from sums to h.
template <class Real>
HOLDFAST_INLINE Vec<Real> at_most(Vec<Real> x, Real most) {
  const Vec<Real> bound = fill<Real>(most);
#ifdef __AVX__
  if constexpr (sizeof(Real) == 4)
    __asm__("vminps %0, %1, %0" : "+v"(x) : "v"(bound));
  else
    __asm__("vminpd %0, %1, %0" : "+v"(x) : "v"(bound));
  return x;
#else
  return x > bound ? bound : x;
#endif
}

template <class Real>
HOLDFAST_INLINE Vec<Real> at_least(Vec<Real> x, Real least) {
  const Vec<Real> bound = fill<Real>(least);
#ifdef __AVX__
  if constexpr (sizeof(Real) == 4)
    __asm__("vmaxps %0, %1, %0" : "+v"(x) : "v"(bound));
  else
    __asm__("vmaxpd %0, %1, %0" : "+v"(x) : "v"(bound));
  return x;
#else
  return x < bound ? bound : x;
#endif
}

template <class Real>
constexpr Real inverse_factorial(int k) {
  double product = 1;
  for (int factor = 2; factor <= k; ++factor) product *= factor;
  return static_cast<Real>(1 / product);
}

// 1/2! + r/3! + … : what is left of (e^r − 1 − r) / r².
template <class Real>
HOLDFAST_INLINE Vec<Real> exponential_series(Vec<Real> r) {
  constexpr int terms = Simd<Real>::terms;
  Vec<Real> sum = fill<Real>(inverse_factorial<Real>(terms));
#pragma GCC unroll 16
  for (int k = terms - 1; k >= 2; --k) sum = sum * r + inverse_factorial<Real>(k);
  return sum;
}

// e^x − 1 = 2^n (e^r − 1) + (2^n − 1) with x = n ln 2 + r, exact to rounding near 0 too.
// x lies between ±`largest`; NaN stays NaN.
template <class Real>
HOLDFAST_INLINE Vec<Real> bounded_exponential(Vec<Real> x, Vec<Real>& power) {
  using S = Simd<Real>;
  const Vec<Real> shifted = x * S::log2e + S::rounding;
  const Vec<Real> n = shifted - S::rounding;
  const Vec<Real> r = (x - n * S::ln2_high) - n * S::ln2_low;
  typename S::Int bits, zero;
  const Vec<Real> rounding = fill<Real>(S::rounding);
  std::memcpy(&bits, &shifted, sizeof bits);
  std::memcpy(&zero, &rounding, sizeof zero);
  bits = (bits - zero + S::bias) << S::mantissa;
  std::memcpy(&power, &bits, sizeof power);
  return r + r * r * exponential_series<Real>(r);
}

// The same for any x: beyond ±`largest` it stays what it is there.
template <class Real>
HOLDFAST_INLINE Vec<Real> exponential_less_one(Vec<Real> x, Vec<Real>& power) {
  constexpr Real largest = Simd<Real>::largest;
  return bounded_exponential<Real>(at_least<Real>(at_most<Real>(x, largest), -largest), power);
}

// σ(x) = 1 / (1 + e^{-x})
template <class Real>
HOLDFAST_INLINE Vec<Real> sigmoid(Vec<Real> x) {
  Vec<Real> power;
  const Vec<Real> less_one = exponential_less_one<Real>(-x, power);
  return 1 / ((power + 1) + power * less_one);
}

// tanh(x) = u / (u + 2) with u = e^{2x} − 1
template <class Real>
HOLDFAST_INLINE Vec<Real> tanh(Vec<Real> x) {
  Vec<Real> power;
  // From 20 on tanh is 1 in both precisions, and u stays finite.
  x = at_least<Real>(at_most<Real>(x, 20), -20);
  const Vec<Real> less_one = bounded_exponential<Real>(x + x, power);
  const Vec<Real> u = power * less_one + (power - 1);
  return u / (u + 2);
}

}  // namespace HOLDFAST_ISA
