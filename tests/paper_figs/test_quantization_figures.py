"""The figures of quantized models, drawn from made-up measures of real work lists."""

import dataclasses
from collections import Counter

import polars as pl
import pytest
from matplotlib import pyplot as plt

from experiments import (
    quantize,
    quantize_cost,
    quantize_encoder,
    quantize_layers,
    quantize_rotations,
    quantize_sources,
)
from experiments._layers import KERNELS
from hadax.models import SITES
from paper_figs import _registry, _results, palette

LAYERS = {
    **{f"{what}_{place}": [9.0, 4.0] for what in ("kurtosis", "error") for place in SITES},
    **{f"error_{name}_kernel": [0.01, 0.02] for name in KERNELS},
    "error_block": [0.3, 0.4],
    "error_block_w4a16": [0.1, 0.2],
    "width": 24,
    "distance": [0.01, 0.2],
    "error": [0.01, 0.03],
}
MEASURED = {
    quantize: {"perplexity": 40.0, "losses": [3.5, 3.7, 3.9]},
    quantize_rotations: {"perplexity": 40.0},
    quantize_encoder: {"cosine": 0.9, "rank_correlation": 0.8},
    quantize_cost: {
        "quantize_seconds": 20.0,
        "evaluate_seconds": 9.0,
        "peak_gib": 2.0,
        "model_gib": 0.5,
    },
    quantize_layers: LAYERS,
    quantize_sources: {"perplexity": 40.0, "losses": [3.5, 3.7, 3.9]},
}
FIGURES = {
    "quantize": quantize,
    "quantize_rotations": quantize_rotations,
    "quantize_encoder": quantize_encoder,
    "quantize_cost": quantize_cost,
    "quantize_layers": quantize_layers,
    "quantize_sources": quantize_sources,
    "rotation_quality": quantize_layers,
}


def rows(module):
    """A measured row for every trial of the paper preset, some of them apart."""
    experiment = module.EXPERIMENT
    found = []
    for i, trial in enumerate(experiment.trials(experiment.presets["paper"].config)):
        measured = {
            name: value + 0.01 * (i % 3) if isinstance(value, float) else value
            for name, value in MEASURED[module].items()
        }
        found.append(dataclasses.asdict(trial) | measured)
    return pl.DataFrame(found, infer_schema_length=None)


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.mark.parametrize("name", FIGURES)
def test_captions_are_filled(name):
    caption = _results.fill_caption(_registry.load(name).caption, [rows(FIGURES[name])])
    assert "{" not in caption
    assert "smollm2" in caption or "minilm" in caption


def points(ax):
    """How many points an axis has in each colour."""
    found = Counter()
    for line in ax.lines:
        if line.get_marker() not in ("None", None):
            found[line.get_color()] += len(line.get_xdata())
    return found


def test_every_method_has_a_point_a_setting():
    found = points(_registry.load("quantize").draw(rows(quantize)).axes[0])
    config = quantize.EXPERIMENT.presets["paper"].config
    for method in config.methods:
        learned = method in ("spinquant rtn", "spinquant", "flatquant")
        settings = config.learned_settings if learned else config.settings
        assert found[palette.METHODS[method]] == len(settings)


def test_every_key_has_a_point_a_setting():
    axes = _registry.load("quantize_rotations").draw(rows(quantize_rotations)).axes
    found = sum(map(points, axes), Counter())
    config = quantize_rotations.EXPERIMENT.presets["paper"].config
    for rotation in config.rotations:
        draws, settings = config.draws, len(config.settings)
        if rotation in ("none", "none clipped", "klt"):
            draws = 1
        if rotation == "none clipped":
            settings = sum("A16" not in setting for setting in config.settings)
        if rotation == "learned":
            draws, settings = config.learned_draws, len(config.learned_settings)
        assert found[palette.ROTATION_KINDS[rotation]] == draws * settings


def test_every_encoder_has_a_point():
    df = rows(quantize_encoder)
    for ax in _registry.load("quantize_encoder").draw(df).axes:
        assert sum(points(ax).values()) == df.filter(measure="agreement").height


def test_every_method_has_its_time_and_memory():
    seconds, memory = _registry.load("quantize_cost").draw(rows(quantize_cost)).axes
    count = len(quantize_cost.EXPERIMENT.presets["paper"].config.methods)
    assert sum(points(seconds).values()) == 2 * count
    assert sum(points(memory).values()) == count


def test_every_model_has_a_line_a_site():
    df = rows(quantize_layers)
    axes = _registry.load("quantize_layers").draw(df).axes
    models = df.filter(measure="layers").height
    assert len(axes) == 10
    assert len(axes[4].lines) == models  # errors: the top row has a guide more
    assert len(axes[8].lines) == 2 * models


def test_every_kind_of_vectors_has_its_points():
    df = rows(quantize_layers).filter(measure="quality")
    figure = _registry.load("rotation_quality").draw(rows(quantize_layers))
    assert len(figure.axes) == df["place"].n_unique()
    drawn = sum(sum(points(ax).values()) for ax in figure.axes)
    assert drawn == 2 * df.height  # two layers a row


def test_every_part_has_a_bar_and_every_search_a_point():
    lost = {"none": 3.0, "W16": 8.0, "gptq": 9.0, "quarot": 9.0, "W4": 11.0}

    def losses(row):
        name = row["method"] if row["method"] in lost else row["setting"].partition("A")[0]
        return row | {"losses": [lost.get(name, 4.0)] * 2}

    df = pl.DataFrame([losses(row) for row in rows(quantize_sources).to_dicts()])
    parts, search = _registry.load("quantize_sources").draw(df).axes
    config = quantize_sources.EXPERIMENT.presets["paper"].config
    heights = [patch.get_height() for patch in parts.patches]
    assert heights == [5.0, 1.0, 2.0] * len(config.methods) * len(config.activations)
    count = df.filter(measure="search").height
    assert sum(points(search).values()) == count + len(config.settings)
