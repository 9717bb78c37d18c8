// What an instruction set offers, and what the rest of the library knows of it.

#ifndef HADAX_NATIVE_KERNELS_H_
#define HADAX_NATIVE_KERNELS_H_

#include <stdint.h>

namespace hadax {

// A row and what is done to it: out = after * H (before * in) * scale, H = H_m (x) H_2^k.
struct Row {
  int64_t m = 1;                      // order of the dense factor, 1 or a multiple of 4
  int log_block = 0;                  // a row is m blocks of 2^log_block real numbers; a complex one is a pair
  double scale = 1;
  const int8_t* before = nullptr;     // signs, one for each real number of a row, or null
  const int8_t* after = nullptr;
  const uint16_t* patterns = nullptr;  // the dense factor, see dense.h

  int64_t size() const { return m << log_block; }
};

// The same functions for one number format. A row is worked on either whole, or, by several threads,
// in two phases: its 2^top (or m) blocks, then columns of all blocks together. `work` is the output
// itself, or memory for a row where the format is computed in another one.
struct Kernels {
  void (*rows)(const Row&, const void* in, void* out, int64_t begin, int64_t end);
  void (*blocks)(const Row&, int top, const void* in, void* work, int64_t begin, int64_t end);
  void (*columns)(const Row&, int top, void* work, void* out, int64_t begin, int64_t end);
  int storage_bytes;
  int work_bytes;
};

enum class Format {
  kFloat32, kFloat64, kBfloat16, kFloat16, kComplex64, kComplex128, kInteger32, kInteger64
};

}  // namespace hadax

#endif  // HADAX_NATIVE_KERNELS_H_
