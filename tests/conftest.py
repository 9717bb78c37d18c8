"""Every test runs strict: no silent promotion, four devices, shapes checked at every call.

hadax is not imported here: the hook that checks its shapes must come first.
"""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jaxtyping
import pytest

jax.config.update("jax_num_cpu_devices", 4)
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
jaxtyping.install_import_hook("hadax", "beartype.beartype")


@pytest.fixture
def without_shape_checks():
    """The library as a user runs it: its own checks answer bad input, not the test suite's."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture
def x64():
    """64-bit types for one test."""
    with jax.enable_x64(True):
        yield
