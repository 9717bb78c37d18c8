"""Laws that see more than one coordinate of a rotated vector, where two blocks are not enough.

y = H D_k ... H D_1 x with |x|_2 = 1. Where a law is simulated, it is returned as float32 draws:
`ks_band` sets those of `overlap_law` against a uniform rotation, `ks_two_band` those of `linf_law`.
"""

import math
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np

from hadax import _checks, _dtypes
from hadax._typing import Array, ArrayLike, KeyArray, Num
from hadax.discrepancy import _discrepancy_checks
from hadax.discrepancy._simulation import simulate, unit_vector
from hadax.discrepancy._unit import unit
from hadax.discrepancy.kolmogorov import kolmogorov_exact
from hadax.discrepancy.laws import sphere_coordinate_cdf
from hadax.operators.hadamard_rotation import Permute, randomized_hadamard
from hadax.transforms.walsh import fwht


def max_sliced(x: ArrayLike, *, blocks: int = 2) -> float:
    r"""Lower bound of the max-sliced Kolmogorov distance of the k-block rotation, exactly.

    The largest $d_K(\sqrt d \langle\theta, y\rangle, \sqrt d\,u_1)$ over unit vectors $\theta$
    is at least its value at a row $h_i$ of H, and $\langle h_i, y^{(k)}\rangle = \pm y_i^{(k-1)}$:
    the last block is undone. So it does not vanish for two blocks: for one entry it tends to
    0.3413. Proof: docs/theory/whole_vectors.md, M1.

    Args:
        x: array (d,), integers, not all zero; d a power of two. Its length does not matter.
        blocks: the number k of blocks, 1, 2 or 3. (For one block $y^{(0)} = x$ is taken with the
            signs of D_1, at the index that is worst.)

    Returns:
        The distance in the direction of a row, exact to round-off.

    Raises:
        ValueError: d is not a power of two, x is zero, `blocks` is not 1, 2 or 3, or for 3 x has
            too many nonzeros to enumerate.
        TypeError: `x` does not hold integers, or `blocks` is none.

    Cost:
        One `kolmogorov_exact` with a block less.

    Example:
        >>> import numpy as np
        >>> from hadax.discrepancy import max_sliced
        >>> e1 = np.eye(1, 256, dtype=int)[0]
        >>> [round(max_sliced(e1, blocks=k), 4) for k in (1, 2, 3)]
        [0.5, 0.3409, 0.0249]

    See Also:
        `kolmogorov_exact`, in the direction of a coordinate.
    """
    weights = _discrepancy_checks.lattice_vector("x", x)
    _checks.power_of_two(weights.size, why="the Walsh-Hadamard rotation")
    if _checks.integer("blocks", blocks) not in (1, 2, 3):
        _discrepancy_checks.one_to_three_blocks(blocks)
    if blocks > 1:
        return kolmogorov_exact(weights, blocks=blocks - 1)
    # The signs put half of the mass each at a and -a: the gap is inside of them or outside.
    size = np.abs(weights) * math.sqrt(weights.size / float(weights @ weights))
    inside = sphere_coordinate_cdf(size, weights.size) - 0.5
    return float(np.max(np.maximum(inside, 0.5 - inside)))


def pair_dependence(x: Num[ArrayLike, "... d"]) -> Num[Array, "... d"]:
    r"""Mean square of the conditional correlation of two coordinates after two blocks.

    Given D_1, $\sqrt d\,y_i$ and $\sqrt d\,y_l$ have the correlation
    $A_s = \sum_j \sigma_j\sigma_{j+s}\,x_j x_{j+s}$ where s is the bitwise difference of i and l:
    $E A_s^2 = 2\sum_j x_j^2 x_{j+s}^2$ for $s \ne 0$ and $A_0 = 1$. The pair becomes independent
    only if it tends to 0; where it is 1, one coordinate is a copy of the other up to its sign
    (docs/theory/whole_vectors.md, M2 and step 3 of (Q)).

    Args:
        x: array (..., d), real floating point, no vector of it zero; d a power of two. Its length
            does not matter.

    Returns:
        Array (..., d) of the shape and dtype of `x`: entry s for pairs whose indices differ by s.

    Raises:
        TypeError: x is not real floating point.
        ValueError: d is not a power of two.

    Cost:
        Two transforms. Differentiable in x.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.discrepancy import pair_dependence
        >>> pair_dependence(jnp.array([0.0, 1.0, 0.0, 1.0])).round(3)  # i and i + 2 are copies
        Array([1., 0., 1., 0.], dtype=float32)

    See Also:
        `linf_law`, where copies show.
    """
    x = _checks.real_float("x", x)
    _checks.axis(x, -1)
    _checks.power_of_two(x.shape[-1], why="the Walsh-Hadamard rotation")
    squares = jnp.square(unit(x.astype(_dtypes.accumulator(x.dtype))))
    # Dyadic autocorrelation by Wiener and Khinchine.
    spectrum = fwht(squares, norm="backward")
    dependence = 2 * fwht(jnp.square(spectrum), norm="forward")
    return dependence.at[..., 0].set(1.0).astype(x.dtype)


def overlap_law(
    key: KeyArray,
    x: ArrayLike,
    *,
    blocks: int = 2,
    permute: Permute = "none",
    draws: int = 10_000,
) -> Num[Array, " draws"]:
    r"""Draws of sqrt(d) times the scalar product of two independent rotations of x.

    $\sqrt d\,\langle y, y'\rangle$. If one of them were uniform, it would have the law of
    $\sqrt d\,u_1$, so this decides every distance of kernels that only know scalar products. For
    two blocks on $(e_1 + e_2)/\sqrt 2$ it stays 1/4 away (docs/theory/whole_vectors.md, M3).

    Args:
        key: one new-style key.
        x: array (d,), real, finite, not all zero; d a power of two. Its length does not matter.
        blocks: the number of blocks, at least 1.
        permute: what stands before the last signs; a word of `hadax.randomized_hadamard`.
        draws: how many pairs are drawn.

    Returns:
        Array (draws,), float32: hand it to `ks_band`.

    Raises:
        ValueError: x is no vector, zero or not finite, d no power of two, `permute` none of its
            words, `blocks` or `draws` less than 1.
        TypeError: `key` is no key, or x is not real.

    Cost:
        `draws` times two rotations of d numbers.

    Example:
        >>> import jax, numpy as np
        >>> from hadax.discrepancy import ks_band, overlap_law
        >>> two = np.array([1, 1] + 254 * [0])
        >>> band = ks_band(overlap_law(jax.random.key(0), two), 256)
        >>> band.low < 0.269 < band.high
        True

    See Also:
        `linf_law`; `kolmogorov_exact`, for a coordinate.
    """

    vector, blocks = _validated(key, x, blocks, permute, draws)
    return simulate(_overlap, key, draws, vector, blocks, permute)


def linf_law(
    key: KeyArray,
    x: ArrayLike,
    *,
    blocks: int = 2,
    permute: Permute = "none",
    draws: int = 10_000,
) -> Num[Array, " draws"]:
    r"""Draws of the largest coordinate of the rotated x, times sqrt(d).

    $\sqrt d\,\max_i |y_i|$: what a quantiser must cover.

    Args:
        key: one new-style key.
        x: array (d,), real, finite, not all zero; d a power of two. Its length does not matter.
        blocks: the number of blocks; 0 draws a uniform vector of the dimension of x instead.
        permute: what stands before the last signs; a word of `hadax.randomized_hadamard`.
        draws: how many vectors are drawn.

    Returns:
        Array (draws,), float32: hand two of them to `ks_two_band`.

    Raises:
        ValueError: x is no vector, zero or not finite, d no power of two, `blocks` negative,
            `permute` none of its words, or `draws` less than 1.
        TypeError: `key` is no key, or x is not real.

    Cost:
        `draws` rotations of d numbers.

    Example:
        >>> import jax, numpy as np
        >>> from hadax.discrepancy import ks_two_band, linf_law
        >>> two = np.array([1, 1] + 254 * [0])
        >>> key_two, key_uniform = jax.random.split(jax.random.key(0))
        >>> uniform = linf_law(key_uniform, two, blocks=0)
        >>> band = ks_two_band(linf_law(key_two, two), uniform)
        >>> band.low < 0.351 < band.high
        True

    See Also:
        `overlap_law`; `hadax.quantization.incoherence`, the same number for one vector.
    """
    if blocks == 0:
        vector, _ = _validated(key, x, 1, permute, draws)
        return simulate(_uniform_largest, key, draws, vector)
    vector, blocks = _validated(key, x, blocks, permute, draws)
    return simulate(_largest, key, draws, vector, blocks, permute)


def _overlap(key: KeyArray, vector: Array, blocks: int, permute: Permute) -> Array:
    """Scalar product of two rotations, scaled."""
    keys = jax.random.split(key)
    y, other = (
        randomized_hadamard(one, vector.size, blocks, permute=permute)(vector) for one in keys
    )
    return math.sqrt(vector.size) * jnp.sum(y * other)


def _largest(key: KeyArray, vector: Array, blocks: int, permute: Permute) -> Array:
    """The largest coordinate of a rotation, scaled."""
    y = randomized_hadamard(key, vector.size, blocks, permute=permute)(vector)
    return math.sqrt(vector.size) * jnp.max(jnp.abs(y))


def _uniform_largest(key: KeyArray, vector: Array) -> Array:
    """The largest coordinate of a uniform vector."""
    u = jax.random.normal(key, vector.shape, vector.dtype)
    return math.sqrt(vector.size) * jnp.max(jnp.abs(unit(u)))


def _validated(
    key: KeyArray, x: ArrayLike, blocks: int, permute: Permute, draws: int
) -> tuple[Array, int]:
    """The unit vector and the number of blocks, when all arguments are as they should be."""
    _checks.key(key)
    _checks.integer("draws", draws, minimum=1)
    _checks.choice("permute", permute, get_args(Permute))
    return unit_vector(x), _checks.integer("blocks", blocks, minimum=1)
