"""Integrals to a tolerance, from how fast Fourier or Walsh coefficients fall."""

from collections.abc import Callable

import numpy as np

from hadax._typing import Array, ArrayLike
from hadax.qmc import _cubature_checks
from hadax.qmc._decay import Decay, decay
from hadax.qmc._refinement import Cubature, Meaning, Quantity, refine
from hadax.qmc.gram import Points
from hadax.qmc.periodization import Periodization


def adaptive_cubature(
    f: Callable[[Array], Array],
    points: Points,
    *,
    abs_tol: float = 1e-2,
    rel_tol: float = 0.0,
    meaning: Meaning = "either",
    n_min: int = 2**10,
    n_max: int = 2**20,
    inflation: float = 5.0,
    periodization: Periodization | None = "baker",
    control: Callable[[Array], Array] | None = None,
    control_integrals: ArrayLike | None = None,
    quantity: Quantity | None = None,
) -> Cubature:
    r"""The integral of a function over the unit cube, with as many points as a tolerance takes.

    The mean over $2^m$ points of a lattice errs by Fourier coefficients, over those of a net by
    Walsh coefficients, that the points cannot tell from the constant. Sampled coefficients, in an
    order in which they fall, tell how large these are: the error is at most $a\, 2^{-m}
    \sum_{k = 2^{m-5}}^{2^{m-4} - 1} |\hat y_{\kappa(k)}|$ for functions whose coefficients fall
    regularly (a cone of functions, given by the inflation a). Points are doubled until the bound
    meets the tolerance.

    Args:
        f: function from points (n, d) to values (n,), or (n, ...) for several integrals at once,
            real and traceable. Define it once: it is compiled for each number of points, and kept.
        points: a lattice, as of `random_shift(key, lattice(cbc(d, n_max, n_min=n_min)))`, or a net
            that is not scrambled point by point. Make the vector for all n_max points: with more
            points than it was made for, frequencies that these take for the constant stay low, and
            bounds are too small without a sign of it. This is not checked.
        abs_tol: absolute tolerance.
        rel_tol: relative tolerance, below 1.
        meaning: whether "either" of the tolerances or "both" have to be met.
        n_min: points to begin with, a power of two, at least 2^8.
        n_max: most points, a power of two; memory is O(n_max (d + outputs)).
        inflation: a, larger for less regular functions.
        periodization: what makes f periodic on a lattice, see `periodize`; not used on nets.
        control: function from points (n, d) to (n,) or (n, c) whose integrals are known: control
            variates. f less the multiple of it that has the smallest coefficients is integrated.
        control_integrals: number or array (c,).
        quantity: what is wanted of the integrals, if not these: a function from bounds below and
            above them, arrays of shape s, to bounds of what is wanted, which then is to meet the
            tolerances.

    Returns:
        A `Cubature`. If n_max was not enough, `converged` is false in it, and its error bound is
        the one that was reached.

    Raises:
        ValueError: tolerances that nothing meets, n_min or n_max no powers of two, an f of another
            shape, control variates without integrals, or points scrambled one by one.
        TypeError: f does not return real floating point, or a call under jit, vmap or grad: take
            the mean of a fixed number of points there, for example of as many as this took.

    Cost:
        O(n (d + log n)) for each output beside n values of f. In float32 no bound below about 1e-6
        of the largest value is to be had: `jax.enable_x64` for more.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax import qmc
        >>> def f(x):
        ...     return jnp.exp(-jnp.sum(x**2, axis=-1))
        >>> points = qmc.digital_shift(jax.random.key(0), qmc.sobol(3))
        >>> found = qmc.adaptive_cubature(f, points, abs_tol=1e-3)
        >>> found  # doctest: +ELLIPSIS
        0.41... +- 0.000...
        1024 points, ... s, tolerance 0.001
        >>> bool(found.converged), bool(abs(found.integral - 0.746824**3) < 1e-3)
        (True, True)

    See Also:
        `bayesian_cubature`. QMCPy: `CubQMCLatticeG`, `CubQMCNetG`; GAIL: `cubLattice_g`,
        `cubSobol_g`.

    References:
        Jimenez Rugama and Hickernell (2016), key `jimenezrugama2016`; Hickernell and Jimenez Rugama
        (2016), key `hickernell2016`; control variates: Hickernell, Jimenez Rugama and Li (2018),
        key `hickernell2018`.
    """
    _cubature_checks.concrete(points, abs_tol, rel_tol, inflation, control_integrals)
    target = _cubature_checks.tolerance(abs_tol, rel_tol, meaning)
    sizes = _cubature_checks.sizes(points, n_min, n_max, least=2**8)
    _cubature_checks.periodization(periodization)
    _cubature_checks.positive("inflation", inflation)
    shape = _cubature_checks.output_shape("f", f, points, sizes[0])
    known = _cubature_checks.control(control, control_integrals, points, sizes[0])
    before: Decay | None = None

    def step(n: int) -> tuple[Array, Array, np.ndarray | None]:
        nonlocal before
        before = found = decay(
            points,
            before,
            known,
            f=f,
            control=control,
            n=n,
            n_min=n_min,
            periodization=periodization,
            inflation=inflation,
        )
        _cubature_checks.concrete(found.means)
        # With control variates the function whose coefficients fall is another one each time.
        cone = None if known is not None else found.cone().reshape(shape)
        return found.means, found.sums * (inflation / n), cone

    return refine(step, shape, sizes, target, quantity)
