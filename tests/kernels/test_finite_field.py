"""The fields behind Paley's and Miyamoto's matrices."""

import numpy as np
import pytest

from hadax.kernels._finite_field import jacobsthal, prime_power


def test_prime_power_knows_the_prime_powers_up_to_1000():
    primes = [p for p in range(2, 1001) if all(p % d for d in range(2, p))]
    powers = {p**k: (p, k) for p in primes for k in range(1, 10) if p**k <= 1000}
    assert {q: prime_power(q) for q in range(-2, 1001) if prime_power(q)} == powers


@pytest.mark.parametrize("p", [3, 5, 13, 101])
def test_squares_of_a_prime_field_are_those_of_the_integers(p):
    squares = {a * a % p for a in range(1, p)}
    expected = [0] + [1 if a in squares else -1 for a in range(1, p)]
    np.testing.assert_array_equal(jacobsthal(p)[:, 0], expected)


@pytest.mark.parametrize("q", [3, 5, 9, 25, 27, 49, 243, 343])
def test_jacobsthal_matrix(q):
    Q = jacobsthal(q).astype(np.int32)
    np.testing.assert_array_equal(Q @ Q.T, q * np.eye(q) - np.ones((q, q)))
    np.testing.assert_array_equal(Q.sum(axis=1), 0)
    np.testing.assert_array_equal(Q.T, Q if q % 4 == 1 else -Q)
