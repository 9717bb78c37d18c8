"""The command line: one clear line and the exit code 2 for what a user gets wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments import _cli, _provenance, _registry
from experiments._contract import PRESETS, UsageError
from tests.experiments import toy


@pytest.fixture(autouse=True)
def only_toy(monkeypatch):
    """A registry with the toy in it."""
    load = _registry.load
    monkeypatch.setattr(_registry, "NAMES", ("toy", "absent"))
    monkeypatch.setattr(
        _registry, "load", lambda name: toy.EXPERIMENT if name == "toy" else load(name)
    )


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("nope quick", "There is no experiment 'nope'. There are: toy, absent, all."),
        ("toy", "must be one of smoke, quick, paper, but is missing"),
        ("toy fast", "must be one of smoke, quick, paper, but is 'fast'"),
        ("toy quick --sise 3", "--sise, 3. Fields of 'toy': --seed, --size."),
        ("toy quick --size x", "--size: invalid literal for int()"),
        ("toy quick 3", "Unrecognized options: 3"),
        ("all", "must be one of smoke, quick, paper, but is missing"),
        ("all quick --size 3", "takes no fields"),
    ],
)
def test_wrong_usage(command, words, capsys):
    assert _cli.main(command.split()) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("error: ")
    assert captured.out == ""


def test_a_run_prints_its_checks_and_where_its_results_are(capsys, results):
    assert _cli.main(["toy", "quick", "--size", "2"]) == 0
    out = capsys.readouterr().out
    assert "draws are positive" in out
    assert "1 of 1 checks hold" in out
    assert str(results) in out


def test_strict_fails_where_a_check_does_not_hold(capsys, monkeypatch):
    fails = toy.Check("false", "measured", 2.0, "at most", 1.0)
    monkeypatch.setattr(toy, "EXPERIMENT", _with_checks(lambda rows: [fails]))
    assert _cli.main(["toy", "quick"]) == 0
    assert "DO NOT HOLD" in capsys.readouterr().out
    assert _cli.main(["toy", "quick", "--strict"]) == 1


def _with_checks(checks):
    return toy.Experiment(**{**vars(toy.EXPERIMENT), "checks": checks})


def test_an_interrupt_says_that_the_run_resumes(capsys, monkeypatch):
    monkeypatch.setenv("TOY_INTERRUPTED_AT", "2")
    assert _cli.main(["toy", "quick"]) == 130
    assert "the same command resumes" in capsys.readouterr().err
    monkeypatch.delenv("TOY_INTERRUPTED_AT")
    assert _cli.main(["toy", "quick"]) == 0
    assert "2 trials are there, 4 are missing" in capsys.readouterr().out


def test_trouble_of_the_user_in_a_trial_is_one_line(capsys, monkeypatch):
    monkeypatch.setenv("TOY_FAILS_AT", "1")
    assert _cli.main(["toy", "quick"]) == 2
    assert "error: Argument `toy` must work, but does not." in capsys.readouterr().err


def test_all_goes_on_after_one_that_cannot_run(capsys, monkeypatch):
    def load(name):
        if name == "toy":
            return toy.EXPERIMENT
        raise UsageError("needs the package 'nowhere'")

    monkeypatch.setattr(_registry, "load", load)
    monkeypatch.setattr(_registry, "NAMES", ("absent", "toy"))
    assert _cli.main(["all", "smoke"]) == 1
    captured = capsys.readouterr()
    assert "error: absent: needs the package 'nowhere'" in captured.err
    assert "toy smoke: 1 of 1 checks hold" in captured.out


def test_all_leaves_out_what_needs_another_device(capsys, monkeypatch):
    presets = toy.EXPERIMENT.presets | {"gpu": toy.Preset(toy.Config(size=1), minutes=0)}
    monkeypatch.setattr(
        toy, "EXPERIMENT", toy.Experiment(**{**vars(toy.EXPERIMENT), "presets": presets})
    )
    monkeypatch.setattr(_registry, "NAMES", ("toy",))
    assert _cli.main(["toy", "gpu"]) == 0
    assert _cli.main(["toy", "fast"]) == 2
    assert "must be one of smoke, quick, paper, gpu, but is 'fast'" in capsys.readouterr().err
    assert _cli.main(["all", "gpu"]) == 2
    assert "must be one of smoke, quick, paper, but is 'gpu'" in capsys.readouterr().err


def test_the_listing_has_question_presets_and_last_result(capsys, monkeypatch):
    monkeypatch.setattr(_registry, "NAMES", ("toy",))
    _cli.main(["toy", "quick"])
    monkeypatch.setenv("TOY_INTERRUPTED_AT", "1")
    _cli.main(["toy", "smoke"])
    capsys.readouterr()
    assert _cli.main([]) == 0
    out = capsys.readouterr().out
    assert "toy: Does the machinery work?" in out
    smoke, quick, paper = out.splitlines()[-3:]
    assert "1 of 6 trials" in smoke
    assert "1 of 1 checks hold" in quick
    assert "not run yet" in paper


def test_the_listing_goes_on_after_a_damaged_file(capsys, monkeypatch, results):
    monkeypatch.setattr(_registry, "NAMES", ("toy",))
    _cli.main(["toy", "quick"])
    (results / "local" / "toy-smoke.jsonl").write_text("damaged\n")
    capsys.readouterr()
    assert _cli.main([]) == 0
    smoke, quick, _ = capsys.readouterr().out.splitlines()[-3:]
    assert "smoke" in smoke
    assert "is not a line of results" in smoke
    assert "1 of 1 checks hold" in quick


@pytest.mark.parametrize(
    ("then", "now", "words"),
    [
        (("a" * 40, False), ("a" * 40, False), None),
        (("a" * 40, False), ("b" * 40, False), "Made at commit aaaaaaaaaa; the code is now at"),
        (("a" * 40, False), ("a" * 40, True), "now at commit aaaaaaaaaa + changes"),
        (("a" * 40, True), ("a" * 40, True), "Made at commit aaaaaaaaaa + changes"),
    ],
)
def test_results_of_another_state_of_the_code_are_said(capsys, monkeypatch, then, now, words):
    for commit, dirty in (then, now):
        capsys.readouterr()
        state = {"commit": commit, "dirty": dirty}
        monkeypatch.setattr(_provenance, "git_state", lambda state=state: state)
        assert _cli.main(["toy", "quick"]) == 0
    out = capsys.readouterr().out
    assert "6 trials are there, 0 are missing." in out
    assert ("--fresh starts over" in out) == (words is not None)
    assert words is None or words in out


def test_help(capsys):
    assert _cli.main(["--help"]) == 0
    assert _cli.main(["toy", "quick", "--help"]) == 0
    assert "--size" in capsys.readouterr().out
    assert _cli.main(["toy", "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("toy: ")
    assert [line.split()[0] for line in out.splitlines()[1:]] == list(PRESETS)


def test_the_real_registry_loads():
    for name in ("kolmogorov", "wasserstein"):
        experiment = __import__(f"experiments.{name}", fromlist=["EXPERIMENT"]).EXPERIMENT
        assert experiment.name == name
        assert set(experiment.presets) == set(PRESETS)


def test_a_reader_that_leaves_gets_no_traceback():
    reader, writer = os.pipe()
    os.close(reader)
    run = subprocess.run(
        [sys.executable, "-m", "experiments"],
        cwd=Path(_cli.__file__).parent.parent,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (run.returncode, run.stderr) == (1, "")
