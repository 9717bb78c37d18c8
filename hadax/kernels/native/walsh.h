// The Walsh-Hadamard transform of rows of m * 2^k elements, for one instruction set.
//
// A row is read once through a Source and written once through a Sink, which convert formats and
// apply signs; in between it lives in `work`, which is the output itself unless that is of a storage
// format. Every pass does as many stages of butterflies as the registers hold. Beyond the L1 cache
// the transform is depth first, so that a block is finished while it is in a cache.

#ifndef HADAX_NATIVE_WALSH_H_
#define HADAX_NATIVE_WALSH_H_

#include "native/kernels.h"
#include "native/simd.h"

namespace hadax {
namespace HADAX_ISA {

// Signs repeat with the period mask + 1.
template <class S, class T, bool kSigned>
struct Source {
  const S* in;
  const int8_t* signs;
  int64_t mask;
  HADAX_INLINE typename Simd<T>::Vector get(int64_t i) const {
    const auto v = Simd<T>::load(in + i);
    if constexpr (kSigned) return Simd<T>::flip(v, signs + (i & mask));
    return v;
  }
  // The same signs for the numbers that are `count` further.
  HADAX_INLINE Source after(int64_t count) const { return {in + count, signs, mask}; }
};

template <class S, class T, bool kSigned>
struct Sink {
  S* out;
  const int8_t* signs;
  int64_t mask;
  T scale;
  HADAX_INLINE void put(int64_t i, typename Simd<T>::Vector v) const {
    v *= scale;
    if constexpr (kSigned) v = Simd<T>::flip(v, signs + (i & mask));
    Simd<T>::store(out + i, v);
  }
  HADAX_INLINE Sink after(int64_t count) const { return {out + count, signs, mask, scale}; }
};

// The memory a row lives in.
template <class T>
struct Work {
  T* out;
  HADAX_INLINE void put(int64_t i, typename Simd<T>::Vector v) const { Simd<T>::store(out + i, v); }
};

template <class T>
struct Walsh {
  using V = Simd<T>;
  using Vector = typename V::Vector;
  static constexpr int kLanes = V::kLanes;
  static constexpr int kLogBase = V::kLogLanes + V::kLogRegisters;
  static constexpr int kLogL1 = sizeof(T) == 4 ? 12 : 11;  // 16 KiB
  // Rows a multiple of 4 KiB apart fall into the same set of the L1 cache, which has 8 or 12 ways.
  static constexpr int kLogFar = 3;
  static constexpr int64_t kPanel = 1024 / sizeof(T);  // columns of a panel: 1 KiB of each row
  static constexpr int kLogPanelRows = 6;

  // The first stages of blocks of R vectors: R * kLanes elements, or smaller ones inside a vector.
  template <int R, int Skip, int Count, class Source, class Sink>
  static HADAX_INLINE void base(Source source, Sink sink, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += R * kLanes) {
      Vector v[R];
#pragma GCC unroll 16
      for (int j = 0; j < R; j++)
        v[j] = V::template stages_in_vector<Skip, Count>(source.get(i + j * kLanes));
      V::template stages_between<R>(v);
#pragma GCC unroll 16
      for (int j = 0; j < R; j++) sink.put(i + j * kLanes, v[j]);
    }
  }

  template <int Skip, class Source, class Sink>
  static void base(int log_n, Source source, Sink sink, int64_t begin, int64_t end) {
    constexpr int L = V::kLogLanes;
    switch (log_n - L) {
      case 0: return base<1, Skip, L>(source, sink, begin, end);
      case 1: return base<2, Skip, L>(source, sink, begin, end);
      case 2: return base<4, Skip, L>(source, sink, begin, end);
      case 3: return base<8, Skip, L>(source, sink, begin, end);
      default:
        if constexpr (V::kLogRegisters >= 4) base<16, Skip, L>(source, sink, begin, end);
    }
  }

  // log2(R) stages between rows of `width` columns: the rows i, i + apart, ..., i + (R - 1) apart of
  // every group of R * apart, read in_stride from one another and written out_stride from one another.
  template <int R, class Sink>
  static HADAX_INLINE void radix(const T* in, int64_t in_stride, Sink sink, int64_t at,
                                 int64_t out_stride, int64_t rows, int64_t apart, int64_t width) {
    for (int64_t group = 0; group < rows; group += R * apart)
      for (int64_t i = group; i < group + apart; i++)
        for (int64_t c = 0; c < width; c += kLanes) {
          Vector v[R];
#pragma GCC unroll 16
          for (int j = 0; j < R; j++) v[j] = V::load(in + (i + j * apart) * in_stride + c);
          V::template stages_between<R>(v);
#pragma GCC unroll 16
          for (int j = 0; j < R; j++) sink.put(at + (i + j * apart) * out_stride + c, v[j]);
        }
  }

  template <class Sink>
  static void radix(int log_r, const T* in, int64_t in_stride, Sink sink, int64_t at,
                    int64_t out_stride, int64_t rows, int64_t apart, int64_t width) {
    switch (log_r) {
      case 1: return radix<2>(in, in_stride, sink, at, out_stride, rows, apart, width);
      case 2: return radix<4>(in, in_stride, sink, at, out_stride, rows, apart, width);
      case 3: return radix<8>(in, in_stride, sink, at, out_stride, rows, apart, width);
      default:
        if constexpr (V::kLogRegisters >= 4)
          radix<16>(in, in_stride, sink, at, out_stride, rows, apart, width);
    }
  }

  // The transform of the 2^log_n elements from `begin`, but for the first Skip stages.
  template <int Skip, class Source, class Sink>
  static void block(Source source, T* work, Sink sink, int64_t begin, int log_n) {
    const int64_t n = int64_t(1) << log_n, end = begin + n;
    if (log_n <= kLogBase) return base<Skip>(log_n, source, sink, begin, end);
    const Work<T> inner{work};
    if (log_n <= kLogL1) {
      base<Skip>(kLogBase, source, inner, begin, end);
      int done = kLogBase;
      while (true) {
        const int left = log_n - done;
        // Equal steps rather than a full one and a small rest.
        const int steps = (left + V::kLogRegisters - 1) / V::kLogRegisters;
        const int log_r = left / steps;
        const int64_t stride = int64_t(1) << done;
        if (log_r == left)
          return radix(log_r, work + begin, stride, sink, begin, stride, n / stride, 1, stride);
        radix(log_r, work + begin, stride, inner, begin, stride, n / stride, 1, stride);
        done += log_r;
      }
    }
    const int left = log_n - kLogL1;
    const int steps = (left + kLogFar - 1) / kLogFar;
    const int log_r = (left + steps - 1) / steps;
    const int64_t part = n >> log_r;
    for (int64_t b = begin; b < end; b += part)
      block<Skip>(source, work, inner, b, log_n - log_r);
    radix(log_r, work + begin, part, sink, begin, part, n / part, 1, part);
  }

  // The last `top` stages of the columns [c0, c1) of 2^top rows. Many rows are too far apart for one
  // step and for the caches: two steps, with a panel of the columns kept together in between.
  template <class Sink>
  static void columns(int top, const T* work, Sink sink, int64_t stride, int64_t c0, int64_t c1) {
    const int64_t rows = int64_t(1) << top;
    if (top <= kLogFar)
      return radix(top, work + c0, stride, sink, c0, stride, rows, 1, c1 - c0);
    const int low = top / 2;
    alignas(64) T panel[kPanel << kLogPanelRows];
    for (int64_t c = c0; c < c1; c += kPanel) {
      const int64_t width = c1 - c < kPanel ? c1 - c : kPanel;
      radix(low, work + c, stride, Work<T>{panel}, 0, kPanel, rows, 1, width);
      radix(top - low, panel, kPanel, sink, c, stride, rows, int64_t(1) << low, width);
    }
  }
};

}  // namespace HADAX_ISA
}  // namespace hadax

#endif  // HADAX_NATIVE_WALSH_H_
