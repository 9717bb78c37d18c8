"""Generating vectors of lattices, found component by component with fast Fourier transforms."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hadax import _checks
from hadax._typing import ArrayLike
from hadax.qmc import _qmc_checks

_PARTS = 2 * np.pi**2


def cbc(
    dimensions: int,
    n: int,
    *,
    n_min: int | None = None,
    weights: ArrayLike | Sequence[float] | None = None,
) -> np.ndarray:
    r"""A generating vector whose every component is the best one after those before it.

    Best by the worst-case error of `lattice_error`. Odd residues modulo $2^r$ are, up to sign, the
    powers of five, so that the errors of all candidates at once are circular correlations.

    Args:
        dimensions: components of the vector.
        n: number of points, a power of two, at least 4.
        n_min: with it, a vector for all powers of two from n_min to n: each component makes the
            largest ratio, over these, of its error to the best possible one the least. None for n
            alone.
        weights: how much each coordinate matters, positive, (dimensions,) or one for all; by
            default $1/j^2$.

    Returns:
        An odd NumPy integer below n / 2 for each dimension, the first one 1.

    Raises:
        ValueError: n or n_min no power of two, n_min above n, or a weight that is not positive.

    Cost:
        O(d n log n) time and O(n) memory, on the host: 10 dimensions at n = 2^14 take 0.03 s.

    Example:
        >>> from hadax import qmc
        >>> vector = qmc.cbc(4, 256)
        >>> bool(qmc.lattice_error(vector, 256) < 0.9 * qmc.lattice_error([1, 75, 3, 121], 256))
        True

    See Also:
        `lattice`, which takes the vector.

    References:
        Nuyens and Cools (2006), key `nuyens2006`; Cools, Kuo and Nuyens (2006), key `cools2006`.
    """
    dimensions = _checks.integer("dimensions", dimensions, minimum=1)
    n = _qmc_checks.power_of_two("n", n, minimum=4)
    n_min = n if n_min is None else _qmc_checks.power_of_two("n_min", n_min, minimum=4)
    _qmc_checks.at_most_points(n_min, n)
    gammas = _qmc_checks.weights(weights, dimensions)
    levels = range(2, n.bit_length())
    # Of the points k / n, those whose denominator is 2^r are, up to sign, 5^b / 2^r; the two that
    # are left are 0 and 1 / 2.
    powers = _powers_of_five(n)
    values = [_bernoulli(powers[: 1 << (r - 2)] % (1 << r) / (1 << r)) for r in levels]
    spectra = [np.fft.rfft(value) for value in values]
    # Of the products of all components so far what exceeds 1, and of it the means over 2^r points:
    # small weights would be lost beside 1.
    rests, ends = [np.zeros(len(value)) for value in values], np.zeros(2)
    of_ends, squares = _bernoulli(np.array([0.0, 0.5])), [0.0 for _ in levels]
    found = []
    for gamma in gammas:
        parts = _mean_products(rests, spectra, ends, of_ends)
        # What they would be with a component of no effect on those before it.
        squares = [
            square + gamma * _mean_bernoulli(1 << r)
            for r, square in zip(levels, squares, strict=True)
        ]
        first = n_min.bit_length() - 3
        best = _best_exponent(parts[first:], squares[first:], gamma)
        found.append(min(powers[best], n - powers[best]))
        squares = [
            square + gamma * float(part[best % len(part)])
            for square, part in zip(squares, parts, strict=True)
        ]
        for rest, value in zip(rests, values, strict=True):
            _extend(rest, gamma * np.roll(value, -best))
        _extend(ends, gamma * of_ends)
    return np.array(found)


def _extend(rest: np.ndarray, part: np.ndarray) -> None:
    """prod (1 + p) - 1 with a factor more, in place of it; the part is used up."""
    part *= 1 + rest
    rest += part


def _mean_products(
    rests: list[np.ndarray], spectra: list[np.ndarray], ends: np.ndarray, of_ends: np.ndarray
) -> list[np.ndarray]:
    """The means over 2^r points of the rest times a new component's function, for all 5^a.

    They are sums of positive coefficients: below 0 is round-off.
    """
    total, found = np.full(1, ends @ of_ends), []
    for r, (rest, spectrum) in enumerate(zip(rests, spectra, strict=True), start=2):
        # Sum over b of rest_b value_(a + b), for all a: both signs of 5^b, hence twice.
        correlation = np.fft.irfft(np.conj(np.fft.rfft(rest)) * spectrum, len(rest))
        total = _doubled(total, len(rest)) + 2 * correlation
        found.append(np.maximum(total / (1 << r), 0))
    return found


def _best_exponent(parts: list[np.ndarray], squares: list[float], gamma: float) -> int:
    """The a for which the component 5^a is best: its largest ratio to the best error is least."""
    worst = np.zeros(1)
    for part, square in zip(parts, squares, strict=True):
        ratios = (square + gamma * part) / (square + gamma * part.min())
        worst = np.maximum(_doubled(worst, len(part)), ratios)
    return int(np.argmin(worst))


def _doubled(values: np.ndarray, length: int) -> np.ndarray:
    """Values of a exponent modulo half of a length, or all of it, by the exponent modulo it."""
    return np.tile(values, length // len(values))


def _powers_of_five(n: int) -> np.ndarray:
    """5^a mod n for a < n / 4."""
    powers = np.ones(1, np.int64)
    step = 5
    while len(powers) < n // 4:
        powers = np.concatenate([powers, powers * step % n])
        step = step * step % n
    return powers


def _bernoulli(x: np.ndarray) -> np.ndarray:
    """2 pi^2 B_2: the sum of exp(2 pi i h x) / h^2 over all h but 0."""
    return _PARTS * (x * (x - 1) + 1 / 6)


def _mean_bernoulli(n: int) -> float:
    """Its mean over k / n for k < n."""
    return _PARTS / 6 / n**2


def lattice_error(
    vector: ArrayLike | Sequence[int], n: int, *, weights: ArrayLike | Sequence[float] | None = None
) -> float:
    r"""The worst-case error of a lattice rule on periodic functions with one square-integrable
    mixed derivative.

    $e^2 = -1 + \frac1n \sum_k \prod_j (1 + \gamma_j\, 2 \pi^2 B_2(\{k g_j / n\}))$ over the unit
    ball of the Korobov space of smoothness one and weights $\gamma$; $e = \sqrt{P_2}$.

    Args:
        vector: integers (d,).
        n: number of points.
        weights: of the coordinates, positive, (d,) or one for all; by default $1/j^2$.

    Returns:
        e, in units of the function's norm.

    Raises:
        ValueError: no integers, n below 1, or a weight that is not positive.

    Cost:
        O(n d) time, O(n) memory, on the host.

    Example:
        >>> from hadax import qmc
        >>> round(qmc.lattice_error([1], 1), 3)  # the square root of 2 zeta(2)
        1.814

    See Also:
        `cbc`, which makes it small.

    References:
        Sloan and Joe (1994), key `sloan1994`.
    """
    found = _qmc_checks.generating_vector(vector)
    n = _checks.integer("n", n, minimum=1)
    gammas = _qmc_checks.weights(weights, len(found))
    index = np.arange(n)
    # The product less 1, and that less the parts of single coordinates, whose means are known.
    rest, mixed, single = np.zeros(n), np.zeros(n), 0.0
    for gamma, component in zip(gammas, found, strict=True):
        part = gamma * _bernoulli(index * (int(component) % n) % n / n)
        mixed += rest * part
        _extend(rest, part)
        single += gamma * _mean_bernoulli(n // math.gcd(int(component), n))
    # The mean of what is mixed is a sum of positive coefficients: below 0 is round-off.
    return math.sqrt(single + max(float(mixed.mean()), 0.0))


def load_vector(path: str | Path) -> np.ndarray:
    r"""A generating vector from a text file of the LDData collection, or one like it.

    After comments (`#` to the end of a line) and, if there is one, a line of words that names the
    format, the file holds the number of dimensions, the number of points that the vector was made
    for, and one component after the other.

    Args:
        path: of the file.

    Returns:
        NumPy integers (d,), for `lattice`.

    Raises:
        ValueError: the file holds anything but integers that are not negative, or not as many of
            them as it says.
        FileNotFoundError: there is no such file.

    Cost:
        Reads the file, of at most 16 MB.

    Example:
        >>> import pathlib, tempfile
        >>> from hadax import qmc
        >>> folder = tempfile.TemporaryDirectory()
        >>> path = pathlib.Path(folder.name) / "vector.txt"
        >>> _ = path.write_text("# lattice\n3 # dimensions\n1024 # points\n1\n363\n233\n")
        >>> qmc.load_vector(path)
        array([  1, 363, 233])
        >>> folder.cleanup()

    See Also:
        `cbc`, which makes vectors. QMCPy: `Lattice(generating_vector="file.txt")`.
    """
    return _qmc_checks.vector_file(Path(path))
