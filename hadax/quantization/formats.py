"""Number formats: which numbers the codes of a few bits stand for, in units of a scale.

A format is static: hashable, compared by value, no array in it, so that functions compiled by
`jax.jit` may depend on it. Scales are not its business (`hadax.quantization.scales`).
"""

import abc
from dataclasses import dataclass
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from scipy import special

from hadax import _dtypes, _lloyd_max
from hadax._typing import Array, DTypeLike
from hadax.quantization import _format_checks

Unit: TypeAlias = Literal["peak", "rms"]

_FLOATS = {"e2m1": jnp.float4_e2m1fn, "e4m3": jnp.float8_e4m3fn, "e5m2": jnp.float8_e5m2}


class Format(abc.ABC):
    """A finite set of numbers, each with a code: an unsigned integer of `bits` bits.

    Subclasses: `IntFormat`, `FloatFormat`, `Codebook`. Where a method takes `zero`, that is the
    zero point of an asymmetric `IntFormat`: the code of the number 0.
    """

    bits: int
    symmetric: bool = True
    """Whether scales need no zero point beside them."""
    unit: Unit = "peak"
    """What a scale measures: the largest magnitude of what shares it, or its root mean square."""

    @property
    def ignores_zeros(self) -> bool:
        """Whether zeros beside entries change neither their scale nor are changed themselves."""
        return self.unit == "peak"

    @property
    @abc.abstractmethod
    def largest(self) -> float:
        """The magnitude that the unit of what shares a scale is brought to."""

    @abc.abstractmethod
    def codes(self, x: Array, zero: Array | None = None) -> Array:
        """The codes of the numbers nearest to real x (...): uint8, above 8 bits uint16.

        What lies beyond the range goes to its end. The code of NaN is any.
        """

    @abc.abstractmethod
    def decode(
        self, codes: Array, zero: Array | None = None, *, dtype: DTypeLike = jnp.float32
    ) -> Array:
        """The numbers of codes (...)."""

    @abc.abstractmethod
    def neighbours(self, x: Array) -> tuple[Array, Array]:
        """The next numbers at or below, and at or above, real x (...)."""

    @abc.abstractmethod
    def ends(self, zero: Array | None = None) -> tuple[Array | float, Array | float]:
        """The least and the greatest number."""

    def round(self, x: Array) -> Array:
        """The numbers nearest to real x (...), of its dtype."""
        return self.decode(self.codes(x), dtype=x.dtype)


@dataclass(frozen=True)
class IntFormat(Format):
    """Integers of 2 to 16 bits; half-way goes to the even one.

    Symmetric: -2^(bits-1) to 2^(bits-1) - 1. Asymmetric: 0 to 2^bits - 1, moved by a zero point.
    A `QTensor` packs those of at most 8 bits.
    """

    bits: int
    symmetric: bool = True

    def __post_init__(self):
        bits = _format_checks.int_format(self.bits, self.symmetric)
        object.__setattr__(self, "bits", bits)  # a Python integer, which files can say

    @property
    def largest(self) -> float:
        """2^(bits-1) - 1, or the whole range 2^bits - 1 if asymmetric."""
        return float(2 ** (self.bits - 1) - 1 if self.symmetric else 2**self.bits - 1)

    def codes(self, x: Array, zero: Array | None = None) -> Array:
        """x rounded, plus the zero point."""
        wide = _dtypes.accumulator(x.dtype)  # narrow ones do not hold all codes
        moved = jnp.round(x).astype(wide) + self._zero(zero, wide)
        return jnp.clip(moved, 0, 2**self.bits - 1).astype(_code_dtype(self.bits))

    def decode(
        self, codes: Array, zero: Array | None = None, *, dtype: DTypeLike = jnp.float32
    ) -> Array:
        """The codes minus the zero point."""
        wide = _dtypes.accumulator(jnp.dtype(dtype))
        return (codes.astype(wide) - self._zero(zero, wide)).astype(dtype)

    def neighbours(self, x: Array) -> tuple[Array, Array]:
        """Floor and ceiling, in range or not."""
        return jnp.floor(x), jnp.ceil(x)

    def ends(self, zero: Array | None = None) -> tuple[Array | float, Array | float]:
        """The numbers of the codes 0 and 2^bits - 1."""
        return -self._zero(zero), 2**self.bits - 1 - self._zero(zero)

    def _zero(self, zero: Array | None, dtype: DTypeLike | None = None) -> Array | float:
        """The code of 0."""
        if zero is None:
            return 2.0 ** (self.bits - 1) if self.symmetric else 0.0
        return zero if dtype is None else zero.astype(dtype)


@dataclass(frozen=True)
class FloatFormat(Format):
    """Floats of 4 or 8 bits: "e2m1", "e4m3" or "e5m2"; e exponent and m mantissa bits.

    Rounded to nearest, half-way to the even one, and saturating: there is no infinity. The codes
    are their bits, as in ml_dtypes and in the OCP formats.
    """

    name: str

    def __post_init__(self):
        _format_checks.float_format(self.name, tuple(_FLOATS))

    @property
    def bits(self) -> int:
        """4 or 8."""
        return jnp.finfo(self._dtype).bits

    @property
    def largest(self) -> float:
        """6, 448 or 57344."""
        return float(jnp.finfo(self._dtype).max)

    def codes(self, x: Array, zero: Array | None = None) -> Array:
        """The bits of x, cast."""
        cast = jnp.clip(x, -self.largest, self.largest).astype(self._dtype)
        return jax.lax.bitcast_convert_type(cast, self._carrier).astype(jnp.uint8)

    def decode(
        self, codes: Array, zero: Array | None = None, *, dtype: DTypeLike = jnp.float32
    ) -> Array:
        """The floats of these bits."""
        return self.bit_cast(codes).astype(dtype)

    def bit_cast(self, codes: Array) -> Array:
        """The floats of these bits, in JAX's own type of so few bits."""
        return jax.lax.bitcast_convert_type(codes.astype(self._carrier), self._dtype)

    def neighbours(self, x: Array) -> tuple[Array, Array]:
        """The two floats around x, within the range."""
        kind = jnp.finfo(self._dtype)
        inside = jnp.clip(x, -self.largest, self.largest)
        _, exponent = jnp.frexp(inside)  # of a mantissa in [1/2, 1)
        spacing = jnp.ldexp(
            jnp.ones_like(inside), jnp.maximum(exponent - 1, int(kind.minexp)) - int(kind.nmant)
        )
        return jnp.floor(inside / spacing) * spacing, jnp.ceil(inside / spacing) * spacing

    def ends(self, zero: Array | None = None) -> tuple[Array | float, Array | float]:
        """Minus and plus the largest."""
        return -self.largest, self.largest

    @property
    def _dtype(self) -> type:
        """JAX's type of these floats."""
        return _FLOATS[self.name]

    @property
    def _carrier(self) -> type:
        """The unsigned integers of as many bits."""
        return jnp.uint4 if self.bits == 4 else jnp.uint8


@dataclass(frozen=True)
class Codebook(Format):
    """Any 2 to 256 increasing levels, of which the nearest is taken; half-way goes up.

    With unit "peak" the largest level is what the largest entry is brought to; with "rms" the
    levels are for entries of mean square one, and those beyond the last level are clipped.
    """

    levels: tuple[float, ...]
    unit: Unit = "peak"

    def __post_init__(self):
        _format_checks.codebook(self.levels, self.unit)

    def __repr__(self) -> str:
        """How many levels, and the ends."""
        first, last = self.levels[0], self.levels[-1]
        return f"Codebook({len(self.levels)} levels, {first:g} to {last:g}, unit={self.unit!r})"

    @property
    def ignores_zeros(self) -> bool:
        """Whether 0 is a level, and the unit no mean."""
        return self.unit == "peak" and 0.0 in self.levels

    @property
    def bits(self) -> int:
        """What the highest index needs."""
        return (len(self.levels) - 1).bit_length()

    @property
    def largest(self) -> float:
        """The largest magnitude of a level; 1 with unit "rms"."""
        return 1.0 if self.unit == "rms" else max(-self.levels[0], self.levels[-1])

    def codes(self, x: Array, zero: Array | None = None) -> Array:
        """The index of the nearest level."""
        edges = jnp.asarray(_lloyd_max.thresholds(np.array(self.levels)), x.dtype)
        # Few comparisons vectorize; beyond that halving is faster.
        method = "compare_all" if len(edges) < 16 else "scan"
        return jnp.searchsorted(edges, x, side="right", method=method).astype(jnp.uint8)

    def decode(
        self, codes: Array, zero: Array | None = None, *, dtype: DTypeLike = jnp.float32
    ) -> Array:
        """The levels of these indices."""
        return jnp.asarray(self.levels, dtype).at[codes].get(mode="clip")

    def neighbours(self, x: Array) -> tuple[Array, Array]:
        """The two levels around x, within the range."""
        levels = jnp.asarray(self.levels, x.dtype)
        last = len(self.levels) - 1
        above = jnp.clip(jnp.searchsorted(levels, x, side="left"), 0, last)
        below = jnp.clip(jnp.searchsorted(levels, x, side="right") - 1, 0, last)
        return levels[below], levels[above]

    def ends(self, zero: Array | None = None) -> tuple[Array | float, Array | float]:
        """The first and the last level."""
        return self.levels[0], self.levels[-1]


def nf4() -> Codebook:
    r"""The 16 levels of NF4, for normal weights: quantiles of the normal law, one of them zero.

    The levels of one sign are the quantiles at equally spaced probabilities from 1/2 to
    $1 - \frac12(\frac1{30} + \frac1{32})$, over the last; 8 of them positive, 7 negative.

    Returns:
        The format; its largest level is 1.

    Cost:
        None.

    Example:
        >>> from hadax.quantization import nf4
        >>> [round(level, 4) for level in nf4().levels[7:10]]
        [0.0, 0.0796, 0.1609]

    See Also:
        `lloyd_max`: the levels of least squared error, scaled by the RMS. bitsandbytes prints NF4
        as a table.

    References:
        Dettmers et al. (2023), key `dettmers2023`.
    """
    last = 1 - (1 / 30 + 1 / 32) / 2
    positive = special.ndtri(np.linspace(0.5, last, 9)[1:])
    negative = special.ndtri(np.linspace(0.5, last, 8)[1:])
    levels = np.concatenate([-negative[::-1], [0.0], positive]) / positive[-1]
    return Codebook(tuple(levels.tolist()))


def lloyd_max(bits: int, *, d: int | None = None) -> Codebook:
    r"""The $2^b$ levels of least mean squared error, for the normal law or a sphere's coordinate.

    Scales are root mean squares, so that for d a group of d entries is brought to length $\sqrt d$:
    a coordinate of the uniformly rotated group is then that of a sphere, exactly.

    Args:
        bits: 1 to 8.
        d: dimension of the sphere, at least 3; None for the normal law, its limit.

    Returns:
        The format, of unit "rms".

    Raises:
        TypeError: `bits` or `d` is no integer.
        ValueError: `bits` or `d` is out of range.

    Cost:
        Milliseconds, once for each bits and d.

    Example:
        >>> from hadax.quantization import lloyd_max
        >>> [round(level, 4) for level in lloyd_max(2).levels]
        [-1.5104, -0.4528, 0.4528, 1.5104]

    See Also:
        `hadax.discrepancy.lloyd_max_distortion`, their error; `nf4`.

    References:
        Max (1960), key `max1960`; Lloyd (1982), key `lloyd1982`.
    """
    bits = _lloyd_max.bits_of_a_codebook(bits)
    dimension = None if d is None else _format_checks.sphere(d)
    levels = _lloyd_max.codebook(bits, dimension)
    return Codebook(tuple(levels.tolist()), unit="rms")


def _code_dtype(bits: int) -> type:
    """The unsigned integers that hold codes of so many bits."""
    return jnp.uint8 if bits <= 8 else jnp.uint16
