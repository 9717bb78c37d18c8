// The Fourier transform of bit-reversed input against its definition; rounded, so that it has a
// tolerance.

#ifndef HADAX_TESTS_NATIVE_CHECK_FOURIER_H_
#define HADAX_TESTS_NATIVE_CHECK_FOURIER_H_

#include <cmath>
#include <complex>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "harness.h"
#include "native/isa.h"
#include "native/roots.h"
#include "native/schedule.h"

namespace harness {

using hadax::Format;

template <class T>
std::vector<T> in_reversed_order(const std::vector<T>& x, int log_n) {
  std::vector<T> y(x.size());
  for (size_t i = 0; i < x.size(); i++) {
    size_t reversed = 0;
    for (int bit = 0; bit < log_n; bit++) reversed |= (i >> bit & 1) << (log_n - 1 - bit);
    y[reversed] = x[i];
  }
  return y;
}

// The Fourier transform of a row in bit-reversed order.
inline void fourier_reference(std::vector<std::complex<double>>& x) {
  const size_t n = x.size();
  for (size_t half = 1; half < n; half *= 2)
    for (size_t k = 0; k < half; k++) {
      const auto w = std::polar(1.0, -3.14159265358979323846 * double(k) / double(half));
      for (size_t i = k; i < n; i += 2 * half) {
        const auto a = x[i], b = x[i + half] * w;
        x[i] = a + b;
        x[i + half] = a - b;
      }
    }
}

// One length and number of rows: both directions, conjugated or not; threads; in place or not.
template <class T>
void check_fourier(int log_n, int64_t rows, const std::vector<int64_t>& threads, Pool& pool) {
  const Format format = sizeof(T) == 4 ? Format::kComplex64 : Format::kComplex128;
  const int64_t n = int64_t(1) << log_n, count = 2 * n * rows;
  const double allowed = (sizeof(T) == 4 ? 4e-7 : 8e-16) * std::sqrt(n * (log_n + 1.0)) * 8;
  std::minstd_rand random(n + rows);
  std::vector<T> given(count);
  for (T& value : given) value = T(int(random() >> 8) % 17 - 8);
  hadax::FourierRow row;
  row.log_n = log_n;
  row.scale = 0.5;
  row.roots = hadax::roots<T>(log_n);
  for (bool transpose : {false, true})
    for (bool conjugate : {false, true}) {
      std::vector<std::complex<double>> right;
      for (int64_t r = 0; r < rows; r++) {
        std::vector<std::complex<double>> x(n);
        for (int64_t i = 0; i < n; i++) {
          const double im = given[2 * (r * n + i) + 1];
          x[i] = {given[2 * (r * n + i)], conjugate ? -im : im};
        }
        if (transpose) x = in_reversed_order(x, log_n);
        fourier_reference(x);
        if (transpose) x = in_reversed_order(x, log_n);
        for (const auto& y : x) right.push_back(row.scale * (conjugate ? std::conj(y) : y));
      }
      row.conjugate = conjugate;
      const auto kernels = hadax::HADAX_ISA::fourier_kernels_for(format, transpose);
      for (int64_t number : threads)
        for (bool in_place : {false, true}) {
          const auto in = copy(given);
          const std::unique_ptr<T[]> fresh(in_place ? nullptr : new T[count]);
          T* const out = in_place ? in.get() : fresh.get();
          hadax::transform(kernels, row, in.get(), out, rows, pool, number);
          cases++;
          for (int64_t i = 0; i < count; i++) {
            const double error = out[i] - (i % 2 ? right[i / 2].imag() : right[i / 2].real());
            if (std::abs(error) <= allowed && (in_place || in[i] == given[i])) continue;
            std::printf("wrong at %lld by %g: Fourier, format %d, n = 2^%d, %lld rows, %lld threads%s%s%s\n",
                        (long long)i, error, int(format), log_n, (long long)rows, (long long)number,
                        transpose ? ", transposed" : "", conjugate ? ", conjugated" : "",
                        in_place ? ", in place" : "");
            std::exit(1);
          }
        }
    }
}

inline void check_fourier(int log_n, int64_t rows, const std::vector<int64_t>& threads, Pool& pool) {
  check_fourier<float>(log_n, rows, threads, pool);
  check_fourier<double>(log_n, rows, threads, pool);
}

}  // namespace harness

#endif  // HADAX_TESTS_NATIVE_CHECK_FOURIER_H_
