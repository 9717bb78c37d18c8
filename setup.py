"""Builds the native kernel where a C++ compiler is at hand; pyproject.toml has everything else.

The library is loaded with ctypes and knows nothing of Python, so one wheel serves all versions.
Without a compiler the installation succeeds, and hadax computes with XLA (`hadax.backends()`).
"""

import os
import platform
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError

KERNELS = Path("hadax/kernels")
FLAGS = [
    "-std=c++17",
    "-O3",
    "-g0",
    "-fvisibility=hidden",
    "-Wno-psabi",
    "-Wno-maybe-uninitialized",
    f"-I{KERNELS}",
]
# Every instruction set is the same source with other flags.
X86 = {
    "sse2": ["-DHADAX_VECTOR_BYTES=16"],
    "avx2": ["-DHADAX_VECTOR_BYTES=32", "-mavx2", "-mfma"],
    "avx512": [
        "-DHADAX_VECTOR_BYTES=64",
        *("-mavx512f", "-mavx512vl", "-mavx512bw", "-mavx512dq", "-mfma"),
    ],
}
OTHERS = {"simd128": ["-DHADAX_VECTOR_BYTES=16"]}


class BuildNative(build_ext):
    """Compiles the kernels once for every instruction set, and links one library."""

    def get_ext_filename(self, fullname):
        """Return a name without a Python version: this is no Python module."""
        return str(Path(*fullname.split(".")).with_suffix(".so"))

    def build_extension(self, ext):
        """Compile and link, or raise CompileError, which an optional extension survives."""
        try:
            import jax
        except ImportError as error:
            raise CompileError(f"the headers of jax.ffi are missing: {error}") from error
        is_x86 = platform.machine().lower() in ("x86_64", "amd64")
        jobs = [
            (KERNELS / source, name, [f"-DHADAX_ISA={name}", *flags])
            for name, flags in (X86 if is_x86 else OTHERS).items()
            for source in ("native/kernels.cc", "native/fourier.cc")
        ]
        headers = f"-isystem{jax.ffi.include_dir()}"
        jobs.append((KERNELS / "native/handler.cc", "handler", [headers]))
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # each waits for a compiler of its own
            compiled = list(pool.map(lambda job: self._compile(*job), jobs))
        objects = [part for parts in compiled for part in parts]
        target = self.get_ext_fullpath(ext.name)
        self.compiler.link_shared_object(objects, target, target_lang="c++")

    def _compile(self, source, name, flags):
        """Compile one source into a folder of its own."""
        folder = str(Path(self.build_temp) / name)
        return self.compiler.compile([str(source)], folder, extra_postargs=[*FLAGS, *flags])


class BuildWheel(bdist_wheel):
    """Names the wheel after the platform alone."""

    def get_tag(self):
        """Return the tag of a library that no Python version is part of."""
        return ("py3", "none", super().get_tag()[2])


setup(
    ext_modules=[Extension("hadax.kernels.native.libhadax", sources=[], optional=True)],
    cmdclass={"build_ext": BuildNative, "bdist_wheel": BuildWheel},
)
