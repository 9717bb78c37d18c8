"""The Fourier transform of a function of digits that has few coefficients."""

from collections.abc import Callable

import numpy as np
from jax.tree_util import Partial

from hadax import _checks
from hadax._distributed_checks import MeshAxes
from hadax._typing import Array, ArrayLike, KeyArray
from hadax.sparse import _program, _sharing_checks, _sparse_checks
from hadax.sparse._sharing_checks import Mesh
from hadax.sparse.query_points import DigitDecoder
from hadax.sparse.spectrum import SparseSpectrum


def sparse_fft(
    f: Callable[[Array], Array] | ArrayLike,
    n: int,
    sparsity: int,
    key: KeyArray,
    *,
    base: int,
    decoder: DigitDecoder = "noiseless",
    noise: ArrayLike | None = None,
    repetitions: int | None = None,
    groups: int = 3,
    bins: int | None = None,
    max_rounds: int = 40,
    batch_size: int = 2**14,
    mesh: Mesh | None = None,
    axis_name: MeshAxes | None = None,
) -> SparseSpectrum:
    r"""The Fourier spectrum of a function of n digits from few of its values, if it has few terms.

    $f(x) = \sum_{k \in S} F_k\,\omega^{\langle k, x\rangle} + \text{noise}$ with
    $\omega = e^{2 \pi i / q}$ and digits 0, ..., q - 1. It is what `sparse_fwht` does for bits, but
    over the integers modulo q: a digit of an index is the angle by which the numbers of a bin turn
    from one offset to another, to the nearest q-th of a circle.

    Args:
        f: function from points (r, n), int32 digits, to values (r,), real or complex and traceable;
            or the array (q^n,) of all values, in which digit 0 runs fastest. Define it once: it is
            compiled, and kept. Arrays that change belong in a `jax.tree_util.Partial`.
        n: number of digits.
        sparsity: how many coefficients there may be. A real function has as many again: F at -k,
            modulo q, is the conjugate of F at k.
        key: a key; an ensemble is `jax.vmap` over keys.
        base: q, prime or not.
        decoder: how a bin tells its coefficient: "noiseless" with n + 1 values, or "nso" with
            `repetitions` times as many.
        noise: standard deviation of the noise of a value of f, for "nso": real noise if f is real,
            else as much in either part; None estimates it.
        repetitions: of "nso", by default 3.
        groups: C. With an even q the coefficients at k and -k of a real function share all bins
            with probability $(q/2)^{-C b}$, as their difference 2k has few values: there a fourth
            and a fifth group are the cheapest remedy.
        bins: bins of a group, a power of q; by default as in `sparse_fwht`.
        max_rounds: most rounds of peeling, each through all groups.
        batch_size: most points that f is asked for at once, by a device.
        mesh: devices to share the work, as many as divide the bins: powers of q for a prime q.
        axis_name: the mesh axis or axes to spread over; None for all of them.

    Returns:
        A `SparseSpectrum` of this base, with complex coefficients; `digits` are its indices.

    Raises:
        ValueError: an f of another shape, a base of 2 or above 64, fewer bins than peeling takes,
            no fewer of them in a group than there are points, a noise without a decoder for it, or
            a mesh whose devices cannot have as many bins each.
        TypeError: f does not return numbers.

    Cost:
        C P B values of f, P = n + 1 times repetitions, C B from 1.6 to 1.6 q times the sparsity;
        O(C P B log B) for the transforms and O(C P B) a round.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax import sparse
        >>> def f(x):
        ...     turn = 2 * jnp.pi / 3
        ...     return 0.5 + 2.0 * jnp.cos(turn * (x[:, 0] + 2 * x[:, 19]).astype(float))
        >>> print(sparse.sparse_fft(f, 20, 3, jax.random.key(0), base=3))  # doctest: +ELLIPSIS
        3 coefficients of a function of 20 digits of base 3
        ...
        >>> sorted(round(abs(v), 4) for v in sparse.sparse_fft(
        ...     f, 20, 3, jax.random.key(0), base=3).to_dict().values())
        [0.5, 1.0, 1.0]

    See Also:
        `sparse_fwht`, for bits; `queries` with `base`, `sample` and `recover`, for functions that
        cannot be traced; `jax.numpy.fft.fftn(values, norm="forward")`, from all q^n values.

    References:
        Erginbas, Kang, Aghazadeh and Ramchandran (2023), key `erginbas2023`.
    """
    length = _checks.integer("n", n, minimum=1)
    q = _sparse_checks.base(base)
    _sparse_checks.more_than_bits(q)
    _sparse_checks.noise(noise, decoder)
    if callable(f):
        asked = f if isinstance(f, Partial) else Partial(f)
    else:
        asked = Partial(_entry, _sparse_checks.all_values(f, length, q), q ** np.arange(length))
    return _program.recovered(
        asked,
        _checks.key(key),
        noise,
        n=length,
        sparsity=_checks.integer("sparsity", sparsity, minimum=1),
        base=q,
        decoder=decoder,
        repetitions=repetitions,
        groups=groups,
        bins=bins,
        max_rounds=max_rounds,
        batch_size=_checks.integer("batch_size", batch_size, minimum=1),
        mesh=mesh,
        axis_name=_sharing_checks.mesh_axes(mesh, axis_name, on_host=False),
    )


def _entry(table: Array, powers: Array, digits: Array) -> Array:
    """Entries of an array at points."""
    return table[digits.astype(powers.dtype) @ powers]
