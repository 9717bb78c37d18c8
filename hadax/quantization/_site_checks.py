"""Error texts of tables of sites."""

import difflib

import jax
import jax.numpy as jnp
from jax import core

from hadax._typing import Array
from hadax.operators import _operator_checks
from hadax.operators.base import LinearOperator


def known(name: str, names: list[str]) -> None:
    """Refuse the name of a site that is not in the table."""
    if name not in names:
        raise KeyError(f"There is no site {name!r}. There are: {', '.join(names)}.")


def there(path: str, name: str, level: object) -> None:
    """Refuse a path that names nothing."""
    if not isinstance(level, dict) or name not in level:
        names = list(level) if isinstance(level, dict) else []
        close = difflib.get_close_matches(name, names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise KeyError(
            f"The parameters must hold {path!r}, but {name!r} is not there: there are "
            f"{', '.join(names) or 'none'}.{hint}"
        )


def operator(site: str, op: object, width: int) -> None:
    """Refuse anything but a square operator of the site's width."""
    _operator_checks.operator("op", op, LinearOperator)
    assert isinstance(op, LinearOperator)
    if op.shape != (width, width):
        raise ValueError(
            f"Argument `op` must have the shape ({width}, {width}) of the site {site!r}, but has "
            f"op.shape={op.shape}."
        )


def layers(site: str, op: LinearOperator, shapes: dict[str, tuple[int, ...]]) -> None:
    """Refuse an operator whose leaves do not have one entry a layer."""
    sizes = {leaf.shape[:1] for leaf in jax.tree.leaves(op)}
    for path, shape in shapes.items():
        if len(shape) < 2 or sizes - {shape[:1]}:
            raise ValueError(
                f"Argument `op` must have leaves with {shape[:1]} as first axis, one operator a "
                f"layer of {path!r} for the site {site!r}, but its leaves begin with "
                f"{sorted(sizes)}. Build it under jax.vmap over keys."
            )


def orthogonal(name: str, op: LinearOperator, *, is_layered: bool) -> None:
    """Refuse operators that do not undo their transposes, seen on one Gaussian vector.

    Under `jax.jit` there are no values to see, and nothing is refused.
    """
    x = jax.random.normal(jax.random.key(0), (op.shape[1],))

    def gap(op: LinearOperator) -> Array:
        return jnp.max(jnp.abs(op.T(op(x)) - x))

    error = jnp.max(jax.vmap(gap)(op)) if is_layered else gap(op)
    if not isinstance(error, core.Tracer) and not error <= 1e-3:
        raise ValueError(
            f"Argument `{name}` must be orthogonal, since nothing else passes through here, but "
            f"op.T(op(x)) differs from x by {float(error):.2g}."
        )
