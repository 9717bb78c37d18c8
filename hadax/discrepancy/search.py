"""The search for inputs whose rotated coordinates are far from those of a uniform rotation."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpy.typing import NDArray
from scipy import sparse

from hadax import _checks
from hadax._typing import Array, ArrayLike, KeyArray, Num
from hadax.discrepancy import _discrepancy_checks
from hadax.discrepancy._unit import unit
from hadax.discrepancy.kolmogorov import kolmogorov_exact
from hadax.discrepancy.laws import sphere_coordinate_cf
from hadax.transforms.walsh import fwht

_DIMENSIONS = (4, 8, 16)  # whose signs and subsets are few enough to enumerate
_LIMIT = 8.0  # frequencies up to which characteristic functions are compared
_POINTS = {4: 64, 8: 64, 16: 32}
_FIRST_STEP, _LONGEST_STEP = 0.3, 0.5  # of the ascent: angles
_PERTURBATION = 0.02  # of the starts on subspaces, which are critical points


class Support(NamedTuple):
    """A 0-1 vector and the exact Kolmogorov distance of its two-block rotation."""

    vector: NDArray[np.int64]
    distance: float


class Ascent(NamedTuple):
    """Where the ascents ended: unit vectors (starts, d), and the objective there (starts,)."""

    vectors: Array
    objective: Array


def affine_classes(d: int) -> NDArray[np.int64]:
    r"""One 0-1 vector of each class under affine maps of the indices.

    Invertible maps $j \mapsto A j + b$ over the field of two elements do not change the law of a
    coordinate (docs/theory/rotations.md, I6), so these are all supports there are to try.

    Args:
        d: dimension, 4, 8 or 16.

    Returns:
        Array (classes, d), int64, without the zero vector, by increasing weight: 9 classes at
        d = 8, 31 at d = 16.

    Raises:
        ValueError: `d` is none of these.
        TypeError: `d` is no integer.

    Cost:
        O(2^d log d).

    Example:
        >>> from hadax.discrepancy import affine_classes
        >>> affine_classes(4)
        array([[1, 0, 0, 0],
               [1, 1, 0, 0],
               [1, 1, 1, 0],
               [1, 1, 1, 1]])

    See Also:
        `worst_supports`, their distances.
    """
    _enumerable_dimension("d", d)
    bits = d.bit_length() - 1
    j = np.arange(d)
    # These generate all affine maps: a shift, a transvection, and a rotation of the bits.
    maps = [j ^ 1, j ^ ((j & 1) << 1), (j >> 1) | ((j & 1) << (bits - 1))]
    sets = np.arange(1 << d)
    images = [sum(((sets >> a) & 1) << b for a, b in enumerate(index_map)) for index_map in maps]
    links = sparse.coo_array(
        (np.ones(len(maps) * sets.size, bool), (np.tile(sets, len(maps)), np.concatenate(images)))
    )
    _, labels = sparse.csgraph.connected_components(links, directed=False)
    _, first = np.unique(labels, return_index=True)
    members = (np.sort(first)[1:, None] >> j) & 1  # without the empty set
    return members[np.argsort(members.sum(axis=1), kind="stable")]


def worst_supports(d: int) -> list[Support]:
    r"""Kolmogorov distances of all 0-1 inputs at d = 8 or 16 up to symmetry, the worst first.

    The two-block distances (`kolmogorov_exact`) of all `affine_classes`.

    Args:
        d: dimension, 4, 8 or 16.

    Returns:
        A `Support` for each class, by decreasing distance.

    Raises:
        ValueError: `d` is none of these.
        TypeError: `d` is no integer.

    Cost:
        A few seconds at d = 16.

    Example:
        >>> from hadax.discrepancy import worst_supports
        >>> worst, second = worst_supports(8)[:2]
        >>> worst.vector, round(worst.distance, 5)  # a plane of the indices
        (array([1, 1, 1, 1, 0, 0, 0, 0]), 0.19336)
        >>> second.vector, round(second.distance, 5)
        (array([1, 1, 0, 0, 0, 0, 0, 0]), 0.1875)

    See Also:
        `search_worst`, over real inputs.
    """
    supports = [Support(x, kolmogorov_exact(x)) for x in affine_classes(d)]
    return sorted(supports, key=lambda support: -support.distance)


def cf_discrepancy(x: Num[ArrayLike, "... d"]) -> Num[Array, "..."]:
    r"""A smooth distance of a coordinate's law from that of a uniform rotation, to be maximised.

    $J(x) = \int_0^8 (\varphi_x(t) - \varphi_u(t))^2\,dt/t$, by the midpoint rule, with the
    characteristic functions of $\sqrt d\,y_i$ after two blocks, exact over all signs of D_1,
    $\varphi_x(t) = E \prod_j \cos(t (H D_1 x)_j)$, and of $\sqrt d\,u_1$.

    Args:
        x: array (..., d), real floating point, no vector of it zero; d is 4, 8 or 16. Its length
            does not matter.

    Returns:
        Array (...), of the dtype of `x`.

    Raises:
        ValueError: d is none of these.
        TypeError: x is not real floating point.

    Cost:
        About a million cosines at d = 16. Differentiable in x.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.discrepancy import cf_discrepancy
        >>> two_and_one = jnp.array([[1.0, 1, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0]])
        >>> cf_discrepancy(two_and_one).round(3)
        Array([0.277, 0.024], dtype=float32)

    See Also:
        `search_worst`, which climbs it; `kolmogorov_exact`, which is not smooth.
    """
    x = _checks.real_float("x", x)
    _checks.axis(x, -1)
    _enumerable_dimension("x", x.shape[-1])
    return jnp.vectorize(_objective, signature="(d)->()")(x)


def search_worst(key: KeyArray, d: int, *, starts: int = 24, steps: int = 100) -> Ascent:
    r"""Local maxima on the sphere of `cf_discrepancy`, by projected gradient ascent.

    Each start takes steps of an angle that grows after every success and halves after every
    failure. The first starts are perturbed indicators of subspaces of the indices, dimension 0 to
    log2(d), for random ones rarely end at some of them; the others are random, some spiky.

    Args:
        key: one new-style key.
        d: dimension, 4, 8 or 16.
        starts: how many ascents.
        steps: how many steps each.

    Returns:
        An `Ascent`, float32, by decreasing objective.

    Raises:
        ValueError: d is none of these, `starts` or `steps` less than 1.
        TypeError: `key` is no key, or a number no integer.

    Cost:
        starts * steps * (about 3 `cf_discrepancy`): a second at d = 8, a minute at d = 16.

    Example:
        >>> import jax
        >>> from hadax.discrepancy import search_worst
        >>> found = search_worst(jax.random.key(0), 8, starts=4, steps=60)
        >>> abs(found.vectors[0]).sort(descending=True)[:3].round(2)  # two equal entries
        Array([0.71, 0.71, 0.  ], dtype=float32)

    See Also:
        `worst_supports`, the exhaustive search over 0-1 inputs.
    """
    _checks.key(key)
    _enumerable_dimension("d", d)
    _checks.integer("starts", starts, minimum=1)
    _checks.integer("steps", steps, minimum=1)
    ends, objective = _ascend(_starts(key, d, starts), steps)
    order = jnp.argsort(-objective)
    return Ascent(ends[order], objective[order])


def _objective(x: Array) -> Array:
    """`cf_discrepancy` of one vector."""
    d = x.size
    step = _LIMIT / _POINTS[d]
    t = step * (np.arange(_POINTS[d]) + 0.5)
    # A product over all j does not change with the sign of D_1 as a whole or when D_1 is multiplied
    # by a row of H, which shifts z. So the signs at 0 and at the powers of two may be 1.
    free = np.array([j for j in range(d) if j.bit_count() > 1])
    signs = np.ones((1 << free.size, d))
    signs[:, free] -= 2 * (np.arange(len(signs))[:, None] >> np.arange(free.size) & 1)
    z = fwht(jnp.asarray(signs, x.dtype) * unit(x)[None])
    products = jnp.prod(jnp.cos(jnp.asarray(t, x.dtype)[:, None, None] * z[None]), axis=-1)
    gap = jnp.mean(products, axis=-1) - jnp.asarray(sphere_coordinate_cf(t, d), x.dtype)
    return jnp.sum(jnp.square(gap) * jnp.asarray(step / t, x.dtype))


@jax.jit(static_argnums=1)
def _ascend(starts: Array, steps: int) -> tuple[Array, Array]:
    """Climb from each start."""
    climb = jax.value_and_grad(_objective)

    def step(state: tuple[Array, ...], _: None) -> tuple[tuple[Array, ...], None]:
        x, value, gradient, angle = state
        tangent = gradient - jnp.dot(gradient, x) * x
        direction = tangent / jnp.maximum(jnp.linalg.norm(tangent), jnp.finfo(x.dtype).tiny)
        moved = unit(jnp.cos(angle) * x + jnp.sin(angle) * direction)
        moved_value, moved_gradient = climb(moved)
        better = moved_value > value
        kept = (
            jnp.where(better, moved, x),
            jnp.where(better, moved_value, value),
            jnp.where(better, moved_gradient, gradient),
            jnp.where(better, jnp.minimum(1.2 * angle, _LONGEST_STEP), angle / 2),
        )
        return kept, None

    def ascent(x: Array) -> tuple[Array, Array]:
        angle = jnp.asarray(_FIRST_STEP, x.dtype)
        (x, value, _, _), _ = lax.scan(step, (x, *climb(x), angle), length=steps)
        return x, value

    return jax.vmap(ascent)(starts)


def _starts(key: KeyArray, d: int, count: int) -> Array:
    """Unit vectors: perturbed indicators of subspaces, then random ones of three kinds."""
    key_library, key_random, key_size = jax.random.split(key, 3)
    library = np.arange(d) < 2 ** np.arange(d.bit_length())[:, None]
    library = unit(jnp.asarray(library, "float32"))
    library += _PERTURBATION * jax.random.normal(key_library, library.shape, "float32")
    normal = jax.random.normal(key_random, (count, d), "float32")
    spread = jnp.sign(normal) * jnp.exp(2 * jax.random.normal(key_size, (count, d), "float32"))
    kind = jnp.arange(count)[:, None] % 3
    random = jnp.where(kind == 0, normal, jnp.where(kind == 1, normal**3, spread))
    return unit(jnp.concatenate([library, random])[:count])


def _enumerable_dimension(name: str, d: int) -> None:
    """Refuse a dimension whose signs and subsets are not enumerated."""
    if _checks.integer(name, d) not in _DIMENSIONS:
        _discrepancy_checks.small_dimension(name, d, _DIMENSIONS)
