"""A Walsh spectrum with few coefficients: what a sparse transform finds."""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from hadax._typing import Array, ArrayLike
from hadax.operators.base import static
from hadax.sparse import _digits, _sparse_checks
from hadax.sparse.bits import pack_bits, parity

_SHOWN = 10

# Points at which a spectrum is evaluated at once.
_TOGETHER = 2**10


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class SparseSpectrum:
    r"""The F of $f(x) = \sum_k F_k (-1)^{\langle k, x\rangle}$: what `sparse_fwht` finds.

    F is `hadax.fwht(f, norm="forward")` where that can be had. A pytree; `print` shows the largest
    coefficients. What `sparse_fft` finds has another `base` q than 2, and $e^{2 \pi i / q}$ in the
    place of -1.

    * `support` (m, w), uint32: the indices, packed, in rising order; zeros from `count` on;
    * `coefficients` (m,): their coefficients; zeros from `count` on;
    * `count`: how many there are; m leaves room for more than was asked for;
    * `success`: whether something was found, all of it so large that most bins show it in spite of
      their noise, and what it leaves is noise, in each bin and in all together. Coefficients that
      are below the noise of a bin can hide in it;
    * `rounds`: rounds of peeling;
    * `noise`: standard deviation of the noise of a value of f that was taken to be there: given,
      estimated, or round-off;
    * `residual`: the same of what is left of the values of f;
    * `dropped`: how many more were found than there was room for, the smallest of them;
    * `n`, `samples`: bits, or digits, of an index, and values of f that were asked for;
    * `base`: values of a digit.
    """

    support: Array
    coefficients: Array
    count: Array
    success: Array
    rounds: Array
    noise: Array
    residual: Array
    dropped: Array
    n: int = static()
    samples: int = static()
    base: int = static(default=2)

    @property
    def digits(self) -> Array:
        """The indices as digits 0, ..., base - 1: (m, n) of int8."""
        return _digits.unpack(self.support, self.n, self.base)

    @property
    def bits(self) -> Array:
        """The indices as zeros and ones: (m, n) of int8."""
        _sparse_checks.of_bits(self.base)
        return self.digits

    def __call__(self, x: ArrayLike) -> Array:
        """The function of this spectrum at points.

        Args:
            x: zeros and ones, or digits, (q, n).

        Returns:
            Array (q,), O(q m).
        """
        _sparse_checks.one_spectrum(self.count)
        points = _sparse_checks.points(x, self.n, self.base)

        def at_bits(point: Array) -> Array:
            odd = parity(point[None], self.support)
            return jnp.sum(jnp.where(odd == 0, self.coefficients, -self.coefficients))

        def at_digits(point: Array) -> Array:
            turns = _digits.products(point[None], self.digits, self.base)[0]
            return jnp.sum(roots[turns] * self.coefficients)

        if self.base == 2:
            return lax.map(at_bits, pack_bits(points), batch_size=_TOGETHER)
        roots = _digits.roots(self.base, self.coefficients.dtype)
        return lax.map(at_digits, points, batch_size=_TOGETHER)

    def to_dict(self) -> dict[int, Any]:
        """The coefficients by their indices as integers, of which digit 0 is the lowest."""
        _sparse_checks.one_spectrum(self.count)
        digits = np.asarray(self.digits)[: int(self.count)].astype(object)
        indices = digits @ (self.base ** np.arange(self.n, dtype=object))
        values = np.asarray(self.coefficients)[: int(self.count)].tolist()
        return dict(zip(indices.tolist(), values, strict=True))

    def to_dense(self) -> Array:
        """All coefficients, in natural order: what `hadax.fwht(f, norm="forward")` returns.

        In base q it is what `jax.numpy.fft.fftn` does, with the same norm, of the array (q, ..., q)
        of values whose last axis is digit 0, made flat.
        """
        _sparse_checks.one_spectrum(self.count)
        _sparse_checks.writable(self.n, self.base)
        dense = jnp.zeros(self.base**self.n, self.coefficients.dtype)
        return dense.at[_digits.numbers(self.digits, self.base)].add(self.coefficients)

    def __str__(self) -> str:
        """How many coefficients there are, the largest, and what finding them took."""
        digits = "bits" if self.base == 2 else f"digits of base {self.base}"
        if self.count.ndim:
            good = int(jnp.sum(self.success))
            return f"{self.count.size} spectra of functions of {self.n} {digits}, {good} recovered"
        known = sorted(self.to_dict().items(), key=lambda item: -abs(item[1]))
        many = "coefficient" if len(known) == 1 else "coefficients"
        head = f"{len(known)} {many} of a function of {self.n} {digits}"
        if not self.success:
            head = f"{head}  NOT RECOVERED{self._why_not()}"
        lines = [head]
        for k, value in known[:_SHOWN]:
            lines.append(f"{_rounded(value):+.6g}  {{{self._members(k)}}}")
        if len(known) > _SHOWN:
            lines.append(f"... and {len(known) - _SHOWN} more")
        left = f"noise {float(self.noise):.3g}, residual {float(self.residual):.3g}"
        lines.append(f"{self.samples} values, {int(self.rounds)} rounds, {left}")
        return "\n".join(lines)

    def _why_not(self) -> str:
        """Why something is left, as far as can be told."""
        if not jnp.isfinite(self.noise):
            return ": some values are not finite"
        if self.dropped:
            return f": {int(self.dropped)} more were found, none larger. Take more sparsity"
        if self.residual > 1.1 * self.noise:
            return (
                ": more than noise is left. Take another key, more sparsity, or a decoder that "
                "bears noise"
            )
        if not self.count:
            return ": nothing is above the noise"
        return ": the weakest is not far enough above the noise. Take more repetitions, or bins"

    def _members(self, k: int) -> str:
        """The places of an index that are not zero, and what they are in other bases than 2."""
        digits = [k // self.base**i % self.base for i in range(self.n)]
        places = [(i, digit) for i, digit in enumerate(digits) if digit]
        return ", ".join(str(i) if self.base == 2 else f"{i}: {digit}" for i, digit in places)


def _rounded(value: float | complex) -> float | complex:
    """A complex number without what is below six digits of its modulus; a real one as it is."""
    if not isinstance(value, complex) or value == 0:
        return value
    decimals = 5 - math.floor(math.log10(abs(value)))
    return complex(round(value.real, decimals) + 0.0, round(value.imag, decimals) + 0.0)
