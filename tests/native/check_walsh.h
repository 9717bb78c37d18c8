// The Walsh-Hadamard transform against its definition. The numbers are small integers and the scale a
// power of two, so that it is exact and is compared for equality; a 16-bit result must be within half a
// unit of its last place.

#ifndef HADAX_TESTS_NATIVE_CHECK_WALSH_H_
#define HADAX_TESTS_NATIVE_CHECK_WALSH_H_

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <type_traits>

#include "harness.h"
#include "native/isa.h"
#include "native/schedule.h"

namespace harness {

using hadax::Format;

// A format's storage S, the exact type E of its sums, and how to go from one to the other.
template <Format kFormat, class S, class E>
struct Exact {
  using Storage = S;
  using Sum = E;
  static constexpr Format format = kFormat;
  static constexpr bool is_integer = std::is_integral<E>::value;
  static constexpr int pair = kFormat == Format::kComplex64 || kFormat == Format::kComplex128;
  static constexpr double scale = is_integer ? 3 : 0.25;
  static S encode(int value) { return S(value); }
  static bool equal(S got, E right) { return got == S(right); }
};

// Formats of 16 bits, of which `kMantissa` are the mantissa's.
template <Format kFormat, int kMantissa>
struct Short {
  using Storage = uint16_t;
  using Sum = double;
  static constexpr Format format = kFormat;
  static constexpr int pair = 0;
  static constexpr double scale = 0.25;
  static constexpr int bias = (1 << (14 - kMantissa)) - 1;

  static double decode(uint16_t bits) {
    const int exponent = (bits & 0x7fff) >> kMantissa, mantissa = bits & ((1 << kMantissa) - 1);
    const double magnitude = exponent
        ? std::ldexp(1 + std::ldexp(mantissa, -kMantissa), exponent - bias)
        : std::ldexp(mantissa, 1 - bias - kMantissa);
    return bits >> 15 ? -magnitude : magnitude;
  }
  static uint16_t encode(int value) {
    if (value == 0) return 0;
    int exponent;
    const double fraction = 2 * std::frexp(std::abs(value), &exponent) - 1;
    const int mantissa = int(std::ldexp(fraction, kMantissa));
    return uint16_t((value < 0) << 15 | (exponent - 1 + bias) << kMantissa | mantissa);
  }
  static bool equal(uint16_t got, double right) {
    int exponent;
    std::frexp(right, &exponent);
    return std::abs(decode(got) - right) <= std::ldexp(0.5, exponent - 1 - kMantissa);
  }
};

// A length m * 2^k with a matrix of random signs: the kernel has no use for orthogonality.
struct Length {
  int64_t m;
  int k;
  std::vector<int8_t> matrix;
  std::vector<uint16_t> patterns;

  Length(int64_t m, int k) : m(m), k(k) {
    if (m == 1) return;
    std::minstd_rand random(m);
    matrix.resize(m * m);
    for (auto& entry : matrix) entry = random() >> 8 & 1 ? 1 : -1;
    patterns.resize(m * m / 4);
    for (int64_t i = 0; i < m; i++)
      for (int64_t j = 0; j < m; j++) {
        const int64_t at = (i / 4 * (m / 4) + j / 4) * 4 + i % 4;
        if (matrix[i * m + j] < 0) patterns[at] |= 64 << j % 4;
      }
  }
  int64_t size() const { return m << k; }
};

// The transform of one row as it is defined: H_m (x) H_2^k, `pair` numbers side by side.
template <class E>
void reference(const Length& length, int pair, E* x) {
  const int64_t size = length.size() << pair, block = int64_t(1) << (length.k + pair);
  for (int64_t half = int64_t(1) << pair; half < block; half *= 2)
    for (int64_t i = 0; i < size; i++) {
      if (i & half) continue;
      const E a = x[i], b = x[i + half];
      x[i] = a + b;
      x[i + half] = a - b;
    }
  if (length.m == 1) return;
  const std::vector<E> y(x, x + size);
  for (int64_t i = 0; i < length.m; i++)
    for (int64_t c = 0; c < block; c++) {
      E sum = 0;
      for (int64_t j = 0; j < length.m; j++)
        sum += E(length.matrix[i * length.m + j]) * y[j * block + c];
      x[i * block + c] = sum;
    }
}

// One length and number of rows: signs at no side, before or after; threads; in place or not.
template <class F>
void check(const Length& length, int64_t rows, const std::vector<int64_t>& threads, Pool& pool) {
  using S = typename F::Storage;
  using E = typename F::Sum;
  const int64_t n = length.size() << F::pair, count = rows * n;
  std::minstd_rand random(n + rows);
  std::vector<int> values(count);
  for (int& value : values) value = int(random() >> 8) % 17 - 8;
  std::vector<S> given(count);
  for (int64_t i = 0; i < count; i++) given[i] = F::encode(values[i]);
  std::vector<int8_t> random_signs(n);
  for (auto& sign : random_signs) sign = random() >> 8 & 1 ? 1 : -1;
  const auto signs = copy(random_signs);
  const auto patterns = copy(length.patterns);

  for (const char* side : {"none", "before", "after"}) {
    const bool before = side[0] == 'b', after = side[0] == 'a';
    std::vector<E> right(count);
    for (int64_t r = 0; r < rows; r++) {
      E* row = right.data() + r * n;
      for (int64_t i = 0; i < n; i++)
        row[i] = E(values[r * n + i]) * E(before ? signs[i] : 1);
      reference(length, F::pair, row);
      for (int64_t i = 0; i < n; i++) row[i] *= E(F::scale) * E(after ? signs[i] : 1);
    }
    hadax::Row row;
    row.m = length.m;
    row.log_block = length.k + F::pair;
    row.scale = F::scale;
    row.before = before ? signs.get() : nullptr;
    row.after = after ? signs.get() : nullptr;
    row.patterns = patterns.get();
    const hadax::Kernels kernels = hadax::HADAX_ISA::kernels_for(F::format, before, after);
    for (int64_t number : threads) {
      for (bool in_place : {false, true}) {
        const auto in = copy(given);
        const std::unique_ptr<S[]> fresh(in_place ? nullptr : new S[count]);
        S* const out = in_place ? in.get() : fresh.get();
        hadax::transform(kernels, row, in.get(), out, rows, pool, number);
        cases++;
        for (int64_t i = 0; i < count; i++) {
          if (F::equal(out[i], right[i]) && (in_place || in[i] == given[i])) continue;
          std::printf("wrong at %lld: format %d, n = %lld * 2^%d, %lld rows, signs %s, %lld threads%s\n",
                      (long long)i, int(F::format), (long long)length.m, length.k, (long long)rows,
                      side, (long long)number, in_place ? ", in place" : "");
          std::exit(1);
        }
      }
    }
  }
}

inline void check_all_formats(const Length& length, int64_t rows, const std::vector<int64_t>& threads,
                       Pool& pool) {
  check<Exact<Format::kFloat32, float, double>>(length, rows, threads, pool);
  check<Exact<Format::kFloat64, double, double>>(length, rows, threads, pool);
  check<Exact<Format::kComplex64, float, double>>(length, rows, threads, pool);
  check<Exact<Format::kComplex128, double, double>>(length, rows, threads, pool);
  check<Exact<Format::kInteger32, uint32_t, uint64_t>>(length, rows, threads, pool);
  check<Exact<Format::kInteger64, uint64_t, uint64_t>>(length, rows, threads, pool);
  check<Short<Format::kBfloat16, 7>>(length, rows, threads, pool);
  check<Short<Format::kFloat16, 10>>(length, rows, threads, pool);
}

}  // namespace harness

#endif  // HADAX_TESTS_NATIVE_CHECK_WALSH_H_
