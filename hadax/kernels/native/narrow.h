// Rows of m blocks that are shorter than a strip of columns, which would leave lanes empty: every lane
// has a row of its own instead.
//
// A bundle is as many rows as a strip has lanes. It is transposed into strips, of which strip i holds
// the numbers i of all its rows; there both factors are additions of whole strips. Rows that vectors do
// not divide are taken several in a lane, one after the other.

#ifndef HADAX_NATIVE_NARROW_H_
#define HADAX_NATIVE_NARROW_H_

#include "native/dense.h"
#include "native/walsh.h"

namespace hadax {
namespace HADAX_ISA {

template <class T>
struct Narrow {
  using V = Simd<T>;
  using Vector = typename V::Vector;
  static constexpr int kLanes = V::kLanes;
  static constexpr int64_t kRows = Dense<T>::kColumns;  // of a bundle, and numbers of a strip

  // The numbers of a lane: the fewest whole rows that are whole strips, n being a multiple of 4.
  static int64_t length(int64_t n) {
    int64_t length = n;
    while (length % kRows) length += n;
    return length;
  }

  // Exchanges, for every pair of lanes H apart, the second one of a with the first one of b.
  template <int H, int... I>
  static HADAX_INLINE void exchange(Vector& a, Vector& b, Indices<I...>) {
    const Vector first = V::template shuffle<((I & H) ? kLanes + I - H : I)...>(a, b);
    b = V::template shuffle<((I & H) ? kLanes + I : I + H)...>(a, b);
    a = first;
  }

  template <int H>
  static HADAX_INLINE void exchange(Vector* v) {
    if constexpr (H < kLanes) {
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; i++)
        if (!(i & H)) exchange<H>(v[i], v[i + H], typename CountTo<kLanes>::type{});
    }
  }

  // Lane j of vector i becomes lane i of vector j.
  static HADAX_INLINE void transpose(Vector* v) {
    exchange<1>(v);
    exchange<2>(v);
    exchange<4>(v);
    exchange<8>(v);
  }

  // From a bundle of rows, `length` apart, to strips.
  template <class Source>
  static void gather(Source source, int64_t length, T* strips) {
    for (int64_t row = 0; row < kRows; row += kLanes)
      for (int64_t i = 0; i < length; i += kLanes) {
        Vector v[kLanes];
#pragma GCC unroll 16
        for (int j = 0; j < kLanes; j++) v[j] = source.after((row + j) * length).get(i);
        transpose(v);
#pragma GCC unroll 16
        for (int j = 0; j < kLanes; j++) V::store(strips + (i + j) * kRows + row, v[j]);
      }
  }

  template <class Sink>
  static void scatter(const T* strips, Sink sink, int64_t length) {
    for (int64_t row = 0; row < kRows; row += kLanes)
      for (int64_t i = 0; i < length; i += kLanes) {
        Vector v[kLanes];
#pragma GCC unroll 16
        for (int j = 0; j < kLanes; j++) v[j] = V::load(strips + (i + j) * kRows + row);
        transpose(v);
#pragma GCC unroll 16
        for (int j = 0; j < kLanes; j++) sink.after((row + j) * length).put(i, v[j]);
      }
  }

  // A bundle, of which every lane has `length` numbers, without the first Skip stages.
  template <int Skip, class Source, class Sink>
  static void bundle(const Row& row, Source source, Sink sink, int64_t length, T* strips, void* table) {
    gather(source, length, strips);
    const int64_t n = row.size(), block = kRows << row.log_block;
    for (int64_t first = 0; first < length; first += n) {
      T* const x = strips + first * kRows;
      const Work<T> same{x};
      if (row.log_block > Skip)
        Walsh<T>::radix(row.log_block - Skip, x, kRows, same, 0, kRows, n, 1 << Skip, kRows);
      Dense<T>::mix(x, same, row.m, block, row.patterns, table, 0, block);
    }
    scatter(strips, sink, length);
  }
};

}  // namespace HADAX_ISA
}  // namespace hadax

#endif  // HADAX_NATIVE_NARROW_H_
