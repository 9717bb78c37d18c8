"""Which bins are read, and that blocks of them are all that is chosen."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax import sparse
from hadax.sparse import _explaining, _peeling
from hadax.sparse._bins import energies_of, squares


@pytest.mark.parametrize("decoder", ["nso", "coded", "noiseless"])
@pytest.mark.parametrize("parts", [1, 2])
def test_bins_that_are_not_read_hold_no_more_than_chance_explains(decoder, parts):
    """Of coefficients around the bound of chance hardly one is in a bin of too little energy."""
    asked = sparse.queries(40, 100, jax.random.key(0), decoder=decoder)
    law = _explaining.bounds(asked, jnp.float32(1), parts)
    count, bins = asked.offsets.count, 40_000
    assert law.worth <= law.nothing
    key_noise, key_size = jax.random.split(jax.random.key(1))
    noise = jax.random.normal(key_noise, (parts, bins, count)) / parts**0.5
    noise = noise[0] if parts == 1 else jax.lax.complex(noise[0], noise[1])
    size = jax.random.uniform(key_size, (bins, 1), minval=0.0, maxval=1.5)
    bins_of_one = noise + (size * (law.chance / count) ** 0.5).astype(noise.dtype)
    shown = count * squares(jnp.mean(bins_of_one, axis=1)) > law.chance
    missed = shown & (energies_of(bins_of_one) <= law.worth)
    assert int(shown.sum()) > 5000
    # The bound is exact for those that chance might just explain: fewer of all.
    assert int(missed.sum()) <= 2e-3 * int(shown.sum())
    # Most bins without a coefficient are passed over.
    assert float(jnp.mean(energies_of(noise) > law.worth)) < 0.2 * parts


@pytest.mark.parametrize("count", [1, 255, 256, 257, 1000])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_blocks_are_all_that_is_chosen_once(count, share):
    chosen = np.random.default_rng(count).uniform(size=count) < share

    def some(at, seen):
        return seen.at[at].add(1, mode="drop")

    seen = _peeling._in_blocks(jnp.asarray(chosen), some, jnp.zeros(count, jnp.int32))
    np.testing.assert_array_equal(seen, chosen)
