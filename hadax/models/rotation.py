"""Rotating a model without changing what it computes, to flatten what its quantizers see."""

import contextlib
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import core

from hadax import _checks, _dtypes
from hadax._typing import Array, KeyArray
from hadax.models import _model_checks
from hadax.models._placing import placed
from hadax.models.base import Model, parameters
from hadax.operators.base import LinearOperator
from hadax.operators.factories import kronecker, scale
from hadax.quantization import _site_checks
from hadax.quantization.sites import ModelSites, Site, fold_norms, fuse, untie

Factory = Callable[[KeyArray, int], LinearOperator]
"""`make(key, n)`: a random orthogonal operator of shape (n, n), as `hadax.haar_rotation`."""


def draw_rotations(
    key: KeyArray,
    sites: ModelSites,
    layers: int,
    make: Factory,
    *,
    names: Iterable[str] | None = None,
) -> dict[str, LinearOperator]:
    """Independent random rotations for the sites of a model.

    Args:
        key: a new-style PRNG key; sites and layers take theirs from it by `fold_in`.
        sites: the model's table.
        layers: number of blocks.
        make: factory of an orthogonal operator, for example `hadax.randomized_hadamard`.
        names: of the sites to rotate; None for all. A site's rotation does not depend on them.

    Returns:
        Operators by the names of their sites; those of layered sites have leaves (layers, ...).

    Raises:
        TypeError: key is no new-style key.
        KeyError: there is no site of a name.
        ValueError: `make` has no operator of one of the lengths.

    Cost:
        A call of `make` for each site, and layer of a layered one; those of one site vectorized.

    Example:
        >>> import jax, hadax
        >>> from hadax.models import LlamaConfig, draw_rotations, llama_sites
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> key, make = jax.random.key(0), hadax.randomized_hadamard
        >>> rotations = draw_rotations(key, llama_sites(config), 2, make, names=("hidden",))
        >>> rotations["hidden"].signs.shape  # layers, blocks, hidden
        (2, 2, 12)

    See Also:
        `rotate`, which applies them.
    """
    _checks.key(key)
    wanted = [site.name for site in sites.sites] if names is None else list(names)
    return {name: _drawn(key, sites, sites[name], layers, make) for name in wanted}


def _drawn(
    key: KeyArray, sites: ModelSites, site: Site, layers: int, make: Factory
) -> LinearOperator:
    """The rotation of one site, or those of its layers."""
    site_key = jax.random.fold_in(key, sites.sites.index(site))
    if not site.layered:
        return _one(site_key, site, make)
    keys = jax.vmap(lambda layer: jax.random.fold_in(site_key, layer))(jnp.arange(layers))
    return jax.vmap(lambda layer_key: _one(layer_key, site, make))(keys)


def _one(key: KeyArray, site: Site, make: Factory) -> LinearOperator:
    """A rotation of one site."""
    op = make(key, site.width // site.stride)
    return op if site.stride == 1 else kronecker(op, scale(np.float32(1.0), site.stride))


def rotate(model: Model, sites: ModelSites, rotations: Mapping[str, LinearOperator]) -> Model:
    r"""The same function with some hidden vectors h in other coordinates, T h.

    T goes into all that writes h and, inverted, into all that reads it; where something nonlinear
    writes h, T stays in the model, just before h is read. To rotate what norms stand on, a Llama's
    residual stream, the norms' gains are folded into the linears after them first, and embedding
    and head untied.

    Args:
        model: the model; it is left as it is.
        sites: its table, as `llama_sites` gives it.
        rotations: operators by the names of their sites, as `draw_rotations` gives them. Where no
            norm stands between, any operator with a known inverse may stand in the place of a
            rotation.

    Returns:
        A new model with the same outputs up to round-off. Kernels are folded in float64 and rounded
        once to their dtype; under `jax.jit`, in float32 or their own dtype if wider.

    Raises:
        KeyError: there is no site of a name.
        ValueError: an operator's length does not fit, one of a layered site has no leading layer
            axis, or one that passes a norm is not orthogonal (not checked under `jax.jit`).
        TypeError: something is no operator, or no inverse of an operator is known.

    Cost:
        Two applications of an operator an entry of the model; 8 bytes an entry while it runs.

    Example:
        >>> import jax, jax.numpy as jnp, hadax
        >>> from flax import nnx
        >>> from hadax.models import Llama, LlamaConfig, draw_rotations, llama_sites, rotate
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> llama, sites = Llama(config, rngs=nnx.Rngs(0)), llama_sites(config)
        >>> rotations = draw_rotations(jax.random.key(1), sites, 2, hadax.randomized_hadamard)
        >>> tokens = jnp.array([3, 1, 4, 1, 5])
        >>> bool(abs(rotate(llama, sites, rotations)(tokens) - llama(tokens)).max() < 1e-5)
        True

    See Also:
        QuaRot's `rotate_model`, which does it for Llamas with one Hadamard matrix.

    References:
        Ashkboos et al. (2024), key `ashkboos2024`.
    """
    params = parameters(model)
    for name, op in rotations.items():
        site, argument = sites[name], f"rotations[{name!r}]"
        layers = model.config.layers if site.layered else None
        _model_checks.square_operator(argument, op, site.width, layers=layers)
        if site.orthogonal:
            _site_checks.orthogonal(argument, op, is_layered=site.layered)
    # Folding in a narrower type costs more than the rounding of the folded kernels themselves, but
    # 64 bits cannot be turned on amid a trace.
    traced = any(isinstance(leaf, core.Tracer) for leaf in jax.tree.leaves((params, rotations)))
    kinds = {path: leaf.dtype for path, leaf in jax.tree_util.tree_leaves_with_path(params)}
    # What is new is a head that was the embedding's transpose.
    other = jnp.result_type(*set(kinds.values()))

    def widened(leaf: Array) -> Array:
        return leaf.astype(_dtypes.accumulator(leaf.dtype) if traced else jnp.float64)

    with contextlib.nullcontext() if traced else jax.enable_x64(True):
        folded = _folded(sites, jax.tree.map(widened, params), dict(rotations))
        narrow = jax.tree_util.tree_map_with_path(
            lambda path, leaf: leaf.astype(kinds.get(path, other)), folded
        )
    rotated = model.with_parameters(narrow)
    online = dict(rotated.blocks.online)
    for name, op in rotations.items():
        online = placed(online, sites[name], op)
    rotated.blocks.online = nnx.data(online)
    return rotated


@functools.partial(jax.jit, static_argnums=0)
def _folded(
    sites: ModelSites, params: dict[str, Any], rotations: dict[str, LinearOperator]
) -> dict[str, Any]:
    """The parameters with every operator in them but for the parts that stay online."""
    if any(sites[name].orthogonal and sites[name].writers for name in rotations):
        params = fold_norms(untie(params, sites), sites)
    for name, op in rotations.items():
        params = fuse(params, sites[name], op)
    return params


def map_kernels(model: Model, change: Callable[[Array], Array]) -> Model:
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
    params = parameters(model)
    blocks = {
        name: {leaf: change(array) if leaf == "kernel" else array for leaf, array in part.items()}
        for name, part in params["blocks"].items()
    }
    return model.with_parameters(params | {"blocks": blocks})
