// The entry points of XLA.

#include <sys/mman.h>
#include <unistd.h>

#include <vector>

#include "native/isa.h"
#include "native/roots.h"
#include "native/schedule.h"
#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;

namespace hadax {
namespace {

// Page faults of a large fresh output cost more than the transform: ask for large pages.
void ask_for_large_pages(const void* in, void* out, size_t bytes) {
#ifdef MADV_HUGEPAGE
  constexpr size_t kLarge = 4 << 20;
  if (in == out || bytes < kLarge) return;
  static const uintptr_t page = sysconf(_SC_PAGESIZE);
  const uintptr_t begin = ((uintptr_t)out + page - 1) & ~(page - 1);
  const uintptr_t end = ((uintptr_t)out + bytes) & ~(page - 1);
  madvise((void*)begin, end - begin, MADV_HUGEPAGE);
#endif
}

bool format_of(ffi::DataType type, Format* format) {
  switch (type) {
    case ffi::F32: *format = Format::kFloat32; return true;
    case ffi::F64: *format = Format::kFloat64; return true;
    case ffi::BF16: *format = Format::kBfloat16; return true;
    case ffi::F16: *format = Format::kFloat16; return true;
    case ffi::C64: *format = Format::kComplex64; return true;
    case ffi::C128: *format = Format::kComplex128; return true;
    case ffi::S32: case ffi::U32: *format = Format::kInteger32; return true;
    case ffi::S64: case ffi::U64: *format = Format::kInteger64; return true;
    default: return false;
  }
}

ffi::Error outcome(bool had_memory) {
  if (had_memory) return ffi::Error::Success();
  return ffi::Error(ffi::ErrorCode::kResourceExhausted, "hadax: no memory for a row in between");
}

ffi::Error wht(ffi::ThreadPool& pool, ffi::AnyBuffer x, const int8_t* before, const int8_t* after,
               ffi::Result<ffi::AnyBuffer> y, double scale, ffi::Span<const uint16_t> patterns) {
  Format format;
  if (!format_of(x.element_type(), &format))
    return ffi::Error::InvalidArgument("hadax: a number format without a kernel");
  const int64_t elements = x.element_count();
  if (elements == 0) return ffi::Error::Success();
  const int pair = format == Format::kComplex64 || format == Format::kComplex128;
  const int64_t n = x.dimensions().back(), squares = patterns.size() * 4;
  Row row;
  if (squares) row.m = 4;
  while (row.m * row.m < squares) row.m += 4;
  row.log_block = pair;
  while (row.size() < n << pair) row.log_block++;
  if (row.size() != n << pair || (squares && row.m * row.m != squares))
    return ffi::Error::InvalidArgument("hadax: a length other than m * 2^k");
  row.scale = scale;
  row.before = before;
  row.after = after;
  row.patterns = patterns.begin();
  ask_for_large_pages(x.untyped_data(), y->untyped_data(), x.size_bytes());
  return outcome(transform(isa().kernels_for(format, before, after), row, x.untyped_data(),
                           y->untyped_data(), elements / n, pool, pool.num_threads()));
}

ffi::Error plain(ffi::ThreadPool pool, ffi::AnyBuffer x, ffi::Result<ffi::AnyBuffer> y, double scale,
                 ffi::Span<const uint16_t> patterns) {
  return wht(pool, x, nullptr, nullptr, y, scale, patterns);
}

ffi::Error with_signs(ffi::ThreadPool pool, ffi::AnyBuffer x, ffi::Buffer<ffi::S8> signs,
                      ffi::Result<ffi::AnyBuffer> y, double scale, bool after,
                      ffi::Span<const uint16_t> patterns) {
  if (x.element_count() == 0) return ffi::Error::Success();
  const int64_t n = x.dimensions().back();
  if (int64_t(signs.element_count()) != n)
    return ffi::Error::InvalidArgument("hadax: as many signs as the length");
  const int8_t* s = signs.typed_data();
  std::vector<int8_t> twice;  // one for each real number
  if (x.element_type() == ffi::C64 || x.element_type() == ffi::C128) {
    for (int64_t i = 0; i < n; i++) twice.insert(twice.end(), 2, s[i]);
    s = twice.data();
  }
  return wht(pool, x, after ? nullptr : s, after ? s : nullptr, y, scale, patterns);
}

ffi::Error fourier(ffi::ThreadPool pool, ffi::AnyBuffer x, ffi::Result<ffi::AnyBuffer> y, double scale,
                   bool conjugate, bool transpose) {
  Format format;
  if (!format_of(x.element_type(), &format) ||
      (format != Format::kComplex64 && format != Format::kComplex128))
    return ffi::Error::InvalidArgument("hadax: a number format without a kernel");
  const int64_t elements = x.element_count();
  if (elements == 0) return ffi::Error::Success();
  const int64_t n = x.dimensions().back();
  FourierRow row;
  while (int64_t(1) << row.log_n < n) row.log_n++;
  if (int64_t(1) << row.log_n != n)
    return ffi::Error::InvalidArgument("hadax: a length other than 2^k");
  row.conjugate = conjugate;
  row.scale = scale;
  row.roots = format == Format::kComplex64 ? roots<float>(row.log_n) : roots<double>(row.log_n);
  ask_for_large_pages(x.untyped_data(), y->untyped_data(), x.size_bytes());
  return outcome(transform(isa().fourier_kernels_for(format, transpose), row, x.untyped_data(),
                           y->untyped_data(), elements / n, pool, pool.num_threads()));
}

}  // namespace
}  // namespace hadax

#pragma GCC visibility push(default)

XLA_FFI_DEFINE_HANDLER_SYMBOL(hadax_wht, hadax::plain,
    ffi::Ffi::Bind()
        .Ctx<ffi::ThreadPool>()
        .Arg<ffi::AnyBuffer>()
        .Ret<ffi::AnyBuffer>()
        .Attr<double>("scale")
        .Attr<ffi::Span<const uint16_t>>("patterns"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(hadax_wht_signed, hadax::with_signs,
    ffi::Ffi::Bind()
        .Ctx<ffi::ThreadPool>()
        .Arg<ffi::AnyBuffer>()
        .Arg<ffi::Buffer<ffi::S8>>()
        .Ret<ffi::AnyBuffer>()
        .Attr<double>("scale")
        .Attr<bool>("after")
        .Attr<ffi::Span<const uint16_t>>("patterns"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(hadax_fftbr, hadax::fourier,
    ffi::Ffi::Bind()
        .Ctx<ffi::ThreadPool>()
        .Arg<ffi::AnyBuffer>()
        .Ret<ffi::AnyBuffer>()
        .Attr<double>("scale")
        .Attr<bool>("conjugate")
        .Attr<bool>("transpose"));

extern "C" const char* hadax_isa() { return hadax::isa().name; }

// The version of XLA's interface these handlers speak. One that XLA does not know would keep JAX's
// CPU backend from starting, so it is compared before they are registered.
extern "C" int hadax_ffi_major() { return XLA_FFI_API_MAJOR; }
extern "C" int hadax_ffi_minor() { return XLA_FFI_API_MINOR; }

#pragma GCC visibility pop
