"""Closed-form eigenbases: they diagonalise what is invariant, and are the classical transforms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.fft
import scipy.linalg

import hadax
from hadax import groups, testing

S4, D4, C4 = groups.symmetric(4), groups.dihedral(4), groups.cyclic(4)
TIMES_3 = groups.generated([3 * np.arange(7) % 7], name="times 3")
# Every row of table B.2 of the theory page, and compositions of compositions.
GROUPS = [
    groups.cyclic(16),
    groups.dihedral(16),
    groups.dihedral(9),
    groups.elementary_abelian(4),
    groups.iterated_wreath(4),
    groups.symmetric(16),
    groups.hamming(4),
    groups.direct_product(C4, C4),
    groups.direct_product(D4, D4),
    groups.direct_product(groups.elementary_abelian(2), groups.cyclic(3)),
    groups.wreath(S4, S4),
    groups.wreath(D4, groups.elementary_abelian(2)),
    groups.wreath(groups.symmetric(3), groups.cyclic(4)),
    groups.wreath(groups.cyclic(3), groups.wreath(groups.dihedral(3), groups.symmetric(2))),
    groups.join(groups.cyclic(7), TIMES_3),
    groups.copies(D4, 1),
    groups.reflection(2),
    groups.trivial(1),
]
# Left and right boundary: period of the circle at 9 points.
FOLDED = {
    "DCT-I": 16,
    "DCT-II": 18,
    "DCT-III": 36,
    "DCT-IV": 36,
    "DST-I": 20,
    "DST-II": 18,
    "DST-III": 36,
    "DST-IV": 36,
}

every_group = pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
every_kind = pytest.mark.parametrize("kind", list(FOLDED))


def random_matrix(n: int) -> np.ndarray:
    return np.random.default_rng(n).normal(size=(n, n))


def matrix_of(op) -> np.ndarray:
    """An operator's complex matrix, compiled as one program."""
    return np.asarray(jax.jit(lambda: op.as_matrix(complex))())


def averaged(group) -> np.ndarray:
    """A random invariant matrix."""
    return np.asarray(jax.jit(lambda R: groups.reynolds(group, R))(random_matrix(group.degree)))


def off_diagonal(basis, R) -> float:
    """What is left off the diagonal, relative to the whole matrix."""
    analysis = matrix_of(basis)
    seen = analysis @ R @ analysis.conj().T
    return float(np.linalg.norm(seen - np.diag(np.diag(seen))) / np.linalg.norm(R))


def scipy_transform(kind: str, x, axis=-1) -> np.ndarray:
    name, number = kind.split("-")
    function = scipy.fft.dct if name == "DCT" else scipy.fft.dst
    kwargs = {"type": ["I", "II", "III", "IV"].index(number) + 1, "norm": "ortho", "axis": axis}
    return function(x, orthogonalize=True, **kwargs)


@every_group
def test_diagonalises_everything_invariant(group, x64):
    R = averaged(group)
    basis = groups.eigenbasis(group)
    assert basis.shape == R.shape
    assert off_diagonal(basis, R) < 1e-12
    matrix = matrix_of(basis)
    np.testing.assert_allclose(matrix @ matrix.conj().T, np.eye(group.degree), atol=1e-13)
    np.testing.assert_allclose(matrix_of(hadax.inverse(basis)), matrix.conj().T, atol=1e-13)
    # Wreath products and trees need it.
    np.testing.assert_allclose(matrix[0], group.degree**-0.5, atol=1e-14)


@every_kind
def test_folded_dihedral_algebras_belong_to_the_cosine_and_sine_transforms(kind, x64):
    E = groups.fold_matrix(kind, 9)
    L = FOLDED[kind]
    assert E.shape == (L, 9)
    np.testing.assert_allclose(E.T @ E, np.eye(9), atol=1e-15)
    C = averaged(groups.dihedral(L))
    basis = groups.eigenbasis(groups.folded_dihedral(kind, 9))
    R = E.T @ C @ E
    assert off_diagonal(basis, R) < 1e-12
    testing.assert_close(groups.reynolds(groups.folded_dihedral(kind, 9), R), R, n=8, c=8.0)
    # The extension is that of the transform's own basis vectors: they solve the circle's problem.
    modes = E @ matrix_of(basis).real.T
    values = np.einsum("ik,ij,jk->k", modes, C, modes)
    np.testing.assert_allclose(C @ modes, modes * values, atol=1e-12)


@every_kind
@pytest.mark.parametrize(("n", "atol"), [(2, 3e-16), (3, 4e-16), (8, 3e-16), (9, 3e-16)])
def test_cosine_and_sine_transforms_equal_scipys(kind, n, atol, x64):
    basis = groups.eigenbasis(groups.folded_dihedral(kind, n))
    right = scipy_transform(kind, np.eye(n), axis=0)
    np.testing.assert_allclose(basis.as_matrix(), right, rtol=0, atol=atol)
    np.testing.assert_allclose(basis.T.as_matrix(), right.T, rtol=0, atol=atol)


@every_kind
@pytest.mark.parametrize("n", [40, 41])
def test_cosine_and_sine_transforms_by_ffts_equal_scipys(kind, n, x64):
    """Longer than what is done by a matrix; even and odd."""
    basis = groups.eigenbasis(groups.folded_dihedral(kind, n))
    right = scipy_transform(kind, np.eye(n), axis=0)
    np.testing.assert_allclose(basis.as_matrix(), right, rtol=0, atol=6e-16)
    np.testing.assert_allclose(basis.T.as_matrix(), right.T, rtol=0, atol=6e-16)


@every_kind
def test_long_cosine_and_sine_transforms_equal_scipys(kind):
    x = jax.random.normal(jax.random.key(0), (2, 1000))
    basis = groups.eigenbasis(groups.folded_dihedral(kind, 1000))
    right = scipy_transform(kind, np.asarray(x, "float64"))
    testing.assert_close(basis(x), right, n=1000, c=4.0)


def test_classical_transforms():
    x = jax.random.normal(jax.random.key(1), (3, 8))
    fourier = groups.eigenbasis(groups.cyclic(8))
    testing.assert_close(fourier(x), np.fft.fft(x, norm="ortho"), n=8)
    testing.assert_close(hadax.inverse(fourier)(fourier(x)).real, x, n=8)
    testing.assert_close(hadax.inverse(fourier)(x), np.fft.ifft(x, norm="ortho"), n=8)
    walsh = groups.eigenbasis(groups.elementary_abelian(3))
    testing.assert_close(walsh(x), hadax.fwht(x), n=8)
    helmert = groups.eigenbasis(groups.symmetric(8)).as_matrix()
    testing.assert_close(helmert, scipy.linalg.helmert(8, full=True), n=8)
    haar = groups.eigenbasis(groups.iterated_wreath(2)).as_matrix()
    h = 0.5**0.5
    right = [[0.5, 0.5, 0.5, 0.5], [0.5, 0.5, -0.5, -0.5], [h, -h, 0, 0], [0, 0, h, -h]]
    testing.assert_close(haar, np.array(right), n=4)


@pytest.mark.parametrize("name", ["DCT-II", "C4", "D4"])
def test_in_basis_is_two_products(name, x64):
    structure = {"DCT-II": groups.folded_dihedral("DCT-II", 4), "C4": C4, "D4": D4}[name]
    basis = groups.eigenbasis(structure)
    analysis = matrix_of(basis)
    R = np.stack([random_matrix(4), random_matrix(4).T]) * (1 + 2j)
    right = analysis @ R @ analysis.conj().T
    testing.assert_close(groups.in_basis(basis, R), right, n=8, c=8.0)
    right = np.eye(4) * right
    kept = analysis.conj().T @ right @ analysis
    testing.assert_close(groups.reynolds(basis, R), kept, n=8, c=8.0)


@pytest.mark.parametrize("n", [1, 2, 5, 6, 40, 41])
def test_real_fourier_has_cosines_and_sines_by_turns(n):
    t = np.arange(n)
    rows = [np.ones(n)]
    for k in range(1, (n + 1) // 2):
        rows += [2**0.5 * np.cos(2 * np.pi * k * t / n), 2**0.5 * np.sin(2 * np.pi * k * t / n)]
    if n % 2 == 0:
        rows.append((-1.0) ** t)
    basis = groups.eigenbasis(groups.dihedral(n))
    testing.assert_close(basis.as_matrix(), np.stack(rows) / n**0.5, n=8)
    testing.assert_close(basis.T.as_matrix(), np.stack(rows).T / n**0.5, n=8)


@pytest.mark.parametrize("n", [15, 16, 17, 300])
def test_helmert_by_blocks_of_running_sums(n, x64):
    basis = groups.eigenbasis(groups.symmetric(n))
    right = scipy.linalg.helmert(n, full=True)
    testing.assert_close(basis.as_matrix(), right, n=n)
    testing.assert_close(basis.T.as_matrix(), right.T, n=n)


def test_haar_is_one_of_several_bases_of_a_tree(x64):
    group = groups.iterated_wreath(4)
    R = averaged(group)
    assert off_diagonal(groups.eigenbasis(groups.elementary_abelian(4)), R) < 1e-12
    values, counts = np.unique(np.linalg.eigvalsh(R + R.T).round(8), return_counts=True)
    assert values.size == groups.rank(group)
    assert sorted(counts) == [1, 1, 2, 4, 8]


@pytest.mark.parametrize(
    ("group", "other"),
    [
        (groups.dihedral(16), groups.elementary_abelian(4)),
        (groups.elementary_abelian(4), groups.cyclic(16)),
        (groups.elementary_abelian(4), groups.iterated_wreath(4)),
        (groups.cyclic(16), groups.dihedral(16)),
    ],
    ids=lambda group: group.name,
)
def test_negative_controls(group, other):
    R = averaged(group)
    assert off_diagonal(groups.eigenbasis(other), R) > 0.2


def test_fourier_is_a_complex_operator():
    op = groups.eigenbasis(groups.cyclic(6))
    x = jax.random.normal(jax.random.key(0), (2, 6))
    right = np.fft.fft(np.eye(6), norm="ortho")
    for dtype in ("float32", "bfloat16", "complex64"):
        assert op(x.astype(dtype)).dtype == jnp.complex64
    testing.assert_close(op.T.as_matrix(), right, n=8)
    transformed = np.asarray(x) @ right.T
    testing.assert_close(jax.jit(lambda o, v: o(v))(op, x), transformed, n=8)
    testing.assert_close(jax.vmap(op, in_axes=1, out_axes=1)(x.T), transformed.T, n=8)
    z = x.astype("complex64")
    jacobian = jax.jacfwd(op, holomorphic=True)(z[0])
    testing.assert_close(jacobian, right, n=8)
    with pytest.raises(TypeError, match="must be real or complex"):
        op(jnp.arange(6))


def test_double_precision_and_the_lack_of_it(x64):
    assert groups.eigenbasis(groups.cyclic(4))(jnp.ones(4)).dtype == jnp.complex128
    assert groups.eigenbasis(groups.cyclic(4))(jnp.ones(4, "float32")).dtype == jnp.complex64


@pytest.mark.parametrize(
    ("group", "kind", "message"),
    [
        (groups.trivial(4), ValueError, "1 is not: .* symmetry_adapted"),
        (groups.reflection(4), ValueError, "reflection is not"),
        (groups.copies(C4, 2), ValueError, "2 copies of C4 is not"),
        (groups.disjoint_union(C4, C4), ValueError, "not: only a block structure"),
        (groups.wreath(groups.trivial(2), C4), ValueError, "1 is not"),
        (TIMES_3, NotImplementedError, "none is known for times 3"),
    ],
)
def test_honest_errors(group, kind, message):
    with pytest.raises(kind, match=message):
        groups.eigenbasis(group)


def test_bad_input(without_shape_checks):
    with pytest.raises(ValueError, match="`kind` must be one of 'DCT-I'"):
        groups.folded_dihedral("DCT-V", 4)
    with pytest.raises(ValueError, match="`n` must be at least 2"):
        groups.fold_matrix("DCT-I", 1)
    with pytest.raises(TypeError, match="must be a PermutationGroup or FoldedAlgebra"):
        groups.eigenbasis(4)
    with pytest.raises(TypeError, match="`basis` must be a LinearOperator"):
        groups.in_basis(C4, jnp.eye(4))
    with pytest.raises(ValueError, match="shape"):
        groups.in_basis(groups.eigenbasis(C4), jnp.eye(3))


def test_two_dimensional_cosine_transform_is_scipys(x64):
    sides = groups.folded_dihedral("DCT-II", 4), groups.folded_dihedral("DST-III", 3)
    x = np.random.default_rng(0).normal(size=(4, 3))
    expected = scipy.fft.dst(scipy.fft.dct(x, 2, axis=0, norm="ortho"), 3, axis=1, norm="ortho")
    algebra = groups.folded_product(*sides)
    found = groups.eigenbasis(algebra)(x.ravel())
    np.testing.assert_allclose(found.reshape(4, 3), expected, atol=2e-15)
    R = np.random.default_rng(1).normal(size=(12, 12))
    seen = groups.in_basis(groups.eigenbasis(algebra), groups.reynolds(algebra, R))
    np.testing.assert_allclose(seen, np.diag(np.diag(seen)), atol=1e-14)
    assert repr(algebra) == "<folded dihedral (DCT-II of 4 x DST-III of 3) on 12 points>"


def test_only_folded_algebras_have_a_folded_product(without_shape_checks):
    with pytest.raises(TypeError, match="must be a FoldedAlgebra"):
        groups.folded_product(groups.folded_dihedral("DCT-II", 4), groups.cyclic(3))
