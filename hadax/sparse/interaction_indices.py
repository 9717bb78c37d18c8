r"""How much players do together: interaction indices of a function with a sparse Walsh spectrum.

Every index is a sum over the sets of the spectrum, $I(S) = \sum_{T \supseteq S} w(|T|, |S|)\, F_T$,
with weights that depend on sizes alone: only sets inside of one of the spectrum's have any.
"""

import dataclasses
import functools
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Literal, TypeAlias, get_args

import jax.numpy as jnp
import numpy as np

from hadax import _checks
from hadax._typing import Array
from hadax.sparse import _sparse_checks
from hadax.sparse.spectrum import SparseSpectrum

Index: TypeAlias = Literal["moebius", "bii", "sii", "fbii", "fsii", "stii"]

_SHOWN = 10

# Units of round-off, in all that was added up to a sum, within which it is zero.
_ROUND_OFF = 8.0


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Interactions(Mapping[tuple[int, ...], float]):
    """Interactions of sets of players: a mapping from tuples of players in rising order to floats.

    A set may be asked for in any order, `found[{3, 0}]`, and has 0 if it is not there. `print`
    shows the largest.

    * `by_set`: the interactions that there are;
    * `index`: which index they are;
    * `order`: how many players a set has at most;
    * `n`: players, 0 to n - 1;
    * `success`: that of the spectrum: if it is false, these are not the interactions of f.
    """

    by_set: dict[tuple[int, ...], float]
    index: Index
    order: int
    n: int
    success: bool

    def __getitem__(self, players: Iterable[int]) -> float:
        """The interaction of a set of players."""
        return self.get(players, 0.0)

    def get(self, players: Iterable[int], default: float = 0.0) -> float:
        """The interaction of a set of players, or another number if it is not there."""
        return self.by_set.get(_sparse_checks.players(players, self.n), default)

    def __contains__(self, players: object) -> bool:
        """Whether a set is there."""
        return _sparse_checks.players(players, self.n) in self.by_set

    def __iter__(self) -> Iterator[tuple[int, ...]]:
        return iter(self.by_set)

    def __len__(self) -> int:
        return len(self.by_set)

    def __str__(self) -> str:
        """How many there are, and the largest."""
        known = sorted(self.items(), key=lambda item: -abs(item[1]))
        head = f"{self.index}: {len(self)} sets of up to {self.order} of {self.n} players"
        lines = [head if self.success else f"{head}  OF A SPECTRUM THAT WAS NOT RECOVERED"]
        for players, value in known[:_SHOWN]:
            lines.append(f"{value:+.6g}  {{{', '.join(map(str, players))}}}")
        if len(known) > _SHOWN:
            lines.append(f"... and {len(known) - _SHOWN} more")
        return "\n".join(lines)

    __repr__ = __str__


def interactions(spectrum: SparseSpectrum, index: Index, order: int | None = None) -> Interactions:
    r"""Interactions of the players of $f(x)$, where $x_i = 1$ says that player i is there.

    With the Moebius coefficients $a(S)$, $f(x) = \sum_S a(S) \prod_{i \in S} x_i$, and the
    derivative $\Delta_S f$, the alternating sum of f over the subsets of S, beside other players:

    * "moebius": $a(S) = \Delta_S f$ beside nobody;
    * "bii" (Banzhaf): the mean of $\Delta_S f$ beside all sets of others, $(-2)^{|S|} F_S$;
    * "sii" (Shapley): its mean over sizes of the means of sets of a size; `shapley_values` for one
      player;
    * "fbii" (faithful Banzhaf): $a(S)$ of the polynomial of degree `order` that is nearest to f in
      the mean square of all x;
    * "fsii" (faithful Shapley): the same with weights $1 / (\binom{n}{t} t (n - t))$ of t players,
      and equal to f for none and for all of them;
    * "stii" (Shapley-Taylor): $a(S)$ below the order, and for sets of as many players the mean of
      $\Delta_S f$ beside those who come before S when all players come in random order.

    Args:
        spectrum: F of $f(x) = \sum_T F_T (-1)^{\langle T, x\rangle}$, as `sparse_fwht` finds it.
        index: which of them.
        order: most players of a set; the last three depend on it. Default: as many as the largest
            set of the spectrum has, and then these three are the Moebius coefficients.

    Returns:
        `Interactions`, computed on the host in double precision. Sums that cancel to round-off of
        the coefficients are left out.

    Raises:
        ValueError: an unknown index, several spectra, or too many sets.
        TypeError: the order is no integer.

    Cost:
        A term for each pair of a set of the spectrum and a subset of it of up to `order` players:
        at most 2^22, which is all subsets of sets of 20. Not traceable.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax import sparse
        >>> def f(x):
        ...     return x[:, 0] * x[:, 39] * 5.0 - x[:, 7] * 1.0
        >>> found = sparse.sparse_fwht(f, 40, 6, jax.random.key(0))
        >>> print(sparse.interactions(found, "stii", order=2))
        stii: 2 sets of up to 2 of 40 players
        +5  {0, 39}
        -1  {7}

    See Also:
        `shapley_values`, traceable. `hadax.moebius`: the Moebius coefficients from all 2^n values.
        The peers spectralexplain and shapiq.

    References:
        Grabisch and Roubens (1999), key `grabisch1999`; Tsai, Yeh and Ravikumar (2023), key
        `tsai2023`; Sundararajan, Dhamdhere and Agarwal (2020), key `sundararajan2020`.
    """
    _checks.choice("index", index, get_args(Index))
    _sparse_checks.one_spectrum(spectrum.count)
    bits = np.asarray(spectrum.bits)[: int(spectrum.count)]
    values = np.asarray(spectrum.coefficients)[: int(spectrum.count)].astype(float)
    sizes = bits.sum(axis=1)
    largest = max(1, int(sizes.max(initial=0)))
    most = largest if order is None else _checks.integer("order", order, minimum=1)
    _sparse_checks.few_terms(sum(_terms(index, int(t), most) for t in sizes), largest, most)

    sums: dict[tuple[int, ...], tuple[float, float]] = {}
    for row, value in zip(bits, values, strict=True):
        members = tuple(map(int, np.flatnonzero(row)))
        for size in range(min(most, len(members)) + 1):
            if term := _weight(index, len(members), size, most) * value:
                for players in itertools.combinations(members, size):
                    total, extent = sums.get(players, (0.0, 0.0))
                    sums[players] = total + term, extent + abs(term)
    least = _ROUND_OFF * float(jnp.finfo(spectrum.coefficients.dtype).eps)
    by_set = {
        players: total
        for players, (total, extent) in sorted(sums.items(), key=lambda item: _rank(item[0]))
        if abs(total) > least * extent
    }
    return Interactions(by_set, index, most, spectrum.n, bool(spectrum.success))


def shapley_values(spectrum: SparseSpectrum) -> Array:
    r"""Shapley values of the players of $f(x)$, where $x_i = 1$ says that player i is there.

    $\phi_i = -2 \sum_{T \ni i,\ |T| \text{ odd}} F_T / |T|$: the mean of what player i adds to f
    when all players come in random order. They add up to f of all players less f of none.

    Args:
        spectrum: F of $f(x) = \sum_T F_T (-1)^{\langle T, x\rangle}$, as `sparse_fwht` finds it;
            one or several.

    Returns:
        Array (..., n) of the dtype of the coefficients.

    Cost:
        O(m n) for m coefficients, whatever the sizes of their sets.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax import sparse
        >>> def f(x):
        ...     return x[:, 0] * x[:, 1] * 4.0 + x[:, 2] * 3.0
        >>> found = sparse.sparse_fwht(f, 8, 5, jax.random.key(0))
        >>> sparse.shapley_values(found).round().astype(int)
        Array([2, 2, 3, 0, 0, 0, 0, 0], dtype=int32)

    See Also:
        `interactions`. The peer shap estimates them from samples.

    References:
        Shapley (1953), key `shapley1953`.
    """
    members = spectrum.bits.astype(spectrum.coefficients.dtype)
    sizes = jnp.sum(members, axis=-1)
    share = jnp.where(sizes % 2 == 1, -2 / jnp.maximum(sizes, 1), 0)
    weighted = spectrum.coefficients * share
    return jnp.einsum("...m,...mn->...n", weighted, members, precision="highest")


def _rank(players: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """Small sets first."""
    return len(players), players


def _terms(index: Index, t: int, order: int) -> int:
    """The subsets to which a set of t players adds something."""
    sizes = range(min(order, t) + 1)
    return sum(math.comb(t, s) for s in sizes if _weight(index, t, s, order))


@functools.cache
def _weight(index: Index, t: int, s: int, order: int) -> float:
    """What a Walsh coefficient of t players adds to the interaction of s of them."""
    # F_T adds (-2)^|U| F_T to the Moebius coefficient of every U inside of T.
    parts = (
        math.comb(t - s, u - s) * (-2) ** u * _share(index, u, s, order) for u in range(s, t + 1)
    )
    return float(sum(parts, Fraction(0)))


def _share(index: Index, u: int, s: int, order: int) -> Fraction:
    """What a Moebius coefficient of u players adds to the interaction of s of them."""
    if index == "bii":
        return Fraction(1, 2 ** (u - s))
    if index == "sii":
        return Fraction(1, u - s + 1)
    if index == "moebius" or u <= order:
        return Fraction(u == s)
    if index == "stii":
        return Fraction(s == order, math.comb(u, order))
    sign = (-1) ** (order - s)
    if index == "fbii":
        return Fraction(sign * math.comb(u - s - 1, order - s), 2 ** (u - s))
    counts = math.comb(order, s) * math.comb(u - 1, order)
    return Fraction(sign * s * counts, (s + order) * math.comb(u + order - 1, order + s))
