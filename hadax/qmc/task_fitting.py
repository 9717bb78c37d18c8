"""Kernels of several tasks fitted to values: what tasks share, the kernel and the noise."""

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import Any, get_args

import jax
import jax.numpy as jnp
from jax import core

from hadax import _checks
from hadax._typing import Array, ArrayLike
from hadax.qmc import _descent, _kernel_checks, _losses, _task_blocks, _task_checks
from hadax.qmc._assembly import Points
from hadax.qmc._descent import Optimizer
from hadax.qmc._losses import Loss
from hadax.qmc.kernels import ProductKernel
from hadax.qmc.lattices import Lattice
from hadax.qmc.task_matrices import TaskGram


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class TaskFit:
    """The best kernel and tasks that were seen: what `fit_tasks` returns, a pytree that prints.

    `kernel`, `factors` (tasks, shared), `variances` (tasks,) and `noise` are the best ones; `loss`,
    `losses`, `steps` and `end` are as in `Fit`.
    """

    kernel: ProductKernel
    factors: Array
    variances: Array
    noise: Array
    loss: Array
    losses: Array
    steps: Array
    end: Array

    @property
    def tasks(self) -> Array:
        """The covariance of the tasks, as `condition_tasks` takes it."""
        return _task_blocks.covariance(self.factors, self.variances)

    def __repr__(self) -> str:
        """A line on how it went, and one for each of what was found."""
        if isinstance(self.end, core.Tracer):
            return object.__repr__(self)
        rest = [(name, getattr(self, name)) for name in ("factors", "variances", "noise")]
        leaves = [*_descent.named(self.kernel), *rest]
        return _descent.summary(self.loss, self.steps, self.end, leaves)


def fit_tasks(
    kernel: ProductKernel,
    points: Sequence[Points],
    y: Sequence[Array],
    optimizer: Optimizer,
    *,
    factors: ArrayLike,
    variances: ArrayLike,
    noise: ArrayLike,
    learn_noise: bool = True,
    loss: Loss = "likelihood",
    steps: int = 1000,
    patience: int = 10,
    improvement: float = 0.05,
) -> TaskFit:
    r"""The kernel and the covariance of tasks that explain values best, by gradients of a loss.

    The covariance is $T = F F^\top + \operatorname{diag} v$; F is changed itself, all else by
    its logarithm. Of the values of each task their mean is taken off, as in `condition_tasks`. The
    kernel's scale and the noise start, and after "gcv" and "cv" end, as those of `fit`: the units
    that all tasks share do not matter.

    Args:
        kernel: where to start; all of its leaves are fitted. Its scale and T matter by their
            product only.
        points: a lattice or net a task, shifted copies of one.
        y: one array (n_i,) a task: values at its first points, each n_i a power of two. The fit
            is made in the widest dtype among them, to which the kernel is cast.
        optimizer: any of optax's, such as `optax.rprop(0.1)` or `optax.adam(0.1)`.
        factors: F to start from, (tasks, shared). Not zeros, where its slope is zero too.
        variances: v to start from, positive, (tasks,) or one for all.
        noise: $\sigma^2$ to start from, one for all tasks or (tasks,); as many are learned.
        learn_noise: whether it is fitted too; it must be positive then.
        loss: as in `regression_loss`, of the values of all tasks.
        steps: how many losses to compute at most.
        patience: how many steps to wait for a better loss.
        improvement: by what part it must become better within these, as in `fit`.

    Returns:
        A `TaskFit`; its `tasks`, `kernel` and `noise` are what `condition_tasks` takes.

    Raises:
        TypeError: as `condition_tasks`, or an optimizer without `init` and `update`.
        ValueError: as `condition_tasks`; an unknown loss; variances that are not positive, or noise
            to be learned that is not.

    Cost:
        Of a step, about three times that of `task_gram` without the kernel, whose R^2 n_min d
        factors are computed once and kept.

    Example:
        >>> import jax, jax.numpy as jnp, optax
        >>> from hadax import qmc
        >>> lattice, keys = qmc.lattice(qmc.cbc(1, 64)), jax.random.split(jax.random.key(0))
        >>> points = [qmc.random_shift(key, lattice) for key in keys]
        >>> wave = lambda x: jnp.cos(2 * jnp.pi * x[:, 0])
        >>> y = [wave(points[0](32)), -2 * wave(points[1](8))]
        >>> start = {"factors": jnp.ones((2, 1)), "variances": 0.1, "noise": 0.1}
        >>> kernel = qmc.shift_invariant_kernel(1)
        >>> found = qmc.fit_tasks(kernel, points, y, optax.rprop(0.1), steps=60, **start)
        >>> T = found.tasks
        >>> bool(T[0, 1] / jnp.sqrt(T[0, 0] * T[1, 1]) < -0.9)  # they go against each other
        True

    See Also:
        `condition_tasks`, which takes what was found; `fit`, of one task.

    References:
        Bonilla, Chai and Williams (2007), key `bonilla2007`.
    """
    _checks.choice("loss", loss, get_args(Loss))
    _kernel_checks.optimizer(optimizer)
    values = _losses.task_values(y)
    if values:
        kernel = _losses.kernel_in(values[0].dtype, kernel)
    points, sizes = tuple(points), tuple(len(one) for one in values)
    _task_checks.copies(kernel, points, sizes)
    count, dtype = len(sizes), kernel.scale.dtype
    shared = _task_checks.rows("factors", factors, count, dtype)
    own = _task_checks.one_a_task("variances", jnp.asarray(variances, dtype), count)
    start = jnp.asarray(noise, dtype)
    _task_checks.one_a_task("noise", start, count, zero=not learn_noise)
    found = _search(
        kernel,
        _task_blocks.columns(kernel.factors, points, sizes),
        tuple(one - jnp.mean(one) for one in values),
        (shared, own, start),
        jnp.log1p(jnp.asarray(improvement, dtype)),
        is_lattice=isinstance(points[0], Lattice),
        optimizer=optimizer,
        learn_noise=learn_noise,
        loss=loss,
        steps=_checks.integer("steps", steps, minimum=1),
        patience=_checks.integer("patience", patience, minimum=1),
    )
    _descent.warn_if_broken(found.end)
    return found


@partial(
    jax.jit, static_argnames=("is_lattice", "optimizer", "learn_noise", "loss", "steps", "patience")
)
def _search(
    kernel: ProductKernel,
    columns: Any,
    gaps: tuple[Array, ...],
    start: tuple[Array, Array, Array],
    threshold: Array,
    *,
    is_lattice: bool,
    optimizer: Optimizer,
    learn_noise: bool,
    loss: Loss,
    steps: int,
    patience: int,
) -> TaskFit:
    """The descent of `fit_tasks`, in units of the values, as that of `fit`."""
    unit = _losses.unit(gaps)
    gaps = tuple(one / unit for one in gaps)
    shared, own, noise = start
    given = noise
    sizes = tuple(len(one) for one in gaps)

    def matrix_of(
        kernel: ProductKernel, factors: Array, variances: Array, noise: Array
    ) -> TaskGram:
        return TaskGram.of_columns(
            kernel.scale,
            kernel.minus_one_of(columns),
            _task_blocks.covariance(factors, variances),
            jnp.broadcast_to(noise, (len(sizes),)),
            sizes,
            is_lattice=is_lattice,
        )

    if learn_noise:
        factor = _losses.likeliest_factor(matrix_of(kernel, shared, own, noise), gaps)
        noise = noise * factor
    else:
        noise = given / unit / unit
        at_zero = kernel.minus_one_of(columns).reshape(-1)[0]
        tasks = jnp.mean(jnp.diagonal(_task_blocks.covariance(shared, own)))
        factor = _losses.variance_factor(kernel.scale * (1 + at_zero) * tasks, gaps)
    kernel = _losses.scaled(kernel, factor)
    leaves, structure = jax.tree.flatten(kernel)

    def made(parameters: Any) -> tuple[ProductKernel, Array, Array, Array]:
        logs, factors, log_variances, log_noise = parameters
        kernel = jax.tree.unflatten(structure, [jnp.exp(log) for log in logs])
        return kernel, factors, jnp.exp(log_variances), jnp.exp(log_noise) if learn_noise else noise

    def objective(parameters: Any) -> tuple[Array, Array]:
        return _losses.measured(matrix_of(*made(parameters)), gaps, loss)

    logs = [jnp.log(leaf) for leaf in leaves]
    log_noise = jnp.log(noise) if learn_noise else jnp.zeros_like(noise)
    last = _descent.descend(
        objective,
        (logs, shared, jnp.log(own), log_noise),
        threshold,
        optimizer=optimizer,
        steps=steps,
        patience=patience,
    )
    kernel, shared, own, best_noise = made(last.best)
    best = matrix_of(kernel, shared, own, best_noise)
    factor = _losses.last_factor(best, gaps, noise, loss, learn_noise=learn_noise)
    kernel, best_loss, losses = _losses.in_units(
        _losses.scaled(kernel, factor), (last.best_loss, last.losses), gaps, unit, loss
    )
    best_noise = best_noise * factor * unit * unit if learn_noise else given
    return TaskFit(kernel, shared, own, best_noise, best_loss, losses, last.step, last.end)
