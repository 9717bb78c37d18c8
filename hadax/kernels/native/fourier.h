// The Fourier transform of rows of 2^k complex numbers, for one instruction set: bit-reversed order in
// and natural order out, or, for kBack, its transpose, which goes through the same steps backwards.
//
// Within a row the numbers live in blocks of a vector of real and a vector of imaginary parts, so that
// nothing is shuffled but for the stages inside a vector; the first pass makes and the last undoes it.
// A conjugated transform is the transform of the conjugate, conjugated. Beyond the L1 cache it is
// depth first: blocks are transformed each for itself, and then the columns of all blocks together,
// strip after strip, through a small panel. All positions are counted in complex numbers.

#ifndef HADAX_NATIVE_FOURIER_H_
#define HADAX_NATIVE_FOURIER_H_

#include "native/kernels.h"
#include "native/simd.h"

namespace hadax {
namespace HADAX_ISA {

// As many complex numbers as a vector has lanes.
template <class T>
struct Pair {
  typename Simd<T>::Vector re, im;

  HADAX_INLINE Pair operator+(const Pair& b) const { return {re + b.re, im + b.im}; }
  HADAX_INLINE Pair operator-(const Pair& b) const { return {re - b.re, im - b.im}; }
  HADAX_INLINE Pair operator*(const Pair& b) const {
    return {re * b.re - im * b.im, re * b.im + im * b.re};
  }
  // -i times it.
  HADAX_INLINE Pair quarter() const { return {im, -re}; }
};

// Where the numbers come from, are in between, and go to.
template <class T>
struct Interleaved {
  using V = Simd<T>;
  T* data;
  T re, im;  // factors

  template <int... I>
  HADAX_INLINE Pair<T> get(int64_t i, Indices<I...>) const {
    const auto a = V::load(data + 2 * i), b = V::load(data + 2 * i + V::kLanes);
    return {V::template shuffle<2 * I...>(a, b) * re, V::template shuffle<2 * I + 1 ...>(a, b) * im};
  }
  template <int... I>
  HADAX_INLINE void put(int64_t i, Pair<T> v, Indices<I...>) const {
    constexpr int L = V::kLanes;
    const auto a = v.re * re, b = v.im * im;
    V::store(data + 2 * i, V::template shuffle<(I / 2 + I % 2 * L)...>(a, b));
    V::store(data + 2 * i + L, V::template shuffle<(I / 2 + L / 2 + I % 2 * L)...>(a, b));
  }
  HADAX_INLINE Pair<T> get(int64_t i) const { return get(i, typename CountTo<V::kLanes>::type()); }
  HADAX_INLINE void put(int64_t i, Pair<T> v) const { put(i, v, typename CountTo<V::kLanes>::type()); }
};

template <class T>
struct Split {
  T* data;
  HADAX_INLINE Pair<T> get(int64_t i) const {
    return {Simd<T>::load(data + 2 * i), Simd<T>::load(data + 2 * i + Simd<T>::kLanes)};
  }
  HADAX_INLINE void put(int64_t i, Pair<T> v) const {
    Simd<T>::store(data + 2 * i, v.re);
    Simd<T>::store(data + 2 * i + Simd<T>::kLanes, v.im);
  }
};

template <class T, bool kBack>
class Fourier {
  using V = Simd<T>;
  using P = Pair<T>;
  using Layout = RootLayout<T>;
  static constexpr int L = V::kLanes, kWidth = Layout::kWidth;

 public:
  static constexpr int kLogLanes = V::kLogLanes;
  static constexpr int kLogBase = kLogLanes + 2;

  explicit Fourier(const Roots& roots)
      : roots_(roots), re_((const T*)roots.re), im_((const T*)roots.im) {
    for (int s = 0; s < kLogLanes; s++)
      for (int lane = 0; lane < L; lane++) {
        const int h = 1 << s, at = h + (lane & (h - 1));
        lanes_[s].re[lane] = lane & h ? re_[at] : T(1);
        lanes_[s].im[lane] = lane & h ? im_[at] : T(0);
      }
  }

  // Every R * L numbers from `begin` to `end` for themselves; of each vector only 2^stages together.
  template <int R, class Source, class Sink>
  void base(Source source, Sink sink, int64_t begin, int64_t end, int stages = kLogLanes) const {
    const P w1 = R == 4 ? root(2 * L) : P(), w2 = R > 1 ? root(L) : P();
    for (int64_t i = begin; i < end; i += R * L) {
      P v[R];
#pragma GCC unroll 4
      for (int j = 0; j < R; j++) v[j] = source.get(i + j * L);
      if constexpr (kBack) between<R>(v, w1, w2);
#pragma GCC unroll 4
      for (int j = 0; j < R; j++) within<0>(v[j], stages);
      if constexpr (!kBack) between<R>(v, w1, w2);
#pragma GCC unroll 4
      for (int j = 0; j < R; j++) sink.put(i + j * L, v[j]);
    }
  }

  // The 2^log_n numbers from `begin`, at least a vector.
  template <class Source, class Sink>
  void block(Source source, Split<T> work, Sink sink, int64_t begin, int log_n) const {
    const int64_t n = int64_t(1) << log_n, end = begin + n;
    if (log_n <= kLogBase) {
      switch (log_n - kLogLanes) {
        case 0: return base<1>(source, sink, begin, end);
        case 1: return base<2>(source, sink, begin, end);
        default: return base<4>(source, sink, begin, end);
      }
    }
    if (log_n <= Layout::kLogL1) {
      // What the base leaves is a power of four.
      return (log_n - kLogLanes) % 2 ? fours<2>(source, work, sink, begin, n)
                                     : fours<4>(source, work, sink, begin, n);
    }
    const int left = log_n - Layout::kLogL1;
    const int steps = (left + Layout::kLogRows - 1) / Layout::kLogRows;
    const int top = (left + steps - 1) / steps;
    const int64_t part = n >> top;
    if constexpr (kBack) {
      columns(source, work, begin, log_n, top, 0, part);
      for (int64_t b = begin; b < end; b += part) block(work, work, sink, b, log_n - top);
    } else {
      for (int64_t b = begin; b < end; b += part) block(source, work, work, b, log_n - top);
      columns(work, sink, begin, log_n, top, 0, part);
    }
  }

  // The last `top` stages (the first, for kBack) of the columns [c0, c1) of 2^top rows. With
  // n = rows * stride, the number in row p and column c is multiplied by W_n^(r(p) c), which is the
  // product of a factor of the strip and one of the place in it; then each column is transformed.
  template <class Source, class Sink>
  void columns(Source source, Sink sink, int64_t begin, int log_n, int top, int64_t c0, int64_t c1) const {
    const int rows = 1 << top;
    const int64_t stride = int64_t(1) << (log_n - top);
    alignas(64) T memory[2 * kWidth << Layout::kLogRows];
    Strip strip{roots_, log_n, top};
    const auto panel_get = [&](int row, int d) { return Split<T>{memory}.get(row * kWidth + d); };
    const auto panel_put = [&](int row, int d, P v) { Split<T>{memory}.put(row * kWidth + d, v); };
    for (int64_t c = c0; c < c1; c += kWidth) {
      strip.move(c);
      const auto get = [&](int row, int d) { return source.get(begin + row * stride + c + d); };
      const auto put = [&](int row, int d, P v) { sink.put(begin + row * stride + c + d, v); };
      const auto turn_get = [&](int row, int d) { return get(row, d) * strip.factor(row, d); };
      const auto turn_put = [&](int row, int d, P v) { put(row, d, v * strip.factor(row, d)); };
      if constexpr (kBack) {
        if (top == 1) {
          twos(1, get, turn_put);
        } else if (top == 2) {
          fours_of_rows<true>(rows, 1, get, turn_put);
        } else {
          if (top % 2) twos(rows / 2, get, panel_put);
          else fours_of_rows<false>(rows, rows / 4, get, panel_put);
          for (int h = rows / (top % 2 ? 8 : 16); h > 1; h /= 4)
            fours_of_rows<false>(rows, h, panel_get, panel_put);
          fours_of_rows<true>(rows, 1, panel_get, turn_put);
        }
      } else {
        if (top == 1) {
          twos(1, turn_get, put);
        } else if (top == 2) {
          fours_of_rows<true>(rows, 1, turn_get, put);
        } else {
          fours_of_rows<true>(rows, 1, turn_get, panel_put);
          for (int h = 4; 8 * h <= rows; h *= 4) fours_of_rows<false>(rows, h, panel_get, panel_put);
          if (top % 2) twos(rows / 2, panel_get, put);
          else fours_of_rows<false>(rows, rows / 4, panel_get, put);
        }
      }
    }
  }

 private:
  // The factors of a strip of kWidth columns.
  struct Strip {
    const T *re, *im;            // of the order n / kWidth, half a circle
    const T *fine_re, *fine_im;  // W_n^(j d) for d < kWidth
    int64_t half;
    int rows;
    int reversed[1 << Layout::kLogRows];
    T coarse_re[1 << Layout::kLogRows], coarse_im[1 << Layout::kLogRows];

    Strip(const Roots& roots, int log_n, int top)
        : fine_re((const T*)roots.fine_re[log_n]), fine_im((const T*)roots.fine_im[log_n]),
          half((int64_t(1) << log_n) / (2 * kWidth)), rows(1 << top) {
      re = (const T*)roots.re + half;
      im = (const T*)roots.im + half;
      reversed[0] = 0;
      for (int h = 1, bit = rows / 2; h < rows; h *= 2, bit /= 2)
        for (int k = 0; k < h; k++) reversed[h + k] = reversed[k] + bit;
    }
    void move(int64_t c) {
      for (int row = 0; row < rows; row++) {
        const int64_t e = reversed[row] * (c / kWidth);
        const T sign = e & half ? -1 : 1;
        coarse_re[row] = sign * re[e & (half - 1)];
        coarse_im[row] = sign * im[e & (half - 1)];
      }
    }
    HADAX_INLINE P factor(int row, int d) const {
      const int at = reversed[row] * kWidth + d;
      const P fine{V::load(fine_re + at), V::load(fine_im + at)};
      return fine * P{V::all(coarse_re[row]), V::all(coarse_im[row])};
    }
  };

  // W_2h^k of the L numbers at h + k.
  HADAX_INLINE P root(int64_t at) const { return {V::load(re_ + at), V::load(im_ + at)}; }
  HADAX_INLINE P same_root(int at) const {
    return {V::all(re_[at]), V::all(im_[at])};
  }

  // Two stages, of the strides h and 2 h, with w1 = W_4h^k and w2 = w1^2.
  template <bool kOnes = false>
  static HADAX_INLINE void four(P* v, P w1, P w2) {
    const auto by = [](P a, P w) { return kOnes ? a : a * w; };
    if constexpr (kBack) {
      const P a = v[0] + v[2], b = v[1] + v[3];
      const P c = by(v[0] - v[2], w1), d = by((v[1] - v[3]).quarter(), w1);
      v[0] = a + b;
      v[1] = by(a - b, w2);
      v[2] = c + d;
      v[3] = by(c - d, w2);
    } else {
      const P b = by(v[1], w2), d = by(v[3], w2);
      const P even = by(v[2] + d, w1), odd = by(v[2] - d, w1).quarter();
      const P sum = v[0] + b, difference = v[0] - b;
      v[0] = sum + even;
      v[1] = difference + odd;
      v[2] = sum - even;
      v[3] = difference - odd;
    }
  }

  static HADAX_INLINE void two(P* v, P w) {
    const P a = v[0], b = kBack ? v[1] : v[1] * w;
    v[0] = a + b;
    v[1] = kBack ? (a - b) * w : a - b;
  }

  template <int R>
  static HADAX_INLINE void between(P* v, P w1, P w2) {
    if constexpr (R == 2) two(v, w2);
    if constexpr (R == 4) four(v, w1, w2);
  }

  // The stages S, S + 1, ... of those inside a vector.
  template <int S>
  HADAX_INLINE void within(P& v, int stages) const {
    if constexpr (S < kLogLanes) {
      if (stages <= S) return;
      const typename CountTo<L>::type lanes;
      if constexpr (kBack) within<S + 1>(v, stages);
      if constexpr (!kBack && S > 0) v = v * lanes_[S];
      v = {V::template stage<1 << S>(v.re, lanes), V::template stage<1 << S>(v.im, lanes)};
      if constexpr (kBack && S > 0) v = v * lanes_[S];
      if constexpr (!kBack) within<S + 1>(v, stages);
    }
  }

  template <class Source, class Sink>
  void pass(Source source, Sink sink, int64_t begin, int64_t n, int64_t h) const {
    for (int64_t group = begin; group < begin + n; group += 4 * h)
      for (int64_t k = 0; k < h; k += L) {
        P v[4];
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) v[j] = source.get(group + k + j * h);
        four(v, root(2 * h + k), root(h + k));
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) sink.put(group + k + j * h, v[j]);
      }
  }

  // A block that the L1 cache holds: n = R * L * 4^k.
  template <int R, class Source, class Sink>
  void fours(Source source, Split<T> work, Sink sink, int64_t begin, int64_t n) const {
    if constexpr (kBack) {
      pass(source, work, begin, n, n / 4);
      for (int64_t h = n / 16; h >= R * L; h /= 4) pass(work, work, begin, n, h);
      base<R>(work, sink, begin, begin + n);
    } else {
      base<R>(source, work, begin, begin + n);
      for (int64_t h = R * L; h < n / 4; h *= 4) pass(work, work, begin, n, h);
      pass(work, sink, begin, n, n / 4);
    }
  }

  template <bool kOnes, class Get, class Put>
  HADAX_INLINE void fours_of_rows(int rows, int h, Get get, Put put) const {
    for (int group = 0; group < rows; group += 4 * h)
      for (int k = 0; k < h; k++) {
        const P w1 = kOnes ? P() : same_root(2 * h + k), w2 = kOnes ? P() : same_root(h + k);
        for (int d = 0; d < kWidth; d += L) {
          P v[4];
#pragma GCC unroll 4
          for (int j = 0; j < 4; j++) v[j] = get(group + k + j * h, d);
          four<kOnes>(v, w1, w2);
#pragma GCC unroll 4
          for (int j = 0; j < 4; j++) put(group + k + j * h, d, v[j]);
        }
      }
  }

  // The stage between the two halves of 2 h rows.
  template <class Get, class Put>
  HADAX_INLINE void twos(int h, Get get, Put put) const {
    for (int k = 0; k < h; k++) {
      const P w = same_root(h + k);
      for (int d = 0; d < kWidth; d += L) {
        P v[2] = {get(k, d), get(k + h, d)};
        two(v, w);
        put(k, d, v[0]);
        put(k + h, d, v[1]);
      }
    }
  }

  const Roots& roots_;
  const T *const re_, *const im_;
  P lanes_[kLogLanes];  // the factors of the stages inside a vector
};

}  // namespace HADAX_ISA
}  // namespace hadax

#endif  // HADAX_NATIVE_FOURIER_H_
