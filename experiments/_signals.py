"""Real signals by name, cut into windows: what transforms and groups are tried on.

* "china", "flower": the two photographs of scikit-learn, 427 x 640. Grey levels are the luma that
  the JPEG file stores (Rec. 601, of gamma-encoded colours, rounded to integers).
* "digits": scikit-learn's 1797 handwritten digits, 8 x 8, levels 0 ... 16.
* "sunspots": the monthly means 1749-2008 that statsmodels ships, 3120 of them.
* "field": made on the fly, of the size of a photograph: Gaussian, with the correlation RHO of
  neighbours in each direction. Everything is known of it: the control.

A window is a piece of a row (of the time, for a series), of a column, or a square block. Only the
mean window is removed; nothing is detrended or made stationary.
"""

import functools
import gzip
from collections.abc import Iterator
from typing import Literal, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image

from experiments._data import PackagedFile, fetch

Signal: TypeAlias = Literal["china", "flower", "digits", "sunspots", "field"]
Window: TypeAlias = Literal["row 8", "row 16", "row 32", "column 8", "column 16", "block 8"]
Grid: TypeAlias = Literal["all", "disjoint"]
"""Windows at all positions, or side by side from the first sample on."""

RHO = 0.95
SHAPES: dict[Window, tuple[int, int]] = {
    "row 8": (1, 8),
    "row 16": (1, 16),
    "row 32": (1, 32),
    "column 8": (8, 1),
    "column 16": (16, 1),
    "block 8": (8, 8),
}
_OF_AN_IMAGE: tuple[Window, ...] = ("row 8", "row 16", "column 8", "column 16", "block 8")
WINDOWS: dict[Signal, tuple[Window, ...]] = {
    "china": _OF_AN_IMAGE,
    "flower": _OF_AN_IMAGE,
    "digits": ("row 8", "column 8", "block 8"),
    "sunspots": ("row 16", "row 32"),
    "field": _OF_AN_IMAGE,
}
ROUNDING: dict[Signal, float] = {"digits": 1 / 12}
"""White noise that is added to a covariance: digits have pixels that never change, and with them
no finite KLT gain; this is the noise of rounding to integers."""
# What is resampled as a whole: images, rows and columns of first samples. About a solar cycle of
# months; 30 digits in a row, of which many are by one writer.
_TILES: dict[Signal, tuple[int, int, int]] = {
    "china": (1, 64, 64),
    "flower": (1, 64, 64),
    "digits": (30, 8, 8),
    "sunspots": (1, 1, 132),
    "field": (1, 64, 64),
}

CHINA, FLOWER, DIGITS = (
    PackagedFile(
        package="scikit-learn",
        version="1.9.1",
        member=f"sklearn/datasets/{member}",
        sha256=sha256,
        megabytes=9,
    )
    for member, sha256 in (
        (
            "images/china.jpg",
            "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
        ),
        (
            "images/flower.jpg",
            "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
        ),
        (
            "data/digits.csv.gz",
            "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22",
        ),
    )
)
SUNSPOTS = PackagedFile(
    package="statsmodels",
    version="0.15.0",
    member="statsmodels/datasets/sunspots/src/sunspots_monthly.dat",
    sha256="cc303d26340b6d599bc2878899f8c50c12323dc04b52a26ad047965ea2b9d2a3",
    megabytes=12,
)


def snapshots(signal: Signal, window: Window, grid: Grid = "disjoint") -> NDArray[np.float64]:
    """Return the windows (L, n) of a signal, less their mean; a block's pixels row by row."""
    x = np.concatenate(list(pieces(signal, window, grid)))
    return x - x.mean(axis=0)


def pieces(signal: Signal, window: Window, grid: Grid) -> Iterator[NDArray[np.float64]]:
    """Yield the windows (L, n) of each tile of a signal, less the signal's mean level."""
    height, width = SHAPES[window]
    views = sliding_window_view(levels(signal), (height, width), axis=(1, 2))
    images, rows, columns = _TILES[signal]
    if grid == "disjoint":
        views = views[:, ::height, ::width]
        rows, columns = max(1, rows // height), max(1, columns // width)
    for i in range(0, views.shape[0], images):
        for j in range(0, views.shape[1], rows):
            for k in range(0, views.shape[2], columns):
                tile = views[i : i + images, j : j + rows, k : k + columns]
                yield tile.reshape(-1, height * width)


@functools.cache
def levels(signal: Signal) -> NDArray[np.float64]:
    """Return a signal as images (count, height, width), less its mean level."""
    match signal:
        case "china":
            found = _photograph(CHINA)
        case "flower":
            found = _photograph(FLOWER)
        case "digits":
            with gzip.open(fetch(DIGITS)) as file:
                found = np.loadtxt(file, delimiter=",")[:, :64].reshape(-1, 8, 8)
        case "sunspots":
            found = _monthly(fetch(SUNSPOTS).read_text())
        case "field":
            found = _field(427, 640)
    return found - found.mean()


def _photograph(file: PackagedFile) -> NDArray[np.float64]:
    """The luma of a JPEG file."""
    with Image.open(fetch(file)) as image:
        image.draft("L", image.size)  # the stored luma itself, no way through colours
        return np.asarray(image, np.float64)[None]


def _monthly(text: str) -> NDArray[np.float64]:
    """The series in a table that has a year and its twelve months in a line, among others."""
    rows = [line.split() for line in text.splitlines()]
    years = [row[1:] for row in rows if len(row) == 13 and row[0].isdigit()]
    return np.array(years, np.float64).reshape(1, 1, -1)


def _field(height: int, width: int) -> NDArray[np.float64]:
    """A Gaussian field whose covariance is that of AR(1) in each direction."""
    noise = np.random.default_rng(0).normal(size=(height, width))
    down, right = (np.linalg.cholesky(ar1(n, RHO)) for n in (height, width))
    return (down @ noise @ right.T)[None]


def ar1(n: int, rho: float) -> NDArray[np.float64]:
    """The covariance rho^|i-j| of n points."""
    return rho ** np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
