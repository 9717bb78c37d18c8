"""Where a model's hidden vectors can be transformed: a table anyone can write for their own model.

A `Site` is a hidden vector: who writes it, who reads it, and whether something that is not linear
stands between. Parameters are nested dicts of arrays; a path such as "blocks.query.kernel" names
one of them. Kernels are W[..., in, out], with any leading layer axes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hadax._typing import Array
from hadax.operators.base import LinearOperator
from hadax.operators.elementary import BlockDiagonal
from hadax.quantization import _params, _site_checks
from hadax.quantization._params import Params
from hadax.quantization.folding import fold_gain, fold_into_reader, fold_into_writer


@dataclass(frozen=True)
class Norm:
    """A norm's gain, and the kernels that read what it normalised.

    Args:
        gain: path of the gain (..., n).
        readers: paths of the kernels.
        offset: what the model adds to the stored gain: 1 for models that store g - 1.

    Example:
        >>> from hadax.quantization import Norm
        >>> Norm("norm.scale", readers=("head.kernel",)).offset
        0.0
    """

    gain: str
    readers: tuple[str, ...]
    offset: float = 0.0


@dataclass(frozen=True)
class Site:
    """A hidden vector that may be replaced by its transform.

    Args:
        name: how it is called.
        width: length of what the operator acts on.
        writers: paths of the kernels, tables and biases whose last axis is the vector. None for a
            vector that something nonlinear writes: then the operator has to stay in the model.
        readers: paths of the kernels whose second to last axis is the vector.
        written: how many pieces of `width`, side by side, the writers write.
        read: how many the readers read: more than are written where heads share their values.
        layered: whether each layer has an operator of its own, with leaves (layers, ...).
        orthogonal: whether a norm stands between writers and readers, through which only orthogonal
            operators pass.
        stride: how many entries side by side move as one: an operator that mixes heads of 64
            entries mixes those that are 64 apart.
        places: where the model itself has to apply the operator, by the model's own names; none for
            a site with writers.
        duals: where it has to apply the inverse's transpose: to what meets the vector in inner
            products, as queries meet keys.

    Example:
        >>> from hadax.quantization import Site
        >>> Site("hidden", 12, writers=(), readers=("down.kernel",)).is_online
        True
    """

    name: str
    width: int
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    written: int = 1
    read: int = 1
    layered: bool = False
    orthogonal: bool = False
    stride: int = 1
    places: tuple[str, ...] = ()
    duals: tuple[str, ...] = ()

    @property
    def is_online(self) -> bool:
        """Whether the operator stays in the model, in front of the readers."""
        return not self.writers


@dataclass(frozen=True)
class ModelSites:
    """All sites of a model.

    Args:
        sites: the hidden vectors.
        norms: the norms whose gains stand between a site and its readers.
        tied: paths of the embedding table (vocabulary, n) and of the head's kernel that is its
            transpose while the latter is not there; None where both are.
        inputs: what the linears of a block read: layered sites with the names of the model's
            places, and writers where each entry can be scaled for free (a norm's gain, a factor of
            a product).
        cache: the places of what a decoder keeps of the tokens before: keys and values.

    Example:
        >>> from hadax.quantization import ModelSites, Site
        >>> table = ModelSites((Site("hidden", 12, (), ("down.kernel",)),), norms=())
        >>> table["hidden"].width
        12
    """

    sites: tuple[Site, ...]
    norms: tuple[Norm, ...]
    tied: tuple[str, str] | None = None
    inputs: tuple[Site, ...] = ()
    cache: tuple[str, ...] = ()

    @property
    def kernels(self) -> tuple[str, ...]:
        """The paths of the kernels that methods round: those of the linears of a block."""
        return tuple(path for site in self.inputs for path in site.readers)

    def __getitem__(self, name: str) -> Site:
        """The site of this name."""
        _site_checks.known(name, [site.name for site in self.sites])
        return next(site for site in self.sites if site.name == name)


def untie(params: Params, sites: ModelSites) -> Params:
    """The same parameters with a head of its own, where head and embedding were one.

    Args:
        params: nested dict of arrays; one that holds a head keeps it.
        sites: the model's table.

    Returns:
        A new nested dict; the arrays that did not change are the same ones.

    Raises:
        KeyError: a path of the table names nothing.

    Cost:
        One table more.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization import ModelSites, untie
        >>> params = {"embed": {"embedding": jnp.ones((5, 2))}}
        >>> table = ModelSites((), (), tied=("embed.embedding", "head.kernel"))
        >>> untie(params, table)["head"]["kernel"].shape
        (2, 5)

    See Also:
        `fold_norms`, which would change the embedding of a tied model.
    """
    if sites.tied is None or _params.holds(params, sites.tied[1]):
        return params
    table, head = sites.tied
    return _params.replaced(params, {head: _params.at(params, table).mT})


def fold_norms(params: Params, sites: ModelSites) -> Params:
    r"""The same function with all gains one: they move into the kernels that read the norms.

    $W' = \operatorname{diag}(g) W$. After that any orthogonal operator passes through an RMSNorm.

    Args:
        params: nested dict of arrays, of an untied model.
        sites: the model's table.

    Returns:
        A new nested dict.

    Raises:
        KeyError: a path of the table names nothing.
        ValueError: a gain does not fit its readers.

    Cost:
        One multiplication an entry of the readers.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization import ModelSites, Norm, fold_norms
        >>> params = {"norm": {"scale": jnp.array([2.0, 3.0])}, "up": {"kernel": jnp.ones((2, 1))}}
        >>> folded = fold_norms(params, ModelSites((), (Norm("norm.scale", ("up.kernel",)),)))
        >>> folded["norm"]["scale"], folded["up"]["kernel"].ravel()
        (Array([1., 1.], dtype=float32), Array([2., 3.], dtype=float32))

    See Also:
        `fold_gain`, of one gain and one kernel.
    """
    for norm in sites.norms:
        gain = _params.at(params, norm.gain)
        whole = gain + jnp.asarray(norm.offset, gain.dtype)
        changed = {path: fold_gain(whole, _params.at(params, path)) for path in norm.readers}
        changed[norm.gain] = jnp.full_like(gain, 1 - norm.offset)
        params = _params.replaced(params, changed)
    return params


def fuse(params: Params, site: Site, op: LinearOperator) -> Params:
    r"""The same function with op(h) in the place of the hidden vector h.

    Writers $W \mapsto W T^\top$ (biases $b \mapsto T b$), readers $W \mapsto T^{-\top} W$. Where
    the site is online, only the readers change: the model must apply `op` in front of them.

    Args:
        params: nested dict of arrays. On a site behind a norm, `fold_norms` comes first.
        site: the hidden vector.
        op: operator of shape (width, width) with a known inverse, leaves with a leading layer axis
            where the site is layered; orthogonal where a norm stands between.

    Returns:
        A new nested dict.

    Raises:
        KeyError: a path of the site names nothing.
        ValueError: the operator's length, or its layers, do not fit, or it is not orthogonal where
            a norm stands between (not seen under `jax.jit`).
        TypeError: op is no operator, or no inverse of it is known.

    Cost:
        One application of `op` a row of a writer, of its inverse a column of a reader.

    Example:
        >>> import jax, jax.numpy as jnp, hadax
        >>> from hadax.quantization import Site, fuse
        >>> params = {"up": {"kernel": jnp.ones((3, 4))}, "down": {"kernel": jnp.ones((4, 2))}}
        >>> site = Site("middle", 4, writers=("up.kernel",), readers=("down.kernel",))
        >>> fused = fuse(params, site, hadax.randomized_hadamard(jax.random.key(0), 4))
        >>> jnp.allclose(fused["up"]["kernel"] @ fused["down"]["kernel"], 4.0, atol=1e-5)
        Array(True, dtype=bool)

    See Also:
        `fold_into_writer`, `fold_into_reader`; `assert_invariant`.

    References:
        Ashkboos et al. (2024), key `ashkboos2024`.
    """
    arrays = {path: _params.at(params, path) for path in (*site.writers, *site.readers)}
    _site_checks.operator(site.name, op, site.width)

    def write(op: LinearOperator, array: Array) -> Array:
        return fold_into_writer(_repeated(op, site.written), array)

    def read(op: LinearOperator, array: Array) -> Array:
        return fold_into_reader(_repeated(op, site.read), array)

    if site.layered:
        _site_checks.layers(site.name, op, {path: array.shape for path, array in arrays.items()})
        write, read = jax.vmap(write), jax.vmap(read)
    if site.orthogonal:
        _site_checks.orthogonal("op", op, is_layered=site.layered)
    changed = {path: write(op, arrays[path]) for path in site.writers}
    changed |= {path: read(op, arrays[path]) for path in site.readers}
    return _params.replaced(params, changed)


def assert_invariant(
    before: Callable[..., Array], after: Callable[..., Array], *inputs: Any, tolerance: float
) -> float:
    """Check that two models compute the same function, on some inputs.

    Args:
        before: function from inputs to an array, for example to logits.
        after: the function after a change that should not matter.
        *inputs: what both are called with.
        tolerance: the largest difference of an entry, absolute.

    Returns:
        The largest difference seen.

    Raises:
        AssertionError: it is larger than the tolerance, not a number, or the shapes differ.

    Cost:
        One call of each.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization import assert_invariant
        >>> assert_invariant(jnp.sin, lambda x: -jnp.sin(-x), jnp.arange(3.0), tolerance=1e-6)
        0.0

    See Also:
        `fuse` and `fold_norms`, which should pass it.
    """
    expected, found = np.asarray(before(*inputs)), np.asarray(after(*inputs))
    if expected.shape != found.shape:
        raise AssertionError(f"The outputs have shapes {expected.shape} and {found.shape}.")
    difference = float(np.max(np.abs(expected - found), initial=0.0))
    if not difference <= tolerance:
        largest = float(np.max(np.abs(expected), initial=0.0))
        raise AssertionError(
            f"The outputs differ by {difference:.3g}, more than tolerance={tolerance:.3g} (the "
            f"largest output is {largest:.3g})."
        )
    return difference


def _repeated(op: LinearOperator, count: int) -> LinearOperator:
    """The operator on several pieces side by side."""
    return BlockDiagonal(op, count) if count > 1 else op
