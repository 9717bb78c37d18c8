"""Offsets by which an index of low degree is read from the syndromes of a BCH code."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from hadax import _checks
from hadax._typing import Array, KeyArray
from hadax.operators.base import static
from hadax.sparse import _galois, _query_checks
from hadax.sparse._contracts import Offsets
from hadax.sparse._voting import changes
from hadax.sparse.bits import pack_bits, random_words

# Indices, of all bins and all that is tried for each, that are decoded at once.
_TOGETHER = 2**13


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class BchOffsets(Offsets):
    r"""Offsets $r_i$ and $r_i \oplus h_l$ for L parities $h_l$: what `bch_offsets` makes.

    The sign of a coefficient k changes from $r_i$ to $r_i \oplus h_l$ if and only if the parity
    $\langle h_l, k\rangle$ is a one, and each of the R bases votes on that. `base` (R, w) holds
    them packed.
    """

    base: Array
    n: int = static()
    degree: int = static()
    chase: int = static()

    @property
    def count(self) -> int:
        """The number P = R (L + 1) of offsets."""
        return self.base.shape[-2] * len(self._steps)

    def words(self) -> Array:
        """The offsets, packed: (P, w)."""
        return (self.base[:, None] ^ pack_bits(self._steps)[None]).reshape(self.count, -1)

    def decode(self, seen: Array) -> Array:
        """The coefficient of low degree that explains m bins (m, P), if each holds one: (m, w).

        Of all that is tried it is the one that fits best.
        """
        together = max(1, _TOGETHER >> (self.chase + 1))
        return lax.map(self._best, seen, batch_size=min(len(seen), together))

    @property
    def _steps(self) -> np.ndarray:
        """Nothing, and the parities: (L + 1, n)."""
        return np.pad(_galois.code(self.n, self.degree).parities, ((1, 0), (0, 0)))

    def _best(self, seen: Array) -> Array:
        """What is decoded from one bin (P,), with each choice of its parities."""
        code = _galois.code(self.n, self.degree)
        ratios = changes(seen.reshape(-1, len(self._steps)))
        tried = (ratios < 0)[None] ^ self._flips(jnp.abs(ratios))
        k = pack_bits(jax.vmap(lambda bits: _galois.found(code, bits))(tried))
        fit = jnp.abs(jnp.sum(self.signs(k, seen.dtype) * seen[None], axis=-1))
        return k[jnp.argmax(fit)]

    def _flips(self, reliability: Array) -> Array:
        """Which parities are taken the other way, in each of the trials: (trials, L)."""
        if not self.chase:
            return jnp.zeros((1, len(reliability)), bool)
        weakest = jnp.argsort(reliability)[: self.chase]
        choices = np.arange(1 << len(weakest))[:, None] >> np.arange(len(weakest)) & 1
        flips = jnp.zeros((len(choices), len(reliability)), bool)
        flips = flips.at[:, weakest].set(jnp.asarray(choices, bool))
        # All of them, if it is the sign at the base that is wrong.
        return jnp.concatenate([flips, ~flips])


def bch_offsets(
    key: KeyArray, n: int, degree: int, repetitions: int = 1, *, chase: int = 0
) -> BchOffsets:
    r"""Offsets from which an index with few ones is read: about t log2 n + 1 for up to t ones.

    The parities of the BCH code that corrects t errors, shortened to n bits, are its syndromes,
    with the ones of an index k, $|k| \le t$, for errors. The algorithm of Berlekamp and Massey
    makes of them the polynomial that has the ones for its roots. Parities that others add up to
    are not asked for, so that there are never more than n.

    Args:
        key: a key.
        n: bits of an index.
        degree: t, the most ones of an index; an index with more is not found.
        repetitions: R; with noise, parities are read by a majority that weighs them.
        chase: with noise, how many of the least reliable parities are tried both ways, and all of
            them turned too; what fits the bin best is taken. Chase's second algorithm, with 2^chase
            patterns.

    Returns:
        A `BchOffsets` of R (L + 1) offsets, L at most n and t ceil(log2(n + 1)).

    Raises:
        ValueError: no bits, a degree that is not from 1 to n, no repetition, or a chase above 10.
        TypeError: no new-style key.

    Cost:
        O(t n log n) words. A bin is decoded in O(t n) products in the field, 2^(chase + 1) times
        as many with chase.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax import sparse
        >>> offsets = sparse.bch_offsets(jax.random.key(0), 60, 4)
        >>> offsets.count
        25
        >>> k = jnp.array([[6, 0], [7, 2048]], jnp.uint32)
        >>> offsets.decode(-2.0 * offsets.signs(k, jnp.float32))
        Array([[   6,    0],
               [   7, 2048]], dtype=uint32)

    See Also:
        `repeated_offsets` for all indices. The peer sparse-transform keeps the index in the message
        of a longer code: 29 offsets in the example.

    References:
        Kang and others (2025), key `kang2025`. Inversions are avoided as by Sarwate and Shanbhag
        (2001), key `sarwate2001`; Chase (1972), key `chase1972`.
    """
    length = _checks.integer("n", n, minimum=1)
    most = _query_checks.low_degree(degree, length)
    count = _checks.integer("repetitions", repetitions, minimum=1)
    patterns = _query_checks.chase(chase)
    return BchOffsets(random_words(_checks.key(key), (count,), length), length, most, patterns)
