// The dense factor: y_i = sum_j H_ij x_j for an m x m matrix of signs, m a multiple of 4, where x_j
// and y_i are rows, one vector of columns at a time.
//
// Sixteen sums +-x_j +-x_(j+1) +-x_(j+2) +-x_(j+3) serve all rows of the matrix, so that a row costs
// m / 4 additions. A byte of `patterns` says which of them: bit t is set where H_i,j+t is -1. The
// order of the bytes is [i / 4][j / 4][i % 4].

#ifndef HADAX_NATIVE_DENSE_H_
#define HADAX_NATIVE_DENSE_H_

#include <string.h>

#include "native/kernels.h"
#include "native/simd.h"

namespace hadax {
namespace HADAX_ISA {

template <class T>
struct Dense {
  using V = Simd<T>;
  using Vector = typename V::Vector;

  static constexpr int64_t kColumns = kStripBytes / sizeof(T);
  static constexpr int kVectors = kStripBytes / sizeof(Vector);
  // Columns of the matrix are taken in parts whose table of sums stays in the L1 cache.
  static constexpr int64_t kPart = 16;

  struct Strip {
    Vector v[kVectors];
    HADAX_INLINE void add(const char* p) {
#pragma GCC unroll 4
      for (int i = 0; i < kVectors; i++) v[i] += ((const Vector*)p)[i];
    }
  };

  // The table and the sums so far.
  static int64_t scratch_bytes(int64_t m) { return (16 * kPart + m) * kStripBytes; }

  static HADAX_INLINE void tabulate(const T* in, int64_t groups, int64_t stride, Strip* table) {
    for (int64_t g = 0; g < groups; g++, in += 4 * stride, table += 16)
      for (int i = 0; i < kVectors; i++) {
        const T* x = in + i * V::kLanes;
        const Vector a = V::load(x), b = V::load(x + stride);
        const Vector c = V::load(x + 2 * stride), d = V::load(x + 3 * stride);
        const Vector low[4] = {a + b, b - a, a - b, -(a + b)};
        const Vector high[4] = {c + d, d - c, c - d, -(c + d)};
#pragma GCC unroll 16
        for (int p = 0; p < 16; p++) table[p].v[i] = low[p & 3] + high[p >> 2];
      }
  }

  // The columns [c0, c1) of m rows `stride` apart.
  template <class Sink>
  static void mix(const T* in, Sink sink, int64_t m, int64_t stride, const uint16_t* patterns,
                  void* scratch, int64_t c0, int64_t c1) {
    const int64_t groups = m / 4;
    Strip* const table = (Strip*)scratch;
    Strip* const sums = table + 16 * kPart;
    for (int64_t c = c0; c < c1; c += kColumns)
      for (int64_t first = 0; first < groups; first += kPart) {
        const int64_t count = groups - first < kPart ? groups - first : kPart;
        tabulate(in + 4 * first * stride + c, count, stride, table);
        for (int64_t i = 0; i < m; i += 4) {
          Strip y[4] = {};
          if (first > 0)
            for (int s = 0; s < 4; s++) y[s] = sums[i + s];
          add((const char*)table, patterns + i * groups + 4 * first, count, y);
          for (int s = 0; s < 4; s++)
            if (first + count < groups) {
              sums[i + s] = y[s];
            } else {
              for (int v = 0; v < kVectors; v++)
                sink.put((i + s) * stride + c + v * V::kLanes, y[s].v[v]);
            }
        }
      }
  }

  // Adds to four rows what their patterns say of `count` groups of columns; in two sums each, since
  // one addition waits for the one before it.
  static HADAX_INLINE void add(const char* table, const uint16_t* patterns, int64_t count, Strip* y) {
    constexpr int64_t kGroupBytes = 16 * kStripBytes;
    Strip even[4] = {y[0], y[1], y[2], y[3]}, odd[4] = {};
    int64_t g = 0;
    for (; g + 2 <= count; g += 2, table += 2 * kGroupBytes) {
      add_group(table, patterns + 4 * g, even);
      add_group(table + kGroupBytes, patterns + 4 * g + 4, odd);
    }
    if (g < count) add_group(table, patterns + 4 * g, even);
    for (int s = 0; s < 4; s++)
      for (int v = 0; v < kVectors; v++) y[s].v[v] = even[s].v[v] + odd[s].v[v];
  }

  // One load for four patterns: loads are what this waits for.
  static HADAX_INLINE void add_group(const char* table, const uint16_t* patterns, Strip* y) {
    uint64_t four;
    memcpy(&four, patterns, 8);
    y[0].add(table + (four & 0xffff));
    y[1].add(table + (four >> 16 & 0xffff));
    y[2].add(table + (four >> 32 & 0xffff));
    y[3].add(table + (four >> 48));
  }
};

}  // namespace HADAX_ISA
}  // namespace hadax

#endif  // HADAX_NATIVE_DENSE_H_
