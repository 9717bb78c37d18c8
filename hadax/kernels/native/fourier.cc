// The kernels of the Fourier transform for one instruction set, HADAX_ISA: see kernels.cc.

#include "native/fourier.h"

namespace hadax {
namespace HADAX_ISA {
namespace {

template <class T, bool kBack>
struct FourierRows {
  using F = Fourier<T, kBack>;
  using V = Simd<T>;

  static Interleaved<T> source(const FourierRow& row, const void* in) {
    return {(T*)in, T(1), T(row.conjugate ? -1 : 1)};
  }
  static Interleaved<T> sink(const FourierRow& row, void* out) {
    return {(T*)out, T(row.scale), T(row.conjugate ? -row.scale : row.scale)};
  }

  // Rows shorter than a vector, several in each.
  static void tiny(const F& fourier, const FourierRow& row, const T* in, T* out, int64_t count) {
    const int64_t full = count / V::kLanes * V::kLanes;
    fourier.template base<1>(source(row, in), sink(row, out), 0, full, row.log_n);
    T rest[2 * V::kLanes] = {};
    for (int64_t i = 2 * full; i < 2 * count; i++) rest[i - 2 * full] = in[i];
    if (full < count)
      fourier.template base<1>(source(row, rest), sink(row, rest), 0, V::kLanes, row.log_n);
    for (int64_t i = 2 * full; i < 2 * count; i++) out[i] = rest[i - 2 * full];
  }

  static void rows(const FourierRow& row, const void* in_, void* out_, int64_t begin, int64_t end) {
    const F fourier(*row.roots);
    const int64_t n = int64_t(1) << row.log_n;
    const T* in = (const T*)in_ + 2 * n * begin;
    T* out = (T*)out_ + 2 * n * begin;
    if (row.log_n < F::kLogLanes) return tiny(fourier, row, in, out, n * (end - begin));
    for (int64_t r = 0; r < end - begin; r++)
      fourier.block(source(row, in), Split<T>{out}, sink(row, out), r * n, row.log_n);
  }

  static void blocks(const FourierRow& row, int top, const void* from, void* to, int64_t begin, int64_t end) {
    const F fourier(*row.roots);
    const int log_n = row.log_n - top;
    const Split<T> work{(T*)to};
    for (int64_t b = begin; b < end; b++) {
      if constexpr (kBack) fourier.block(Split<T>{(T*)from}, work, sink(row, to), b << log_n, log_n);
      else fourier.block(source(row, from), work, work, b << log_n, log_n);
    }
  }

  static void columns(const FourierRow& row, int top, const void* from, void* to, int64_t begin, int64_t end) {
    const F fourier(*row.roots);
    const Split<T> before{(T*)from}, after{(T*)to};
    // A column is counted as two real numbers.
    if constexpr (kBack) fourier.columns(source(row, from), after, 0, row.log_n, top, begin / 2, end / 2);
    else fourier.columns(before, sink(row, to), 0, row.log_n, top, begin / 2, end / 2);
  }
};

template <class T, bool kBack>
constexpr FourierKernels fourier_kernels() {
  using F = FourierRows<T, kBack>;
  return {F::rows, F::blocks, F::columns, sizeof(T), sizeof(T), kBack};
}

template <class T>
FourierKernels fourier_kernels(bool transpose) {
  return transpose ? fourier_kernels<T, true>() : fourier_kernels<T, false>();
}

}  // namespace

FourierKernels fourier_kernels_for(Format format, bool transpose) {
  return format == Format::kComplex128 ? fourier_kernels<double>(transpose)
                                       : fourier_kernels<float>(transpose);
}

}  // namespace HADAX_ISA
}  // namespace hadax
