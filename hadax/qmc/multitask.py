"""Gaussian processes of several related functions, on shifted copies of one lattice or net.

The points of every task are cut into blocks of as many points as the task with the fewest has. In
natural order each block is the first one, shifted, so that one short transform diagonalises the
matrices between all pairs of blocks: left is a small matrix, blocks by blocks, at each frequency.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax.linalg import triangular_solve

from hadax import _checks
from hadax._typing import Array, ArrayLike, DTypeLike
from hadax.operators.base import static
from hadax.qmc import _task_checks, _words
from hadax.qmc._assembly import Points
from hadax.qmc.kernels import ProductKernel
from hadax.qmc.lattices import Lattice
from hadax.transforms.real_fourier import irfftbr, rfftbr
from hadax.transforms.walsh import fwht

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
        return _transform(_blocks(y, min(self.sizes)), is_lattice=self.is_lattice).T

    def _backward(self, spectrum: Array) -> tuple[Array, ...]:
        """The vectors of which it is the transform."""
        blocks = irfftbr(spectrum.T) if self.is_lattice else fwht(spectrum.T)
        ends = np.cumsum(self.sizes)[:-1].tolist()
        return tuple(jnp.split(blocks.reshape(-1), ends))


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class TaskPosterior:
    """Gaussian processes of several tasks, given values: what `condition_tasks` makes.

    A pytree. `coefficients` holds an array (n_i,) for each task, `prior_means` and `noise` (tasks,)
    a number for each.
    """

    kernel: ProductKernel
    points: tuple[Points, ...]
    tasks: Array
    matrix: TaskGram
    coefficients: tuple[Array, ...]
    prior_means: Array
    noise: Array

    def mean(self, task: int, x: Array) -> Array:
        """The posterior mean of a task at points x (q, d) in [0, 1): array (q,)."""
        _task_checks.known(task, len(self.points))
        row = self._row(task, x.dtype)
        joined = jnp.concatenate(self.coefficients)
        return self.prior_means[task] + jax.lax.map(lambda one: _dots("i,i", row(one), joined), x)

    def variance(self, task: int, x: Array) -> Array:
        """The posterior variance of a task at points x (q, d), without noise: array (q,)."""
        _task_checks.known(task, len(self.points))
        row, ends = self._row(task, x.dtype), np.cumsum(self.matrix.sizes)[:-1].tolist()
        word = self.points[0].words(1)[0]
        prior = self.tasks[task, task] * self.kernel(word, word)

        def at(one: Array) -> Array:
            return jnp.maximum(prior - self.matrix.quadratic(jnp.split(row(one), ends)), 0)

        return jax.lax.map(at, x)

    def integrals(self) -> tuple[Array, Array]:
        """The posterior means (tasks,) and covariance of the integrals over the unit cube."""
        sizes, scale = self.matrix.sizes, self.kernel.scale
        sums = jnp.stack([jnp.sum(one) for one in self.coefficients])
        means = self.prior_means + scale * _dots("ij,j->i", self.tasks, sums)
        # At frequency 0 the matrix is m S P T P^T, which would swallow the rest B, and B: with
        # T = G G^T the covariance is S G (1 + m S G^T P^T B^-1 P G)^-1 G^T.
        owners, least = _owners(sizes), min(sizes)
        rest = scale * jnp.sum(_columns(self.kernel, self.points, sizes), axis=-1)
        rest = rest * self.tasks[owners[:, None], owners[None]] + jnp.diag(self.noise[owners])
        root = _factored(self.tasks)
        halves = triangular_solve(_factored(rest), root[owners], left_side=True, lower=True)
        inner = jnp.eye(len(root), dtype=rest.dtype) + least * scale * _dots(
            "ki,kj->ij", halves, halves
        )
        outer = triangular_solve(_factored(inner), root.T, left_side=True, lower=True)
        return means, scale * _dots("ki,kj->ij", outer, outer)

    def _row(self, task: int, dtype: DTypeLike) -> Callable[[Array], Array]:
        """A function from a point to its covariances with all values, task after task."""
        pairs = list(zip(self.points, self.matrix.sizes, strict=True))
        shares = jnp.repeat(self.tasks[task], np.array(self.matrix.sizes))
        if self.matrix.is_lattice:
            known = jnp.concatenate([points(n, dtype=dtype) for points, n in pairs])
            return lambda one: shares * self.kernel(one[None], known)
        words = jnp.concatenate([points.words(n) for points, n in pairs])
        return lambda one: shares * self.kernel(_words.of_fractions(one, words.dtype)[None], words)


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
    return _dots("ik,jk->ij", shared, shared) + jnp.diag(own)


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
        ValueError: points that are not shifted copies; sizes, tasks or noise of another number.

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
    between = _task_checks.covariance(jnp.asarray(tasks, dtype), len(sizes))
    variances = _task_checks.one_a_task("noise", jnp.asarray(noise, dtype), len(sizes), zero=True)
    is_lattice, owners = isinstance(points[0], Lattice), _owners(sizes)
    spectra = _transform(_columns(kernel, points, sizes), is_lattice=is_lattice)
    root = jnp.sqrt(jnp.asarray(min(sizes), dtype))
    # The mean of the kernel, S, only adds to the first frequency, as in `Gram`.
    spectra = (root.astype(spectra.dtype) * spectra).at[..., 0].add(min(sizes))
    shares = kernel.scale * between[owners[:, None], owners[None]]
    blocks = shares[..., None].astype(spectra.dtype) * spectra
    blocks = blocks + jnp.diag(variances[owners])[..., None].astype(spectra.dtype)
    return TaskGram(_factored(jnp.moveaxis(blocks, -1, 0)), sizes, is_lattice)


def condition_tasks(
    kernel: ProductKernel,
    points: Sequence[Points],
    y: Sequence[Array],
    *,
    tasks: ArrayLike,
    noise: ArrayLike = 0.0,
    prior_means: ArrayLike | None = None,
) -> TaskPosterior:
    r"""The Gaussian processes of several related functions that take known values.

    A function that is cheap to evaluate, known at many points, helps with a related one that is
    known at few.

    Args:
        kernel: K, as `task_gram` takes it.
        points: a lattice or net a task, shifted copies of one.
        y: one array (n_i,) a task: values at its first points, each n_i a power of two.
        tasks: T, array (tasks, tasks).
        noise: $\sigma^2$, one for all tasks or (tasks,).
        prior_means: one a task; None takes the mean of each task's values.

    Returns:
        A `TaskPosterior`: means, variances and integrals of each task.

    Raises:
        TypeError: as `task_gram`, or values that are not real floating point.
        ValueError: as `task_gram`.

    Cost:
        That of `task_gram`. A mean at another point takes d operations for each value, a variance
        one solution.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax import qmc
        >>> lattice, keys = qmc.lattice(qmc.cbc(1, 64)), jax.random.split(jax.random.key(0))
        >>> points = [qmc.random_shift(key, lattice) for key in keys]
        >>> wave = lambda x: jnp.cos(2 * jnp.pi * x[:, 0])
        >>> y = [wave(points[0](64)), 2 * wave(points[1](4))]  # one at many points, one at few
        >>> T = qmc.task_covariance(jnp.array([[1.0], [2.0]]), 1e-3)
        >>> kernel = qmc.shift_invariant_kernel(1)
        >>> found = qmc.condition_tasks(kernel, points, y, tasks=T, noise=1e-4)
        >>> bool(jnp.abs(found.mean(1, jnp.array([[0.5]])) + 2).max() < 0.1)
        True

    See Also:
        `condition`, of one task. FastGPs: `FastMultitaskGPLattice`.

    References:
        Bonilla, Chai and Williams (2007), key `bonilla2007`.
    """
    values = tuple(_checks.real_float("y", _checks.shaped("y", one, ndim=1)) for one in y)
    matrix = task_gram(kernel, points, [len(one) for one in values], tasks=tasks, noise=noise)
    count, dtype = len(values), kernel.scale.dtype
    if prior_means is None:
        means = jnp.stack([jnp.mean(one) for one in values])
    else:
        means = jnp.broadcast_to(jnp.asarray(prior_means, dtype), (count,))
    solved = matrix.solve([one - mean for one, mean in zip(values, means, strict=True)])
    variances = jnp.broadcast_to(jnp.asarray(noise, dtype), (count,))
    between = jnp.asarray(tasks, dtype)
    return TaskPosterior(kernel, tuple(points), between, matrix, solved, means, variances)


def _owners(sizes: tuple[int, ...]) -> np.ndarray:
    """The task of every block, (R,)."""
    return np.repeat(np.arange(len(sizes)), np.array(sizes) // min(sizes))


def _blocks(y: Sequence[Array], length: int) -> Array:
    """One array a task (n_i, ...) as blocks of all tasks, (R, length, ...)."""
    return jnp.concatenate([one.reshape(-1, length, *one.shape[1:]) for one in y])


def _columns(kernel: ProductKernel, points: tuple[Points, ...], sizes: tuple[int, ...]) -> Array:
    """K / S - 1 between the points of one block and the first of another, (R, R, n_min)."""
    words = [one.words(n) for one, n in zip(points, sizes, strict=True)]
    blocks = _blocks(words, min(sizes))
    by_first = jax.lax.map(lambda one: kernel.minus_one(blocks, one[None, None]), blocks[:, 0])
    return jnp.swapaxes(by_first, 0, 1)


def _transform(blocks: Array, *, is_lattice: bool) -> Array:
    """The transform of the last axis, of a lattice at the frequencies from 0 to half."""
    return rfftbr(blocks) if is_lattice else fwht(blocks)


def _factored(matrices: Array) -> Array:
    """Lower Cholesky factors of matrices (..., R, R), lifted by round-off of the largest trace."""
    traces = jax.lax.stop_gradient(jnp.trace(matrices, axis1=-2, axis2=-1).real)
    lift = jnp.finfo(matrices.dtype).eps * jnp.max(traces)
    identity = jnp.eye(matrices.shape[-1], dtype=matrices.dtype)
    shape = (1,) * (matrices.ndim - 2) + identity.shape
    return jnp.linalg.cholesky(matrices + lift.astype(matrices.dtype) * identity.reshape(shape))
