"""Where the native kernel serves, in whose memory, and what is said where it cannot."""

import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P
from numpy.linalg import _umath_linalg

import hadax
from hadax import testing
from hadax.kernels import _dispatch, _native, _reference

needs_library = pytest.mark.skipif(
    _native.library().instruction_set is None, reason=f"native: {_native.library().reason}"
)
SIGNS = np.random.default_rng(0).choice([-1, 1], 64).astype(np.int8)


def gaussian(*shape):
    return jax.random.normal(jax.random.key(0), shape)


def with_signs(x):
    return _dispatch.wht(x, jnp.asarray(SIGNS), side="before")


def with_signs_after(x):
    return _dispatch.wht(x, jnp.asarray(SIGNS), side="after")


def calls(function, x, **words) -> list[bool]:
    """Of each call of the library in the lowered program: whether it works in place."""
    program = jax.jit(function, **words).lower(x).as_text()
    lines = [line for line in program.splitlines() if "custom_call @hadax_wht" in line]
    return ["output_operand_alias" in line for line in lines]


def several(x):
    return jax.lax.scan(lambda y, _: (hadax.fwht(y), None), x, None, length=3)[0]


@needs_library
@pytest.mark.parametrize(
    ("function", "in_place"),
    [
        (hadax.fwht, [False]),
        (with_signs, [False]),
        (jax.vmap(hadax.fwht), [False]),
        (lambda x: hadax.fwht(x.reshape(8, 32)), [False]),
        (lambda x: hadax.fwht(x + 1), [True]),
        (lambda x: hadax.fwht(x.T), [True]),
        (lambda x: hadax.fwht(hadax.fwht(x)), [False, True]),
        (several, [True]),
        (jax.grad(lambda x: jnp.sum(hadax.fwht(x) ** 2)), [False, True]),
    ],
)
def test_an_argument_is_kept_and_a_temporary_is_overwritten(function, in_place):
    x = gaussian(4, 64)
    before = np.array(x)
    assert calls(function, x) == in_place
    y = jax.jit(function)(x)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(y, jax.jit(function)(x))


@needs_library
@pytest.mark.parametrize("function", [hadax.fwht, with_signs])
def test_a_donated_argument_is_overwritten(function):
    x = gaussian(4, 64)
    assert calls(function, x, donate_argnums=0) == [True]
    right = np.asarray(function(x))
    where = x.unsafe_buffer_pointer()
    y = jax.jit(function, donate_argnums=0)(x)
    assert x.is_deleted()
    assert y.unsafe_buffer_pointer() == where
    np.testing.assert_array_equal(y, right)


@needs_library
def test_an_operand_that_is_used_again_is_not_lost():
    x = gaussian(4, 64)

    def both(v):
        w = v * 3
        return hadax.fwht(w), w

    y, w = jax.jit(both)(x)
    np.testing.assert_array_equal(w, x * 3)
    testing.assert_close(y, _reference.fwht(np.asarray(w)) / 8, n=64)


@needs_library
@pytest.mark.parametrize("function", [hadax.fwht, with_signs, with_signs_after])
@pytest.mark.parametrize(
    ("shape", "spec"),
    [
        ((8, 4, 64), P("a")),
        ((8, 4, 64), P(None, "b")),
        ((8, 4, 64), P(("a", "b"))),
        ((8, 4, 64), P("b", "a")),
        ((8, 64), P("a")),
        ((8, 64), P(("a", "b"))),
    ],
    ids=str,
)
def test_an_automatic_mesh_keeps_rows_where_they_are(function, shape, spec):
    mesh = jax.make_mesh((2, 2), ("a", "b"), axis_types=(AxisType.Auto,) * 2)
    whole = gaussian(*shape)
    x = jax.device_put(whole, NamedSharding(mesh, spec))
    transform = jax.jit(function)
    program = transform.lower(x).compile().as_text()
    assert 'custom_call_target="hadax_wht' in program
    assert "all-gather" not in program
    y = transform(x)
    assert y.sharding.is_equivalent_to(x.sharding, x.ndim)
    np.testing.assert_array_equal(y, transform(whole))


@needs_library
@pytest.mark.parametrize("transposed", [False, True])
def test_a_rotation_is_the_same_on_an_automatic_mesh(transposed):
    rotation = hadax.randomized_hadamard(jax.random.key(1), 64)
    rotation = rotation.T if transposed else rotation
    mesh = jax.make_mesh((4,), ("a",), axis_types=(AxisType.Auto,))
    whole = gaussian(8, 64)
    x = jax.device_put(whole, NamedSharding(mesh, P("a")))
    apply = jax.jit(lambda r, x: r(x))
    np.testing.assert_array_equal(apply(rotation, x), apply(rotation, whole))


@needs_library
def test_a_transformed_axis_that_is_spread_is_gathered():
    mesh = jax.make_mesh((4,), ("a",), axis_types=(AxisType.Auto,))
    whole = gaussian(2, 64)
    x = jax.device_put(whole, NamedSharding(mesh, P(None, "a")))
    np.testing.assert_array_equal(jax.jit(hadax.fwht)(x), hadax.fwht(whole))


def test_an_exported_program_needs_no_library():
    export = jax.export.export(jax.jit(hadax.fwht))(jax.ShapeDtypeStruct((3, 64), jnp.float32))
    assert "@hadax_wht" not in export.mlir_module()
    x = gaussian(3, 64)
    again = jax.export.deserialize(export.serialize())
    testing.assert_close(again.call(x), hadax.fwht(x), n=64)


def test_other_platforms_are_compiled_without_it():
    for platforms in (("cuda",), ("cpu", "cuda")):
        export = jax.export.export(jax.jit(hadax.fwht), platforms=platforms)
        program = export(jax.ShapeDtypeStruct((3, 64), jnp.float32)).mlir_module()
        assert "@hadax_wht" not in program


@needs_library
@pytest.mark.parametrize(
    ("shape", "dtype", "reason"),
    [
        ((2, 64), "int16", "it has no kernel for int16"),
        ((*(1,) * 12, 16), "float32", "it has more than 12 axes"),
    ],
)
def test_what_it_cannot_compute_is_refused_with_the_reason(shape, dtype, reason):
    x = jnp.ones(shape, dtype)
    text = f"Argument `implementation` must be able to compute this, but is 'native': {reason}"
    with pytest.raises(NotImplementedError, match=text):
        hadax.fwht(x, norm="backward", implementation="native")
    right = _reference.fwht(np.ones(shape, dtype))
    testing.assert_close(hadax.fwht(x, norm="backward"), right, n=shape[-1])


@needs_library
@pytest.mark.parametrize(
    ("shape", "serves"), [((1, 44), False), ((2, 44), True), ((1, 88), True), ((1, 2100), True)]
)
def test_one_vector_that_is_all_dense_factor_is_left_to_xla(shape, serves):
    x = gaussian(*shape)
    assert len(calls(hadax.fwht, x)) == serves
    assert len(calls(lambda x: hadax.fwht(x, implementation="native"), x)) == 1


@needs_library
def test_it_is_refused_in_an_exported_program():
    transform = jax.jit(lambda x: hadax.fwht(x, implementation="native"))
    with pytest.raises(NotImplementedError, match="'native': an exported program must run where"):
        jax.export.export(transform)(jax.ShapeDtypeStruct((3, 64), jnp.float32))


def missing(monkeypatch, path):
    monkeypatch.setattr(_native, "LIBRARY", path)
    return "it was not built: install hadax from source with a C"


def broken(monkeypatch, path):
    path.write_text("not machine code")
    monkeypatch.setattr(_native, "LIBRARY", path)
    return "libhadax.so could not be loaded: "


def another_one(monkeypatch, path):
    monkeypatch.setattr(_native, "LIBRARY", Path(_umath_linalg.__file__))
    return r"_umath_linalg\..* could not be loaded: .*hadax_ffi_major"


def for_a_newer_jax(monkeypatch, path):
    monkeypatch.setattr(_native, "_interface_version", lambda: (0, 0))
    return r"it was built for jax.ffi 0\.\d+, but jaxlib has \(0, 0\): install anew"


def for_another_jax(monkeypatch, path):
    monkeypatch.setattr(_native, "_interface_version", lambda: (1, 0))
    return r"it was built for jax.ffi 0\.\d+, but jaxlib has \(1, 0\): install anew"


def for_a_jax_without_headers(monkeypatch, path):
    monkeypatch.setattr(jax.ffi, "include_dir", lambda: str(path))
    return r"it was built for jax.ffi 0\.\d+, but jaxlib has None: install anew"


@pytest.mark.parametrize(
    "damage",
    [
        missing,
        broken,
        another_one,
        *(
            pytest.param(damage, marks=needs_library)
            for damage in (for_a_newer_jax, for_another_jax, for_a_jax_without_headers)
        ),
    ],
)
def test_without_the_library_xla_computes_and_the_table_says_why(monkeypatch, tmp_path, damage):
    reason = damage(monkeypatch, tmp_path / "libhadax.so")
    # The library itself was loaded before, and cannot be again.
    outcome = _native.library.__wrapped__()
    monkeypatch.setattr(_native, "library", lambda: outcome)
    native = next(b for b in hadax.backends() if b.implementation == "native")
    assert not native.available
    assert re.match(reason, native.reason)
    x = gaussian(3, 64)
    transform = jax.jit(lambda v: hadax.fwht(v))
    assert "@hadax_wht" not in transform.lower(x).as_text()
    testing.assert_close(transform(x), _reference.fwht(np.asarray(x)) / 8, n=64)
    with pytest.raises(NotImplementedError, match=f"is 'native': {reason}"):
        hadax.fwht(x[:2], implementation="native")


@needs_library
@pytest.mark.parametrize("side", ["before", "after"])
def test_signs_of_complex_numbers_ride_along(side):
    x = jax.lax.complex(gaussian(3, 64), gaussian(3, 64)[::-1])
    y = jax.jit(lambda x: _dispatch.wht(x, jnp.asarray(SIGNS), side=side))(x)
    h = _reference.hadamard_matrix(64)
    both = h * SIGNS if side == "before" else (h.T * SIGNS).T
    testing.assert_close(y, np.asarray(x, np.complex128) @ both.T, n=64)


@needs_library
def test_a_vector_of_signs_of_another_length_is_refused():
    x = gaussian(2, 64)
    target = jax.ShapeDtypeStruct(x.shape, x.dtype)
    call = jax.ffi.ffi_call("hadax_wht_signed", target)
    words = {"scale": np.float64(1), "after": np.False_, "patterns": np.zeros(0, np.uint16)}
    with pytest.raises(jax.errors.JaxRuntimeError, match="as many signs as the length"):
        call(x, jnp.asarray(SIGNS[:32]), **words).block_until_ready()


@needs_library
def test_an_executable_of_another_process_finds_the_library():
    program = """
import pickle, sys, jax, jax.numpy as jnp, numpy as np
from jax.experimental import serialize_executable
import hadax
if sys.argv[1] == "write":
    compiled = jax.jit(hadax.fwht).lower(jnp.ones((2, 64))).compile()
    sys.stdout.buffer.write(pickle.dumps(serialize_executable.serialize(compiled)))
else:
    again = serialize_executable.deserialize_and_load(*pickle.load(sys.stdin.buffer))
    assert np.array_equal(again(jnp.ones((2, 64))), hadax.fwht(jnp.ones((2, 64))))
"""
    write, read = ([sys.executable, "-c", program, word] for word in ("write", "read"))
    data = subprocess.run(write, check=True, capture_output=True).stdout
    assert subprocess.run(read, input=data).returncode == 0


@needs_library
def test_too_little_memory_is_an_error():
    program = """
import resource, jax, jax.numpy as jnp, hadax
x = jnp.ones((1, 1 << 24), jnp.bfloat16)
step = jax.jit(lambda x: hadax.fwht(x), donate_argnums=0).lower(x).compile()
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (24 << 20),) * 2)
try:
    step(x).block_until_ready()
except jax.errors.JaxRuntimeError as error:
    assert "RESOURCE_EXHAUSTED" in str(error), error
else:
    raise SystemExit("there was memory after all")
"""
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc")
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
