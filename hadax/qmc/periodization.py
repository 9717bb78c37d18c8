"""Periodic integrands: changes of variables for functions that lattices are to integrate."""

from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

import jax.numpy as jnp

from hadax import _checks
from hadax._typing import Array
from hadax.qmc import _words

Periodization: TypeAlias = Literal["baker", "c0", "c1", "c1 sine", "c2 sine", "c3 sine"]

_PI = float(jnp.pi)


def periodize(
    f: Callable[[Array], Array], kind: Periodization = "baker"
) -> Callable[[Array], Array]:
    r"""A function with the same integral over the unit cube that is periodic in every variable.

    $g(x) = f(\psi(x_1), \dots, \psi(x_d)) \prod_j \psi'(x_j)$. Errors of lattice rules fall as fast
    as the periodic function is smooth: "baker" folds the interval, $\psi(x) = 1 - |2 x - 1|$ with
    weight 1; the others let $\psi'$ vanish at both ends, with 0 to 3 continuous derivatives.

    Args:
        f: function from points (..., d) to values (...), or to several at a point, (..., outputs).
            It may be infinite at the faces of the cube: what is rounded to 0 or 1 is moved off.
        kind: "c0" and "c1" are polynomials, the sines trigonometric. The higher, the larger g
            becomes in the middle of many dimensions, and the more points it takes to see the rate.

    Returns:
        A function from points (..., d) in [0, 1] to values (...), or (..., outputs).

    Raises:
        ValueError: an unknown kind.

    Cost:
        A few operations a coordinate.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import qmc
        >>> x = qmc.lattice(qmc.cbc(2, 256))(256)
        >>> f = lambda x: x[..., 0] * x[..., 1]
        >>> errors = [abs(g(x).mean() - 0.25) for g in (f, qmc.periodize(f, "c2 sine"))]
        >>> bool(errors[1] < errors[0] / 1000)
        True

    See Also:
        QMCPy: `ptransform` of its cubatures ("BAKER", "C0", "C1", "C1SIN", "C2SIN", "C3SIN"; its
        weight of the last has a sine for a cosine).

    References:
        Sloan and Joe (1994), key `sloan1994`; Hickernell (2002), key `hickernell2002`.
    """
    _checks.choice("kind", kind, get_args(Periodization))

    def periodic(x: Array) -> Array:
        found = f(_words.inside(_moved(x, kind)))
        if kind == "baker":  # its weight is 1
            return found
        weight = jnp.prod(_slope(x, kind), axis=-1)
        # A function may have several values at a point.
        return found * weight.reshape(weight.shape + (1,) * (found.ndim - weight.ndim))

    return periodic


def _moved(x: Array, kind: Periodization) -> Array:
    """psi(x)."""
    if kind == "baker":
        return 1 - jnp.abs(2 * x - 1)
    if kind == "c0":
        return x * x * (3 - 2 * x)
    if kind == "c1":
        return x**3 * (10 - 15 * x + 6 * x * x)
    if kind == "c1 sine":
        return x - jnp.sin(2 * _PI * x) / (2 * _PI)
    if kind == "c2 sine":
        return (8 - 9 * jnp.cos(_PI * x) + jnp.cos(3 * _PI * x)) / 16
    return x + (jnp.sin(4 * _PI * x) - 8 * jnp.sin(2 * _PI * x)) / (12 * _PI)


def _slope(x: Array, kind: Periodization) -> Array:
    """psi'(x). The fold has none: it covers the interval twice at twice the speed."""
    if kind == "c0":
        return 6 * x * (1 - x)
    if kind == "c1":
        return 30 * jnp.square(x * (1 - x))
    if kind == "c1 sine":
        return 1 - jnp.cos(2 * _PI * x)
    if kind == "c2 sine":
        return (jnp.sin(_PI * x) * 3 - jnp.sin(3 * _PI * x)) * (3 * _PI / 16)
    return 1 + (jnp.cos(4 * _PI * x) - 4 * jnp.cos(2 * _PI * x)) / 3
