// The kernels of one instruction set, HADAX_ISA: compiled once for each of them.

#include <stdlib.h>

#include "native/dense.h"
#include "native/walsh.h"

namespace hadax {
namespace HADAX_ISA {
namespace {

// Memory that is freed with the scope; aligned to a vector.
template <class E>
struct Buffer {
  E* data;
  explicit Buffer(int64_t bytes) : data((E*)aligned_alloc(64, (bytes + 63) / 64 * 64)) {
    if (bytes > 0 && !data) throw OutOfMemory{};
  }
  ~Buffer() { free(data); }
  Buffer(const Buffer&) = delete;
};

template <class S, class T, int Skip, bool kBefore, bool kAfter>
struct Rows {
  using W = Walsh<T>;
  using V = Simd<T>;
  static constexpr bool kInPlace = sizeof(S) == sizeof(T);

  // Signs repeat with the row, and a row of a power of two may be shorter than a vector or a block.
  static int64_t mask(const Row& row) { return row.m == 1 ? row.size() - 1 : -1; }
  static Source<S, T, kBefore> source(const Row& row, const S* in) { return {in, row.before, mask(row)}; }
  static Sink<S, T, kAfter> sink(const Row& row, S* out) { return {out, row.after, mask(row), T(row.scale)}; }

  // Rows of fewer elements than a vector, several in each.
  template <int Count>
  static void tiny(const Row& row, const S* in, S* out, int64_t count) {
    int8_t before[V::kLanes], after[V::kLanes];
    for (int i = 0; i < V::kLanes; i++) {
      if (kBefore) before[i] = row.before[i & ((1 << Count) - 1)];
      if (kAfter) after[i] = row.after[i & ((1 << Count) - 1)];
    }
    const Source<S, T, kBefore> whole{in, before, V::kLanes - 1};
    const Sink<S, T, kAfter> written{out, after, V::kLanes - 1, T(row.scale)};
    const int64_t full = count / V::kLanes * V::kLanes;
    W::template base<1, Skip, Count>(whole, written, 0, full);
    if (full == count) return;
    S rest[V::kLanes] = {}, result[V::kLanes];
    for (int64_t i = full; i < count; i++) rest[i - full] = in[i];
    const Source<S, T, kBefore> padded{rest, before, V::kLanes - 1};
    const Sink<S, T, kAfter> padding{result, after, V::kLanes - 1, T(row.scale)};
    W::template base<1, Skip, Count>(padded, padding, 0, V::kLanes);
    for (int64_t i = full; i < count; i++) out[i] = result[i - full];
  }

  static void tiny(const Row& row, const S* in, S* out, int64_t count) {
    switch (row.log_block) {
      case 0: return tiny<0>(row, in, out, count);
      case 1: return tiny<1>(row, in, out, count);
      case 2: if constexpr (V::kLogLanes > 2) tiny<2>(row, in, out, count); return;
      case 3: if constexpr (V::kLogLanes > 3) tiny<3>(row, in, out, count); return;
    }
  }

  static void rows(const Row& row, const void* in_, void* out_, int64_t begin, int64_t end) {
    const int64_t n = row.size(), count = (end - begin) * n;
    const S* in = (const S*)in_ + begin * n;
    S* out = (S*)out_ + begin * n;
    if (row.m == 1 && row.log_block < V::kLogLanes) return tiny(row, in, out, count);
    if (row.m == 1 && row.log_block <= W::kLogBase)
      return W::template base<Skip>(row.log_block, source(row, in), sink(row, out), 0, count);
    const Buffer<T> scratch(kInPlace ? 0 : n * sizeof(T));
    const Buffer<char> table(row.m == 1 ? 0 : Dense<T>::scratch_bytes(row.m));
    for (int64_t r = begin; r < end; r++, in += n, out += n) {
      T* work = kInPlace ? (T*)out : scratch.data;
      if (row.m == 1) {
        W::template block<Skip>(source(row, in), work, sink(row, out), 0, row.log_block);
        continue;
      }
      blocks(row, 0, in, work, 0, row.m);
      const int64_t stride = int64_t(1) << row.log_block;
      Dense<T>::mix(work, sink(row, out), row.m, stride, row.patterns, table.data, 0, stride);
    }
  }

  static void blocks(const Row& row, int top, const void* in, void* work, int64_t begin, int64_t end) {
    const int log_n = row.log_block - top;
    for (int64_t b = begin; b < end; b++)
      W::template block<Skip>(source(row, (const S*)in), (T*)work, Work<T>{(T*)work}, b << log_n, log_n);
  }

  static void columns(const Row& row, int top, const void* work, void* out, int64_t begin, int64_t end) {
    const int64_t stride = int64_t(1) << (row.log_block - top);
    const auto written = sink(row, (S*)out);
    if (row.m == 1) return W::columns(top, (const T*)work, written, stride, begin, end);
    const Buffer<char> table(Dense<T>::scratch_bytes(row.m));
    Dense<T>::mix((const T*)work, written, row.m, stride, row.patterns, table.data, begin, end);
  }
};

template <class S, class T, int Skip, bool kBefore, bool kAfter>
constexpr Kernels kernels() {
  using F = Rows<S, T, Skip, kBefore, kAfter>;
  return {F::rows, F::blocks, F::columns, sizeof(S), sizeof(T)};
}

template <class S, class T, int Skip>
Kernels signed_kernels(bool before, bool after) {
  if (before) return kernels<S, T, Skip, true, false>();
  return after ? kernels<S, T, Skip, false, true>() : kernels<S, T, Skip, false, false>();
}

}  // namespace

Kernels kernels_for(Format format, bool before, bool after) {
  switch (format) {
    case Format::kFloat32: return signed_kernels<float, float, 0>(before, after);
    case Format::kFloat64: return signed_kernels<double, double, 0>(before, after);
    case Format::kBfloat16: return signed_kernels<Bfloat16, float, 0>(before, after);
    case Format::kFloat16: return signed_kernels<Float16, float, 0>(before, after);
    case Format::kComplex64: return signed_kernels<float, float, 1>(before, after);
    case Format::kComplex128: return signed_kernels<double, double, 1>(before, after);
    case Format::kInteger32: return signed_kernels<uint32_t, uint32_t, 0>(before, after);
    default: return signed_kernels<uint64_t, uint64_t, 0>(before, after);
  }
}

}  // namespace HADAX_ISA
}  // namespace hadax
