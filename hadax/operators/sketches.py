"""Random maps to fewer dimensions that keep lengths on average."""

import math

import jax
import jax.numpy as jnp

from hadax import _checks
from hadax._typing import KeyArray
from hadax.kernels import _hadamard_orders
from hadax.operators.base import Composed
from hadax.operators.elementary import Hadamard, Scale, Selection, Signs


def srht(key: KeyArray, n: int, m: int) -> Composed:
    r"""Subsampled randomized Hadamard transform.

    $\Phi = \sqrt{n/m}\, R H D$ with a diagonal D of random signs, the orthonormal Hadamard matrix H
    and m of its rows drawn without replacement. $E\,\|\Phi x\|^2 = \|x\|^2$.

    Args:
        key: a new-style PRNG key.
        n: length of the inputs, a Hadamard length.
        m: length of the outputs, at most n.

    Returns:
        An operator of shape (m, n), the product of four elementary ones.

    Raises:
        ValueError: no Hadamard matrix of order n is built, or m is not in 1 ... n.
        TypeError: key is no new-style key; n or m is no integer.

    Cost:
        One `fwht` of length n a vector; n + 4 m bytes.

    Example:
        >>> import jax, jax.numpy as jnp, hadax
        >>> sketch = hadax.srht(jax.random.key(0), 64, 16)
        >>> sketch(jnp.ones((3, 64))).shape, sketch.T(jnp.ones((3, 16))).shape
        ((3, 16), (3, 64))

    See Also:
        `randomized_hadamard`, which keeps all rows.

    References:
        Tropp (2011), key `tropp2011`.
    """
    _checks.key(key)
    n = _checks.integer("n", n, minimum=1)
    m = _checks.integer("m", m, minimum=1)
    _checks.at_most("m", m, n, what="n")
    _hadamard_orders.decompose(n)
    key_signs, key_rows = jax.random.split(key)
    signs = jax.random.rademacher(key_signs, (n,), dtype=jnp.int8)
    rows = jax.random.choice(key_rows, n, (m,), replace=False)
    keep_length = Scale(jnp.asarray(math.sqrt(n / m)), m)
    return Composed((keep_length, Selection(rows, n), Hadamard(n), Signs(signs)))
