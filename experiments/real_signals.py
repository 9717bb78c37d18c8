"""Coding gain and residual of classical transforms on photographs, digits and a time series.

R is the sample covariance of a signal's windows about their mean (`_signals.py` says what is cut
and how), and every number is one of R: the gain in decibels, the loss to the KLT of R, and the
residual delta in the transform's basis, of R and of log R. Blocks are transformed along both axes;
their KLT is that of all 64 pixels together, their "separable KLT" that of the mean covariance of
rows times that of columns, to which there is a loss of its own (for other windows it is the KLT).

Windows are taken at all positions, so that nothing depends on where a grid starts. Photographs have
been through JPEG, which has 8 x 8 blocks and a DCT-II of its own: windows side by side, on JPEG's
grid, are the control.

Bands of 99 % are basic bootstrap bands over tiles of a signal (64 x 64 pixels, 30 digits, 11
years), reflected about the estimate so that they correct the KLT's optimism about its own sample.
They are those of one row; all windows of one picture share their luck.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from experiments import _signals
from experiments._contract import Check, Experiment, Preset, Row
from experiments._settings import check_settings
from experiments._signals import RHO, ROUNDING, SHAPES, WINDOWS, Grid, Signal, Window
from experiments._transforms import Transform, eigenbasis
from hadax import groups, operators
from hadax.operators import LinearOperator
from hadax.operators.elementary import Dense

Coder: TypeAlias = Literal["KLT", "separable KLT"] | Transform

CODERS: tuple[Coder, ...] = ("KLT", "separable KLT", "DCT-II", "real DFT", "WHT", "Haar")
CONFIDENCE = 0.99
CLOSE = 0.1
"""dB: what "close to the KLT" means."""
MEASURES = ("gain", "loss", "separable_loss", "delta", "log_delta")
_DIGITS = 6
_BATCH = 50  # covariances at once
_RESIDUAL_OF_LOG = functools.partial(groups.commutativity_residual, log=True)
PHOTOGRAPHS: tuple[Signal, ...] = ("china", "flower")


@dataclass(frozen=True)
class Config:
    """Which signals, how often resampled."""

    seed: int = 0
    """Seed of the bootstrap."""
    signals: tuple[Signal, ...] = ("china", "flower", "digits", "sunspots", "field")
    """Photographs, handwritten digits, a series, and a Gaussian field of known covariance."""
    windows: tuple[Window, ...] = tuple(SHAPES)
    """Pieces of rows (of time, for a series), of columns, and blocks; those that a signal has."""
    resamples: int = 1000
    """Bootstrap samples of a band."""

    def __post_init__(self) -> None:
        check_settings(self, resamples=100)


@dataclass(frozen=True)
class Trial:
    """One transform on the windows of one signal."""

    signal: Signal
    window: Window
    grid: Grid
    transform: Coder
    resamples: int


def trials(config: Config) -> Iterator[Trial]:
    """List every transform on every kind of window; photographs on JPEG's grid as well."""
    for signal in config.signals:
        grids: tuple[Grid, ...] = ("all", "disjoint") if signal in PHOTOGRAPHS else ("all",)
        for window in WINDOWS[signal]:
            if window in config.windows:
                for grid in grids:
                    for transform in CODERS:
                        if transform != "separable KLT" or window.startswith("block"):
                            yield Trial(signal, window, grid, transform, config.resamples)


def run(trial: Trial, key: jax.Array) -> dict[str, float]:
    """Measure one transform, with bands."""
    tiles = _tiles(trial.signal, trial.window, trial.grid)
    count = len(tiles.counts)
    seed = np.asarray(jax.random.bits(key, (4,), "uint32"))
    shares = np.full(count, 1 / count)
    weights = np.random.default_rng(seed).multinomial(count, shares, size=trial.resamples)
    noise = ROUNDING.get(trial.signal, 0.0)
    samples = [np.ones((1, count)), *np.split(weights, range(_BATCH, len(weights), _BATCH))]
    with jax.enable_x64(True):
        parts = [
            _measure(trial.transform, SHAPES[trial.window], tiles.covariances(sample, noise))
            for sample in samples
        ]
    found, *drawn = np.concatenate(parts)
    tail = (1 - CONFIDENCE) / 2
    lower, upper = np.quantile(drawn, (1 - tail, tail), axis=0)
    result: dict[str, float] = {"windows": int(tiles.counts.sum()), "tiles": count}
    for i, name in enumerate(MEASURES):
        result[name] = round(float(found[i]), _DIGITS)
        result[f"{name}_low"] = round(float(2 * found[i] - lower[i]), _DIGITS)
        result[f"{name}_high"] = round(float(2 * found[i] - upper[i]), _DIGITS)
    return result


@dataclass(frozen=True)
class _Tiles:
    """Sums over the windows of each tile: how many, of the windows, of their products."""

    counts: NDArray[np.float64]
    sums: NDArray[np.float64]
    products: NDArray[np.float64]

    def covariances(self, weights: NDArray, noise: float) -> NDArray[np.float64]:
        """Covariances (B, n, n) of samples that have each tile so often, plus white noise."""
        total = weights @ self.counts
        mean = weights @ self.sums / total[:, None]
        second = np.tensordot(weights, self.products, axes=1) / total[:, None, None]
        return second - mean[:, :, None] * mean[:, None, :] + noise * np.eye(mean.shape[1])


@functools.cache
def _tiles(signal: Signal, window: Window, grid: Grid) -> _Tiles:
    """The sums of a signal's tiles."""
    found = [(len(x), x.sum(axis=0), x.T @ x) for x in _signals.pieces(signal, window, grid)]
    counts, sums, products = zip(*found, strict=True)
    return _Tiles(np.array(counts, np.float64), np.stack(sums), np.stack(products))


def _measure(transform: Coder, shape: tuple[int, int], R: NDArray) -> NDArray[np.float64]:
    """MEASURES (B, 5) of covariances (B, n, n).

    One program after the other: two batches of matrix decompositions in one program can wait for
    one another for ever on two cores, as of JAX 0.10.2 (and 0.12).
    """
    best = separable = np.asarray(groups.klt_coding_gain(R))
    if 1 not in shape:
        separable = np.asarray(_over_batch(groups.coding_gain, _separable_klt(shape, R), R))
    if transform == "KLT":
        zero = np.zeros_like(best)
        return np.stack([best, zero, separable - best, zero, zero], axis=-1)
    basis = _separable_klt(shape, R) if transform == "separable KLT" else _basis(transform, shape)
    gain, *deltas = (
        np.asarray(_over_batch(measure, basis, R))
        for measure in (groups.coding_gain, groups.commutativity_residual, _RESIDUAL_OF_LOG)
    )
    return np.stack([gain, best - gain, separable - gain, *deltas], axis=-1)


def _basis(transform: Transform, shape: tuple[int, int]) -> LinearOperator:
    """The transform of a window; along both axes of a block."""
    along = [eigenbasis(transform, n) for n in shape if n > 1]
    return operators.kronecker(*along) if len(along) > 1 else along[0]


def _separable_klt(shape: tuple[int, int], R: NDArray) -> LinearOperator:
    """An ensemble: the eigenbases of what each covariance of blocks says of columns and of rows."""
    pixels = R.reshape(-1, *shape, *shape)
    marginals = np.einsum("bijkj->bik", pixels), np.einsum("bijil->bjl", pixels)
    along = [Dense(jnp.asarray(np.linalg.eigh(each)[1].mT), orthogonal=True) for each in marginals]
    return operators.kronecker(*along)


@functools.partial(jax.jit, static_argnames="measure")
def _over_batch(measure: Callable[..., jax.Array], basis: LinearOperator, R: NDArray) -> jax.Array:
    """A measure of covariances (B, n, n) in one basis for all, or in an ensemble of bases."""
    # The fixed transforms hold no arrays.
    axis = 0 if jax.tree.leaves(basis) else None
    return jax.vmap(measure, in_axes=(axis, 0))(basis, R)


def exact_gain(window: Window, transform: Coder) -> float:
    """The gain of a transform on windows of the field: the sum of those of its axes."""
    total = 0.0
    with jax.enable_x64(True):
        for n in SHAPES[window]:
            R = jnp.asarray(_signals.ar1(n, RHO))
            if transform == "KLT" or transform == "separable KLT":
                total += float(groups.klt_coding_gain(R))
            else:
                total += float(groups.coding_gain(eigenbasis(transform, n), R))
    return total


def checks(rows: Sequence[Row]) -> list[Check]:
    """How close the DCT-II is to the KLT, that it is the closest, and the field's known gains."""
    return [*_closeness_checks(rows), *_order_checks(rows), *_field_checks(rows)]


def _closeness_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """The DCT-II's loss on photographs, window by window; on blocks to the separable KLT too."""
    for row in rows:
        if row["transform"] != "DCT-II" or row["signal"] not in PHOTOGRAPHS:
            continue
        references = {"loss": "KLT"}
        if row["window"].startswith("block"):
            references["separable_loss"] = "separable KLT"
        for measure, reference in references.items():
            yield Check(
                f"{place(row)}: loss of DCT-II to the {reference} in dB",
                "measured",
                row[measure],
                "at most",
                CLOSE,
                low=row[f"{measure}_low"],
                high=row[f"{measure}_high"],
            )


def _order_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """The DCT-II loses less than every other classical transform."""
    losses = {(place(row), row["transform"]): row["loss"] for row in rows}
    places = dict.fromkeys(
        place(row) for row in rows if row["signal"] in (*PHOTOGRAPHS, "sunspots")
    )
    ratios = [
        losses[where, "DCT-II"] / losses[where, other]
        for where in places
        for other in ("real DFT", "WHT", "Haar")
    ]
    if ratios:
        yield Check(
            f"loss of DCT-II over that of another transform: {len(ratios)} pairs on photographs "
            "and sunspots (largest)",
            "measured",
            max(ratios),
            "at most",
            1.0,
        )


def _field_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """The gains on the field are those of its covariance."""
    found = [row for row in rows if row["signal"] == "field"]
    errors = [
        abs(row["gain"] - exact_gain(row["window"], row["transform"]))
        / (row["gain_high"] - row["gain_low"])
        for row in found
    ]
    if errors:
        yield Check(
            f"field: {len(errors)} gains are those of AR(1) (largest error in widths of the band)",
            "measured",
            max(errors),
            "at most",
            1.0,
        )


def place(row: Row) -> str:
    """Return what was transformed, in words."""
    grid = "" if row["grid"] == "all" else " on JPEG's grid"
    return f"{row['signal']}, {row['window']}{grid}"


EXPERIMENT = Experiment(
    name="real_signals",
    question="How close do classical transforms come to the KLT on photographs and other signals?",
    presets={
        "smoke": Preset(
            Config(signals=("field",), windows=("block 8",), resamples=100), minutes=0.2
        ),
        "quick": Preset(Config(signals=("china", "sunspots"), resamples=100), minutes=0.6),
        "paper": Preset(Config(), minutes=4),
    },
    trials=trials,
    run=run,
    checks=checks,
)
