"""Kernels fitted to values: scale, weights, rates and noise by gradients of a loss."""

import dataclasses
from functools import partial
from typing import Any, Protocol, TypeAlias, get_args, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax import core

from hadax import _checks
from hadax._typing import Array, ArrayLike
from hadax.qmc import _assembly, _kernel_checks, _losses
from hadax.qmc._assembly import Kind, Points
from hadax.qmc._losses import Loss
from hadax.qmc.kernels import ProductKernel

_Parameters: TypeAlias = tuple[list[Array], Array]
_RUNNING, _STEADY, _BROKEN = range(3)
_ENDS = ("all steps were taken", "the loss no longer improved", "a loss or slope was not finite")


@runtime_checkable
class Optimizer(Protocol):
    """What is asked of an optimizer: the two functions of optax's."""

    def init(self, params: Any) -> Any:
        """The state at the start."""
        ...

    def update(self, updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        """From gradients what to add to the parameters, and the next state."""
        ...


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
        if self.end.ndim:
            head = f"{self.end.size} fits, best loss {self.loss.min():.6g}"
        else:
            head = f"loss {self.loss:.6g} in {self.steps} steps: {_ENDS[int(self.end)]}"
        named = jax.tree_util.tree_leaves_with_path(self.kernel)
        leaves = [(jax.tree_util.keystr(path).lstrip("."), leaf) for path, leaf in named]
        width = max(len(name) for name, _ in leaves)
        lines = [
            f"  {name:{width}}  {np.array2string(np.asarray(leaf), precision=4, threshold=8)}"
            for name, leaf in [*leaves, ("noise", self.noise)]
        ]
        return "\n".join([head, *lines])


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class _State:
    """Where a search stands; parameters are logarithms."""

    parameters: _Parameters
    optimizer: Any
    best: _Parameters
    best_loss: Array
    losses: Array
    step: Array
    compared: Array
    waited: Array
    end: Array


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

    Args:
        kernel: where to start; all of its leaves, which are positive, are fitted.
        points: a lattice, a net, or any points as an array, as `condition` takes them.
        y: array (n,), real.
        optimizer: any of optax's, such as `optax.rprop(0.1)` or `optax.adam(0.1)`.
        noise: variance of what is added to the values, $\sigma^2$, to start from. In float32 at
            least $10^{-6}$ of the largest eigenvalue of `gram`.
        learn_noise: whether it is fitted too; it must be positive then.
        loss: which, as in `regression_loss`. "gcv" and "cv" see the ratio of noise and scale only:
            means are those of the best kernel, variances scale with where the search started.
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
    start = jnp.asarray(noise, values.dtype)
    if learn_noise:
        _kernel_checks.one_or_each("noise", start, None)
    count = None if isinstance(points, jax.Array) else len(values)
    factors, kind = _assembly.factors(kernel, points, count)
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
    if not isinstance(found.end, core.Tracer):
        _kernel_checks.warn_if_broken(bool((found.end == _BROKEN).any()))
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
    """The loop of `fit`."""
    leaves, structure = jax.tree.flatten(kernel)

    def made(parameters: _Parameters) -> tuple[ProductKernel, Array]:
        logs, log_noise = parameters
        kernel = jax.tree.unflatten(structure, [jnp.exp(log) for log in logs])
        return kernel, jnp.exp(log_noise) if learn_noise else noise

    def objective(parameters: _Parameters) -> tuple[Array, Array]:
        found, variance = made(parameters)
        value = _losses.loss_of(_assembly.matrix(found, factors, kind, variance), gaps, loss)
        # So that equal steps are equal parts, of a density or of errors.
        return (value if loss == "likelihood" else jnp.log(value)), value

    def unfinished(state: _State) -> Array:
        return (state.step < steps) & (state.end == _RUNNING)

    def advanced(state: _State) -> _State:
        slopes = jax.value_and_grad(objective, has_aux=True)
        (measure, value), gradient = slopes(state.parameters)
        finite = jnp.isfinite(measure)
        for slope in jax.tree.leaves(gradient):
            finite &= jnp.all(jnp.isfinite(slope))
        best = finite & (value < state.best_loss)
        clearly = finite & (measure < state.compared - threshold)
        waited = jnp.where(clearly, 0, state.waited + 1)
        updates, optimizer_state = optimizer.update(gradient, state.optimizer, state.parameters)
        end = jnp.where(waited >= patience, _STEADY, _RUNNING)
        return _State(
            parameters=jax.tree.map(jnp.add, state.parameters, updates),
            optimizer=optimizer_state,
            best=jax.tree.map(partial(jnp.where, best), state.parameters, state.best),
            best_loss=jnp.where(best, value, state.best_loss),
            losses=state.losses.at[state.step].set(value),
            step=state.step + 1,
            compared=jnp.where(clearly, measure, state.compared),
            waited=waited,
            end=jnp.where(finite, end, _BROKEN),
        )

    logs = [jnp.log(leaf) for leaf in leaves]
    parameters = (logs, jnp.log(noise) if learn_noise else jnp.zeros_like(noise))
    worst = jnp.full((), jnp.inf, gaps.dtype)
    none = jnp.zeros((), int)
    last = jax.lax.while_loop(
        unfinished,
        advanced,
        _State(
            parameters=parameters,
            optimizer=optimizer.init(parameters),
            best=parameters,
            best_loss=worst,
            losses=jnp.full(steps, jnp.inf, gaps.dtype),
            step=none,
            compared=worst,
            waited=none,
            end=none,
        ),
    )
    best_kernel, best_noise = made(last.best)
    return Fit(best_kernel, best_noise, last.best_loss, last.losses, last.step, last.end)
