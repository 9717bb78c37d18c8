"""The names the signatures of hadax are written in."""

from typing import Literal, TypeAlias

from jax import Array
from jax.typing import ArrayLike, DTypeLike
from jaxtyping import Inexact, Int8, Integer, Key, Num, Shaped

Norm: TypeAlias = Literal["ortho", "backward", "forward"]
Order: TypeAlias = Literal["natural", "dyadic", "sequency"]
Implementation: TypeAlias = Literal["xla", "dense", "native", "triton", "mosaic_gpu"]
Side: TypeAlias = Literal["before", "after"]
KeyArray: TypeAlias = Key[Array, ""]

__all__ = [
    "Array",
    "ArrayLike",
    "DTypeLike",
    "Implementation",
    "Inexact",
    "Int8",
    "Integer",
    "Key",
    "KeyArray",
    "Norm",
    "Num",
    "Order",
    "Shaped",
    "Side",
]
