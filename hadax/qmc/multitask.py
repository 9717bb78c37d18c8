"""Gaussian processes of several related functions, each known at points of its own."""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax.linalg import triangular_solve

from hadax._typing import Array, ArrayLike
from hadax.qmc import (
    _assembly,
    _losses,
    _process_checks,
    _task_blocks,
    _task_checks,
    _words,
)
from hadax.qmc._assembly import Points
from hadax.qmc.kernels import ProductKernel
from hadax.qmc.task_matrices import TaskGram, task_gram

_dots = functools.partial(jnp.einsum, precision="highest")


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class TaskPosterior:
    """Gaussian processes of several tasks, given values: what `condition_tasks` makes.

    A pytree. `values` and `coefficients` hold an array (n_i,) for each task, `prior_means` and
    `noise` (tasks,) a number for each; tasks are counted from 0 on.
    """

    kernel: ProductKernel
    points: tuple[Points, ...]
    tasks: Array
    matrix: TaskGram
    values: tuple[Array, ...]
    coefficients: tuple[Array, ...]
    prior_means: Array
    noise: Array

    def extend(
        self, y: Sequence[Array | None], *, prior_means: ArrayLike | None = None
    ) -> "TaskPosterior":
        """The processes given more values, as `condition_tasks` makes them of all.

        Of each task y has the values at its next n_i points, or None to leave it as it is. The
        small matrices between blocks are new ones, which takes as long as at first.
        """
        _task_checks.as_many_more(y, self.matrix.sizes)
        joined = [
            known if more is None else jnp.concatenate([known, jnp.asarray(more, known.dtype)])
            for known, more in zip(self.values, y, strict=True)
        ]
        settings = {"tasks": self.tasks, "noise": self.noise, "prior_means": prior_means}
        return condition_tasks(self.kernel, self.points, joined, **settings)

    def mean(self, task: int, x: ArrayLike) -> Array:
        """The posterior mean of a task at points x (q, d) in [0, 1): array (q,)."""
        return self._mean(self._number(task), self._places("x", x))

    # What maps a closure is compiled as a whole: by itself each call would be, again and again.
    @functools.partial(jax.jit, static_argnames="task")
    def _mean(self, task: int, at: Array) -> Array:
        row = self._row(task)
        joined = jnp.concatenate(self.coefficients)
        dots = _assembly.each(lambda one: _dots("i,i", row(one), joined), at, self.matrix.n)
        return self.prior_means[task] + dots

    def variance(self, task: int, x: ArrayLike) -> Array:
        """The posterior variance of a task at points x (q, d), without noise: array (q,).

        In float32 less than about 1e-6 of the prior one is round-off; what is negative is 0.
        """
        return self._variance(self._number(task), self._places("x", x))

    @functools.partial(jax.jit, static_argnames="task")
    def _variance(self, task: int, at: Array) -> Array:
        row = self._row(task)
        word = self.points[0].words(1)[0]
        prior = self.tasks[task, task] * self.kernel(word, word)

        def left(one: Array) -> Array:
            explained = self.matrix.quadratic(_task_blocks.split(row(one), self.matrix.sizes))
            return jnp.maximum(prior - explained, 0)

        return _assembly.each(left, at, self.matrix.n)

    def covariance(self, task: int, x: ArrayLike, other: int, z: ArrayLike) -> Array:
        """The posterior covariance of a task at points x (q, d) and another at z (r, d): (q, r).

        Without noise; `other` may be the same task.
        """
        pair = self._number(task), self._number(other, "other")
        return self._covariance(*pair, self._places("x", x), self._places("z", z))

    @functools.partial(jax.jit, static_argnames=("task", "other"))
    def _covariance(self, task: int, other: int, at: Array, further: Array) -> Array:
        row, rows = self._row(task), jax.vmap(self._row(other))(further)
        at_z, share = self._as_known(further), self.tasks[task, other]

        def between(one: Array) -> Array:
            solved = self.matrix.solve(_task_blocks.split(row(one), self.matrix.sizes))
            prior = share * self.kernel(self._as_known(one)[None], at_z)
            return prior - _dots("ri,i->r", rows, jnp.concatenate(solved))

        return _assembly.each(between, at, self.matrix.n)

    def interval(self, task: int, x: ArrayLike, *, confidence: float = 0.99) -> tuple[Array, Array]:
        """Where a task lies at points x (q, d), each with this probability: low and high."""
        reach = _process_checks.deviations(confidence) * jnp.sqrt(self.variance(task, x))
        mean = self.mean(task, x)
        return mean - reach, mean + reach

    def integrals(self) -> tuple[Array, Array]:
        """The posterior means (tasks,) and covariance of the integrals over the unit cube."""
        sizes, scale = self.matrix.sizes, self.kernel.scale
        sums = jnp.stack([jnp.sum(one) for one in self.coefficients])
        means = self.prior_means + scale * _dots("ij,j->i", self.tasks, sums)
        # At frequency 0 the matrix is m S P T P^T, which would swallow the rest B, and B: with
        # T = G G^T the covariance is S G (1 + m S G^T P^T B^-1 P G)^-1 G^T.
        owners, least = _task_blocks.owners(sizes), min(sizes)
        minus_one = _task_blocks.columns(self.kernel.minus_one, self.points, sizes)
        rest = scale * jnp.sum(minus_one, axis=-1)
        rest = rest * self.tasks[owners[:, None], owners[None]] + jnp.diag(self.noise[owners])
        root = _task_blocks.factored(self.tasks)
        halves = triangular_solve(
            _task_blocks.factored(rest), root[owners], left_side=True, lower=True
        )
        inner = jnp.eye(len(root), dtype=rest.dtype) + least * scale * _dots(
            "ki,kj->ij", halves, halves
        )
        outer = triangular_solve(_task_blocks.factored(inner), root.T, left_side=True, lower=True)
        return means, scale * _dots("ki,kj->ij", outer, outer)

    def _places(self, name: str, x: ArrayLike) -> Array:
        """Points where a process is asked for."""
        return _process_checks.places(name, x, self.kernel)

    def _number(self, task: object, name: str = "task") -> int:
        """A task that there is."""
        return _task_checks.known(name, task, len(self.points))

    def _row(self, task: int) -> Callable[[Array], Array]:
        """A function from a point to its covariances with all values, task after task."""
        pairs = list(zip(self.points, self.matrix.sizes, strict=True))
        shares = jnp.repeat(self.tasks[task], np.array(self.matrix.sizes))
        if self.matrix.is_lattice:
            known = jnp.concatenate([points(n, dtype=shares.dtype) for points, n in pairs])
        else:
            known = jnp.concatenate([points.words(n) for points, n in pairs])
        return lambda one: shares * self.kernel(self._as_known(one)[None], known)

    def _as_known(self, x: Array) -> Array:
        """Points in [0, 1) as the kernel takes them."""
        if self.matrix.is_lattice:
            return x.astype(self.tasks.dtype)
        return _words.of_fractions(x, self.points[0].shift.dtype)


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
        y: one array (n_i,) a task: values at its first points, each n_i a power of two. The
            widest dtype among them is that of all that follows, to which the kernel is cast.
        tasks: T, array (tasks, tasks).
        noise: $\sigma^2$, one for all tasks or (tasks,).
        prior_means: one a task; None takes the mean of each task's values.

    Returns:
        A `TaskPosterior`: means, variances, covariances, intervals and integrals of each task.

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
    values = _losses.task_values(y)
    if values:
        kernel = _losses.kernel_in(values[0].dtype, kernel)
    matrix = task_gram(kernel, points, [len(one) for one in values], tasks=tasks, noise=noise)
    count, dtype = len(values), kernel.scale.dtype
    if prior_means is None:
        means = jnp.stack([jnp.mean(one) for one in values])
    else:
        means = _task_checks.means(prior_means, count, dtype)
    solved = matrix.solve([one - mean for one, mean in zip(values, means, strict=True)])
    variances = jnp.broadcast_to(jnp.asarray(noise, dtype), (count,))
    between = jnp.asarray(tasks, dtype)
    return TaskPosterior(kernel, tuple(points), between, matrix, values, solved, means, variances)
