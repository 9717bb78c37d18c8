"""What classical transforms lose to the KLT on two photographs, window by window."""

import polars as pl
from matplotlib.figure import Figure

from paper_figs._signal_panels import draw_panels

NEEDS = ("real_signals",)

CAPTION = (
    "Two photographs that scikit-learn ships (427 x 640, the luma that the JPEG files store): "
    "covariance of all windows of 8 or 16 pixels in rows and columns, and of all blocks of 8 x 8, "
    "about their mean; with open markers, of windows side by side on JPEG's own grid. Above: loss "
    "of coding gain to the KLT of the same covariance; blocks are transformed along both axes, "
    "and their KLT is that of all 64 pixels. Bars: 99 % basic bootstrap bands over tiles of 64 x "
    "64 pixels, {resamples} samples; they also correct the fit of the KLT to its own sample, so "
    "that they reach further down than up, and may end below the estimate. "
    "Measured: DCT-II is within 0.1 dB of the KLT of rows "
    "and columns; of blocks it is within 0.1 dB of the separable KLT (stars); of the KLT of all 64 "
    "pixels this is not decided. Below: the residual δ(log R) with bands, and dashes for δ(R), "
    "which is small for every transform that has the constant vector."
)

TITLES = {"china": "china.jpg", "flower": "flower.jpg"}


def draw(df: pl.DataFrame) -> Figure:
    """Draw the photographs."""
    return draw_panels(df.filter(pl.col("signal").is_in(list(TITLES))), TITLES)
