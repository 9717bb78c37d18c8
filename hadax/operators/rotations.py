"""Random orthogonal maps by other means than signs and Hadamard transforms."""

import math

import jax
import jax.numpy as jnp
from jax import lax

from hadax import _checks, _dtypes
from hadax._typing import Array, DTypeLike, KeyArray
from hadax.operators.base import OrthogonalOperator, _row, array, operator_class, static
from hadax.operators.elementary import Dense


@operator_class
class Householder(OrthogonalOperator):
    """The product of reflections I - 2 v v^T over the unit rows v (k, n); the last acts first."""

    vectors: Array = array(ndim=2)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n)."""
        return self.vectors.shape[-1], self.vectors.shape[-1]

    def _apply(self, x: Array) -> Array:
        _checks.not_integer(x.dtype)
        dtype = _dtypes.accumulator(x.dtype)

        def reflect(y: Array, v: Array) -> tuple[Array, None]:
            row = _row(v, y)
            return y - 2 * jnp.sum(y * row, axis=-1, keepdims=True) * row, None

        y, _ = lax.scan(reflect, x.astype(dtype), self.vectors, reverse=True)
        return y.astype(x.dtype)

    def _transpose(self) -> "Householder":
        return Householder(self.vectors[..., ::-1, :])


@operator_class
class KacWalk(OrthogonalOperator):
    """A product of plane rotations: step t turns the plane `pairs[t]` by `angles[t]`, the first
    step first; transposed it goes back."""

    pairs: Array = array(ndim=2)
    angles: Array = array(ndim=1)
    n: int = static()
    transposed: bool = static(default=False)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n)."""
        return self.n, self.n

    def _apply(self, x: Array) -> Array:
        _checks.not_integer(x.dtype)
        dtype = _dtypes.accumulator(x.dtype)
        cosines = jnp.cos(self.angles).astype(dtype)
        sines = jnp.sin(self.angles).astype(dtype) * jnp.asarray(1 - 2 * self.transposed, dtype)

        def turn(y: Array, step: tuple[Array, Array, Array]) -> tuple[Array, None]:
            pair, c, s = step
            plane = y[..., pair]
            a, b = plane[..., 0], plane[..., 1]
            turned = jnp.stack([c * a - s * b, s * a + c * b], axis=-1)
            return y.at[..., pair].set(turned, unique_indices=True), None

        steps = (self.pairs, cosines, sines)
        y, _ = lax.scan(turn, x.astype(dtype), steps, reverse=self.transposed)
        return y.astype(x.dtype)

    def _transpose(self) -> "KacWalk":
        return KacWalk(self.pairs, self.angles, self.n, not self.transposed)


def haar_rotation(key: KeyArray, n: int, *, dtype: DTypeLike | None = None) -> Dense:
    r"""A uniformly random orthogonal matrix.

    $Q$ of $G = Q R$ for a Gaussian matrix G, with the columns' signs fixed by
    $\operatorname{sign}(R_{ii})$: without it the law is not uniform. Determinants 1 and -1 are
    equally likely.

    Args:
        key: a new-style PRNG key.
        n: length.
        dtype: a float dtype for the matrix. Default: float64 in x64 mode, else float32.

    Returns:
        An orthogonal operator of shape (n, n) that stores the matrix.

    Raises:
        ValueError: n is less than 1.
        TypeError: key is no new-style key, n no integer, dtype no float of at least 32 bits.

    Cost:
        O(n^3) once, O(n^2) a vector; n^2 numbers.

    Example:
        >>> import jax, hadax
        >>> q = hadax.haar_rotation(jax.random.key(0), 4).as_matrix()
        >>> bool(abs(q @ q.T - jax.numpy.eye(4)).max() < 1e-6)
        True

    See Also:
        `jax.random.orthogonal` and `scipy.stats.ortho_group`, which draw from the same law;
        `randomized_hadamard`, in O(n log n).

    References:
        Stewart (1980) and Mezzadri (2007), keys `stewart1980`, `mezzadri2007`.
    """
    _checks.key(key)
    n = _checks.integer("n", n, minimum=1)
    q, r = jnp.linalg.qr(jax.random.normal(key, (n, n), _checks.wide_float("dtype", dtype)))
    d = jnp.diagonal(r)
    return Dense(q * jnp.where(d < 0, -1, 1).astype(q.dtype)[None, :], orthogonal=True)


def householder(
    key: KeyArray, n: int, *, reflections: int = 1, dtype: DTypeLike | None = None
) -> Householder:
    r"""Random reflections: each in the hyperplane normal to a uniform unit vector.

    $(I - 2 v_1 v_1^T) \cdots (I - 2 v_k v_k^T)$ with independent $v_i$ uniform on the sphere.

    Args:
        key: a new-style PRNG key.
        n: length.
        reflections: the number k of reflections.
        dtype: a float dtype for the vectors. Default: float64 in x64 mode, else float32.

    Returns:
        An orthogonal operator of shape (n, n) that stores the vectors (reflections, n). It moves
        most of a vector's energy only after about n reflections.

    Raises:
        ValueError: n or reflections is less than 1.
        TypeError: key is no new-style key; n or reflections no integer; dtype no wide float.

    Cost:
        4 n operations a reflection and vector.

    Example:
        >>> import jax, hadax
        >>> q = hadax.householder(jax.random.key(0), 4).as_matrix()
        >>> bool(abs(q - q.T).max() < 1e-6), float(jax.numpy.linalg.det(q).round(3))
        (True, -1.0)

    See Also:
        `haar_rotation`, which LAPACK computes as n reflections.

    References:
        Stewart (1980), key `stewart1980`.
    """
    _checks.key(key)
    n = _checks.integer("n", n, minimum=1)
    k = _checks.integer("reflections", reflections, minimum=1)
    v = jax.random.normal(key, (k, n), _checks.wide_float("dtype", dtype))
    return Householder(v / jnp.linalg.norm(v, axis=-1, keepdims=True))


def kac_walk(
    key: KeyArray, n: int, *, steps: int | None = None, dtype: DTypeLike | None = None
) -> KacWalk:
    r"""Kac's random walk: random plane rotations, one after another.

    Each step draws two of the n coordinates and an angle uniform on $[0, 2\pi)$ and turns the
    vector in their plane. One vector needs of the order of n log n steps to look uniform.

    Args:
        key: a new-style PRNG key.
        n: length, at least 2.
        steps: the number of plane rotations. Default: 2 n ceil(log2 n).
        dtype: a float dtype for the angles. Default: float64 in x64 mode, else float32.

    Returns:
        An orthogonal operator of shape (n, n) with determinant 1 that stores pairs and angles.

    Raises:
        ValueError: n is less than 2, or steps less than 1.
        TypeError: key is no new-style key; n or steps no integer; dtype no wide float.

    Cost:
        6 operations a step and vector, one step after another.

    Example:
        >>> import jax, hadax
        >>> q = hadax.kac_walk(jax.random.key(0), 4).as_matrix()
        >>> bool(abs(q @ q.T - jax.numpy.eye(4)).max() < 1e-6)
        True

    See Also:
        `randomized_hadamard`, whose n log n steps run side by side.

    References:
        Kac (1956) and Pillai & Smith (2017), keys `kac1956`, `pillai2017`.
    """
    _checks.key(key)
    n = _checks.integer("n", n, minimum=2)
    default = 2 * n * math.ceil(math.log2(n))
    count = default if steps is None else _checks.integer("steps", steps, minimum=1)
    key_first, key_second, key_angle = jax.random.split(key, 3)
    first = jax.random.randint(key_first, (count,), 0, n)
    # The second coordinate is one of the other n - 1: step over the first.
    second = jax.random.randint(key_second, (count,), 0, n - 1)
    second = second + (second >= first).astype(second.dtype)
    kind = _checks.wide_float("dtype", dtype)
    angles = jax.random.uniform(key_angle, (count,), kind, 0.0, 2 * math.pi)
    return KacWalk(jnp.stack([first, second], axis=-1), angles, n)
