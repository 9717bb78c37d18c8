"""What measured transforms across devices say of the cost of exchanges.

A transform with E exchanges takes its local stages, a start (devices that wait for one another the
first time), and E times latency + bytes / bandwidth. The three numbers are fitted, for each mesh,
to every other length, and the lengths between are predicted.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from experiments._contract import Row
from experiments._scaling_model import EXCHANGES, ITEM, Layout, sent

CONFIDENCE = 0.99
BAND_NEEDS = 8  # values: least and largest of fewer hold the median with less confidence


@dataclass(frozen=True)
class Costs:
    """Start, latency of an exchange and seconds a byte, with half widths of their 99 % bands."""

    values: tuple[float, float, float]
    errors: tuple[float, float, float]

    def seconds(self, exchanges: int, sent_bytes: float) -> float:
        """What exchanges of that many bytes each add to the local stages."""
        start, latency, slope = self.values
        return start + exchanges * (latency + slope * sent_bytes)

    def exchange_seconds(self, sent_bytes: float) -> float:
        """The time of one exchange more."""
        return self.seconds(2, sent_bytes) - self.seconds(1, sent_bytes)


@dataclass(frozen=True)
class Point:
    """A measured transform: its exchanges, what each sends, what they add, and the whole time."""

    exchanges: int
    sent: float
    added: float
    whole: float


def fit_costs(points: Sequence[Point]) -> Costs | None:
    """Fit by least squares of errors relative to the whole time; None for fewer than four points.

    The bands come from the scatter around the fit.
    """
    freedom = len(points) - 3
    if freedom < 1:
        return None
    design = np.array([[1.0, p.exchanges, p.exchanges * p.sent] for p in points])
    whole = np.array([p.whole for p in points])
    design /= whole[:, None]
    scale = np.linalg.norm(design, axis=0)
    design /= scale
    added = np.array([p.added for p in points]) / whole
    solution, *_ = np.linalg.lstsq(design, added)
    scatter = np.sum((design @ solution - added) ** 2) / freedom
    spread = np.sqrt(scatter * np.diag(np.linalg.inv(design.T @ design)))
    radius = stats.t.ppf(0.5 + CONFIDENCE / 2, freedom) * spread
    start, latency, slope = (solution / scale).tolist()
    start_error, latency_error, slope_error = (radius / scale).tolist()
    return Costs((start, latency, slope), (start_error, latency_error, slope_error))


def median_band(values: Sequence[float]) -> tuple[float, float, float]:
    """The median, and order statistics that have the true one between them with 99 %.

    No law is assumed. Fewer than BAND_NEEDS values do not reach 99 %: then it is the least and the
    largest.
    """
    ordered = np.sort(np.asarray(values))
    below = int(stats.binom.ppf((1 - CONFIDENCE) / 2, len(ordered), 0.5))
    low = max(0, below - 1)
    return float(np.median(ordered)), float(ordered[low]), float(ordered[-1 - low])


def devices_of(mesh: str) -> int:
    """Return the number of devices of a mesh."""
    return math.prod(int(part) for part in mesh.split("x"))


def exchange_bytes(row: Row) -> float:
    """Return the bytes that each device sends in one exchange of a measured row."""
    devices = devices_of(row["mesh"])
    return sent(devices, ITEM * 2.0 ** row["log2_n"] / devices)


def exchange_seconds(row: Row) -> tuple[float, float, float]:
    """Return what the second exchange adds to the first: the median over rounds and its band."""
    pairs = zip(row["seconds_natural"], row["seconds_transposed"], strict=True)
    return median_band([two - one for two, one in pairs])


def measured_rows(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return what was measured, by mesh and length."""
    measured = sorted((row for row in rows if row.get("mesh")), key=lambda row: row["log2_n"])
    meshes = dict.fromkeys(row["mesh"] for row in rows if row.get("mesh"))
    return {name: [row for row in measured if row["mesh"] == name] for name in meshes}


def spread_rows(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return what was measured on more than one device, by mesh and length."""
    return {name: of_it for name, of_it in measured_rows(rows).items() if devices_of(name) > 1}


def fit(rows: Sequence[Row]) -> Costs | None:
    """Fit the costs of one mesh to every other of its rows."""
    return fit_costs([_point(row, layout) for row in rows[::2] for layout in EXCHANGES])


def _point(row: Row, layout: Layout) -> Point:
    """Return the medians of a row, for one layout."""
    pairs = list(zip(row[f"seconds_{layout}"], row["seconds_local"], strict=True))
    return Point(
        EXCHANGES[layout],
        exchange_bytes(row),
        added=float(np.median([whole - local for whole, local in pairs])),
        whole=float(np.median([whole for whole, _ in pairs])),
    )


def over_model(row: Row, layout: Layout, costs: Costs) -> tuple[float, float, float]:
    """Return time / (local stages + what the exchanges add): the median and its band."""
    added = costs.seconds(EXCHANGES[layout], exchange_bytes(row))
    pairs = zip(row[f"seconds_{layout}"], row["seconds_local"], strict=True)
    return median_band([whole / (local + added) for whole, local in pairs])
