"""Which transform makes diagonal what which group leaves as it is: every pair, at 16 points.

The residual of a pair is the root mean square, over Gaussian matrices R that the group leaves as
they are, of what the transform leaves off the diagonal:

    sqrt(E |offdiag(Q* R Q)|^2 / E |R - (tr R / n) I|^2),

computed from an orthonormal basis of these matrices in float64: nothing is drawn, and there is no
error but round-off. 0 means that the transform is an eigenbasis of all of them. That is proved
where the transform's own group leaves the same matrices or more (a subgroup, for example); every
other pair is a negative control. "all" stands for all invariant real matrices, "symmetric" for the
symmetric ones (covariances): they differ for the cyclic groups, the reversal and the trivial group.
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from experiments import _references
from experiments._contract import Check, Experiment, Preset, Row
from experiments._settings import check_settings
from hadax import groups

Space: TypeAlias = Literal["symmetric", "all"]
Structure: TypeAlias = groups.PermutationGroup | groups.FoldedDihedral

N = 16
ROUND_OFF = 1e-12
CONTROL = 0.05
"""What a transform that does not belong to a group leaves at least, as measured."""

_S4, _D4, _C4 = groups.symmetric(4), groups.dihedral(4), groups.cyclic(4)
KINDS: tuple[groups.FoldedKind, ...] = get_args(groups.FoldedKind)
STRUCTURES: dict[str, Structure] = {
    "S16": groups.symmetric(16),
    "S4 wr S4": groups.wreath(_S4, _S4),
    "W4": groups.iterated_wreath(4),
    "Z2^4:S4": groups.hamming(4),
    "D4 wr Z2^2": groups.wreath(_D4, groups.elementary_abelian(2)),
    "D4 x D4": groups.direct_product(_D4, _D4),
    "C4 x C4": groups.direct_product(_C4, _C4),
    "D16": groups.dihedral(16),
    "C16": groups.cyclic(16),
    "Z2^4": groups.elementary_abelian(4),
    **{kind: groups.folded_dihedral(kind, N) for kind in KINDS},
    "reversal": groups.reflection(16),
    "trivial": groups.trivial(16),
}
"""What leaves matrices as they are."""
TRANSFORMS = tuple(name for name in STRUCTURES if name not in ("Z2^4:S4", "reversal", "trivial"))
"""Eigenbases, by the name of what they belong to; that of Z2^4:S4 is that of Z2^4."""
ALL = ("C16", "C4 x C4", "reversal", "trivial")
"""Groups that leave matrices as they are that are not symmetric."""


@dataclass(frozen=True)
class Config:
    """Which pairs."""

    seed: int = 0
    """Not used: nothing is random."""
    structures: tuple[str, ...] = tuple(STRUCTURES)
    """What leaves matrices as they are."""
    transforms: tuple[str, ...] = TRANSFORMS
    """Transforms, each named after the group whose eigenbasis it is."""

    def __post_init__(self) -> None:
        check_settings(self)
        for option, names, there in (
            ("--structures", self.structures, tuple(STRUCTURES)),
            ("--transforms", self.transforms, TRANSFORMS),
        ):
            if not set(names) <= set(there):
                raise ValueError(f"{option} must be of {', '.join(there)}, but is {names}")


@dataclass(frozen=True)
class Trial:
    """One pair, for one space of matrices."""

    structure: str
    space: Space
    transform: str


def trials(config: Config) -> Iterator[Trial]:
    """List every pair; all matrices apart from the symmetric ones where there are others."""
    for structure in config.structures:
        spaces: tuple[Space, ...] = ("symmetric",)
        if structure in ALL:
            spaces = ("symmetric", "all")
        for space in spaces:
            for transform in config.transforms:
                yield Trial(structure, space, transform)


def run(trial: Trial, key: jax.Array) -> dict[str, float | bool]:
    """Compute the residual of one pair; `key` is not used."""
    members = _members(trial.structure, trial.space)
    Q = _basis(trial.transform)
    seen = Q.conj().T @ members @ Q
    off = seen * (1 - np.eye(N))
    white = np.trace(members, axis1=1, axis2=2) ** 2 / N
    return {
        "dimension": len(members),
        "residual": float(np.sqrt(_energy(off) / (_energy(members) - white.sum()))),
        "predicted": _is_predicted(trial),
    }


def _is_predicted(trial: Trial) -> bool:
    """Whether the transform is an eigenbasis of these matrices, by theory.

    It is one of all matrices that its own group leaves as they are; so it is one of these if that
    group leaves them as they are.
    """
    structure, group = STRUCTURES[trial.structure], STRUCTURES[trial.transform]
    if isinstance(group, groups.FoldedDihedral):
        # a I + b J is diagonal in every basis that has the constant vector: one of the eight.
        return trial.structure == trial.transform or (
            (trial.structure, trial.transform) == ("S16", "DCT-II")
        )
    if isinstance(structure, groups.FoldedDihedral):
        return False
    members = _members(trial.structure, trial.space)
    return all(np.array_equal(members[:, g][:, :, g], members) for g in group.generators)


def _energy(matrices: NDArray) -> float:
    """The sum of all squares."""
    return float(np.sum(np.abs(matrices) ** 2))


@functools.cache
def _members(name: str, space: Space) -> NDArray[np.float64]:
    """An orthonormal basis (dimension, n, n) of the real matrices that are left as they are."""
    structure = STRUCTURES[name]
    if isinstance(structure, groups.FoldedDihedral):
        Q = _basis(name).real
        return np.einsum("ik,jk->kij", Q, Q)
    labels = groups.orbitals(structure)
    indicators = [(labels == label).astype(float) for label in range(groups.rank(structure))]
    if space == "symmetric":
        sums = {(A + A.T).tobytes(): A + A.T for A in indicators}
        indicators = list(sums.values())
    return np.stack([A / np.linalg.norm(A) for A in indicators])


@functools.cache
def _basis(name: str) -> NDArray[np.complex128]:
    """The basis vectors of a transform as columns."""
    with jax.enable_x64(True):
        analysis = groups.eigenbasis(STRUCTURES[name]).as_matrix(jnp.complex128)
    return np.asarray(analysis).conj().T


def checks(rows: Sequence[Row]) -> list[Check]:
    """The predicted pairs vanish, the others do not, and dimensions are those of the reference."""
    return [*_pair_checks(rows), *_control_checks(rows), *_dimension_checks(rows)]


def _pair_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """Every transform is an eigenbasis of what it belongs to."""
    for name in dict.fromkeys(row["transform"] for row in rows):
        found = [row for row in rows if row["transform"] == name and row["predicted"]]
        if found:
            yield Check(
                f"transform of {name}: an eigenbasis of {len(found)} spaces (largest residual)",
                "ours, proved",
                max(row["residual"] for row in found),
                "at most",
                ROUND_OFF,
            )


def _control_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """No other pair comes close."""
    others = [row["residual"] for row in rows if not row["predicted"]]
    if others:
        yield Check(
            f"negative controls: {len(others)} other pairs (smallest residual)",
            "measured",
            min(others),
            "at least",
            CONTROL,
        )


def _dimension_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """Dimensions of the spaces of symmetric matrices."""
    table = _references.load("group_residuals")["symmetric"]
    found = {row["structure"]: row["dimension"] for row in rows if row["space"] == "symmetric"}
    wrong = [name for name in found if name in table and found[name] != table[name]]
    yield Check(
        f"dimensions of symmetric matrices: {len(found.keys() & table.keys())} of the reference "
        "table (how many differ)",
        "reference",
        len(wrong),
        "at most",
        0.0,
    )


EXPERIMENT = Experiment(
    name="group_residuals",
    question="Which transform makes diagonal what which group leaves as it is?",
    presets={
        "smoke": Preset(
            Config(
                structures=("W4", "D16", "C16", "Z2^4", "DCT-II"),
                transforms=("W4", "D16", "Z2^4", "DCT-II"),
            ),
            minutes=0.1,
        ),
        "quick": Preset(Config(), minutes=0.2),
        "paper": Preset(Config(), minutes=0.2),
    },
    trials=trials,
    run=run,
    checks=checks,
)
