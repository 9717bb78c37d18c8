"""Rotating a Llama without changing what it computes, to flatten what its quantizers see."""

import contextlib
import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import core

from hadax import _checks, _dtypes
from hadax._typing import Array, KeyArray
from hadax.models import _model_checks
from hadax.models.llama import Llama, LlamaConfig, llama_from_params, llama_params
from hadax.operators.base import LinearOperator
from hadax.quantization.sites import ModelSites, Norm, Site, fold_norms, fuse, untie

Factory = Callable[[KeyArray, int], LinearOperator]
"""`make(key, n)`: a random orthogonal operator of shape (n, n), as `hadax.haar_rotation`."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class LlamaRotations:
    """Where a Llama is rotated, and by what; None leaves a place as it is.

    Args:
        residual: operator on the residual stream (width), one for the whole model; orthogonal.
        value: operator on each value head (head_width); leaves carry a leading layer axis.
        hidden: operator on the feed-forward hidden vector (hidden); leaves carry a leading layer
            axis. It stays in the model: SwiGLU's product stands between it and its writers.

    Example:
        >>> from hadax.models import LlamaRotations
        >>> LlamaRotations().residual is None
        True
    """

    residual: LinearOperator | None = None
    value: LinearOperator | None = None
    hidden: LinearOperator | None = None


def llama_sites(config: LlamaConfig) -> ModelSites:
    """The hidden vectors of a Llama that can be transformed, and who writes and reads them.

    Args:
        config: sizes of the model.

    Returns:
        The sites "residual" (the stream; all RMSNorms stand on it), "value" (a value head; each
        layer has its own) and "hidden" (the feed-forward vector; online: SwiGLU's product stands
        between it and its writers), with the paths of `llama_params`.

    Cost:
        None.

    Example:
        >>> from hadax.models import LlamaConfig, llama_sites
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> [(site.name, site.width, site.is_online) for site in llama_sites(config).sites]
        [('residual', 8, False), ('value', 2, False), ('hidden', 12, True)]

    See Also:
        `rotate_llama`; `hadax.quantization.fuse`, for one site of any model.
    """

    def kernels(*names: str) -> tuple[str, ...]:
        return tuple(f"blocks.{name}.kernel" for name in names)

    attention, feed_forward = kernels("query", "key", "value"), kernels("gate", "up")
    value_bias = ("blocks.value.bias",) if config.attention_bias else ()
    return ModelSites(
        sites=(
            Site(
                "residual",
                config.width,
                writers=("embed.embedding", *kernels("output", "down")),
                readers=(*attention, *feed_forward, "head.kernel"),
            ),
            Site(
                "value",
                config.head_width,
                writers=(*kernels("value"), *value_bias),
                readers=kernels("output"),
                written=config.kv_heads,
                read=config.heads,
                layered=True,
            ),
            Site("hidden", config.hidden, (), kernels("down"), layered=True),
        ),
        norms=(
            Norm("blocks.attention_norm.scale", attention),
            Norm("blocks.feed_forward_norm.scale", feed_forward),
            Norm("norm.scale", ("head.kernel",)),
        ),
        tied=("embed.embedding", "head.kernel") if config.tied else None,
    )


def draw_llama_rotations(key: KeyArray, config: LlamaConfig, make: Factory) -> LlamaRotations:
    """Independent random rotations for every place of a Llama.

    Args:
        key: a new-style PRNG key; places and layers take theirs from it by `fold_in`.
        config: sizes of the model.
        make: factory of an orthogonal operator, for example `hadax.randomized_hadamard`.

    Returns:
        Rotations of the residual stream, the value heads and the hidden vectors.

    Raises:
        TypeError: key is no new-style key.
        ValueError: `make` has no operator of one of the lengths.

    Cost:
        1 + 2 layers calls of `make`, those of one place vectorized.

    Example:
        >>> import jax, hadax
        >>> from hadax.models import LlamaConfig, draw_llama_rotations
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> rotations = draw_llama_rotations(jax.random.key(0), config, hadax.randomized_hadamard)
        >>> rotations.hidden.signs.shape  # layers, blocks, hidden
        (2, 2, 12)

    See Also:
        `rotate_llama`, which applies them.
    """
    _checks.key(key)

    def stacked(place: int, n: int) -> LinearOperator:
        place_key = jax.random.fold_in(key, place)
        return jax.vmap(lambda layer: make(jax.random.fold_in(place_key, layer), n))(
            jnp.arange(config.layers)
        )

    return LlamaRotations(
        residual=make(jax.random.fold_in(key, 0), config.width),
        value=stacked(1, config.head_width),
        hidden=stacked(2, config.hidden),
    )


def rotate_llama(model: Llama, rotations: LlamaRotations) -> Llama:
    r"""The same function in rotated coordinates.

    The residual stream x becomes Q x: the norms' gains are folded into the linears after them, the
    embedding and the head are untied, and Q goes into all that writes to the stream (embedding,
    W_o, W_down) and, inverted, into all that reads it (q, k, v, gate, up, head). Each value head v
    becomes R v, undone in W_o. The hidden vector h becomes S h by an operator that stays in the
    model, undone in W_down.

    Args:
        model: the model; it is left as it is.
        rotations: the operators, as `draw_llama_rotations` gives them.

    Returns:
        A new, untied model with the same logits up to round-off. Kernels are folded in float64 and
        rounded once to their dtype; under `jax.jit`, in float32 or their own dtype if wider.

    Raises:
        ValueError: an operator's length does not fit, one of value or hidden has no leading layer
            axis, or the residual one is not orthogonal (not checked under `jax.jit`).
        TypeError: something is no operator, or no inverse of an operator is known.

    Cost:
        Two applications of an operator an entry of the model; 8 bytes an entry while it runs.

    Example:
        >>> import jax, jax.numpy as jnp, hadax
        >>> from flax import nnx
        >>> from hadax.models import Llama, LlamaConfig, draw_llama_rotations, rotate_llama
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> llama = Llama(config, rngs=nnx.Rngs(0))
        >>> rotations = draw_llama_rotations(jax.random.key(1), config, hadax.randomized_hadamard)
        >>> tokens = jnp.array([3, 1, 4, 1, 5])
        >>> difference = rotate_llama(llama, rotations)(tokens) - llama(tokens)
        >>> bool(abs(difference).max() < 1e-5)
        True

    See Also:
        QuaRot's `rotate_model`, which also mixes the heads on the input of W_o online (that needs a
        Hadamard matrix of the order of the number of heads) and rotates queries and keys.

    References:
        Ashkboos et al. (2024), key `ashkboos2024`.
    """
    config = model.config
    params = llama_params(model)
    if rotations.value is not None:
        _model_checks.square_operator(
            "rotations.value", rotations.value, config.head_width, layers=config.layers
        )
    if rotations.hidden is not None:
        _model_checks.square_operator(
            "rotations.hidden", rotations.hidden, config.hidden, layers=config.layers
        )
    if rotations.residual is not None:
        _model_checks.square_operator("rotations.residual", rotations.residual, config.width)
        config = dataclasses.replace(config, tied=False)
        _model_checks.orthogonal("rotations.residual", rotations.residual)
    dtype = params["embed"]["embedding"].dtype
    # Folding in a narrower type costs more than the rounding of the folded kernels themselves, but
    # 64 bits cannot be turned on amid a trace.
    traced = any(isinstance(leaf, core.Tracer) for leaf in jax.tree.leaves((params, rotations)))
    wide_type = _dtypes.accumulator(dtype) if traced else jnp.float64
    with contextlib.nullcontext() if traced else jax.enable_x64(True):
        wide = jax.tree.map(lambda array: array.astype(wide_type), params)
        folded = _folded(llama_sites(model.config), wide, rotations)
        narrow = jax.tree.map(lambda array: array.astype(dtype), folded)
    rotated = llama_from_params(config, narrow)
    online = model.blocks.hidden_rotation
    if rotations.hidden is not None:
        online = rotations.hidden if online is None else rotations.hidden @ online
    rotated.blocks.hidden_rotation = nnx.data(online)
    return rotated


@functools.partial(jax.jit, static_argnums=0)
def _folded(sites: ModelSites, params: dict[str, Any], rotations: LlamaRotations) -> Any:
    """The parameters with every operator in them but the online one."""
    if rotations.residual is not None:
        params = fold_norms(untie(params, sites), sites)
    for site in sites.sites:
        op = getattr(rotations, site.name)
        params = params if op is None else fuse(params, site, op)
    return params


def map_kernels(model: Llama, change: Callable[[Array], Array]) -> Llama:
    """The model with every kernel of its blocks changed; embedding, head and norms stay.

    Args:
        model: the model; it is left as it is.
        change: function from kernels (layers, in, out) to kernels of the same shape, for example a
            quantizer of weights.

    Returns:
        A new model.

    Raises:
        ValueError: `change` does not keep a shape.

    Cost:
        That of `change`.

    Example:
        >>> import functools
        >>> from flax import nnx
        >>> from hadax.models import Llama, LlamaConfig, map_kernels
        >>> from hadax.quantization import fake_quantize
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> four_bits = functools.partial(fake_quantize, bits=4, axis=-2)
        >>> rounded = map_kernels(Llama(config, rngs=nnx.Rngs(0)), four_bits)
        >>> len(set(rounded.blocks.up.kernel[0, :, 0].tolist())) <= 8
        True

    See Also:
        The argument `tap` of a model, which changes activations.
    """
    params = llama_params(model)
    blocks = {
        name: {leaf: change(array) if leaf == "kernel" else array for leaf, array in part.items()}
        for name, part in params["blocks"].items()
    }
    changed = llama_from_params(model.config, params | {"blocks": blocks})
    changed.blocks.hidden_rotation = nnx.data(model.blocks.hidden_rotation)
    return changed
