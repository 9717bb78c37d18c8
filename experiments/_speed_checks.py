"""What the races say about every bound that was set for the speed of hadax.

A ratio is one of medians within one race; its band is a 99 % bootstrap over the rounds, drawn
together for both where both took part in all of them. Bounds belong to shapes: a race on another
shape (as in the preset smoke) is only checked for right results. A bound whose contender did not
take part is undecided, and says why.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from experiments import _references
from experiments._contenders import OURS, PEERS
from experiments._contract import Check, Relation, Row
from experiments._workloads import numpy_dtype
from hadax.discrepancy import Band

Result: TypeAlias = Mapping[str, Any]

CONFIDENCE = 0.99
RESAMPLES = 2000
LARGE = 1 << 16  # elements from where on hadax is to be first
NATIVE = "hadax native, donated"
FRESH = "hadax native, fresh"
XLA = "hadax xla, fresh"

# How the status begins of what could have taken part elsewhere.
ABSENT = ("not installed", "not available", "failed")

# Native over x + 1, both donated, float32: at most.
LIMITS = {
    (4096, 4096): 1.3,
    (512, 2**14): 1.3,
    (16, 2**20): 2.0,
    (4096, 128): 2.0,
    (4096, 1024): 2.3,
    (1, 2**24): 3.0,
    (1, 2**20): 4.0,
}
# Every shape that has a bound on its time.
TIMED = {*LIMITS, (1, 2**8), (1, 2**12), (1, 2**16)}


def checks(rows: Sequence[Row]) -> list[Check]:
    """Check every race."""
    found: list[Check] = []
    for row in rows:
        if row["workload"] == "import":
            found += _import(row)
            continue
        results = {each["name"]: each for each in row["contenders"]}
        found += _right(row, results)
        found += _CHECKS[row["workload"]](row, results)
    return found


def ratio(over: Result, under: Result) -> Band:
    """Return the ratio of two medians with its bootstrap band."""
    a, b = np.asarray(over["seconds"]), np.asarray(under["seconds"])
    rng = np.random.default_rng(0)
    of_a = rng.integers(len(a), size=(RESAMPLES, len(a)))
    of_b = of_a if len(a) == len(b) else rng.integers(len(b), size=(RESAMPLES, len(b)))
    ratios = np.median(a[of_a], axis=1) / np.median(b[of_b], axis=1)
    return Band(float(np.median(a) / np.median(b)), *_ends(ratios))


def median(seconds: Sequence[float]) -> Band:
    """Return a median with its bootstrap band."""
    values = np.asarray(seconds)
    draws = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    return Band(float(np.median(values)), *_ends(np.median(values[draws], axis=1)))


def _ends(values: NDArray) -> tuple[float, float]:
    """The ends of the middle of bootstrap values."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, (tail, 1 - tail))
    return float(low), float(high)


def _check(statement: str, band: Band, relation: Relation, reference: float) -> Check:
    """A check of a measured band; one round has none."""
    ends = (band.low, band.high) if band.low < band.high else (None, None)
    return Check(statement, "measured", band.value, relation, reference, *ends)


def _undecided(statement: str, missing: str, relation: Relation, reference: float) -> Check:
    """A check for which nothing was measured."""
    return Check(statement, "measured", math.nan, relation, reference, missing=missing)


def _absence(results: Mapping[str, Result], *names: str, of: str = "seconds") -> str:
    """Why contenders have none of what is asked for, or nothing if they all do."""
    statuses = {name: results[name]["status"] if name in results else "not asked" for name in names}
    absent = [name for name in names if name not in results or not results[name][of]]
    return "; ".join(f"{name}: {statuses[name]}" for name in absent)


def _compared(
    row: Row, results: Mapping[str, Result], over: str, under: str, what: str, **bound: Any
) -> Check:
    """Check the ratio of two contenders, if both took part."""
    statement = f"{what}, {place(row)}"
    if missing := _absence(results, over, under):
        return _undecided(statement, missing, **bound)
    return _check(statement, ratio(results[over], results[under]), **bound)


def place(row: Row) -> str:
    """Return the shape and the dtype of a race in words."""
    return f"{row['rows']}x{row['n']} {row['dtype']}"


def _right(row: Row, results: Mapping[str, Result]) -> Iterator[Check]:
    """Everything of ours computes what it should; the law of the tests, 2 sqrt(log2 n) eps."""
    ours = [each for each in results.values() if each["family"] in OURS]
    where = f"{row['workload']}, {place(row)}"
    failures = sum(each["status"].startswith("failed") for each in ours)
    if ours:
        yield Check(f"{where}: variants of hadax that fail", "measured", failures, "at most", 0)
    errors = [each["error"] for each in ours if each["error"] is not None]
    if not errors:
        return
    eps = float(ml_dtypes.finfo(numpy_dtype(row["dtype"])).eps)
    bound = 0.0 if row["workload"] == "integers" else 2 * math.sqrt(math.log2(row["n"])) * eps
    statement = f"{where}: error of hadax (largest of {len(errors)})"
    yield Check(statement, "measured", max(errors), "at most", bound)


def _fwht(row: Row, results: Mapping[str, Result]) -> Iterator[Check]:
    """The limit, the peers, the textbook, the first measurement, the error, the compile time."""
    shape = (row["rows"], row["n"])
    if shape not in TIMED:
        return
    if row["dtype"] == "float32":
        if shape in LIMITS:
            bound = {"relation": "at most", "reference": LIMITS[shape]}
            what = "native / (x + 1), both donated"
            yield _compared(row, results, NATIVE, "limit, x + 1, donated", what, **bound)
        yield from _pure_jax(row, results, shape)
        yield from _compile(row, results)
    if shape == (1, 2**20) and row["dtype"] != "float64":  # in which the right result is known
        yield from _error(row, results)
    if math.prod(shape) >= LARGE:
        yield from _peers(row, results)


def _peers(row: Row, results: Mapping[str, Result]) -> Iterator[Check]:
    """First of all, in place and not; and ahead of the best of them by a margin."""
    first: dict[str, Any] = {"relation": "at least", "reference": 1.0}
    for in_place, ours in ((True, NATIVE), (False, FRESH)):
        theirs = [
            each
            for each in results.values()
            if each["family"] in PEERS and each["in_place"] == in_place
        ]
        how = "in place" if in_place else "fresh"
        timed = [each for each in theirs if each["seconds"]]
        if timed:
            best = min(timed, key=lambda each: each["median"])
            what = f"fastest peer {how} ({best['name']}) / native"
            yield _compared(row, results, best["name"], ours, what, **first)
        # One that was refused, as too slow or for its dtype, is no peer here.
        for each in theirs:
            if each["status"].startswith(ABSENT):
                what = f"{each['name']} / native"
                yield _compared(row, results, each["name"], ours, what, **first)
        if not theirs:
            what = f"fastest peer {how} / native, {place(row)}"
            yield _undecided(what, "no peer: not asked", **first)
    if row["dtype"] == "float32":
        bound = {"relation": "at least", "reference": 1.8 if row["rows"] == 1 else 1.2}
        what = "fht-cpu in place / native donated"
        yield _compared(row, results, "fht-cpu, in place", NATIVE, what, **bound)


def _pure_jax(row: Row, results: Mapping[str, Result], shape: tuple[int, int]) -> Iterator[Check]:
    """Ahead of the textbook, and as fast as when the rule was found."""
    if row["n"] > 256:
        bound = {"relation": "at least", "reference": 1.4}
        what = "textbook JAX / pure JAX, both fresh"
        yield _compared(row, results, "textbook JAX, fresh", XLA, what, **bound)
    table = _references.load("speed")
    for name in (XLA, "hadax xla, donated"):
        known = table[name]["{}x{}".format(*shape)]
        what = f"{name} / first measurement, on its machine, {place(row)}"
        if missing := _absence(results, name):
            check = _undecided(what, missing, "at most", 1.25)
        else:
            band = median([second * 1e6 / known for second in results[name]["seconds"]])
            check = _check(what, band, "at most", 1.25)
        yield dataclasses.replace(check, source="reference")


def _compile(row: Row, results: Mapping[str, Result]) -> Iterator[Check]:
    """Compile times."""
    for name, seconds in ((FRESH, 0.05), (XLA, 0.3)):
        what = f"compile seconds of {name}, {place(row)}"
        if missing := _absence(results, name, of="compile_seconds"):
            yield _undecided(what, missing, "at most", seconds)
        else:
            band = median(results[name]["compile_seconds"])
            yield _check(what, band, "at most", seconds)


def _error(row: Row, results: Mapping[str, Result]) -> Iterator[Check]:
    """No more than twice the error of plain additions."""
    plain = "textbook JAX, fresh"
    for name in (FRESH, XLA):
        what = f"error of {name} / of radix-2 additions, {place(row)}"
        if missing := _absence(results, name, plain, of="error"):
            yield _undecided(what, missing, "at most", 2.0)
        else:
            fraction = results[name]["error"] / results[plain]["error"]
            yield Check(what, "measured", fraction, "at most", 2.0)


def _length(row: Row, results: Mapping[str, Result]) -> Iterator[Check]:
    """Cost of an element beside that of the nearest power of two."""
    if row["n"] not in (576, 11008):
        return
    power = 1 << (row["n"].bit_length() - 1)
    for family in ("hadax native", "hadax xla"):
        mine, base = (f"{family}, donated{end}" for end in ("", ", power of two"))
        what = f"{family}: time of an element, n = {row['n']} / n = {power}, {place(row)}"
        if missing := _absence(results, mine, base):
            yield _undecided(what, missing, "at most", 2.5)
        else:
            seconds = [second * power / row["n"] for second in results[mine]["seconds"]]
            yield _check(what, ratio({"seconds": seconds}, results[base]), "at most", 2.5)


def _rotation(row: Row, results: Mapping[str, Result]) -> Iterator[Check]:
    """Signs cost next to nothing."""
    if (row["rows"], row["n"]) not in TIMED:
        return
    for how in ("donated", "fresh"):
        over, under = f"hadax, rotation, {how}", f"hadax, transform, {how}"
        bound = {"relation": "at most", "reference": 1.15}
        yield _compared(row, results, over, under, f"rotation / transform, {how}", **bound)


def _fftbr(row: Row, results: Mapping[str, Result]) -> Iterator[Check]:
    """Ahead of undoing the order first, and of the peer; the native form pays for its lines."""
    if row["rows"] * row["n"] < LARGE:
        return
    bound = {"relation": "at least", "reference": 1.0}
    for name in ("jnp.fft, gather + fft, fresh", "qmcpy, fftbr"):
        what = f"{name} / hadax.fftbr, fresh"
        yield _compared(row, results, name, "hadax, fftbr, fresh", what, **bound)
    pure, native = "hadax xla, fftbr, fresh", "hadax native, fftbr, fresh"
    bound = {"relation": "at least", "reference": 1.5}
    yield _compared(row, results, pure, native, "fftbr in pure JAX / native, both fresh", **bound)


def _import(row: Row) -> Iterator[Check]:
    """What `import hadax` adds."""
    band = median(row["import_hadax"])
    yield _check("seconds that import hadax adds to import jax", band, "at most", 0.3)


def _nothing(row: Row, results: Mapping[str, Result]) -> Iterator[Check]:
    """No bound but the right result."""
    yield from ()


_CHECKS = {
    "fwht": _fwht,
    "integers": _nothing,
    "length": _length,
    "rotation": _rotation,
    "fftbr": _fftbr,
}
