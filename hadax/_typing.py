"""The names the signatures of hadax are written in."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from jax import Array
from jax.typing import ArrayLike, DTypeLike

Norm: TypeAlias = Literal["ortho", "backward", "forward"]
Order: TypeAlias = Literal["natural", "dyadic", "sequency"]

__all__ = ["Array", "ArrayLike", "DTypeLike", "Norm", "Order", "Sequence"]
