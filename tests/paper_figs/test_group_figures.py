"""Figures of groups and of their transforms are drawn from a few rows."""

import polars as pl
import pytest
from matplotlib import pyplot as plt

from paper_figs import _registry

ROWS = [
    {"structure": s, "space": space, "transform": t, "dimension": 9, "residual": residual}
    for s, space, t, residual in (
        ("C16", "all", "C16", 1e-16),
        ("C16", "all", "D16", 0.683),
        ("C16", "symmetric", "C16", 0.0),
        ("C16", "symmetric", "D16", 0.0),
    )
]


def test_eigenbases_are_dots_and_controls_numbers():
    figure = _registry.load("group_residuals").draw(pl.DataFrame(ROWS))
    ax = figure.axes[0]
    assert sorted(text.get_text() for text in ax.texts) == [".68", "•", "•", "•"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["C16 [9]", "C16 (all) [9]"]
    assert ax.get_xticklabels()[0].get_text() == "D16: real Fourier"
    plt.close(figure)


def test_losses_are_drawn_over_one_minus_rho():
    rows = [
        {"n": n, "rho": rho, "transform": transform, "gain": 1.0, "loss": loss}
        for n in (8, 16, 64)
        for rho in (0.5, 0.7, 0.9)
        for transform, loss in (("KLT", 0.0), ("Haar", 0.5), ("DCT-II", 0.02))
    ]
    figure = _registry.load("coding_gain").draw(pl.DataFrame(rows))
    assert [ax.get_title() for ax in figure.axes] == ["n = 8 points", "n = 64 points"]
    assert [line.get_label() for line in figure.axes[1].lines] == ["DCT-II", "Haar"]
    assert figure.axes[0].lines[0].get_xdata() == pytest.approx([0.5, 0.3, 0.1])
    assert figure.axes[0].xaxis_inverted()
    plt.close(figure)


def test_rates_have_a_curve_a_group_and_bands():
    rows = [
        {"truth": truth, "snr_db": 20, "snapshots": L, "repeats": 100, "bic": 90, "risk": risk}
        | {"bic_low": 0.8, "bic_high": 0.95, "risk_low": 0.5, "risk_high": 0.9}
        for truth in ("D16", "W4")
        for L, risk in ((16, 70), (1024, None))
    ]
    figure = _registry.load("group_selection").draw(pl.DataFrame(rows))
    top, bottom = figure.axes
    assert [container.get_label() for container in top.containers] == ["D16", "W4"]
    assert list(top.containers[0].lines[0].get_ydata()) == [0.9, 0.9]
    assert list(bottom.containers[0].lines[0].get_xdata()) == [16]
    plt.close(figure)


def test_recovery_shows_the_starts_and_what_is_hopeless():
    rows = [
        {"truth": truth, "snr_db": snr_db, "snapshots": L, "repeats": 50, "hits": 40}
        | {"low": 0.7, "high": 0.9, "likelier": 5}
        for truth in ("D16", "W4")
        for snr_db, L in ((20, 128), (20, 512), (None, 0))
    ]
    figure = _registry.load("blind_recovery").draw(pl.DataFrame(rows))
    (ax,) = figure.axes
    assert ax.get_title() == "20 dB"
    (shade,) = [each for each in ax.collections if each.get_alpha() == 0.15]
    assert shade.get_paths()[0].vertices[:, 1].min() == pytest.approx(0.9)
    plt.close(figure)


def test_real_groups_are_cells_with_the_verdicts_colour():
    rows = [
        {"signal": "china", "window": "row 8", "count": count, "verdict": verdict, "best": best}
        | {"z": 1.25, "gain": 8.0, "klt_gain": 8.5}
        for count, verdict, best in (
            (64, "match", "folded dihedral (DCT-II)"),
            (None, "no match", "reflection"),
        )
    ]
    figure = _registry.load("real_groups").draw(pl.DataFrame(rows))
    (ax,) = figure.axes
    assert [text.get_text() for text in ax.texts][::2] == ["DCT-II", "reversal"]
    assert ax.texts[1].get_text() == "z 1.2, loss 0.50"
    assert [label.get_text() for label in ax.get_xticklabels()] == ["64 windows", "all windows"]
    plt.close(figure)


def signal_rows(signals):
    measures = ("gain", "loss", "separable_loss", "delta", "log_delta")
    values = {f"{m}{end}": 0.05 for m in measures for end in ("", "_low", "_high")}
    return [
        {"signal": signal, "window": window, "grid": "all", "transform": transform, **values}
        for signal in signals
        for window in ("row 16", "block 8")
        for transform in ("KLT", "DCT-II", "Haar")
    ]


def test_real_signals_are_drawn_beside_one_another():
    df = pl.DataFrame(signal_rows(["china", "sunspots"]))
    for name, title, ticks in (
        ("natural_images", "china.jpg", ["row\n16", "block\n8 × 8"]),
        ("real_signals", "sunspots", ["16 months", "8 months"]),
    ):
        figure = _registry.load(name).draw(df)
        above, below = figure.axes
        assert above.get_title() == title
        assert [label.get_text() for label in below.get_xticklabels()] == ticks
        labels = [text.get_text() for text in figure.legends[0].get_texts()]
        assert labels == ["DCT-II", "Haar", "0.1 dB", "δ(R)"]
        plt.close(figure)


def test_risks_are_drawn_relative_to_one_vector():
    rows = [
        {"group": "D16", "covariance": kind, "snapshots": L, "averaged": exact, "exact": exact}
        | {"exact_plain": 64 / L, "bias": bias}
        for kind, bias in (("invariant", 0.0), ("AR(1)", 1.0))
        for L, exact in ((4, 4.0 + bias), (16, 1.0 + bias))
    ]
    figure = _registry.load("covariance_risk").draw(pl.DataFrame(rows))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["D16 (4.0)", "not averaged"]
    line, markers = figure.axes[1].lines[:2]
    assert markers.get_ydata() == pytest.approx([5 / 64, 2 / 64])
    assert line.get_ydata()[[0, -1]] == pytest.approx([5 / 64, 2 / 64])


def test_spectra_have_a_panel_for_each_group():
    index = range(1, 27)
    exact = {f"value_{i:02d}": 0.0 if i <= 18 else 0.1 for i in index}
    noisy = {f"{side}_{i:02d}": 0.01 for i in index for side in ("value", "low", "high")}
    rows = [
        {"group": group, "null": 18, **more}
        for group in ("D16", "W4")
        for more in ({"snapshots": 0, **exact}, {"snapshots": 64, "floor": 0.01, **noisy})
    ]
    figure = _registry.load("double_commutator").draw(pl.DataFrame(rows))
    assert [ax.get_title() for ax in figure.axes] == ["D16", "W4"]
    zeros = figure.axes[0].lines[1].get_ydata()
    assert (zeros[:18] == figure.axes[0].get_ylim()[0]).all()
    plt.close(figure)


def test_searches_have_known_covariances_first():
    rows = [
        {
            "group": "D16",
            "snapshots": snapshots,
            "log": log,
            "repeats": 4,
            "anchors": 60,
            "found": 3,
        }
        for snapshots in (512, 0, 4096)
        for log in (False, True)
    ]
    figure = _registry.load("automorphisms").draw(pl.DataFrame(rows))
    labels = [label.get_text() for label in figure.axes[1].get_xticklabels()]
    assert labels == ["noise free", "L = 4096", "L = 512"]
    plt.close(figure)
