"""How much faster than its matrix is every eigenbasis that has a fast path?

A trial is a race of two programs on one input of 64 vectors, float32, in one process: the operator
that `groups.eigenbasis` returns, and the product with its matrix, both compiled, each call waited
for. They are timed in turn, the order reversed every other round, so that what drifts on the
machine drifts for both. The complex Fourier matrix is two real ones, as the input is real; where
only one of them fits, each is raced on its own, and the matrix takes the sum of the two times. A
matrix larger than a limit, or than most of the memory, is not formed: its row says so, and has the
time of the operator alone.
"""

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpy.typing import NDArray

from experiments import _speed_checks
from experiments._contract import Check, Experiment, Preset, Row
from experiments._settings import check_settings
from experiments._turns import timing, timings
from hadax import groups, operators

Structure: TypeAlias = groups.PermutationGroup | groups.FoldedDihedral

ROWS = 64
"""Vectors in an input."""
GAIN_FROM = 1 << 10
"""The length from which on an operator is to be faster than its matrix."""
AGREEMENT = 1e-5
"""Largest relative difference of the two outputs: round-off of float32."""
MOST = 0.75
"""Of the machine's memory, what may be filled with a matrix."""


def _folded(kind: groups.FoldedKind) -> Callable[[int], Structure]:
    """The folded dihedral algebra of a kind, for every number of bits."""
    return lambda bits: groups.folded_dihedral(kind, 1 << bits)


def _grid(bits: int) -> Structure:
    """A grid as square as can be, cyclic with reflections along rows and dyadic along columns."""
    rows = bits // 2
    return groups.direct_product(groups.dihedral(1 << rows), groups.elementary_abelian(bits - rows))


def _blocks(bits: int) -> Structure:
    """Blocks of four points."""
    return groups.wreath(groups.dihedral(4), groups.elementary_abelian(bits - 2))


STRUCTURES: dict[str, Callable[[int], Structure]] = {
    "Fourier": lambda bits: groups.cyclic(1 << bits),
    "real Fourier": lambda bits: groups.dihedral(1 << bits),
    "Walsh-Hadamard": groups.elementary_abelian,
    "Haar": groups.iterated_wreath,
    "Helmert": lambda bits: groups.symmetric(1 << bits),
    "tensor": _grid,
    "wreath": _blocks,
    **{kind: _folded(kind) for kind in get_args(groups.FoldedKind)},
}
"""What a basis belongs to, for every number of bits of an index; "tensor" is that of real Fourier
and Walsh-Hadamard, "wreath" that of D4 in blocks and Z2^k across them."""


@dataclass(frozen=True)
class Config:
    """Which bases, how long, and how thoroughly they are timed."""

    seed: int = 0
    """Seed of every random key."""
    bases: tuple[str, ...] = tuple(STRUCTURES)
    """Bases, by their names."""
    bits: tuple[int, ...] = tuple(range(6, 17))
    """Binary logarithms of the lengths."""
    rounds: int = 11
    """Timings of each of the two; 3 where a call takes longer than 0.3 seconds."""
    milliseconds: float = 4.0
    """Length of a timing, at least: it averages so many calls."""
    largest_gib: float = 4.0
    """Matrices that are larger are not formed, nor those that fill most of the memory."""

    def __post_init__(self) -> None:
        check_settings(self, bits=(2, 24), rounds=1)
        if unknown := set(self.bases) - set(STRUCTURES):
            raise ValueError(
                f"--bases must be of {', '.join(STRUCTURES)}, but has {', '.join(unknown)}"
            )
        if not 0 < self.milliseconds <= 10_000:
            raise ValueError(f"--milliseconds must be in (0, 10000], but is {self.milliseconds}")
        if not self.largest_gib > 0:
            raise ValueError(f"--largest-gib must be positive, but is {self.largest_gib}")


@dataclass(frozen=True)
class Trial:
    """One race."""

    basis: str
    n: int
    rounds: int
    milliseconds: float
    largest_gib: float


def trials(config: Config) -> Iterator[Trial]:
    """List the races, short ones first."""
    for bits in config.bits:
        for basis in config.bases:
            yield Trial(basis, 1 << bits, config.rounds, config.milliseconds, config.largest_gib)


def run(trial: Trial, key: jax.Array) -> dict[str, Any]:
    """Hold one race, or two where only one part of a complex matrix fits at a time."""
    op = groups.eigenbasis(STRUCTURES[trial.basis](trial.n.bit_length() - 1))
    x = jax.random.normal(key, (ROWS, trial.n))
    fast = functools.partial(jax.jit(lambda x: op(x)), x)
    parts = ("real", "imag") if _is_complex(op) else ("real",)
    gib = trial.n**2 * 4 / 2**30  # of a part
    room = min(trial.largest_gib, MOST * _memory_gib())
    if gib > room:
        (alone,) = timings([fast], rounds=trial.rounds, milliseconds=trial.milliseconds)
        return {
            "status": f"does not fit: {gib * len(parts):g} GiB, and there is room for {room:g}",
            "difference": None,
            "fast": alone,
            "matrix": None,
            "ratio": None,
            "low": None,
            "high": None,
        }
    pieces = [parts] if gib * len(parts) <= room else [(part,) for part in parts]
    races = [_race(fast, op, x, piece, trial) for piece in pieces]
    of_fast = _combined([race["fast"] for race in races], np.mean)
    of_product = _combined([race["matrix"] for race in races], np.sum)
    ratio = _speed_checks.ratio(of_product, of_fast)
    return {
        "status": "ok",
        "difference": max(race["difference"] for race in races),
        "fast": of_fast,
        "matrix": of_product,
        "ratio": ratio.value,
        "low": ratio.low,
        "high": ratio.high,
    }


def _memory_gib() -> float:
    """The memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _race(
    fast: Callable[[], jax.Array],
    op: operators.LinearOperator,
    x: jax.Array,
    parts: tuple[str, ...],
    trial: Trial,
) -> dict[str, Any]:
    """The operator against the product with some parts of its matrix."""
    product = functools.partial(jax.jit(_product), x, _matrix(op, parts))
    left, right = fast(), product()
    left = getattr(left, parts[0]) if len(parts) == 1 else left
    difference = float(jnp.linalg.norm(left - right) / jnp.linalg.norm(right))
    of_fast, of_product = timings(
        [fast, product], rounds=trial.rounds, milliseconds=trial.milliseconds
    )
    return {"difference": difference, "fast": of_fast, "matrix": of_product}


def _combined(
    several: Sequence[dict[str, Any]], how: Callable[..., NDArray[np.float64]]
) -> dict[str, Any]:
    """One timing of several, round by round."""
    seconds = how([one["seconds"] for one in several], axis=0)
    return timing(seconds, several[0]["calls"])


def _is_complex(op: operators.LinearOperator) -> bool:
    """Whether real input has complex output."""
    image = jax.eval_shape(op, jax.ShapeDtypeStruct((op.shape[1],), jnp.float32))
    return jnp.issubdtype(image.dtype, jnp.complexfloating)


def _matrix(op: operators.LinearOperator, names: tuple[str, ...]) -> tuple[jax.Array, ...]:
    """The transposed matrix (n, n), each of the named parts of it: "real", "imag".

    Made of a few unit vectors at a time, in place: nothing else of its size is there meanwhile.
    """
    n = op.shape[1]
    few = min(n, 1024)

    @functools.partial(jax.jit, donate_argnums=0)
    def write(parts: tuple[jax.Array, ...], start: jax.Array) -> tuple[jax.Array, ...]:
        y = op(jax.nn.one_hot(start + jnp.arange(few), n, dtype=jnp.float32))
        return tuple(
            lax.dynamic_update_slice(part, getattr(y, name), (start, 0))
            for part, name in zip(parts, names, strict=True)
        )

    parts = tuple(jnp.zeros((n, n), jnp.float32) for _ in names)
    for start in range(0, n, few):
        parts = write(parts, jnp.asarray(start, jnp.int32))
    return parts


def _product(x: jax.Array, parts: tuple[jax.Array, ...]) -> jax.Array:
    """The product with a matrix."""
    products = [x @ part for part in parts]
    return lax.complex(*products) if len(products) == 2 else products[0]


def checks(rows: Sequence[Row]) -> list[Check]:
    """Both compute the same, and the operator is faster from some length on."""
    raced = [row for row in rows if row["status"] == "ok"]
    found = [_agreement(raced)] if raced else []
    for basis in dict.fromkeys(row["basis"] for row in raced):
        long = [row for row in raced if row["basis"] == basis and row["n"] >= GAIN_FROM]
        if long:
            least = min(long, key=lambda row: row["ratio"])
            found.append(
                Check(
                    f"{basis}: time of the matrix / of the operator, least from n = {GAIN_FROM} "
                    f"to {max(row['n'] for row in long)} (at n = {least['n']})",
                    "measured",
                    least["ratio"],
                    "at least",
                    1.0,
                    *_band(least),
                )
            )
    return found


def _agreement(raced: Sequence[Row]) -> Check:
    """Operator and matrix differ by round-off."""
    return Check(
        f"operator against matrix, {len(raced)} races (largest relative difference)",
        "measured",
        max(row["difference"] for row in raced),
        "at most",
        AGREEMENT,
    )


def _band(row: Row) -> tuple[float | None, float | None]:
    """The band of a ratio; one round has none."""
    return (row["low"], row["high"]) if row["low"] < row["high"] else (None, None)


EXPERIMENT = Experiment(
    name="basis_speed",
    question="How much faster than its matrix is every eigenbasis that has a fast path?",
    presets={
        "smoke": Preset(
            Config(
                bases=("Fourier", "Helmert", "DCT-II"),
                bits=(6,),
                rounds=2,
                milliseconds=0.1,
                largest_gib=2e-5,
            ),
            minutes=0.1,
        ),
        "quick": Preset(Config(bits=(6, 9, 12), rounds=5, milliseconds=2.0), minutes=0.5),
        "paper": Preset(Config(largest_gib=16.0), minutes=20),
    },
    trials=trials,
    run=run,
    checks=checks,
    timed=True,
)
