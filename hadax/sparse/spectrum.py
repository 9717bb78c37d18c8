"""A Walsh spectrum with few coefficients: what a sparse transform finds."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from hadax._typing import Array, ArrayLike
from hadax.operators.base import static
from hadax.sparse import _sparse_checks
from hadax.sparse.bits import pack_bits, parity, unpack_bits

_SHOWN = 10


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class SparseSpectrum:
    r"""The F of $f(x) = \sum_k F_k (-1)^{\langle k, x\rangle}$: what `sparse_fwht` finds.

    F is `hadax.fwht(f, norm="forward")` where that can be had. A pytree; `print` shows the largest
    coefficients.

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
    * `n`, `samples`: bits of an index, and values of f that were asked for.
    """

    support: Array
    coefficients: Array
    count: Array
    success: Array
    rounds: Array
    noise: Array
    residual: Array
    n: int = static()
    samples: int = static()

    @property
    def bits(self) -> Array:
        """The indices as zeros and ones: (m, n) of int8."""
        return unpack_bits(self.support, self.n)

    def __call__(self, x: ArrayLike) -> Array:
        """The function of this spectrum at points.

        Args:
            x: zeros and ones (q, n).

        Returns:
            Array (q,), O(q m).
        """
        points = pack_bits(_sparse_checks.points(x, self.n))
        odd = parity(points[:, None], self.support[None])
        return (1 - 2 * odd.astype(self.coefficients.dtype)) @ self.coefficients

    def to_dict(self) -> dict[int, float]:
        """The coefficients by their indices as integers, of which bit 0 is the lowest."""
        words = np.asarray(self.support)[: int(self.count)].astype(object)
        indices = words @ (1 << (32 * np.arange(words.shape[1], dtype=object)))
        values = np.asarray(self.coefficients)[: int(self.count)]
        return {int(k): float(value) for k, value in zip(indices, values, strict=True)}

    def to_dense(self) -> Array:
        """All 2^n coefficients, in natural order: what `hadax.fwht(f, norm="forward")` returns."""
        _sparse_checks.writable(self.n)
        dense = jnp.zeros(1 << self.n, self.coefficients.dtype)
        return dense.at[self.support[:, 0]].add(self.coefficients)

    def __str__(self) -> str:
        """How many coefficients there are, the largest, and what finding them took."""
        if self.count.ndim:
            good = int(jnp.sum(self.success))
            return f"{self.count.size} spectra of functions of {self.n} bits, {good} recovered"
        known = sorted(self.to_dict().items(), key=lambda item: -abs(item[1]))
        head = f"{len(known)} coefficients of a function of {self.n} bits"
        lines = [head if self.success else f"{head}  NOT RECOVERED"]
        for k, value in known[:_SHOWN]:
            members = ", ".join(str(q) for q in range(self.n) if k >> q & 1)
            lines.append(f"{value:+.6g}  {{{members}}}")
        if len(known) > _SHOWN:
            lines.append(f"... and {len(known) - _SHOWN} more")
        left = f"noise {float(self.noise):.3g}, residual {float(self.residual):.3g}"
        lines.append(f"{self.samples} values, {int(self.rounds)} rounds, {left}")
        return "\n".join(lines)
