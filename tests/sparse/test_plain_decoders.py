"""Decoders of noisy bins beside plain ones, and these beside the table of the prototype."""

import jax
import numpy as np
import pytest

from experiments import _references
from experiments._sparse_spectra import recoveries, spectra
from tests.sparse import plain_decoders

N, SPARSITY, INNER = 20, 40, 6
METHODS = {"nso 1": 1, "nso 3": 3, "nso 5": 5, "coded": "coded"}
TABLE = _references.load("sparse_noise")


def drawn(runs):
    return spectra(jax.random.key(5), N, SPARSITY, runs)


def plainly(method, noise, runs):
    """Of so many spectra: how many plain peeling recovers."""
    rng = np.random.default_rng(6)
    supports, values = (np.asarray(part) for part in drawn(runs))
    pairs = zip(supports[..., 0].astype(np.uint64), values, strict=True)
    return sum(
        plain_decoders.recovers(rng, support, value, N, INNER, noise, METHODS[method])
        for support, value in pairs
    )


def ours(method, noise, runs):
    options = (("bins", 1 << INNER), ("decoder", method.split()[0]))
    if method != "coded":
        options += (("repetitions", METHODS[method]),)
    settings = {"n": N, "known": True, "max_rounds": 40, "options": options}
    found = recoveries(jax.random.key(7), *drawn(runs), np.float32(noise), **settings)
    return int(np.sum(found["recovered"]))


@pytest.mark.parametrize(("method", "noise"), [("nso 3", 5), ("coded", 8)])
def test_no_fewer_are_recovered_than_by_plain_decoders(method, noise):
    """Where these recover a half to three quarters. Of 40: 39 and 30, beside 30 and 23."""
    found, plain = ours(method, noise, 40), plainly(method, noise, 40)
    assert 10 < plain < 38
    assert found >= plain


def near_the_table(method, noise):
    """Whether plain peeling recovers the share of 200 spectra that the prototype does of 400."""
    share = plainly(method, noise, 200) / 200
    return abs(share - TABLE["shares"][method][str(noise)]) <= 0.1


@pytest.mark.parametrize(("method", "noise"), [("nso 1", 3), ("nso 3", 5), ("nso 5", 6)])
def test_plain_decoders_give_the_middle_of_the_table(method, noise):
    assert near_the_table(method, noise)


@pytest.mark.slow
def test_plain_decoders_give_the_table_of_the_prototype():
    off = [
        (method, noise)
        for method, row in TABLE["shares"].items()
        for noise in row
        if not near_the_table(method, int(noise))
    ]
    assert sum(map(len, TABLE["shares"].values())) == 24
    assert not off
