"""Gaussian process regression; on lattices and nets every step is a fast transform."""

import dataclasses
import functools
from collections.abc import Callable
from typing import get_args

import jax
import jax.numpy as jnp

from hadax import _checks
from hadax._typing import Array, ArrayLike
from hadax.qmc import _assembly, _kernel_checks, _losses, _process_checks, _words
from hadax.qmc._assembly import Points
from hadax.qmc._losses import Loss
from hadax.qmc.dense_gram import DenseGram
from hadax.qmc.gram import gram
from hadax.qmc.kernels import ProductKernel
from hadax.qmc.lattices import Lattice
from hadax.qmc.structured_gram import Gram

_dot = functools.partial(jnp.dot, precision="highest")


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class Posterior:
    r"""A Gaussian process given its values at the first n points: what `condition` makes.

    A pytree. `coefficients` (n,) holds $c = (K + \sigma^2)^{-1} (y - \mu)$, `prior_mean` () the
    $\mu$, and `spectrum` (n,) the transform of $y - \mu$, None for an array of points. Variances do
    not depend on the values: with `n=` they are those that the process will have after the first n
    points, which helps to choose n before there are values.
    """

    kernel: ProductKernel
    points: Points | Array
    matrix: Gram | DenseGram
    coefficients: Array
    prior_mean: Array
    noise: Array
    spectrum: Array | None = None

    def extend(self, y: ArrayLike, *, prior_mean: ArrayLike | None = None) -> "Posterior":
        """The process given n values more, at the next n points; their transforms are joined.

        It is what `condition` makes of all 2n values, up to round-off. As there, None for
        `prior_mean` takes the mean of all.
        """
        points, old, known = self.points, self.matrix, self.spectrum
        if isinstance(points, jax.Array) or isinstance(old, DenseGram) or known is None:
            _kernel_checks.not_extensible()
        values = _losses.values(y, points).astype(self.prior_mean.dtype)
        _kernel_checks.as_many_more(len(values), old.n)
        both = old.doubled(known, old.transformed(values - self.prior_mean))
        # A constant c has its transform in the first entry, sqrt(2n) c.
        root = jnp.sqrt(jnp.asarray(2 * old.n, values.dtype))
        if prior_mean is None:
            change = both[0].real / root
        else:
            change = _process_checks.one_mean(prior_mean, values.dtype) - self.prior_mean
        spectrum = both.at[0].add((-root * change).astype(both.dtype))
        matrix = gram(self.kernel, points, 2 * old.n, noise=self.noise)
        solved = matrix.solve_transformed(spectrum)
        mean = self.prior_mean + change
        return Posterior(self.kernel, points, matrix, solved, mean, self.noise, spectrum)

    def mean(self, x: ArrayLike) -> Array:
        """The posterior mean at points x (q, d) in [0, 1): array (q,)."""
        return self._mean(self._places("x", x))

    # What maps a closure is compiled as a whole: by itself each call would be, again and again.
    @jax.jit
    def _mean(self, at: Array) -> Array:
        row = self._row(self.matrix.n)
        dots = _assembly.each(lambda one: _dot(row(one), self.coefficients), at, self.matrix.n)
        return self.prior_mean + dots

    def variance(self, x: ArrayLike, *, n: int | None = None) -> Array:
        """The posterior variance at points x (q, d), of the function without noise: array (q,).

        It is what is left of the prior variance: in float32 less than about 1e-6 of that is
        round-off, and what would be negative is 0, as `interval` then has no width.
        """
        return self._variance(self._places("x", x), n)

    @functools.partial(jax.jit, static_argnames="n")
    def _variance(self, at: Array, n: int | None) -> Array:
        matrix = self._after(n)
        row = self._row(matrix.n)
        prior = self._prior()

        def left(one: Array) -> Array:
            return jnp.maximum(prior - matrix.quadratic(row(one)), 0)

        return _assembly.each(left, at, matrix.n)

    def covariance(self, x: ArrayLike, z: ArrayLike, *, n: int | None = None) -> Array:
        """The posterior covariance of points x (q, d) and z (r, d), without noise: array (q, r)."""
        return self._covariance(self._places("x", x), self._places("z", z), n)

    @functools.partial(jax.jit, static_argnames="n")
    def _covariance(self, at: Array, other: Array, n: int | None) -> Array:
        matrix = self._after(n)
        row = self._row(matrix.n)
        rows = jax.vmap(row)(other)
        at_z = self._as_known(other)

        def between(one: Array) -> Array:
            prior = self.kernel(self._as_known(one)[None], at_z)
            return prior - _dot(rows, matrix.solve(row(one)))

        return _assembly.each(between, at, matrix.n)

    def interval(self, x: ArrayLike, *, confidence: float = 0.99) -> tuple[Array, Array]:
        """Where the function lies at points x (q, d), each with this probability: low and high."""
        reach = _process_checks.deviations(confidence) * jnp.sqrt(self.variance(x))
        mean = self.mean(x)
        return mean - reach, mean + reach

    def integral(self) -> tuple[Array, Array]:
        """The posterior mean and variance of the integral over the unit cube."""
        total = jnp.sum(self.coefficients)
        if self.spectrum is not None and isinstance(self.matrix, Gram):
            # The coefficients may be large and cancel; their sum is one entry of their transform.
            n = self.matrix.n
            total = n**0.5 * self.spectrum[0].real / self.matrix.eigenvalues[0]
        return self.prior_mean + self.kernel.scale * total, self.integral_variance()

    def integral_variance(self, *, n: int | None = None) -> Array:
        """The posterior variance of the integral over the unit cube."""
        scale, count = self.kernel.scale, self._after(n).n
        # Of K - S, whose inverse sums up to q, it is S / (1 + S q): S would swallow what is left.
        if isinstance(self.points, jax.Array):
            pairs = self.kernel.minus_one(self.points[:, None], self.points[None])
            ones = jnp.ones(count, pairs.dtype)
            rest = 1 / DenseGram.of_noisy(scale * pairs, self.noise).quadratic(ones)
        else:
            words = self.points.words(count)
            rest = scale * jnp.mean(self.kernel.minus_one(words, words[:1])) + self.noise / count
        return scale * rest / (rest + scale)

    def _after(self, n: int | None) -> Gram | DenseGram:
        """The matrix of the first n points; of those with values for None."""
        if n is None:
            return self.matrix
        _kernel_checks.has_more_points(self.points)
        return _matrix(self.kernel, self.points, n, self.noise)

    def _places(self, name: str, x: ArrayLike) -> Array:
        """Points where the process is asked for."""
        return _process_checks.places(name, x, self.kernel)

    def _prior(self) -> Array:
        """K(x, x), which is the same everywhere."""
        known = self._known(1)[0]
        return self.kernel(known, known)

    def _row(self, n: int) -> Callable[[Array], Array]:
        """A function from a point (d,) to K(x, x_i), (n,). Of a lattice it has derivatives."""
        known = self._known(n)
        return lambda one: self.kernel(self._as_known(one)[None], known)

    def _known(self, n: int) -> Array:
        """The first n points as the kernel takes them beside others."""
        dtype = self.prior_mean.dtype
        if not isinstance(self.points, jax.Array):
            if isinstance(self.points, Lattice):
                return self.points(n, dtype=dtype)
            return self.points.words(n)
        found = self.points[:n]
        if self.kernel.is_digital or not jnp.issubdtype(found.dtype, jnp.unsignedinteger):
            return found
        return _words.fractions(found, dtype)

    def _as_known(self, x: Array) -> Array:
        """Points in [0, 1) as the kernel takes them."""
        if not self.kernel.is_digital:
            return x.astype(self.prior_mean.dtype)
        known = self.points if isinstance(self.points, jax.Array) else self.points.words(1)
        return _words.of_fractions(x, known.dtype)


def condition(
    kernel: ProductKernel,
    points: Points | Array,
    y: ArrayLike,
    *,
    noise: ArrayLike = 0.0,
    prior_mean: ArrayLike | None = None,
) -> Posterior:
    r"""The Gaussian process that takes known values at the first points of a lattice or a net.

    Args:
        kernel: of a lattice or a net, as the points are.
        points: the lattice or net, or any points as an array, as `gram` takes them.
        y: array (n,), real: values at the first n points in natural order, n a power of two; or at
            all points of an array. Their dtype is that of all that follows, to which the kernel
            is cast; 16-bit values are taken as float32.
        noise: variance of what is added to the values, $\sigma^2$; with an array of points also
            one a point, (n,).
        prior_mean: $\mu$; None takes the mean of y, on a lattice or net the likeliest one.

    Returns:
        A `Posterior`: means, variances and intervals at any points, and the integral.

    Raises:
        TypeError: y is not real floating point, or a kernel of the other kind of points.
        ValueError: n no power of two, or points without structure, or not as many as values; noise
            as in `gram`.

    Cost:
        O(n (d + log n)). A mean at another point takes O(n d), a variance one transform more. With
        an array of points O(n^2 (n + d)), and O(n^2) for each variance.

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
        `regression_loss`, to choose the kernel by. FastGPs: `FastGPLattice`, `StandardGP`.

    References:
        Rasmussen and Williams (2006), key `rasmussen2006`; Jagadeeswaran and Hickernell (2019), key
        `jagadeeswaran2019`.
    """
    values = _losses.values(y, points)
    kernel = _losses.kernel_in(values.dtype, kernel)
    points = _losses.points_in(values.dtype, points)
    variance = jnp.asarray(noise, values.dtype)
    matrix = _matrix(kernel, points, len(values), variance)
    if prior_mean is None:
        mean = jnp.mean(values)
    else:
        mean = _process_checks.one_mean(prior_mean, values.dtype)
    gaps = values - mean
    if isinstance(matrix, DenseGram):
        return Posterior(kernel, points, matrix, matrix.solve(gaps), mean, variance)
    spectrum = matrix.transformed(gaps)
    solved = matrix.solve_transformed(spectrum)
    return Posterior(kernel, points, matrix, solved, mean, variance, spectrum)


def regression_loss(
    kernel: ProductKernel,
    points: Points | Array,
    y: ArrayLike,
    *,
    noise: ArrayLike = 0.0,
    loss: Loss = "likelihood",
) -> Array:
    r"""How badly a kernel explains values: small for a good one, and differentiable in its leaves.

    With $c = (K + \sigma^2)^{-1} (y - \bar y)$: "likelihood" is the negative logarithm of the
    density, $\frac12 (c^\top (y - \bar y) + \log \det + n \log 2 \pi)$; "gcv" is
    $\|c\|^2 / (\operatorname{tr} (K + \sigma^2)^{-1} / n)^2$; "cv" is the sum of squared errors of
    each value predicted from all others, which on a lattice or net is the same.

    Args:
        kernel: as `condition` takes it.
        points: the lattice or net, or any points as an array.
        y: array (n,), real.
        noise: variance of what is added to the values, $\sigma^2$, as `condition` takes it.
        loss: which.

    Returns:
        A number, in the dtype of y.

    Raises:
        TypeError: as `condition`.
        ValueError: as `condition`, or an unknown loss.

    Cost:
        O(n (d + log n)); about three times that with its gradient. With an array O(n^2 (n + d)).

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
        `fit`, which minimises it; `condition`.

    References:
        Rasmussen and Williams (2006), key `rasmussen2006`; Golub, Heath and Wahba (1979), key
        `golub1979`.
    """
    _checks.choice("loss", loss, get_args(Loss))
    values = _losses.values(y, points)
    kernel = _losses.kernel_in(values.dtype, kernel)
    points = _losses.points_in(values.dtype, points)
    matrix = _matrix(kernel, points, len(values), jnp.asarray(noise, values.dtype))
    return _losses.loss_of(matrix, values - jnp.mean(values), loss)


def _matrix(
    kernel: ProductKernel, points: Points | Array, n: int, noise: Array
) -> Gram | DenseGram:
    """The matrix of as many points as there are values."""
    if isinstance(points, jax.Array):
        return gram(kernel, points, noise=noise)
    return gram(kernel, points, n, noise=noise)
