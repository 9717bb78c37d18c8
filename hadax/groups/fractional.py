"""Fractional Fourier transforms, and the discrete Hermite-Gauss vectors that make them diagonal.

The rotations of the time-frequency plane are a continuous group, SO(2), which acts by fractional
powers of the Fourier transform; its eigenbasis is that of the harmonic oscillator. What is proved
of the discrete case and what is measured: docs/theory/continuous_groups.md.
"""

import functools

import jax.numpy as jnp
import numpy as np
from jax import lax
from numpy.typing import NDArray
from scipy.linalg import eigh_tridiagonal

from hadax import _checks, _dtypes
from hadax._typing import Array, ArrayLike, Num
from hadax.operators.base import LinearOperator, _row, array, inverse, operator_class

_OUTERMOST = 0.5  # of the largest entry: what is smaller is no lobe of its own


@operator_class
class FractionalFourier(LinearOperator):
    """The Fourier transform to the power `order`; columns of `basis` are Hermite-Gauss vectors.

    A symmetric unitary matrix: its transpose is itself, its inverse and its adjoint have the
    opposite order.
    """

    order: Array = array(ndim=0)
    basis: Array = array(ndim=2)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n)."""
        return self.basis.shape[-2], self.basis.shape[-1]

    def _apply(self, x: Array) -> Array:
        _checks.not_integer(x.dtype)
        dtype = _dtypes.complex_dtype(x.dtype)
        basis = self.basis.astype(jnp.finfo(dtype).dtype)
        wide = x.astype(dtype if jnp.issubdtype(x.dtype, jnp.complexfloating) else basis.dtype)
        coefficients = _times_real(wide, basis).astype(dtype)
        scaled = coefficients * _row(self._eigenvalues(basis.dtype), coefficients)
        return _times_real(scaled, basis.mT)

    def _transpose(self) -> "FractionalFourier":
        return self

    def _eigenvalues(self, dtype: jnp.dtype) -> Array:
        """exp(-i pi k a / 2) for the orders k of the basis.

        k a is as large as n a, and its rounding would be the error of the angle: so whole turns are
        taken off the exact product of k and the leading bits of a, and the rest is added then.
        """
        n = self.shape[0]
        k = jnp.asarray(_orders(n), dtype)
        order = self.order.astype(dtype)
        order = order - 4 * jnp.round(order / 4)
        grid = 2.0 ** (jnp.finfo(dtype).nmant - 1 - n.bit_length())
        leading = jnp.round(order * grid) / grid
        angle = np.pi / 2 * ((k * leading) % 4 + k * (order - leading))
        return lax.complex(jnp.cos(angle), -jnp.sin(angle))


@inverse.register
def _(op: FractionalFourier) -> FractionalFourier:
    return FractionalFourier(-op.order, op.basis)


def fractional_fourier(n: int, order: Num[ArrayLike, ""]) -> FractionalFourier:
    r"""The discrete Fourier transform to a real power.

    $F^a = U \operatorname{diag}(e^{-i \pi k a / 2})\, U^T$ with the Hermite-Gauss vectors of orders
    k as columns of U: a rotation of the time-frequency plane by $a \pi / 2$. $F^0$ is the
    identity, $F^1$ the unitary discrete Fourier transform, $F^2$ the reversal $x_j \mapsto x_{-j}$,
    and $F^a F^b = F^{a + b}$, of period 4. Point 0 is the origin, as in `numpy.fft.fft`.

    Args:
        n: number of points.
        order: the power a, a real number. It may be traced: derivatives with respect to it exist.

    Returns:
        An operator of shape (n, n), unitary and symmetric; its output is complex. `hadax.inverse`
        has the order -a. Its leaves are `order` and `basis`, the n^2 entries of U.

    Raises:
        ValueError: n is less than 1, or order is not one number.
        TypeError: n is no integer, or order is not real.

    Cost:
        O(n^2) operations a vector, and n^2 numbers: for this definition we know no fast algorithm.
        Once a length, the basis in SciPy.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax import groups
        >>> x = jnp.arange(4.0)
        >>> whole = groups.fractional_fourier(4, 1)(x)
        >>> bool(jnp.allclose(whole, jnp.fft.fft(x, norm="ortho"), atol=1e-6))
        True
        >>> half = groups.fractional_fourier(4, 0.5)
        >>> bool(jnp.allclose(half(half(x)), whole, atol=1e-6))
        True
        >>> slope = jax.grad(lambda a: groups.fractional_fourier(4, a)(x)[0].imag)(0.0)
        >>> round(float(slope), 3)
        4.443

    See Also:
        `eigenbasis` of `cyclic`: the Fourier transform itself, in O(n log n). Samples of the kernel
        of the continuous transform make a faster one, which is not additive.

    References:
        Candan, Kutay & Ozaktas (2000), key `candan2000`.
    """
    found = _checks.shaped("order", order, ndim=0)
    if jnp.issubdtype(found.dtype, jnp.integer):
        found = found.astype(float)
    # Without a weak type: whatever the order was given as, a program is compiled once.
    found = _checks.real_float("order", found)
    return FractionalFourier(found.astype(found.dtype), jnp.asarray(hermite_gauss_basis(n)))


def hermite_gauss_basis(n: int) -> NDArray[np.float64]:
    r"""Orthonormal eigenvectors of the discrete Fourier transform that resemble Hermite functions.

    The eigenvectors of $S = \operatorname{diag}(2 \cos(2 \pi j / n) - 4) + Z + Z^T$ with the cyclic
    shift Z: the discrete form of $d^2/dt^2 - t^2$, which commutes with the Fourier transform. The
    vector of order k has the eigenvalue $(-i)^k$ of that, and is even or odd as k is.

    Args:
        n: number of points.

    Returns:
        Array (n, n), float64, to be read only. Columns have the orders 0 ... n - 1 if n is odd, and
        0 ... n - 2, n if n is even; their outermost lobe at positive times is positive. Point 0
        is the origin, and point n - j stands for -j.

    Raises:
        ValueError: n is less than 1.
        TypeError: n is no integer.

    Cost:
        Two tridiagonal eigenproblems of size n / 2: 0.6 s for n = 2048. The latest bases are kept.

    Example:
        >>> from hadax import groups
        >>> groups.hermite_gauss_basis(3).round(3)
        array([[ 0.888,  0.   , -0.46 ],
               [ 0.325,  0.707,  0.628],
               [ 0.325, -0.707,  0.628]])

    See Also:
        `fractional_fourier`; `scipy.special.eval_hermite`, whose samples are only nearly
        orthogonal, and only nearly eigenvectors.

    References:
        Candan, Kutay & Ozaktas (2000), key `candan2000`.
    """
    return _hermite_gauss(_checks.integer("n", n, minimum=1))


@functools.lru_cache(maxsize=8)
def _hermite_gauss(n: int) -> NDArray[np.float64]:
    """`hermite_gauss_basis` for a length that is one.

    S is tridiagonal on even vectors and on odd ones, seen at the points 0 ... n/2.
    """
    half = n // 2
    pairs = np.arange(1, (n + 1) // 2)  # points j that are not their own mirror images n - j
    diagonal = 2 * np.cos(2 * np.pi * np.arange(half + 1) / n) - 4
    beside = np.ones(half)
    beside[:1] *= np.sqrt(2)  # between a point that is its own mirror image and a pair
    fold = np.zeros(half + 1)
    if n % 2 == 0:
        beside[-1:] *= np.sqrt(2)
    else:
        fold[1:][-1:] = 1  # the last point and its mirror image are neighbours
    orders = _orders(n)
    even, odd = orders % 2 == 0, orders % 2 == 1
    right = np.zeros((half + 1, n))
    right[:, even] = _descending(diagonal + fold, beside)
    if pairs.size:
        right[np.ix_(pairs, odd)] = _descending((diagonal - fold)[pairs], np.ones(pairs.size - 1))
    right[pairs] *= np.sqrt(0.5)
    right *= _signs(right)
    basis = np.zeros((n, n))
    basis[: half + 1] = right
    basis[n - pairs] = np.where(odd, -right[pairs], right[pairs])
    basis.setflags(write=False)
    return basis


def _descending(diagonal: NDArray, beside: NDArray) -> NDArray[np.float64]:
    """Eigenvectors of a symmetric tridiagonal matrix, those with few changes of sign first."""
    return eigh_tridiagonal(diagonal, beside)[1][:, ::-1]


def _signs(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """The signs that make the outermost large entry of every column positive.

    Hermite functions have their largest lobe outermost; entries beyond it may be round-off.
    """
    large = np.abs(columns) > _OUTERMOST * np.abs(columns).max(axis=0)
    last = len(columns) - 1 - np.argmax(large[::-1], axis=0)
    return np.sign(columns[last, np.arange(columns.shape[1])])


def _orders(n: int) -> NDArray[np.int64]:
    """0 ... n - 1, and for even n the last one is n: n - 1 changes of sign do not fit."""
    orders = np.arange(n)
    if n % 2 == 0:
        orders[-1] = n
    return orders


def _times_real(x: Array, matrix: Array) -> Array:
    """x @ matrix for a real matrix, without making it complex."""
    multiply = functools.partial(jnp.matmul, precision=lax.Precision.HIGHEST)
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        return lax.complex(multiply(x.real, matrix), multiply(x.imag, matrix))
    return multiply(x, matrix)
