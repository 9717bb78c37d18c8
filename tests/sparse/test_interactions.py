"""Interaction indices by their definitions, on all 2^n values of small functions."""

import dataclasses
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hadax
from hadax import sparse
from hadax.sparse.interaction_indices import _weight

KEY = jax.random.key(2)
N = 5
ORDER = 2
BITS = np.arange(1 << N)[:, None] >> np.arange(N) & 1
PLAYERS = range(N)
SETS = [s for size in range(N + 1) for s in itertools.combinations(PLAYERS, size)]
LOW = [s for s in SETS if len(s) <= ORDER]


def index_of(players):
    return sum(1 << i for i in players)


@pytest.fixture(scope="module")
def values():
    return np.array(jax.random.normal(KEY, (1 << N,)), float)


def spectrum_of(values):
    """All coefficients of a function as a sparse spectrum."""
    n = len(values).bit_length() - 1
    coefficients = hadax.fwht(jnp.asarray(values), norm="forward")
    support = jnp.arange(len(values), dtype=jnp.uint32)[:, None]
    zero = jnp.zeros(())
    count = jnp.int32(len(values))
    return sparse.SparseSpectrum(
        support, coefficients, count, zero == 0, count, zero, zero, count, n, len(values)
    )


def derivative(values, players, beside):
    """The alternating sum over the subsets of `players`, each together with `beside`."""
    return sum(
        (-1) ** (len(players) - size) * values[index_of((*beside, *part))]
        for size in range(len(players) + 1)
        for part in itertools.combinations(players, size)
    )


def others(players):
    """Every set of players that are not in `players`."""
    rest = [i for i in PLAYERS if i not in players]
    return [s for size in range(len(rest) + 1) for s in itertools.combinations(rest, size)]


def moebius(values, players):
    return derivative(values, players, ())


def banzhaf(values, players):
    return np.mean([derivative(values, players, beside) for beside in others(players)])


def shapley(values, players):
    """Grabisch and Roubens: sizes first, then sets of a size."""
    s = len(players)
    return sum(
        derivative(values, players, beside) / ((N - s + 1) * math.comb(N - s, len(beside)))
        for beside in others(players)
    )


def shapley_taylor(values, players):
    """Over all orders in which players may come."""
    if len(players) < ORDER:
        return moebius(values, players)
    found = []
    for line in itertools.permutations(PLAYERS):
        first = min(line.index(i) for i in players)
        found.append(derivative(values, players, line[:first]))
    return np.mean(found)


def nearest(values, weights, fixed):
    """The polynomial of degree ORDER by weighted least squares, equal to f at fixed points."""
    monomials = np.array([BITS[:, list(s)].prod(axis=1) for s in LOW], float).T
    gram = monomials.T * weights @ monomials
    held = monomials[fixed]
    system = np.block([[gram, held.T], [held, np.zeros((len(fixed), len(fixed)))]])
    right = np.concatenate([monomials.T * weights @ values, values[fixed]])
    return np.linalg.solve(system, right)[: len(LOW)]


@pytest.mark.parametrize(
    ("index", "definition"),
    [("moebius", moebius), ("bii", banzhaf), ("sii", shapley)],
)
def test_indices_of_all_orders(values, index, definition, x64):
    found = sparse.interactions(spectrum_of(values), index)
    right = [definition(values, players) for players in SETS]
    np.testing.assert_allclose([found[players] for players in SETS], right, atol=1e-12)
    assert list(found) == SETS
    low = sparse.interactions(spectrum_of(values), index, order=ORDER)
    assert dict(low) == {players: found[players] for players in LOW}


def test_shapley_taylor(values, x64):
    found = sparse.interactions(spectrum_of(values), "stii", order=ORDER)
    right = [shapley_taylor(values, players) for players in LOW]
    np.testing.assert_allclose([found[players] for players in LOW], right, atol=1e-12)
    assert sum(found.values()) == pytest.approx(values[-1])  # what all players make


def test_faithful_banzhaf(values, x64):
    found = sparse.interactions(spectrum_of(values), "fbii", order=ORDER)
    right = nearest(values, np.ones(1 << N), [])
    np.testing.assert_allclose([found[players] for players in LOW], right, atol=1e-12)


def test_faithful_shapley(values, x64):
    sizes = BITS.sum(axis=1)
    inside = (sizes > 0) & (sizes < N)
    binomials = np.array([math.comb(N, t) for t in sizes])
    weights = np.where(inside, 1 / (binomials * np.maximum(sizes * (N - sizes), 1)), 0.0)
    found = sparse.interactions(spectrum_of(values), "fsii", order=ORDER)
    right = nearest(values, weights, [0, (1 << N) - 1])
    np.testing.assert_allclose([found[players] for players in LOW], right, atol=1e-10)
    first = sparse.interactions(spectrum_of(values), "fsii", order=1)
    ones = [first[{i}] for i in PLAYERS]
    np.testing.assert_allclose(ones, sparse.shapley_values(spectrum_of(values)), atol=1e-12)


@pytest.mark.parametrize("index", ["fbii", "fsii", "stii"])
def test_of_full_order_they_are_the_moebius_coefficients(values, index, x64):
    spectrum = spectrum_of(values)
    found = sparse.interactions(spectrum, index)
    right = hadax.moebius(jnp.asarray(values))
    np.testing.assert_allclose([found[s] for s in SETS], right[jnp.array([*map(index_of, SETS)])])


def test_shapley_values_over_all_permutations(values, x64):
    right = np.zeros(N)
    for line in itertools.permutations(PLAYERS):
        for place, i in enumerate(line):
            right[i] += derivative(values, (i,), line[:place]) / math.factorial(N)
    spectrum = spectrum_of(values)
    np.testing.assert_allclose(sparse.shapley_values(spectrum), right, atol=1e-12)
    assert float(jnp.sum(sparse.shapley_values(spectrum))) == pytest.approx(values[-1] - values[0])
    single = sparse.interactions(spectrum, "sii", order=1)
    np.testing.assert_allclose([single[{i}] for i in PLAYERS], right, atol=1e-12)


def test_weights_in_closed_form():
    """Those of "bii", "sii" and "fbii" are powers of -2, but for a few sizes."""
    for t, s, order in itertools.product(range(12), range(6), range(1, 6)):
        if s > min(t, order):
            continue
        power = (-2.0) ** s
        assert _weight("bii", t, s, order) == (power if t == s else 0)
        assert _weight("fbii", t, s, order) == (power if t <= order else 0)
        even = (t - s) % 2 == 0
        assert _weight("sii", t, s, order) == pytest.approx(power * even / (t - s + 1))


def test_a_hundred_players():
    """Far-away sets of up to 30 of them: only their small subsets are written out."""
    n = 100
    sets = [(), (0, 99), tuple(range(30, 60)), (5,)]
    rows = jnp.array([[int(i in s) for i in range(n)] for s in sets])
    values = jnp.array([0.5, 2.0, -1.0, 3.0])
    count, zero = jnp.int32(len(sets)), jnp.zeros(())
    spectrum = sparse.SparseSpectrum(
        sparse.pack_bits(rows), values, count, zero == 0, count, zero, zero, count, n, 0
    )
    banzhaf = sparse.interactions(spectrum, "bii")
    assert banzhaf.order == 30
    assert dict(banzhaf) == {(): 0.5, (5,): -6.0, (0, 99): 8.0, sets[2]: -(2.0**30)}
    pairs = sparse.interactions(spectrum, "sii", order=2)
    assert pairs[0, 99] == 8.0
    assert pairs[{31, 30}] == pytest.approx(-4 / 29)
    assert {30} not in pairs
    assert pairs[{30}] == pairs[{98}] == 0.0
    assert len(pairs) == 1 + 1 + 1 + math.comb(30, 2)
    shapley = np.zeros(n)
    shapley[5] = -6.0
    np.testing.assert_allclose(sparse.shapley_values(spectrum), shapley, atol=1e-6)
    with pytest.raises(ValueError, match=r"`order` must be less than 30 .* Take order=2"):
        sparse.interactions(spectrum, "moebius")


def test_what_cancels_is_left_out_and_the_largest_are_printed():
    """A product of four players has one Moebius coefficient, from 16 of Walsh."""
    table = 3 * BITS[:, :4].prod(axis=1) * 1.0
    found = sparse.interactions(spectrum_of(table), "moebius")
    assert dict(found) == {(0, 1, 2, 3): 3.0}
    assert str(found) == "moebius: 1 sets of up to 5 of 5 players\n+3  {0, 1, 2, 3}"
    many = sparse.interactions(spectrum_of(np.arange(32.0) ** 2), "bii", order=2)
    lines = str(many).splitlines()
    assert lines[0] == "bii: 16 sets of up to 2 of 5 players"
    assert lines[1] == "+496  {4}"
    assert lines[-1] == "... and 6 more"


@pytest.mark.usefixtures("without_shape_checks")
def test_sets_are_asked_for_in_any_order():
    found = sparse.interactions(spectrum_of(np.arange(32.0) ** 2), "bii", order=2)
    assert found[{4, 3}] == found[3, 4] == found[[4, 3]] == found.get((3, 4)) != 0
    assert found[0, 1] != 0
    assert (0, 1, 2) not in found
    assert found[0, 1, 2] == 0
    assert found.get((0, 1, 2), -1.0) == -1.0
    with pytest.raises(ValueError, match="below n=5, but has 99"):
        found[99,]
    with pytest.raises(TypeError, match=r"must be several, like \(0, 3\)"):
        found[3]


def test_interactions_say_that_a_spectrum_was_not_recovered():
    spectrum = dataclasses.replace(spectrum_of(jnp.ones(4)), success=jnp.array(False))
    found = sparse.interactions(spectrum, "moebius")
    assert not found.success
    assert "NOT RECOVERED" in str(found)


def test_shapley_values_of_several_spectra_and_their_derivative():
    spectra = jax.vmap(spectrum_of)(jax.random.normal(KEY, (3, 16)))
    together = sparse.shapley_values(spectra)
    mapped = jax.jit(jax.vmap(sparse.shapley_values))(spectra)
    np.testing.assert_allclose(together, mapped, atol=1e-6)
    one = jax.tree.map(lambda leaf: leaf[1], spectra)
    np.testing.assert_allclose(sparse.shapley_values(one), together[1], atol=1e-6)

    def of_values(values):
        return jnp.sum(sparse.shapley_values(spectrum_of(values)))

    ends = jnp.zeros(16).at[0].set(-1.0).at[15].set(1.0)
    np.testing.assert_allclose(jax.grad(of_values)(jnp.ones(16)), ends, atol=1e-6)


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_input():
    spectrum = spectrum_of(jnp.ones(4))
    with pytest.raises(ValueError, match="`index` must be one of 'moebius', 'bii'"):
        sparse.interactions(spectrum, "shapley")
    with pytest.raises(ValueError, match="`order` must be at least 1, but is 0"):
        sparse.interactions(spectrum, "sii", order=0)
    with pytest.raises(TypeError, match="`order` must be an integer"):
        sparse.interactions(spectrum, "sii", order=1.5)
    several = jax.vmap(spectrum_of)(jnp.ones((2, 4)))
    with pytest.raises(ValueError, match="`spectrum` must be a single one, but is 2 of them"):
        sparse.interactions(several, "sii")
