"""Hadamard matrices from the squares of a finite field: Paley's two families and Miyamoto's."""

import numpy as np

from hadax.kernels._finite_field import jacobsthal

_WALSH = np.array([[1, 1], [1, -1]], np.int8)


def paley_1(q: int) -> np.ndarray:
    """Order q + 1, q = 3 mod 4: I + S with a skew-symmetric conference matrix S."""
    return np.eye(q + 1, dtype=np.int8) + _conference(q, corner=-1)


def paley_2(q: int) -> np.ndarray:
    """Order 2 (q + 1), q = 1 mod 4: S (x) [1 1; 1 -1] + I (x) [1 -1; -1 -1], symmetric as S is."""
    diagonal = np.array([[1, -1], [-1, -1]], np.int8)
    return np.kron(_conference(q, corner=1), _WALSH) + np.kron(
        np.eye(q + 1, dtype=np.int8), diagonal
    )


def miyamoto(q: int, K: np.ndarray) -> np.ndarray:
    """Order 4 q, q = 1 mod 4, with a Hadamard matrix K of order q - 1.

    C is the Jacobsthal matrix on the non-zero elements, squares first: C C^T is q I - 2 J within
    the squares and within the non-squares, and 0 elsewhere. U = I_2 (x) C and V = [I K; -K^T I],
    which has V V^T = q I, are non-zero in complementary places, so that U (x) [1 1; 1 1] +
    V (x) [1 -1; -1 1] is a matrix of signs. Four more rows and columns mend the -2 J.
    """
    Q = jacobsthal(q)
    squares_first = np.argsort(-Q[0, 1:], kind="stable") + 1
    C = Q[np.ix_(squares_first, squares_first)]
    unit, nothing = np.eye(q - 1, dtype=np.int8), np.zeros_like(C)
    U = np.block([[C, nothing], [nothing, C]])
    V = np.block([[unit, K], [-K.T, unit]])
    equal, opposite = np.array([[[1, 1], [1, 1]], [[1, -1], [-1, 1]]], np.int8)
    core = np.kron(U, equal) + np.kron(V, opposite)

    # The rows of C add up to row_sum, -1 in squares and +1 in non-squares. So block i of the core
    # is orthogonal to the upper rows if corner @ left[i] = -2 row_sum[i] upper[:, i]; the rows of
    # this corner are bent, which is to say that corner @ left.T is 2 in magnitude everywhere.
    row_sum = np.array([-1, 1, -1, 1], np.int8)
    left = np.kron(_WALSH, _WALSH)
    corner = 1 - 2 * np.eye(4, dtype=np.int8)
    upper = -(corner @ left.T) // 2 * row_sum
    ones = np.ones((1, q - 1), np.int8)
    return np.block([[corner, np.kron(upper, ones)], [np.kron(left, ones.T), core]])


def _conference(q: int, *, corner: int) -> np.ndarray:
    """S of order q + 1 with S S^T = q I: the Jacobsthal matrix under a row of ones."""
    row, column = np.ones((1, q), np.int8), np.full((q, 1), corner, np.int8)
    return np.block([[np.zeros((1, 1), np.int8), row], [column, jacobsthal(q)]])
