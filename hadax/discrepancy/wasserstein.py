r"""Wasserstein distance between the two-block rotation of x and the uniform law on the sphere.

Closed forms and bounds of $W_2$, the root of the least mean squared distance of a coupling, for
y = H D_2 H D_1 x with |x|_2 = 1 and u uniform on the unit sphere of dimension d. It does not vanish
as d grows: in the limit two blocks come closer than 0.252 for no x. All in float64. Proofs:
docs/theory/rotations.md, W1 to W4.

Nothing here matches finite samples: in more than a few dimensions that measures how far samples are
from their own law (experiment `empirical_transport`), uniform ones from uniform ones as far.
"""

import math
from typing import NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import integrate, optimize, special

from hadax import _checks, _lloyd_max
from hadax._typing import Array, KeyArray
from hadax.discrepancy import _discrepancy_checks
from hadax.discrepancy._rademacher import mean_abs_sum
from hadax.discrepancy._simulation import simulate, unit_vector
from hadax.operators.hadamard_rotation import Permute, randomized_hadamard


class Estimate(NamedTuple):
    """A Monte Carlo mean and its standard error."""

    value: float
    standard_error: float


def w2_one_sparse(d: int) -> float:
    r"""W2 between the two-block law and the uniform law for x = e_1, exactly.

    $\sqrt{2 - 2 c_d}$ with $c_d = \sqrt d\, E|u_1|$: H y has independent fair signs over sqrt(d),
    and so has the vertex of the cube nearest to H u, hence going to the nearest vertex is optimal.

    Args:
        d: dimension, at least 2.

    Returns:
        The distance; 0.635792 in the limit.

    Raises:
        ValueError: `d` is less than 2.

    Cost:
        None to speak of.

    Example:
        >>> from hadax.discrepancy import w2_one_sparse
        >>> round(w2_one_sparse(1024), 6)
        0.635485

    See Also:
        `w2_two_sparse`, the input that is worst.

    References:
        Zilca & Mendelson (2026), key `zilca2026`, for the rotation; the formula is ours (W1 of
        docs/theory/rotations.md).
    """
    return math.sqrt(2 - 2 * _mean_abs_coordinate(d))


def w2_two_sparse(key: KeyArray, d: int, *, samples: int = 10_000) -> Estimate:
    r"""W2 between the two-block law and the uniform law for x = (e_1 + e_2) / sqrt(2).

    $W_2^2 = 2 - \sqrt2\, c_d - \sqrt{2/d}\; E\bigl||u_{S_+}|_1 - |u_{S_-}|_1\bigr|$ where $S_\pm$
    are the halves where two columns of H agree or differ; the last mean is simulated (float32:
    its round-off is far below the standard error).

    Args:
        key: one new-style key.
        d: dimension, an even number.
        samples: how many uniform vectors are drawn, at least 2.

    Returns:
        An `Estimate`: the distance, with its standard error; 0.933606 in the limit.

    Raises:
        ValueError: `d` is odd or less than 2, or fewer than 2 samples.
        TypeError: `key` is no key.

    Cost:
        `samples` times d normal variates.

    Example:
        >>> import jax
        >>> from hadax.discrepancy import w2_two_sparse
        >>> distance = w2_two_sparse(jax.random.key(0), 16, samples=20_000)
        >>> abs(distance.value - 0.82548) < 4 * distance.standard_error
        True

    See Also:
        `w2_upper`, which it attains in the limit.

    References:
        Szarek (1976), key `szarek1976`.
    """
    _checks.key(key)
    _discrepancy_checks.even("d", d)
    _checks.integer("samples", samples, minimum=2)

    draws = simulate(_halves_apart, key, samples, jnp.zeros(d, "float32"))
    gains = math.sqrt(2 / d) * np.asarray(draws, np.float64)
    return _root_of_mean(2 - math.sqrt(2) * _mean_abs_coordinate(d) - gains)


def w2_upper(x: ArrayLike) -> float:
    r"""Upper bound of W2 between the two-block law of x and the uniform law.

    $\sqrt{2 - 2 c_d\, E|\langle\sigma, x\rangle|}$ with $|x|_2 = 1$: giving H y the signs of H u
    costs the square of that in the mean.

    Args:
        x: array (d,), real, finite, not all zero, d at least 2. Its length does not matter:
            integers stand for their direction.

    Returns:
        The bound. Exact to round-off for integers and for at most 20 nonzeros; else it is up to
        1e-4 above the formula, never below it.

    Raises:
        ValueError: x is no vector, is zero, or has an entry that is not finite.
        TypeError: x is not real.

    Cost:
        Integers: one `rademacher_lattice_pmf`. Else 2**19 sums, or 16,000 cosines an entry.

    Example:
        >>> from hadax.discrepancy import w2_upper
        >>> round(w2_upper([1] * 4 + [0] * 252), 6)
        0.895547

    See Also:
        `w2_upper_any`, the bound for every x; `w2_sorted`, for rotations that permute.
    """
    weights = _discrepancy_checks.direction("x", x)
    if not np.issubdtype(weights.dtype, np.integer):
        weights = weights / np.max(np.abs(weights))  # no square of it overflows
    mean = mean_abs_sum(weights) / math.sqrt(float(weights @ weights))
    return math.sqrt(2 - 2 * _mean_abs_coordinate(weights.size) * mean)


def w2_upper_any(d: int) -> float:
    r"""Upper bound of W2 between the two-block law and the uniform law, for every x.

    $\sqrt{2 - \sqrt2\, c_d}$: `w2_upper` with Szarek's inequality
    $E|\langle\sigma, x\rangle| \ge 1/\sqrt2$.

    Args:
        d: dimension, at least 2.

    Returns:
        The bound; 0.933606 in the limit.

    Raises:
        ValueError: `d` is less than 2.

    Cost:
        None to speak of.

    Example:
        >>> from hadax.discrepancy import w2_upper_any
        >>> round(w2_upper_any(1024), 6)
        0.933459

    See Also:
        `w2_two_sparse`, the input that attains it in the limit; `w2_lower`.

    References:
        Szarek (1976), key `szarek1976`.
    """
    return math.sqrt(2 - math.sqrt(2) * _mean_abs_coordinate(d))


def w2_sorted(
    key: KeyArray,
    x: ArrayLike,
    *,
    blocks: int = 3,
    permute: Permute = "none",
    samples: int = 1000,
) -> Estimate:
    r"""Upper bound of W2 for the k-block rotation that permutes before its last signs.

    $W_2^2 \le E \sum_i (|u|_{(i)} - |w|_{(i)})^2$ with $w = H D_{k-1} \cdots H D_1 x$, u uniform on
    the sphere and both sorted by size: a uniform permutation and the signs of u may be chosen to
    pair the two off. It is an equality if the sorted $|w|$ is not random (x = e_1, k = 2), and from
    three blocks on it tends to 0 for every x (docs/theory/whole_vectors.md, W5 and W6). Simulated
    in float32.

    Args:
        key: one new-style key.
        x: array (d,), real, finite, not all zero; d a power of two. Its length does not
            matter.
        blocks: the number k of blocks, at least 1.
        permute: what else permutes in w, before the signs of its own last block D_{k-1}; a word of
            `hadax.randomized_hadamard`.
        samples: how many pairs (u, w) are drawn, at least 2.

    Returns:
        An `Estimate` of the bound, with its standard error. Even for uniform w it is not 0, as two
        sorted samples differ: 1.02, 1.22, 1.35 times d**-0.5 at d = 64, 1024, 16384.

    Raises:
        ValueError: x is no vector, d no power of two, x zero or not finite, `blocks` less than 1,
            `permute` none of its words, or fewer than 2 samples.
        TypeError: `key` is no key, or x is not real.

    Cost:
        `samples` times (k - 1) transforms and two sorts of d numbers.

    Example:
        >>> import jax, numpy as np
        >>> from hadax.discrepancy import w2_sorted
        >>> bound = w2_sorted(jax.random.key(0), np.eye(256)[0], blocks=2)
        >>> abs(bound.value - 0.6346) < 4 * bound.standard_error  # that of `w2_one_sparse`
        True

    See Also:
        `w2_upper`, without the permutation; `hadax.randomized_hadamard`, with permute="fresh".
    """
    _checks.key(key)
    unit = unit_vector(x)
    blocks = _checks.integer("blocks", blocks, minimum=1)
    _checks.choice("permute", permute, get_args(Permute))
    _checks.integer("samples", samples, minimum=2)
    costs = simulate(_sorted_cost, key, samples, unit, blocks, permute)
    return _root_of_mean(np.asarray(costs, np.float64))


def w2_lower(d: int, blocks: int = 2) -> float:
    r"""Lower bound of W2 between the k-block law and the uniform law, for every x.

    The k-block law has at most $N = 2^{kd - k + 1}$ atoms, each of which is near to only a small
    part of the sphere: $W_2^2 \ge \int_0^2 \max(0, 1 - N P(|u - y|^2 \le r))\,dr$ for any unit y.

    Args:
        d: dimension, at least 3.
        blocks: the number k of blocks, at least 1.

    Returns:
        The bound; sqrt(2 - 2 sqrt(1 - 4**-k)) in the limit: 0.5176, 0.2520, 0.1252 for k = 1, 2, 3.

    Raises:
        ValueError: `d` is less than 3 or `blocks` less than 1.

    Cost:
        One root and one integral in one variable.

    Example:
        >>> from hadax.discrepancy import w2_lower
        >>> round(w2_lower(1024), 4)
        0.2527

    See Also:
        `w2_upper`; `w2_one_sparse`, an input whose distance is known exactly.
    """
    d = _checks.integer("d", d, minimum=3)
    k = _checks.integer("blocks", blocks, minimum=1)
    log_atoms = (k * d - k + 1) * math.log(2)

    # The integrand is zero from the r on at which N caps would cover the sphere: about 4**-k, so
    # its logarithm is sought. Caps have at most the mass r**((d - 1) / 2) / 2.
    def log_covered(log_r: float) -> float:
        return log_atoms + _log_cap(log_r, d)

    edge = optimize.root_scalar(log_covered, bracket=(-2 * log_atoms / (d - 1), 0.0)).root
    covered, _ = integrate.quad(
        lambda part: math.exp(log_covered(edge + math.log(part))), 0, 1, epsabs=1e-12, limit=200
    )
    return math.exp(edge / 2) * math.sqrt(1 - covered)


def _halves_apart(key: KeyArray, like: Array) -> Array:
    """How much larger |u|_1 is on one half than on the other, u uniform of the size of `like`."""
    halves = jnp.abs(jax.random.normal(key, (2, like.size // 2), like.dtype))
    norms = jnp.sum(halves, axis=-1)
    return jnp.abs(norms[0] - norms[1]) / jnp.sqrt(jnp.sum(jnp.square(halves)))


def _sorted_cost(key: KeyArray, unit: Array, blocks: int, permute: Permute) -> Array:
    """Squared distance of sorted |u| and |w| for a uniform u and a rotation w by one block less."""
    key_blocks, key_uniform = jax.random.split(key)
    w = unit
    if blocks > 1:
        w = randomized_hadamard(key_blocks, unit.size, blocks - 1, permute=permute)(unit)
    u = jax.random.normal(key_uniform, unit.shape, unit.dtype)
    matched = jnp.sort(jnp.abs(u)) / jnp.linalg.norm(u) - jnp.sort(jnp.abs(w))
    return jnp.sum(jnp.square(matched))


def _root_of_mean(draws: NDArray[np.float64]) -> Estimate:
    """The root of the mean of draws, with its standard error."""
    value = math.sqrt(draws.mean())
    return Estimate(value, float(draws.std(ddof=1)) / math.sqrt(draws.size) / (2 * value))


def _mean_abs_coordinate(d: int) -> float:
    """c_d = sqrt(d) E|u_1| for u uniform on the unit sphere."""
    return _lloyd_max.mean_magnitude(_checks.integer("d", d, minimum=2))


def _log_cap(log_r: float, d: int) -> float:
    """Logarithm of P(|u - y|^2 <= r) for a fixed unit vector y and r <= 1, from that of r.

    The incomplete beta function I_s(a, 1/2) at s = 1 - (1 - r/2)^2 underflows for large d; its
    hypergeometric series does not.
    """
    r = math.exp(log_r)
    s = r - r * r / 4
    log_s = log_r + math.log1p(-r / 4)
    a = (d - 1) / 2
    series = float(special.hyp2f1(a + 0.5, 1, a + 1, s))
    scale = a * log_s + 0.5 * math.log1p(-s) - math.log(a) - special.betaln(a, 0.5)
    return math.log(0.5) + scale + math.log(series)
