"""Transformations for optax: gradients as they arrive after compression, steps among rotations."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from hadax import _checks, _dtypes, _lloyd_max
from hadax._typing import Array, ArrayLike, KeyArray
from hadax.compression import _compression_checks, decompress, eden
from hadax.compression._compression_checks import Scale
from hadax.kernels import _hadamard_orders
from hadax.quantization import _stiefel_checks
from hadax.quantization.stiefel import Retraction, stiefel_step


class CompressedState(NamedTuple):
    """State of `compressed`: the step, the key of all steps, and what the last messages lost."""

    count: ArrayLike
    key: KeyArray
    residual: Any


def compressed(
    key: KeyArray,
    *,
    bits: int = 1,
    blocks: int = 2,
    scale: Scale = "unbiased",
    error_feedback: bool = False,
) -> optax.GradientTransformation:
    r"""Replace updates by what is left of them after `hadax.compression.eden`.

    Each array of the updates g is flattened, padded with zeros to the next Hadamard length,
    compressed with a key of its own (one a step and an array) and decompressed. With error
    feedback it is g + e that is compressed, and e becomes what the message lost of it: use the
    scale "mmse" then, whose error is never larger than g + e itself.

    It computes what a step sees; it does not send. On several workers give each a key of its own,
    with `jax.random.fold_in`, and average after it: errors of different keys cancel.

    The state holds the key as a typed key, which NumPy and formats made for it cannot write: save
    `jax.random.key_data(state.key)` in its place, and restore it with `jax.random.wrap_key_data`.

    Args:
        key: a new-style PRNG key.
        bits: bits an entry, 1 to 8.
        blocks: rounds of the rotation.
        scale: "unbiased" or "mmse".
        error_feedback: whether what a message lost is added to the next update.

    Returns:
        An optax transformation. Its state is a step counter, the key and, with error feedback,
        arrays of the shape of the updates, float32 for 16-bit ones.

    Raises:
        ValueError: bits, blocks or scale out of range.
        TypeError: key is no new-style key, or error_feedback no bool; when it updates, arrays that
            are not real floating point.

    Cost:
        `eden` and `decompress` of every array.

    Example:
        >>> import jax, jax.numpy as jnp, optax, hadax.optax
        >>> chain = optax.chain(hadax.optax.compressed(jax.random.key(0), bits=4), optax.sgd(0.1))
        >>> params = {"w": jnp.ones((3, 5)), "b": jnp.ones(5)}
        >>> updates, state = chain.update(params, chain.init(params), params)
        >>> bool(abs(updates["w"] + 0.1).max() < 0.05)
        True

    See Also:
        `hadax.compression.eden`, whose messages can be sent; `optax.contrib`, for sign-based
        optimizers, which compress without a rotation.

    References:
        Vargaftik et al. (2022), key `vargaftik2022`.
    """
    key = _checks.key(key)
    bits = _lloyd_max.bits_of_a_codebook(bits)
    blocks = _checks.integer("blocks", blocks, minimum=1)
    _compression_checks.scale(scale)
    _checks.flag("error_feedback", error_feedback)

    def init(params: optax.Params) -> CompressedState:
        residual = jax.tree.map(_zeros, params) if error_feedback else None
        return CompressedState(jnp.zeros([], jnp.int32), key, residual)

    def update(
        updates: optax.Updates, state: Any, params: optax.Params | None = None
    ) -> tuple[optax.Updates, CompressedState]:
        del params
        leaves, structure = jax.tree.flatten(updates)
        residuals = jax.tree.leaves(state.residual) if error_feedback else [None] * len(leaves)
        key_step = jax.random.fold_in(state.key, state.count)
        arrived, lost = [], []
        for place, (leaf, residual) in enumerate(zip(leaves, residuals, strict=True)):
            wanted = leaf if residual is None else leaf.astype(residual.dtype) + residual
            seen = _arrived(jax.random.fold_in(key_step, place), wanted, bits, blocks, scale)
            arrived.append(seen.astype(leaf.dtype))
            lost.append(wanted - seen)
        left = jax.tree.unflatten(structure, lost) if error_feedback else None
        new = CompressedState(optax.safe_increment(state.count), state.key, left)
        return jax.tree.unflatten(structure, arrived), new

    return optax.GradientTransformation(init, update)


class StiefelState(NamedTuple):
    """State of `stiefel_sgd`: the step, and where the last ones went."""

    count: ArrayLike
    momentum: Any


def stiefel_sgd(
    learning_rate: optax.ScalarOrSchedule,
    *,
    momentum: float = 0.0,
    retraction: Retraction = "cayley",
    iterations: int = 5,
) -> optax.GradientTransformation:
    r"""Gradient descent that keeps rows orthonormal, for rotations that are learned.

    $D \leftarrow \mu D - G$, then a `hadax.quantization.stiefel_step` of X along D, which leaves D
    tangent. The updates are new parameters minus old ones, so nothing may follow that scales them:
    clipping comes first, the rate goes in here. Other parameters take another optimizer by
    `optax.partition`.

    Args:
        learning_rate: length of a step over that of the gradient, or a schedule of it; a step goes
            at most 1 / ||W||_1 far.
        momentum: share of the last direction that is kept, 0 to below 1.
        retraction: "cayley", "solve", "qr" or "polar".
        iterations: of the fixed point of "cayley".

    Returns:
        An optax transformation of arrays (..., p, n), p <= n, with orthonormal rows. Its state is a
        step counter and, with momentum, arrays of the shape of the parameters.

    Raises:
        ValueError: momentum, retraction or iterations out of range; when it starts, parameters
            whose rows are not orthonormal (not seen under `jax.jit`); when it updates, no
            parameters.
        TypeError: iterations is no integer; parameters that are not real floating point.

    Cost:
        `stiefel_step` of every array.

    Example:
        >>> import jax, jax.numpy as jnp, optax, hadax.optax
        >>> target = jnp.array([[0.0, 1.0], [-1.0, 0.0]])
        >>> optimizer = hadax.optax.stiefel_sgd(0.5)
        >>> x, state = jnp.eye(2), optimizer.init(jnp.eye(2))
        >>> for _ in range(20):
        ...     updates, state = optimizer.update(x - target, state, x)
        ...     x = optax.apply_updates(x, updates)
        >>> bool(abs(x - target).max() < 1e-3)
        True

    See Also:
        `hadax.quantization.stiefel_step`, a single step.

    References:
        Li, Fuxin and Todorovic (2020), key `li2020`; Liu et al. (2025), key `liu2025`.
    """
    _stiefel_checks.settings(momentum, retraction, iterations)

    def init(params: optax.Params) -> StiefelState:
        for leaf in jax.tree.leaves(params):
            _stiefel_checks.orthonormal("params", _stiefel_checks.wide("params", leaf))
        kept = jax.tree.map(jnp.zeros_like, params) if momentum else None
        return StiefelState(jnp.zeros([], jnp.int32), kept)

    def update(
        updates: optax.Updates, state: Any, params: optax.Params | None = None
    ) -> tuple[optax.Updates, StiefelState]:
        _stiefel_checks.given(params)
        rate = learning_rate(state.count) if callable(learning_rate) else learning_rate
        direction = jax.tree.map(jnp.negative, updates)
        if momentum:
            direction = jax.tree.map(lambda d, kept: d + momentum * kept, direction, state.momentum)
        points, structure = jax.tree.flatten(params)
        steps = [
            stiefel_step(x, d, rate, retraction=retraction, iterations=iterations)
            for x, d in zip(points, jax.tree.leaves(direction), strict=True)
        ]
        change = [new - x for x, (new, _) in zip(points, steps, strict=True)]
        kept = jax.tree.unflatten(structure, [d for _, d in steps]) if momentum else None
        new_state = StiefelState(optax.safe_increment(state.count), kept)
        return jax.tree.unflatten(structure, change), new_state

    return optax.GradientTransformation(init, update)


def _zeros(param: Array) -> Array:
    """Nothing lost yet."""
    return jnp.zeros(param.shape, _dtypes.accumulator(param.dtype))


def _arrived(key: KeyArray, x: Array, bits: int, blocks: int, scale: Scale) -> Array:
    """What the receiver makes of an array of any shape."""
    if x.size == 0:
        return x
    _, n = _hadamard_orders.nearest_supported(x.size)
    message = eden(key, x.ravel(), bits=bits, blocks=blocks, scale=scale, n=n)
    return decompress(key, message).reshape(x.shape)
