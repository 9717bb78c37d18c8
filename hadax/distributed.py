r"""Walsh-Hadamard transforms along an axis that is spread over the devices of a mesh.

For vectors longer than the memory of one device. `fwht` and `ifwht` are for code inside
`jax.shard_map`, `fwht_sharded` and `ifwht_sharded` for global arrays.

**Why two local stages are enough.** Let p devices hold blocks of n/p points: the device is the
slowest digit of the index of a point. It cuts its block into p pieces, and a point has the index
(d, e, f): device, piece, place. $A \otimes B = (A \otimes I)(I \otimes B)$ takes
$H_n = H_p \otimes H_p \otimes H_{n/p^2}$ apart:

$$H_n = X\,(I_p \otimes H_{n/p})\;X\,(I_p \otimes H_p \otimes I_{n/p^2}).$$

First each device transforms across its own pieces: $H_p$ on e. The exchange X, one all_to_all,
swaps d and e: device e now holds piece e of every device, and what is left, $H_p \otimes H_{n/p^2}$
on (d, f), is the transform of its own n/p points. A second exchange puts the coefficients back in
natural order. At n = m 2^k it is the same: d is the slow part of $H_m \otimes H_2^{\otimes k}$ and
e a digit of 2^k.

**Why order="dyadic" needs one exchange only.** It reads the bits of the index backwards. Where
the pieces are cut at stride p, the coefficients lie on the right device after the first exchange,
and the rest of the bit reversal, and the Gray code of "sequency", is local. A product between a
transform and its inverse needs no particular order: it is cheapest in these.

**Why all_to_all.** A device sends (p-1)/p of its block in an exchange: 2 (p-1)/p blocks in natural
order, half of that in the others. A butterfly, one ppermute for each of the log2(p) stages across
devices, sends log2(p) blocks: as much at p = 2, more from p = 4 on, 5 times as much at p = 1024.
"""

import functools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax
from jax.sharding import AbstractMesh, Mesh, PartitionSpec

from hadax import _checks, _distributed_checks
from hadax._distributed_checks import MeshAxes
from hadax._typing import Array, ArrayLike, Implementation, Norm, Num, Order
from hadax.kernels import _hadamard_orders
from hadax.transforms import walsh


def fwht(
    x: Num[ArrayLike, "..."],
    axis_name: MeshAxes,
    *,
    axis: int = -1,
    order: Order = "natural",
    norm: Norm = "ortho",
    implementation: Implementation | None = None,
) -> Num[Array, "..."]:
    r"""Walsh-Hadamard transform along an axis that is spread over mesh axes, inside shard_map.

    $y = c\,H x$ as in `hadax.fwht`, where x is the concatenation along `axis` of what the p devices
    along `axis_name` hold, n/p points each, and so is y. The module's page says how it is done.

    Args:
        x: array (..., n/p, ...), what this device holds: real, complex or integer. Other axes may
            be spread over other mesh axes.
        axis_name: the mesh axis, or mesh axes from the slowest to the fastest, that `axis` is
            spread over; p devices, a power of two.
        axis: the axis to transform.
        order: "natural"; "dyadic" and "sequency", for powers of two, cost half of the exchanges.
        norm: "ortho", "backward" or "forward".
        implementation: of the local transforms, as in `hadax.fwht`.

    Returns:
        Array of the shape and dtype of x: this device's part of the transform.

    Raises:
        ValueError: as `hadax.fwht` for the length n; axis_name is not bound, or p is no power of
            two; n is not a multiple of p^2, or of m p and p^2 at n = m 2^k.
        TypeError: as `hadax.fwht`.

    Cost:
        Two local transforms, of lengths p and n/p; each device sends (p-1)/p of its block, twice in
        natural order and once in the others. 16-bit floats are rounded after each local transform.

    Example:
        >>> import functools, jax, jax.numpy as jnp, hadax
        >>> from jax.sharding import PartitionSpec as P
        >>> mesh = jax.make_mesh((len(jax.devices()),), ("d",))
        >>> x = jax.device_put(jnp.arange(64.0), jax.NamedSharding(mesh, P("d")))
        >>> local = functools.partial(hadax.distributed.fwht, axis_name="d")
        >>> y = jax.shard_map(local, mesh=mesh, in_specs=P("d"), out_specs=P("d"))(x)
        >>> bool(jnp.allclose(y, hadax.fwht(jnp.arange(64.0)), atol=1e-4))
        True

    See Also:
        `hadax.fwht`, for an axis that is whole on every device. `fwht_sharded`, for global arrays.
        FFTW's `FFTW_MPI_TRANSPOSED_OUT` saves the second exchange as order="dyadic" does here.

    References:
        Fino & Algazi (1976), key `fino1976`.
    """
    x, axis, (rows, devices, places) = _prepare(x, axis_name, axis, order)
    stage = functools.partial(walsh.fwht, norm=norm, order=order, implementation=implementation)
    if devices == 1:
        return stage(x, axis=axis)
    y = jnp.moveaxis(x, axis, -1)
    *batch, _ = block = y.shape
    if order == "natural":
        y = stage(y.reshape(*batch, 1, rows, devices, places), axis=-2)
        y = stage(_exchange(y, axis_name, -2, -4).reshape(block))
        y = _exchange(y.reshape(*batch, devices, rows, 1, places), axis_name, -4, -2)
    else:
        y = stage(y.reshape(*batch, 1, rows * places, devices))
        y = stage(_exchange(y, axis_name, -1, -3).reshape(block))
        y = _reflect(y, axis_name, order)
    return jnp.moveaxis(y.reshape(block), -1, axis)


def ifwht(
    x: Num[ArrayLike, "..."],
    axis_name: MeshAxes,
    *,
    axis: int = -1,
    order: Order = "natural",
    norm: Norm = "ortho",
    implementation: Implementation | None = None,
) -> Num[Array, "..."]:
    r"""Inverse of `fwht` along an axis that is spread over mesh axes, inside shard_map.

    $x = c\,H^T y$ as in `hadax.ifwht`: `ifwht(fwht(x, ...), ...)` is x, for the same words.

    Args:
        x: array (..., n/p, ...), what this device holds: real, complex or integer.
        axis_name: the mesh axis or axes that `axis` is spread over; p devices, a power of two.
        axis: the axis to transform.
        order: the order that x is in; "dyadic" and "sequency" cost half of the exchanges.
        norm: "ortho", "backward" or "forward"; the same word as was given to `fwht`.
        implementation: of the local transforms, as in `hadax.ifwht`.

    Returns:
        Array of the shape and dtype of x: this device's part of the inverse.

    Raises:
        ValueError, TypeError: as `fwht`.

    Cost:
        As `fwht`.

    Example:
        >>> import jax, jax.numpy as jnp, hadax
        >>> from jax.sharding import PartitionSpec as P
        >>> mesh = jax.make_mesh((len(jax.devices()),), ("d",))
        >>> x = jax.device_put(jnp.arange(64.0), jax.NamedSharding(mesh, P("d")))
        >>> shift = jax.device_put(jnp.zeros(64).at[1].set(1.0), x.sharding)
        >>> words = {"axis_name": "d", "order": "dyadic", "norm": "backward"}
        >>> def convolve(x, y):  # one exchange for each transform
        ...     a, b = (hadax.distributed.fwht(v, **words) for v in (x, y))
        ...     return hadax.distributed.ifwht(a * b, **words)
        >>> y = jax.shard_map(convolve, mesh=mesh, in_specs=P("d"), out_specs=P("d"))(x, shift)
        >>> [round(float(value)) for value in jax.device_get(y)[:6]]
        [1, 0, 3, 2, 5, 4]

    See Also:
        `fwht`, `hadax.ifwht`, `ifwht_sharded`.
    """
    x, axis, (rows, devices, places) = _prepare(x, axis_name, axis, order)
    stage = functools.partial(walsh.ifwht, norm=norm, order=order, implementation=implementation)
    if devices == 1:
        return stage(x, axis=axis)
    y = jnp.moveaxis(x, axis, -1)
    *batch, _ = block = y.shape
    if order == "natural":
        y = _exchange(y.reshape(*batch, 1, rows, devices, places), axis_name, -2, -4)
        y = stage(y.reshape(block)).reshape(*batch, devices, rows, 1, places)
        y = stage(_exchange(y, axis_name, -4, -2), axis=-2)
    else:
        y = stage(_reflect(y, axis_name, order)).reshape(*batch, devices, rows * places, 1)
        y = stage(_exchange(y, axis_name, -3, -1))
    return jnp.moveaxis(y.reshape(block), -1, axis)


def fwht_sharded(
    x: Num[ArrayLike, "..."],
    mesh: Mesh | AbstractMesh,
    spec: PartitionSpec,
    *,
    axis: int = -1,
    order: Order = "natural",
    norm: Norm = "ortho",
    implementation: Implementation | None = None,
) -> Num[Array, "..."]:
    r"""Walsh-Hadamard transform of a global array along an axis that is sharded over a mesh.

    $y = c\,H x$ as in `hadax.fwht`; no device ever holds the whole of it.

    Args:
        x: array (..., n, ...), real, complex or integer. On an explicit mesh it must be laid out as
            `spec` says; on an automatic one it is brought there.
        mesh: the mesh.
        spec: which mesh axes each axis of x is spread over: `axis` over one or several of them, p
            devices in all, a power of two; the other axes as you like.
        axis: the axis to transform.
        order: "natural"; "dyadic" and "sequency", for powers of two, cost half of the exchanges.
        norm: "ortho", "backward" or "forward".
        implementation: of the local transforms, as in `hadax.fwht`.

    Returns:
        Array of the shape, dtype and layout of x.

    Raises:
        ValueError: as `fwht`; `spec` does not shard `axis`, or names what the mesh has not; x is
            laid out otherwise on an explicit mesh.
        TypeError: as `hadax.fwht`; `mesh` is no mesh, `spec` no PartitionSpec.

    Cost:
        As `fwht`: each device sends (p-1)/p of its block, twice in natural order and once in the
        others.

    Example:
        >>> import jax, jax.numpy as jnp, hadax
        >>> from jax.sharding import PartitionSpec as P
        >>> mesh, spec = jax.make_mesh((len(jax.devices()),), ("d",)), P(None, "d")
        >>> x = jax.random.normal(jax.random.key(0), (3, 192))
        >>> sharded = jax.device_put(x, jax.NamedSharding(mesh, spec))
        >>> y = hadax.distributed.fwht_sharded(sharded, mesh, spec)
        >>> bool(jnp.allclose(y, hadax.fwht(x), atol=1e-5)), y.sharding.spec == spec
        (True, True)

    See Also:
        `hadax.fwht`, which takes arrays sharded along every other axis and sends nothing.
    """
    return _over_mesh(fwht, x, mesh, spec, axis, order, norm, implementation)


def ifwht_sharded(
    x: Num[ArrayLike, "..."],
    mesh: Mesh | AbstractMesh,
    spec: PartitionSpec,
    *,
    axis: int = -1,
    order: Order = "natural",
    norm: Norm = "ortho",
    implementation: Implementation | None = None,
) -> Num[Array, "..."]:
    r"""Inverse of `fwht_sharded`: of a global array along an axis that is sharded over a mesh.

    $x = c\,H^T y$ as in `hadax.ifwht`.

    Args:
        x: array (..., n, ...), real, complex or integer, laid out as `spec` says.
        mesh: the mesh.
        spec: which mesh axes each axis of x is spread over, as in `fwht_sharded`.
        axis: the axis to transform.
        order: the order that x is in; "dyadic" and "sequency" cost half of the exchanges.
        norm: "ortho", "backward" or "forward"; the same word as was given to `fwht_sharded`.
        implementation: of the local transforms, as in `hadax.ifwht`.

    Returns:
        Array of the shape, dtype and layout of x.

    Raises:
        ValueError, TypeError: as `fwht_sharded`.

    Cost:
        As `fwht_sharded`.

    Example:
        >>> import jax, jax.numpy as jnp, hadax
        >>> from jax.sharding import PartitionSpec as P
        >>> mesh, spec = jax.make_mesh((len(jax.devices()),), ("d",)), P("d")
        >>> x = jax.device_put(jnp.arange(64), jax.NamedSharding(mesh, spec))
        >>> y = hadax.distributed.fwht_sharded(x, mesh, spec, norm="backward")
        >>> z = hadax.distributed.ifwht_sharded(y, mesh, spec, norm="forward")
        >>> bool((z == 64 * x).all())
        True

    See Also:
        `fwht_sharded`, `hadax.ifwht`.
    """
    return _over_mesh(ifwht, x, mesh, spec, axis, order, norm, implementation)


def _over_mesh(
    transform: Callable[..., Array],
    x: Num[ArrayLike, "..."],
    mesh: Mesh | AbstractMesh,
    spec: PartitionSpec,
    axis: int,
    *words: str | None,
) -> Num[Array, "..."]:
    """`transform` under shard_map; `words` are its order, norm and implementation."""
    order, norm, implementation = words
    _checks.order(order)
    _checks.norm(norm)
    _checks.implementation(implementation)
    x = _checks.array("x", x)
    axis = _checks.axis(x, axis)
    names = _distributed_checks.mesh_axes(x, axis, mesh, spec)
    return _compiled(transform, mesh, spec, names, axis, words)(x)


@functools.lru_cache(maxsize=4096)
def _compiled(
    transform: Callable[..., Array],
    mesh: Mesh | AbstractMesh,
    spec: PartitionSpec,
    names: MeshAxes,
    axis: int,
    words: tuple[str | None, ...],
) -> Callable[[Array], Array]:
    """One program for all devices, so that also a call outside of jit is one."""
    keywords = dict(zip(("order", "norm", "implementation"), words, strict=True))
    local = functools.partial(transform, axis_name=names, axis=axis, **keywords)
    return jax.jit(jax.shard_map(local, mesh=mesh, in_specs=spec, out_specs=spec))


def _prepare(
    x: Num[ArrayLike, "..."], axis_name: MeshAxes, axis: int, order: Order
) -> tuple[Array, int, tuple[int, int, int]]:
    """x, its axis, and how a device cuts its block: into rows, p pieces a row, places a piece.

    With n = m 2^k and r = m 2^s the first multiple of p, a device holds r/p rows of a matrix
    (r, n/r) on which H_n acts as H_r on the columns and Sylvester's on the rows.
    """
    _checks.order(order)
    x = _checks.array("x", x)
    axis = _checks.axis(x, axis)
    devices = _distributed_checks.bound_axes(axis_name)
    _distributed_checks.device_count(devices, axis_name)
    n = devices * x.shape[axis]
    if order != "natural":
        _checks.power_of_two(n, why=f"order={order!r}")
    if not _hadamard_orders.is_supported(n):
        _distributed_checks.hadamard_length(n, devices, *_hadamard_orders.nearest_supported(n))
    slow = math.lcm(_hadamard_orders.decompose(n)[0], devices)
    _distributed_checks.divisible(n, slow * devices, devices)
    return x, axis, (slow // devices, devices, n // (slow * devices))


def _exchange(x: Array, axis_name: MeshAxes, piece: int, device: int) -> Array:
    """Piece e goes to device e: from the axis `piece`, of length p, to the axis `device`, of 1."""
    return lax.all_to_all(x, axis_name, x.ndim + piece, x.ndim + device, tiled=True)


def _reflect(x: Array, axis_name: MeshAxes, order: Order) -> Array:
    """The block backwards on odd devices: the Gray code is reflected from one to the next."""
    if order != "sequency":
        return x
    return jnp.where(lax.axis_index(axis_name) % 2 == 1, jnp.flip(x, -1), x)
