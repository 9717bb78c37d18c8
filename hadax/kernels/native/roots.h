// Tables of roots of unity, computed in double once for each length and number format.

#ifndef HADAX_NATIVE_ROOTS_H_
#define HADAX_NATIVE_ROOTS_H_

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "native/kernels.h"

namespace hadax {

// exp(-2 pi i e / order) for a power of two; all octants are the first one's, so that symmetries are exact.
inline std::complex<double> root_of_unity(int64_t e, int64_t order) {
  e &= order - 1;
  if (2 * e >= order) return -root_of_unity(e - order / 2, order);
  if (4 * e >= order) {
    const std::complex<double> w = root_of_unity(e - order / 4, order);
    return {w.imag(), -w.real()};
  }
  if (8 * e > order) {
    const std::complex<double> w = root_of_unity(order / 4 - e, order);
    return {-w.imag(), -w.real()};
  }
  const double angle = 2 * 3.14159265358979323846 * (double(e) / double(order));
  return {std::cos(angle), -std::sin(angle)};
}

// Of a row of n numbers: its blocks in the L1 cache have full tables, of longer ones the tables hold
// one root in kWidth.
template <class T>
class RootTable : public Roots {
  using Layout = RootLayout<T>;

 public:
  explicit RootTable(int log_n) : Roots() {
    const int64_t n = int64_t(1) << log_n;
    const int64_t small = std::min(n, int64_t(1) << Layout::kLogL1);
    const int64_t size = std::max<int64_t>({64, small, n / Layout::kWidth});
    for (int64_t h = 1; h < size; h *= 2)
      for (int64_t k = 0; k < h; k++) set(half_, h + k, size, root_of_unity(k, 2 * h));
    re = half_.data();
    im = half_.data() + size;
    constexpr int64_t kFine = Layout::kWidth << Layout::kLogRows;
    for (int level = Layout::kLogL1 + 1; level <= log_n; level++) {
      std::vector<T>& fine = fine_[level];
      for (int64_t i = 0; i < kFine; i++) {
        const int64_t e = i / Layout::kWidth * (i % Layout::kWidth);
        set(fine, i, kFine, root_of_unity(e, int64_t(1) << level));
      }
      fine_re[level] = fine.data();
      fine_im[level] = fine.data() + kFine;
    }
  }
  RootTable(const RootTable&) = delete;

 private:
  static void set(std::vector<T>& table, int64_t at, int64_t size, std::complex<double> w) {
    table.resize(2 * size);
    table[at] = T(w.real());
    table[size + at] = T(w.imag());
  }

  std::vector<T> half_, fine_[64];
};

// The table of a length, which lives as long as the program. All tables together take about as much
// memory as a sixteenth of the longest row.
template <class T>
const Roots* roots(int log_n) {
  static std::mutex mutex;
  static std::map<int, std::unique_ptr<RootTable<T>>>& tables =
      *new std::map<int, std::unique_ptr<RootTable<T>>>;
  const std::lock_guard<std::mutex> lock(mutex);
  auto& table = tables[log_n];
  if (!table) table = std::make_unique<RootTable<T>>(log_n);
  return table.get();
}

}  // namespace hadax

#endif  // HADAX_NATIVE_ROOTS_H_
