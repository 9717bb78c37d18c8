"""Doubling the points until an integral is known to a tolerance, and what is then known."""

import dataclasses
import math
import time
from collections.abc import Callable
from typing import Literal, TypeAlias

import jax.numpy as jnp
import numpy as np

from hadax._typing import Array, ArrayLike

Meaning: TypeAlias = Literal["either", "both"]
Quantity: TypeAlias = Callable[[np.ndarray, np.ndarray], tuple[ArrayLike, ArrayLike]]


# Above it a result says that its error bound may not hold.
_SUSPECT = 1.25


@dataclasses.dataclass(frozen=True)
class Tolerance:
    """How far an answer v may be from the truth: the larger or the smaller of two tolerances."""

    absolute: float
    relative: float
    meaning: Meaning

    def at(self, v: np.ndarray) -> np.ndarray:
        """The distance that is allowed from v."""
        choose = np.maximum if self.meaning == "either" else np.minimum
        return np.asarray(choose(self.absolute, self.relative * np.abs(v)), v.dtype)

    def answer(
        self, estimate: np.ndarray, low: np.ndarray, high: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The nearest answer to an estimate that is good for any truth between low and high.

        And whether there is one, without which the estimate is left.
        """
        # Tolerances change less than truths do, so that the ends are what is hardest to meet.
        least, most = high - self.at(high), low + self.at(low)
        good = np.asarray(least <= most)
        return np.where(good, np.clip(estimate, least, most), estimate), good


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Cubature:
    """An integral, how well it is known, and what that took; prints as a table.

    `integral` and `error_bound` have the shape of one value of the integrand; the truth is believed
    to be within `error_bound` of `integral`. `converged` holds whether each tolerance was met; `n`
    is the number of points; `seconds` includes compiling, the first time that an integrand is seen;
    `finite` is whether all means of its values are.
    `cone` (adaptive cubature without control variates only) is how far coefficients contradict
    what its bound supposes of them: at most 1 in theory; measured, up to 1.1 for functions that
    integrate well, whose coefficients are not quite in order, and 1.4 to 4 for noise or waves.
    `log_weight` (Bayesian cubature only) is the logarithm of the kernel's weight that was found for
    each integral of f, and `at_end` whether it is at an end of `log_range`; `misfit` is how many
    times as large as the process expects the worst of some coefficients is: 2 to 3 for draws of it.
    """

    integral: Array
    error_bound: Array
    converged: Array
    n: int
    seconds: float
    tolerance: Tolerance
    finite: bool = True
    cone: np.ndarray | None = None
    log_weight: np.ndarray | None = None
    at_end: np.ndarray | None = None
    misfit: np.ndarray | None = None

    def __repr__(self) -> str:
        """A line for every integral, the first ten of them, and what they took."""
        values, bounds, good = (
            jnp.ravel(part).tolist() for part in (self.integral, self.error_bound, self.converged)
        )
        lines = [
            f"{value:.8g} +- {bound:.2g}" + ("" if is_good else "  NOT CONVERGED")
            for value, bound, is_good in zip(values[:10], bounds[:10], good[:10], strict=True)
        ]
        if len(values) > len(lines):
            lines.append(
                f"... and {len(values) - len(lines)} more, {good.count(False)} not converged"
            )
        if not self.finite:
            lines.append("The integrand is not finite at some of the points, or its sum is not.")
        elif not all(map(math.isfinite, values + bounds)):
            lines.append("Integrals whose bounds are not finite are not known.")
        if self.cone is not None and np.max(self.cone, initial=0) > _SUSPECT:
            found = f"(cone {self.cone.max():.2g})"
            lines.append(f"Coefficients do not fall as the error bound supposes {found}.")
        if self.at_end is not None and np.any(self.at_end):
            found = f"{np.sum(self.at_end)} of {np.size(self.at_end)}"
            lines.append(f"Weights of the kernel are at an end of log_range, for {found} fits.")
        asked = f"tolerance {self.tolerance.absolute:g}"
        if self.tolerance.relative:
            asked += f" {self.tolerance.meaning} {self.tolerance.relative:g} relative"
        return "\n".join([*lines, f"{self.n} points, {self.seconds:.3g} s, {asked}"])


def refine(
    step: Callable[[int], tuple[Array, Array, np.ndarray | None]],
    shape: tuple[int, ...],
    sizes: list[int],
    tolerance: Tolerance,
    quantity: Quantity | None,
) -> Cubature:
    """Take steps, of means and their error bounds (q,) from n points, until they are good."""
    started = time.perf_counter()
    for n in sizes:
        mean, error, cone = step(n)
        dtype = mean.dtype
        # Bounds and tolerances may be much smaller than what they are about.
        mean, error = (np.asarray(part, np.float64).reshape(shape) for part in (mean, error))
        low, high = np.asarray(mean - error), np.asarray(mean + error)
        estimate = mean
        with np.errstate(invalid="ignore", over="ignore"):
            if quantity is not None:
                low, high = (np.asarray(end, np.float64) for end in quantity(low, high))
                estimate = np.asarray((low + high) / 2)
            answer, good = tolerance.answer(estimate, low, high)
            answer = answer.astype(dtype)
            bound = np.maximum(high - answer, answer - low).astype(dtype)
        good &= np.isfinite(bound)
        finite = bool(np.all(np.isfinite(mean)))
        if np.all(good) or not finite:
            break
    seconds = time.perf_counter() - started
    answer, bound, good = (jnp.asarray(part) for part in (answer, bound, good))
    return Cubature(answer, bound, good, n, seconds, tolerance, finite, cone)
