"""The Walsh-Hadamard transform of a function that has few coefficients."""

from collections.abc import Callable

from hadax import _checks
from hadax._distributed_checks import MeshAxes
from hadax._typing import Array, ArrayLike, KeyArray
from hadax.sparse import _asking, _program, _sharing_checks, _sparse_checks
from hadax.sparse._sharing_checks import Mesh
from hadax.sparse.query_points import Decoder, Design
from hadax.sparse.spectrum import SparseSpectrum


def sparse_fwht(
    f: Callable[[Array], Array] | ArrayLike,
    n: int,
    sparsity: int,
    key: KeyArray,
    *,
    decoder: Decoder = "noiseless",
    noise: ArrayLike | None = None,
    repetitions: int | None = None,
    degree: int | None = None,
    chase: int = 0,
    design: Design = "random",
    groups: int = 3,
    bins: int | None = None,
    max_rounds: int = 40,
    packed: bool = False,
    on_host: bool = False,
    batch_size: int = 2**14,
    mesh: Mesh | None = None,
    axis_name: MeshAxes | None = None,
) -> SparseSpectrum:
    r"""The Walsh spectrum of a function of n bits from few of its values, if it has few terms.

    $f(x) = \sum_{k \in S} F_k (-1)^{\langle k, x\rangle} + \text{noise}$. It is `recover` of the
    values of f at the points of `queries`, in one program.

    Args:
        f: function from points (q, n), int32 zeros and ones, to values (q,), real and traceable; or
            the array (2^n,) of all values. Define it once: it is compiled, and kept. Arrays that
            change from one f to the next belong in a `jax.tree_util.Partial`, under `jax.vmap` too.
        n: number of bits; beyond 64 too.
        sparsity: how many coefficients there may be.
        key: a key; an ensemble is `jax.vmap` over keys.
        decoder: how a bin tells its coefficient: "noiseless" with n + 1 values; "nso" with
            `repetitions` times as many, the bits of the index being read by a weighed majority;
            "coded" with 2 n + 20, the index being read as a code word, which bears more noise;
            "bch" with about `degree` log2 n + 1 times `repetitions`, for indices with few ones.
        noise: standard deviation of the noise of a value of f, for all decoders but "noiseless";
            None estimates it from the emptiest bins, and 0 says that there is none.
        repetitions: of "nso", by default 3, and of "bch", by default 1.
        degree: for "bch", the most ones of an index. One with more is not found.
        chase: for "bch" with noise, how many of the least reliable parities are tried both ways,
            at 2^(chase + 1) times the cost; see `bch_offsets`.
        design: "random" `subsampling`, or `identity_blocks`.
        groups: C.
        bins: bins of a group, a power of two; by default such that all groups together have 1.3
            times as many as peeling takes in theory, and few coefficients seldom hide one another.
        max_rounds: most rounds of peeling, each through all groups.
        packed: whether f takes points as words (q, ceil(n / 32)) of `pack_bits` instead.
        on_host: whether f is not traceable: it is called with NumPy arrays, and may do anything.
        batch_size: most points that f is asked for at once, by a device.
        mesh: devices to share the work: values and transforms by group and offset, then the bins.
        axis_name: the mesh axis or axes to spread over; None for all of them.

    Returns:
        A `SparseSpectrum`. Its `success` says whether what was found explains all values.

    Raises:
        ValueError: an f of another shape, fewer bins than peeling takes, no fewer of them in a
            group than there are points, a noise or an option without a decoder for it, or a mesh
            whose devices cannot have as many bins each.
        TypeError: f does not return real numbers, or is not traceable and not said to be on host.
        jax.errors.JaxRuntimeError: f on the host raises, or returns another shape; it says which.

    Cost:
        C P B values of f, P being the decoder's number of offsets and C B about 1.6 sparsity
        (rounded up to a power of two); O(C P B log B) for the transforms, O(C P B) a round, and
        what the decoder takes for a bin: see `coded_offsets` and `bch_offsets`. Of d devices each
        asks for a d-th of the values and sends (d-1)/d of their transforms, once; in a round, an
        index and a value of each of its bins go to all.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax import sparse
        >>> def f(x):
        ...     s = 1.0 - 2.0 * x
        ...     return 3.0 * s[:, 0] * s[:, 39] - 0.5 * s[:, 7] + 0.25
        >>> print(sparse.sparse_fwht(f, 40, 3, jax.random.key(0)))  # doctest: +ELLIPSIS
        3 coefficients of a function of 40 bits
        +3  {0, 39}
        -0.5  {7}
        +0.25  {}
        ... values, ... rounds, noise ..., residual ...

    See Also:
        `hadax.fwht(values, norm="forward")`: the same coefficients from all 2^n values. The peer
        sparse-transform has the same designs, on the host.

    References:
        Li, Bradley, Pawar and Ramchandran (2015), key `li2015`; Scheibler, Haghighatshoar and
        Vetterli (2015), key `scheibler2015`.
    """
    length = _checks.integer("n", n, minimum=1)
    _checks.flag("packed", packed)
    _checks.flag("on_host", on_host)
    _sparse_checks.noise(noise, decoder)
    return _program.recovered(
        _asking.asked(f, length, packed=packed, on_host=on_host),
        _checks.key(key),
        noise,
        n=length,
        sparsity=_checks.integer("sparsity", sparsity, minimum=1),
        decoder=decoder,
        repetitions=repetitions,
        degree=degree,
        chase=chase,
        design=design,
        groups=groups,
        bins=bins,
        max_rounds=max_rounds,
        batch_size=_checks.integer("batch_size", batch_size, minimum=1),
        mesh=mesh,
        axis_name=_sharing_checks.mesh_axes(mesh, axis_name, on_host=on_host),
    )
