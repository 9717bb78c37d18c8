"""The mean of what many clients sent, and the error of one message that theory expects."""

import jax
import jax.numpy as jnp

from hadax import _dtypes, _lloyd_max
from hadax._typing import Array
from hadax.compression import _compression_checks
from hadax.compression._compression_checks import Scale
from hadax.compression.codec import Compressed, decompress


def mean_estimate(keys: Array, messages: Compressed) -> Array:
    r"""The mean of the vectors of many clients, from their messages.

    $\frac1m \sum_i \hat x_i$. With the unbiased scale and independent keys the error falls as 1/m,
    until the bias of the rotation is left: that of one block does not fall at all on sparse inputs.

    Args:
        keys: array (m,) of new-style keys, one a client, each the one its message was made with.
        messages: a `Compressed` whose arrays lead with the axis of clients, as jax.vmap makes it.

    Returns:
        Array (..., size) of the dtype that was compressed, added up in at least float32.

    Raises:
        ValueError: there are not as many messages as keys.
        TypeError: keys are no new-style keys, or messages no `Compressed`.

    Cost:
        m times `decompress`, side by side: memory for m vectors.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax.compression import drive, mean_estimate
        >>> keys = jax.random.split(jax.random.key(0), 100)
        >>> x = jnp.zeros(64).at[3].set(1.0)  # every client has the same vector
        >>> messages = jax.vmap(lambda key: drive(key, x))(keys)
        >>> error = mean_estimate(keys, messages) - x
        >>> bool(jnp.sum(error**2) < 0.01)  # pi/2 - 1, over 100
        True

    See Also:
        `expected_nmse`, the error of one; `hadax.discrepancy.drive_bias`, what averaging leaves.

    References:
        Vargaftik et al. (2021), key `vargaftik2021`.
    """
    keys = _compression_checks.keys(keys)
    _compression_checks.message(messages, Compressed)
    _compression_checks.one_message_a_key(len(keys), messages.scale.shape)
    vectors = jax.vmap(decompress)(keys, messages)
    wide = vectors.astype(_dtypes.accumulator(vectors.dtype))
    return jnp.mean(wide, axis=0).astype(vectors.dtype)


def expected_nmse(bits: int, *, scale: Scale = "unbiased") -> float:
    r"""Expected relative error of one message, for a uniform rotation of a long vector.

    $E|\hat x - x|^2 / |x|^2$. With D the mean squared error of the best $2^b$ levels for the normal
    law it is D for the scale "mmse", and $D/(1-D)$ for "unbiased": 0.5708 (that is $\pi/2 - 1$),
    0.1331, 0.0358, 0.0096 with 1 to 4 bits. The mean of m messages with independent keys and the
    scale "unbiased" has an m-th of it.

    Args:
        bits: bits an entry, 1 to 8.
        scale: "unbiased" or "mmse".

    Returns:
        The error.

    Raises:
        ValueError: bits or scale out of range.

    Cost:
        Microseconds; the first time for a number of bits a millisecond.

    Example:
        >>> from hadax.compression import expected_nmse
        >>> [round(expected_nmse(bits), 4) for bits in (1, 2, 3, 4)]
        [0.5708, 0.1331, 0.0358, 0.0096]
        >>> [round(expected_nmse(bits, scale="mmse"), 4) for bits in (1, 2, 3, 4)]
        [0.3634, 0.1175, 0.0345, 0.0095]

    See Also:
        `hadax.discrepancy.lloyd_max_distortion`, at finite length and for structured rotations.

    References:
        Vargaftik et al. (2022), key `vargaftik2022`.
    """
    bits = _lloyd_max.bits_of_a_codebook(bits)
    _compression_checks.scale(scale)
    error = _lloyd_max.distortion(_lloyd_max.codebook(bits), _lloyd_max.law(None))
    return error if scale == "mmse" else error / (1 - error)
