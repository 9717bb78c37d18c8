"""What is under contract: one line a transform, one line an operator."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hadax
from hadax import groups, operators
from hadax.kernels import _reference
from hadax.operators.base import Transposed
from hadax.operators.elementary import Selection, Signs


@dataclasses.dataclass(frozen=True)
class Transform:
    """A linear function of the last axis, with the matrix that it must equal."""

    name: str
    function: Callable[..., jax.Array]
    matrix: np.ndarray
    # `fftbr` and its inverse turn real input into complex output.
    complex_output: bool = False

    @property
    def n(self) -> int:
        return self.matrix.shape[1]


def _wht(n: int, order: str = "natural") -> np.ndarray:
    return _reference.hadamard_matrix(n, order=order) / np.sqrt(n)


def _fftbr(n: int, *, inverse: bool) -> np.ndarray:
    return _reference.fft_bit_reversed(np.eye(n), inverse=inverse).T


def _kron(base: list[list[int]], n: int) -> np.ndarray:
    return _reference.kron_power(np.array(base), n)


ZETA, MOEBIUS = [[1, 0], [1, 1]], [[1, 0], [-1, 1]]
BIT_MATRICES = np.array(
    [[[1, 0.5], [-1, 2]], [[0, 1], [1, 0.25]], [[0.5, 0.5], [1, -1]], [[3, 1], [1, 0.5]]]
)
CHANCES = np.array([0.25, 0.5, 0.75])


def _kron2(x: jax.Array, **k: int) -> jax.Array:
    return hadax.kron2_transform(x, BIT_MATRICES, **k)


def _biased() -> np.ndarray:
    spreads = np.sqrt(CHANCES * (1 - CHANCES))
    each = [[[1 - p, p], [s, -s]] for p, s in zip(CHANCES, spreads, strict=True)]
    return functools.reduce(np.kron, np.array(each))


TRANSFORMS = [
    Transform("fwht-8", hadax.fwht, _wht(8)),
    Transform("fwht-1", hadax.fwht, _wht(1)),
    Transform("fwht-128", hadax.fwht, _wht(128)),
    Transform("fwht-12", hadax.fwht, _wht(12)),
    Transform("fwht-80", hadax.fwht, _wht(80)),
    Transform("ifwht-24", hadax.ifwht, _wht(24).T),
    Transform("fwht-dense-24", lambda x, **k: hadax.fwht(x, implementation="dense", **k), _wht(24)),
    Transform("fwht-dyadic", lambda x, **k: hadax.fwht(x, order="dyadic", **k), _wht(16, "dyadic")),
    Transform(
        "fwht-sequency", lambda x, **k: hadax.fwht(x, order="sequency", **k), _wht(16, "sequency")
    ),
    Transform(
        "fwht-backward", lambda x, **k: hadax.fwht(x, norm="backward", **k), _wht(8) * 8**0.5
    ),
    Transform("fwht-forward", lambda x, **k: hadax.fwht(x, norm="forward", **k), _wht(8) / 8**0.5),
    Transform(
        "ifwht-backward", lambda x, **k: hadax.ifwht(x, norm="backward", **k), _wht(8) / 8**0.5
    ),
    Transform("fftbr", hadax.fftbr, _fftbr(16, inverse=False), complex_output=True),
    Transform("ifftbr", hadax.ifftbr, _fftbr(16, inverse=True), complex_output=True),
    Transform("bit_reverse", hadax.bit_reverse, np.eye(16)[_reference.bit_reversal(16)]),
    Transform("zeta", hadax.zeta, _kron(ZETA, 16)),
    Transform("zeta-superset", lambda x, **k: hadax.zeta(x, subset=False, **k), _kron(ZETA, 16).T),
    Transform("moebius", hadax.moebius, _kron(MOEBIUS, 16)),
    Transform("imoebius", hadax.imoebius, _kron(ZETA, 16)),
    Transform("kron2_transform", _kron2, functools.reduce(np.kron, BIT_MATRICES.astype(float))),
    Transform("biased_fwht", lambda x, **k: hadax.biased_fwht(x, CHANCES, **k), _biased()),
]


@dataclasses.dataclass(frozen=True)
class Operator:
    """A factory of an operator from a key, and what is promised of it."""

    name: str
    make: Callable[[jax.Array], operators.LinearOperator]
    orthogonal: bool = False
    invertible: bool = True
    # Its entries are integers, so that it takes integers.
    integer: bool = False
    # Its entries are complex, and so is its output; `orthogonal` then means unitary.
    complex_output: bool = False
    # Rounds of a transform or matrix product in a row: they set the tolerance.
    depth: int = 1


def _indices(key: jax.Array, n: int) -> jax.Array:
    return jax.random.permutation(key, n)


def _gaussian(key: jax.Array, *shape: int) -> jax.Array:
    return jax.random.normal(key, shape)


def _basis(group: groups.PermutationGroup | groups.FoldedAlgebra) -> operators.LinearOperator:
    return groups.eigenbasis(group)


OPERATORS = [
    Operator("hadamard-8", lambda key: operators.hadamard(8), orthogonal=True),
    Operator("hadamard-12", lambda key: operators.hadamard(12), orthogonal=True),
    Operator("dense", lambda key: operators.dense(_gaussian(key, 3, 5)), invertible=False),
    Operator(
        "invertible",
        lambda key: operators.invertible(2 * jnp.eye(5) + 0.3 * _gaussian(key, 5, 5)),
        depth=4,
    ),
    Operator("diagonal", lambda key: operators.diagonal(1 + jnp.abs(_gaussian(key, 6)))),
    Operator("scale", lambda key: operators.scale(3.0, 4)),
    Operator(
        "signs",
        lambda key: Signs(jax.random.rademacher(key, (6,), jnp.int8)),
        orthogonal=True,
        integer=True,
    ),
    Operator(
        "permutation",
        lambda key: operators.permutation(_indices(key, 6)),
        orthogonal=True,
        integer=True,
    ),
    Operator(
        "selection", lambda key: Selection(_indices(key, 6)[:3], 6), invertible=False, integer=True
    ),
    Operator(
        "block_diagonal",
        lambda key: operators.block_diagonal(hadax.haar_rotation(key, 3), 2),
        orthogonal=True,
    ),
    Operator(
        "kronecker",
        lambda key: operators.kronecker(hadax.haar_rotation(key, 3), operators.hadamard(4)),
        orthogonal=True,
        depth=2,
    ),
    Operator(
        "composed",
        lambda key: operators.hadamard(8) @ operators.diagonal(1 + jnp.abs(_gaussian(key, 8))),
        depth=4,
    ),
    Operator(
        "transposed", lambda key: Transposed(Selection(_indices(key, 6)[:3], 6)), invertible=False
    ),
    Operator("one-block", lambda key: hadax.randomized_hadamard(key, 8, 1), orthogonal=True),
    Operator("two-block", lambda key: hadax.randomized_hadamard(key, 12), orthogonal=True, depth=2),
    Operator(
        "six-block", lambda key: hadax.randomized_hadamard(key, 8, 6), orthogonal=True, depth=6
    ),
    Operator(
        "permuted-blocks",
        lambda key: hadax.randomized_hadamard(key, 12, 3, permute="fresh"),
        orthogonal=True,
        depth=3,
    ),
    Operator(
        "fixed-permutation",
        lambda key: hadax.randomized_hadamard(key, 8, 1, permute="fixed"),
        orthogonal=True,
    ),
    Operator("haar", lambda key: hadax.haar_rotation(key, 6), orthogonal=True, depth=4),
    Operator(
        "householder",
        lambda key: hadax.householder(key, 6, reflections=3),
        orthogonal=True,
        depth=4,
    ),
    Operator("kac_walk", lambda key: hadax.kac_walk(key, 6), orthogonal=True, depth=16),
    Operator("srht", lambda key: hadax.srht(key, 16, 5), invertible=False),
    Operator("fourier", lambda key: _basis(groups.cyclic(6)), orthogonal=True, complex_output=True),
    Operator(
        "fractional-fourier-6",
        lambda key: groups.fractional_fourier(6, jax.random.uniform(key)),
        orthogonal=True,
        complex_output=True,
        depth=4,
    ),
    Operator("real-fourier-5", lambda key: _basis(groups.dihedral(5)), orthogonal=True),
    # Up to 32 points by a matrix, longer ones by FFTs.
    Operator("real-fourier-34", lambda key: _basis(groups.dihedral(34)), orthogonal=True),
    Operator("DCT-I", lambda key: _basis(groups.folded_dihedral("DCT-I", 33)), orthogonal=True),
    Operator("DCT-II", lambda key: _basis(groups.folded_dihedral("DCT-II", 34)), orthogonal=True),
    Operator("DST-III", lambda key: _basis(groups.folded_dihedral("DST-III", 35)), orthogonal=True),
    Operator("DST-IV-5", lambda key: _basis(groups.folded_dihedral("DST-IV", 5)), orthogonal=True),
    Operator("DST-IV", lambda key: _basis(groups.folded_dihedral("DST-IV", 34)), orthogonal=True),
    Operator("haar-tree", lambda key: _basis(groups.iterated_wreath(3)), orthogonal=True, depth=2),
    Operator(
        "relabelled-fourier",
        lambda key: _basis(groups.relabelled(groups.dihedral(5), [3, 1, 0, 4, 2])),
        orthogonal=True,
        depth=2,
    ),
    Operator("helmert", lambda key: _basis(groups.symmetric(6)), orthogonal=True, depth=2),
    Operator(
        "wreath-basis",
        lambda key: _basis(groups.wreath(groups.symmetric(3), groups.elementary_abelian(1))),
        orthogonal=True,
        depth=4,
    ),
    Operator(
        "wreath-synthesis",
        lambda key: _basis(groups.wreath(groups.dihedral(3), groups.iterated_wreath(1))).T,
        orthogonal=True,
        depth=4,
    ),
]

every_transform = pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda t: t.name)
every_operator = pytest.mark.parametrize("case", OPERATORS, ids=lambda c: c.name)
