"""Where a sparse Fourier transform of functions of digits asks: the designs of any base q."""

import dataclasses

import jax
import jax.numpy as jnp
from jax import lax

from hadax._typing import Array, DTypeLike
from hadax.operators.base import static
from hadax.sparse import _digits
from hadax.sparse._contracts import Matrices, Offsets
from hadax.sparse.designs import windows


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class DigitSubsampling(Matrices):
    r"""Matrices $M_1, \dots, M_C$ over the integers modulo q: a `Subsampling` of digits.

    Group c asks at the points $M_c \ell$, $\ell$ of b digits, and sees coefficient k in its bin
    $M_c^\top k$. `columns` (C, b, n) holds the columns of the matrices.
    """

    columns: Array
    n: int = static()
    base: int = static()

    @property
    def groups(self) -> int:
        """The number C of groups."""
        return self.columns.shape[-3]

    @property
    def bins(self) -> int:
        """The number q^b of bins of a group."""
        return self.base ** self.columns.shape[-2]

    @property
    def width(self) -> int:
        """The words of a packed index."""
        return _digits.width(self.n, self.base)

    def points(self) -> Array:
        """Points of every group, in the order of l: (C, q^b, n) of int8."""
        inner = _digits.of_numbers(self.bins, self.columns.shape[-2], self.base)
        found = inner[None] @ self.columns.astype(jnp.int32) % self.base
        return found.astype(jnp.int8)

    def shifted(self, points: Array, offsets: Array) -> Array:
        """Points (..., n), each with its offset added: below 128 before they are reduced."""
        return (points + offsets) % self.base

    def bin_of(self, k: Array) -> Array:
        """The bins (C, m) of packed coefficients k (m, w)."""
        digits = _digits.unpack(k, self.n, self.base)
        columns = self.columns.reshape(-1, self.n)
        found = _digits.products(digits, columns, self.base)
        return _digits.numbers(found.reshape(len(k), self.groups, -1), self.base).T

    def transform(self, values: Array) -> Array:
        """Values over l (..., q^b) to what each bin sees, the sum of its coefficients."""
        inner = self.columns.shape[-2]
        grid = values.reshape(*values.shape[:-1], *(self.base,) * inner)
        found = jnp.fft.fftn(grid, axes=range(-inner, 0))
        return found.reshape(values.shape) / self.bins


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class DigitOffsets(Offsets):
    r"""Offsets $r_i$ and $r_i - e_j$ for every digit j: `RepeatedOffsets` of digits.

    The phase of a coefficient k turns by $k_j / q$ of a circle from $r_i - e_j$ to $r_i$. `base`
    is q, and `bases` (R, n) holds the $r_i$.
    """

    bases: Array
    base: int = static()

    @property
    def count(self) -> int:
        """The number P = R (n + 1) of offsets."""
        return self.bases.shape[-2] * (self.bases.shape[-1] + 1)

    def words(self) -> Array:
        """The offsets: (P, n) digits of int8."""
        n = self.bases.shape[-1]
        steps = jnp.eye(n + 1, n, k=-1, dtype=jnp.int8)
        return ((self.bases[:, None] - steps[None]) % self.base).reshape(self.count, n)

    def signs(self, k: Array, dtype: DTypeLike) -> Array:
        """The phases of packed coefficients k (m, w) at every offset: (m, P)."""
        digits = _digits.unpack(k, self.bases.shape[-1], self.base)
        roots = _digits.roots(self.base, dtype)
        at_base = roots[_digits.products(digits, self.bases, self.base)]
        of_digits = jnp.pad(roots.conj()[digits], ((0, 0), (1, 0)), constant_values=1)
        return (at_base[:, :, None] * of_digits[:, None]).reshape(-1, self.count)

    def decode(self, seen: Array) -> Array:
        """The coefficient that explains m bins (m, P) best if each holds only one: (m, w)."""
        votes = seen.reshape(len(seen), -1, self.bases.shape[-1] + 1)
        turns = jnp.angle(jnp.sum(votes[..., :1] * votes[..., 1:].conj(), axis=1))
        digits = jnp.round(turns * (self.base / (2 * jnp.pi))).astype(jnp.int32) % self.base
        return _digits.pack(digits, self.base)


def subsampling(key: Array, n: int, inner: int, groups: int, base: int) -> DigitSubsampling:
    r"""Random matrices whose maps $k \mapsto M_c^\top k$ spread all indices evenly over the bins.

    A homomorphism onto $\mathbb{Z}_q^b$ does: its fibres are the cosets of its kernel. It is onto
    if and only if it is so modulo every prime that divides q, by Nakayama's lemma, that is if
    $M_c$ has rank b there. By the same argument all of them together are injective, for
    $C b \ge n$, if and only if all columns together have rank n modulo each of these primes.
    """

    def draw(attempt: Array) -> Array:
        shape = (groups, inner, n)
        return jax.random.randint(jax.random.fold_in(key, attempt), shape, 0, base, jnp.int8)

    def lacks_rank(state: tuple[Array, Array]) -> Array:
        _, columns = state
        good = jnp.array(True)
        for prime in _digits.primes(base):
            each = jax.vmap(lambda matrix, p=prime: _digits.rank(matrix, p))(columns)
            together = _digits.rank(columns.reshape(groups * inner, n), prime)
            good &= jnp.all(each == inner) & (together == min(n, groups * inner))
        return ~good

    def again(state: tuple[Array, Array]) -> tuple[Array, Array]:
        attempt = state[0] + jnp.uint32(1)
        return attempt, draw(attempt)

    _, columns = lax.while_loop(lacks_rank, again, (jnp.uint32(0), draw(jnp.uint32(0))))
    return DigitSubsampling(columns, n, base)


def identity_blocks(n: int, inner: int, groups: int, base: int) -> DigitSubsampling:
    """Matrices that choose b of the n digits of an index, like those of bits."""
    return DigitSubsampling(jnp.eye(n, dtype=jnp.int8)[windows(n, inner, groups)], n, base)


def offsets(key: Array, n: int, repetitions: int, base: int) -> DigitOffsets:
    """Offsets from which each digit of an index is read R times."""
    return DigitOffsets(jax.random.randint(key, (repetitions, n), 0, base, jnp.int8), base)
