"""The figures of qmc, from a few rows."""

import polars as pl
import pytest
from matplotlib import pyplot as plt

from experiments._integrands import NAMES
from experiments._randomizations import METHODS
from paper_figs import _registry, palette


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_convergence_has_a_panel_an_integrand_and_a_legend():
    def row(integrand, method, slope):
        return {
            "integrand": integrand, "dimensions": 2, "method": method, "n": [4, 8],
            "rmse": [0.2, 0.1], "low": [0.1, 0.05], "high": [0.3, 0.2],
            "slope": slope, "slope_se": slope and 0.01,
        }  # fmt: skip

    rows = [row(name, method, -1.5) for name in ("keister", "gaussian") for method in METHODS[:2]]
    df = pl.DataFrame([*rows, row("asian", "linear", None)])
    figure = _registry.load("qmc_convergence").draw(df)
    titles = [ax.get_title() for ax in figure.axes]
    assert titles[:3] == ["Keister, d = 2", "Gaussian, d = 2", "Asian option, d = 2"]
    assert [len(ax.get_lines()) for ax in figure.axes[:3]] == [2, 2, 1]
    assert [len(ax.texts) for ax in figure.axes[:3]] == [2, 2, 0]
    legend = figure.axes[-1].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == [
        palette.RANDOMIZATION_LABELS[name] for name in (*METHODS[:2], "linear")
    ]


def test_every_randomisation_and_integrand_has_its_looks():
    assert palette.RANDOMIZATIONS.keys() == set(METHODS)
    assert palette.RANDOMIZATION_LABELS.keys() == palette.RANDOMIZATION_STYLES.keys()
    assert palette.RANDOMIZATION_LABELS.keys() == set(METHODS)
    assert palette.INTEGRAND_LABELS.keys() == set(NAMES)
