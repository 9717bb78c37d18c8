"""Error texts of which values of a function are asked for."""

import math

from hadax import _checks

# Parities of which all combinations are tried.
_MOST_TRIED = 10


def bins(
    value: object, n: int, sparsity: int, groups: int, base: int, *, least: float, ample: float
) -> int:
    """`value` as a number of bins of a group, `least` or more of them: its logarithm."""
    count = _checks.integer("bins", value, minimum=2)
    inner = round(math.log(count, base))
    if base**inner != count:
        said = "two" if base == 2 else f"base={base}"
        raise ValueError(f"Argument `bins` must be a power of {said}, but is {count}.")
    if count < least:
        fewest, advised = (base ** math.ceil(math.log(most, base)) for most in (least, ample))
        raise ValueError(
            f"Argument `bins` must be at least {fewest}, but is {count}: {groups} groups of "
            f"{count} bins are {groups * count / sparsity:.3g} for each of sparsity={sparsity} "
            f"coefficients, and below {groups * least / sparsity:.4g} peeling fails. Take "
            f"{advised}, with which it seldom does, or leave it out."
        )
    sparse_enough(inner, n, sparsity, groups, base)
    return inner


def sparse_enough(inner: int, n: int, sparsity: int, groups: int, base: int) -> None:
    """Refuse bins of which there are no fewer than points."""
    if groups * base**inner >= base**n:
        dense = "hadax.fwht" if base == 2 else "jax.numpy.fft.fftn"
        if groups * base >= base**n:
            raise ValueError(
                f"Argument `n` must be so large that {groups} groups of {base} bins are fewer than "
                f"{base}^n points, but is {n}. Transform all values with {dense}."
            )
        raise ValueError(
            f"Argument `sparsity` must be small beside the {base}^n={base**n} points, but is "
            f"{sparsity}: that takes {groups} groups of {base**inner} bins. Transform all values "
            f"with {dense}."
        )


def countable(count: int) -> None:
    """Refuse more points than 32 bits number."""
    if count >= 2**31:
        raise ValueError(
            "Argument `sparsity` must be such that fewer than 2^31 values are asked for, but takes "
            f"{count}. Lower it, or `repetitions`."
        )


def repetitions(value: object, decoder: str) -> int:
    """`value` as a number of repetitions, which some decoders have; by default 3 for "nso"."""
    if value is None:
        return 3 if decoder == "nso" else 1
    count = _checks.integer("repetitions", value, minimum=1)
    if decoder in ("noiseless", "coded") and count != 1:
        raise ValueError(
            f"Argument `repetitions` must be 1 with decoder='{decoder}', but is {count}. Take "
            "decoder='nso' or 'bch'."
        )
    return count


def degree(value: object, decoder: str) -> None:
    """Refuse a degree without the decoder that has one, and the other way round."""
    if decoder == "bch" and value is None:
        raise ValueError(
            "Argument `degree` must be given with decoder='bch', but is None: the most ones that "
            "an index may have."
        )
    if decoder != "bch" and value is not None:
        raise ValueError(
            f"Argument `degree` must be None with decoder='{decoder}', but is {value}. Take "
            "decoder='bch'."
        )


def low_degree(value: object, n: int) -> int:
    """`value` as the most ones of an index of n bits."""
    most = _checks.integer("degree", value, minimum=1)
    _checks.at_most("degree", most, n, what="n")
    return most


def chase(value: object, decoder: str = "bch") -> int:
    """`value` as a number of parities that are tried both ways, for the decoder that does."""
    count = _checks.integer("chase", value, minimum=0)
    if decoder != "bch" and count:
        raise ValueError(
            f"Argument `chase` must be 0 with decoder='{decoder}', but is {count}. Take "
            "decoder='bch'."
        )
    _checks.at_most("chase", count, _MOST_TRIED, what="limit")
    return count
