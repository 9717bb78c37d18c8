r"""What quantization sees of a structured rotation: its distortion, and the bias of one-bit DRIVE.

Rounding acts on one coordinate at a time, so its error depends on the law of a coordinate alone:
it is exact for integer x. The bias of the unbiased scale depends on the whole rotation and is
simulated. All of it in float64.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hadax import _checks, _lloyd_max
from hadax._typing import Array, KeyArray
from hadax.discrepancy import _quantized_checks
from hadax.discrepancy.coordinate import coordinate_law
from hadax.discrepancy.wasserstein import Estimate
from hadax.operators.hadamard_rotation import randomized_hadamard

_CHUNK = 1 << 19  # values of one chunk of draws: 4 MB in float64
_BATCHES = 40  # that the standard error of the floor comes from, at least
_DECIMALS = 12  # entries of a rotated unit vector that are zero up to them are zero


class DriveBias(NamedTuple):
    """What averaging leaves of one-bit DRIVE.

    `value` (d,) is the mean of xhat - x and `standard_error` (d,) that of each entry; `floor` is
    the squared length of the bias, without the part that is Monte Carlo noise. `nmse` is the mean
    squared error of one message, in which zeros are sent with random signs, and `symmetric_nmse`
    that of xhat, in which they have the sign 0.
    """

    value: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    floor: Estimate
    nmse: Estimate
    symmetric_nmse: Estimate


def lloyd_max_distortion(
    bits: int,
    *,
    d: int | None = None,
    x: ArrayLike | None = None,
    blocks: int = 2,
    rescaled: bool = False,
) -> float:
    r"""Mean squared error of a coordinate rounded to the best levels for the normal law, exactly.

    $E(U - Q(U))^2$ with Q(u) the nearest of the $2^b$ Lloyd-Max levels of N(0, 1), for U = sqrt(d)
    times a coordinate of (a) a uniform unit vector of dimension d, from closed-form partial
    moments, or (b) the structured rotation of x, from its exact law on a lattice. With neither it
    is the error for N(0, 1) itself: 0.3634, 0.1175, 0.0345, 0.0095 with 1 to 4 bits.

    Rescaled, it is the error $1 - (E\,U Q)^2 / E\,Q^2$ of c Q(U) with the best factor c. A message
    of `hadax.compression.eden` with the scale "mmse" has a factor of its own and the error
    $1 - a^2/q$, with the means a of UQ and q of Q^2 over the coordinates of a draw: as $a^2/q$ is
    convex, the mean over draws is at most the rescaled error.

    Args:
        bits: bits a coordinate, 1 to 8.
        d: dimension of the uniform vector, at least 3.
        x: array (d,), integers, not all zero, d a power of two: the vector that is rotated.
        blocks: rounds of the rotation of x, 1 or 2.
        rescaled: whether one factor on all levels is chosen best for the law.

    Returns:
        The error, exact to round-off.

    Raises:
        ValueError: `bits` is not from 1 to 8, `d` is less than 3, d and x are given both, or
            `coordinate_law` refuses x or blocks.
        TypeError: `bits` or `d` is no integer, x does not hold integers, or `rescaled` is no bool.

    Cost:
        (a) microseconds; (b) one `coordinate_law`.

    Example:
        >>> import numpy as np
        >>> from hadax.discrepancy import lloyd_max_distortion
        >>> round(lloyd_max_distortion(3, d=64), 6)
        0.033444
        >>> two = np.arange(64) < 2
        >>> round(lloyd_max_distortion(3, x=two.astype(int)) / lloyd_max_distortion(3, d=64), 2)
        1.22

    See Also:
        `hadax.compression.expected_nmse`, what it means for a message.

    References:
        Max (1960) and Lloyd (1982), keys `max1960`, `lloyd1982`.
    """
    levels = _lloyd_max.codebook(_lloyd_max.bits_of_a_codebook(bits))
    _quantized_checks.one_law(d, x)
    _checks.flag("rescaled", rescaled)
    if x is None:
        dimension = None if d is None else _checks.integer("d", d, minimum=3)
        return _lloyd_max.distortion(levels, _lloyd_max.law(dimension), rescaled=rescaled)
    atoms, probabilities = coordinate_law(x, blocks=blocks)
    nearest = levels[np.searchsorted(_lloyd_max.thresholds(levels), atoms)]
    if rescaled:
        return 1 - float(probabilities @ (atoms * nearest)) ** 2 / float(
            probabilities @ np.square(nearest)
        )
    return float(probabilities @ np.square(atoms - nearest))


def drive_bias(key: KeyArray, x: ArrayLike, *, blocks: int = 2, draws: int = 10_000) -> DriveBias:
    r"""How far the mean of one-bit DRIVE is from the vector it compresses.

    For a unit vector x, $\hat x = R^T \operatorname{sign}(Rx) / |Rx|_1 = \nabla_x \log |Rx|_1$ and
    $\langle\hat x, x\rangle = 1$. So $E\hat x - x$ is the tangential gradient of $E \log |Rx|_1$ on
    the sphere: zero if R is uniform, else it says how rough that function is at x. It is what the
    mean over many clients tends to. Entries of Rx that are zero up to 12 decimals have the sign 0,
    which makes xhat the symmetric derivative: on sparse x there are many of them, and in floats any
    other rule makes a bias of its own. Where x is zero the bias is zero by symmetry, and no noise
    is counted there.

    A message of `hadax.compression.drive` gives such entries random signs: the same mean, but an
    error of its own, $|\hat x - x|^2 = d / |Rx|_1^2 - 1$ whatever the signs are. It is `nmse`.

    Args:
        key: one new-style key.
        x: array (d,), real, not zero, of a Hadamard length. Its length is taken as one.
        blocks: rounds of the rotation, at least 1.
        draws: how many rotations are drawn, at least 40, rounded up to a whole number of batches.

    Returns:
        A `DriveBias`: the bias with standard errors, its squared length (which may come out
        negative, as an unbiased estimate of a small number), and the errors of one message and of
        one xhat.

    Raises:
        ValueError: x is not a vector of a Hadamard length, not finite or zero; too few draws or
            blocks.
        TypeError: x is not real, key no new-style key, or draws or blocks no integer.

    Cost:
        Two rotations a draw, in float64.

    Example:
        >>> import jax
        >>> from hadax.discrepancy import drive_bias
        >>> one = drive_bias(jax.random.key(0), [0.8, 0.6, 0.0, 0.0], blocks=1, draws=40)
        >>> one.value.round(3) + 0.0, round(one.floor.value, 4)  # xhat = e_1 / 0.8 in every draw
        (array([ 0.45, -0.6 ,  0.  ,  0.  ]), 0.5625)

    See Also:
        `hadax.compression.drive`, which sends such messages.

    References:
        Vargaftik et al. (2021), key `vargaftik2021`.
    """
    unit = _quantized_checks.real_vector(x)
    blocks = _checks.integer("blocks", blocks, minimum=1)
    draws = _checks.integer("draws", draws, minimum=_BATCHES)
    key = _checks.key(key)
    size = max(1, min(-(-draws // _BATCHES), _CHUNK // unit.size))
    count = -(-draws // size)
    with jax.enable_x64(True):
        point = jnp.asarray(unit)
        parts = [
            jax.device_get(
                _errors(jax.random.split(jax.random.fold_in(key, i), size), point, blocks)
            )
            for i in range(count)
        ]
    sums, squares, *losses = (np.array(part) for part in zip(*parts, strict=True))
    total = count * size
    value = np.where(unit == 0, 0.0, sums.sum(axis=0) / total)
    spread = np.maximum(squares.sum(axis=0) / total - np.square(value), 0.0)
    symmetric, symmetric_squares, sent, sent_squares = (part.sum() for part in losses)
    return DriveBias(
        value,
        np.where(unit == 0, 0.0, np.sqrt(spread / (total - 1))),
        _squared_length(sums[:, unit != 0] / size),
        _mean(sent, sent_squares, total),
        _mean(symmetric, symmetric_squares, total),
    )


@functools.partial(jax.jit, static_argnums=2)
def _errors(keys: Array, x: Array, blocks: int) -> tuple[Array, ...]:
    """Sums over draws of e = xhat - x and its squares, |e|^2 and its square, a message's error too.

    The last is d / |Rx|_1^2 - 1: with every sign sent xhat has that length and <xhat, x> = 1.
    """

    def error(key: KeyArray) -> tuple[Array, Array]:
        rotation = randomized_hadamard(key, x.size, blocks)
        y = rotation(x)
        norm = jnp.sum(jnp.abs(y))
        signs = jnp.sign(jnp.round(y, _DECIMALS))
        return rotation.T(signs) / norm - x, x.size / jnp.square(norm) - 1

    errors, sent = jax.vmap(error)(keys)
    symmetric = jnp.sum(jnp.square(errors), axis=-1)
    return tuple(
        part.sum(axis=0) for one in (errors, symmetric, sent) for part in (one, jnp.square(one))
    )


def _mean(values: float, squares: float, count: int) -> Estimate:
    """The mean of `count` draws and its standard error, from their sum and that of squares."""
    mean = values / count
    deviation = np.sqrt(max(squares / count - mean**2, 0.0))
    return Estimate(float(mean), float(deviation / np.sqrt(count - 1)))


def _squared_length(means: NDArray[np.float64]) -> Estimate:
    """Unbiased estimate of the squared length of a mean from those of batches, by their products.

    The standard error is the jackknife's over batches.
    """
    count = len(means)
    products = means @ means.T
    np.fill_diagonal(products, 0.0)
    others = products.sum(axis=1)
    without = (others.sum() - 2 * others) / ((count - 1) * (count - 2))
    error = np.sqrt((count - 1) / count * np.square(without - without.mean()).sum())
    return Estimate(float(others.sum() / (count * (count - 1))), float(error))
