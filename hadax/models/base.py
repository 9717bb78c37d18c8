"""What the models of this room share: stacked blocks, and places in front of their linears."""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, TypeVar, runtime_checkable

from flax import nnx

from hadax._typing import Array
from hadax.models.online import Online

Tap: TypeAlias = Callable[[str, Array], Array]
"""`tap(site, x)` stands between a linear's input `x` and the linear; `site` is one of `SITES`."""

SITES = ("attention", "output", "feed_forward", "down")
"""Where a block's linears read: q, k and v; W_o; gate and up; W_down."""


def no_tap(site: str, x: Array) -> Array:
    """Pass `x` through unchanged: the tap that does nothing.

    Args:
        site: name of the place, one of `SITES`.
        x: array (..., n), what the linear there is about to read.

    Returns:
        `x` itself.

    Cost:
        None.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.models import no_tap
        >>> no_tap("down", jnp.ones(2))
        Array([1., 1.], dtype=float32)

    See Also:
        `hadax.quantization.fake_quantize`, what a tap may do instead.
    """
    del site
    return x


@runtime_checkable
class StackedBlock(Protocol):
    """All blocks of a model at once, or one of them: what `jax.lax.scan` slices."""

    online: dict[str, Online]
    """By place, what happens to a vector before it is read."""

    def __call__(self, x: Array, *, tap: Tap = no_tap) -> tuple[Array, dict[str, Array]]:
        """The next residual stream and, by site, what the linears read."""
        ...


@runtime_checkable
class StackedModel(Protocol):
    """A model whose blocks are one module with a leading layer axis: what the methods work on.

    It is a `flax.nnx.Module`; its config says how many `layers` it has.
    """

    @property
    def config(self) -> Any:
        """The sizes of the model."""
        ...

    @property
    def blocks(self) -> Any:
        """The stacked blocks, a `StackedBlock`."""
        ...

    def stream(self, tokens: Array) -> Array:
        """The residual stream (..., time, width) before the first block."""
        ...

    def hidden(
        self,
        tokens: Array,
        *,
        tap: Tap = no_tap,
        record: Callable[[dict[str, Array]], Any] = lambda inputs: None,
    ) -> tuple[Array, Any]:
        """The residual stream after the last block, and a record of what the linears read."""
        ...

    def with_parameters(self, params: dict[str, Any]) -> Any:
        """The model with other arrays and the same operators and quantizers inside."""
        ...


Model = TypeVar("Model", bound=StackedModel)


def parameters(model: Any) -> dict[str, Any]:
    """The parameters of a model as a nested dict of arrays; blocks carry a leading layer axis.

    Args:
        model: the model.

    Returns:
        Nested dict, for example `params["blocks"]["query"]["kernel"]` of shape
        (layers, width, heads * head_width).

    Cost:
        None; the arrays are the model's own.

    Example:
        >>> from flax import nnx
        >>> from hadax.models import Llama, LlamaConfig, parameters
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> parameters(Llama(config, rngs=nnx.Rngs(0)))["blocks"]["value"]["kernel"].shape
        (2, 8, 4)

    See Also:
        a model's `with_parameters`, the inverse.
    """
    return nnx.to_pure_dict(nnx.state(model, nnx.Param))
