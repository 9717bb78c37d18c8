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
from hadax.discrepancy.kolmogorov import Band
from hadax.discrepancy.laws import sphere_coordinate_cf

# Frequencies, by the midpoint rule: its error is that of a law wrapped around at 2 pi / _STEP.
_STEP = 0.1
_CUTOFF = 14.0  # up to which they are inverted
_WINDOW = 60.0  # up to which they must have decayed; what is left beyond the cutoff joins the band
_LARGEST_LEFT = 0.05  # of the mean absolute characteristic function between the two
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

    The law must be spread out: jumps finer than about 0.1 are not seen. So x is refused if its
    entries have a common unit, which puts the law on a lattice, if $|z|$ takes less than d/2
    values, or if the mean of $|\prod_j \cos(t z_j)|$ has not decayed from T to 60. What is left of
    it there widens the band.

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
        740 d cosines a draw: about 0.1 ms at d = 64.

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
    unit = direction / np.max(np.abs(direction))  # of which no square overflows
    unit /= np.linalg.norm(unit)
    key_signs, key_bootstrap = jax.random.split(key)
    frequencies = np.arange(_STEP / 2, _WINDOW, _STEP)
    inverted = frequencies < _CUTOFF
    sizes = batch_sizes(draws)
    means, left = np.empty((MIN_DRAWS, inverted.sum())), 0.0
    for batch, size in enumerate(sizes):
        signs = jax.random.rademacher(jax.random.fold_in(key_signs, batch), (size, unit.size))
        z = _walsh(np.asarray(signs, np.float64) * unit)
        if batch == 0:
            _refuse_few_values(z[0])
        characteristic = _characteristic(z, frequencies)
        means[batch] = characteristic[:, inverted].mean(axis=0)
        left += size / draws * np.abs(characteristic[:, ~inverted]).mean(axis=0)
    largest_left = float(np.max(left))
    if largest_left > _LARGEST_LEFT:
        _discrepancy_checks.no_decay(largest_left, _CUTOFF, _WINDOW)
    t = frequencies[inverted]
    kernel = _STEP / math.pi * np.sin(t[:, None] * _POINTS) / t[:, None]
    gaps = (means - sphere_coordinate_cf(t, unit.size)) @ kernel
    mean, radius = bootstrap_radius(key_bootstrap, gaps, sizes, confidence)
    value = float(np.max(np.abs(mean)))
    radius += float(np.sum(left / frequencies[~inverted])) * _STEP / math.pi
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
