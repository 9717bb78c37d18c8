// Which instruction set serves on this machine.

#ifndef HADAX_NATIVE_ISA_H_
#define HADAX_NATIVE_ISA_H_

#include <stdlib.h>
#include <string.h>

#include "native/kernels.h"

namespace hadax {

#define HADAX_DECLARE(isa) \
  namespace isa {          \
  Kernels kernels_for(Format, bool before, bool after); \
  FourierKernels fourier_kernels_for(Format, bool transpose); \
  }
#if defined(__x86_64__)
HADAX_DECLARE(sse2)
HADAX_DECLARE(avx2)
HADAX_DECLARE(avx512)
#else
HADAX_DECLARE(simd128)
#endif
#undef HADAX_DECLARE

struct Isa {
  const char* name;
  Kernels (*kernels_for)(Format, bool before, bool after);
  FourierKernels (*fourier_kernels_for)(Format, bool transpose);
};

// The best the processor has, or the one that the environment variable HADAX_ISA names if it has it.
inline const Isa& isa() {
  static const Isa chosen = [] {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                            __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
    const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const struct {
      bool has;
      Isa isa;
    } all[] = {{has_avx512, {"avx512", avx512::kernels_for, avx512::fourier_kernels_for}},
               {has_avx2, {"avx2", avx2::kernels_for, avx2::fourier_kernels_for}},
               {true, {"sse2", sse2::kernels_for, sse2::fourier_kernels_for}}};
#else
    const struct {
      bool has;
      Isa isa;
    } all[] = {{true, {"simd128", simd128::kernels_for, simd128::fourier_kernels_for}}};
#endif
    const char* wanted = getenv("HADAX_ISA");
    const Isa* best = nullptr;
    for (const auto& option : all) {
      if (!option.has) continue;
      if (!best) best = &option.isa;
      if (wanted && !strcmp(wanted, option.isa.name)) best = &option.isa;
    }
    return *best;
  }();
  return chosen;
}

}  // namespace hadax

#endif  // HADAX_NATIVE_ISA_H_
