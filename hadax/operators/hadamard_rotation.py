"""The structured random rotation: random signs and Hadamard transforms in turn."""

from typing import Literal, TypeAlias, get_args

import jax
import jax.numpy as jnp
from jax import lax

from hadax import _checks, _dtypes
from hadax._bits import is_power_of_two
from hadax._typing import Array, KeyArray
from hadax.kernels import _dispatch, _hadamard_orders
from hadax.operators.base import OrthogonalOperator, array, operator_class, static

Permute: TypeAlias = Literal["none", "fixed", "fresh"]

# A few blocks are written out rather than looped over: XLA runs the body of a loop on one thread,
# and a loop copies its first operand.
_WRITTEN_OUT = 4
# Of the permutation that is the same for every key: any seed does, as a shuffle is almost surely
# far from every affine map of the indices, and only those do nothing.
_FIXED_SEED = 0


@operator_class
class RandomizedHadamard(OrthogonalOperator):
    """H D_k P H ... H D_1 with the orthonormal H and the sign diagonals D_i = diag(signs[i - 1]).

    The permutation P takes entry `indices[i]` to place i; without indices it is the identity.
    """

    signs: Array = array(ndim=2)
    indices: Array | None = array(ndim=1, default=None)
    transposed: bool = static(default=False)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n)."""
        return self.signs.shape[-1], self.signs.shape[-1]

    @property
    def blocks(self) -> int:
        """The number k of blocks."""
        return self.signs.shape[-2]

    def _apply(self, x: Array) -> Array:
        _checks.not_integer(x.dtype)
        y = x.astype(_dtypes.accumulator(x.dtype))  # one rounding at the end, not one a block
        if self.indices is None:
            y = self._rounds(y, self.signs)
        elif self.transposed:
            y = self._rounds(y, self.signs[-1:])
            y = self._rounds(_take(y, jnp.argsort(self.indices)), self.signs[:-1])
        else:
            y = _take(self._rounds(y, self.signs[:-1]), self.indices)
            y = self._rounds(y, self.signs[-1:])
        return y.astype(x.dtype)

    def _rounds(self, y: Array, signs: Array) -> Array:
        """H D_j ... H D_1 y for these signs (j, n), or its transpose."""
        n = self.shape[0]
        side = "after" if self.transposed else "before"
        transpose = True if self.transposed and not is_power_of_two(n) else None

        def block(y: Array, row: Array) -> tuple[Array, None]:
            return _dispatch.wht(y, row, side=side, scale=n**-0.5, transpose=transpose), None

        rows = len(signs)
        if rows > _WRITTEN_OUT:
            return lax.scan(block, y, signs, reverse=self.transposed)[0]
        for i in reversed(range(rows)) if self.transposed else range(rows):
            y, _ = block(y, signs[i])
        return y

    def _transpose(self) -> "RandomizedHadamard":
        return RandomizedHadamard(self.signs, self.indices, not self.transposed)


def _take(y: Array, indices: Array) -> Array:
    """The entries at these indices, of the last axis."""
    return jnp.take(y, indices, axis=-1, unique_indices=True, mode="clip")


def randomized_hadamard(
    key: KeyArray, n: int, blocks: int = 2, *, permute: Permute = "none"
) -> RandomizedHadamard:
    r"""The structured random rotation: a few rounds of random signs and a Hadamard transform.

    $x \mapsto H D_k \cdots H D_1 x$ with the orthonormal Hadamard matrix H of order n and
    independent diagonals $D_i$ of random signs. One coordinate of the two-block rotation of a unit
    vector is close to one of a uniformly rotated vector, for every vector; with one block it is not
    (a vector with one entry). The vector as a whole stays away from uniform in the Wasserstein
    distance, however many blocks there are: each sign pattern gives one point, and they are too
    few. A uniformly random permutation P before the last signs, $H D_k P H \cdots H D_1 x$, repairs
    that from three blocks on: the distance tends to 0 for every input.

    Args:
        key: a new-style PRNG key.
        n: length, m * 2^k with a Hadamard matrix of order m.
        blocks: the number of rounds.
        permute: what stands before the last signs. "none"; "fixed", a permutation without
            structure that is the same for every key; or "fresh", one drawn with the signs.

    Returns:
        An orthogonal operator of shape (n, n) that stores its signs as int8 (blocks, n) and, if it
        permutes, indices as int32 (n,). In 16-bit floats it rounds once, at the end.

    Raises:
        ValueError: no Hadamard matrix of order n is built, blocks is less than 1, or permute is
            none of its words.
        TypeError: key is no new-style key; n or blocks is no integer.

    Cost:
        blocks * (one `fwht` + n sign flips) a vector; blocks * n bytes. A permutation adds a gather
        of n numbers a vector, 4 n bytes and, to draw it, O(n log n).

    Example:
        >>> import jax, jax.numpy as jnp, hadax
        >>> rotation = hadax.randomized_hadamard(jax.random.key(0), 1024)
        >>> y = rotation(jnp.zeros(1024).at[3].set(1.0))
        >>> y.shape, float(jnp.linalg.norm(y).round(5))
        ((1024,), 1.0)

    See Also:
        `haar_rotation`, the uniform rotation that it stands in for, in O(n^2);
        `scipy.stats.ortho_group`.

    References:
        Ailon & Chazelle (2009) for one block, Zilca & Mendelson (2026) for two: keys `ailon2009`,
        `zilca2026`. For the permutation docs/theory/whole_vectors.md, W5
        and W6.
    """
    _checks.key(key)
    n = _checks.integer("n", n, minimum=1)
    blocks = _checks.integer("blocks", blocks, minimum=1)
    _checks.choice("permute", permute, get_args(Permute))
    _hadamard_orders.decompose(n)
    if permute == "none":
        return RandomizedHadamard(jax.random.rademacher(key, (blocks, n), dtype=jnp.int8))
    key_signs, key_indices = jax.random.split(key)
    signs = jax.random.rademacher(key_signs, (blocks, n), dtype=jnp.int8)
    if permute == "fixed":
        key_indices = jax.random.key(_FIXED_SEED, impl="threefry2x32")
    indices = jax.random.permutation(key_indices, jnp.arange(n, dtype=jnp.int32))
    return RandomizedHadamard(signs, indices)
