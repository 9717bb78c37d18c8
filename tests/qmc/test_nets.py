"""Digital nets: foreign points and matrices, elementary boxes, streams, scrambles, interlacing."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.random import threefry2x32_p
from scipy.stats import qmc as scipy_qmc

from hadax import qmc
from hadax.qmc import _nested, _words, scrambles

GOLDEN = np.load(Path(__file__).parent.parent / "golden" / "qmc" / "dnb2.npz", allow_pickle=False)
KEY = jax.random.key(7)
SCRAMBLES = {
    "digital shift": qmc.digital_shift,
    "linear": qmc.linear_scramble,
    "nested": qmc.nested_scramble,
    "nested, multiply": lambda key, net: qmc.nested_scramble(key, net, hash="multiply"),
}


def test_golden_matrices_and_points():
    net = qmc.sobol(10)
    np.testing.assert_array_equal(net.columns, GOLDEN["gen_mats_10"])
    net = qmc.sobol(5)
    np.testing.assert_array_equal(net.words(64), GOLDEN["int_natural_64"])
    np.testing.assert_array_equal(net(64), GOLDEN["pts_natural_64"])
    np.testing.assert_array_equal(net(64, order="gray"), GOLDEN["pts_gray_64"])
    np.testing.assert_array_equal(net(64, order="gray"), GOLDEN["scipy_sobol_gray_64"])
    np.testing.assert_array_equal(net(64, start=64), GOLDEN["pts_natural_64_128"])


def test_all_dimensions_are_those_of_scipy():
    theirs = scipy_qmc.Sobol(21201, scramble=False, bits=32)._sv
    np.testing.assert_array_equal(qmc.sobol(21201).columns, theirs)


@pytest.mark.parametrize("order", ["natural", "gray"])
def test_points_are_a_stream(order):
    net = qmc.nested_scramble(KEY, qmc.sobol(3))
    whole = np.asarray(net.words(512, order=order))
    for start in (0, 1, 31, 200, 256):
        found = net.words(37, start=start, order=order)
        np.testing.assert_array_equal(found, whole[start : start + 37])


def boxes(words, bits):
    """How often each elementary box of 2^-k by 2^-(bits - k) is hit, for all k: all once."""
    x, y = np.asarray(words).astype(np.int64).T
    for k in range(bits + 1):
        cells = (x >> (32 - k) << (bits - k)) + (y >> (32 - bits + k))
        yield np.bincount(cells, minlength=1 << bits)


@pytest.mark.parametrize("name", [None, *SCRAMBLES])
def test_every_elementary_box_is_hit_once(name):
    net = qmc.sobol(2)
    net = SCRAMBLES[name](KEY, net) if name else net
    for start in (0, 256):
        for counts in boxes(net.words(256, start=start), 8):
            assert (counts == 1).all()


@pytest.mark.parametrize("name", SCRAMBLES)
def test_every_point_is_uniform(name):
    """Over keys; chi-square of 63 degrees, above 136 with probability 1e-6, four points. The
    linear scrambling leaves the origin and needs a shift."""
    keys = jax.random.split(KEY, 4096)

    def words(key):
        net = SCRAMBLES[name](key, qmc.sobol(1))
        if name == "linear":
            net = qmc.digital_shift(jax.random.fold_in(key, 1), net)
        return net.words(4)[:, 0]

    cells = np.asarray(jax.jit(jax.vmap(words))(keys) >> 26)
    for column in cells.T:
        counts = np.bincount(column, minlength=64)
        assert np.square(counts - 64).sum() / 64 < 136


def test_shifts_keep_differences_and_linear_scrambles_keep_sums():
    net = qmc.sobol(4)
    shifted = np.asarray(qmc.digital_shift(KEY, net).words(32))
    np.testing.assert_array_equal(shifted ^ shifted[0], net.words(32))
    linear = np.asarray(qmc.linear_scramble(KEY, net).words(32))
    np.testing.assert_array_equal(linear[5] ^ linear[18], linear[5 ^ 18])
    assert (linear[0] == 0).all()
    assert (linear[1:] != np.asarray(net.words(32))[1:]).any(axis=0).all()


def test_golden_linear_scramble(x64):
    """Rows of 63 bits on columns of 32, here at the upper ends of words of 64."""
    rows = jnp.asarray(np.pad(GOLDEN["lms_S"], ((0, 0), (0, 1))) << np.uint64(32))
    columns = jnp.asarray(GOLDEN["lms_genmats_in"] << np.uint64(32))
    found = scrambles._multiplied(rows, columns)
    np.testing.assert_array_equal(found >> 1, GOLDEN["lms_genmats_out"])


def test_golden_digital_shift(x64):
    net = qmc.sobol(5)
    shift = jnp.asarray(GOLDEN["ds_shift_t63"] << np.uint64(1))
    found = qmc.DigitalNet(net.columns, shift).words(16)
    np.testing.assert_array_equal(found >> 1, GOLDEN["ds_out_int_16"])


@pytest.mark.parametrize("order", [2, 3])
def test_golden_interlacing(order, x64):
    bits = int(GOLDEN[f"ho_alpha{order}_t"])
    net = qmc.interlace(qmc.sobol(3 * order), order)
    kept = min(bits, 64)
    assert net.dimensions == 3
    columns = np.asarray(net.columns) >> np.uint64(64 - kept)
    theirs = GOLDEN[f"ho_alpha{order}_genmats"] >> np.uint64(bits - kept)
    np.testing.assert_array_equal(columns, theirs)
    words = np.asarray(net.words(64)) >> np.uint64(64 - kept)
    np.testing.assert_array_equal(words, GOLDEN[f"ho_alpha{order}_int"] >> np.uint64(bits - kept))


def test_points_and_matrices_are_interlaced_alike():
    net = qmc.sobol(6)
    words = _words.interlaced(net.words(64), 3)
    np.testing.assert_array_equal(qmc.interlace(net, 3).words(64), words)


@pytest.mark.parametrize(("order", "n"), [(2, 2**17), (3, 2**12)])
def test_interlaced_words_of_32_bits_tell_points_apart(order, n):
    """Also where the bits of one coordinate that are kept do not: beyond 2^(32 / order) points."""
    net = qmc.interlace(qmc.linear_scramble(KEY, qmc.sobol(order)), order)
    assert len(np.unique(np.asarray(net.words(n)))) == n > 2 ** (32 / order)


def errors(net, integrand, value, sizes, draws=32):
    """Root mean square errors of means over scrambled points."""

    def estimates(n):
        keys = jax.random.split(KEY, draws)
        return jax.jit(jax.vmap(lambda key: integrand(net(key)(n)).mean()))(keys)

    return [float(jnp.sqrt(jnp.mean(jnp.square(estimates(n) - value)))) for n in sizes]


def product(x):
    """A smooth function of two variables with the integral e - 2."""
    return x[..., 0] * jnp.exp(x[..., 0] * x[..., 1])


@pytest.mark.parametrize("name", ["linear", "nested", "nested, multiply"])
def test_errors_of_scrambled_nets_fall_faster_than_the_number_of_points(name):
    """About n^(-3/2): over 16 times as many points a factor of 64, and 16 is what is asked."""

    def net(key):
        first, second = jax.random.split(key)
        return qmc.digital_shift(second, SCRAMBLES[name](first, qmc.sobol(2)))

    first, second = errors(net, product, np.e - 2, (2**5, 2**9))
    assert second < first / 16


@pytest.mark.parametrize("name", ["linear", pytest.param("nested", marks=pytest.mark.slow)])
def test_errors_of_interlaced_nets_fall_faster_still(name, x64):
    """About n^(-5/2): over 8 times as many points a factor of 181; n^(-1.9) is asked."""

    def net(key):
        first, second = jax.random.split(key)
        scrambled = qmc.interlace(SCRAMBLES[name](first, qmc.sobol(4)), 2)
        return qmc.digital_shift(second, scrambled)

    first, second = errors(net, product, np.e - 2, (2**4, 2**7))
    assert second < first / 8**1.9


def test_nested_flips_depend_on_prefixes_only():
    """Words that agree in their first k bits agree there after scrambling, and differ at k."""
    rng = np.random.default_rng(0)
    word = rng.integers(2**32, size=64, dtype=np.uint32)
    seeds = jnp.asarray(rng.integers(2**32, size=(1, 2), dtype=np.uint32))
    for hash in ("threefry", "multiply"):
        for k in range(32):
            low = rng.integers(2 ** (31 - k), size=64, dtype=np.uint32)
            other = (word >> (32 - k) << (32 - k) if k else 0 * word) | low
            other |= ~word & np.uint32(1 << (31 - k))
            pair = jnp.asarray(np.stack([word, other])).reshape(-1, 1)
            found = np.asarray(_nested.scrambled(pair, seeds, hash, 32)).reshape(2, -1)
            assert ((found[0] ^ found[1]) >> (31 - k) == 1).all()


def test_flips_are_fair_and_independent():
    """Of 8192 seeds: shares of ones and correlations of all bits within five deviations."""
    seeds = jax.random.bits(KEY, (8192, 2), jnp.uint32)
    words = jnp.asarray([[0], [1 << 31], [0b101 << 20]], jnp.uint32)
    found = np.asarray(_nested.scrambled(jnp.broadcast_to(words, (3, 8192)), seeds, "threefry", 32))
    bits = (found[:, None] >> np.arange(32, dtype=np.uint32)[:, None]) & 1
    signs = 1.0 - 2 * bits.reshape(96, -1)
    assert np.abs(signs.mean(axis=1)).max() < 5 / 8192**0.5
    products = signs @ signs.T / 8192
    # Of two words the bits flip alike up to where they first differ, there too: one prefix.
    same = np.zeros((3, 3, 32, 32), bool)
    for i, j, first in ((0, 0, -1), (1, 1, -1), (2, 2, -1), (0, 1, 31), (0, 2, 22), (1, 2, 31)):
        alike = np.arange(32) >= first
        same[i, j, alike, alike] = same[j, i, alike, alike] = True
    same = same.transpose(0, 2, 1, 3).reshape(96, 96)
    np.testing.assert_array_equal(np.abs(products) > 0.9, same)
    assert np.abs(products[~same]).max() < 5 / 8192**0.5


def test_words_of_64_bits_are_nested_while_prefixes_differ(x64):
    """Of the first 36 bits; those behind flip alike for equal ones, and else on their own."""
    rng = np.random.default_rng(1)
    word = rng.integers(2**64, size=64, dtype=np.uint64)
    seeds = jnp.asarray(rng.integers(2**32, size=(1, 2), dtype=np.uint32))
    for k in (0, 1, 5, 6, 31, 35, 36, 50, 63):
        other = word ^ np.uint64(1 << (63 - k))
        pair = jnp.asarray(np.stack([word, other])).reshape(-1, 1)
        found = np.asarray(_nested.scrambled(pair, seeds, "threefry", 64)).reshape(2, -1)
        gap = found[0] ^ found[1]
        assert (gap >> np.uint64(63 - k) == 1).all()
        if k >= 36:
            assert (gap == np.uint64(1 << (63 - k))).all()
        else:
            assert (np.bitwise_count(gap) > 1).all()


def test_the_hash_is_the_generator_of_jax():
    words = jnp.arange(40, dtype=jnp.uint32).reshape(4, 10) * np.uint32(2654435761)
    found = _nested.threefry(*words)
    for ours, theirs in zip(found, threefry2x32_p.bind(*words), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_words_of_64_bits_hold_more(x64):
    net = qmc.digital_shift(KEY, qmc.nested_scramble(KEY, qmc.sobol(2)))
    words = np.asarray(net.words(64))
    assert words.dtype == np.uint64
    assert len(np.unique(words & np.uint64(2**32 - 1))) == words.size
    x = net(64)
    assert x.dtype == jnp.float64
    assert float(x.max()) < 1


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: qmc.sobol(0), ValueError, "`dimensions` must be at least 1"),
        (lambda: qmc.sobol(21202), ValueError, "`dimensions` must be at most 21201"),
        (lambda: qmc.sobol(2)(2**32 + 1), ValueError, "`n` must leave start"),
        (lambda: qmc.sobol(2)(4, order="linear"), ValueError, "`order` must be"),
        (lambda: qmc.digital_net([[4]], bits=2), ValueError, "integers from 0 to 2\\^2 - 1"),
        (lambda: qmc.digital_net([[1]], bits=64), ValueError, "`bits` must be at most 32"),
        (lambda: qmc.digital_net([1, 2]), ValueError, r"\(dimensions, columns\)"),
        (lambda: qmc.interlace(qmc.sobol(3), 2), ValueError, "a multiple of order=2 dimensions"),
        (lambda: qmc.nested_scramble(KEY, qmc.sobol(2), hash="md5"), ValueError, "`hash` must be"),
        (lambda: qmc.linear_scramble(KEY, woven()), ValueError, "must not be interlaced"),
        (lambda: qmc.nested_scramble(KEY, woven()), ValueError, "must not be interlaced"),
        (lambda: qmc.nested_scramble(KEY, qmc.halton(2)), TypeError, "permute_digits for Halton"),
        (lambda: qmc.random_shift(KEY, qmc.halton(2)), TypeError, "must be a Lattice"),
        (lambda: qmc.permute_digits(KEY, qmc.sobol(2)), TypeError, "must be a Halton"),
        (lambda: ensemble()(4), ValueError, "are an ensemble"),
        (lambda: twice(), ValueError, "must not be scrambled point by point"),
        (lambda: late(), ValueError, "Scramble first"),
        (lambda: qmc.digital_shift(1, qmc.sobol(2)), TypeError, "new-style key"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()


def woven():
    """A net whose matrices are interlaced."""
    return qmc.interlace(qmc.sobol(4), 2)


def ensemble():
    """Three shifts of a net."""
    keys = jax.random.split(KEY, 3)
    return jax.vmap(lambda key: qmc.digital_shift(key, qmc.sobol(2)))(keys)


def twice():
    """A net scrambled two ways."""
    return qmc.linear_scramble(KEY, qmc.nested_scramble(KEY, qmc.sobol(2)))


def late():
    """A net interlaced twice, the first time point by point."""
    return qmc.interlace(qmc.interlace(qmc.nested_scramble(KEY, qmc.sobol(4)), 2), 2)


@pytest.mark.parametrize("scramble", [lambda key, net: net, qmc.nested_scramble])
def test_shifts_are_interlaced_as_words_are(scramble):
    """Traced ones too: an ensemble of shifts is no copy of one."""
    net = scramble(KEY, qmc.sobol(4))

    def woven(key):
        return qmc.interlace(qmc.digital_shift(key, net), 2).words(32)

    keys = jax.random.split(KEY, 3)
    for key, found in zip(keys, jax.jit(jax.vmap(woven))(keys), strict=True):
        expected = _words.interlaced(qmc.digital_shift(key, net).words(32), 2)
        np.testing.assert_array_equal(found, expected)


def test_the_first_bits_are_those_of_all():
    net = qmc.nested_scramble(KEY, qmc.sobol(3))
    np.testing.assert_array_equal(net(100), _words.fractions(net.words(100), jnp.float32))


def test_short_and_long_rows_are_scrambled_alike():
    """Of fewer dimensions several points make a row, and their number need not fit."""
    long = qmc.nested_scramble(KEY, qmc.sobol(16))
    words = long.words(37)
    plain = qmc.sobol(16).words(37)
    found = _nested.scrambled(plain[:, :3], long.seeds[:3], "threefry", 32)
    np.testing.assert_array_equal(found, words[:, :3])


def test_points_are_not_compiled_again(caplog):
    points = (
        qmc.nested_scramble(KEY, qmc.sobol(3)),
        qmc.halton(3),
        qmc.permute_digits(KEY, qmc.halton(3)),
    )
    for each in points:
        each(64, start=128)
        with jax.log_compiles():
            each(64, start=128)
    assert "Compiling" not in caplog.text
