import math

import numpy as np
import pytest

from hadax.discrepancy import kolmogorov_bound, kolmogorov_certificate, kolmogorov_exact


def test_bounds_by_source():
    assert kolmogorov_bound(32, source="paper") == pytest.approx(0.5)
    assert kolmogorov_bound(10**6) == pytest.approx(0.8936e-3, rel=1e-3)


@pytest.mark.parametrize("support", [[0], [0, 1], [0, 1, 2, 3], [1, 2, 4, 8], range(16)], ids=str)
@pytest.mark.parametrize("d", [16, 64])
def test_certificate_lies_between_the_distance_and_the_bound(support, d):
    x = np.zeros(d, int)
    x[list(support)] = 2
    exact, bounded = kolmogorov_certificate(x), kolmogorov_certificate(x / 3)
    assert kolmogorov_exact(x) < exact <= bounded + 1e-12
    assert bounded <= kolmogorov_bound(d) + 1e-12


def test_certificate_of_one_and_two_entries_is_exact_for_reals():
    for entries, cube in ((1, 1.0), (2, math.sqrt(2)), (3, 0.25 * 3**1.5 + 0.75 / 3**1.5)):
        x = np.zeros(64, int)
        x[:entries] = 1
        expected = 0.56 * cube / 8 + 0.162 / 64
        assert kolmogorov_certificate(x) == pytest.approx(expected, rel=1e-12)
        if entries < 3:
            assert kolmogorov_certificate(1e200 * x) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: kolmogorov_bound(2), ValueError, "at least 4"),
        (lambda: kolmogorov_bound(16, source="us"), ValueError, "`source`"),
        (lambda: kolmogorov_certificate([1, 0, 1]), ValueError, "power-of-two length"),
        (lambda: kolmogorov_certificate([1, 0]), ValueError, "at least 4"),
        (lambda: kolmogorov_certificate([0.0] * 4), ValueError, "not zero"),
        (lambda: kolmogorov_certificate([1j] * 4), TypeError, "real"),
    ],
)
def test_bad_input(call, error, words, without_shape_checks):
    with pytest.raises(error, match=words):
        call()
