"""Sparse spectra over four devices, against those of one."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType

from hadax import sparse
from hadax.sparse.bits import random_words

KEY = jax.random.key(7)
N, COUNT = 40, 30
WORDS = random_words(jax.random.key(8), (COUNT,), N)
VALUES = jax.random.rademacher(jax.random.key(9), (COUNT,), jnp.float32)


def mesh_of(kind=AxisType.Auto, **axes):
    return jax.make_mesh(tuple(axes.values()), tuple(axes), axis_types=(kind,) * len(axes))


def clean(words):
    """A function of packed points with thirty terms."""
    return (1 - 2 * sparse.parity(words[:, None], WORDS[None]).astype(jnp.float32)) @ VALUES


def noisy(words):
    """The same with noise of each point, whatever the batch that it is asked in."""

    def drawn(word):
        return jax.random.normal(jax.random.fold_in(jax.random.fold_in(KEY, word[0]), word[1]))

    return clean(words) + 2 * jax.vmap(drawn)(words)


def spectrum(f=clean, **options):
    return sparse.sparse_fwht(f, N, COUNT, KEY, packed=True, bins=32, **options)


@pytest.mark.parametrize(
    ("f", "options"),
    [pytest.param(clean, {}, marks=pytest.mark.slow), (noisy, {"decoder": "nso"})],
    ids=["noiseless", "noisy"],
)
def test_equals_the_spectrum_of_one_device(f, options):
    """The 123 or 369 pairs of a group and an offset are no multiple of four."""
    one = spectrum(f, **options)
    four = spectrum(f, **options, mesh=mesh_of(d=4))
    assert one.success
    assert four.success
    assert int(one.rounds) == int(four.rounds)
    np.testing.assert_array_equal(one.support, four.support)
    np.testing.assert_allclose(one.coefficients, four.coefficients, atol=1e-6)
    np.testing.assert_allclose(one.noise, four.noise, rtol=1e-5)
    np.testing.assert_allclose(one.residual, four.residual, rtol=1e-2)


@pytest.mark.slow
def test_digits_over_three_devices():
    def f(x):
        return jnp.cos(2 * jnp.pi / 3 * (x[:, 1] + x[:, 9]).astype(float))

    mesh = jax.make_mesh((3,), ("d",), devices=jax.devices()[:3], axis_types=(AxisType.Auto,))
    found = sparse.sparse_fft(f, 12, 2, KEY, base=3, mesh=mesh)
    assert found.success
    expected = {3 + 3**9: 0.5, 2 * (3 + 3**9): 0.5}
    assert found.to_dict() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "kind", [pytest.param(AxisType.Auto, marks=pytest.mark.slow), AxisType.Explicit], ids=str
)
def test_one_of_two_mesh_axes(kind):
    mesh = mesh_of(kind, a=2, b=2)
    found = spectrum(mesh=mesh, axis_name="b")
    np.testing.assert_array_equal(found.support, spectrum().support)
    assert found.success


@pytest.mark.slow
def test_no_success_without_it():
    """More coefficients than bins can carry: no device claims them."""
    found = sparse.sparse_fwht(
        clean, N, 9, KEY, packed=True, bins=4, mesh=mesh_of(d=4), max_rounds=5
    )
    assert not found.success


def test_the_program_sends_bins_once_and_then_only_what_was_found():
    """One all_to_all of the bins; each round gathers an index, a value and a flag of each bin.

    There are two kinds of rounds: the last ones look for more beside others."""
    mesh = mesh_of(d=4)
    program = (
        jax.jit(
            lambda key: sparse.sparse_fwht(clean, N, COUNT, key, packed=True, bins=32, mesh=mesh)
        )
        .lower(KEY)
        .compile()
        .as_text()
    )
    names = "all-gather|all-to-all|all-reduce|reduce-scatter|collective-permute|ragged-all-to-all"
    found = re.findall(rf"= (.*) ({names})(?:-start)?\(", program)
    kinds = [kind for _, kind in found]
    assert kinds.count("all-to-all") == 1
    assert set(kinds) == {"all-to-all", "all-gather", "all-reduce"}
    gathered = [shape for shape, kind in found if kind == "all-gather"]
    assert sorted(re.findall(r"\w+\[[\d,]*\]", " ".join(gathered))) == [
        *["f32[32]"] * 2,
        *["pred[32]"] * 2,
        *["u32[32,2]"] * 2,
    ]


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"axis_name": "d"}, ValueError, "`axis_name` must come with a mesh"),
        ({"mesh": 4}, TypeError, "`mesh` must be a mesh"),
        ({"axis_name": "e", "mesh": True}, ValueError, "`axis_name` must name axes of the mesh"),
        ({"on_host": True, "mesh": True}, ValueError, "hadax.sparse.sample"),
        ({"bins": 2, "sparsity": 2, "mesh": True}, ValueError, "divides the 2 bins"),
    ],
)
def test_bad_input(options, error, words):
    options = {"sparsity": 2} | options
    if options.get("mesh") is True:
        options["mesh"] = mesh_of(d=4)
    with pytest.raises(error, match=words):
        sparse.sparse_fwht(clean, N, key=KEY, packed=True, **options)
