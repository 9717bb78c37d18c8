"""The Hadamard matrices behind the transforms, and the lengths for which there are any."""

import jax.numpy as jnp

from hadax import _checks
from hadax._typing import Array, DTypeLike, Num
from hadax.kernels import _hadamard_orders


def hadamard_matrix(n: int, *, dtype: DTypeLike = jnp.int32) -> Num[Array, "n n"]:
    r"""The Hadamard matrix of order n that `fwht` of length n multiplies by.

    $H$ has entries +1 and -1 and $H H^T = n I$. For a power of two it is Sylvester's,
    $H_{ij} = (-1)^{\langle i, j\rangle}$. Any other order is $n = m 2^k$ with
    $H = H_m \otimes H_2^{\otimes k}$, where the base order m is the smallest of n, n/2, n/4, ...
    that one of these constructions reaches (q is a prime power). The first in this order is taken:
    Paley I (m = q + 1), Paley II (m = 2 q + 2), Williamson (m = 92, 172), Miyamoto (m = 4 q, with a
    Hadamard matrix of order q - 1), Cooper and Wallis in the array of Goethals and Seidel
    (m = 156, 260, ...).

    A matrix is the same in every process. It is symmetric for a power of two and where $H_m$ is
    Paley's second; otherwise $H^T$ is in general another matrix.

    Args:
        n: order, at least 1: 1, 2 or a multiple of 4 that a construction reaches. Up to 1000 these
            are all multiples but 188, 236, 268, 372, 376, 412, 428, 472, 508, 532, 536, 604, 652,
            668, 716, 732, 764, 836, 852, 856, 876, 892, 940, 944, 956, 980, 988 and 996.
        dtype: type of the entries, any that holds -1. The default is wide enough for H @ H.T to be
            exact; int8, a quarter of the memory, overflows there from n = 128.

    Returns:
        Array (n, n) of `dtype`.

    Raises:
        ValueError: no construction reaches n, or its base order exceeds 4096. The message names the
            nearest orders that are there.
        TypeError: n is not an integer, or `dtype` cannot hold -1.

    Cost:
        O(n^2) operations and memory. A base matrix is built once a process, in less than a second.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> hadax.hadamard_matrix(4)
        Array([[ 1,  1,  1,  1],
               [ 1, -1,  1, -1],
               [ 1,  1, -1, -1],
               [ 1, -1, -1,  1]], dtype=int32)
        >>> H = hadax.hadamard_matrix(172)
        >>> bool(jnp.array_equal(H @ H.T, 172 * jnp.eye(172, dtype=int)))
        True

    See Also:
        `scipy.linalg.hadamard`: the same matrix, for powers of two only. MATLAB `hadamard`: n, n/12
        or n/20 a power of two. `next_hadamard_length`: the next order that is there.

    References:
        Paley (1933), key `paley1933`; Williamson (1944), key `williamson1944`; Goethals & Seidel
        (1970), key `goethals1970`; Cooper & Wallis (1972), key `cooper1972`; Miyamoto (1991), key
        `miyamoto1991`.
    """
    order = _checks.integer("n", n, minimum=1)
    _checks.signed("dtype", dtype)
    return jnp.asarray(_hadamard_orders.hadamard_matrix(order), dtype)


def next_hadamard_length(n: int) -> int:
    r"""The smallest length, at least n, for which there is a Hadamard matrix: what to pad to.

    It is at most the next power of two, $2^{\lceil \log_2 n \rceil}$, and mostly much less.

    Args:
        n: length, at least 1.

    Returns:
        The smallest order, at least n, that `hadamard_matrix` and `fwht` accept.

    Raises:
        ValueError: n is less than 1.
        TypeError: n is not an integer.

    Cost:
        Microseconds; no matrix is built.

    Example:
        >>> import hadax
        >>> [hadax.next_hadamard_length(n) for n in (3, 185, 1001, 11008)]
        [4, 192, 1008, 11008]

    See Also:
        `scipy.fft.next_fast_len`: the same question for the FFT.

    References:
        Paley (1933), key `paley1933`.
    """
    return _hadamard_orders.nearest_supported(n)[1]
