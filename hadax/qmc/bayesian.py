"""Integrals to a tolerance, from a Gaussian process that a fast transform fits."""

import dataclasses
import functools
from collections.abc import Callable
from statistics import NormalDist
from typing import Literal, NamedTuple, TypeAlias, get_args

import jax
import jax.numpy as jnp
import numpy as np

from hadax import _checks, _dtypes
from hadax._typing import Array, ArrayLike
from hadax.qmc import (
    _cubature_checks,
    _kernel_checks,
    _kernel_values,
    _qmc_checks,
    _sampling,
    _spectra,
)
from hadax.qmc._assembly import Points
from hadax.qmc._refinement import Cubature, Meaning, Quantity, refine
from hadax.qmc.kernels import ProductKernel, digital_kernel, shift_invariant_kernel
from hadax.qmc.lattices import Lattice
from hadax.qmc.periodization import Periodization

Bound: TypeAlias = Literal["likelihood", "gcv", "full"]


class _Fit(NamedTuple):
    """A kernel's weight that explains values best, and what it says of the integral.

    The misfit is the worst ratio of the coefficients nearby to what is expected of them.
    """

    loss: Array
    deviation: Array
    log_weight: Array
    misfit: Array


# Golden sections of the logarithm of the kernel's weights: 5 * 0.618^16 is 2e-3.
_SECTIONS = 16
# The part of the range, four times what is left after them, within which it counts as its end.
_RESOLUTION = 2e-3
# Doublings that are looked back on for what the process misjudges.
_LOOK_BACK = 6


def bayesian_cubature(
    f: Callable[[Array], Array],
    points: Points,
    *,
    abs_tol: float = 1e-2,
    rel_tol: float = 0.0,
    meaning: Meaning = "either",
    n_min: int = 2**8,
    n_max: int = 2**20,
    kernel: ProductKernel | tuple[ProductKernel, ...] | None = None,
    log_range: tuple[float, float] = (-5.0, 0.0),
    bound: Bound = "likelihood",
    confidence: float = 0.99,
    widen: bool | None = None,
    periodization: Periodization | None = "c1 sine",
    quantity: Quantity | None = None,
) -> Cubature:
    r"""The integral of a function over the unit cube, that of a Gaussian process fitted to it.

    f is taken for a draw of a Gaussian process of unknown mean and scale, with a kernel
    $K_\theta$ whose weights are $\theta$ times those given. After n points its integral is
    Gaussian: its mean is the mean of the values, its standard deviation
    $s \sqrt{1 - n / \lambda_0}$ with the first eigenvalue $\lambda_0$ of $K_\theta$; $\theta$ and s
    are those that explain the values best. Points are doubled until the interval of the given
    probability meets the tolerance.

    No f is a draw of a process. The n / 64 first points put 63 of the n coefficients onto their
    estimate of the integral, as n points do with those that they cannot see; on lattices the
    interval is widened by the worst ratio of any of these to what the process expects of it.
    Without this, which is ours, it holds too seldom for functions with kinks.

    Args:
        f: function from points (n, d) to values (n,), or (n, ...) for several integrals at once,
            real and traceable. Define it once: it is compiled for each number of points, and kept.
        points: a lattice, as of `random_shift(key, lattice(cbc(d, n_max, n_min=n_min)))`, or a net
            that is not scrambled point by point. Make the vector for all n_max points: with more
            points than it was made for, frequencies that these take for the constant stay low, and
            bounds are too small without a sign of it. This is not checked.
        abs_tol: absolute tolerance.
        rel_tol: relative tolerance, below 1.
        meaning: whether "either" of the tolerances or "both" have to be met.
        n_min: points to begin with, a power of two, at least 2^5.
        n_max: most points, a power of two.
        kernel: one of lattices, as of `shift_invariant_kernel`, or of nets, as of `digital_kernel`,
            whose scale does not matter; or a tuple of several, of which the one that explains the
            values best is taken. By default those of orders 2 and 1 on lattices, the one of order 1
            on nets. A kernel that is too smooth for f makes bounds that are too small.
        log_range: where the logarithm of $\theta$ is looked for. A result says when it is found at
            an end: a wider range may explain f better.
        bound: "likelihood" chooses $\theta$ and s by likelihood, "gcv" by generalised cross
            validation; "full" chooses $\theta$ by likelihood and takes mean and scale for unknown
            with their usual priors, which makes Student's distribution of the Gaussian.
        confidence: probability with which each integral is to lie within its bound, after each
            number of points that is tried.
        widen: whether bounds are widened by the worst misfit, as above; false leaves the interval
            of the process itself. By default on lattices: that of the default kernel of nets, which
            is rougher, was seen to hold without, and takes two to four times the points with it.
        periodization: what makes f periodic on a lattice, see `periodize`; not used on nets.
        quantity: what is wanted of the integrals, if not these: a function from bounds below and
            above them, arrays of shape s, to bounds of what is wanted.

    Returns:
        A `Cubature`. If n_max was not enough, `converged` is false in it.

    Raises:
        ValueError: tolerances that nothing meets, n_min or n_max no powers of two, an f of another
            shape, an unknown bound, or points scrambled one by one.
        TypeError: f does not return real floating point, a kernel of the other kind of points, or a
            call under jit, vmap or grad: take the mean of a fixed number of points there.

    Cost:
        About 20 transforms and O(n d) for each output beside n values of f. In float32 eigenvalues
        below 1e-7 of the largest one count as that, which makes bounds larger for very smooth
        functions: `jax.enable_x64` for tolerances below about 1e-4 of the largest value.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax import qmc
        >>> def f(x):
        ...     return jnp.exp(-jnp.sum(x**2, axis=-1))
        >>> points = qmc.lattice(qmc.cbc(3, 2**20, n_min=2**8))
        >>> points = qmc.random_shift(jax.random.key(0), points)
        >>> found = qmc.bayesian_cubature(f, points, abs_tol=1e-3)
        >>> bool(found.converged), bool(abs(found.integral - 0.746824**3) < 1e-3)
        (True, True)

    See Also:
        `adaptive_cubature`; `fit` and `condition`, for weights a dimension and the whole posterior.
        QMCPy: `CubQMCBayesLatticeG`, `CubQMCBayesNetG`, which (2.4) evaluate their kernel at the
        points and not at their differences, and return the integral without its sign.

    References:
        Jagadeeswaran and Hickernell (2019), key `jagadeeswaran2019`; Jagadeeswaran and Hickernell
        (2022), key `jagadeeswaran2022`.
    """
    _cubature_checks.concrete(points, abs_tol, rel_tol, kernel, log_range, confidence)
    target = _cubature_checks.tolerance(abs_tol, rel_tol, meaning)
    sizes = _cubature_checks.sizes(points, n_min, n_max, least=2**5)
    _cubature_checks.periodization(periodization)
    _checks.choice("bound", bound, get_args(Bound))
    _qmc_checks.between_zero_and_one("confidence", confidence)
    widens = isinstance(points, Lattice) if widen is None else widen
    _checks.flag("widen", widens)
    bounds = _cubature_checks.interval("log_range", log_range)
    shape = _cubature_checks.output_shape("f", f, points, sizes[0])
    kernels = _candidates(kernel, points)
    spectra: Array | None = None
    fits: list[_Fit] = []

    def step(n: int) -> tuple[Array, Array, None]:
        nonlocal spectra
        spectra, means, fit = _posterior(
            points, spectra, kernels, bounds, f=f, n=n, bound=bound, periodization=periodization
        )
        _cubature_checks.concrete(means)
        fits.append(fit)
        reach = fit.deviation * _quantile(confidence, n - 1 if bound == "full" else None)
        return means, reach * jnp.maximum(fit.misfit, 1) if widens else reach, None

    found = refine(step, shape, sizes, target, quantity)
    log_weight, misfit = (
        np.asarray(part).reshape(shape) for part in (fits[-1].log_weight, fits[-1].misfit)
    )
    margin = _RESOLUTION * (bounds[1] - bounds[0])
    at_end = (log_weight < bounds[0] + margin) | (log_weight > bounds[1] - margin)
    return dataclasses.replace(
        found, log_weight=log_weight, at_end=np.asarray(at_end), misfit=misfit
    )


def _candidates(
    kernel: ProductKernel | tuple[ProductKernel, ...] | None, points: Points
) -> tuple[ProductKernel, ...]:
    """The kernels to choose from for these points."""
    d, is_lattice = points.dimensions, isinstance(points, Lattice)
    if kernel is None and is_lattice:
        smooth = shift_invariant_kernel(d, orders=2, weights=24 / (2 * np.pi) ** 4)
        return smooth, shift_invariant_kernel(d, orders=1, weights=2 / (2 * np.pi) ** 2)
    if kernel is None:
        return (digital_kernel(d, orders=1, weights=0.1),)
    found = kernel if isinstance(kernel, tuple) else (kernel,)
    for one in found:
        _kernel_checks.fits(one, points)
    return _cubature_checks.some("kernel", found)


@functools.partial(jax.jit, static_argnames=("bounds", "f", "n", "bound", "periodization"))
def _posterior(
    points: Points,
    before: Array | None,
    kernels: tuple[ProductKernel, ...],
    bounds: tuple[float, float],
    *,
    f: Callable[[Array], Array],
    n: int,
    bound: Bound,
    periodization: Periodization | None,
) -> tuple[Array, Array, _Fit]:
    """Transforms (q, n) of n values; means, and the best fits, all (q,)."""
    start = 0 if before is None else n // 2
    samples = _sampling.values(f, points, n - start, start, periodization)
    is_lattice = isinstance(points, Lattice)
    spectra = _spectra.transformed(samples, is_lattice=is_lattice)
    if before is not None:
        spectra = _spectra.doubled(before, spectra, is_lattice=is_lattice)
    words = points.words(n)
    # Those of coefficients whose first one is the mean.
    sizes = jnp.abs(spectra).at[:, 0].set(0)
    units = _dtypes.unit(jnp.max(sizes, axis=1))
    powers = jnp.square(sizes / units[:, None]) / n
    means = spectra[:, 0].real * n**-0.5
    of_kernels = [kernel.parts(kernel.factors(words, words[:1])) for kernel in kernels]

    def best(power: Array) -> _Fit:
        found = [
            _fitted(parts, power, bounds, bound, is_lattice=is_lattice) for parts in of_kernels
        ]
        least = jnp.argmin(jnp.stack([fit.loss for fit in found]))
        return jax.tree.map(lambda *parts: jnp.stack(parts)[least], *found)

    fits = jax.lax.map(best, powers)
    return spectra, means, fits._replace(deviation=fits.deviation * units)


def _fitted(
    parts: Array, power: Array, bounds: tuple[float, float], bound: Bound, *, is_lattice: bool
) -> _Fit:
    """The best fit of a kernel whose parts (n, d) are given."""
    n = len(power)

    def eigenvalues(log_weight: Array) -> tuple[Array, Array, Array]:
        """Those of the kernel's matrix, which are above round-off, and the first one without its
        mean part n."""
        column = _kernel_values.product_minus_one(parts * jnp.exp(log_weight).astype(parts.dtype))
        column = column.astype(power.dtype)
        found = _spectra.transformed(column, is_lattice=is_lattice).real * n**0.5
        # Round-off of a transform: what is below it is not known, and counts as this large.
        noise = _dtypes.tolerance(n, column.dtype) * jnp.linalg.norm(column)
        safe = jnp.maximum(found, noise)
        return safe.at[0].add(n), found > noise, safe[0]

    def loss(log_weight: Array) -> Array:
        safe, *_ = eigenvalues(log_weight)
        if bound == "gcv":
            return jnp.log(jnp.sum(power / safe**2)) - 2 * jnp.log(jnp.sum(1 / safe))
        return jnp.sum(jnp.log(safe)) / n + jnp.log(jnp.sum(power / safe))

    best = _least(loss, *(jnp.asarray(end, power.dtype) for end in bounds))
    safe, known, rest = eigenvalues(best)
    # The square of the process's scale, and the part of it that is left of the integral's variance.
    if bound == "gcv":
        scale, left = jnp.sum(power / safe**2) / jnp.sum(1 / safe), rest / (rest + n)
    elif bound == "full":
        scale, left = jnp.sum(power / safe) / (n - 1), rest / n
    else:
        scale, left = jnp.sum(power / safe) / n, rest / (rest + n)
    return _Fit(loss(best), jnp.sqrt(n * scale * left), best, _misfit(power / safe, known))


def _misfit(ratios: Array, known: Array) -> Array:
    """How far off the worst coefficient is of those that fewer points put onto the integral.

    Beside all that are known, but for round-off.
    """
    n = len(ratios)
    ratios = jnp.where(known, ratios, jnp.zeros_like(ratios))
    count = jnp.sum(known[1:], dtype=jnp.int32).astype(ratios.dtype)
    usual = jnp.sum(ratios) / jnp.maximum(count, 1)
    stride = n >> min(_LOOK_BACK, n.bit_length() - 3)  # the three doublings of 32 points
    worst = jnp.max(ratios[stride::stride])
    return jnp.sqrt(jnp.where(usual > 0, worst / usual, 0))


def _least(loss: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """Where a function of one number with one valley is least: by golden sections."""
    ratio = (5**0.5 - 1) / 2

    def section(_: ArrayLike, state: tuple[Array, ...]) -> tuple[Array, ...]:
        low, high, left, right, at_left, at_right = state
        goes_left = at_left < at_right
        low, high = jnp.where(goes_left, low, left), jnp.where(goes_left, right, high)
        fresh = jnp.where(goes_left, high - ratio * (high - low), low + ratio * (high - low))
        value = loss(fresh)
        return (
            low,
            high,
            jnp.where(goes_left, fresh, right),
            jnp.where(goes_left, left, fresh),
            jnp.where(goes_left, value, at_right),
            jnp.where(goes_left, at_left, value),
        )

    left, right = high - ratio * (high - low), low + ratio * (high - low)
    state = (low, high, left, right, loss(left), loss(right))
    low, high, *_ = jax.lax.fori_loop(0, _SECTIONS, section, state)
    return (low + high) / 2


def _quantile(confidence: float, freedom: int | None) -> float:
    """How many deviations to either side hold this probability, of a Gaussian or of Student's."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    if freedom is None:
        return z
    # The expansion in 1 / freedom: of 99 %, off by 1e-5 at 31 degrees of freedom, by 3e-9 at 255.
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
