"""The figures of qmc, from a few rows."""

import polars as pl
import pytest
from matplotlib import pyplot as plt

from experiments._integrands import NAMES
from experiments._randomizations import METHODS
from experiments.qmc_coverage import CUBATURES
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


def test_coverage_has_a_marker_a_cubature_and_integrand():
    def row(cubature, tolerance):
        return {
            "integrand": "keister", "dimensions": 3, "cubature": cubature, "tolerance": tolerance,
            "error": 1e-3, "runs": 100, "within_tolerance": 99, "within_bound": 90,
            "n": 2048.0, "n_low": 1024, "n_high": 4096,
        }  # fmt: skip

    rows = [row(name, kind) for name in CUBATURES[:3] for kind in ("absolute", "relative")]
    figure = _registry.load("qmc_coverage").draw(pl.DataFrame(rows))
    top, _, bottom, _ = figure.axes
    assert [len(ax.containers) for ax in figure.axes] == [3] * 4
    assert [bar.lines[0].get_ydata()[0] for bar in top.containers] == [0.9] * 3
    assert [bar.lines[0].get_ydata()[0] for bar in bottom.containers] == [2048] * 3
    assert [text.get_text() for text in bottom.get_xticklabels()] == ["Keister, d = 3"]


def test_ratios_are_those_to_the_fastest_peer():
    def each(name, seconds):
        return {
            "name": name, "family": name.partition(",")[0], "median": seconds,
            "seconds": [seconds, seconds, seconds] if seconds else [],
        }  # fmt: skip

    ours = [each("hadax, float32", 0.1), each("hadax, float64", 0.2)]
    peers = [each("qmcpy, float64", 2.0), each("scipy, float64", 0.8)]
    rows = [
        {"workload": "sobol", "n": 1 << 16, "d": 10, "contenders": [*ours, *peers]},
        {"workload": "lattice", "n": 1 << 16, "d": 10, "contenders": [*ours, each("qmcpy", None)]},
    ]
    figure = _registry.load("qmc_speed").draw(pl.DataFrame(rows))
    (ax,) = figure.axes
    ratios = [bar.lines[0].get_xdata()[0] for bar in ax.containers]
    assert ratios == [pytest.approx(8.0), pytest.approx(4.0)]
    assert [text.get_text() for text in ax.texts] == ["scipy"]
    assert len(ax.get_yticks()) == 2


def test_regression_has_dense_lines_where_there_are_dense_matrices():
    def taken(seconds):
        return {"median": seconds, "seconds": [0.9 * seconds, 1.1 * seconds], "calls": 1}

    def row(n, has_dense):
        dense = taken(n**2 * 1e-6) if has_dense else None
        fast = taken(n * 1e-6)
        return {
            "kind": "net", "n": n, "has_dense": has_dense, "fast_step": fast, "fast_solve": fast,
            "dense_step": dense, "dense_solve": dense,
        }  # fmt: skip

    rows = [row(64, True), row(128, True), row(256, False)]
    figure = _registry.load("qmc_regression").draw(pl.DataFrame(rows))
    for ax in figure.axes:
        lines = {line.get_label(): len(line.get_xdata()) for line in ax.get_lines()}
        assert lines == {"net, fast": 3, "net, dense": 2}


def test_every_cubature_has_its_looks():
    assert palette.CUBATURES.keys() == palette.CUBATURE_MARKERS.keys() == set(CUBATURES)
