"""Kernels of periodic functions on lattices and of Walsh functions on digital nets.

Both are products over coordinates, S prod_j (1 + gamma_j k(x_j - z_j)), of functions k without a
mean: the integral over either argument is S.
"""

import dataclasses
import math
from fractions import Fraction
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from hadax import _checks
from hadax._typing import Array, ArrayLike
from hadax.operators.base import static
from hadax.qmc import _qmc_checks, _words

_LARGEST = {"shift": 5, "digital": 4}


@dataclasses.dataclass(frozen=True, eq=False)
class _ProductKernel:
    """What the kernels share: all but the functions of one coordinate that are multiplied."""

    scale: Array
    weights: Array
    orders: tuple[int, ...] = static()

    def __call__(self, x: Array, z: Array) -> Array:
        """K(x, z), of points (..., d) that broadcast."""
        return self.scale * (1 + self.minus_one(x, z))

    def minus_one(self, x: Array, z: Array) -> Array:
        """K(x, z) / S - 1, without the loss of digits where weights are small."""
        return _product_minus_one(self.weights, self.factors(x, z))

    def factors(self, x: Array, z: Array) -> Array:
        """k of every coordinate, (..., d)."""
        raise NotImplementedError


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class ShiftInvariantKernel(_ProductKernel):
    r"""A kernel of x - z modulo one: what `shift_invariant_kernel` makes.

    `scale` () holds S and `weights` (d,) the $\gamma_j$, its leaves; `orders` the smoothness
    $\alpha_j$ of each coordinate. Points are words or floats in [0, 1).
    """

    def factors(self, x: Array, z: Array) -> Array:
        """k(x_j - z_j) of every coordinate, (..., d)."""
        gap = _lattice_gap(x, z, self.weights.dtype)
        columns = [_bernoulli(gap[..., j], order) for j, order in enumerate(self.orders)]
        return jnp.stack(columns, axis=-1)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class DigitalKernel(_ProductKernel):
    r"""A kernel of x - z modulo two, bit by bit: what `digital_kernel` makes.

    `scale` () holds S and `weights` (d,) the $\gamma_j$, its leaves; `orders` the smoothness
    $\alpha_j$ of each coordinate. Points are words.
    """

    def factors(self, x: Array, z: Array) -> Array:
        """k(x_j - z_j) of every coordinate, (..., d)."""
        gap, dtype = x ^ z, self.weights.dtype
        columns = [_walsh(gap[..., j], order, dtype) for j, order in enumerate(self.orders)]
        return jnp.stack(columns, axis=-1)


def shift_invariant_kernel(
    dimensions: int,
    *,
    orders: int | tuple[int, ...] = 2,
    weights: ArrayLike | None = None,
    scale: ArrayLike = 1.0,
) -> ShiftInvariantKernel:
    r"""The kernel of periodic functions with square-integrable derivatives of some order.

    $S \prod_j (1 + \gamma_j k_{\alpha_j}(\{x_j - z_j\}))$ with
    $k_\alpha(u) = (-1)^{\alpha + 1} (2\pi)^{2\alpha} B_{2\alpha}(u) / (2\alpha)!
    = \sum_{h \ne 0} e^{2 \pi i h u} / |h|^{2 \alpha}$.

    Args:
        dimensions: length of a point, d.
        orders: $\alpha$, 1 to 5, the same for all coordinates or one for each.
        weights: $\gamma$, positive, (d,) or one for all; by default $2^{1/d} - 1$, so that
            $\prod_j (1 + \gamma_j) = 2$.
        scale: S, positive, also the integral over either argument.

    Returns:
        A `ShiftInvariantKernel`, a pytree; call it with two arrays of points.

    Raises:
        ValueError: an order, weight or scale outside its range.

    Cost:
        Of a call, about 2 alpha operations a coordinate.

    Example:
        >>> import numpy as np
        >>> from hadax import qmc
        >>> kernel = qmc.shift_invariant_kernel(1, orders=1, weights=1.0)
        >>> x = qmc.lattice([1])(4)
        >>> np.asarray(kernel(x, x[:1])).round(2)
        array([ 4.29, -0.64,  0.59,  0.59], dtype=float32)

    See Also:
        `gram`, of a lattice. QMCPy: `KernelShiftInvar`.

    References:
        Dick, Kuo and Sloan (2013), key `dick2013`.
    """
    return ShiftInvariantKernel(*_settings(dimensions, orders, weights, scale, "shift"))


def digital_kernel(
    dimensions: int,
    *,
    orders: int | tuple[int, ...] = 2,
    weights: ArrayLike | None = None,
    scale: ArrayLike = 1.0,
) -> DigitalKernel:
    r"""The kernel of functions whose Walsh coefficients fall as some power.

    $S \prod_j (1 + \gamma_j k_{\alpha_j}(x_j \oplus z_j))$ with
    $k_1 = \sum_{k \ge 1} 2^{1 - 2 \mu_1(k)} w_k$ and $k_\alpha = \sum_{k \ge 1} 2^{-\mu_\alpha(k)}
    w_k$ for $\alpha \ge 2$, where $\mu_\alpha(k)$ is the sum of the $\alpha$ highest places of ones
    in k, from 1 on, and $w_k$ are Walsh functions in dyadic order.

    Args:
        dimensions: length of a point, d.
        orders: $\alpha$, 1 to 4, the same for all coordinates or one for each.
        weights: $\gamma$, positive, (d,) or one for all; by default $2^{1/d} - 1$, so that
            $\prod_j (1 + \gamma_j) = 2$.
        scale: S, positive, also the integral over either argument.

    Returns:
        A `DigitalKernel`, a pytree; call it with two arrays of words.

    Raises:
        ValueError: an order, weight or scale outside its range.

    Cost:
        Of a call, about ten operations a coordinate; about 5 t for order 4 and words of t bits.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import qmc
        >>> kernel = qmc.digital_kernel(1, orders=1, weights=1.0)
        >>> x = qmc.sobol(1).words(4)
        >>> kernel(x, x[:1])
        Array([2.  , 0.5 , 1.25, 0.5 ], dtype=float32)

    See Also:
        `gram`, of a net. QMCPy: `KernelDigShiftInvar`.

    References:
        Dick and Pillichshammer (2010), key `dick2010`.
    """
    return DigitalKernel(*_settings(dimensions, orders, weights, scale, "digital"))


def _settings(
    dimensions: int,
    orders: int | tuple[int, ...],
    weights: ArrayLike | None,
    scale: ArrayLike,
    kind: str,
) -> tuple[Array, Array, tuple[int, ...]]:
    """Scale, weights and orders of a kernel, checked."""
    d = _checks.integer("dimensions", dimensions, minimum=1)
    found = _qmc_checks.orders(orders, d, _LARGEST[kind])
    usual = 2 ** (1 / d) - 1
    gammas = _checks.real_float("weights", jnp.asarray(usual if weights is None else weights) * 1.0)
    _qmc_checks.positive("weights", gammas, d)
    size = _checks.real_float("scale", jnp.asarray(scale) * 1.0)
    _qmc_checks.positive("scale", size, None)
    return size, jnp.broadcast_to(gammas, (d,)), found


def _product_minus_one(weights: Array, factors: Array) -> Array:
    """prod_j (1 + p_j) - 1 for p = weights * factors, by v <- v (1 + p) + p from v = 0."""
    shape = (1,) * (factors.ndim - 1) + weights.shape
    parts = jnp.moveaxis(weights.reshape(shape) * factors, -1, 0)

    def step(value: Array, part: Array) -> tuple[Array, None]:
        return value * (1 + part) + part, None

    return jax.lax.scan(step, jnp.zeros_like(parts[0]), parts)[0]


def _lattice_gap(x: Array, z: Array, dtype: jnp.dtype) -> Array:
    """{x - z}; exact for words, which may be far longer than the floats that come of them."""
    if jnp.issubdtype(x.dtype, jnp.unsignedinteger):
        return _words.fractions(x - z, dtype)
    return (x - z) % 1


@cache
def _even_coefficients(order: int) -> tuple[float, ...]:
    """(-1)^(a+1) (2 pi)^(2a) B_2a(1/2 + y) / (2a)! as a polynomial in y^2, the highest first."""
    degree = 2 * order
    numbers = [Fraction(1)]
    for m in range(1, degree + 1):
        past = sum(math.comb(m + 1, j) * number for j, number in enumerate(numbers))
        numbers.append(-Fraction(past, m + 1))
    # B_n(1/2) = (2^(1-n) - 1) B_n, and B_m(1/2 + y) = sum over n of C(m, n) B_n(1/2) y^(m-n).
    at_half = [(Fraction(2, 2**n) - 1) * number for n, number in enumerate(numbers)]
    scale = (-1) ** (order + 1) * (2 * math.pi) ** degree / math.factorial(degree)
    return tuple(float(math.comb(degree, n) * at_half[n]) * scale for n in range(0, degree + 1, 2))


def _bernoulli(u: Array, order: int) -> Array:
    """k_order(u) for u in [0, 1), about the middle, where the polynomial is even."""
    square = jnp.square(u - 0.5)
    value = jnp.zeros_like(square)
    for coefficient in _even_coefficients(order):
        value = value * square + coefficient
    return value


def _walsh(gap: Array, order: int, dtype: jnp.dtype) -> Array:
    """k_order of words x ^ z; closed forms of the series by the place of the highest one."""
    bits = _words.width(gap)
    # -floor(log2) of the fraction that the word stands for; 0 for 0, where all powers count as 0.
    place = jnp.where(gap == 0, 0, jax.lax.clz(gap).astype(jnp.int32) + 1)
    b, u = place.astype(dtype), _words.fractions(gap, dtype)

    def power(rate: int) -> Array:
        """2^(-rate b), from a table; 0 at 0."""
        table = np.array([0.0, *(2.0 ** (-rate * k) for k in range(1, bits + 1))], dtype)
        return jnp.asarray(table)[place]

    if order == 1:
        return jnp.where(gap == 0, jnp.ones((), dtype), 1 - 3 * power(1))
    if order == 2:
        return -b * u + 2.5 * (1 - power(1)) - 1
    if order == 3:
        return b * u**2 - 5 * (1 - power(1)) * u + 43 / 18 * (1 - power(2)) - 1
    ones = jnp.zeros_like(u)
    for at in range(bits):
        bit = (gap >> (bits - 1 - at)) & np.array(1, gap.dtype)
        ones = ones + (1 - 2 * bit.astype(dtype)) * 2.0 ** (-3 * at)
    return (
        -2 / 3 * b * u**3
        + 5 * (1 - power(1)) * u**2
        - 43 / 9 * (1 - power(2)) * u
        + 701 / 294 * (1 - power(3))
        + b * (ones / 48 - 1 / 42)
        - 1
    )
