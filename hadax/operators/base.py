"""What an operator is: a frozen pytree that acts on the last axis."""

import abc
import dataclasses
import functools
from typing import Any, TypeVar, dataclass_transform

import jax
import jax.numpy as jnp

from hadax import _checks, _dtypes
from hadax._typing import Array, ArrayLike, DTypeLike, Num
from hadax.operators import _operator_checks

_Class = TypeVar("_Class", bound=type)


@dataclass_transform(frozen_default=True, eq_default=False)
def operator_class(cls: _Class) -> _Class:
    """Make a class a frozen dataclass and a pytree.

    Fields declared with `array(ndim=...)` are leaves of the pytree, those with `static()` are part
    of its structure, and operators may be fields too. There is no `__eq__` and no validation in
    `__init__`: JAX rebuilds operators from tracers, shapes and other stand-ins. Validate in the
    factory function.

    Args:
        cls: a subclass of `LinearOperator` with annotated fields.

    Returns:
        The class itself, registered.

    Cost:
        None at run time.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax.operators import LinearOperator, array, operator_class
        >>> @operator_class
        ... class Reverse(LinearOperator):
        ...     weight: jax.Array = array(ndim=1)
        ...     @property
        ...     def shape(self):
        ...         return 2 * self.weight.shape[-1:]
        ...     def _apply(self, x):
        ...         return (self.weight * x)[..., ::-1]
        >>> reverse = Reverse(jnp.array([1.0, 2.0]))
        >>> reverse(jnp.array([3.0, 4.0])), reverse.T(jnp.array([3.0, 4.0]))
        (Array([8., 3.], dtype=float32), Array([4., 6.], dtype=float32))

    See Also:
        `jax.tree_util.register_dataclass`, which does the work.
    """
    return jax.tree_util.register_dataclass(
        dataclasses.dataclass(frozen=True, eq=False, repr=False)(cls)
    )


def array(*, ndim: int, **keywords: Any) -> Any:
    """A field that holds an array: a leaf of the pytree.

    Args:
        ndim: how many axes it has in one operator; in an ensemble it has more.
        **keywords: passed on to `dataclasses.field`: default=None for an array that may be missing.

    Returns:
        The field.

    Cost:
        None at run time.

    Example:
        >>> from hadax.operators.base import array
        >>> array(ndim=2).metadata["ndim"]
        2

    See Also:
        `static`, for what is no array.
    """
    return dataclasses.field(metadata={"ndim": ndim}, **keywords)


def static(**keywords: Any) -> Any:
    """A field that belongs to an operator's structure: an int, a string, a bool.

    Args:
        **keywords: passed on to `dataclasses.field`, for example a default.

    Returns:
        The field.

    Cost:
        None at run time.

    Example:
        >>> from hadax.operators.base import static
        >>> static(default=2).metadata["static"]
        True

    See Also:
        `dataclasses.field`.
    """
    return dataclasses.field(metadata={"static": True}, **keywords)


class LinearOperator(abc.ABC):
    """A linear map of the last axis, with any leading axes as a batch.

    `op(x)` applies it, `op.T` is its transpose (not its adjoint: nothing is conjugated), `a @ b`
    applies b first, `op.as_matrix()` writes it out, `op.shape` is (outputs, inputs), and
    `hadax.inverse(op)` its inverse where one is known. Arrays inside an operator are leaves of a
    pytree, so that jit, vmap, grad and optimizers see them. An ensemble is an operator built under
    `jax.vmap` over keys, and is applied under `jax.vmap` too.

    A subclass is abstract or final. A final one is decorated with `operator_class` and defines
    `shape` and `_apply`; where the transpose has a cheaper form than the one JAX derives, also
    `_transpose`.
    """

    @property
    @abc.abstractmethod
    def shape(self) -> tuple[int, int]:
        """(outputs, inputs)."""

    @abc.abstractmethod
    def _apply(self, x: Array) -> Array:
        """The map itself; `x` has the right last axis."""

    def _transpose(self) -> "LinearOperator":
        """The transpose that JAX derives from `_apply`."""
        return Transposed(self)

    def __call__(self, x: Num[ArrayLike, "... n"]) -> Num[Array, "... m"]:
        """Apply the operator along the last axis of `x`."""
        x = _checks.array("x", x)
        _refuse_ensemble(self)
        _operator_checks.last_axis(type(self).__name__, x, self.shape[1])
        return self._apply(x)

    def __matmul__(self, other: "LinearOperator") -> "LinearOperator":
        """The operator that applies `other` first, then `self`."""
        if not isinstance(other, LinearOperator):
            _operator_checks.no_array(other)
            return NotImplemented
        _operator_checks.composable(self.shape, other.shape)
        return Composed(_factors(self) + _factors(other))

    def __rmatmul__(self, other: object) -> "LinearOperator":
        """Refuse arrays, which operators are not multiplied with."""
        _operator_checks.no_array(other)
        return NotImplemented

    @property
    def T(self) -> "LinearOperator":
        """The transpose; for a complex operator nothing is conjugated."""
        return self._transpose()

    def as_matrix(self, dtype: DTypeLike | None = None) -> Num[Array, "m n"]:
        """The matrix (outputs, inputs), in O(n) applications; dtype defaults to JAX's float."""
        found = _checks.dtype("dtype", dtype, float, jnp.number)
        return self(jnp.eye(self.shape[1], dtype=found)).T

    def __repr__(self) -> str:
        """The class and its shape: arrays would drown the rest."""
        return f"{type(self).__name__}(shape={self.shape})"


@functools.singledispatch
def inverse(op: LinearOperator) -> LinearOperator:
    """The inverse of an operator, where it is known in closed form.

    $A^{-1}$ with `inverse(op)(op(x))` equal to x up to round-off.

    Args:
        op: a square operator. Orthogonal ones return `op.T`.

    Returns:
        An operator of the same shape.

    Raises:
        TypeError: no inverse is known in closed form.

    Cost:
        None; the inverse is as fast as the operator.

    Example:
        >>> import jax, jax.numpy as jnp, hadax
        >>> op = hadax.randomized_hadamard(jax.random.key(0), 8)
        >>> bool(abs(hadax.inverse(op)(op(jnp.arange(8.0))) - jnp.arange(8.0)).max() < 1e-5)
        True

    See Also:
        `lineax.linear_solve`, for operators that only have to be solved with.
    """
    _operator_checks.operator("op", op, LinearOperator)
    _operator_checks.no_inverse(op)


class OrthogonalOperator(LinearOperator):
    """An abstract operator whose transpose is its inverse."""


@inverse.register
def _(op: OrthogonalOperator) -> LinearOperator:
    return op.T


@operator_class
class Composed(LinearOperator):
    """factors[0] @ factors[1] @ ...: the last factor acts first."""

    factors: tuple[LinearOperator, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """(outputs of the first factor, inputs of the last)."""
        return self.factors[0].shape[0], self.factors[-1].shape[1]

    def _apply(self, x: Array) -> Array:
        y = x.astype(_dtypes.accumulator(x.dtype))  # 16-bit floats are rounded once, at the end
        for factor in reversed(self.factors):
            y = factor._apply(y)
        return y.astype(_dtypes.result_dtype(x.dtype, y.dtype))

    def _transpose(self) -> LinearOperator:
        return Composed(tuple(factor.T for factor in reversed(self.factors)))


@inverse.register
def _(op: Composed) -> LinearOperator:
    return Composed(tuple(inverse(factor) for factor in reversed(op.factors)))


@operator_class
class Transposed(LinearOperator):
    """The transpose of an operator that has no form of its own: JAX transposes its program."""

    op: LinearOperator

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of `op`, the other way round."""
        return self.op.shape[1], self.op.shape[0]

    def _apply(self, x: Array) -> Array:
        _checks.not_integer(x.dtype)  # JAX transposes programs of real and complex numbers only
        wide = x.astype(_dtypes.accumulator(x.dtype))  # 16-bit floats are rounded once

        def primal(cotangent: Array) -> Array:
            # An input of op made of its output: of the same mesh, and of the same dtype.
            return jnp.broadcast_to(cotangent[..., :1], (*x.shape[:-1], self.shape[0]))

        image = jax.eval_shape(lambda v: self.op._apply(primal(v)), wide)
        wide = wide.astype(image.dtype)  # a complex op takes a real cotangent as a complex one
        (y,) = jax.linear_transpose(self.op._apply, jax.eval_shape(primal, wide))(wide)
        return y.astype(_dtypes.result_dtype(x.dtype, y.dtype))

    def _transpose(self) -> LinearOperator:
        return self.op


def _refuse_ensemble(op: LinearOperator) -> None:
    """Refuse arrays with more axes than their field declares, in `op` and in its parts."""
    for field in dataclasses.fields(op):  # type: ignore[arg-type]
        value, ndim = getattr(op, field.name), field.metadata.get("ndim")
        if ndim is not None and value is not None and value.ndim > ndim:
            _operator_checks.no_ensemble(type(op).__name__, field.name, value.shape, ndim)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, LinearOperator):
                _refuse_ensemble(part)


def _row(vector: Array, x: Array) -> Array:
    """`vector` in the dtype of `x`, with the axes that it takes to broadcast along the last one."""
    return vector.astype(x.dtype).reshape((1,) * (x.ndim - 1) + vector.shape)


def _factors(op: LinearOperator) -> tuple[LinearOperator, ...]:
    """The factors of a product, so that products do not nest."""
    return op.factors if isinstance(op, Composed) else (op,)
