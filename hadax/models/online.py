"""What a model does to a hidden vector just before it is read: a transform, then quantizers.

`block.online` of a model is a dict from places to `Online`. A place is one of `SITES`, or in a
Llama "query", "key" or "value": a head's vectors as attention reads them.
"""

import dataclasses

import jax
import jax.numpy as jnp

from hadax import _checks
from hadax._typing import Array, ArrayLike
from hadax.operators.base import LinearOperator, static
from hadax.quantization import _format_checks
from hadax.quantization.formats import Format
from hadax.quantization.scales import ScaleSpec
from hadax.quantization.simulated import Gradient, simulate


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class ActivationQuantizer:
    """Rounds activations as a model computes them: what `activation_quantizer` makes.

    `clip` is the lower and the upper share of the range that the grid reaches, `on` whether
    anything is rounded at all; with a leading layer axis, in each layer. These are the leaves of
    the pytree; format, spec and gradient are those of `hadax.quantization.simulate`.
    """

    clip: tuple[Array, Array]
    on: Array
    format: Format = static()
    spec: ScaleSpec = static()
    gradient: Gradient = static(default="identity")

    def __call__(self, x: Array) -> Array:
        """x (..., n) on the grid."""
        lower, upper = self.clip
        clip = upper if self.format.symmetric else (lower, upper)
        rounded = simulate(x, self.format, self.spec, clip=clip, gradient=self.gradient)
        return jnp.where(self.on, rounded, x)


def activation_quantizer(
    format: Format, spec: ScaleSpec = ScaleSpec(), *, layers: int, clip: ArrayLike = 1.0
) -> ActivationQuantizer:
    """A quantizer of activations, the same in every layer.

    Args:
        format: the numbers.
        spec: what shares a scale; by default one a vector of the last axis.
        layers: number of blocks.
        clip: share of the range that the grid reaches, above 0 and at most 1; array (layers,) of
            them or one.

    Returns:
        A pytree whose leaves have the shape (layers,), to stand in the `online` of blocks.

    Raises:
        TypeError: format or spec of another kind.
        ValueError: layers below 1, or a clip of another shape.

    Cost:
        None; applied, that of `hadax.quantization.simulate`.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax.models import activation_quantizer
        >>> from hadax.quantization import IntFormat
        >>> stacked = activation_quantizer(IntFormat(4), layers=2, clip=0.5)
        >>> first = jax.tree.map(lambda leaf: leaf[0], stacked)
        >>> first(jnp.array([7.0, 1.2, 0.1]))
        Array([3.5, 1. , 0. ], dtype=float32)

    See Also:
        `hadax.quantization.fake_quantize`, which rounds an array at once.
    """
    _format_checks.format("format", format, Format)
    _format_checks.spec("spec", spec, ScaleSpec)
    layers = _checks.integer("layers", layers, minimum=1)
    share = jnp.broadcast_to(jnp.asarray(clip, jnp.float32), (layers,))
    return ActivationQuantizer((share, share), jnp.ones(layers, bool), format, spec)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class Online:
    """What happens to a hidden vector x before it is read: quantizers(transform(x)).

    Args:
        transform: operator on x that the readers undo; None for none.
        quantizers: applied one after the other, each in the layers in which it is on.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> from hadax.models import Online
        >>> Online(hadax.operators.hadamard(2)).transformed(jnp.array([2.0, 0.0])).round(3)
        Array([1.414, 1.414], dtype=float32)
    """

    transform: LinearOperator | None = None
    quantizers: tuple[ActivationQuantizer, ...] = ()

    def transformed(self, x: Array) -> Array:
        """x (..., n) in the coordinates in which it is read."""
        return x if self.transform is None else self.transform(x)

    def rounded(self, x: Array) -> Array:
        """A transformed x (..., n) as its readers get to see it."""
        for quantizer in self.quantizers:
            x = quantizer(x)
        return x

    def __call__(self, x: Array) -> Array:
        """Both, one after the other."""
        return self.rounded(self.transformed(x))


NOTHING = Online()
