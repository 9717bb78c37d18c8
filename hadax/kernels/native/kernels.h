// What an instruction set offers, and what the rest of the library knows of it.

#ifndef HADAX_NATIVE_KERNELS_H_
#define HADAX_NATIVE_KERNELS_H_

#include <stdint.h>

namespace hadax {

// What the dense factor is applied to at a time (dense.h): a cache line of columns.
constexpr int64_t kStripBytes = 64;

// A row and what is done to it: out = after * H (before * in) * scale, H = H_m (x) H_2^k.
struct Row {
  int64_t m = 1;                      // order of the dense factor, 1 or a multiple of 4
  int log_block = 0;                  // a row is m blocks of 2^log_block real numbers; a complex one is a pair
  double scale = 1;
  const int8_t* before = nullptr;     // signs, one for each real number of a row, or null
  const int8_t* after = nullptr;
  const uint16_t* patterns = nullptr;  // the dense factor, see dense.h

  int64_t size() const { return m << log_block; }

  // How many rows fill a strip: several where a block of one does not (narrow.h).
  int64_t together(int64_t number_bytes) const {
    const int64_t numbers = kStripBytes / number_bytes;
    return m > 1 && (int64_t(1) << log_block) < numbers ? numbers : 1;
  }
};

// Thrown by kernels that need memory and get none.
struct OutOfMemory {};

// The roots of unity of one length, as numbers of type T.
struct Roots {
  const void *re, *im;                  // [h + k] is W_2h^k = exp(-pi i k / h), k < h, for h = 1, 2, 4, ...
  const void *fine_re[64], *fine_im[64];  // [log n][j * kWidth + d] is W_n^(j d)
};

// What is worked on together: T is float or double.
template <class T>
struct RootLayout {
  static constexpr int kLogL1 = sizeof(T) == 4 ? 11 : 10;   // a block in the L1 cache: 16 KiB
  static constexpr int kLogRows = 6;                        // blocks whose columns are transformed
  static constexpr int kWidth = sizeof(T) == 4 ? 32 : 16;   // columns at a time: 256 bytes of a row
};

// A row of 2^log_n complex numbers and its Fourier transform, see fourier.h.
struct FourierRow {
  static constexpr int64_t m = 1;
  int log_n = 0;
  bool conjugate = false;
  double scale = 1;
  const Roots* roots = nullptr;

  int64_t size() const { return int64_t(2) << log_n; }  // in real numbers
  static int64_t together(int64_t) { return 1; }
};

// The same functions for one number format. A row is worked on either whole, or, by several threads,
// in two phases: its 2^top (or m) blocks, then columns of all blocks together; or first the columns.
// What is between them is the output itself, or memory for a row where the format is computed in
// another one.
template <class Row>
struct KernelsOf {
  void (*rows)(const Row&, const void* in, void* out, int64_t begin, int64_t end);
  void (*blocks)(const Row&, int top, const void* from, void* to, int64_t begin, int64_t end);
  void (*columns)(const Row&, int top, const void* from, void* to, int64_t begin, int64_t end);
  int storage_bytes;
  int work_bytes;
  bool columns_first = false;
};
using Kernels = KernelsOf<Row>;
using FourierKernels = KernelsOf<FourierRow>;

enum class Format {
  kFloat32, kFloat64, kBfloat16, kFloat16, kComplex64, kComplex128, kInteger32, kInteger64
};

}  // namespace hadax

#endif  // HADAX_NATIVE_KERNELS_H_
