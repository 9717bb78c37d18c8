"""Small integers in bytes: nothing lost, no gap."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from hadax import _packing


@pytest.mark.parametrize("bits", range(1, 9))
@pytest.mark.parametrize("n", [1, 5, 16])
def test_packing_loses_nothing_and_leaves_no_gap(bits, n):
    codes = np.random.default_rng(bits).integers(0, 2**bits, (3, n))
    packed = _packing.pack(jnp.asarray(codes), bits)
    assert packed.shape == (3, math.ceil(n * bits / 8))
    np.testing.assert_array_equal(_packing.unpack(packed, bits, n), codes)


def test_one_bit_is_packed_as_numpy_does():
    codes = np.random.default_rng(0).integers(0, 2, 24)
    np.testing.assert_array_equal(_packing.pack(jnp.asarray(codes), 1), np.packbits(codes))
