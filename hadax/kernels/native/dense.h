// The dense factor: y_i = sum_j H_ij x_j for an m x m matrix of signs, m a multiple of 4, where x_j
// and y_i are rows, one vector of columns at a time.
//
// Sixteen sums +-x_j +-x_(j+1) +-x_(j+2) +-x_(j+3) serve all rows of the matrix, so that a row costs
// m / 4 additions. A byte of `patterns` says which of them: bit t is set where H_i,j+t is -1. The
// order of the bytes is [i / 4][j / 4][i % 4].

#ifndef HADAX_NATIVE_DENSE_H_
#define HADAX_NATIVE_DENSE_H_

#include <string.h>

#include "native/simd.h"

namespace hadax {
namespace HADAX_ISA {

template <class T>
struct Dense {
  using V = Simd<T>;
  using Vector = typename V::Vector;

  static int64_t table_bytes(int64_t m) { return m / 4 * 16 * sizeof(Vector); }

  static HADAX_INLINE void tabulate(const T* in, int64_t m, int64_t stride, Vector* table) {
    for (int64_t j = 0; j < m; j += 4, in += 4 * stride, table += 16) {
      const Vector a = V::load(in), b = V::load(in + stride);
      const Vector c = V::load(in + 2 * stride), d = V::load(in + 3 * stride);
      const Vector low[4] = {a + b, b - a, a - b, -(a + b)};
      const Vector high[4] = {c + d, d - c, c - d, -(c + d)};
#pragma GCC unroll 16
      for (int p = 0; p < 16; p++) table[p] = low[p & 3] + high[p >> 2];
    }
  }

  // The columns [c0, c1) of m rows `stride` apart.
  template <class Sink>
  static void mix(const T* in, Sink sink, int64_t m, int64_t stride, const uint8_t* patterns,
                  Vector* table, int64_t c0, int64_t c1) {
    const int64_t groups = m / 4;
    for (int64_t c = c0; c < c1; c += V::kLanes) {
      tabulate(in + c, m, stride, table);
      const uint8_t* p = patterns;
      for (int64_t i = 0; i < m; i += 4) {
        Vector y[4] = {};
        const Vector* t = table;
        for (int64_t g = 0; g < groups; g++, p += 4, t += 16) {
          uint32_t four;
          memcpy(&four, p, 4);
          y[0] += t[four & 15];
          y[1] += t[four >> 8 & 15];
          y[2] += t[four >> 16 & 15];
          y[3] += t[four >> 24];
        }
#pragma GCC unroll 4
        for (int s = 0; s < 4; s++) sink.put((i + s) * stride + c, y[s]);
      }
    }
  }
};

}  // namespace HADAX_ISA
}  // namespace hadax

#endif  // HADAX_NATIVE_DENSE_H_
