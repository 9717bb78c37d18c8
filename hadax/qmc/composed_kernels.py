"""Kernels of learned smoothness, kernels made of several, and derivatives of kernels."""

import dataclasses
import functools
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from hadax import _checks
from hadax._typing import Array, ArrayLike
from hadax.qmc import _kernel_checks, _kernel_values
from hadax.qmc.kernels import ProductKernel


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class AdaptiveKernel(ProductKernel):
    r"""A digital kernel whose smoothness is a real number: what `adaptive_kernel` makes.

    Its leaves are `scale` () with S, `weights` (d,) with the $\gamma_j$ and `rates` (d,) with the
    $\alpha_j$. Points are words.
    """

    scale: Array
    weights: Array
    rates: Array

    is_digital: ClassVar[bool] = True

    @property
    def dimensions(self) -> int:
        """The length of a point."""
        return self.weights.shape[-1]

    def factors(self, x: Array, z: Array) -> Array:
        """The place of the highest one of x_j - z_j, (..., d), of which rates make the kernel."""
        return _kernel_values.places(x ^ z)

    def parts(self, factors: Array) -> Array:
        """gamma_j k_j of every coordinate."""
        return _kernel_values.weighted(
            self.weights, _kernel_values.adaptive_walsh(factors, self.rates)
        )


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class CombinedKernel(ProductKernel):
    """The product over coordinates of sums of several kernels' parts: what `combine` makes.

    Its leaves are those of the `kernels`: their weights are the mixture, their scales multiply.
    """

    kernels: tuple[ProductKernel, ...]

    @property
    def scale(self) -> Array:
        """S, the product of the kernels' own."""
        return functools.reduce(jnp.multiply, [kernel.scale for kernel in self.kernels])

    @property
    def dimensions(self) -> int:
        """The length of a point."""
        return self.kernels[0].dimensions

    @property
    def is_digital(self) -> bool:
        """Whether it is a kernel of nets, and points are words."""
        return self.kernels[0].is_digital

    def factors(self, x: Array, z: Array) -> tuple[Any, ...]:
        """Those of each kernel."""
        return tuple(kernel.factors(x, z) for kernel in self.kernels)

    def parts(self, factors: tuple[Any, ...]) -> Array:
        """The sum over kernels of gamma_j k_j, of every coordinate."""
        pairs = zip(self.kernels, factors, strict=True)
        return _total(kernel.parts(of_it) for kernel, of_it in pairs)

    def derived_parts(
        self, x: Array, z: Array, x_orders: tuple[int, ...], z_orders: tuple[int, ...]
    ) -> Array:
        """The sum over kernels of their parts' derivatives."""
        return _total(kernel.derived_parts(x, z, x_orders, z_orders) for kernel in self.kernels)


def adaptive_kernel(
    dimensions: int,
    *,
    rates: ArrayLike = 1.0,
    weights: ArrayLike | None = None,
    scale: ArrayLike = 1.0,
) -> AdaptiveKernel:
    r"""A digital kernel whose smoothness can be learned: its rates are real and differentiable.

    $S \prod_j (1 + \gamma_j k_{\alpha_j}(x_j \oplus z_j))$ with
    $k_\alpha = \sum_{k \ge 1} 2^{-(\alpha + 1) (\mu_1(k) - 1)} w_k$, where $\mu_1(k)$ is the number
    of bits of k and $w_k$ are Walsh functions. With the place b of the highest one of $x \oplus z$
    it is $\nu - (\nu + 1) 2^{-\alpha (b - 1)}$, and $\nu = 1 / (1 - 2^{-\alpha})$ at 0.

    Args:
        dimensions: length of a point, d.
        rates: $\alpha$, positive, (d,) or one for all.
        weights: $\gamma$, positive, (d,) or one for all; by default $2^{1/d} - 1$.
        scale: S, positive, also the integral over either argument.

    Returns:
        An `AdaptiveKernel`, a pytree; call it with two arrays of words.

    Raises:
        ValueError: a rate, weight or scale that is not positive.

    Cost:
        Of a call, about five operations and an exponential a coordinate.

    Example:
        >>> from hadax import qmc
        >>> kernel = qmc.adaptive_kernel(1, rates=1.0, weights=1.0)
        >>> x = qmc.sobol(1).words(4)
        >>> kernel(x, x[:1])
        Array([3. , 0. , 1.5, 0. ], dtype=float32)

    See Also:
        `digital_kernel`, whose smoothness is an integer. QMCPy: `KernelDigShiftInvarAdaptiveAlpha`.

    References:
        Dick and Pillichshammer (2010), key `dick2010`.
    """
    d = _checks.integer("dimensions", dimensions, minimum=1)
    size, gammas = _kernel_checks.scale_and_weights(d, weights, scale)
    return AdaptiveKernel(size, gammas, _kernel_checks.one_or_each("rates", rates, d))


def combine(*kernels: ProductKernel) -> CombinedKernel:
    r"""The kernel whose part of every coordinate is the sum of several kernels' parts.

    $S \prod_j (1 + \sum_p \gamma^{(p)}_j k^{(p)}_j(x_j, z_j))$: the weights of the kernels say how
    much of each kind of smoothness a coordinate has.

    Args:
        *kernels: two or more of the same kind of points and as many dimensions. The scale S is the
            product of theirs.

    Returns:
        A `CombinedKernel`, a pytree; call it as its kernels.

    Raises:
        ValueError: fewer than two kernels, or kernels of different points.

    Cost:
        Of a call, that of all kernels.

    Example:
        >>> from hadax import qmc
        >>> rough, smooth = (qmc.shift_invariant_kernel(1, orders=o, weights=0.5) for o in (1, 2))
        >>> kernel = qmc.combine(rough, smooth)
        >>> x = qmc.lattice([1])(2)
        >>> bool(abs(kernel(x[0], x[1]) - rough(x[0], x[1]) - smooth(x[0], x[1]) + 1) < 1e-5)
        True

    See Also:
        QMCPy: `KernelDigShiftInvarCombined`, of all four orders; its `KernelShiftInvarCombined`
        takes Bernoulli polynomials of the orders themselves where it should of twice these, and so
        is not symmetric.

    References:
        Dick and Pillichshammer (2010), key `dick2010`.
    """
    _kernel_checks.combinable(kernels)
    return CombinedKernel(kernels)


def derivative(
    kernel: ProductKernel,
    x: Array,
    z: Array,
    *,
    x_orders: tuple[int, ...] | None = None,
    z_orders: tuple[int, ...] | None = None,
) -> Array:
    r"""K(x, z) differentiated some times in each coordinate of x and of z, in closed form.

    $\partial_x^a \partial_z^b K$: what covariances between derivatives of a Gaussian process are.
    A coordinate with $a_j + b_j > 0$ contributes $\gamma_j \partial_x^{a_j} \partial_z^{b_j} k_j$.
    For shift-invariant kernels that is $(-1)^{\alpha + 1 + b} (2 \pi)^{2 \alpha} B_{2 \alpha - a -
    b}(\{x - z\}) / (2 \alpha - a - b)!$. Functions of words have no derivatives proper; for digital
    kernels it is what makes one of lower order of them, as for coefficients of smooth functions:
    $(-2)^{a + b} (1 + k_{\alpha - a - b})$.

    Args:
        kernel: a shift-invariant or digital kernel, or a combination of some.
        x: points (..., d), as the kernel takes them.
        z: points that broadcast with x.
        x_orders: a, one a dimension; by default none.
        z_orders: b, one a dimension; by default none.

    Returns:
        Array (...).

    Raises:
        ValueError: $a_j + b_j$ above $2 \alpha_j - 2$ for shift-invariant kernels or above
            $\alpha_j - 2$ for digital ones; orders that are not d integers; points of another
            length.
        TypeError: a kernel without derivatives, or points that it does not take.

    Cost:
        That of the kernel.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax import qmc
        >>> kernel = qmc.shift_invariant_kernel(2, orders=3, weights=0.1)
        >>> x, z = jnp.array([0.1, 0.3]), jnp.array([0.4, 0.6])
        >>> found = qmc.derivative(kernel, x, z, x_orders=(0, 1))
        >>> bool(jnp.isclose(found, jax.grad(kernel)(x, z)[1], rtol=1e-4))
        True

    See Also:
        `jax.grad`, which agrees for shift-invariant kernels of floats. QMCPy: arguments `beta0` and
        `beta1` of its kernels.

    References:
        Dick, Kuo and Sloan (2013), key `dick2013`.
    """
    d = kernel.dimensions
    first = _kernel_checks.derivative_orders("x_orders", x_orders, d)
    second = _kernel_checks.derivative_orders("z_orders", z_orders, d)
    x = _kernel_checks.kernel_points("x", x, d, digital=kernel.is_digital)
    z = _kernel_checks.kernel_points("z", z, d, digital=kernel.is_digital)
    parts = kernel.derived_parts(x, z, first, second)
    kept = jnp.asarray([a + b == 0 for a, b in zip(first, second, strict=True)], parts.dtype)
    return kernel.scale * jnp.prod(kept.reshape((1,) * (parts.ndim - 1) + (d,)) + parts, axis=-1)


def _total(parts: Any) -> Array:
    """The sum of arrays."""
    return functools.reduce(jnp.add, parts)
