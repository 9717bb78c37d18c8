"""Kolmogorov distance of a coordinate for generic real x, by its characteristic function.

All of it in float64.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hadax import _checks
from hadax._typing import KeyArray
from hadax.discrepancy import _discrepancy_checks
from hadax.discrepancy._bootstrap import MIN_DRAWS, batch_sizes, bootstrap_radius
from hadax.discrepancy._unit import unit_float64
from hadax.discrepancy.kolmogorov import Band
from hadax.discrepancy.laws import sphere_coordinate_cf, sphere_coordinate_pdf

# Frequencies, by the midpoint rule: its error is that of a law wrapped around at 2 pi / _STEP.
_STEP = 0.1
_CUTOFF = 14.0  # up to which they are inverted
_WINDOW = 60.0  # up to which they must have decayed; what is left beyond the cutoff joins the band
_LARGEST_LEFT = 0.05  # of the mean absolute characteristic function between the two
# Beyond the window only its size matters: with this step its square is integrated exactly, as no
# sum differs from an independent copy by more than 2 pi / _FAR_STEP, up to round-off.
_FAR_STEP = 0.5
_FARTHEST = 2.0**21
_FAR_SHARE = 0.1  # of the radius of the bootstrap, that frequencies beyond the end may add to it
_FAR_CHUNK = 1 << 12  # frequencies that share their draws
_FAR_COSINES = 16  # after so many, frequencies are dropped whose product is
_FAR_NEGLIGIBLE = 1e-9
_FAR_ERRORS = 3  # standard errors of the mean over draws that are added to it
_PRAWITZ = 1.0253  # his kernel is at most so many times that of the inversion
_POINTS = np.linspace(0, 5, 501)  # where the distribution functions are compared: both are odd
_CHUNK = 1 << 20  # cosines of one step
_MOST_UNITS = 1e5  # of the largest entry of x: finer lattices matter less than the noise
_SAME = 1e-9  # the same weight up to round-off


def kolmogorov_rao_blackwell(
    key: KeyArray, x: ArrayLike, *, draws: int = 1000, confidence: float = 0.99
) -> Band:
    r"""Kolmogorov distance of a coordinate of the two-block rotation for a generic real x.

    Only D_1 is drawn: given it the characteristic function of $\sqrt d\,y_i$ is
    $\prod_j \cos(t z_j)$ with $z = H D_1 x$ (Rao and Blackwell's idea). Its mean is inverted,
    $P(\sqrt d\,y_i \le s) - F(s) = \frac1\pi \int_0^T (\varphi_y - \varphi_u)(t) \sin(ts)/t\,dt$
    with T = 14. The noise is about $0.05\, d^{-3/2}/\sqrt{\text{draws}}$: it resolves distances of
    1e-5, which no simulated coordinate does.

    The frequencies beyond T widen the band, by Prawitz's smoothing inequality:
    $\frac{1.03}\pi \int_T^{T'} E|\prod_j \cos(t z_j)|/t\,dt$ up to an end T' of at most
    2**21, and beyond it $\pi f(0)/T'$ with the density f of a uniform coordinate, whatever the law
    is. For generic x both are small. They are not for x near a vector with a common unit, such as
    a flat vector with a little noise: the band then is wide, with 0 in it, but true. The
    mean is over 40 draws at low and 1 at high frequencies; three standard errors are added.

    The law must be spread out, so x is refused if its entries have a common unit, which puts the
    law on a lattice, if $|z|$ takes less than d/2 values, or if the mean of
    $|\prod_j \cos(t z_j)|$ has not decayed from T to 60.

    Args:
        key: one new-style key.
        x: array (d,), real floating point, finite, not all zero; d a power of two, at least 32 in
            practice. Its length does not matter.
        draws: how many D_1 are drawn, at least 40.
        confidence: of the bootstrap over batches of draws, between 0 and 1.

    Returns:
        The distance with its band, a `Band`.

    Raises:
        ValueError: x is no vector, zero, not finite or on a lattice, d no power of two or so small
            that the characteristic function does not decay, too few draws, or a `confidence`
            outside (0, 1).
        TypeError: `x` holds integers or no real numbers, `key` is no key, or `confidence` no
            number.

    Cost:
        600 d cosines a draw, about 0.5 ms at d = 64; then those beyond T, one to three seconds.

    Example:
        >>> import jax, numpy as np
        >>> from hadax.discrepancy import kolmogorov_rao_blackwell
        >>> x = np.random.default_rng(0).normal(size=64)
        >>> band = kolmogorov_rao_blackwell(jax.random.key(0), x)
        >>> band.value < 1e-4  # of one entry, 0.05
        True

    See Also:
        `kolmogorov_exact` and `kolmogorov_sampled` for integer x, `ks_band` for any x.
    """
    _checks.key(key)
    direction = _discrepancy_checks.direction("x", x)
    if np.issubdtype(direction.dtype, np.integer):
        _discrepancy_checks.integers_are_a_lattice()
    _refuse_common_unit(direction.astype(np.float64), float(jnp.finfo(np.asarray(x).dtype).eps))
    _checks.power_of_two(direction.size, why="the Walsh-Hadamard rotation")
    _checks.integer("draws", draws, minimum=MIN_DRAWS)
    _discrepancy_checks.fraction("confidence", confidence)
    unit = unit_float64(direction)
    key_signs, key_bootstrap = jax.random.split(key)
    frequencies = np.arange(_STEP / 2, _WINDOW, _STEP)
    inverted = frequencies < _CUTOFF
    sizes = batch_sizes(draws)
    means, left = np.empty((MIN_DRAWS, inverted.sum())), 0.0
    far = np.empty((MIN_DRAWS, unit.size))
    for batch, size in enumerate(sizes):
        signs = jax.random.rademacher(jax.random.fold_in(key_signs, batch), (size, unit.size))
        z = _walsh(np.asarray(signs, np.float64) * unit)
        if batch == 0:
            _refuse_few_values(z[0])
        far[batch] = z[0]
        characteristic = _characteristic(z, frequencies)
        means[batch] = characteristic[:, inverted].mean(axis=0)
        left += size / draws * np.abs(characteristic[:, ~inverted]).mean(axis=0)
    largest_left = float(np.max(left))
    if largest_left > _LARGEST_LEFT:
        _discrepancy_checks.no_decay(largest_left, _CUTOFF, _WINDOW)
    t = frequencies[inverted]
    kernel = _STEP / math.pi * np.sin(t[:, None] * _POINTS) / t[:, None]
    gaps = means - sphere_coordinate_cf(t, unit.size)
    mean, radius = bootstrap_radius(key_bootstrap, gaps @ kernel, sizes, confidence)
    value = float(np.max(np.abs(mean)))
    peak = math.pi * float(sphere_coordinate_pdf(0.0, unit.size))
    end = min(max(2 * _WINDOW, peak / (_FAR_SHARE * radius)), _FARTHEST)
    beyond = _STEP * float(np.sum(left / frequencies[~inverted])) + _far_integral(far, end)
    radius += _PRAWITZ / math.pi * beyond
    radius += (peak + _STEP * float(np.sum(np.abs(sizes @ gaps / draws)))) / end
    return Band(value, max(0.0, value - radius), min(1.0, value + radius))


def _walsh(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The orthonormal Walsh-Hadamard transform of the last axis, in float64."""
    y, half = x, x.shape[-1] // 2
    for _ in range(half.bit_length()):
        # Even and odd entries to the two halves: log2 d times this is the natural order again.
        y = np.concatenate([y[..., ::2] + y[..., 1::2], y[..., ::2] - y[..., 1::2]], axis=-1)
    return y / math.sqrt(x.shape[-1])


def _characteristic(
    z: NDArray[np.float64], frequencies: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Product of cos(t z_j) over j, for each row of z and each frequency t."""
    rows = max(1, _CHUNK // (z.shape[1] * frequencies.size))
    parts = [
        np.prod(np.cos(z[i : i + rows, :, None] * frequencies), axis=1)
        for i in range(0, len(z), rows)
    ]
    return np.concatenate(parts)


def _far_integral(z: NDArray[np.float64], end: float) -> float:
    """Integral of the mean of |prod_j cos(t z_j)| / t from the window to `end`, from above."""
    total, squares = 0.0, 0.0
    for chunk in range(math.ceil((end - _WINDOW) / (_FAR_STEP * _FAR_CHUNK))):
        steps = np.arange(_FAR_CHUNK, dtype=np.float64) + chunk * _FAR_CHUNK
        t = np.asarray(_WINDOW + _FAR_STEP * (steps + 0.5), np.float64)
        count = max(1, len(z) // (chunk + 1))  # of draws: low frequencies weigh more
        sums = np.array([_chunk_sum(z[(chunk + i) % len(z)], t) for i in range(count)]) / count
        total += float(np.sum(sums))
        squares += float(np.sum(sums**2))  # no less than the variance, and known from one draw
    return _FAR_STEP * (total + _FAR_ERRORS * math.sqrt(squares))


def _chunk_sum(z: NDArray[np.float64], t: NDArray[np.float64]) -> float:
    """Sum of |prod_j cos(t z_j)| / t over t, from above."""
    total, product = 0.0, np.ones(t.size)
    for first in range(0, z.size, _FAR_COSINES):
        product *= np.abs(np.prod(np.cos(z[first : first + _FAR_COSINES, None] * t), axis=0))
        # A product of some of the cosines is at least that of all.
        dropped = product < _FAR_NEGLIGIBLE
        total += float(np.sum(product[dropped] / t[dropped]))
        t, product = t[~dropped], product[~dropped]
    return total + float(np.sum(product / t))


def _refuse_common_unit(x: NDArray[np.float64], eps: float) -> None:
    """Refuse x whose entries are multiples of one number, as far as their round-off can show it."""
    sizes = np.abs(x[x != 0]) / np.max(np.abs(x))
    most = min(_MOST_UNITS, (40 * eps) ** -0.5)  # Euclid's algorithm makes errors so much larger
    unit = 1.0
    for size in sizes:
        rest = float(size)
        while rest > 2 * most * eps and unit > 1 / most:
            unit, rest = rest, min(unit % rest, rest - unit % rest)
    if unit > 1 / most:
        _discrepancy_checks.common_unit(round(1 / unit))


def _refuse_few_values(z: NDArray[np.float64]) -> None:
    """Refuse x whose weights repeat."""
    values = 1 + int(np.count_nonzero(np.diff(np.sort(np.abs(z))) > _SAME))
    if 2 * values < z.size:
        _discrepancy_checks.few_values(values, z.size)
