"""The structured random rotation: random signs and Hadamard transforms in turn."""

from typing import Literal, TypeAlias, get_args, overload

import jax
import jax.numpy as jnp
from jax import lax

from hadax import _checks, _dtypes
from hadax._bits import is_power_of_two
from hadax._typing import Array, KeyArray
from hadax.kernels import _dispatch, _hadamard_orders
from hadax.operators.base import Composed, OrthogonalOperator, array, operator_class, static
from hadax.operators.elementary import Permutation

Permute: TypeAlias = Literal["none", "fixed", "fresh"]

# A few blocks are written out rather than looped over: XLA runs the body of a loop on one thread,
# and a loop copies its first operand.
_WRITTEN_OUT = 4
# Of the permutation that is the same for every key: any seed does, as a shuffle is almost surely
# far from every affine map of the indices, and only those do nothing.
_FIXED_SEED = 0


@operator_class
class RandomizedHadamard(OrthogonalOperator):
    """H D_k ... H D_1 with the orthonormal H and the sign diagonals D_i = diag(signs[i - 1])."""

    signs: Array = array(ndim=2)
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
        dtype = _dtypes.accumulator(x.dtype)  # one rounding at the end, not one a block
        n = self.shape[0]
        side = "after" if self.transposed else "before"
        transpose = True if self.transposed and not is_power_of_two(n) else None

        def block(y: Array, signs: Array) -> tuple[Array, None]:
            return _dispatch.wht(y, signs, side=side, scale=n**-0.5, transpose=transpose), None

        y = x.astype(dtype)
        if self.blocks <= _WRITTEN_OUT:
            for i in reversed(range(self.blocks)) if self.transposed else range(self.blocks):
                y, _ = block(y, self.signs[i])
        else:
            y, _ = lax.scan(block, y, self.signs, reverse=self.transposed)
        return y.astype(x.dtype)

    def _transpose(self) -> "RandomizedHadamard":
        return RandomizedHadamard(self.signs, not self.transposed)


@overload
def randomized_hadamard(
    key: KeyArray, n: int, blocks: int = 2, *, permute: Literal["none"] = "none"
) -> RandomizedHadamard: ...
@overload
def randomized_hadamard(
    key: KeyArray, n: int, blocks: int = 2, *, permute: Literal["fixed", "fresh"]
) -> Composed: ...
@overload
def randomized_hadamard(
    key: KeyArray, n: int, blocks: int = 2, *, permute: Permute
) -> RandomizedHadamard | Composed: ...
def randomized_hadamard(
    key: KeyArray, n: int, blocks: int = 2, *, permute: Permute = "none"
) -> RandomizedHadamard | Composed:
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
    shuffle = Permutation(jax.random.permutation(key_indices, jnp.arange(n, dtype=jnp.int32)))
    last = RandomizedHadamard(signs[-1:])
    return Composed(
        (last, shuffle, RandomizedHadamard(signs[:-1])) if blocks > 1 else (last, shuffle)
    )
