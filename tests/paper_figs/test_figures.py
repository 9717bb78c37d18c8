"""Every figure is drawn from small results; what is missing is said."""

import csv
import dataclasses
import json
import re

import polars as pl
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from experiments import _registry as experiments_registry
from experiments import (
    kolmogorov,
    kolmogorov_families,
    quenched,
    separation,
    wasserstein,
    worst_case,
)
from experiments._contract import Preset, UsageError
from experiments._runner import run_experiment
from paper_figs import _cli, _files, _registry, _results

SMALL = {
    "kolmogorov": (kolmogorov.EXPERIMENT, kolmogorov.Config(log2_d=(4, 6), samples=200, draws=40)),
    "kolmogorov_families": (
        kolmogorov_families.EXPERIMENT,
        kolmogorov_families.EXPERIMENT.presets["smoke"].config,
    ),
    "wasserstein": (wasserstein.EXPERIMENT, wasserstein.Config(log2_d=(2, 4), samples=200)),
    "quenched": (quenched.EXPERIMENT, quenched.EXPERIMENT.presets["smoke"].config),
    "separation": (separation.EXPERIMENT, separation.EXPERIMENT.presets["smoke"].config),
    "worst_case": (
        worst_case.EXPERIMENT,
        worst_case.Config(support_d=(4, 8), ascent_d=(4,), starts=2, steps=5),
    ),
}


@pytest.fixture(scope="module", autouse=True)
def results(tmp_path_factory):
    """Small results of the experiments on rotations."""
    folder = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HADAX_RESULTS", str(folder))
        for experiment, config in SMALL.values():
            run_experiment(experiment, "quick", config)
        yield folder


FIGURES = [name for name in _registry.NAMES if set(_registry.load(name).needs) <= set(SMALL)]


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_carries_its_caption_and_origin(name, tmp_path, capsys):
    assert _cli.main([name, "--results", "local", "--out", str(tmp_path)]) == 0
    with Image.open(tmp_path / f"{name}.png") as image:
        assert min(image.size) > 400
        (origin,) = json.loads(image.info["Source"])
        assert "{" not in image.info["Description"]
    assert origin["experiment"] in SMALL
    assert {"config", "git", "utc", "packages"} <= set(origin)
    assert (tmp_path / f"{name}.pdf").stat().st_size > 1000
    page = (tmp_path / f"{name}.md").read_text()
    assert re.search(r"\d (simulated|draws|pairs|starts)", page), "the caption lacks the repeats"
    assert f"{name}.png" in capsys.readouterr().out


def test_the_legend_shows_what_is_drawn():
    """A line where a law is known; of a simulated input only the open marker that it has."""
    rows = [
        {"input": "e1", "blocks": 2, "d": 16, "method": "exact", "distance": 0.1, "low": 0.1},
        {"input": "random", "blocks": 2, "d": 16, "method": "sampled", "distance": 0.1, "low": 0.0},
    ]
    df = pl.DataFrame([{**row, "high": 0.2} for row in rows])
    figure = _registry.load("kolmogorov").draw(df)
    handles = {line.get_label(): line for line in figure.legends[0].get_lines()}
    markers = {label: (line.get_marker(), line.get_linestyle()) for label, line in handles.items()}
    assert markers["$e_1$"] == ("o", "-")
    assert markers["random"] == ("v", "None")
    assert handles["random"].get_markerfacecolor() == "white"
    assert "flat" not in handles
    plt.close(figure)


def test_statements(tmp_path):
    assert _cli.main(["statements", "--results", "local", "--out", str(tmp_path)]) == 0
    with (tmp_path / "statements.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["experiment"] for row in rows} == set(SMALL)
    assert {row["holds"] for row in rows} <= {"yes", "undecided", "no"}
    text = (tmp_path / "statements.md").read_text()
    assert all(f"## {name}" in text for name in experiments_registry.NAMES)
    origin = r"preset quick, made at (commit [0-9a-f]{10}|no git checkout)"
    assert len(re.findall(origin, text)) == len(SMALL)


@pytest.mark.parametrize("name", FIGURES)
def test_missing_results_are_said(name, tmp_path, capsys):
    assert _cli.main([name, "--out", str(tmp_path)]) == 1
    (need,) = _registry.load(name).needs
    assert f"Make them: python -m experiments {need} paper" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("nope", "There is no figure 'nope'. There are: kolmogorov"),
        ("--results nowhere", "Expected one of ('paper', 'local')"),
        ("--resuls local", "Options: "),
    ],
)
def test_wrong_usage(command, words, capsys):
    assert _cli.main(command.split()) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, capsys):
    file = tmp_path / "file"
    file.touch()
    assert _cli.main(["statements", "--out", str(file / "figures")]) == 2
    err = capsys.readouterr().err
    assert f"Cannot write {file}/figures: Not a directory. Name another folder with --out." in err
    assert err.count("\n") == 1


def test_files_of_a_figure_replace_the_old_ones_together(tmp_path):
    (tmp_path / "a.png").write_text("old")

    def fail():
        with _files.together(tmp_path) as (draft, _):
            (draft / "a.png").write_text("new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
    with _files.together(tmp_path) as (draft, files):
        (draft / "a.png").write_text("new")
        (draft / "a.md").write_text("caption")
    assert files == [tmp_path / "a.md", tmp_path / "a.png"]
    assert sorted(tmp_path.iterdir()) == files
    assert (tmp_path / "a.png").read_text() == "new"


def test_smoke_results_are_the_last_choice(results, monkeypatch, tmp_path):
    monkeypatch.setenv("HADAX_RESULTS", str(tmp_path))
    experiment, config = SMALL["wasserstein"]
    quick = run_experiment(experiment, "quick", config)
    run_experiment(experiment, "smoke", config)
    assert _results.find("wasserstein", "local").path == quick.path


def test_a_preset_for_another_device_never_stands_for_the_others(monkeypatch, tmp_path):
    monkeypatch.setenv("HADAX_RESULTS", str(tmp_path))
    experiment, config = SMALL["wasserstein"]
    presets = experiment.presets | {"gpu": Preset(config, minutes=0)}
    gpu = run_experiment(dataclasses.replace(experiment, presets=presets), "gpu", config)
    assert _results.find("wasserstein gpu", "paper").path == gpu.path
    with pytest.raises(UsageError, match="python -m experiments wasserstein paper"):
        _results.find("wasserstein", "paper")
    with pytest.raises(UsageError, match="python -m experiments wasserstein gpu"):
        _results.find("wasserstein gpu", "local")


def test_captions_say_the_values_of_columns():
    df = pl.DataFrame({"kind": ["a", "a", "b"], "n": [2000, 1000, 7], "p": [0.5, 0.5, 0.5]})
    caption = _results.fill_caption("{n:kind=a} draws, {n:kind=b}, {p}, {kind}", [df])
    assert caption == "1,000 to 2,000 draws, 7, 0.5, a, b"


def test_columns_of_lists_and_lists_of_lists_are_text():
    rows = [{"a": [1.0], "b": [[2.0]]}, {"a": [[1.0, 2.0]], "b": [[3.0]]}, {"b": None, "a": []}]
    results = dataclasses.replace(_results.find("wasserstein", "local"), rows=rows)
    found = _results.frame(results)
    assert found["a"].to_list() == ["[1.0]", "[[1.0, 2.0]]", "[]"]
    assert found["b"].to_list() == [[[2.0]], [[3.0]], None]
