"""Who races: a table of every way to compute a workload, ours and theirs.

A contender is one entry; its function is in ``_contenders_jax.py`` or ``_contenders_peers.py``. A
family is what has one colour in a figure, and runs in one process (one more for entries that need
other settings of their process). The table is data: the module imports none of the libraries.
"""

import functools
import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, get_args

from experiments._workloads import DType, Reference, Workload

REALS: tuple[DType, ...] = ("float32", "float64", "bfloat16")
WIDE: tuple[DType, ...] = ("float32", "float64")
ASYNC_DISPATCH = "HADAX_ASYNC_DISPATCH"  # in the environment of a process whose JAX has it on
_WALSH: tuple[Workload, ...] = ("fwht", "integers")


class Task(Protocol):
    """What contenders compute, as far as a race knows: a frozen dataclass of JSON values."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def workload(self) -> str:
        """Which map it is."""
        ...

    @property
    def n(self) -> int:
        """The length of the input."""
        ...

    @property
    def dtype(self) -> DType:
        """Its numbers."""
        ...

    @property
    def bytes(self) -> int:
        """Its bytes."""
        ...

    def reference(self) -> Reference | None:
        """The right output; None where every contender draws one of its own."""
        ...


@dataclass(frozen=True)
class Prepared:
    """A contender at its start: compiled, warm, its input in memory."""

    loop: Callable[[int], object]
    """Compute so many times, and wait until it is done."""
    output: Callable[[], Any] | None = None
    """The output (rows, n), scaled as the workload says; None for what computes another map."""
    compile_seconds: tuple[float, ...] = ()
    temp_bytes: int | None = None


@dataclass(frozen=True)
class Contender:
    """One way to compute a workload, and where it can be asked for."""

    family: str
    variant: str
    function: str
    """``module:function``, called as function(job, **options) in a process of its own."""
    options: Mapping[str, Any] = field(default_factory=dict)
    workloads: tuple[str, ...] = _WALSH
    dtypes: tuple[DType, ...] = REALS
    any_length: bool = False
    longest: int | None = None
    largest: int | None = None
    interest: tuple[float, float] = (0, math.inf)
    """From how many bytes to how many it has something to show."""
    environment: Mapping[str, str] = field(default_factory=dict)
    in_place: bool = False

    @property
    def name(self) -> str:
        """Family and variant."""
        return f"{self.family}, {self.variant}"

    @property
    def process(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What tells its process from others."""
        return self.family, tuple(self.environment.items())

    def refusal(self, job: Task) -> str | None:
        """Return why it does not do this job, or None."""
        if job.dtype not in self.dtypes:
            return f"takes no {job.dtype}"
        if not self.any_length and job.n & (job.n - 1):
            return "takes powers of two only"
        if self.longest is not None and job.n > self.longest:
            return f"too slow beyond n = {self.longest}"
        if self.largest is not None and job.bytes > self.largest:
            return f"too slow beyond {self.largest >> 20} MB"
        return None

    def concerns(self, job: Task) -> bool:
        """Return whether it is about this job at all."""
        least, most = self.interest
        return job.workload in self.workloads and least <= job.bytes <= most


def prepare(function: str, job: Task, options: Mapping[str, Any]) -> Prepared:
    """Import a contender's library and bring it to its start."""
    return found_at(function)(job, **options)


def found_at(address: str) -> Any:
    """Import what is at ``module:name``."""
    module, _, name = address.partition(":")
    return getattr(importlib.import_module(module), name)


def entry(module: str, family: str, variant: str, function: str, **settings: Any) -> Contender:
    """An entry of the table; what is no field of it is an option of its function."""
    options = {name: settings[name] for name in settings if name not in _FIELDS}
    fields: dict[str, Any] = {name: settings[name] for name in settings.keys() & _FIELDS}
    in_place = bool(options.get("donate") or options.get("inplace"))
    return Contender(family, variant, f"{module}:{function}", options, in_place=in_place, **fields)


_jax = functools.partial(entry, "experiments._contenders_jax")
_peer = functools.partial(entry, "experiments._contenders_peers")
_FIELDS = frozenset(Contender.__dataclass_fields__)
_ALL: tuple[Workload, ...] = get_args(Workload)
_TRANSFORM: dict[str, Any] = {"workloads": (*_WALSH, "length"), "any_length": True}
_TUNED = {
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
    "MALLOC_TOP_PAD_": "268435456",
}
_ASYNC = {ASYNC_DISPATCH: "1"}
_EVERY: dict[str, Any] = {"dtypes": get_args(DType), "any_length": True}
_COMPLEX: dict[str, Any] = {"workloads": ("fftbr",), "dtypes": ("complex64", "complex128")}


def _ours(implementation: str) -> list[Contender]:
    """The transforms by one backend of hadax."""
    family = f"hadax {implementation}"
    make: dict[str, Any] = {"implementation": implementation}
    return [
        _jax(family, "donated", "transform", **make, donate=True, **_TRANSFORM),
        _jax(family, "fresh", "transform", **make, donate=False, **_TRANSFORM),
        _jax(
            family, "donated, power of two", "transform", **make, donate=True, power_of_two=True,
            workloads=("length",), any_length=True,
        ),
        _jax(
            family, "fresh, tuned malloc", "transform", **make, donate=False,
            environment=_TUNED, workloads=("fwht",), interest=(16 << 20, math.inf),
        ),
        _jax(
            family, "fresh, async dispatch", "transform", **make, donate=False,
            environment=_ASYNC, workloads=("fwht",), interest=(0, 1 << 16),
        ),
        _jax(family, "fftbr, fresh", "fftbr", **make, donate=False, **_COMPLEX),
        _jax(family, "fftbr, donated", "fftbr", **make, donate=True, **_COMPLEX),
    ]  # fmt: skip


CONTENDERS: tuple[Contender, ...] = (
    _jax("limit", "x + 1, donated", "add_one", donate=True, workloads=_ALL, **_EVERY),
    _jax("limit", "x + 1, fresh", "add_one", donate=False, workloads=_ALL, **_EVERY),
    _peer("limit", "np.copy", "numpy_copy", workloads=_ALL, **_EVERY),
    *_ours("native"),
    *_ours("xla"),
    _jax("hadax dense", "fresh", "transform", implementation="dense", donate=False, longest=4096),
    _jax("textbook JAX", "donated", "textbook", donate=True),
    _jax("textbook JAX", "fresh", "textbook", donate=False),
    _jax("hadax", "transform, donated", "bare", donate=True, workloads=("rotation",)),
    _jax("hadax", "rotation, donated", "rotation", donate=True, workloads=("rotation",)),
    _jax("hadax", "transform, fresh", "bare", donate=False, workloads=("rotation",)),
    _jax("hadax", "rotation, fresh", "rotation", donate=False, workloads=("rotation",)),
    _jax("hadax", "fftbr, fresh", "fftbr", donate=False, **_COMPLEX),
    _jax("hadax", "fftbr, donated", "fftbr", donate=True, **_COMPLEX),
    _jax("jnp.fft", "gather + fft, fresh", "gather_fft", **_COMPLEX),
    _jax("jnp.fft", "fft alone, fresh", "fft_alone", **_COMPLEX),
    _peer("torch", "butterfly", "torch_butterfly", dtypes=REALS),
    _peer("torch", "F.linear", "torch_linear", dtypes=REALS, longest=4096, workloads=("fwht",)),
    _peer("fht-cpu", "in place", "fht_cpu", inplace=True, dtypes=WIDE),
    _peer("fht-cpu", "fresh", "fht_cpu", inplace=False, dtypes=WIDE),
    _peer("ffht-unofficial", "in place", "ffht", inplace=True, dtypes=WIDE),
    _peer("ffht-unofficial", "fresh", "ffht", inplace=False, dtypes=WIDE),
    _peer("pyfwht", "cpu", "pyfwht", backend="cpu", dtypes=WIDE),
    _peer("pyfwht", "openmp", "pyfwht", backend="openmp", dtypes=WIDE),
    _peer("qmcpy", "fwht", "qmcpy_fwht", dtypes=WIDE, largest=16 << 20),
    _peer("qmcpy", "fftbr", "qmcpy_fftbr", **_COMPLEX),
    _peer("scipy", "x @ hadamard(n)", "scipy_dense", dtypes=WIDE, longest=1024),
)  # fmt: skip

FAMILIES = tuple(dict.fromkeys(contender.family for contender in CONTENDERS))
OURS = tuple(family for family in FAMILIES if family.startswith("hadax"))
PEERS = ("torch", "fht-cpu", "ffht-unofficial", "pyfwht", "qmcpy", "scipy")
