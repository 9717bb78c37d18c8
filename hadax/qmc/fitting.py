"""Kernels fitted to values: scale, weights, rates and noise by gradients of a loss."""

import dataclasses
from functools import partial
from typing import Any, TypeAlias, get_args

import jax
import jax.numpy as jnp
from jax import core

from hadax import _checks
from hadax._typing import Array, ArrayLike
from hadax.qmc import _assembly, _descent, _kernel_checks, _losses, _process_checks
from hadax.qmc._assembly import Kind, Points
from hadax.qmc._descent import Optimizer
from hadax.qmc._losses import Loss
from hadax.qmc.dense_gram import DenseGram
from hadax.qmc.kernels import ProductKernel
from hadax.qmc.structured_gram import Gram

_Parameters: TypeAlias = tuple[list[Array], Array]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class Fit:
    """The best kernel that was seen: what `fit` returns, a pytree that prints as a summary.

    `kernel` and `noise` are the best ones and `loss` () theirs. `steps` () is the number of losses
    computed, `losses` (all steps that were allowed,) holds them and then infinities. `end` () is 0
    when all steps were taken, 1 when the loss no longer improved, 2 when a loss or a slope was not
    finite.
    """

    kernel: ProductKernel
    noise: Array
    loss: Array
    losses: Array
    steps: Array
    end: Array

    def __repr__(self) -> str:
        """A line on how it went, and one for each leaf."""
        if isinstance(self.end, core.Tracer):
            return object.__repr__(self)
        leaves = [*_descent.named(self.kernel), ("noise", self.noise)]
        return _descent.summary(self.loss, self.steps, self.end, leaves)


def fit(
    kernel: ProductKernel,
    points: Points | Array,
    y: ArrayLike,
    optimizer: Optimizer,
    *,
    noise: ArrayLike,
    learn_noise: bool = True,
    loss: Loss = "likelihood",
    steps: int = 1000,
    patience: int = 10,
    improvement: float = 0.05,
) -> Fit:
    r"""The kernel that explains values best: its leaves and the noise, by gradients of their logs.

    The search ends early when for `patience` steps the loss has not become better by
    `improvement`: when the density of the values has not grown by this part of it ("likelihood"),
    or the errors have not shrunk by it ("gcv", "cv").

    It starts from the scale and noise that explain the values best among those with the ratio that
    is given, $c S$ and $c \sigma^2$ with $c = y^\top K^{-1} y / n$: the units of y do not matter.

    Args:
        kernel: where to start; all of its leaves, which are positive, are fitted. Of its scale and
            the noise only the ratio matters where noise is learned; where it is not, the scale
            starts where the kernel has the variance of the values.
        points: a lattice, a net, or any points as an array, as `condition` takes them.
        y: array (n,), real. The fit is made in its dtype, to which the kernel is cast.
        optimizer: any of optax's that takes gradients alone, such as `optax.rprop(0.1)` or
            `optax.adam(0.1)`. Make it once, outside of loops.
        noise: variance of what is added to the values, $\sigma^2$, to start from. In float32 at
            least $10^{-6}$ of the largest eigenvalue of `gram`.
        learn_noise: whether it is fitted too; it must be one positive number then.
        loss: which, as in `regression_loss`. "gcv" and "cv" see the ratio of noise and scale only:
            where noise is learned or zero both are at the end multiplied by the same c, so
            that variances suit the values; where it is known, the ratio gives the scale.
        steps: how many losses to compute at most.
        patience: how many steps to wait for a better loss; more for optimizers that overshoot, as
            Adam does.
        improvement: by what part it must become better within these.

    Returns:
        A `Fit` with the best kernel and noise that were seen. Under `jax.vmap`, over values, leaves
        of the kernel or the noise, one with an axis in front.

    Raises:
        TypeError: as `condition`, or an optimizer without `init` and `update`.
        ValueError: as `condition`; an unknown loss; noise to be learned that is not positive.

    Cost:
        Of a step, two transforms, their gradients, and about 3 n d operations: what of the kernel
        does not depend on its leaves, n d numbers, is computed once. With an array of points that
        is n^2 d numbers, and each step takes O(n^3). One program, compiled once for an optimizer
        object and the shapes.

    Example:
        >>> import jax, jax.numpy as jnp, optax
        >>> from hadax import qmc
        >>> points = qmc.lattice(qmc.cbc(2, 256))
        >>> x = points(256)
        >>> y = jnp.cos(2 * jnp.pi * x[:, 0]) + 0.1 * jax.random.normal(jax.random.key(0), (256,))
        >>> start = qmc.shift_invariant_kernel(2)
        >>> found = qmc.fit(start, points, y, optax.rprop(0.1), noise=1.0)
        >>> bool(0.08 < jnp.sqrt(found.noise) < 0.12)
        True
        >>> bool(found.kernel.weights[1] < 0.1 * found.kernel.weights[0])
        True
        >>> fitted = qmc.condition(found.kernel, points, y, noise=found.noise)

    See Also:
        `regression_loss`; `condition`, which takes what was found. FastGPs: the method `fit`.

    References:
        Rasmussen and Williams (2006), key `rasmussen2006`.
    """
    _checks.choice("loss", loss, get_args(Loss))
    _kernel_checks.optimizer(optimizer)
    values = _losses.values(y, points)
    kernel = _losses.kernel_in(values.dtype, kernel)
    points = _losses.points_in(values.dtype, points)
    is_array = isinstance(points, jax.Array)
    start = _process_checks.noise(noise, values.dtype, len(values) if is_array else None)
    if learn_noise:
        _kernel_checks.one_or_each("noise", start, None)
    factors, kind = _assembly.factors(kernel, points, None if is_array else len(values))
    found = _search(
        kernel,
        factors,
        values - jnp.mean(values),
        start,
        jnp.log1p(jnp.asarray(improvement, values.dtype)),
        kind=kind,
        optimizer=optimizer,
        learn_noise=learn_noise,
        loss=loss,
        steps=_checks.integer("steps", steps, minimum=1),
        patience=_checks.integer("patience", patience, minimum=1),
    )
    _descent.warn_if_broken(found.end)
    return found


@partial(jax.jit, static_argnames=("kind", "optimizer", "learn_noise", "loss", "steps", "patience"))
def _search(
    kernel: ProductKernel,
    factors: Any,
    gaps: Array,
    noise: Array,
    threshold: Array,
    *,
    kind: Kind,
    optimizer: Optimizer,
    learn_noise: bool,
    loss: Loss,
    steps: int,
    patience: int,
) -> Fit:
    """The loop of `fit`, in units of the values, so that it does not depend on theirs."""
    unit = _losses.unit(gaps)
    gaps = gaps / unit
    given = noise

    def matrix_of(kernel: ProductKernel, noise: Array) -> Gram | DenseGram:
        return _assembly.matrix(kernel, factors, kind, noise)

    if learn_noise:
        factor = _losses.likeliest_factor(matrix_of(kernel, noise), gaps)
        noise = noise * factor
    else:
        # Noise that is known stays: the kernel's own variance becomes that of the values.
        noise = given / unit / unit
        at_zero = kernel.minus_one_of(factors).reshape(-1)[0]
        factor = _losses.variance_factor(kernel.scale * (1 + at_zero), gaps)
    kernel = _losses.scaled(kernel, factor)
    leaves, structure = jax.tree.flatten(kernel)

    def made(parameters: _Parameters) -> tuple[ProductKernel, Array]:
        logs, log_noise = parameters
        kernel = jax.tree.unflatten(structure, [jnp.exp(log) for log in logs])
        return kernel, jnp.exp(log_noise) if learn_noise else noise

    def objective(parameters: _Parameters) -> tuple[Array, Array]:
        return _losses.measured(matrix_of(*made(parameters)), gaps, loss)

    logs = [jnp.log(leaf) for leaf in leaves]
    last = _descent.descend(
        objective,
        (logs, jnp.log(noise) if learn_noise else jnp.zeros_like(noise)),
        threshold,
        optimizer=optimizer,
        steps=steps,
        patience=patience,
    )
    best_kernel, best_noise = made(last.best)
    best = matrix_of(best_kernel, best_noise)
    factor = _losses.last_factor(best, gaps, noise, loss, learn_noise=learn_noise)
    best_kernel, best_loss, losses = _losses.in_units(
        _losses.scaled(best_kernel, factor), (last.best_loss, last.losses), gaps, unit, loss
    )
    best_noise = best_noise * factor * unit * unit if learn_noise else given
    return Fit(best_kernel, best_noise, best_loss, losses, last.step, last.end)
