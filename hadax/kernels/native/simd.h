// Vectors of one instruction set, by the vector extensions of GCC and Clang.
//
// This file and those that include it are compiled once for every instruction set, each time with another
// HADAX_ISA (a namespace) and HADAX_VECTOR_BYTES. They include nothing that has inline functions of
// its own: the linker might keep the copy with the largest instruction set for everyone.

#ifndef HADAX_NATIVE_SIMD_H_
#define HADAX_NATIVE_SIMD_H_

#include <stddef.h>
#include <stdint.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define HADAX_INLINE inline __attribute__((always_inline))

namespace hadax {
namespace HADAX_ISA {

template <int... I>
struct Indices {};
template <int N, int... I>
struct CountTo : CountTo<N - 1, N - 1, I...> {};
template <int... I>
struct CountTo<0, I...> {
  using type = Indices<I...>;
};

// Storage formats without arithmetic of their own: they are computed in float.
struct Bfloat16 {
  uint16_t bits;
};
struct Float16 {
  uint16_t bits;
};

template <class E, int N>
struct VectorOf {
  typedef E Aligned __attribute__((vector_size(N * sizeof(E))));
  typedef E Unaligned __attribute__((vector_size(N * sizeof(E)), aligned(sizeof(E)), may_alias));
};

template <int Bytes>
struct IntegerOf;
template <>
struct IntegerOf<4> {
  using type = int32_t;
};
template <>
struct IntegerOf<8> {
  using type = int64_t;
};

// Integers are unsigned ones, which wrap around as arrays of integers do.
template <class T>
struct Simd {
  static constexpr int kLanes = HADAX_VECTOR_BYTES / sizeof(T);
  // The largest network of butterflies that stays in registers, and half of it.
  static constexpr int kLogRegisters = HADAX_VECTOR_BYTES == 64 ? 4 : 3;
  static constexpr int log2(int n) { return n == 1 ? 0 : 1 + log2(n / 2); }
  static constexpr int kLogLanes = log2(kLanes);

  using Vector = typename VectorOf<T, kLanes>::Aligned;
  using Unaligned = typename VectorOf<T, kLanes>::Unaligned;
  using Signs = typename VectorOf<int8_t, kLanes>::Unaligned;
  using Halves = typename VectorOf<uint16_t, kLanes>::Unaligned;
  using Integer = typename IntegerOf<sizeof(T)>::type;
  using Int = typename VectorOf<Integer, kLanes>::Aligned;
  static constexpr bool kIsInteger = T(1) / 2 == 0;
  static constexpr Integer kSignBit = Integer(1) << (8 * sizeof(T) - 1);
  using Bits = typename VectorOf<uint32_t, kLanes>::Aligned;

  // Loads that widen integers. GCC makes many instructions of a conversion where there is one.
#if defined(__AVX512F__)
  static HADAX_INLINE Int widen(const int8_t* p) {
    if constexpr (sizeof(T) == 4) return (Int)_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i*)p));
    else return (Int)_mm512_cvtepi8_epi64(_mm_loadl_epi64((const __m128i*)p));
  }
  static HADAX_INLINE Bits widen(const uint16_t* p) {
    return (Bits)_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)p));
  }
#elif defined(__AVX2__)
  static HADAX_INLINE Int widen(const int8_t* p) {
    if constexpr (sizeof(T) == 4) return (Int)_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)p));
    int32_t four;  // not _mm_loadu_si32, which older GCC lack or have wrong
    __builtin_memcpy(&four, p, 4);
    return (Int)_mm256_cvtepi8_epi64(_mm_cvtsi32_si128(four));
  }
  static HADAX_INLINE Bits widen(const uint16_t* p) {
    return (Bits)_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i*)p));
  }
#else
  static HADAX_INLINE Int widen(const int8_t* p) {
    return __builtin_convertvector(*(const Signs*)p, Int);
  }
  static HADAX_INLINE Bits widen(const uint16_t* p) {
    return __builtin_convertvector(*(const Halves*)p, Bits);
  }
#endif

  static HADAX_INLINE Vector load(const T* p) { return *(const Unaligned*)p; }
  static HADAX_INLINE void store(T* p, Vector v) { *(Unaligned*)p = v; }

  // Every lane is x; x - 0 is x, where 0 + x is not for x = -0.
  static HADAX_INLINE Vector all(T x) { return x - Vector{}; }

  // v times the signs +1 and -1 from p.
  static HADAX_INLINE Vector flip(Vector v, const int8_t* p) {
    if constexpr (kIsInteger) return v * (Vector)widen(p);
    return (Vector)((Int)v ^ (widen(p) & kSignBit));
  }

  static HADAX_INLINE Vector load(const Bfloat16* p) {
    return (Vector)(widen(&p->bits) << 16);
  }
  static HADAX_INLINE void store(Bfloat16* p, Vector v) {
    const Bits u = (Bits)v;
    const Bits nearest = (u + 0x7fff + ((u >> 16) & 1)) >> 16;  // ties to even
    const Bits quiet = (u >> 16) | 0x40;
    const Bits nan = (Bits)((u & 0x7fffffff) > 0x7f800000);
    *(Halves*)p = __builtin_convertvector((nan & quiet) | (~nan & nearest), Halves);
  }

#if defined(__AVX512F__)
  static HADAX_INLINE Vector load(const Float16* p) {
    return (Vector)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)p));
  }
#else
  static HADAX_INLINE Vector load(const Float16* p) {
    const Bits h = widen(&p->bits);
    // Exponent and mantissa in the float's place, and the difference of the exponents' biases.
    const Bits magnitude = (h & 0x7fff) << 13;
    const Bits infinite = (Bits)((Int)magnitude >= 0x0f800000) & 0x38000000;
    // XLA's threads read subnormal floats as zero, so that these never are floats: they are the
    // mantissa of a number in [2^-14, 2^-13).
    const Bits under = (Bits)((Int)magnitude < 0x00800000);
    const Bits subnormal = (Bits)((Vector)(magnitude + 0x38800000) - 0x1p-14f);
    const Bits normal = magnitude + 0x38000000 + infinite;
    return (Vector)((under & subnormal) | (~under & normal) | ((h & 0x8000) << 16));
  }
#endif
  static HADAX_INLINE void store(Float16* p, Vector v) {
    const Bits u = (Bits)v;
    const Bits a = u & 0x7fffffff;
    const Bits normal = (a - 0x38000000 + 0xfff + ((a >> 13) & 1)) >> 13;  // ties to even
    // Below the smallest normal number, adding 1/2 leaves the rounded mantissa in the lowest bits.
    const Bits subnormal = (Bits)((Vector)a + 0.5f) - 0x3f000000;
    const Bits is_nan = (Bits)(a > 0x7f800000), over = (Bits)(a >= 0x47800000);
    const Bits under = (Bits)(a < 0x38800000);
    const Bits special = 0x7c00 | (is_nan & 0x200);
    const Bits finite = (under & subnormal) | (~under & normal);
    *(Halves*)p =
        __builtin_convertvector(((over & special) | (~over & finite)) | ((u >> 16) & 0x8000), Halves);
  }

  // The lanes I of a and b, which are counted one after the other.
  template <int... I>
  static HADAX_INLINE Vector shuffle(Vector a, Vector b) {
#if defined(__clang__) || __GNUC__ >= 12
    return __builtin_shufflevector(a, b, I...);
#else
    return __builtin_shuffle(a, b, Int{I...});
#endif
  }

  // One stage of butterflies between lanes that are Stride apart.
  template <int Stride, int... I>
  static HADAX_INLINE Vector stage(Vector v, Indices<I...>) {
    const Vector sign = {T((I & Stride) ? -1 : 1)...};
    return shuffle<(I ^ Stride)...>(v, v) + sign * v;
  }

  // The stages of strides 2^Skip, ..., 2^(Count - 1) inside a vector.
  template <int Skip, int Count = kLogLanes>
  static HADAX_INLINE Vector stages_in_vector(Vector v) {
    typename CountTo<kLanes>::type lanes;
    if constexpr (Skip <= 0 && Count > 0) v = stage<1>(v, lanes);
    if constexpr (Skip <= 1 && Count > 1) v = stage<2>(v, lanes);
    if constexpr (Skip <= 2 && Count > 2) v = stage<4>(v, lanes);
    if constexpr (Skip <= 3 && Count > 3) v = stage<8>(v, lanes);
    return v;
  }

  // log2(R) stages between R vectors in registers.
  template <int R>
  static HADAX_INLINE void stages_between(Vector* v) {
#pragma GCC unroll 8
    for (int h = 1; h < R; h *= 2)
#pragma GCC unroll 16
      for (int i = 0; i < R; i += 2 * h)
#pragma GCC unroll 16
        for (int j = i; j < i + h; j++) {
          const Vector a = v[j], b = v[j + h];
          v[j] = a + b;
          v[j + h] = a - b;
        }
  }
};

}  // namespace HADAX_ISA
}  // namespace hadax

#endif  // HADAX_NATIVE_SIMD_H_
