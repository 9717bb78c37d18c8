"""Randomisations of digital nets that leave them nets: shifts, matrices, nested permutations."""

import dataclasses
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np

from hadax import _checks
from hadax._typing import Array, KeyArray
from hadax.qmc import _qmc_checks, _words
from hadax.qmc._nested import Hash
from hadax.qmc.nets import DigitalNet


def digital_shift(key: KeyArray, points: DigitalNet) -> DigitalNet:
    r"""A net shifted by a uniform vector, modulo two bit by bit.

    $x \oplus \Delta$: every point is uniform, and differences $x_i \oplus x_j$ stay.

    Args:
        key: a new-style PRNG key.
        points: the net.

    Returns:
        A `DigitalNet` with $\Delta$ added to the shift it had.

    Raises:
        TypeError: key is no new-style key.

    Cost:
        One word a dimension.

    Example:
        >>> import jax
        >>> from hadax import qmc
        >>> keys = jax.random.split(jax.random.key(0), 8)
        >>> means = jax.vmap(lambda key: qmc.digital_shift(key, qmc.sobol(3))(64).mean())(keys)
        >>> bool(abs(means.mean() - 0.5) < 0.01)
        True

    See Also:
        `linear_scramble`, which also removes what nets have in common. QMCPy:
        `DigitalNetB2(d, randomize="DS")`.

    References:
        Dick and Pillichshammer (2010), key `dick2010`.
    """
    _qmc_checks.sequence(points, DigitalNet)
    shift = jax.random.bits(_checks.key(key), points.shift.shape, points.shift.dtype)
    return dataclasses.replace(points, shift=points.shift ^ shift)


def linear_scramble(key: KeyArray, points: DigitalNet) -> DigitalNet:
    r"""A net whose matrices are multiplied by random lower triangular ones with unit diagonals.

    $C_j \mapsto L_j C_j$ over the integers modulo two: every output bit is summed with random ones
    of the bits before it. With a `digital_shift` after it, variances are as those of
    `nested_scramble`.

    Args:
        key: a new-style PRNG key.
        points: a net that is not scrambled point by point; interlace afterwards. A shift that it
            has stays.

    Returns:
        A `DigitalNet` with other matrices, as fast as the one before.

    Raises:
        TypeError: key is no new-style key.
        ValueError: the net is scrambled point by point, or interlaced: its order would be lost.

    Cost:
        O(d m t) bit operations, once, for m columns of t bits.

    Example:
        >>> import jax
        >>> from hadax import qmc
        >>> key, other = jax.random.split(jax.random.key(0))
        >>> net = qmc.digital_shift(other, qmc.linear_scramble(key, qmc.sobol(3)))
        >>> x = net(16)
        >>> sorted((x[:, 2] * 16).astype(int).tolist()) == list(range(16))  # one in each sixteenth
        True

    See Also:
        `nested_scramble`. QMCPy: `DigitalNetB2(d, randomize="LMS DS")` is both at once.

    References:
        Matousek (1998), key `matousek1998`.
    """
    _qmc_checks.sequence(points, DigitalNet)
    _qmc_checks.not_nested(points.seeds)
    _qmc_checks.not_interlaced(points.interlaced)
    bits = _words.width(points.columns)
    rows = (points.columns.shape[0], bits)
    random = jax.random.bits(_checks.key(key), rows, points.columns.dtype)
    # Row r reads bit r and random ones of the bits before it, which are the higher ones.
    own = np.array([1 << at for at in range(bits - 1, -1, -1)], random.dtype)[None]
    lower = random & ~(own | (own - 1)) | own
    return dataclasses.replace(points, columns=_multiplied(lower, points.columns))


def _multiplied(rows: Array, columns: Array) -> Array:
    """Products modulo two of matrices given by rows (d, t) and by columns (d, m), as columns."""
    bits = rows.shape[1]
    parities = jax.lax.population_count(rows[:, :, None] & columns[:, None, :]) & np.array(
        1, columns.dtype
    )
    at = jnp.arange(bits - 1, -1, -1, dtype=columns.dtype)
    return jnp.sum(parities << at[None, :, None], axis=1, dtype=columns.dtype)


def nested_scramble(key: KeyArray, points: DigitalNet, *, hash: Hash = "threefry") -> DigitalNet:
    r"""A net scrambled as Owen does: each bit flips, or not, for each value of the bits before it.

    Uniform points, and on smooth integrands a root mean square error of about $n^{-3/2}$. Flips are
    hashes of the bits before, so that any part of the sequence can be computed, at any time. Of
    words of 64 bits those after the first 36 flip alike for points that agree in these.

    Args:
        key: a new-style PRNG key.
        points: the net; scramble before it is interlaced. A shift that it has comes afterwards.
        hash: "threefry" draws every flip from the hash of JAX's generator, of thirteen rounds.
            "multiply" takes four multiplications in all, several times as fast: flips are not
            independent, though variances are as good in published tests.

    Returns:
        A `DigitalNet` that scrambles its points. It has no generating matrices any more: fast
        transforms of kernel matrices need `linear_scramble` instead.

    Raises:
        TypeError: key is no new-style key.
        ValueError: an unknown hash, or the net is scrambled or interlaced already.

    Cost:
        Of a call, about 500 operations a coordinate, or 30 for "multiply".

    Example:
        >>> import jax
        >>> from hadax import qmc
        >>> x = qmc.nested_scramble(jax.random.key(0), qmc.sobol(3))(1024)
        >>> bool(abs((x**2).mean() - 1 / 3) < 1e-4)
        True

    See Also:
        `linear_scramble`, faster. QMCPy: `DigitalNetB2(d, randomize="NUS")`.

    References:
        Owen (1995), key `owen1995`; Salmon et al. (2011), key `salmon2011`; for "multiply" Burley
        (2020), key `burley2020`.
    """
    _checks.choice("hash", hash, get_args(Hash))
    _qmc_checks.sequence(points, DigitalNet)
    _qmc_checks.not_nested(points.seeds)
    _qmc_checks.not_interlaced(points.interlaced)
    seeds = jax.random.bits(_checks.key(key), (points.columns.shape[0], 2), jnp.uint32)
    return dataclasses.replace(points, seeds=seeds, hash=hash)


def interlace(points: DigitalNet, order: int) -> DigitalNet:
    r"""A net of higher order: the bits of `order` coordinates at a time are woven into one.

    Bit q of the new coordinate j is bit $\lfloor q / \alpha \rfloor$ of coordinate
    $\alpha j + q \bmod \alpha$. On integrands with $\alpha$ derivatives the error of a scrambled
    net falls as about $n^{-\alpha - 1/2}$.

    Args:
        points: a net of $\alpha d$ dimensions, scrambled first if at all. A shift that it
            has is interlaced too.
        order: how many coordinates make one, $\alpha$.

    Returns:
        A `DigitalNet` of d dimensions. Words of t bits hold the first $t / \alpha$ of each
        coordinate. In 32 bits more than $2^{32 / \alpha}$ points are no longer told apart by each
        of them, though still by all together, and errors of means no longer fall below about
        $2^{-32}$, less than a float32 holds: `jax.enable_x64` for more.

    Raises:
        ValueError: the dimensions are no multiple of `order`, or the net is interlaced already.

    Cost:
        O(d m t) bit operations, once; for a nested scrambling about 5 t a coordinate, in a call.

    Example:
        >>> from hadax import qmc
        >>> qmc.interlace(qmc.sobol(4), 2)(4)
        Array([[0.    , 0.    ],
               [0.75  , 0.75  ],
               [0.4375, 0.9375],
               [0.6875, 0.1875]], dtype=float32)

    See Also:
        QMCPy: `DigitalNetB2(d, alpha=2)`.

    References:
        Dick (2011), key `dick2011`.
    """
    _qmc_checks.sequence(points, DigitalNet)
    count = _checks.integer("order", order, minimum=1)
    _qmc_checks.interlaceable(points.columns.shape[0], count, points.interlaced)
    shift = _words.interlaced(points.shift, count)
    if points.seeds is not None:
        return dataclasses.replace(points, shift=shift, interlaced=count)
    woven = _words.interlaced(points.columns.T, count).T
    return dataclasses.replace(points, columns=woven, shift=shift, interlaced=count)
