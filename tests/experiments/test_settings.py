"""Settings that make no sense are refused in one line, before anything runs."""

import jax
import pytest

from experiments import _cli
from experiments._settings import SEEDS
from experiments.kolmogorov import Config
from tests.experiments import toy


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("kolmogorov smoke --log2-d 4 4", "--log2-d must not repeat a number, but is (4, 4)"),
        ("kolmogorov smoke --inputs e1 e1", "--inputs must not repeat a name, but is ('e1', 'e1')"),
        ("kolmogorov smoke --inputs", "--inputs must be one or more, but is empty"),
        ("kolmogorov smoke --samples 0", "--samples must be at least 1, but is 0"),
        ("kolmogorov smoke --samples -5", "--samples must be at least 1, but is -5"),
        ("kolmogorov smoke --draws 3", "--draws must be at least 40, but is 3"),
        ("kolmogorov smoke --blocks 0", "--blocks must be at least 1"),
        (f"kolmogorov smoke --seed {10**20}", "--seed must be between 0 and 2**32 - 1"),
        ("wasserstein smoke --samples 0", "--samples must be at least 2, but is 0"),
        ("wasserstein smoke --log2-d 4 30", "--log2-d must be between 2 and 20, but is (4, 30)"),
        ("permutation smoke --joint-log2-d 17", "--joint-log2-d must be between 5 and 16, but is"),
        ("johnson_lindenstrauss smoke --rows 8 9999", "--rows must be between 1 and 64, but is"),
        ("mean_estimation smoke --bits 0", "--bits must be between 1 and 8, but is (0,)"),
        ("wasserstein smoke --seed -1", "--seed must be between 0 and 2**32 - 1"),
        ("llm_rotation smoke --draws 0", "--draws must be at least 1, but is 0"),
        (f"llm_rotation smoke --seed {SEEDS - 1} --draws 2", "--seed must leave room for --draws"),
        ("llm_rotation smoke --rotations none none", "--rotations must not repeat a name"),
    ],
)
def test_wrong_settings(command, words, capsys):
    assert _cli.main(command.split()) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1


def test_the_ends_of_the_ranges_are_taken():
    assert Config(seed=SEEDS - 1, samples=1, samples_per_dimension=0, draws=40).draws == 40


def test_larger_seeds_would_repeat_draws():
    """Why they are refused."""
    assert jax.random.key(SEEDS) == jax.random.key(0)


def test_a_results_folder_that_cannot_be_is_one_line(monkeypatch, tmp_path, capsys):
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("HADAX_RESULTS", str(file))
    monkeypatch.setattr("experiments._registry.load", lambda name: toy.EXPERIMENT)
    assert _cli.main(["toy", "smoke"]) == 2
    err = capsys.readouterr().err
    assert f"Cannot write results in {file}" in err
    assert "Set HADAX_RESULTS to another folder" in err
    assert err.count("\n") == 1
