"""Symmetry-adapted bases: parts, kinds and blocks, with groups and without."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from hadax import groups, testing

S4 = groups.symmetric(4)
S3_REGULAR = groups.regular(groups.multiplication_table(groups.symmetric(3)), name="S3")
Q8_REGULAR = groups.regular(groups.dicyclic_table(2), name="Q8")


def on_pairs(n: int) -> groups.PermutationGroup:
    """S_n on pairs of points: the Johnson scheme J(n, 2)."""
    pairs = list(itertools.combinations(range(n), 2))
    number = {pair: i for i, pair in enumerate(pairs)}
    moves = [[number[tuple(sorted(g[list(p)]))] for p in pairs] for g in S(n).generators]
    return groups.generated(moves, name=f"S{n} on pairs")


def S(n: int) -> groups.PermutationGroup:
    return groups.symmetric(n)


# (dimension, multiplicity, kind), small dimensions first.
PARTS = [
    (groups.cyclic(8), [(1, 1, "R")] * 2 + [(2, 1, "C")] * 3, 8),
    (groups.dihedral(8), [(1, 1, "R")] * 2 + [(2, 1, "R")] * 3, 5),
    (groups.elementary_abelian(3), [(1, 1, "R")] * 8, 8),
    (groups.iterated_wreath(3), [(1, 1, "R")] * 2 + [(2, 1, "R"), (4, 1, "R")], 4),
    (groups.symmetric(8), [(1, 1, "R"), (7, 1, "R")], 2),
    (groups.trivial(6), [(1, 6, "R")], 36),
    (groups.reflection(8), [(1, 4, "R")] * 2, 32),
    (S3_REGULAR, [(1, 1, "R")] * 2 + [(2, 2, "R")], 6),
    (on_pairs(5), [(1, 1, "R"), (4, 1, "R"), (5, 1, "R")], 3),
    (groups.copies(S4, 2), [(1, 2, "R"), (3, 2, "R")], 8),
    (Q8_REGULAR, [(1, 1, "R")] * 4 + [(4, 1, "H")], 8),
    (groups.copies(groups.cyclic(3), 2), [(1, 2, "R"), (2, 2, "C")], 12),
    (groups.copies(Q8_REGULAR, 2), [(1, 2, "R")] * 4 + [(4, 2, "H")], 32),
]

every_case = pytest.mark.parametrize(
    ("group", "parts", "rank"), PARTS, ids=[case[0].name for case in PARTS]
)


@every_case
def test_parts(group, parts, rank):
    found = groups.symmetry_adapted(group)
    seen = [(part.dimension, part.multiplicity, part.kind) for part in found.parts]
    assert seen == parts
    assert found.dimension == groups.rank(group) == rank
    # Real kinds: an algebra of m x m matrices over the reals, complex numbers or quaternions.
    sizes = {"R": 1, "C": 2, "H": 4}
    assert sum(sizes[kind] * m * m for _, m, kind in parts) == rank
    assert found.is_multiplicity_free == all(m == 1 for _, m, _ in parts)


@every_case
@pytest.mark.parametrize("seed", [0, 1])
def test_invariant_matrices_are_block_diagonal(group, parts, rank, seed, x64):
    found = groups.symmetry_adapted(group, seed=seed)
    Q = found.matrix
    np.testing.assert_allclose(Q.T @ Q, np.eye(group.degree), atol=1e-13)
    X = np.random.default_rng(7).normal(size=Q.shape)
    R = Q.T @ np.asarray(groups.reynolds(group, X + X.T)) @ Q
    start = 0
    for dimension, multiplicity, kind in parts:
        stop = start + dimension * multiplicity
        block = R[start:stop, start:stop].reshape(2 * (multiplicity, dimension))
        for a, b in np.ndindex(multiplicity, multiplicity):
            if kind == "R" or a == b:  # R_l (x) I
                right = np.eye(dimension) * block[a, 0, b, 0]
                np.testing.assert_allclose(block[a, :, b, :], right, atol=1e-12)
        R[start:stop, start:stop] = 0
        start = stop
    assert np.abs(R).max() < 1e-12


def test_parts_do_not_depend_on_the_seed():
    group = groups.hamming(3)
    found = [groups.symmetry_adapted(group, seed=seed).parts for seed in range(5)]
    dimensions = [[part.dimension for part in parts] for parts in found]
    assert dimensions == [[1, 1, 3, 3]] * 5


def test_it_is_an_operator_too():
    found = groups.symmetry_adapted(groups.dihedral(6))
    testing.assert_close(found.operator.as_matrix(), found.matrix.T, n=8)
    testing.assert_orthogonal(found.operator.as_matrix(), n=8)


def group_of_matrices(a, x, order: int) -> tuple[np.ndarray, np.ndarray]:
    """The matrices a^i x^j, j = 0 and 1, one after the other, and their multiplication table."""
    powers = [np.linalg.matrix_power(a, i) for i in range(order)]
    matrices = np.stack([*powers, *(power @ x for power in powers)])
    products = matrices[:, None] @ matrices[None]
    distances = np.abs(products[:, :, None] - matrices).max(axis=(-1, -2))
    return matrices, distances.argmin(axis=-1)


def turn(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


S3_MATRICES = group_of_matrices(turn(2 * np.pi / 3), np.diag([1.0, -1.0]), 3)
Q8_MATRICES = group_of_matrices(np.diag([1j, -1j]), np.array([[0, -1], [1, 0]]), 4)
# The representations of dimension one, by the values at a and x.
SIGNS = {"S3": [(1, 1), (1, -1)], "Q8": list(itertools.product((1, -1), (1, -1)))}


@pytest.mark.parametrize(
    ("name", "faithful", "table"), [("S3", *S3_MATRICES), ("Q8", *Q8_MATRICES)], ids=["S3", "Q8"]
)
def test_matrix_elements_are_an_orthonormal_basis_that_splits_a_regular_representation(
    name, faithful, table, x64
):
    order = len(faithful)
    powers, swaps = np.arange(order) % (order // 2), np.arange(order) // (order // 2)
    columns = [a**powers * x**swaps / order**0.5 for a, x in SIGNS[name]]
    columns += [(2 / order) ** 0.5 * faithful[:, i, j] for j in (0, 1) for i in (0, 1)]
    Q = np.stack(columns, axis=1)
    np.testing.assert_allclose(Q.conj().T @ Q, np.eye(order), atol=1e-15)
    group = groups.regular(table, name=name)
    X = np.random.default_rng(0).normal(size=(order, order))
    R = np.asarray(groups.reynolds(group, X + X.T))
    seen = Q.conj().T @ R @ Q
    ones = len(SIGNS[name])
    block = seen[ones:, ones:].reshape(2, 2, 2, 2)  # copy and place, twice
    right = np.zeros_like(seen)
    np.fill_diagonal(right[:ones, :ones], np.diag(seen)[:ones])
    right[ones:, ones:] = np.kron(block[:, 0, :, 0], np.eye(2))
    np.testing.assert_allclose(seen, right, atol=1e-14)
    if name == "S3":  # real kind, twice: a symmetric 2 x 2 block that is not diagonal
        assert abs(block[0, 0, 1, 0]) > 0.01


def test_quaternions_are_dicyclic():
    np.testing.assert_array_equal(groups.dicyclic_table(2), Q8_MATRICES[1])


def cayley_graph(steps: set[tuple[int, int]]) -> np.ndarray:
    """The graph on pairs of integers modulo 4 whose edges are these steps."""
    points = list(itertools.product(range(4), range(4)))
    return np.array(
        [[((a - c) % 4, (b - d) % 4) in steps for c, d in points] for a, b in points], int
    )


SHRIKHANDE = cayley_graph({(1, 0), (3, 0), (0, 1), (0, 3), (1, 1), (3, 3)})
ROOK = cayley_graph({(i, 0) for i in (1, 2, 3)} | {(0, i) for i in (1, 2, 3)})


def moves(*images) -> groups.PermutationGroup:
    """The group of maps (a, b) -> (a', b') of pairs of integers modulo 4."""
    a, b = np.divmod(np.arange(16), 4)
    return groups.generated([4 * (p % 4) + q % 4 for p, q in (image(a, b) for image in images)])


def test_shrikhande_and_rook_have_one_spectrum_and_two_groups():
    np.testing.assert_allclose(np.linalg.eigvalsh(SHRIKHANDE), np.linalg.eigvalsh(ROOK), atol=1e-12)
    shrikhande = moves(
        lambda a, b: (a + 1, b),
        lambda a, b: (a, b + 1),
        lambda a, b: (-a, -b),
        lambda a, b: (b, a),
        lambda a, b: (a - b, a),
    )
    rook = groups.join(groups.direct_product(S4, S4), moves(lambda a, b: (b, a)))
    for graph, group, rank in ((SHRIKHANDE, shrikhande, 4), (ROOK, rook, 3)):
        for g in group.generators:
            np.testing.assert_array_equal(graph[np.ix_(g, g)], graph)
        assert groups.rank(group) == rank
        # Both graphs are strongly regular: I, A and the complement are closed under products.
        closure = groups.coherent_closure(graph)
        np.testing.assert_array_equal(closure, 2 - 2 * np.eye(16, dtype=int) - graph)
    assert (groups.orbitals(shrikhande) != groups.coherent_closure(SHRIKHANDE)).any()
    np.testing.assert_array_equal(groups.orbitals(rook), groups.coherent_closure(ROOK))


@pytest.mark.parametrize("graph", [SHRIKHANDE, ROOK], ids=["Shrikhande", "rook"])
def test_coherent_basis_diagonalises_a_scheme_without_a_group(graph, x64):
    found = groups.coherent_basis(graph)
    assert found.dimension == 3
    assert [part.dimension for part in found.parts] == [1, 6, 9]
    assert found.is_multiplicity_free
    R = 2.0 * np.eye(16) + 0.7 * graph - 0.3 * (1 - np.eye(16) - graph)
    seen = np.asarray(groups.in_basis(found.operator, jnp.asarray(R)))
    assert np.abs(seen - np.diag(np.diag(seen))).max() < 1e-12


@pytest.mark.parametrize(
    "group", [groups.cyclic(5), groups.hamming(2), groups.copies(S4, 2)], ids=lambda g: g.name
)
def test_orbitals_are_coherent_already(group):
    labels = groups.orbitals(group)
    np.testing.assert_array_equal(groups.coherent_closure(labels), labels)


def test_closures_are_closed_under_products():
    colors = np.random.default_rng(3).integers(0, 2, (6, 6))
    for each in (colors, np.kron(np.eye(2, dtype=int), np.ones((3, 3), int))):
        labels = groups.coherent_closure(each)
        members = [(labels == label).astype(int) for label in range(labels.max() + 1)]
        for a, b in itertools.product(members, members):
            product = a @ b
            assert all(np.unique(product[labels == each]).size == 1 for each in np.unique(labels))


def test_bad_input(without_shape_checks):
    with pytest.raises(TypeError, match="must be a PermutationGroup"):
        groups.symmetry_adapted(np.eye(2))
    with pytest.raises(TypeError, match="`colors` must hold integers"):
        groups.coherent_closure(np.eye(2))
    with pytest.raises(ValueError, match="`colors` must be a square matrix"):
        groups.coherent_basis(np.zeros((2, 3), int))
    with pytest.raises(ValueError, match="`seed` must be at least 0"):
        groups.symmetry_adapted(S4, seed=-1)
