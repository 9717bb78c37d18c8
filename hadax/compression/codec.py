r"""DRIVE and EDEN: a vector in a few bits an entry, rotated so that no entry stands out.

The rotated vector $z = Rx$ of length n has nearly normal entries, whatever x is. Each entry of
$\sqrt n\, z / |x|$ is rounded to the nearest of $2^b$ levels, those that are best for the normal
law, and one number S scales the levels back: $\hat x = R^T S Q$. Sender and receiver make the
rotation from the same key, so no sign of it is sent or stored.
"""

import dataclasses
import math

import jax
import jax.numpy as jnp
from jax import lax

from hadax import _checks, _dtypes, _lloyd_max, _packing
from hadax._typing import Array, ArrayLike, KeyArray
from hadax.compression import _compression_checks
from hadax.compression._compression_checks import Scale
from hadax.operators.base import static
from hadax.operators.hadamard_rotation import randomized_hadamard


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class Compressed:
    """Vectors of length `size`, as a message: what `eden` sends and `decompress` reads.

    `codes` (..., ceil(n bits / 8)), uint8, holds n codes of `bits` bits each without a gap; `scale`
    (...,) one float a vector. The rest is the same for all messages of a kind and is no part of the
    pytree's leaves: how long the vector is before and after padding, how it was rotated, and the
    dtype it comes back in.
    """

    codes: Array
    scale: Array
    size: int = static()
    n: int = static()
    bits: int = static()
    blocks: int = static()
    dtype: str = static()


def eden(
    key: KeyArray,
    x: ArrayLike,
    *,
    bits: int = 2,
    blocks: int = 2,
    scale: Scale = "unbiased",
    n: int | None = None,
) -> Compressed:
    r"""Compress vectors to a few bits an entry: EDEN.

    With $z = Rx$, R the `hadax.randomized_hadamard` rotation of the key, and Q the levels nearest
    to the entries of $\sqrt n\, z/|x|$, the message is Q and the scale S of
    $\hat x = R^T S Q$:

    * "unbiased": $S = |x|^2 / \langle z, Q\rangle$. Then $\langle\hat x, x\rangle = |x|^2$ for
      every draw, and $E\hat x = x$ if R is uniform. With blocks of Hadamard transforms there is a
      bias, which averaging does not remove: `hadax.discrepancy.drive_bias` measures it. It is large
      with one block, small with two, smaller with three.
    * "mmse": $S = \langle z, Q\rangle / |Q|^2$, which has the least error and is biased towards 0.

    Entries that are zero up to round-off (on sparse inputs many are) get a random sign: that of
    round-off would be a bias too. The derivative is zero: a message is data.

    Args:
        key: a new-style PRNG key; `decompress` needs the same one. Vectors that are to be averaged
            need keys of their own: jax.vmap over keys. The vectors of one call share a rotation.
        x: array (..., size), real and finite; each vector of the last axis is a message.
        bits: bits an entry, 1 to 8.
        blocks: rounds of the rotation.
        scale: "unbiased" or "mmse".
        n: Hadamard length to pad x to with zeros, and the number of codes sent. Default: the length
            of x. `hadax.next_hadamard_length` knows the next.

    Returns:
        The message, a `Compressed`; its arrays have the leading axes of x. 16-bit x is computed
        and scaled in float32.

    Raises:
        ValueError: the length of x (or n) is not one of a Hadamard matrix, n is less than it,
            bits, blocks or scale are out of range, or x has no entry.
        TypeError: x is not real floating point, or key no new-style key.

    Cost:
        The rotation, and 2**(bits - 1) comparisons an entry; n bits / 8 bytes and a float a vector.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax.compression import decompress, eden
        >>> key, x = jax.random.key(0), jnp.zeros(1024).at[3].set(5.0)
        >>> message = eden(key, x, bits=2)
        >>> message.codes.nbytes, message.scale.shape
        (256, ())
        >>> error = decompress(key, message) - x
        >>> bool(jnp.sum(error**2) / jnp.sum(x**2) < 0.2)
        True

    See Also:
        `drive`, one bit; `mean_estimate`; `expected_nmse`, its error;
        `hadax.optax.compressed`, for gradients in an optimizer.

    References:
        Vargaftik et al. (2022), key `vargaftik2022`.
    """
    x = lax.stop_gradient(_compression_checks.vector(x))
    bits = _lloyd_max.bits_of_a_codebook(bits)
    _compression_checks.scale(scale)
    length = _compression_checks.rotated_length(x, n)
    key_rotation, key_ties = jax.random.split(_checks.key(key))
    rotation = randomized_hadamard(key_rotation, length, blocks)
    unit, norm, power = _normalized(x.astype(_dtypes.accumulator(x.dtype)))
    padding = [(0, 0)] * (x.ndim - 1) + [(0, length - x.shape[-1])]
    u = math.sqrt(length) * rotation(jnp.pad(unit, padding))
    codes = _nearest(key_ties, u, bits, rotation.blocks)
    levels = _levels(codes, bits, u.dtype)
    aligned = jnp.sum(u * levels, axis=-1)
    if scale == "unbiased":
        share = math.sqrt(length) / jnp.where(norm > 0, aligned, jnp.ones_like(aligned))
    else:
        share = aligned / (math.sqrt(length) * jnp.sum(jnp.square(levels), axis=-1))
    packed = _packing.pack(codes, bits)
    return Compressed(
        packed,
        norm * share * power,  # in this order only a scale that is too large overflows
        x.shape[-1],
        length,
        bits,
        rotation.blocks,
        jnp.dtype(x.dtype).name,
    )


def drive(
    key: KeyArray,
    x: ArrayLike,
    *,
    blocks: int = 2,
    scale: Scale = "unbiased",
    n: int | None = None,
) -> Compressed:
    r"""Compress vectors to the signs of their rotated entries and one scale: DRIVE.

    $\hat x = S\, R^T \operatorname{sign}(Rx)$ with $S = |x|^2/|Rx|_1$ ("unbiased") or
    $S = |Rx|_1 / n$ ("mmse"). It is `eden` with one bit, whose text says the rest.

    Args:
        key: a new-style PRNG key; `decompress` needs the same one.
        x: array (..., size), real and finite.
        blocks: rounds of the rotation.
        scale: "unbiased" or "mmse".
        n: Hadamard length to pad x to with zeros. Default: the length of x.

    Returns:
        The message, a `Compressed`, of n / 8 bytes and a float a vector.

    Raises:
        ValueError: the length of x (or n) is not one of a Hadamard matrix, n is less than it,
            blocks or scale are out of range, or x has no entry.
        TypeError: x is not real floating point, or key no new-style key.

    Cost:
        The rotation and a few operations an entry.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax.compression import decompress, drive
        >>> key, x = jax.random.key(0), jnp.arange(64.0)
        >>> message = drive(key, x)
        >>> message.codes.nbytes
        8
        >>> y = decompress(key, message)
        >>> bool(jnp.isclose(y @ x, x @ x))  # along x nothing is lost, for every key
        True

    See Also:
        `eden`, for more bits.

    References:
        Vargaftik et al. (2021), key `vargaftik2021`.
    """
    return eden(key, x, bits=1, blocks=blocks, scale=scale, n=n)


def decompress(key: KeyArray, message: Compressed) -> Array:
    r"""The vectors that a message stands for.

    $\hat x = R^T S Q$, without the entries that were added as padding.

    Args:
        key: the key that the message was made with. With another key the result is noise.
        message: a `Compressed`; one that was made under jax.vmap is read under jax.vmap.

    Returns:
        Array (..., size) of the dtype that was compressed. It differs from x by numbers of the
        size of its root mean square r, most with one bit: entries that leave the range of the dtype
        are infinite. For float16, which ends at 65504, they may be with r in the ten thousands;
        from about 2e38 on the scale of float32 and bfloat16 messages overflows.

    Raises:
        TypeError: key is no new-style key, or message no `Compressed`.

    Cost:
        The transposed rotation and a few operations an entry.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax.compression import decompress, eden
        >>> key, x = jax.random.key(0), jnp.arange(1.0, 11.0)
        >>> decompress(key, eden(key, x, bits=8, n=12)).round()
        Array([ 1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10.], dtype=float32)

    See Also:
        `mean_estimate`, of the messages of many clients.

    References:
        Vargaftik et al. (2022), key `vargaftik2022`.
    """
    _compression_checks.message(message, Compressed)
    key_rotation, _ = jax.random.split(_checks.key(key))
    rotation = randomized_hadamard(key_rotation, message.n, message.blocks)
    codes = _packing.unpack(message.codes, message.bits, message.n)
    levels = _levels(codes, message.bits, message.scale.dtype)
    x = message.scale[..., None] * rotation.T(levels)  # in this order nothing overflows on the way
    return x[..., : message.size].astype(message.dtype)


def _normalized(x: Array) -> tuple[Array, Array, Array]:
    """x over its length, and the length in units of a power of two; zero stays zero.

    The power puts the largest entry between 1 and 4: it and its inverse are normal numbers.
    """
    peak = jnp.max(jnp.abs(x), axis=-1, keepdims=True)
    exponent = jnp.maximum(jnp.frexp(peak)[1] - 2, jnp.finfo(x.dtype).minexp)
    one = jnp.ones_like(peak)
    scaled = x * jnp.ldexp(one, -exponent)
    length = jnp.sqrt(jnp.sum(jnp.square(scaled), axis=-1, keepdims=True))
    unit = scaled / jnp.where(length > 0, length, one)
    return unit, length[..., 0], jnp.ldexp(one, exponent)[..., 0]


def _nearest(key: KeyArray, u: Array, bits: int, blocks: int) -> Array:
    """Index of the level nearest to each entry; a random sign where u is zero up to round-off."""
    edges = _lloyd_max.thresholds(_lloyd_max.codebook(bits))[2 ** (bits - 1) :]
    above = jnp.asarray(edges, u.dtype).reshape((1,) * u.ndim + edges.shape)
    magnitude = jnp.sum(jnp.abs(u)[..., None] > above, axis=-1, dtype=jnp.uint8)
    tie = jnp.abs(u) <= _dtypes.tolerance(u.shape[-1], u.dtype, c=2.0 * blocks)
    positive = jnp.where(tie, jax.random.bernoulli(key, 0.5, u.shape), u > 0)
    half = jnp.uint8(2 ** (bits - 1))
    return jnp.where(positive, half + magnitude, half - jnp.uint8(1) - magnitude)


def _levels(codes: Array, bits: int, dtype: jnp.dtype) -> Array:
    """The levels of the normal law's codebook at these indices."""
    return jnp.asarray(_lloyd_max.codebook(bits), dtype)[codes]
