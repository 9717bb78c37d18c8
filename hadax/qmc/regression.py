"""Gaussian process regression on lattices and nets, where every step is a fast transform."""

import dataclasses
from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

import jax
import jax.numpy as jnp
from jax.scipy.stats import norm

from hadax import _checks
from hadax._typing import Array, ArrayLike, DTypeLike
from hadax.qmc import _qmc_checks, _words
from hadax.qmc.gram import Gram, Points, gram
from hadax.qmc.kernels import ProductKernel

Loss: TypeAlias = Literal["likelihood", "gcv", "cv"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class Posterior:
    r"""A Gaussian process given its values at the first n points: what `condition` makes.

    A pytree. `coefficients` (n,) holds $c = (K + \sigma^2)^{-1} (y - \mu)$ and `prior_mean` () the
    $\mu$.
    """

    kernel: ProductKernel
    points: Points
    matrix: Gram
    coefficients: Array
    prior_mean: Array
    noise: Array

    def mean(self, x: Array) -> Array:
        """The posterior mean at points x (q, d) in [0, 1): array (q,)."""
        row = self._row(x.dtype)
        return self.prior_mean + jax.lax.map(lambda one: row(one) @ self.coefficients, x)

    def variance(self, x: Array) -> Array:
        """The posterior variance at points x (q, d), of the function without noise: array (q,)."""
        row, matrix = self._row(x.dtype), self.matrix
        word = self.points.words(1)[0]
        prior = self.kernel(word, word)
        return jax.lax.map(lambda one: jnp.maximum(prior - matrix.quadratic(row(one)), 0), x)

    def interval(self, x: Array, *, confidence: float = 0.99) -> tuple[Array, Array]:
        """Where the function lies at points x (q, d), each with this probability: low and high."""
        _qmc_checks.between_zero_and_one("confidence", confidence)
        reach = norm.ppf((1 + confidence) / 2) * jnp.sqrt(self.variance(x))
        mean = self.mean(x)
        return mean - reach, mean + reach

    def integral(self) -> tuple[Array, Array]:
        """The posterior mean and variance of the integral over the unit cube."""
        n, scale = self.matrix.n, self.kernel.scale
        # The first eigenvalue without its mean part, n S, which would swallow it.
        rest = self._first() + self.noise
        mean = self.prior_mean + scale * jnp.sum(self.coefficients)
        return mean, scale * rest / (rest + n * scale)

    def _first(self) -> Array:
        """The first eigenvalue of K - S."""
        words = self.points.words(self.matrix.n)
        return self.kernel.scale * jnp.sum(self.kernel.minus_one(words, words[:1]))

    def _row(self, dtype: DTypeLike) -> Callable[[Array], Array]:
        """A function from a point (d,) to K(x, x_i), (n,). Of a lattice it has derivatives."""
        if self.matrix.is_lattice:
            known = self.points(self.matrix.n, dtype=dtype)
            return lambda one: self.kernel(one[None], known)
        words = self.points.words(self.matrix.n)
        return lambda one: self.kernel(_words.of_fractions(one)[None], words)


def condition(
    kernel: ProductKernel,
    points: Points,
    y: ArrayLike,
    *,
    noise: ArrayLike = 0.0,
    prior_mean: ArrayLike | None = None,
) -> Posterior:
    r"""The Gaussian process that takes known values at the first points of a lattice or a net.

    Args:
        kernel: of `shift_invariant_kernel` for a lattice, of `digital_kernel` for a net.
        points: the lattice or net, as `gram` takes it.
        y: array (n,), real: values at the first n points in natural order, n a power of two.
        noise: variance of what is added to the values, $\sigma^2$.
        prior_mean: $\mu$; None takes the mean of y, the likeliest one.

    Returns:
        A `Posterior`: means, variances and intervals at any points, and the integral.

    Raises:
        TypeError: y is not real floating point, or a kernel of the other kind of points.
        ValueError: n no power of two, or points without structure.

    Cost:
        O(n (d + log n)). A mean at another point takes O(n d), a variance one transform more.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax import qmc
        >>> points = qmc.random_shift(jax.random.key(0), qmc.lattice(qmc.cbc(2, 64)))
        >>> y = jnp.cos(2 * jnp.pi * points(64)).sum(axis=1)
        >>> found = qmc.condition(qmc.shift_invariant_kernel(2), points, y, noise=1e-5)
        >>> bool(jnp.abs(found.mean(jnp.array([[0.25, 0.5]])) + 1).max() < 0.02)
        True
        >>> mean, variance = found.integral()
        >>> bool(abs(mean) < 1e-3), bool(variance < 1e-3)
        (True, True)

    See Also:
        `regression_loss`, to choose the kernel by. FastGPs: `FastGPLattice`.

    References:
        Rasmussen and Williams (2006), key `rasmussen2006`; Jagadeeswaran and Hickernell (2019), key
        `jagadeeswaran2019`.
    """
    values = _values(y)
    variance = jnp.asarray(noise, values.dtype)
    matrix = gram(kernel, points, len(values), noise=variance)
    mean = jnp.mean(values) if prior_mean is None else jnp.asarray(prior_mean, values.dtype)
    return Posterior(kernel, points, matrix, matrix.solve(values - mean), mean, variance)


def regression_loss(
    kernel: ProductKernel,
    points: Points,
    y: ArrayLike,
    *,
    noise: ArrayLike = 0.0,
    loss: Loss = "likelihood",
) -> Array:
    r"""How badly a kernel explains values: small for a good one, and differentiable in its leaves.

    With $c = (K + \sigma^2)^{-1} (y - \bar y)$: "likelihood" is the negative logarithm of the
    density, $\frac12 (c^\top (y - \bar y) + \log \det + n \log 2 \pi)$; "gcv" is
    $\|c\|^2 / (\operatorname{tr} (K + \sigma^2)^{-1} / n)^2$; "cv" is the sum of squared errors of
    each value predicted from all others, which on these points is the same.

    Args:
        kernel: as `condition` takes it.
        points: the lattice or net.
        y: array (n,), real.
        noise: variance of what is added to the values, $\sigma^2$.
        loss: which.

    Returns:
        A number, in the dtype of y.

    Raises:
        TypeError: as `condition`.
        ValueError: as `condition`, or an unknown loss.

    Cost:
        O(n (d + log n)); about three times that with its gradient.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax import qmc
        >>> points = qmc.lattice(qmc.cbc(1, 64))
        >>> y = jnp.cos(2 * jnp.pi * points(64)[:, 0])
        >>> def loss(log_weight):
        ...     kernel = qmc.shift_invariant_kernel(1, weights=jnp.exp(log_weight))
        ...     return qmc.regression_loss(kernel, points, y, noise=1e-4)
        >>> bool(jax.grad(loss)(-6.0) < 0)  # larger weights explain more
        True

    See Also:
        `condition`.

    References:
        Rasmussen and Williams (2006), key `rasmussen2006`; Golub, Heath and Wahba (1979), key
        `golub1979`.
    """
    _checks.choice("loss", loss, get_args(Loss))
    values = _values(y)
    n = len(values)
    matrix = gram(kernel, points, n, noise=jnp.asarray(noise, values.dtype))
    gaps = values - jnp.mean(values)
    if loss == "likelihood":
        return (matrix.quadratic(gaps) + matrix.logdet() + n * jnp.log(2 * jnp.pi)) / 2
    # All entries of the inverse's diagonal are equal, so that errors are c over the mean of it.
    errors = matrix.solve(gaps) * n / matrix.inverse_trace()
    return jnp.sum(jnp.square(errors))


def _values(y: ArrayLike) -> Array:
    """Values as a vector of as many as there are points."""
    values = _checks.real_float("y", _checks.shaped("y", y, ndim=1))
    _qmc_checks.power_of_two("len(y)", len(values))
    return values
