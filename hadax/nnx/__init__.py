"""hadax operators and quantized tensors as attributes of flax.nnx modules.

nnx refuses a pytree that holds arrays unless its class is registered. Importing this module
registers every operator of hadax and `hadax.quantization.QTensor`; `register` does it for an
operator of your own. Their arrays are then data of the module: moved, sharded and saved with it,
and not trained, since they are no `nnx.Param`.
"""

from flax import nnx

from hadax.groups import _fourier_bases, _tree_bases, fractional
from hadax.operators import _operator_checks, elementary, hadamard_rotation, rotations
from hadax.operators.base import Composed, LinearOperator, Transposed
from hadax.quantization.qtensor import QTensor


def register(cls: type[LinearOperator]) -> type[LinearOperator]:
    """Let flax.nnx modules hold operators of a class.

    Args:
        cls: a class made with `hadax.operators.operator_class`; usable as a decorator.

    Returns:
        The class itself.

    Raises:
        TypeError: cls is no class of operators.

    Cost:
        None at run time.

    Example:
        >>> import jax, hadax, hadax.nnx
        >>> from flax import nnx
        >>> class Rotate(nnx.Module):
        ...     def __init__(self, rngs):
        ...         self.rotation = hadax.randomized_hadamard(rngs.params(), 8)
        ...     def __call__(self, x):
        ...         return self.rotation(x)
        >>> nnx.jit(Rotate(nnx.Rngs(0)))(jax.numpy.ones((2, 8))).shape
        (2, 8)

    See Also:
        `flax.nnx.register_data_type`.
    """
    _operator_checks.operator_class("cls", cls, LinearOperator)
    nnx.register_data_type(cls)
    return cls


for _cls in (
    Composed,
    Transposed,
    _fourier_bases.Fourier,
    _fourier_bases.RealFourier,
    _fourier_bases.Trigonometric,
    _tree_bases.Haar,
    _tree_bases.Helmert,
    _tree_bases.WreathBasis,
    _tree_bases.WreathSynthesis,
    elementary.BlockDiagonal,
    elementary.Dense,
    elementary.Diagonal,
    elementary.Hadamard,
    elementary.Invertible,
    elementary.Kronecker,
    elementary.Permutation,
    elementary.Scale,
    elementary.Selection,
    elementary.Signs,
    fractional.FractionalFourier,
    hadamard_rotation.RandomizedHadamard,
    rotations.Householder,
    rotations.KacWalk,
):
    register(_cls)

nnx.register_data_type(QTensor)
