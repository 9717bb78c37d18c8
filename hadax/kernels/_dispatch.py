"""The linear primitives, and the backends that compute them.

A backend is an entry of a table: a function of (x, **parameters) along the last axis. It runs when
a program is lowered, so that an exported program is portable. Pure JAX computes whatever no other
backend can.
"""

from collections.abc import Callable

import jax.numpy as jnp

from hadax import _checks
from hadax._bits import bit_reversal, is_power_of_two, walsh_order
from hadax._linear_primitive import Parameters, define_linear, first_of
from hadax._typing import Array, Implementation, Order, Side
from hadax.kernels import _cuda_rule, _dense, _fourier, _native, _xla, _xla_blocks

_HADAMARD: dict[str, Callable[..., Array]] = {"xla": _xla.hadamard, "dense": _dense.hadamard}


def _same(parameters: Parameters) -> Parameters:
    """The transpose of a symmetric map."""
    return parameters


def _flip_transpose(parameters: Parameters) -> Parameters:
    """The transpose of a map with a `transpose` parameter, which is there only when it is true."""
    return parameters | {"transpose": None if parameters.get("transpose") else True}


def _wht_kernel(
    x: Array,
    *signs: Array,
    order: Order = "natural",
    implementation: Implementation | None = None,
    transpose: bool = False,
    scale: float = 1.0,
    side: Side = "before",
) -> Array:
    """scale * H x, or H^T, with one vector of signs before or after it, and the rows in `order`."""
    given = {"implementation": implementation, "transpose": transpose or None, "scale": scale}
    if signs:
        s = signs[0].astype(x.dtype).reshape((1,) * (x.ndim - 1) + signs[0].shape)
        y = wht(x * s if side == "before" else x, order=order, **given)
        return y if side == "before" else y * s
    rows = walsh_order(x.shape[-1], order)
    if rows is not None:
        return jnp.take(wht(x, **given), rows, axis=-1, unique_indices=True, mode="clip")
    if implementation is not None and implementation not in _HADAMARD:
        _checks.backend_cannot(implementation, "it does not serve this platform")
    return _HADAMARD[implementation or "xla"](x, scale=scale, transpose=transpose)


def _wht_transpose(parameters: Parameters) -> Parameters:
    if "side" in parameters:
        side = "before" if parameters["side"] == "after" else "after"
        parameters = parameters | {"side": side}
    # The Walsh matrix is symmetric in all three orders; at other lengths H and H^T differ.
    return parameters if is_power_of_two(parameters["n"]) else _flip_transpose(parameters)


def _kron2_transpose(parameters: Parameters) -> Parameters:
    (a, b), (c, d) = parameters["base"]
    return parameters | {"base": ((a, c), (b, d))}


def _fftbr_kernel(
    x: Array,
    *,
    implementation: Implementation | None = None,
    inverse: bool = False,
    transpose: bool = False,
) -> Array:
    """Forward F R, inverse R F*, with the bit reversal R; the transposes are R F and F* R."""
    if implementation not in (None, "xla"):
        native = implementation == "native"
        reason = "it does not serve this platform" if native else "it has no Fourier transform"
        _checks.backend_cannot(implementation, reason)
    transform = jnp.fft.ifft if inverse else jnp.fft.fft
    if inverse == transpose:
        return transform(_bit_reverse_kernel(x), norm="ortho")
    return _bit_reverse_kernel(transform(x, norm="ortho"))


def _bit_reverse_kernel(x: Array) -> Array:
    r = bit_reversal(x.shape[-1])
    return jnp.take(x, r, axis=-1, unique_indices=True, mode="clip")


_WHT_RULES = {
    "cpu": first_of(_native.lower_wht, _xla_blocks.lower_wht),
    "cuda": _cuda_rule.lower_wht,
}
# Elsewhere XLA has an FFT, and a permutation costs little beside it.
_FFTBR_RULES = {"cpu": first_of(_native.lower_fftbr, _fourier.lower_fftbr)}

wht = define_linear("hadax_wht", _wht_kernel, _wht_transpose, _WHT_RULES)
kron2 = define_linear("hadax_kron2", _xla.kron2, _kron2_transpose)
fftbr = define_linear("hadax_fftbr", _fftbr_kernel, _flip_transpose, _FFTBR_RULES)
bit_reverse = define_linear("hadax_bit_reverse", _bit_reverse_kernel, _same)
