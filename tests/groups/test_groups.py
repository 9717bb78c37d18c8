"""Groups from generators: what they are, how many numbers they leave, and their averages."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax import groups, testing
from hadax.groups import _components

N = 16
S4 = groups.symmetric(4)
HYBRID = groups.wreath(groups.dihedral(4), groups.elementary_abelian(2))
# Dimensions of the commutant and of its symmetric part at 16 points (table B.2 of the theory page).
RANKS = [
    (groups.symmetric(16), 2, 2),
    (groups.wreath(S4, S4), 3, 3),
    (groups.iterated_wreath(4), 5, 5),
    (groups.hamming(4), 5, 5),
    (HYBRID, 6, 6),
    (groups.dihedral(16), 9, 9),
    (groups.direct_product(groups.dihedral(4), groups.dihedral(4)), 9, 9),
    (groups.direct_product(groups.cyclic(4), groups.cyclic(4)), 16, 10),
    (groups.cyclic(16), 16, 9),
    (groups.elementary_abelian(4), 16, 16),
    (groups.reflection(16), 128, 72),
    (groups.trivial(16), 256, 136),
]
SMALL = [
    groups.trivial(3),
    groups.reflection(5),
    groups.cyclic(6),
    groups.dihedral(5),
    groups.symmetric(4),
    groups.elementary_abelian(3),
    groups.hamming(2),
    groups.iterated_wreath(2),
    groups.wreath(groups.cyclic(2), groups.reflection(3)),
    groups.direct_product(groups.cyclic(2), groups.symmetric(3)),
    groups.disjoint_union(groups.cyclic(2), groups.symmetric(3)),
    groups.copies(groups.cyclic(3), 2),
    groups.join(groups.cyclic(5), groups.reflection(5)),
]

every_small_group = pytest.mark.parametrize("group", SMALL, ids=lambda group: group.name)


def elements(group: groups.PermutationGroup) -> list[tuple[int, ...]]:
    """All elements, by multiplying until nothing new comes."""
    found = {tuple(range(group.degree))}
    while True:
        more = {
            tuple(int(g[i]) for i in each) for each, g in itertools.product(found, group.generators)
        }
        if more <= found:
            return sorted(found)
        found |= more


def matrix(permutation) -> np.ndarray:
    """rho(g): the entry of x at i goes to the place g(i)."""
    return np.eye(len(permutation))[:, np.argsort(permutation)]


def twirl(group, R: np.ndarray) -> np.ndarray:
    """The mean over all elements, one after the other."""
    every = [matrix(g) for g in elements(group)]
    return sum(p @ R @ p.T for p in every) / len(every)


def gaussian(*shape: int, dtype="float32") -> jax.Array:
    return jax.random.normal(jax.random.key(0), shape, dtype)


@pytest.mark.parametrize(("group", "rank", "symmetric_rank"), RANKS, ids=lambda g: str(g))
def test_ranks_at_16_points(group, rank, symmetric_rank):
    assert group.degree == N
    assert groups.rank(group) == rank
    assert groups.symmetric_rank(group) == symmetric_rank


@pytest.mark.parametrize(
    ("group", "order"),
    [
        (groups.cyclic(6), 6),
        (groups.dihedral(5), 10),
        (groups.symmetric(4), 24),
        (groups.elementary_abelian(3), 8),
        (groups.hamming(3), 48),
        (groups.iterated_wreath(3), 128),
        (groups.wreath(groups.cyclic(2), groups.reflection(3)), 16),
        (groups.disjoint_union(groups.cyclic(2), groups.symmetric(3)), 12),
        (groups.copies(groups.cyclic(3), 2), 3),
        (groups.direct_product(groups.cyclic(2), groups.symmetric(3)), 12),
    ],
    ids=lambda g: str(g),
)
def test_orders(group, order):
    assert len(elements(group)) == order


@every_small_group
def test_orbitals_and_averages_are_those_of_all_elements(group, x64):
    R = gaussian(group.degree, group.degree, dtype="float64")
    right = twirl(group, np.asarray(R))
    testing.assert_close(groups.reynolds(group, R), right, n=8, c=8.0)
    # Orbitals are numbered as they appear, and an average of different numbers tells them apart.
    labels = groups.orbitals(group)
    assert groups.rank(group) == np.unique(right.round(9)).size
    np.testing.assert_array_equal(labels, _components.in_order_of_appearance(right.round(9)))
    multiplicity_free = np.allclose(*(a @ b for a, b in _commuting(group)))
    assert groups.is_multiplicity_free(group) == multiplicity_free


def _commuting(group):
    """Two invariant matrices in both orders."""
    a, b = (twirl(group, np.random.default_rng(i).normal(size=2 * (group.degree,))) for i in (1, 2))
    return (a, b), (b, a)


@every_small_group
def test_values_and_generators(group):
    assert hash(group) == hash(group)
    assert group != groups.trivial(group.degree + 1)
    np.testing.assert_array_equal(
        np.sort(group.generators, axis=1), [range(group.degree)] * len(group.generators)
    )
    with pytest.raises(ValueError, match="read-only"):
        group.generators[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        groups.orbitals(group)[0, 0] = 1
    assert repr(group) == f"<{group.name} on {group.degree} points>"


def test_equal_groups_are_one_key():
    assert {groups.cyclic(4): 1}[groups.cyclic(4)] == 1
    assert groups.cyclic(4) != groups.dihedral(4)
    again = groups.wreath(groups.dihedral(4), groups.elementary_abelian(2))
    assert again == HYBRID
    assert hash(again) == hash(HYBRID)


def test_a_huge_group_is_averaged_like_a_small_one():
    group = groups.iterated_wreath(6)  # 2^63 elements
    R = np.asarray(groups.reynolds(group, gaussian(64, 64)))
    height = np.ceil(np.log2((np.arange(64)[:, None] ^ np.arange(64)) + 1)).astype(int)
    for level in range(7):
        assert np.ptp(R[height == level]) < 1e-6


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "complex64"])
def test_reynolds_is_a_projection_under_every_transformation(dtype):
    group = groups.dihedral(6)
    R = gaussian(3, 6, 6, dtype=dtype)
    average = groups.reynolds(group, R)
    assert average.dtype == R.dtype
    assert average.shape == R.shape
    wide = np.asarray(R, "complex128" if dtype == "complex64" else "float64")
    right = np.stack([twirl(group, each) for each in wide])
    testing.assert_close(average, right, n=8, c=8.0)
    testing.assert_close(groups.reynolds(group, average), average, n=8, c=8.0)
    once = jax.jit(lambda A: groups.reynolds(group, A))(R)
    mapped = jax.vmap(lambda A: groups.reynolds(group, A))(R)
    for other in (once, mapped):
        testing.assert_close(other, average, n=8, c=8.0)


def test_reynolds_has_its_own_gradient():
    # An orthogonal projection is its own transpose: the gradient of |T R|^2 / 2 is T R.
    R = gaussian(6, 6)
    group = groups.dihedral(6)
    gradient = jax.grad(lambda A: jnp.sum(jnp.square(groups.reynolds(group, A))) / 2)(R)
    testing.assert_close(gradient, groups.reynolds(group, R), n=8, c=8.0)


def test_regular_representations():
    table = groups.multiplication_table(groups.symmetric(3))
    assert table.shape == (6, 6)
    s3 = groups.regular(table, name="S3")
    assert s3.name == "S3"
    assert len(elements(s3)) == 6
    assert groups.rank(s3) == 6
    q8 = groups.regular(groups.dicyclic_table(2))
    assert len(elements(q8)) == 8
    assert sum(np.argsort(g)[0] == g[0] for g in elements(q8)) == 2  # one involution: -1
    assert groups.regular([[0]]).degree == 1
    cyclic = groups.regular(groups.multiplication_table(groups.cyclic(5)))
    assert groups.rank(cyclic) == 5
    assert groups.is_multiplicity_free(cyclic)


def test_affine_group_of_a_prime_field_is_two_transitive():
    times = groups.generated([3 * np.arange(7) % 7], name="times 3")
    assert groups.rank(groups.join(groups.cyclic(7), times)) == 2


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: groups.cyclic(0), ValueError, "`n` must be at least 1"),
        (lambda: groups.hamming(1.5), TypeError, "`bits` must be an integer"),
        (lambda: groups.generated([[0, 0]]), ValueError, "row 0 is"),
        (lambda: groups.generated([0, 1]), ValueError, "one permutation a row"),
        (lambda: groups.generated([[0.0, 1.0]]), TypeError, "must hold integers"),
        (lambda: groups.wreath(S4, 4), TypeError, "`outer` must be a PermutationGroup"),
        (lambda: groups.join(S4, groups.cyclic(5)), ValueError, "same 4 points"),
        (lambda: groups.regular([[0, 1]]), ValueError, "must be square"),
        (lambda: groups.regular([[1, 0], [0, 1]]), ValueError, "identity as element 0"),
        (
            lambda: groups.regular(
                [
                    [0, 1, 2, 3, 4],
                    [1, 0, 3, 4, 2],
                    [2, 4, 0, 1, 3],
                    [3, 2, 4, 0, 1],
                    [4, 3, 1, 2, 0],
                ]
            ),
            ValueError,
            "must be associative",
        ),
        (lambda: groups.multiplication_table(S4, limit=10), ValueError, "at most limit=10"),
        (lambda: groups.dicyclic_table(0), ValueError, "`m` must be at least 1"),
        (lambda: groups.orbitals([[0, 1]]), TypeError, "must be a PermutationGroup"),
        (lambda: groups.orbital_means([[0, 2], [2, 0]], jnp.eye(2)), ValueError, "every label"),
        (lambda: groups.orbital_means([[0.5]], jnp.eye(1)), TypeError, "must hold integers"),
        (lambda: groups.orbital_means([0, 1], jnp.eye(2)), ValueError, "square matrix"),
        (lambda: groups.reynolds(S4, jnp.eye(3)), ValueError, r"shape \(..., 4, 4\)"),
        (lambda: groups.reynolds(S4, jnp.eye(4, dtype=int)), TypeError, "floating point"),
        (lambda: groups.reynolds("S4", jnp.eye(4)), TypeError, "or FoldedAlgebra"),
    ],
)
def test_bad_input(call, kind, message, without_shape_checks):
    with pytest.raises(kind, match=message):
        call()
