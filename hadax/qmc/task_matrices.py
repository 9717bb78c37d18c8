"""Covariances of related functions, and their matrices on shifted copies of one sequence."""

import dataclasses
import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax.linalg import triangular_solve

from hadax import _checks
from hadax._typing import Array, ArrayLike
from hadax.operators.base import static
from hadax.qmc import _spectra, _task_blocks, _task_checks
from hadax.qmc._assembly import Points
from hadax.qmc.kernels import ProductKernel
from hadax.qmc.lattices import Lattice

_dots = functools.partial(jnp.einsum, precision="highest")


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class TaskGram:
    r"""The matrix $T_{ij} K(x, z)$ of all tasks' points, with noise: what `task_gram` makes.

    A pytree. `factor` (frequencies, R, R) holds lower Cholesky factors of the matrices between the
    R blocks, of a lattice at the frequencies from 0 to half; `sizes` is the number of points of
    each task. Vectors are tuples of one array (n_i,) a task.
    """

    factor: Array
    sizes: tuple[int, ...] = static()
    is_lattice: bool = static()

    @classmethod
    def of_columns(
        cls,
        scale: Array,
        minus_one: Array,
        tasks: Array,
        noise: Array,
        sizes: tuple[int, ...],
        *,
        is_lattice: bool,
    ) -> "TaskGram":
        """Of K / S - 1 between blocks, (R, R, n_min), the tasks' covariance and noise (tasks,)."""
        owners, least = _task_blocks.owners(sizes), min(sizes)
        spectra = _spectra.half_transformed(minus_one, is_lattice=is_lattice)
        root = jnp.sqrt(jnp.asarray(least, minus_one.dtype))
        # The mean of the kernel, S, only adds to the first frequency, as in `Gram`.
        spectra = (root.astype(spectra.dtype) * spectra).at[..., 0].add(least)
        shares = scale * tasks[owners[:, None], owners[None]]
        blocks = shares[..., None].astype(spectra.dtype) * spectra
        blocks = blocks + jnp.diag(noise[owners])[..., None].astype(spectra.dtype)
        return cls(_task_blocks.factored(jnp.moveaxis(blocks, -1, 0)), sizes, is_lattice)

    @property
    def n(self) -> int:
        """The number of points of all tasks."""
        return sum(self.sizes)

    def __call__(self, y: Sequence[Array]) -> tuple[Array, ...]:
        """The product with y."""
        halves = _dots("kba,kb->ka", self.factor.conj(), self._forward(y))
        return self._backward(_dots("kab,kb->ka", self.factor, halves))

    def solve(self, y: Sequence[Array]) -> tuple[Array, ...]:
        """What the product with is y."""
        halves = self._halves(y)[..., None]
        solved = triangular_solve(
            self.factor, halves, left_side=True, lower=True, transpose_a=True, conjugate_a=True
        )
        return self._backward(solved[..., 0])

    def quadratic(self, y: Sequence[Array]) -> Array:
        """y^T K^-1 y."""
        powers = jnp.sum(jnp.square(jnp.abs(self._halves(y))), axis=1)
        return jnp.sum(self._multiplicities(powers.dtype) * powers)

    def logdet(self) -> Array:
        """The logarithm of the determinant."""
        logs = jnp.sum(jnp.log(jnp.diagonal(self.factor, axis1=1, axis2=2).real), axis=1)
        return 2 * jnp.sum(self._multiplicities(logs.dtype) * logs)

    def inverse_diagonal(self) -> tuple[Array, ...]:
        """The diagonal of the inverse, an array (n_i,) a task: one number for each block."""
        identity = jnp.eye(self.factor.shape[-1], dtype=self.factor.dtype)
        inverse = triangular_solve(
            self.factor, jnp.broadcast_to(identity, self.factor.shape), left_side=True, lower=True
        )
        powers = jnp.sum(jnp.square(jnp.abs(inverse)), axis=1)
        counts = self._multiplicities(powers.dtype)
        found = _dots("k,ka->a", counts, powers) / min(self.sizes)
        return tuple(_task_blocks.split(jnp.repeat(found, min(self.sizes)), self.sizes))

    def _halves(self, y: Sequence[Array]) -> Array:
        """The factors' solutions for the transform of y, (frequencies, R)."""
        spectrum = self._forward(y)[..., None]
        return triangular_solve(self.factor, spectrum, left_side=True, lower=True)[..., 0]

    def _multiplicities(self, dtype: jnp.dtype) -> Array:
        """How often each frequency counts: of a lattice all but the first and the last twice."""
        counts = np.ones(len(self.factor), dtype)
        if self.is_lattice:
            counts[1:-1] = 2
        return jnp.asarray(counts)

    def _forward(self, y: Sequence[Array]) -> Array:
        """The transform of every block, (frequencies, R)."""
        blocks = _task_blocks.blocks(y, min(self.sizes))
        return _spectra.half_transformed(blocks, is_lattice=self.is_lattice).T

    def _backward(self, spectrum: Array) -> tuple[Array, ...]:
        """The vectors of which it is the transform."""
        blocks = _spectra.half_restored(spectrum.T, is_lattice=self.is_lattice)
        return tuple(_task_blocks.split(blocks.reshape(-1), self.sizes))


def task_covariance(factors: ArrayLike, variances: ArrayLike) -> Array:
    r"""The covariance of tasks that share a few functions: $T = F F^\top + \operatorname{diag} v$.

    Args:
        factors: F, array (tasks, shared): how much of each shared function a task has.
        variances: v, positive, (tasks,) or one for all: how much each has of its own.

    Returns:
        Array (tasks, tasks).

    Raises:
        ValueError: factors not of two axes; variances not positive, or of another number of tasks.

    Cost:
        One small product.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import qmc
        >>> qmc.task_covariance(jnp.array([[1.0], [0.5]]), 0.1)
        Array([[1.1 , 0.5 ],
               [0.5 , 0.35]], dtype=float32)

    See Also:
        `task_gram`. QMCPy: `KernelMultiTask`.

    References:
        Bonilla, Chai and Williams (2007), key `bonilla2007`.
    """
    shared = _checks.real_float("factors", _checks.shaped("factors", factors, ndim=2))
    own = _task_checks.one_a_task("variances", jnp.asarray(variances, shared.dtype), len(shared))
    return _task_blocks.covariance(shared, own)


def task_gram(
    kernel: ProductKernel,
    points: Sequence[Points],
    sizes: Sequence[int],
    *,
    tasks: ArrayLike,
    noise: ArrayLike = 0.0,
) -> TaskGram:
    r"""The matrix of a kernel $T_{ij} K(x, z)$ of several tasks, at points of each.

    With R the sum of $n_i / n_{\min}$ over tasks it takes the $n_{\min}$ matrices, R by R, between
    blocks of points at each frequency; those of a lattice are Hermitian.

    Args:
        kernel: K, of lattices or of nets, as the points are.
        points: one lattice a task, all of the same vector but each with its own shift; or one net a
            task, all of the same columns.
        sizes: number of points of each task, $n_i$, powers of two.
        tasks: T, array (tasks, tasks), symmetric and positive, as of `task_covariance`.
        noise: $\sigma^2$, one for all tasks or (tasks,).

    Returns:
        A `TaskGram`, a pytree.

    Raises:
        TypeError: a kernel of other points, or points of different kinds.
        ValueError: points that are not shifted copies; sizes, tasks or noise of another number; T
            not symmetric, or with a negative eigenvalue.

    Cost:
        R^2 n_min d operations for the kernel, and n_min R^3 / 3 for the factors (half of it for a
        lattice, in complex numbers); n_min (R^2 + R log n_min) for a product or a solution.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax import qmc
        >>> lattice, keys = qmc.lattice(qmc.cbc(2, 64)), jax.random.split(jax.random.key(0))
        >>> points = [qmc.random_shift(key, lattice) for key in keys]
        >>> T = qmc.task_covariance(jnp.array([[1.0], [0.5]]), 0.1)
        >>> K = qmc.task_gram(qmc.shift_invariant_kernel(2), points, [64, 16], tasks=T, noise=1e-2)
        >>> y = [jnp.sin(6.28 * p(n)[:, 0]) for p, n in zip(points, [64, 16])]
        >>> again = K(K.solve(y))
        >>> [bool(jnp.abs(a - b).max() < 1e-3) for a, b in zip(again, y)]
        [True, True]

    See Also:
        `gram`, of one task. FastGPs: `FastMultitaskGPLattice`.

    References:
        Bonilla, Chai and Williams (2007), key `bonilla2007`.
    """
    points, sizes = tuple(points), tuple(sizes)
    _task_checks.copies(kernel, points, sizes)
    dtype = kernel.scale.dtype
    between = _task_checks.covariance(tasks, len(sizes), dtype)
    variances = _task_checks.one_a_task("noise", jnp.asarray(noise, dtype), len(sizes), zero=True)
    minus_one = _task_blocks.columns(kernel.minus_one, points, sizes)
    is_lattice = isinstance(points[0], Lattice)
    return TaskGram.of_columns(
        kernel.scale, minus_one, between, variances, sizes, is_lattice=is_lattice
    )
