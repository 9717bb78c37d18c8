r"""Walsh-Hadamard transforms along an axis that is spread over the devices of a mesh.

For vectors longer than the memory of one device. `fwht` and `ifwht` are for code inside
`jax.shard_map`, `fwht_sharded` and `ifwht_sharded` for global arrays.

**Why two local stages are enough.** Let p devices hold blocks of n/p points: the device is the
slowest digit of the index of a point. It cuts its block into p pieces, and a point has the index
(d, e, f): device, piece, place. $A \otimes B = (A \otimes I)(I \otimes B)$ takes
$H_n = H_p \otimes H_p \otimes H_{n/p^2}$ apart:

$H_n = X\,(I_p \otimes H_{n/p})\;X\,(I_p \otimes H_p \otimes I_{n/p^2})$.

First each device transforms across its own pieces: $H_p$ on e. The exchange X, one all_to_all,
swaps d and e: device e now holds piece e of every device, and what is left, $H_p \otimes H_{n/p^2}$
on (d, f), is the transform of its own n/p points. A second exchange puts the coefficients back in
natural order. At n = m 2^k it is the same: d is the slow part of $H_m \otimes H_2^{\otimes k}$ and
e a digit of 2^k.

**One exchange less.** `transposed=True` leaves the coefficients where the first exchange has
brought them: those of natural order, reshaped to (r, p, n/(r p)) and with the first two axes
swapped, where r is the least common multiple of m and p (p itself at a power of two). For a product
between a transform and its inverse any order is good, and this is the cheapest. The orders "dyadic"
and "sequency" need one exchange as well: they read the bits of the index backwards, so that with
pieces cut at stride p the first exchange brings the coefficients to the right device, and the rest
of the permutation is local.

**Why all_to_all.** A device sends (p-1)/p of its block in an exchange: 2 (p-1)/p blocks in natural
order, half of that with one exchange less. A butterfly, one ppermute for each of the log2(p) stages
across devices, sends log2(p) blocks: as much at p = 2, more from p = 4 on, 5 times as much at
p = 1024.
"""

from jax.sharding import AbstractMesh, Mesh, PartitionSpec

from hadax import _distributed_stages
from hadax._distributed_checks import MeshAxes
from hadax._distributed_stages import Words
from hadax._typing import Array, ArrayLike, Implementation, Norm, Num, Order


def fwht(
    x: Num[ArrayLike, "..."],
    axis_name: MeshAxes,
    *,
    axis: int = -1,
    order: Order = "natural",
    norm: Norm = "ortho",
    implementation: Implementation | None = None,
    transposed: bool = False,
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
        order: "natural"; "dyadic" and "sequency", for powers of two, take one exchange less.
        norm: "ortho", "backward" or "forward".
        implementation: of the transform of a block, as in `hadax.fwht`.
        transposed: whether to leave out the second exchange: the module's page says what is where.

    Returns:
        Array of the shape and dtype of x: this device's part of the transform.

    Raises:
        ValueError: as `hadax.fwht` for the length n; axis_name is not bound, or p is no power of
            two; n is not a multiple of p^2, or of m p and p^2 at n = m 2^k.
        TypeError: as `hadax.fwht`.

    Cost:
        Two local transforms, of lengths p and n/p; each device sends (p-1)/p of its block, twice in
        natural order and else once, and needs two or three blocks of memory beside x and the
        result. 16-bit floats are rounded after each local transform.

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
        `transposed` is `FFTW_MPI_TRANSPOSED_OUT` of FFTW, and for the inverse `.._TRANSPOSED_IN`.

    References:
        Fino & Algazi (1976), key `fino1976`.
    """
    words = Words(order, norm, implementation, transposed)
    return _distributed_stages.forward(x, axis_name, axis, words)


def ifwht(
    x: Num[ArrayLike, "..."],
    axis_name: MeshAxes,
    *,
    axis: int = -1,
    order: Order = "natural",
    norm: Norm = "ortho",
    implementation: Implementation | None = None,
    transposed: bool = False,
) -> Num[Array, "..."]:
    r"""Inverse of `fwht` along an axis that is spread over mesh axes, inside shard_map.

    $x = c\,H^T y$ as in `hadax.ifwht`: `ifwht(fwht(x, ...), ...)` is x, for the same words.

    Args:
        x: array (..., n/p, ...), what this device holds: real, complex or integer.
        axis_name: the mesh axis or axes that `axis` is spread over; p devices, a power of two.
        axis: the axis to transform.
        order: the order that x is in; "dyadic" and "sequency" take one exchange less.
        norm: "ortho", "backward" or "forward"; the same word as was given to `fwht`.
        implementation: of the transform of a block, as in `hadax.ifwht`.
        transposed: whether x is as the forward transform leaves it with transposed=True.

    Returns:
        Array of the shape and dtype of x: this device's part of the inverse.

    Raises:
        ValueError: as `fwht`.
        TypeError: as `fwht`.

    Cost:
        As `fwht`.

    Example:
        >>> import jax, jax.numpy as jnp, hadax
        >>> from jax.sharding import PartitionSpec as P
        >>> mesh = jax.make_mesh((len(jax.devices()),), ("d",))
        >>> x = jax.device_put(jnp.arange(64.0), jax.NamedSharding(mesh, P("d")))
        >>> shift = jax.device_put(jnp.zeros(64).at[1].set(1.0), x.sharding)
        >>> words = {"axis_name": "d", "norm": "backward", "transposed": True}
        >>> def convolve(x, y):  # one exchange for each transform
        ...     a, b = (hadax.distributed.fwht(v, **words) for v in (x, y))
        ...     return hadax.distributed.ifwht(a * b, **words)
        >>> y = jax.shard_map(convolve, mesh=mesh, in_specs=P("d"), out_specs=P("d"))(x, shift)
        >>> [round(float(value)) for value in jax.device_get(y)[:6]]
        [1, 0, 3, 2, 5, 4]

    See Also:
        `fwht`, `hadax.ifwht`, `ifwht_sharded`.
    """
    words = Words(order, norm, implementation, transposed)
    return _distributed_stages.backward(x, axis_name, axis, words)


def fwht_sharded(
    x: Num[ArrayLike, "..."],
    mesh: Mesh | AbstractMesh,
    spec: PartitionSpec,
    *,
    axis: int = -1,
    order: Order = "natural",
    norm: Norm = "ortho",
    implementation: Implementation | None = None,
    transposed: bool = False,
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
        order: "natural"; "dyadic" and "sequency", for powers of two, take one exchange less.
        norm: "ortho", "backward" or "forward".
        implementation: of the transform of a block, as in `hadax.fwht`.
        transposed: whether to leave out the second exchange: the module's page says what is where.

    Returns:
        Array of the shape, dtype and layout of x.

    Raises:
        ValueError: as `fwht`; `spec` does not shard `axis`, or names what the mesh has not; x is
            laid out otherwise on an explicit mesh.
        TypeError: as `hadax.fwht`; `mesh` is no mesh, `spec` no PartitionSpec.

    Cost:
        As `fwht`: each device sends (p-1)/p of its block, twice in natural order and else once.

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
    words = Words(order, norm, implementation, transposed)
    return _distributed_stages.over_mesh(_distributed_stages.forward, x, mesh, spec, axis, words)


def ifwht_sharded(
    x: Num[ArrayLike, "..."],
    mesh: Mesh | AbstractMesh,
    spec: PartitionSpec,
    *,
    axis: int = -1,
    order: Order = "natural",
    norm: Norm = "ortho",
    implementation: Implementation | None = None,
    transposed: bool = False,
) -> Num[Array, "..."]:
    r"""Inverse of `fwht_sharded`: of a global array along an axis that is sharded over a mesh.

    $x = c\,H^T y$ as in `hadax.ifwht`.

    Args:
        x: array (..., n, ...), real, complex or integer, laid out as `spec` says.
        mesh: the mesh.
        spec: which mesh axes each axis of x is spread over, as in `fwht_sharded`.
        axis: the axis to transform.
        order: the order that x is in; "dyadic" and "sequency" take one exchange less.
        norm: "ortho", "backward" or "forward"; the same word as was given to `fwht_sharded`.
        implementation: of the transform of a block, as in `hadax.ifwht`.
        transposed: whether x is as the forward transform leaves it with transposed=True.

    Returns:
        Array of the shape, dtype and layout of x.

    Raises:
        ValueError: as `fwht_sharded`.
        TypeError: as `fwht_sharded`.

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
    words = Words(order, norm, implementation, transposed)
    return _distributed_stages.over_mesh(_distributed_stages.backward, x, mesh, spec, axis, words)
