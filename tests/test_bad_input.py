"""Bad input is refused early: the right type, what was expected, what was seen, what to do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import hadax
import hadax.lineax
import hadax.nnx
from hadax import operators
from hadax.discrepancy import overlap_law

pytestmark = pytest.mark.usefixtures("without_shape_checks")

KEY = jax.random.key(0)
X = jnp.ones((3, 8))
LINEAR = [hadax.fwht, hadax.ifwht, hadax.fftbr, hadax.ifftbr, hadax.zeta, hadax.moebius]
LINEAR += [hadax.imoebius, hadax.bit_reverse, hadax.reed_muller]
ROTATIONS = [hadax.randomized_hadamard, hadax.haar_rotation, hadax.householder, hadax.kac_walk]


@pytest.mark.parametrize("transform", LINEAR, ids=lambda f: f.__name__)
def test_every_transform_refuses_bad_arrays_and_axes(transform):
    x = jnp.ones((3, 8), jnp.int32) if transform is hadax.reed_muller else X
    with pytest.raises(ValueError, match=r"`axis` must be an axis of x, but is 2 and x.shape=\(3"):
        transform(x, axis=2)
    with pytest.raises(TypeError, match=r"`axis` must be an integer, but is a float: 1\.0"):
        transform(x, axis=1.0)
    with pytest.raises(
        ValueError, match=r"at least one point along axis=-1, but has x.shape=\(3, 0"
    ):
        transform(x[:, :0])
    with pytest.raises(
        ValueError, match=r"`axis` must be an axis of x, but is -1 and x.shape=\(\)"
    ):
        transform(x[0, 0])
    with pytest.raises(TypeError, match="Argument `x` must be an array of numbers, but is a str"):
        transform("spam")
    with pytest.raises(TypeError, match="Argument `x` must be an array of numbers, but is a None"):
        transform(None)
    with pytest.raises(
        TypeError, match=r"Argument `x` must hold numbers, but has x\.dtype=key<fry>"
    ):
        transform(jax.random.split(KEY, 8))
    with pytest.raises(ValueError, match=r"Argument `x` must have a .*length"):
        transform(jnp.ones((3, 6), x.dtype))


def test_randomized_hadamard_refuses_unknown_permutations():
    with pytest.raises(ValueError, match="`permute` must be one of 'none', 'fixed', 'fresh'"):
        hadax.randomized_hadamard(KEY, 8, permute="random")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`permute` must be one of 'none', 'fixed', 'fresh'"):
        overlap_law(KEY, np.ones(8), permute="random")  # type: ignore[arg-type]


@pytest.mark.parametrize("transform", [hadax.fftbr, hadax.ifftbr], ids=lambda f: f.__name__)
def test_fftbr_refuses_an_unknown_implementation(transform):
    with pytest.raises(ValueError, match="`implementation` must be one of 'xla', 'dense'"):
        transform(X, implementation="cuda")


@pytest.mark.parametrize("transform", [hadax.fwht, hadax.ifwht], ids=lambda f: f.__name__)
def test_fwht_refuses_bad_words_lengths_and_dtypes(transform):
    with pytest.raises(
        ValueError, match=r"must have a Hadamard length along axis=1, but has x.shape=\(3, 6\)"
    ):
        transform(jnp.ones((3, 6)))
    with pytest.raises(ValueError, match=r"Pass n=8 to pad, or n=4 to truncate"):
        transform(jnp.ones((3, 6)))
    with pytest.raises(ValueError, match="`order` must be one of 'natural', 'dyadic', 'sequency'"):
        transform(X, order="walsh")
    with pytest.raises(ValueError, match="`norm` must be one of 'ortho', 'backward', 'forward'"):
        transform(X, norm=None)
    with pytest.raises(ValueError, match="`implementation` must be one of 'xla', 'dense'"):
        transform(X, implementation="cuda")
    with pytest.raises(
        ValueError, match="power-of-two length for order='dyadic', but has length 12"
    ):
        transform(jnp.ones(12), order="dyadic")
    with pytest.raises(ValueError, match="Argument `n` must be at least 1, but is 0"):
        transform(X, n=0)
    with pytest.raises(TypeError, match="Argument `n` must be an integer, but is a bool"):
        transform(X, n=True)
    with pytest.raises(TypeError, match="must be real or complex with norm='ortho'"):
        transform(X.astype(int))
    with pytest.raises(TypeError, match=r"Cast it, for example with x\.astype\(int\)"):
        transform(X > 0)
    with pytest.raises(TypeError, match="float of at least 16 bits"):
        transform(X.astype(jnp.float8_e4m3fn))


def test_a_bad_length_is_refused_in_a_trace_too():
    with pytest.raises(ValueError, match="must have a Hadamard length"):
        jax.jit(hadax.fwht)(jnp.ones((3, 6)))


def test_fwhtn_refuses_bad_axes():
    for transform in (hadax.fwhtn, hadax.ifwhtn):
        with pytest.raises(ValueError, match=r"`axes` must not repeat an axis, but is \(0, -2\)"):
            transform(jnp.ones((2, 4)), axes=(0, -2))
        with pytest.raises(ValueError, match="one length an axis, but has 1 for 2 axes"):
            transform(jnp.ones((2, 4)), s=(4,), axes=(0, 1))
        with pytest.raises(ValueError, match=r"at most x\.ndim=1 lengths, but has 2"):
            transform(jnp.ones(4), s=(4, 4))


def test_reed_muller_refuses_real_numbers():
    with pytest.raises(TypeError, match="must be a truth table of bools or integers 0 and 1"):
        hadax.reed_muller(jnp.ones(4))


def test_a_sharded_axis_is_refused():
    mesh = jax.make_mesh((4,), ("d",), axis_types=(AxisType.Explicit,))
    with jax.set_mesh(mesh), pytest.raises(ValueError, match="must not be sharded along the trans"):
        hadax.fwht(jax.device_put(X, NamedSharding(mesh, P(None, "d"))))


@pytest.mark.parametrize("factory", ROTATIONS, ids=lambda f: f.__name__)
def test_every_factory_refuses_bad_keys_and_lengths(factory):
    with pytest.raises(TypeError, match=r"must be a new-style key, but is an array uint32\[2\]"):
        factory(jax.random.PRNGKey(0), 8)
    with pytest.raises(TypeError, match=r"must be a new-style key, but is int. Make one with jax"):
        factory(0, 8)
    with pytest.raises(ValueError, match=r"must be a single key, but has key.shape=\(2,\)"):
        factory(jax.random.split(KEY), 8)
    with pytest.raises(TypeError, match="Argument `n` must be an integer, but is a float"):
        factory(KEY, 8.0)
    with pytest.raises(ValueError, match="Argument `n` must be at least"):
        factory(KEY, 0)


def test_factories_refuse_what_is_theirs():
    with pytest.raises(ValueError, match=r"`n` must be the order of a Hadamard matrix .* is 6"):
        hadax.randomized_hadamard(KEY, 6)
    with pytest.raises(ValueError, match="Argument `blocks` must be at least 1, but is 0"):
        hadax.randomized_hadamard(KEY, 8, 0)
    with pytest.raises(TypeError, match="`dtype` must be float32 or float64, but is bfloat16"):
        hadax.haar_rotation(KEY, 8, dtype=jnp.bfloat16)
    with pytest.raises(TypeError, match="`dtype` must be a floating dtype, but is complex64"):
        hadax.householder(KEY, 8, dtype=jnp.complex64)
    with pytest.raises(ValueError, match="Argument `m` must be at most n=8, but is 9"):
        hadax.srht(KEY, 8, 9)
    with pytest.raises(ValueError, match="Argument `m` must be at least 0, but is -1"):
        hadax.omega_fftbr(-1)
    with pytest.raises(TypeError, match="`dtype` must be a complexfloating dtype, but is float32"):
        hadax.omega_fftbr(3, dtype=jnp.float32)


def test_elementary_factories_refuse_what_is_theirs():
    with pytest.raises(
        ValueError, match=r"`indices` must hold each of 0 \.\.\. 2 once, but lacks 1"
    ):
        operators.permutation(np.array([0, 2, 2]))
    with pytest.raises(TypeError, match="`indices` must hold integers"):
        operators.permutation(np.array([0.0, 1.0]))
    with pytest.raises(ValueError, match=r"`matrix` must have 2 axes, but has matrix.shape=\(3,"):
        operators.dense(jnp.ones(3))
    with pytest.raises(ValueError, match=r"`matrix` must have two axes of the same length, but ha"):
        operators.invertible(jnp.ones((3, 2)))
    with pytest.raises(TypeError, match="`matrix` must be real or complex floating point, but has"):
        operators.invertible(jnp.eye(2, dtype=int))
    with pytest.raises(TypeError, match="`block` must be an operator, but is a"):
        operators.block_diagonal(jnp.eye(2), 2)
    with pytest.raises(TypeError, match="`left` must be an operator"):
        operators.kronecker(np.eye(2), operators.hadamard(2))
    for product in (lambda op, x: op @ x, lambda op, x: x @ op):
        with pytest.raises(TypeError, match="must both be operators, but one is an array"):
            product(operators.hadamard(2), jnp.eye(2))
    with pytest.raises(TypeError, match="unsupported operand"):
        operators.hadamard(2) @ "x"
    with pytest.raises(ValueError, match="must have an inverse, but is a Diagonal with a zero"):
        hadax.inverse(operators.diagonal(jnp.array([1.0, 0.0])))
    with pytest.raises(TypeError, match="`op` must be an operator"):
        hadax.lineax.to_lineax(jnp.eye(2))
    with pytest.raises(TypeError, match="`cls` must be a subclass of LinearOperator"):
        hadax.nnx.register(dict)
    with pytest.raises(TypeError, match="`op` must be an operator, but is a"):
        hadax.inverse(jnp.eye(2))


def test_operators_refuse_integers_that_they_would_round():
    match = r"must be real or complex for this operator, but has x\.dtype=int32"
    for op in (hadax.haar_rotation(KEY, 4), operators.scale(0.5, 4), hadax.kac_walk(KEY, 4)):
        with pytest.raises(TypeError, match=match):
            op(jnp.arange(4))
    with pytest.raises(TypeError, match=match):
        hadax.inverse(operators.scale(2, 3))(jnp.arange(3))
    np.testing.assert_array_equal(operators.scale(2, 3)(jnp.arange(3)), [0, 2, 4])


def test_lengths_dtypes_and_words_of_every_kind():
    with pytest.raises(ValueError, match=r"`n` must be the order of a Hadamard matrix .* but is 6"):
        hadax.fwht(X, n=6)
    with pytest.raises(TypeError, match=r"an integer of at least 8 bits, but has x\.dtype=int2"):
        hadax.fwht(jnp.ones(4).astype(jnp.int2), norm="backward")
    with pytest.raises(NotImplementedError, match="must not be 'dense' above length 4096"):
        hadax.fwht(jnp.ones(8192), implementation="dense")
    with pytest.raises(ValueError, match="`norm` must be one of"):
        hadax.fwhtn(jnp.ones(()), norm="orthonormal")
    with pytest.raises(ValueError, match="`norm` must be one of"):
        hadax.fwht(X, norm=np.array(["ortho", "ortho"]))
    with pytest.raises(TypeError, match="`dtype` must be a dtype, but is 'junk'"):
        hadax.haar_rotation(KEY, 4, dtype="junk")
    with pytest.raises(TypeError, match="`dtype` must be a dtype, but is 'junk'"):
        hadax.hadamard_matrix(4, dtype="junk")
    with pytest.raises(TypeError, match="`dtype` must be a type that holds -1"):
        hadax.hadamard_matrix(4, dtype=jnp.float8_e8m0fnu)
    with pytest.raises(TypeError, match="`subset` must be True or False, but is 'no'"):
        hadax.zeta(X, subset="no")
    (symbol,) = jax.export.symbolic_shape("n")
    with pytest.raises(ValueError, match="must have a known length along axis=-1"):
        jax.export.export(jax.jit(hadax.fwht))(jax.ShapeDtypeStruct((symbol,), jnp.float32))
