"""Which backend computes the Walsh-Hadamard transform here, and why."""

from typing import NamedTuple

import jax

from hadax.kernels import _cuda_rule, _native


class Backend(NamedTuple):
    """One way to compute the transform: its word, where it runs, whether it can, and why."""

    implementation: str
    platform: str
    available: bool
    reason: str


class BackendTable(tuple[Backend, ...]):
    """Backends in the order in which they are tried on a platform; prints as a table."""

    def __repr__(self) -> str:
        rows = [("implementation", "platform", "available", "why"), *(self._cells(b) for b in self)]
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        return "\n".join(
            "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[3]])
            for row in rows
        )

    @staticmethod
    def _cells(backend: Backend) -> tuple[str, str, str, str]:
        return backend[0], backend[1], "yes" if backend.available else "no", backend.reason


def backends() -> BackendTable:
    """The backends of `fwht`, in the order in which they are tried on their platform.

    With implementation=None the first that is available and can compute a given array (its dtype,
    its length) serves; "xla" can compute all of them. "mosaic_gpu" and "dense" serve on request
    only. Which one serves is decided when a program is compiled, for the platform it is compiled
    for. `fftbr` and `ifftbr` have "native" and "xla".

    Returns:
        Table of (implementation, platform, available, reason), which prints as one.

    Cost:
        Loads the native library on the first call.

    Example:
        >>> import hadax
        >>> [backend.implementation for backend in hadax.backends() if backend.platform == "any"]
        ['xla', 'dense']

    See Also:
        `fwht` and `fftbr`, whose argument `implementation` takes these words; `jax.devices`.
    """
    native = _native.library()
    return BackendTable(
        (
            Backend("native", "cpu", native.instruction_set is not None, native.reason),
            Backend("triton", "cuda", *_cuda_rule.availability("triton")),
            Backend("mosaic_gpu", "cuda", *_cuda_rule.availability("mosaic_gpu")),
            Backend("xla", "any", True, f"pure JAX {jax.__version__}"),
            Backend("dense", "any", True, "on request only: the whole matrix, for short lengths"),
        )
    )
