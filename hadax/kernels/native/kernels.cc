// The kernels of one instruction set, HADAX_ISA: compiled once for each of them.

#include <stdlib.h>
#include <string.h>

#include "native/dense.h"
#include "native/narrow.h"
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

// The signs of a row with each of their parts repeated, if there are signs.
struct Repeated : Buffer<int8_t> {
  Repeated(const int8_t* signs, int64_t parts, int64_t part, int64_t times)
      : Buffer(signs ? parts * times * part : 0) {
    if (!signs) return;
    for (int64_t i = 0; i < parts * times; i++)
      memcpy(data + i * part, signs + i / times * part, part);
  }
};

template <class S, class T, int Skip, bool kBefore, bool kAfter>
struct Rows {
  using W = Walsh<T>;
  using N = Narrow<T>;
  using V = Simd<T>;
  static constexpr bool kInPlace = sizeof(S) == sizeof(T);

  // Signs repeat with the row, and a row of a power of two may be shorter than a vector or a block.
  static int64_t mask(const Row& row) { return row.m == 1 ? row.size() - 1 : -1; }
  static Source<S, T, kBefore> source(const Row& row, const S* in) { return {in, row.before, mask(row)}; }
  static Sink<S, T, kAfter> sink(const Row& row, S* out) { return {out, row.after, mask(row), T(row.scale)}; }

  // The butterflies of blocks of at most a vector, or of a few.
  template <class Source, class Sink>
  static void base(int log_n, Source source, Sink sink, int64_t end) {
    switch (log_n) {
      case 0: return W::template base<1, Skip, 0>(source, sink, 0, end);
      case 1: return W::template base<1, Skip, 1>(source, sink, 0, end);
      case 2: if constexpr (V::kLogLanes > 2) return W::template base<1, Skip, 2>(source, sink, 0, end); break;
      case 3: if constexpr (V::kLogLanes > 3) return W::template base<1, Skip, 3>(source, sink, 0, end); break;
    }
    W::template base<Skip>(log_n, source, sink, 0, end);
  }

  // Rows of a power of two that is less than a vector, several in each.
  static void tiny(const Row& row, const S* in, S* out, int64_t count) {
    int8_t before[V::kLanes], after[V::kLanes];
    for (int i = 0; i < V::kLanes; i++) {
      if (kBefore) before[i] = row.before[i & (row.size() - 1)];
      if (kAfter) after[i] = row.after[i & (row.size() - 1)];
    }
    const Source<S, T, kBefore> whole{in, before, V::kLanes - 1};
    const Sink<S, T, kAfter> written{out, after, V::kLanes - 1, T(row.scale)};
    const int64_t full = count / V::kLanes * V::kLanes;
    base(row.log_block, whole, written, full);
    if (full == count) return;
    S rest[V::kLanes] = {}, result[V::kLanes];
    for (int64_t i = full; i < count; i++) rest[i - full] = in[i];
    const Source<S, T, kBefore> padded{rest, before, V::kLanes - 1};
    const Sink<S, T, kAfter> padding{result, after, V::kLanes - 1, T(row.scale)};
    base(row.log_block, padded, padding, V::kLanes);
    for (int64_t i = full; i < count; i++) out[i] = result[i - full];
  }

  // The row with every part of its signs repeated.
  static Row repeating(Row row, const Repeated& signs) {
    if (kBefore) row.before = signs.data;
    if (kAfter) row.after = signs.data;
    return row;
  }

  // Bundles are read and written in an order in which the processor does not foresee what is next.
  template <int kToWrite>
  static void fetch(const S* p, int64_t count) {
    for (int64_t i = 0; i < count; i += 64 / sizeof(S)) __builtin_prefetch(p + i, kToWrite);
  }

  // Rows of short blocks in bundles; returns how many of them.
  static int64_t bundles(const Row& one, const S* in, S* out, int64_t rows) {
    const int64_t n = one.size(), length = N::length(n), bundle = N::kRows * length;
    const int64_t end = rows * n / bundle * bundle;
    if (end == 0) return 0;
    const Repeated signs(kBefore ? one.before : one.after, 1, n, length / n);
    const Row row = repeating(one, signs);
    const Buffer<T> strips(length * kStripBytes);
    const Buffer<char> table(Dense<T>::scratch_bytes(row.m));
    for (int64_t i = 0; i < end; i += bundle) {
      fetch<1>(out + i, bundle);
      if (i + bundle < end) fetch<0>(in + i + bundle, bundle);
      N::template bundle<Skip>(row, source(row, in + i), sink(row, out + i), length, strips.data, table.data);
    }
    return end / n;
  }

  // Rows of short blocks side by side: block j of each is a part of block j of one row.
  static void side_by_side(const Row& one, const S* in, S* out, int64_t rows) {
    const int64_t n = one.size(), m = one.m, block = int64_t(1) << one.log_block;
    const int64_t together = N::kRows / block, length = m * N::kRows;
    const Repeated signs(kBefore ? one.before : one.after, m, block, together);
    const Row row = repeating(one, signs);
    const Buffer<S> given(length * sizeof(S));
    const Buffer<T> scratch(kInPlace ? 0 : length * sizeof(T));
    const Buffer<char> table(Dense<T>::scratch_bytes(m));
    S* const x = given.data;
    T* const work = kInPlace ? (T*)x : scratch.data;
    memset((void*)x, 0, length * sizeof(S));
    for (int64_t first = 0; first < rows; first += together) {
      const int64_t count = rows - first < together ? rows - first : together;
      for (int64_t r = 0; r < count; r++)
        for (int64_t b = 0; b < block; b++)
          for (int64_t j = 0; j < m; j++)
            x[j * N::kRows + r * block + b] = in[(first + r) * n + j * block + b];
      base(row.log_block, source(row, x), Work<T>{work}, length);
      Dense<T>::mix(work, sink(row, x), m, N::kRows, row.patterns, table.data, 0, N::kRows);
      for (int64_t r = 0; r < count; r++)
        for (int64_t b = 0; b < block; b++)
          for (int64_t j = 0; j < m; j++)
            out[(first + r) * n + j * block + b] = x[j * N::kRows + r * block + b];
    }
  }

  static void narrow(const Row& row, const S* in, S* out, int64_t rows) {
    const int64_t done = bundles(row, in, out, rows);
    if (done < rows) side_by_side(row, in + done * row.size(), out + done * row.size(), rows - done);
  }

  static void rows(const Row& row, const void* in_, void* out_, int64_t begin, int64_t end) {
    const int64_t n = row.size(), count = (end - begin) * n;
    const S* in = (const S*)in_ + begin * n;
    S* out = (S*)out_ + begin * n;
    if (row.m == 1 && row.log_block < V::kLogLanes) return tiny(row, in, out, count);
    if (row.m == 1 && row.log_block <= W::kLogBase)
      return W::template base<Skip>(row.log_block, source(row, in), sink(row, out), 0, count);
    if (row.together(sizeof(T)) > 1) return narrow(row, in, out, end - begin);
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
