"""Kernels of periodic functions on lattices and of Walsh functions on digital nets.

Both are products over coordinates, S prod_j (1 + gamma_j k(x_j - z_j)), of functions k without a
mean: the integral over either argument is S.
"""

import dataclasses
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from hadax import _checks
from hadax._typing import Array, ArrayLike
from hadax.operators.base import static
from hadax.qmc import _kernel_checks, _kernel_values, _qmc_checks

_LARGEST = {"shift": 5, "digital": 4}


class ProductKernel:
    r"""What all kernels share: $S \prod_j (1 + p_j(x_j, z_j))$ of parts whose mean is 0.

    What no leaf changes, `factors`, is apart from what is made of it, `parts`: whoever looks for
    the best leaves computes it once.
    """

    scale: Array

    def __call__(self, x: Array, z: Array) -> Array:
        """K(x, z), of points (..., d) that broadcast."""
        return self.scale * (1 + self.minus_one(x, z))

    def minus_one(self, x: Array, z: Array) -> Array:
        """K(x, z) / S - 1, without the loss of digits where weights are small."""
        d, digital = self.dimensions, self.is_digital
        x = _kernel_checks.kernel_points("x", x, d, digital=digital)
        z = _kernel_checks.kernel_points("z", z, d, digital=digital)
        return self.minus_one_of(self.factors(x, z))

    def minus_one_of(self, factors: Any) -> Array:
        """K / S - 1, of what `factors` returned."""
        return _kernel_values.product_minus_one(self.parts(factors))

    @property
    def dimensions(self) -> int:
        """The length of a point."""
        raise NotImplementedError

    @property
    def is_digital(self) -> bool:
        """Whether it is a kernel of nets, and points are words; otherwise it is one of lattices."""
        raise NotImplementedError

    def factors(self, x: Array, z: Array) -> Any:
        """What parts are made of and no leaf changes: arrays (..., d)."""
        raise NotImplementedError

    def parts(self, factors: Any) -> Array:
        """The part of every coordinate, (..., d)."""
        raise NotImplementedError

    def derived_parts(
        self, x: Array, z: Array, x_orders: tuple[int, ...], z_orders: tuple[int, ...]
    ) -> Array:
        """The parts, each differentiated so many times in x and in z."""
        _kernel_checks.no_derivatives(type(self).__name__)


@dataclasses.dataclass(frozen=True, eq=False)
class _WeightedKernel(ProductKernel):
    """What kernels of given smoothness share: parts gamma_j k_j of factors k_j."""

    scale: Array
    weights: Array
    orders: tuple[int, ...] = static()

    @property
    def dimensions(self) -> int:
        """The length of a point."""
        return len(self.orders)

    def parts(self, factors: Array) -> Array:
        """gamma_j k_j of every coordinate."""
        return _kernel_values.weighted(self.weights, factors)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class ShiftInvariantKernel(_WeightedKernel):
    r"""A kernel of x - z modulo one: what `shift_invariant_kernel` makes.

    `scale` () holds S and `weights` (d,) the $\gamma_j$, its leaves; `orders` the smoothness
    $\alpha_j$ of each coordinate. Points are words or floats in [0, 1).
    """

    is_digital: ClassVar[bool] = False

    def factors(self, x: Array, z: Array) -> Array:
        """k(x_j - z_j) of every coordinate, (..., d)."""
        gap = _kernel_values.lattice_gap(x, z, self.weights.dtype)
        columns = [
            _kernel_values.bernoulli(gap[..., j], order) for j, order in enumerate(self.orders)
        ]
        return jnp.stack(columns, axis=-1)

    def derived_parts(
        self, x: Array, z: Array, x_orders: tuple[int, ...], z_orders: tuple[int, ...]
    ) -> Array:
        """The parts, each differentiated so many times in x and in z."""
        gap = _kernel_values.lattice_gap(x, z, self.weights.dtype)
        columns = []
        for j, (order, a, b) in enumerate(zip(self.orders, x_orders, z_orders, strict=True)):
            _kernel_checks.derivative_exists(j, a + b, most=2 * order - 2)
            columns.append((-1) ** b * _kernel_values.bernoulli(gap[..., j], order, a + b))
        return _kernel_values.weighted(self.weights, jnp.stack(columns, axis=-1))


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class DigitalKernel(_WeightedKernel):
    r"""A kernel of x - z modulo two, bit by bit: what `digital_kernel` makes.

    `scale` () holds S and `weights` (d,) the $\gamma_j$, its leaves; `orders` the smoothness
    $\alpha_j$ of each coordinate. Points are words.
    """

    is_digital: ClassVar[bool] = True

    def factors(self, x: Array, z: Array) -> Array:
        """k(x_j - z_j) of every coordinate, (..., d)."""
        return self._derived(x, z, (0,) * self.dimensions)

    def derived_parts(
        self, x: Array, z: Array, x_orders: tuple[int, ...], z_orders: tuple[int, ...]
    ) -> Array:
        """The parts, each differentiated so many times in x and in z."""
        times = tuple(a + b for a, b in zip(x_orders, z_orders, strict=True))
        for j, (order, count) in enumerate(zip(self.orders, times, strict=True)):
            _kernel_checks.derivative_exists(j, count, most=max(order - 2, 0))
        return _kernel_values.weighted(self.weights, self._derived(x, z, times))

    def _derived(self, x: Array, z: Array, times: tuple[int, ...]) -> Array:
        """(-2)^b (k_(alpha - b) + 1) of every coordinate with b > 0, and k_alpha of the others."""
        gap, dtype = x ^ z, self.weights.dtype
        columns = []
        for j, (order, b) in enumerate(zip(self.orders, times, strict=True)):
            value = _kernel_values.walsh(gap[..., j], order - b, dtype)
            columns.append((-2.0) ** b * (value + 1) if b else value)
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
    return *_kernel_checks.scale_and_weights(d, weights, scale), found
