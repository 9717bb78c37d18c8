"""What is particular to the race of eigenbases and matrices: the matrices, and checks that fail."""

import jax
import numpy as np
import pytest

from experiments import basis_speed
from experiments.basis_speed import STRUCTURES, Config, Trial
from hadax import groups

KEY = jax.random.key(0)


@pytest.mark.parametrize("basis", ["Fourier", "DST-III", "wreath"])
def test_the_matrix_is_that_of_the_operator(basis):
    op = groups.eigenbasis(STRUCTURES[basis](4))
    names = ("real", "imag") if basis == "Fourier" else ("real",)
    parts = [np.asarray(part) for part in basis_speed._matrix(op, names)]
    found = parts[0] + 1j * parts[1] if basis == "Fourier" else parts[0]
    np.testing.assert_allclose(found, np.asarray(op.as_matrix()).T, atol=1e-6)


def test_every_basis_has_the_length_of_its_bits():
    assert {make(5).degree for make in STRUCTURES.values()} == {32}


def test_a_race_has_two_programs_and_a_ratio():
    row = basis_speed.run(Trial("Fourier", 16, 3, 0.01, 1.0), KEY)
    assert row["status"] == "ok"
    assert row["difference"] < 1e-6
    assert len(row["fast"]["seconds"]) == len(row["matrix"]["seconds"]) == 3
    ratio = row["matrix"]["median"] / row["fast"]["median"]
    assert row["ratio"] == pytest.approx(ratio, rel=1e-3)
    assert row["low"] <= row["ratio"] <= row["high"]


def test_the_parts_of_a_complex_matrix_are_raced_one_by_one_where_only_one_fits(monkeypatch):
    formed, form = [], basis_speed._matrix
    monkeypatch.setattr(
        basis_speed, "_matrix", lambda op, names: formed.append(names) or form(op, names)
    )
    row = basis_speed.run(Trial("Fourier", 64, 3, 0.01, 2e-5), KEY)
    assert formed == [("real",), ("imag",)]
    assert row["status"] == "ok"
    assert row["difference"] < 1e-6
    assert row["ratio"] == pytest.approx(row["matrix"]["median"] / row["fast"]["median"], rel=1e-3)


def test_a_small_machine_has_less_room(monkeypatch):
    monkeypatch.setattr(basis_speed, "_memory_gib", lambda: 1e-5)
    row = basis_speed.run(Trial("Haar", 64, 2, 0.01, 1.0), KEY)
    assert row["status"].endswith("there is room for 7.5e-06")


def test_a_matrix_that_does_not_fit_is_not_formed_and_the_row_says_so(monkeypatch):
    monkeypatch.delattr(basis_speed, "_matrix")
    row = basis_speed.run(Trial("Haar", 64, 2, 0.01, 1e-5), KEY)
    assert row["status"] == "does not fit: 1.52588e-05 GiB, and there is room for 1e-05"
    assert row["matrix"] is row["ratio"] is None
    assert row["fast"]["median"] > 0


def row(n, ratio, *, low=None, high=None, basis="Haar", difference=1e-7, status="ok"):
    ends = {"low": low or ratio, "high": high or ratio}
    return {
        "basis": basis, "n": n, "ratio": ratio, **ends, "difference": difference, "status": status
    }  # fmt: skip


def verdicts(*rows):
    return {check.statement: check.holds for check in basis_speed.checks(rows)}


def test_the_least_ratio_from_some_length_on_counts():
    """Short vectors may be slower: a call is what they cost."""
    short, good = row(64, 0.5), row(4096, 9.0, low=8.0, high=11.0)
    words = "Haar: time of the matrix / of the operator, least from n = 1024 to 4096"
    assert verdicts(short, row(1024, 2.0), good)[f"{words} (at n = 1024)"] == "yes"
    assert verdicts(short, row(1024, 0.8), good)[f"{words} (at n = 1024)"] == "no"
    unclear = row(2048, 1.1, low=0.9, high=1.3)
    assert verdicts(unclear, good)[f"{words} (at n = 2048)"] == "undecided"


def test_other_outputs_are_seen_and_missing_matrices_are_no_races():
    absent = row(1 << 16, None, status="does not fit: 16 GiB")
    (holds,) = verdicts(row(64, 1.0), row(64, 1.0, difference=1e-3), absent).values()
    assert holds == "no"
    assert basis_speed.checks([absent]) == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"bases": ("DCT-V",)}, "--bases must be of Fourier"),
        ({"bits": (1,)}, "--bits must be between 2 and 24"),
        ({"rounds": 0}, "--rounds must be at least 1"),
        ({"milliseconds": 0.0}, "--milliseconds must be in"),
        ({"largest_gib": float("nan")}, "--largest-gib must be positive"),
    ],
)
def test_wrong_settings_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        Config(**settings)
