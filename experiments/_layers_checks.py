"""What the rows of `quantize_layers` say about rotated models, and about single rotated vectors."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from scipy import stats

from experiments._contract import Check, Relation, Row
from experiments._layers import KERNELS
from hadax.discrepancy import dkw_radius, kolmogorov_exact
from hadax.models import SITES

_CONFIDENCE = 0.99  # of all bands and tolerances of a kind at once
_ROUND_OFF = 1e-9
_SPARSE = {"e1": (1,), "two": (1, 1)}
_BLOCKS = {"one block": 1, "two blocks": 2}
_EXCESS = {"one block": 0.0, "two blocks": float(np.log(1.05))}
Claim: TypeAlias = tuple[str, list[str], Relation, float]
"""What, in which columns, is at most or at least which share of what it is without a rotation."""

_PLACES = {"value": "value heads", "residual": "the stream", "hidden": "what W_down reads"}


def checks(rows: Sequence[Row]) -> Iterator[Check]:
    """Yield every statement that the rows are about."""
    vectors = [row for row in rows if row["measure"] == "quality"]
    yield from _flat(vectors)
    yield from _laws(vectors)
    if rows[0]["model"] == "tiny":  # random weights have nothing to lose
        return
    yield from _layers([row for row in rows if row["measure"] == "layers"])
    yield from _against_haar(vectors)


def _flat(rows: Sequence[Row]) -> Iterator[Check]:
    """All entries of these are 0 or plus or minus the largest: they are on the grid."""
    for row in rows:
        if row["rotation"] == "one block" and row["vectors"] in _SPARSE:
            yield Check(
                f"largest relative error of {_name(row)}, one block, grid to the largest entry",
                "ours, proved",
                max(row["error_unclipped_largest"]),
                "at most",
                _ROUND_OFF,
            )


def _laws(rows: Sequence[Row]) -> Iterator[Check]:
    """Distances are those of the exact laws, where these are known.

    The draws of every coordinate are within the band of Dvoretzky, Kiefer, Wolfowitz and Massart
    around its law, and so is their mean, that of all entries.
    """
    known = [
        row
        for row in rows
        if row["vectors"] in _SPARSE and row["rotation"] in _BLOCKS and _is_power(row["width"])
    ]
    for row in known:
        n, entries = row["width"], _SPARSE[row["vectors"]]
        x = np.zeros(n, int)
        x[: len(entries)] = entries
        share = (1 - _CONFIDENCE) / (len(known) * n)
        yield Check(
            f"Kolmogorov distance of {_name(row)}, {row['rotation']} ({row['count']} keys)",
            "measured",
            row["distance"][0],
            "equals",
            kolmogorov_exact(x, blocks=_BLOCKS[row["rotation"]]),
            tolerance=dkw_radius(row["count"], confidence=1 - share),
        )


def _layers(rows: Sequence[Row]) -> Iterator[Check]:
    """Medians over layers: all rotated models, against the one that is not."""
    plain = [row for row in rows if row["rotation"] == "none"]
    rotated = [row for row in rows if row["rotation"] != "none"]
    if not plain or not rotated:
        return
    places: list[Claim] = [
        (f"{what} at {place}", [f"{what}_{place}"], "at most", share)
        for what, share in (("kurtosis", 1.0), ("incoherence", 1.0), ("error", 0.5))
        for place in SITES
    ]
    kernels = [f"error_{name}_kernel" for name in KERNELS]
    blocks: list[Claim] = [
        ("error of a block at W4A4", ["error_block"], "at most", 0.5),
        # These weights were on a grid: see the experiment.
        ("error of a block at W4A16", ["error_block_w4a16"], "at least", 1.0),
        ("error of kernels in 4 bits", kernels, "at most", 1.0),
    ]
    for what, columns, relation, share in (*places, *blocks):
        values = [_median(row, columns) for row in rotated]
        bound = "none" if share == 1 else f"{share:g} of none"
        yield Check(
            f"{what}, median over layers, of {len(values)} rotated models (band: all), against "
            f"{bound}",
            "measured",
            float(np.median(values)),
            relation,
            share * _median(plain[0], columns),
            low=min(values),
            high=max(values),
        )


def _median(row: Row, columns: Sequence[str]) -> float:
    """The median over all layers of columns."""
    return float(np.median([row[column] for column in columns]))


def _against_haar(rows: Sequence[Row]) -> Iterator[Check]:
    """One block, the farthest from uniform, rounds no worse than a uniform rotation; two blocks are
    so close to it that all there is to ask is how much worse they are at most."""
    pairs = [
        (row, other)
        for row in rows
        for other in rows
        if row["rotation"] in _BLOCKS
        and other["rotation"] == "haar"
        and (row["place"], row["vectors"]) == (other["place"], other["vectors"])
    ]
    reach = stats.norm.ppf(1 - (1 - _CONFIDENCE) / (2 * max(len(pairs), 1)))
    for row, other in pairs:
        (one, spread), (two, other_spread) = error_and_spread(row), error_and_spread(other)
        ratio = float(np.log(one / two))
        width = float(reach * np.hypot(spread / one, other_spread / two))
        yield Check(
            f"log of the relative error of {_name(row)}, {row['rotation']}, over that under Haar",
            "measured",
            ratio,
            "at most",
            _EXCESS[row["rotation"]],
            low=ratio - width,
            high=ratio + width,
        )


def error_and_spread(row: Row) -> tuple[float, float]:
    """Return the mean relative error of rounding to 4 bits, over layers, and its standard error."""
    errors, spreads = row["error"], row["error_sem"]
    return float(np.mean(errors)), float(np.sqrt(np.square(spreads).sum()) / len(spreads))


def _name(row: Row) -> str:
    """What vectors a row is about."""
    what = {"e1": "e1", "two": "two equal entries"}.get(row["vectors"])
    return f"{what or row['vectors'] + ' of ' + _PLACES[row['place']]} (n = {row['width']})"


def _is_power(n: int) -> bool:
    """Whether n is a power of two."""
    return n & (n - 1) == 0
