"""Large arrays in pure JAX: a block at a time gives the same, in place, and on one device only."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

import hadax
from hadax.kernels import _reference, _xla_blocks


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks and panels of a few elements, so that short arrays take every path."""
    monkeypatch.setattr(_xla_blocks, "_BLOCK", 256)
    monkeypatch.setattr(_xla_blocks, "_COLUMNS", 16)
    monkeypatch.setattr(_xla_blocks, "_LOG_ROWS", 4)


@pytest.mark.parametrize(
    "shape",
    [(1, 1024), (256,), (5, 3, 64), (7, 512), (3, 96)],
    ids=["four-step", "four-step-smallest", "rest-of-rows", "row-by-row", "base-factor"],
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "complex64"])
def test_equals_the_matrix(small_blocks, shape, dtype):
    x = jax.random.normal(jax.random.key(0), shape, dtype)
    n = shape[-1]
    y = jax.jit(lambda x: _xla_blocks.hadamard(x, scale=n**-0.5))(x)
    expected = np.asarray(x, np.complex128) @ _reference.hadamard_matrix(n).T / np.sqrt(n)
    eps = float(jnp.finfo(dtype).eps)
    assert y.dtype == x.dtype
    error = np.linalg.norm(np.asarray(y, np.complex128) - expected) / np.linalg.norm(expected)
    assert error < 2 * np.sqrt(np.log2(n)) * eps


def test_the_transpose_is_the_transpose(small_blocks):
    x = jax.random.normal(jax.random.key(1), (3, 96))
    y = _xla_blocks.hadamard(x, transpose=True)
    assert np.allclose(y, np.asarray(x) @ _reference.hadamard_matrix(96), rtol=0, atol=1e-4)


def _lowered(x) -> str:
    return jax.jit(lambda x: hadax.fwht(x, implementation="xla")).lower(x).as_text()


def test_serves_large_arrays_on_one_device(monkeypatch):
    x = jax.ShapeDtypeStruct((64, 64), jnp.float32)
    assert "stablehlo.while" not in _lowered(x)
    monkeypatch.setattr(_xla_blocks, "LARGE_BYTES", 64 * 64 * 4)
    assert "stablehlo.while" in _lowered(x)
    mesh = Mesh(np.array(jax.devices()), "d")
    spread = NamedSharding(mesh, PartitionSpec("d"))
    assert "stablehlo.while" not in _lowered(
        jax.ShapeDtypeStruct((64, 64), jnp.float32, sharding=spread)
    )


def test_a_donated_array_is_overwritten(monkeypatch):
    monkeypatch.setattr(_xla_blocks, "LARGE_BYTES", 0)
    monkeypatch.setattr(_xla_blocks, "_BLOCK", 1 << 10)
    f = jax.jit(lambda x: hadax.fwht(x, implementation="xla"), donate_argnums=0)
    memory = f.lower(jnp.ones((256, 256))).compile().memory_analysis()
    assert memory.alias_size_in_bytes == 256 * 256 * 4
    assert memory.temp_size_in_bytes < 256 * 256 * 4 / 4
