// The kernels without Python and without XLA, so that a sanitizer sees all of them: every format,
// with lengths, numbers of rows and of threads that take every path, on memory of the exact size.
//
// The numbers are small integers and the scale a power of two, so that every Walsh-Hadamard transform
// is exact and is compared for equality; a 16-bit result must be within half a unit of its last place.
//
//   harness small|large    the last line is "ok N cases"
//
// It is compiled with the kernels of one instruction set, HADAX_ISA; HADAX_NEEDS is the name of what
// the processor must have for it.

#include <algorithm>
#include <condition_variable>
#include <cmath>
#include <complex>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "native/isa.h"
#include "native/roots.h"
#include "native/schedule.h"

namespace {

using hadax::Format;

// What the handler of XLA gives: threads that take up work when they like.
class Pool {
 public:
  explicit Pool(int size) {
    for (int i = 0; i < size; i++) threads_.emplace_back([this] { serve(); });
  }
  ~Pool() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
  }
  void Schedule(std::function<void()> work) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      waiting_.push_back(std::move(work));
    }
    changed_.notify_one();
  }

 private:
  void serve() {
    while (true) {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      auto work = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      work();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool closed_ = false;
  std::vector<std::thread> threads_;
};

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

template <class S>
std::unique_ptr<S[]> copy(const std::vector<S>& from) {
  std::unique_ptr<S[]> to(new S[from.size()]);
  std::copy(from.begin(), from.end(), to.get());
  return to;
}

constexpr int kSkipped = 77;
int64_t cases = 0;

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

void check_all_formats(const Length& length, int64_t rows, const std::vector<int64_t>& threads,
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
void fourier_reference(std::vector<std::complex<double>>& x) {
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

// The Fourier transform of one length and number of rows; rounded, so that it has a tolerance.
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

void check_fourier(int log_n, int64_t rows, const std::vector<int64_t>& threads, Pool& pool) {
  check_fourier<float>(log_n, rows, threads, pool);
  check_fourier<double>(log_n, rows, threads, pool);
}

}  // namespace

int main(int argc, char** argv) {
  const bool large = argc == 2 && std::string(argv[1]) == "large";
  if (!large && (argc != 2 || std::string(argv[1]) != "small")) {
    std::fprintf(stderr, "usage: harness small|large\n");
    return 2;
  }
#ifdef HADAX_NEEDS
  if (!__builtin_cpu_supports(HADAX_NEEDS)) {
    std::printf("this processor has no %s\n", HADAX_NEEDS);
    return kSkipped;
  }
#endif
  constexpr int64_t kShared = 1 << 16;  // elements from which on threads share them
  Pool pool(3);
  // Rows on their own: no threads.
  for (int k = 0; k <= (large ? 15 : 13); k++)
    for (int64_t rows : {1, 3, 37})
      if (k < 8 || rows < 37) check_all_formats(Length(1, k), rows, {1}, pool);
  for (int64_t m : {4, 12, 20, 68, 172})
    for (int k : {4, 5, 9})
      if (large || m << k < 4096) check_all_formats(Length(m, k), 2, {1}, pool);
  // Many rows shared whole, and a few whose blocks are shared; also with more threads than there are.
  const std::vector<int64_t> threads = large ? std::vector<int64_t>{1, 2, 3, 4, 24}
                                             : std::vector<int64_t>{3};
  for (int k : large ? std::vector<int>{0, 2, 4, 7, 11} : std::vector<int>{2, 7})
    check_all_formats(Length(1, k), (kShared >> k) + 5, threads, pool);
  for (int k : large ? std::vector<int>{15, 16, 17, 18} : std::vector<int>{16})
    check_all_formats(Length(1, k), std::max<int64_t>(1, kShared >> k), threads, pool);
  check_all_formats(Length(12, 13), 1, threads, pool);
  if (large) {
    check_all_formats(Length(12, 4), kShared / 192 + 1, threads, pool);
    check_all_formats(Length(172, 9), 1, threads, pool);
    check_all_formats(Length(1020, 4), 1, {1}, pool);
    check_all_formats(Length(1, 19), 1, {3}, pool);
  }
  for (int k = 0; k <= (large ? 15 : 13); k++) check_fourier(k, 3, {1}, pool);
  for (int k : {2, 5, 11}) check_fourier(k, (kShared >> k) + 5, threads, pool);
  for (int k : large ? std::vector<int>{14, 15, 16, 17, 18} : std::vector<int>{15})
    check_fourier(k, std::max<int64_t>(1, kShared >> (k + 1)), threads, pool);
  std::printf("ok %lld cases\n", (long long)cases);
}
