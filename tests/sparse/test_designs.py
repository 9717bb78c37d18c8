"""Packed bits, ranks, and the points at which a function is asked for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hadax
from hadax import sparse
from hadax.sparse import bits

KEY = jax.random.key(3)


def numbers(words):
    """Packed vectors (..., w) as Python integers."""
    words = np.asarray(words).astype(object)
    return sum(words[..., i] << 32 * i for i in range(words.shape[-1]))


@pytest.mark.parametrize("n", [1, 10, 32, 64, 100])
def test_packed_bits_are_the_integer_and_come_back(n):
    x = np.random.default_rng(n).integers(2, size=(3, 4, n))
    words = sparse.pack_bits(x)
    assert words.shape == (3, 4, -(-n // 32))
    np.testing.assert_array_equal(numbers(words), x.astype(object) @ (1 << np.arange(n, dtype="O")))
    np.testing.assert_array_equal(sparse.unpack_bits(words, n), x)


def test_parity_is_the_inner_product_of_a_hundred_bits():
    a, b = np.random.default_rng(0).integers(2, size=(2, 20, 100))
    found = sparse.parity(sparse.pack_bits(a), sparse.pack_bits(b))
    np.testing.assert_array_equal(found, (a * b).sum(axis=1) % 2)


def rank_by_hand(rows):
    """Rank over the field of two elements of rows of Python integers."""
    basis = []
    for row in rows:
        for known in basis:
            row = min(row, row ^ known)
        if row:
            basis.append(row)
    return len(basis)


def test_rank_is_that_of_elimination_by_hand():
    rng = np.random.default_rng(1)
    for r in (0, 1, 5, 40):
        left, right = rng.integers(2, size=(45, r)), rng.integers(2, size=(r, 100))
        words = sparse.pack_bits(left @ right % 2)
        assert int(bits.rank(words)) == rank_by_hand(numbers(words))


@pytest.mark.parametrize(("n", "b"), [(4, 4), (10, 6), (18, 6), (100, 7)])
def test_matrices_have_full_rank_each_and_together(n, b):
    columns = jax.jit(jax.vmap(lambda key: sparse.subsampling(key, n, b).columns))(
        jax.random.split(KEY, 20)
    )
    for design in numbers(columns):
        assert [rank_by_hand(group) for group in design] == [b] * 3
        assert rank_by_hand(design.ravel()) == min(n, 3 * b)


@pytest.mark.parametrize("kind", ["random", "identity"])
def test_a_coefficient_is_seen_in_its_bin_with_its_sign(kind):
    """One character, transformed over the points of each group at each offset."""
    n = 40
    design = sparse.subsampling(KEY, n, 4) if kind == "random" else sparse.identity_blocks(n, 4)
    offsets = sparse.repeated_offsets(KEY, n, 2)
    k = sparse.pack_bits(np.random.default_rng(2).integers(2, size=(5, n)))
    x = design.points()[:, None] ^ offsets.words()[None, :, None]
    for i in range(len(k)):
        f = 1.0 - 2.0 * sparse.parity(x, k[i].reshape(1, 1, 1, -1)).astype(jnp.float32)
        seen = np.asarray(hadax.fwht(f, norm="forward"))
        expected = np.zeros_like(seen)
        for c, j in enumerate(np.asarray(design.bin_of(k[i : i + 1]))[:, 0]):
            expected[c, :, j] = offsets.signs(k[i : i + 1], jnp.float32)[0]
        np.testing.assert_array_equal(seen, expected)


def test_identity_blocks_read_bits():
    np.testing.assert_array_equal(
        sparse.identity_blocks(9, 3).bin_of(jnp.array([[0b101_010_111]], jnp.uint32)),
        [[0b111], [0b010], [0b101]],
    )


def test_a_lone_coefficient_is_read_from_noisy_signs():
    offsets = sparse.repeated_offsets(KEY, 100, 5)
    k = bits.random_words(KEY, (50,), 100)
    seen = -offsets.signs(k, jnp.float32)
    np.testing.assert_array_equal(offsets.decode(seen), k)
    noisy = seen + 0.3 * jax.random.normal(KEY, seen.shape)
    np.testing.assert_array_equal(offsets.decode(noisy), k)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: sparse.pack_bits(np.ones(3)), TypeError, "`bits` must hold integers or bools"),
        (lambda: sparse.pack_bits(1), ValueError, "at least one bit"),
        (lambda: sparse.unpack_bits(np.arange(2), 40), TypeError, "pack_bits"),
        (lambda: sparse.unpack_bits(np.zeros(3, np.uint32), 40), ValueError, "2 words a vector"),
        (lambda: sparse.subsampling(KEY, 4, 5), ValueError, "`bits` must be at most n=4"),
        (lambda: sparse.subsampling(KEY, 4, 2, groups=1), ValueError, "`groups` must be at least"),
        (lambda: sparse.subsampling(0, 4, 2), TypeError, "new-style key"),
        (lambda: sparse.identity_blocks(0, 1), ValueError, "`n` must be at least 1"),
        (lambda: sparse.repeated_offsets(KEY, 4, 0), ValueError, "`repetitions` must be"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()
