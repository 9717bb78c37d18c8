"""Number formats: their numbers, their thresholds, their errors on normal draws."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from hadax.quantization import Codebook, FloatFormat, IntFormat, lloyd_max, nf4, simulate

FLOATS = {
    "e2m1": ml_dtypes.float4_e2m1fn,
    "e4m3": ml_dtypes.float8_e4m3fn,
    "e5m2": ml_dtypes.float8_e5m2,
}
FORMATS = [
    *(IntFormat(bits) for bits in (2, 3, 8)),
    IntFormat(5, symmetric=False),
    *map(FloatFormat, FLOATS),
    nf4(),
    lloyd_max(1),
    lloyd_max(5, d=64),
    Codebook((-2.0, 0.5, 7.0)),
]


def numbers(format):
    """All numbers of a format, increasing, by its codes."""
    codes = np.arange(2**format.bits).astype(np.uint8)
    found = np.asarray(format.decode(jnp.asarray(codes)), np.float64)
    return np.unique(found[np.isfinite(found)])


@pytest.mark.parametrize("format", FORMATS, ids=repr)
def test_every_number_stays_and_the_nearest_is_taken(format):
    levels = numbers(format)
    np.testing.assert_array_equal(format.round(jnp.asarray(levels, jnp.float32)), levels)
    x = np.float32(1.1 * np.abs(levels).max()) * np.linspace(-1, 1, 999, dtype=np.float32)
    found = np.asarray(jax.jit(format.round)(jnp.asarray(x)), np.float64)
    best = np.abs(x.astype(np.float64)[:, None] - levels).min(axis=1)
    np.testing.assert_allclose(np.abs(x - found), best, rtol=1e-6)
    least, greatest = format.ends()
    assert (least, greatest) == (pytest.approx(levels[0]), pytest.approx(levels[-1]))
    assert int(format.codes(jnp.asarray(x)).max()) < 2**format.bits


@pytest.mark.parametrize("format", FORMATS, ids=repr)
def test_neighbours_are_next_to_one_another(format):
    levels = numbers(format)
    x = np.float32(levels[-1]) * np.linspace(-1, 1, 301, dtype=np.float32)
    x = x[(x >= levels[0]) & (x <= levels[-1])]
    lower, upper = (np.asarray(bound, np.float64) for bound in format.neighbours(jnp.asarray(x)))
    assert (lower <= x).all()
    assert (x <= upper).all()
    levels = levels.astype(np.float32)
    step = np.searchsorted(levels, upper.astype(np.float32)) - np.searchsorted(
        levels, lower.astype(np.float32)
    )
    assert (step == (lower < upper)).all()


@pytest.mark.optimized  # has small floats
@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("compiled", [False, True])
def test_floats_round_half_to_even_as_ml_dtypes_and_saturate(name, compiled):
    format = FloatFormat(name)
    levels = numbers(format)
    half_way = ((levels[1:] + levels[:-1]) / 2).astype(np.float32)
    around = [np.nextafter(half_way, np.float32(to)) for to in (-np.inf, np.inf)]
    x = np.concatenate([half_way, *around])
    round_off = jax.jit(format.round) if compiled else format.round
    expected = x.astype(FLOATS[name]).astype(np.float32)
    np.testing.assert_array_equal(round_off(jnp.asarray(x)), expected)
    far = jnp.array([3e38, -3e38, 1.01 * format.largest])
    top = format.largest
    np.testing.assert_array_equal(round_off(far), [top, -top, top])


@pytest.mark.optimized  # has small floats
def test_thresholds_of_e2m1():
    x = jnp.array([0.25, 0.2501, 0.75, 1.25, 1.2501, 1.75, 2.5, 2.5001, 3.5, 5.0, 5.0001, -5.0])
    expected = [0, 0.5, 1, 1, 1.5, 2, 2, 3, 4, 4, 6, -4]
    np.testing.assert_array_equal(FloatFormat("e2m1").round(x), expected)
    np.testing.assert_array_equal(numbers(FloatFormat("e2m1"))[7:], [0, 0.5, 1, 1.5, 2, 3, 4, 6])


def test_a_zero_point_moves_the_integers():
    format, zero = IntFormat(4, symmetric=False), jnp.asarray(5.0)
    x = jnp.array([-9.0, -5.0, 0.4, 10.0, 11.0])
    codes = format.codes(x, zero)
    np.testing.assert_array_equal(codes, [0, 0, 5, 15, 15])
    np.testing.assert_array_equal(format.decode(codes, zero), [-5, -5, 0, 10, 10])
    assert format.ends(zero) == (-5, 10)


def test_nf4_is_the_table_of_its_authors():
    expected = [-1.0, -0.69619280, -0.52507305, -0.39491749, -0.28444138, -0.18477343, -0.09105004]
    expected += [0.0, 0.07958030, 0.16093020, 0.24611230, 0.33791524, 0.44070983, 0.56261700]
    expected += [0.72295684, 1.0]
    np.testing.assert_allclose(nf4().levels, expected, atol=5e-7)


# By `levels`: mean squared errors on N(0, 1), and of sqrt(d) times a coordinate of a sphere.
LLOYD_MAX = {
    (1, None): 0.36338, (2, None): 0.11748, (3, None): 0.03455, (4, None): 0.00950,
    (5, None): 0.00250, (6, None): 0.00064, (1, 64): 0.35839, (2, 64): 0.11453,
    (3, 64): 0.03339, (4, 64): 0.00913, (5, 64): 0.00240, (6, 64): 0.00062,
    (2, 128): 0.11600, (4, 128): 0.00931, (2, 1536): 0.11736, (4, 1536): 0.00949,
}  # fmt: skip


@pytest.mark.parametrize(("bits", "d"), LLOYD_MAX)
def test_errors_of_lloyd_max_levels(bits, d):
    """To 0.5 %, or to the digits of the table, on quantiles of the law instead of draws."""
    x = quantiles(d)
    found = np.mean((x - np.asarray(lloyd_max(bits, d=d).round(jnp.asarray(x)))) ** 2)
    assert found == pytest.approx(LLOYD_MAX[bits, d], rel=0.005, abs=6e-6)


@pytest.mark.parametrize(
    ("format", "step", "error"),
    [
        (Codebook((-1.0, 0.0, 1.0)), 1.224, 0.1902),
        (Codebook((-1.0, 0.0, 1.0)), 0.798, 0.263),
        (Codebook((-2.0, -1.0, 0.0, 1.0, 2.0)), 0.843, 0.0822),
        (Codebook((-7.0, -5.0, -3.0, -1.0, 1.0, 3.0, 5.0, 7.0)), 0.293, 0.0374),
        (IntFormat(3), 0.602, 0.0406),
    ],
)
def test_errors_of_uniform_grids_on_a_normal_law(format, step, error):
    x = quantiles(None)
    found = np.mean((x - step * np.asarray(format.round(jnp.asarray(x / step)))) ** 2)
    assert found == pytest.approx(error, rel=0.005)


@pytest.mark.parametrize(
    ("format", "block", "error"), [(FloatFormat("e2m1"), 16, 0.00905), (IntFormat(4), 16, 0.0073)]
)
def test_errors_of_groups_on_a_normal_law(format, block, error):
    """Within 3 %: five standard errors of 2^18 entries are below 2 %."""
    x = jax.random.normal(jax.random.key(0), (2**18 // block, block))
    found = float(jnp.mean((x - simulate(x, format)) ** 2))
    assert found == pytest.approx(error, rel=0.03)


def quantiles(d):
    """As if 2^18 ordered draws of the law."""
    from scipy import stats

    p = (np.arange(2**18) + 0.5) / 2**18
    if d is None:
        return stats.norm.ppf(p).astype(np.float32)
    return (np.sqrt(d) * (2 * stats.beta.ppf(p, (d - 1) / 2, (d - 1) / 2) - 1)).astype(np.float32)


def test_formats_are_static():
    assert IntFormat(4) == IntFormat(4) != IntFormat(4, symmetric=False)
    assert len({nf4(), nf4(), lloyd_max(4), lloyd_max(4, d=64)}) == 3
    assert [f.bits for f in (Codebook((0.0, 1.0, 2.0)), nf4(), lloyd_max(8))] == [2, 4, 8]


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_formats_are_refused():
    for make, kind, message in [
        (lambda: IntFormat(1), ValueError, "`bits` must be at least 2, but is 1"),
        (lambda: IntFormat(17), ValueError, "`bits` must be at most limit=16, but is 17"),
        (lambda: IntFormat(4.0), TypeError, "`bits` must be an integer, but is a float"),
        (lambda: IntFormat(4, symmetric=1), TypeError, "`symmetric` must be True or False"),
        (lambda: FloatFormat("e3m2"), ValueError, "`name` must be one of 'e2m1', 'e4m3', 'e5m2'"),
        (lambda: Codebook([0.0, 1.0]), TypeError, "`levels` must be a tuple of Python floats"),
        (lambda: Codebook((0.0,)), ValueError, "`levels` must hold 2 to 256 levels, but holds 1"),
        (lambda: Codebook((1.0, 0.0)), ValueError, "`levels` must be finite and increasing"),
        (lambda: Codebook((0.0, 1.0), "max"), ValueError, "`unit` must be one of 'peak', 'rms'"),
        (lambda: lloyd_max(9), ValueError, "`bits` must be from 1 to 8, but is 9"),
        (lambda: lloyd_max(2, d=2), ValueError, "`d` must be at least 3, but is 2"),
    ]:
        with pytest.raises(kind, match=message):
            make()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_long_integers_of_narrow_arrays(dtype):
    """The zero point of a long format is no number of a narrow dtype's precision."""
    x = jnp.array([3.0, 1.0, 5.0, -7.0, 0.5], dtype)
    for bits in (8, 10, 12, 16):
        found = IntFormat(bits).round(x)
        assert found.dtype == dtype
        assert found.tolist() == [3, 1, 5, -7, 0]


@pytest.mark.usefixtures("without_shape_checks")
def test_bits_are_python_integers():
    assert type(IntFormat(np.int64(4)).bits) is int
    assert IntFormat(np.int64(4)) == IntFormat(4)
