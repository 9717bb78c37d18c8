"""What a sparse transform refuses, and what it says of what it could not recover."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax import sparse

KEY = jax.random.key(11)


def run(f=lambda x: 1.0 - 2.0 * x[:, 0].astype(jnp.float32), n=10, sparsity=1, key=KEY, **options):
    """A transform of one Walsh function, with something else about it."""
    return sparse.sparse_fwht(f, n, sparsity, key, **options)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: run(lambda x: x), ValueError, "`f` must return a value for each point"),
        (lambda: run(lambda x: (x[:, 0],)), ValueError, "but returns tuple"),
        (
            lambda: run(lambda x: x[:, 0].astype(complex)),
            TypeError,
            "`f` must return real numbers",
        ),
        (lambda: run(lambda x: np.ones(len(x))), ValueError, "or pass on_host=True"),
        (lambda: run(lambda x: np.sin(np.asarray(x))), TypeError, "or pass on_host=True"),
        (lambda: run(["no number"] * 1024), TypeError, "`f` must be an array of numbers, but is a"),
        (lambda: run(n=1), ValueError, "`n` must be so large that 3 groups of 2 bins"),
        (lambda: sparse.queries(64, 10**9, KEY), ValueError, "fewer than 2\\^31 values"),
        (lambda: run(jnp.ones(5)), ValueError, "`f` must have all 2\\^n=1024 values"),
        (lambda: run(jnp.ones(5), n=30), ValueError, "`n` must be at most 26"),
        (lambda: run(n=10, sparsity=900), ValueError, "hadax.fwht"),
        (lambda: run(bins=8, sparsity=30), ValueError, "must be at least 16, but is 8"),
        (
            lambda: run(n=20, bins=64, sparsity=158),
            ValueError,
            "below 1.222 peeling fails. Take 128",
        ),
        (lambda: run(bins=12), ValueError, "`bins` must be a power of two"),
        (lambda: run(bins=1024), ValueError, "hadax.fwht"),
        (lambda: run(noise=1.0), ValueError, "decoder='nso'"),
        (lambda: run(noise=-1.0, decoder="nso"), ValueError, "finite and not negative"),
        (lambda: run(noise=np.ones(2), decoder="nso"), TypeError, "`noise` must be a number"),
        (lambda: run(repetitions=2), ValueError, "decoder='nso'"),
        (lambda: run(decoder="ml"), ValueError, "`decoder` must be one of"),
        (lambda: run(design="dense"), ValueError, "`design` must be one of"),
        (lambda: run(key=3), TypeError, "new-style key"),
        (lambda: run(n=40).to_dense(), ValueError, "`n` must be at most 26"),
        (lambda: run()(np.ones((2, 3), int)), ValueError, r"points \(q, 10\)"),
        (lambda: run()(2 * np.eye(10, dtype=int)), ValueError, "zeros and ones, but has 0 to 2"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.usefixtures("without_shape_checks")
def test_a_function_on_the_host_of_another_shape_is_refused():
    with pytest.raises(Exception, match="`f` must return a value for each point"):
        jax.block_until_ready(run(lambda x: x, on_host=True))


def test_it_says_why_nothing_was_recovered():
    found = run(decoder="nso", noise=100.0)
    assert "NOT RECOVERED: nothing is above the noise" in str(found)
    noisy = jax.random.normal(KEY, (2**14,))
    found = run(noisy, n=14)
    assert not found.success
    assert "NOT RECOVERED: more than noise is left. Take another key" in str(found)
