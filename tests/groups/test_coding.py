"""Coding gains: the reference table of AR(1), identities, and every JAX transformation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax import groups, operators

BASES = {
    "DCT-II": lambda n: groups.folded_dihedral("DCT-II", n),
    "WHT": lambda n: groups.elementary_abelian(n.bit_length() - 1),
    "Haar": lambda n: groups.iterated_wreath(n.bit_length() - 1),
    "real DFT": groups.dihedral,
    "DCT-IV": lambda n: groups.folded_dihedral("DCT-IV", n),
}

# dB: the KLT, then the bases above; AR(1) with this correlation on so many points.
REFERENCE = {
    (8, 0.95): (8.8462, 8.8259, 7.9461, 7.9425, 7.7040, 5.1392),
    (8, 0.99): (14.8850, 14.8804, 13.9131, 13.9130, 13.5704, 6.1057),
    (16, 0.90): (6.7617, 6.7264, 5.6380, 5.6063, 5.8025, 5.4081),
    (16, 0.95): (9.4781, 9.4555, 8.1941, 8.1823, 8.1424, 6.8555),
    (64, 0.95): (9.9520, 9.9366, 8.2959, 8.2540, 9.1072, 9.0143),
}


def ar1(n: int, rho: float) -> np.ndarray:
    return rho ** np.abs(np.subtract.outer(np.arange(n), np.arange(n)))


def basis(name: str, n: int) -> operators.LinearOperator:
    return groups.eigenbasis(BASES[name](n))


def positive(n: int, seed: int = 0) -> np.ndarray:
    X = np.random.default_rng(seed).normal(size=(n, 2 * n))
    return X @ X.T / n


@pytest.mark.parametrize(("n", "rho"), REFERENCE)
def test_gains_of_ar1_are_those_of_the_reference(n, rho, x64):
    R = ar1(n, rho)
    found = [groups.klt_coding_gain(R), *(groups.coding_gain(basis(b, n), R) for b in BASES)]
    np.testing.assert_allclose(found, REFERENCE[n, rho], rtol=0, atol=5.1e-5)


@pytest.mark.parametrize("rho", [0.3, 0.999])
def test_klt_of_ar1_in_closed_form(rho, x64):
    # det R = (1 - rho^2)^(n - 1)
    right = -10 * 15 / 16 * np.log10(1 - rho**2)
    assert abs(groups.klt_coding_gain(ar1(16, rho)) - right) < 1e-9


def test_dct_ii_tends_to_the_klt(x64):
    losses = [
        groups.klt_coding_gain(R) - groups.coding_gain(basis("DCT-II", 8), R)
        for R in (ar1(8, 1 - 1e-3), ar1(8, 1 - 1e-5))
    ]
    assert losses[0] < 1e-3
    assert abs(losses[1]) < 2e-2 * losses[0]  # in proportion to 1 - rho


@pytest.mark.parametrize("name", ["DCT-II", "WHT", "Haar", "real DFT"])
def test_losses_at_large_correlations_are_those_of_the_path(name, x64):
    # docs/theory/matched_groups.md, "Coding gain": with the constant vector and other vectors q,
    # the loss tends to (10 / n) log10(n prod q^T L^+ q) for the Laplacian L of the path.
    differences = np.diff(np.eye(8), axis=0)
    inverse = np.linalg.pinv(differences.T @ differences)
    q = np.asarray(basis(name, 8).as_matrix(jnp.float64))
    of_others = np.einsum("ki,ij,kj->k", q, inverse, q)[1:]
    limit = 10 / 8 * np.log10(8 * of_others.prod())
    R = ar1(8, 1 - 1e-6)
    loss = groups.klt_coding_gain(R) - groups.coding_gain(basis(name, 8), R)
    assert abs(loss - limit) < 1e-5


@pytest.mark.parametrize("name", BASES)
def test_no_basis_exceeds_the_klt_and_the_eigenbasis_reaches_it(name, x64):
    R = positive(8)
    best = groups.klt_coding_gain(R)
    assert groups.coding_gain(basis(name, 8), R) < best
    eigenbasis = operators.dense(jnp.asarray(np.linalg.eigh(R)[1].T))
    assert abs(groups.coding_gain(eigenbasis, R) - best) < 1e-12


def test_gains_of_a_tensor_product_add_up(x64):
    A, B = positive(4), positive(8, seed=1)
    left, right = basis("DCT-II", 4), basis("Haar", 8)
    R = np.kron(A, B)
    both = groups.coding_gain(operators.kronecker(left, right), R)
    parts = groups.coding_gain(left, A) + groups.coding_gain(right, B)
    assert abs(both - parts) < 1e-12
    klt = groups.klt_coding_gain(A) + groups.klt_coding_gain(B)
    assert abs(groups.klt_coding_gain(R) - klt) < 1e-12


def test_hermitian_covariances(x64):
    rng = np.random.default_rng(3)
    C = np.fft.ifft(np.eye(6)) * np.sqrt(6)  # its columns are the Fourier basis
    values = rng.uniform(1, 9, size=6)
    R = jnp.asarray((C * values) @ C.conj().T)
    right = 10 * np.log10(values.mean() / np.exp(np.log(values).mean()))
    for gain in (groups.coding_gain(basis_of_shifts(6), R), groups.klt_coding_gain(R)):
        assert gain.dtype == jnp.float64
        assert abs(gain - right) < 1e-12


def basis_of_shifts(n: int) -> operators.LinearOperator:
    return groups.eigenbasis(groups.cyclic(n))


def functions():
    """Both gains as functions of a covariance on 8 points."""
    DCT = basis("DCT-II", 8)
    return [lambda R: groups.coding_gain(DCT, R), groups.klt_coding_gain]


@pytest.mark.parametrize("gain", functions(), ids=["basis", "KLT"])
def test_batches_and_transformations(gain, x64):
    R = jnp.stack([jnp.asarray(positive(8, seed)) for seed in range(3)])
    one_by_one = [gain(each) for each in R]
    for found in (gain(R), jax.jit(gain)(R), jax.vmap(gain)(R), gain(R[None])[0]):
        np.testing.assert_allclose(found, one_by_one, rtol=1e-12)
    np.testing.assert_allclose(gain(7 * R[0]), one_by_one[0], rtol=1e-12)
    H = jnp.asarray(positive(8, seed=9))
    slope = jnp.sum(jax.grad(gain)(R[0]) * H)
    step = 1e-5
    difference = (gain(R[0] + step * H) - gain(R[0] - step * H)) / (2 * step)
    assert abs(slope - difference) < 1e-7 * abs(difference)


@pytest.mark.parametrize("gain", functions(), ids=["basis", "KLT"])
def test_dtypes_and_degenerate_covariances(gain):
    R = jnp.asarray(positive(8), jnp.float32)
    assert gain(R).dtype == jnp.float32
    half = gain(R.astype(jnp.bfloat16))
    assert half.dtype == jnp.float32
    assert abs(half - gain(R)) < 0.05
    assert abs(gain(jnp.eye(8))) < 1e-5
    assert jnp.isnan(gain(-R))


def test_bad_input(without_shape_checks):
    DCT, R = basis("DCT-II", 8), jnp.eye(8)
    with pytest.raises(TypeError, match="Argument `basis` must be a LinearOperator"):
        groups.coding_gain(groups.dihedral(8), R)
    with pytest.raises(ValueError, match=r"`R` must have the shape \(\.\.\., 8, 8\)"):
        groups.coding_gain(DCT, jnp.eye(4))
    for gain in functions():
        with pytest.raises(TypeError, match="`R` must be real or complex floating point"):
            gain(jnp.eye(8, dtype=int))
    for wrong in (jnp.ones((3, 4)), jnp.ones(4)):
        with pytest.raises(ValueError, match=r"`R` must have the shape \(\.\.\., n, n\)"):
            groups.klt_coding_gain(wrong)
    assert abs(groups.klt_coding_gain([[2.0, 0.0], [0.0, 2.0]])) < 1e-5  # a list, without a warning
