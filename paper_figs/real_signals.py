"""What classical transforms lose to the KLT on digits, sunspots and a field that is known."""

import polars as pl
from matplotlib.figure import Figure

from paper_figs._signal_panels import draw_panels

NEEDS = ("real_signals",)

CAPTION = (
    "As for the photographs, of three other signals. Handwritten digits of scikit-learn (whole "
    "rows, columns and images of 8 x 8; white noise of variance 1/12 is added, for pixels that "
    "never change): no classical transform fits rows and images, where variances differ from pixel "
    "to pixel. Monthly sunspots 1749-2008 (statsmodels; all windows, only their mean removed). A "
    "Gaussian field with correlation 0.95 in rows and columns, 427 x 640, is the control: its "
    "losses are known, those of AR(1). Bars: 99 % basic bootstrap bands over 30 digits, 132 months "
    "or tiles of 64 x 64, {resamples} samples."
)

TITLES = {"digits": "digits", "sunspots": "sunspots", "field": "AR(1) field (control)"}


def draw(df: pl.DataFrame) -> Figure:
    """Draw the other signals."""
    return draw_panels(df.filter(pl.col("signal").is_in(list(TITLES))), TITLES)
