// The kernels without Python and without XLA, so that a sanitizer sees all of them: every format,
// with lengths, numbers of rows and of threads that take every path, on memory of the exact size.
//
//   harness small|large    the last line is "ok N cases"
//
// It is compiled with the kernels of one instruction set, HADAX_ISA; HADAX_NEEDS is the name of what
// the processor must have for it.

#include <cstdio>
#include <string>

#include "check_fourier.h"
#include "check_walsh.h"

using namespace harness;

constexpr int kSkipped = 77;

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
  // Short blocks: rows side by side, bundles of up to 64 of them, and what is left of these.
  for (int64_t m : large ? std::vector<int64_t>{12, 20, 36, 68} : std::vector<int64_t>{12, 68})
    for (int k : {0, 1, 2, 3})
      for (int64_t rows : {3, 75}) check_all_formats(Length(m, k), rows, {1}, pool);
  // Many rows shared whole, and a few whose blocks are shared; also with more threads than there are.
  const std::vector<int64_t> threads = large ? std::vector<int64_t>{1, 2, 3, 4, 24}
                                             : std::vector<int64_t>{3};
  for (int k : large ? std::vector<int>{0, 2, 4, 7, 11} : std::vector<int>{2, 7})
    check_all_formats(Length(1, k), (kShared >> k) + 5, threads, pool);
  for (int k : large ? std::vector<int>{15, 16, 17, 18} : std::vector<int>{16})
    check_all_formats(Length(1, k), std::max<int64_t>(1, kShared >> k), threads, pool);
  check_all_formats(Length(12, 13), 1, threads, pool);
  check_all_formats(Length(12, 0), kShared / 12 + 5, threads, pool);
  if (large) {
    check_all_formats(Length(12, 4), kShared / 192 + 1, threads, pool);
    check_all_formats(Length(172, 9), 1, threads, pool);
    check_all_formats(Length(20, 2), kShared / 80 + 5, threads, pool);
    check_all_formats(Length(1020, 4), 1, {1}, pool);
    check_all_formats(Length(2004, 1), 3, {1}, pool);
    check_all_formats(Length(1, 19), 1, {3}, pool);
  }
  for (int k = 0; k <= (large ? 15 : 13); k++) check_fourier(k, 3, {1}, pool);
  for (int k : {2, 5, 11}) check_fourier(k, (kShared >> k) + 5, threads, pool);
  for (int k : large ? std::vector<int>{14, 15, 16, 17, 18} : std::vector<int>{15})
    check_fourier(k, std::max<int64_t>(1, kShared >> (k + 1)), threads, pool);
  std::printf("ok %lld cases\n", (long long)cases);
}
