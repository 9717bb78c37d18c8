"""The figure and the tables of the speed experiment, from rows made up here."""

import json

import polars as pl
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from experiments import speed as experiment
from experiments._contenders import FAMILIES
from experiments._runner import fingerprint
from experiments._store import read, results_folder
from paper_figs import _cli, _results, _speed_table, palette, speed


def entry(name, microseconds, *, in_place=False, status="ok"):
    seconds = None if microseconds is None else microseconds * 1e-6
    spread = (None, None) if seconds is None else (0.9 * seconds, 1.2 * seconds)
    return {
        "name": name,
        "family": name.partition(",")[0],
        "in_place": in_place,
        "status": status,
        "median": seconds,
        "low": spread[0],
        "high": spread[1],
        "seconds": [] if seconds is None else [seconds],
        "error": None if seconds is None else 1.234e-7,
        "compile_seconds": [0.03, 0.04, 0.05] if "donated" in name else [],
        "temp_bytes": 4 * 1024 if "donated" in name else None,
    }


def race(rows, n, workload="fwht", dtype="float32"):
    return {
        "workload": workload,
        "rows": rows,
        "n": n,
        "dtype": dtype,
        "rounds": 11,
        "milliseconds": 4.0,
        "contenders": [
            entry("limit, x + 1, donated", 10.0, in_place=True),
            entry("limit, np.copy", 8.0),
            entry("hadax native, donated", 16.0, in_place=True),
            entry("hadax native, fresh", 20.0),
            entry("hadax native, fresh, tuned malloc", 1.0),
            entry("pyfwht, cpu", 160.0),
            entry("pyfwht, openmp", 80.0),
            entry("torch, butterfly", None, status="not installed: torch"),
        ],
    }


ROWS = [
    race(1, 1 << 12),
    race(1, 1 << 20),
    race(4096, 128),
    race(2, 1 << 12, workload="rotation"),
    {"workload": "import", "rows": 0, "n": 0, "dtype": "float32", "import_hadax": [0.1]},
]


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder with these rows as local results."""
    monkeypatch.setenv("HADAX_RESULTS", str(tmp_path))
    config = experiment.EXPERIMENT.presets["quick"].config
    run = {
        "experiment": "speed",
        "preset": "quick",
        "config": {"seed": 0},
        "trials": len(ROWS),
        "fingerprint": fingerprint(experiment.EXPERIMENT, config),
        "utc": "2026-01-01T00:00:00+00:00",
        "git": None,
        "packages": {"jax": "1.2.3"},
        "device": "cpu",
        "machine": "Linux x86_64, 2 cores",
        "cpu": "A Fine CPU",
    }
    path = tmp_path / "local" / "speed-quick.jsonl"
    path.parent.mkdir()
    lines = [{"run": run}, *({"row": {"id": str(k), **row}} for k, row in enumerate(ROWS))]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return _results.find("speed", "local")


def test_the_figure_is_drawn(results, tmp_path):
    assert _cli.main(["speed", "--results", "local", "--out", str(tmp_path)]) == 0
    with Image.open(tmp_path / "speed.png") as image:
        assert min(image.size) > 400
        assert "up to 11 interleaved timings;" in image.info["Description"]


def test_lines_are_fractions_of_the_fastest_copy():
    figure = speed.draw(pl.DataFrame(ROWS))
    (vector, batch), (vector_fresh, _) = [figure.axes[:2], figure.axes[2:]]

    def lines(ax):
        return {line.get_label(): list(line.get_ydata()) for line in ax.get_lines()}

    assert lines(vector)["hadax native"] == pytest.approx([0.5, 0.5])
    assert lines(batch)["hadax native"] == pytest.approx([0.5])
    assert lines(vector_fresh)["hadax native"] == pytest.approx([0.4, 0.4]), "not the tuned one"
    assert lines(vector_fresh)["pyfwht"] == pytest.approx([0.1, 0.1]), "the faster backend"
    assert "torch" not in lines(vector_fresh)
    labels = [line.get_label() for line in figure.legends[0].get_lines()]
    assert labels == ["hadax native", "pyfwht"]
    plt.close(figure)


def test_every_racer_has_a_colour_and_a_marker_of_its_own():
    assert palette.RACERS.keys() == palette.RACER_MARKERS.keys()
    assert palette.RACERS.keys() <= set(FAMILIES)
    assert len(set(palette.RACERS.values())) == len(palette.RACERS)


def test_the_table_has_every_race_and_where_it_comes_from(results, tmp_path):
    assert _cli.main(["speed_table", "--results", "local", "--out", str(tmp_path)]) == 0
    text = (tmp_path / "speed_table.md").read_text()
    assert all(len(line) <= 110 for line in text.splitlines() if line[:1] not in "|*")
    assert "| contender | 1x4096 | 1x2^20 | 4096x128 |" in text
    assert "| hadax native, donated | 16 us (1.6) | 16 us (1.6) | 16 us (1.6) |" in text
    assert "## rotation, float32, batches" in text
    origin = "A Fine CPU (Linux x86_64, 2 cores), 2026-01-01, no git checkout; jax 1.2.3"
    assert origin in text.replace("\n", " ")
    assert "* torch, butterfly: not installed: torch (1x4096 float32, 1x2^20 float32" in text
    assert "| hadax native, donated | 1.2e-07 | 1.2e-07 |" in text
    assert "| hadax native, donated | 40 ms | 40 ms |" in text
    assert "| hadax native, donated | 0.25x | 0.00098x |" in text
    assert "tuned malloc" not in _speed_table.readme(results)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1.5e-7, "0.15 us"), (2.345e-6, "2.35 us"), (0.00123, "1.23 ms"), (4, "4 s")],
)
def test_durations(seconds, words):
    assert _speed_table.duration(seconds) == words


def test_nothing_to_show_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HADAX_RESULTS", str(tmp_path))
    assert _cli.main(["speed_table", "--out", str(tmp_path / "figures")]) == 1
    assert "Make them: python -m experiments speed paper" in capsys.readouterr().err


def test_the_readme_has_the_published_table():
    """Made by `python -m paper_figs speed_table`, not typed."""
    path = results_folder() / "paper" / "speed-paper.jsonl"
    if not path.exists():
        pytest.skip("the paper preset has not been run")
    readme = (results_folder().parent.parent / "README.md").read_text()
    assert _speed_table.readme(read(path)) in readme
