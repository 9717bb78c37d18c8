"""Every test runs strict: no silent promotion, four devices, shapes checked at every call.

hadax is not imported here: the hook that checks its shapes must come first.
"""

import gc
import os
import pathlib

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jaxtyping
import pytest

jax.config.update("jax_num_cpu_devices", 4)
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
jaxtyping.install_import_hook("hadax", "beartype.beartype")


# Compiling is most of what tests do. `make test` has the programs of tests with the marker
# `optimized` compiled as users have them, those of all others plainly, which takes a third of the
# time. What all else rests on has the marker.
_COMPILED_AS_BY_USERS = {"contracts", "kernels", "native", "operators", "statistics", "transforms"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Give tests the marker by their folder, before markers select among them."""
    here = pathlib.Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            folder = item.path.parent.relative_to(here).parts[:1]
            if not folder or folder[0] in _COMPILED_AS_BY_USERS:
                item.add_marker("optimized")


# Programs that are compiled keep maps of memory, of which Linux gives a process 65530.
_MANY_MAPS = 20_000


@pytest.fixture(autouse=True, scope="module")
def few_maps():
    """Programs of modules that are done are let go before a process has too many."""
    yield
    maps = pathlib.Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > _MANY_MAPS:
        jax.clear_caches()
        gc.collect()


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
