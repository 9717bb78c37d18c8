"""What is particular to real signals: how they are cut, measures of known covariances, checks."""

import jax
import numpy as np
import pytest
from PIL import Image

from experiments import _signals, real_signals
from experiments._data import UnreachableError
from experiments._signals import SHAPES, WINDOWS
from experiments.real_signals import Trial

KEY = jax.random.key(0)


@pytest.fixture
def small(monkeypatch):
    """Signals of a few numbered samples."""
    monkeypatch.setattr(_signals, "levels", lambda name: LEVELS[name])


LEVELS = {
    "china": np.arange(20.0 * 24).reshape(1, 20, 24),
    "digits": np.arange(31.0 * 64).reshape(31, 8, 8),
    "sunspots": np.arange(40.0).reshape(1, 1, 40),
}


@pytest.mark.parametrize(
    ("signal", "window", "grid", "count", "last"),
    [
        ("china", "row 8", "all", 20 * 17, np.arange(472, 480)),
        ("china", "row 8", "disjoint", 20 * 3, np.arange(472, 480)),
        ("china", "column 8", "disjoint", 2 * 24, 24 * np.arange(8, 16) + 23),
        ("china", "block 8", "disjoint", 2 * 3, np.add.outer(24 * np.arange(8, 16), range(16, 24))),
        ("digits", "row 8", "all", 31 * 8, np.arange(31 * 64 - 8, 31 * 64)),
        ("digits", "block 8", "all", 31, np.arange(30 * 64, 31 * 64)),
        ("sunspots", "row 16", "all", 25, np.arange(24, 40)),
        ("sunspots", "row 16", "disjoint", 2, np.arange(16, 32)),
    ],
)
def test_windows_are_cut_once_each(small, signal, window, grid, count, last):
    parts = list(_signals.pieces(signal, window, grid))
    x = np.concatenate(parts)
    assert x.shape == (count, np.prod(SHAPES[window]))
    np.testing.assert_array_equal(x[-1], np.ravel(last))
    assert len(np.unique(x, axis=0)) == count
    snapshots = _signals.snapshots(signal, window, grid)
    np.testing.assert_allclose(snapshots, x - x.mean(axis=0))


def test_tiles_add_up_to_the_covariance(small):
    real_signals._tiles.cache_clear()
    tiles = real_signals._tiles("digits", "row 8", "all")
    real_signals._tiles.cache_clear()
    assert tiles.counts.tolist() == [240, 8]
    (R,) = tiles.covariances(np.ones((1, 2)), 0.5)
    x = _signals.snapshots("digits", "row 8", "all")
    np.testing.assert_allclose(R, x.T @ x / len(x) + 0.5 * np.eye(8))


def test_the_luma_of_a_photograph_is_that_of_the_file(tmp_path, monkeypatch):
    grey = np.linspace(0, 255, 64 * 48).reshape(48, 64).astype(np.uint8)
    path = tmp_path / "grey.jpg"
    Image.fromarray(np.stack(3 * [grey], axis=-1)).save(path, quality=98)
    monkeypatch.setattr(_signals, "fetch", lambda file: path)
    found = _signals._photograph(_signals.CHINA)
    assert found.shape == (1, 48, 64)
    assert np.abs(found[0] - grey).max() <= 2


def test_months_are_read_among_other_lines():
    text = "Year Jan\n----\n1749 " + 12 * " 1.5" + "\n\n1750" + 12 * "  0.0" + "\nNote: 1 2\n"
    np.testing.assert_array_equal(_signals._monthly(text)[0, 0], 12 * [1.5] + 12 * [0.0])


def row(signal, window, transform, grid="all"):
    trial = Trial(signal, window, grid, transform, 100)
    return {**vars(trial), **real_signals.run(trial, KEY)}


def test_the_field_has_the_gains_of_its_covariance():
    # Bands of 99 %; an error of a whole width is one of about 5 standard deviations.
    rows = [row("field", "row 8", name) for name in ("KLT", "DCT-II", "Haar")]
    (check,) = real_signals.checks(rows)
    assert check.holds == "yes"
    klt, dct, haar = rows
    assert klt["loss"] == klt["delta"] == klt["log_delta"] == 0
    assert 0 < dct["loss_low"] < dct["loss"] < dct["loss_high"] < real_signals.CLOSE
    assert haar["loss_low"] > 0.5
    assert dct["loss"] == dct["separable_loss"]
    rows[1] = {**dct, "gain": dct["gain"] + 5}
    (check,) = real_signals.checks(rows)
    assert check.holds == "no"


def test_exact_gains_of_a_block_are_those_of_both_axes():
    gain = real_signals.exact_gain("block 8", "DCT-II")
    assert gain == pytest.approx(2 * 8.8259, abs=2e-4)
    assert real_signals.exact_gain("column 8", "KLT") == pytest.approx(8.8462, abs=1e-4)


def test_the_separable_klt_of_a_tensor_product_is_its_klt():
    A, B = (np.diag(np.arange(1.0, 4.0)) + 0.3, np.diag([5.0, 1.0]) - 0.2)
    R = np.kron(A, B)[None]
    with jax.enable_x64(True):
        found = real_signals._measure("separable KLT", (3, 2), R)
    np.testing.assert_allclose(found[0, 1:], 0, atol=1e-7)


def rows_of_photographs(loss, **change):
    made = {"signal": "china", "window": "block 8", "grid": "all"}
    for transform in ("DCT-II", "real DFT", "WHT", "Haar"):
        measured = {"loss": loss if transform == "DCT-II" else 1.0}
        measured["separable_loss"] = measured["loss"] / 4
        bands = {f"{m}_{end}": v for m, v in measured.items() for end in ("low", "high")}
        yield {**made, "transform": transform, **measured, **bands, **change}


@pytest.mark.parametrize(
    ("loss", "answers"), [(0.05, ["yes", "yes"]), (0.2, ["no", "yes"]), (2.0, ["no", "no"])]
)
def test_closeness_is_checked_against_both_klts(loss, answers):
    found = real_signals.checks(list(rows_of_photographs(loss)))
    assert [check.holds for check in found[:2]] == answers
    assert found[2].holds == ("yes" if loss < 1 else "no")


def test_only_photographs_have_a_grid_and_only_blocks_a_separable_klt():
    found = list(real_signals.trials(real_signals.Config()))
    assert {t.signal for t in found if t.grid == "disjoint"} == {"china", "flower"}
    assert {t.window for t in found if t.transform == "separable KLT"} == {"block 8"}
    assert {(t.signal, t.window) for t in found} == {(s, w) for s in WINDOWS for w in WINDOWS[s]}


@pytest.mark.network
@pytest.mark.parametrize(
    ("signal", "shape"),
    [
        ("china", (1, 427, 640)),
        ("flower", (1, 427, 640)),
        ("digits", (1797, 8, 8)),
        ("sunspots", (1, 1, 3120)),
    ],
)
def test_packaged_signals(signal, shape):
    try:
        found = _signals.levels(signal)
    except UnreachableError as error:
        pytest.skip(str(error))
    assert found.shape == shape
    assert abs(found.mean()) < 1e-9
