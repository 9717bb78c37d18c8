"""Descent along gradients until a loss no longer improves: the loop of every fit."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax import core

from hadax._typing import Array
from hadax.qmc import _kernel_checks

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
class Descent:
    """Where a descent stands; at its end `best` and `best_loss` are what it found."""

    parameters: Any
    optimizer: Any
    best: Any
    best_loss: Array
    losses: Array
    step: Array
    compared: Array
    waited: Array
    end: Array


def descend(
    objective: Callable[[Any], tuple[Array, Array]],
    parameters: Any,
    threshold: Array,
    *,
    optimizer: Optimizer,
    steps: int,
    patience: int,
) -> Descent:
    """Descend from parameters by an objective that gives what must fall by a threshold, and a loss.

    The best loss counts; it ends when for so many steps the first has not fallen so far.
    """

    def unfinished(state: Descent) -> Array:
        return (state.step < steps) & (state.end == _RUNNING)

    def advanced(state: Descent) -> Descent:
        slopes = jax.value_and_grad(objective, has_aux=True)
        (measure, value), gradient = slopes(state.parameters)
        finite = jnp.isfinite(measure)
        for slope in jax.tree.leaves(gradient):
            finite &= jnp.all(jnp.isfinite(slope))
        best = finite & (value < state.best_loss)
        clearly = finite & (measure < state.compared - threshold)
        waited = jnp.where(clearly, 0, state.waited + 1)
        updates, optimizer_state = _updated(optimizer, gradient, state.optimizer, state.parameters)
        end = jnp.where(waited >= patience, _STEADY, _RUNNING)
        return Descent(
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

    worst = jnp.full((), jnp.inf, threshold.dtype)
    none = jnp.zeros((), int)
    return jax.lax.while_loop(
        unfinished,
        advanced,
        Descent(
            parameters=parameters,
            optimizer=optimizer.init(parameters),
            best=parameters,
            best_loss=worst,
            losses=jnp.full(steps, jnp.inf, threshold.dtype),
            step=none,
            compared=worst,
            waited=none,
            end=none,
        ),
    )


def _updated(optimizer: Optimizer, gradient: Any, state: Any, parameters: Any) -> tuple[Any, Any]:
    """What an optimizer that takes gradients alone adds, and its next state."""
    try:
        return optimizer.update(gradient, state, parameters)
    except TypeError as error:
        if "keyword-only argument" not in str(error):
            raise
        raise TypeError(
            "Argument `optimizer` must take gradients alone, as optax.rprop(0.1) and "
            f"optax.adam(0.1) do, but is one that asks for more, as optax.lbfgs does: {error}."
        ) from None


def summary(loss: Array, steps: Array, end: Array, leaves: Sequence[tuple[str, Array]]) -> str:
    """A line on how a descent went, and one for each of what it found, by name."""
    if end.ndim:
        head = f"{end.size} fits, best loss {loss.min():.6g}"
    else:
        head = f"loss {loss:.6g} in {steps} steps: {_ENDS[int(end)]}"
    width = max(len(name) for name, _ in leaves)
    lines = [
        f"  {name:{width}}  {np.array2string(np.asarray(leaf), precision=4, threshold=8)}"
        for name, leaf in leaves
    ]
    return "\n".join([head, *lines])


def named(kernel: Any) -> list[tuple[str, Array]]:
    """The leaves of a kernel and what they are called."""
    found = jax.tree_util.tree_leaves_with_path(kernel)
    return [(jax.tree_util.keystr(path).lstrip("."), leaf) for path, leaf in found]


def warn_if_broken(end: Array) -> None:
    """Say that a descent met what is not finite; traced ones pass."""
    if not isinstance(end, core.Tracer):
        _kernel_checks.warn_if_broken(bool((end == _BROKEN).any()))
