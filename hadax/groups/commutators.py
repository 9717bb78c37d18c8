"""Which combinations of given matrices commute with a covariance: a generalized eigenvalue problem.

The members of a dictionary are fixed; the combination of them that commutes best with R, the next
best, and so on solve M c = lambda G c with the Gram matrices of the commutators and of the members.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpy.typing import NDArray

from hadax import _checks, _dtypes
from hadax._typing import Array, ArrayLike, Inexact, Num
from hadax.groups import _group_checks


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class CommutatorSpectrum:
    """How well combinations of a dictionary commute with a matrix, the best first.

    `eigenvalues` (k,) are $|[A, R]|_F^2 / |A|_F^2$, ascending, of combinations A that are
    orthonormal and whose commutators are orthogonal; the last ones are infinite if the dictionary
    spans less than k dimensions: `dimension`. Column i of `coefficients` (k, k) holds the weights
    of A in the dictionary. `floor` (k,) is what noise would leave of each eigenvalue if A commuted
    with the true covariance, or None where no number of snapshots was given.
    """

    eigenvalues: Array
    coefficients: Array
    dimension: Array
    floor: Array | None

    def nullity(self, tolerance: Inexact[ArrayLike, "..."]) -> Array:
        """How many eigenvalues are at most `tolerance`, one number or one for each of them."""
        return jnp.sum(self.eigenvalues <= jnp.asarray(tolerance, self.eigenvalues.dtype))


def double_commutator(
    R: Inexact[ArrayLike, "n n"],
    dictionary: Num[ArrayLike, "k n"] | Num[ArrayLike, "k n n"],
    *,
    snapshots: int | None = None,
) -> CommutatorSpectrum:
    r"""The combinations of a dictionary that commute with a covariance, and those that almost do.

    $M c = \lambda G c$ with $M_{kl} = \langle [B_k, R], [B_l, R]\rangle =
    \langle B_k, [R, [R, B_l]]\rangle$ and $G_{kl} = \langle B_k, B_l\rangle$: for
    $A = \sum_k c_k B_k$ it is $\lambda = |[A, R]|_F^2 / |A|_F^2$. The traces of the members are
    taken off, since the identity commutes with everything; combinations that vanish are left out.
    With `snapshots`, the floor is that of real Gaussian vectors, exactly $c^T N c / L$ with
    $N_{kl} = \operatorname{tr}[(B_k^T B_l + B_l B_k^T) S]
    - 2 \operatorname{tr} B_k R \operatorname{tr} B_l R - 2 \operatorname{tr} B_k R B_l R$
    and $S = R \operatorname{tr} R + R^2$.

    Args:
        R: array (n, n), real symmetric or complex Hermitian.
        dictionary: permutations (k, n), integers that are known outside of jit, or matrices
            (k, n, n), real or complex.
        snapshots: the number L of real vectors that R was estimated from, or None.

    Returns:
        The eigenvalues in units of $|R|_F^2$ as it is given, and what belongs to them.

    Raises:
        ValueError: R is no square matrix, a member has another shape, or a row is no permutation.
        TypeError: the entries of R or of the dictionary are no numbers of these kinds, or there
            are snapshots and R or the dictionary is complex.

    Cost:
        O(k^2 n^2 + k^3) operations and O(k n^2) numbers; k n^3 operations more for matrices.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import groups
        >>> R = jnp.exp(-abs(jnp.arange(8.0)[:, None] - jnp.arange(8.0)[None]))
        >>> R = groups.reynolds(groups.dihedral(8), R)
        >>> shifts = (jnp.arange(8) + jnp.arange(1, 8)[:, None]) % 8
        >>> flips = jnp.arange(8) ^ jnp.arange(1, 8)[:, None]
        >>> spectrum = groups.double_commutator(R, jnp.concatenate([shifts, flips]))
        >>> int(spectrum.dimension), int(spectrum.nullity(1e-5))
        (11, 9)

    See Also:
        `commutator_floor`, of one permutation; `commutativity_residual`, of a group.
    """
    matrix = _checks.array("R", R)
    _group_checks.square("R", matrix)
    matrix = _group_checks.matrices("R", matrix, matrix.shape[0])
    members, permutations = _members(dictionary, matrix.shape[0])
    kinds = [_dtypes.accumulator(each.dtype) for each in (matrix, members)]
    dtype = jnp.dtype(np.promote_types(*kinds))
    matrix, members = matrix.astype(dtype), members.astype(dtype)
    left, right = _products(members, permutations, matrix)
    weights, dimension = _whitening(members)
    seen = _matmul(weights.T, _rows(left - right))
    # Combinations that vanish get a value above all others: [A, R] is at most 2 |R| |A|.
    vanishes = jnp.arange(len(members)) < len(members) - dimension
    above = 8 * jnp.sum(jnp.square(jnp.abs(matrix))) + 1
    M = _matmul(seen.conj(), seen.T) + jnp.diag(jnp.where(vanishes, above, 0).astype(dtype))
    values, vectors = jnp.linalg.eigh(M)
    coefficients = _matmul(weights, vectors)
    exists = jnp.arange(len(members)) < dimension
    floor = None
    if snapshots is not None:
        count = _checks.integer("snapshots", snapshots, minimum=1)
        _group_checks.real_for_snapshots(dtype)
        N = _noise(members, permutations, matrix, left)
        floor = jnp.sum(coefficients * _matmul(N, coefficients), axis=0) / count
    # Commutators add up to squares; round-off alone makes an eigenvalue negative.
    eigenvalues = jnp.where(exists, jnp.maximum(values, 0), jnp.inf)
    return CommutatorSpectrum(eigenvalues, coefficients, dimension, floor)


def _members(dictionary: Num[ArrayLike, "..."], n: int) -> tuple[Array, NDArray[np.int64] | None]:
    """The members as matrices (k, n, n), and as permutations if they are some."""
    if np.ndim(dictionary) == 2:
        moves = _group_checks.permutations("dictionary", np.asarray(dictionary))
        _group_checks.acts_on("dictionary", moves, n)
        # P sends the entry i of a vector to p[i]: its column i is the unit vector p[i].
        return jnp.asarray(np.eye(n, dtype=np.float32)[moves].transpose(0, 2, 1)), moves
    return _group_checks.members("dictionary", dictionary, n), None


def _products(
    members: Array, permutations: NDArray[np.int64] | None, S: Array
) -> tuple[Array, Array]:
    """B S and S B for every member B: permutations move rows and columns."""
    if permutations is None:
        every = jnp.broadcast_to(S, members.shape)
        return _matmul(members, every), _matmul(every, members)
    return S[np.argsort(permutations, axis=1)], S[:, permutations].swapaxes(0, 1)


def _whitening(members: Array) -> tuple[Array, Array]:
    """Weights (k, k) of orthonormal combinations of the members without their traces, zero where a
    combination vanishes, those first; and how many do not."""
    n = members.shape[-1]
    traces = jnp.trace(members, axis1=1, axis2=2)[:, None, None] / n
    rows = _rows(members - traces * jnp.eye(n, dtype=members.dtype)[None])
    lengths, vectors = jnp.linalg.eigh(_matmul(rows.conj(), rows.T))
    smallest = 4 * len(rows) * jnp.finfo(lengths.dtype).eps * lengths[-1]
    kept = lengths > smallest
    scales = jnp.where(kept, 1 / jnp.sqrt(jnp.where(kept, lengths, 1)), 0)
    return vectors * scales.astype(vectors.dtype)[None], jnp.sum(kept)


def _noise(members: Array, permutations: NDArray[np.int64] | None, R: Array, left: Array) -> Array:
    """The matrix N of the floor; `left` holds B R for every member B."""
    S = R * jnp.trace(R) + _matmul(R, R)
    before, after = _products(members, permutations, S)
    moved = _matmul(_rows(left), _rows(left.mT).T)
    traces = jnp.trace(left, axis1=1, axis2=2)
    return (
        _matmul(_rows(members), _rows(before + after).T) - 2 * jnp.outer(traces, traces) - 2 * moved
    )


def _rows(matrices: Array) -> Array:
    """Each matrix as one row."""
    return matrices.reshape(matrices.shape[0], -1)


def _matmul(a: Array, b: Array) -> Array:
    """The product in full precision."""
    return jnp.matmul(a, b, precision=lax.Precision.HIGHEST)
