"""Which linears of a model are rounded, and to what: rules by regular expression."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hadax.quantization import _rule_checks
from hadax.quantization.formats import Format, IntFormat
from hadax.quantization.scales import ScaleDtype, ScaleSpec


@dataclass(frozen=True)
class QuantizationRule:
    """What happens to the linears whose paths match.

    Paths are "blocks/3/query": the block's number and the linear's name. The fields that
    `qwix.QuantizationRule` has too are called as there.

    Args:
        module_path: regular expression of the whole path.
        weight_qtype: format of kernels; None leaves them.
        act_qtype: format of what the linear reads, scaled token by token; None leaves it. Linears
            that read the same vector must agree.
        tile_size: how many consecutive inputs share a scale with an output, the last ones fewer
            where that does not divide them; None for all.
        weight_clip: share of the range that the grid of kernels reaches; None searches the best.
        act_clip: share of the range that the grid of activations reaches.
        act_tile_size: how many neighbours in what the linear reads share a scale, as above; None
            for all.
        scale_dtype: dtype in which scales of kernels are kept; None for that of the computation,
            float32 or float64.

    Example:
        >>> from hadax.quantization import IntFormat, QuantizationRule
        >>> QuantizationRule(".*/down", IntFormat(8)).matches("blocks/3/down")
        True
    """

    module_path: str = ".*"
    weight_qtype: Format | None = None
    act_qtype: Format | None = None
    tile_size: int | None = None
    weight_clip: float | None = None
    act_clip: float = 1.0
    act_tile_size: int | None = None
    scale_dtype: ScaleDtype | None = None

    def __post_init__(self):
        _rule_checks.rule(self, Format)

    @property
    def weight_spec(self) -> ScaleSpec:
        """What shares a scale of a kernel (..., in, out), and how scales are kept."""
        return ScaleSpec(axis=-2, block=self.tile_size, dtype=self.scale_dtype)

    @property
    def act_spec(self) -> ScaleSpec:
        """What shares a scale of what a linear reads."""
        return ScaleSpec(block=self.act_tile_size)

    def matches(self, path: str) -> bool:
        """Whether the rule is about the linear of this path."""
        return re.fullmatch(self.module_path, path) is not None


@dataclass(frozen=True)
class Precision:
    """How all of a model is rounded.

    Args:
        rules: of those that match a linear the first one counts; a linear that none matches is
            left as it is.
        kv_qtype: format of keys and values, one scale a head and token; None leaves them.
        kv_clip: share of their range that the grid reaches.

    Example:
        >>> from hadax.quantization import IntFormat, Precision, QuantizationRule
        >>> four = QuantizationRule(weight_qtype=IntFormat(4))
        >>> first = QuantizationRule("blocks/0/.*")
        >>> mixed = Precision((first, four))
        >>> mixed.rule("blocks/0/up").weight_qtype, mixed.rule("blocks/1/up").weight_qtype
        (None, IntFormat(bits=4, symmetric=True))
    """

    rules: tuple[QuantizationRule, ...]
    kv_qtype: Format | None = None
    kv_clip: float = 1.0

    def __post_init__(self):
        _rule_checks.precision(self, QuantizationRule, Format)

    def rule(self, path: str) -> QuantizationRule:
        """The rule of a linear; one that leaves it where none matches."""
        return next((rule for rule in self.rules if rule.matches(path)), QuantizationRule())


def precision(
    name: str,
    *,
    group: int | None = None,
    weight_clip: float | None = None,
    act_clip: float | None = None,
    kv_clip: float | None = None,
    scale_dtype: ScaleDtype | None = None,
    leave: Iterable[str] = (),
) -> Precision:
    """The same precision for all linears, by its name in papers.

    Args:
        name: "W4A16", "W4A4" or "W4A4KV4": the bits of weights, activations, keys and values, each
            2 to 8, or 16 for none. Weights and activations are symmetric integers, keys and values
            asymmetric ones, as in QuaRot.
        group: how many consecutive inputs of a kernel share a scale, the last ones fewer where that
            does not divide them; None for all.
        weight_clip: share of the range that the grid of kernels reaches; None searches the best.
        act_clip: the same of activations; None takes 0.9, QuaRot's, for up to 4 bits, and 1 above.
        kv_clip: the same of keys and values; None takes 0.95, or 1 above 4 bits.
        scale_dtype: dtype in which scales of kernels are kept; None for float32.
        leave: regular expressions of linears that are left as they are.

    Returns:
        The `Precision`.

    Raises:
        ValueError: another name or dtype, a group below 1, a clip outside its range, or an
            expression that cannot be read.

    Cost:
        None.

    Example:
        >>> from hadax.quantization import precision
        >>> precision("W4A8", leave=[".*/down"]).rule("blocks/0/up").act_qtype
        IntFormat(bits=8, symmetric=True)

    See Also:
        `QuantizationRule`, for other formats and for rules of one's own.

    References:
        Ashkboos et al. (2024), key `ashkboos2024`.
    """
    weights, activations, cache = _rule_checks.bits(name)
    _rule_checks.several("leave", leave)
    left = tuple(QuantizationRule(expression) for expression in leave)
    whole = QuantizationRule(
        ".*",
        None if weights is None else IntFormat(weights),
        None if activations is None else IntFormat(activations),
        group,
        weight_clip,
        _default(act_clip, activations, 0.9),
        scale_dtype=scale_dtype,
    )
    kv = None if cache is None else IntFormat(cache, symmetric=False)
    return Precision((*left, whole), kv, _default(kv_clip, cache, 0.95))


def _default(clip: float | None, bits: int | None, coarse: float) -> float:
    """A clip, or what is usual: grids of few bits are worth clipping for."""
    if clip is not None:
        return clip
    return coarse if bits is not None and bits <= 4 else 1.0
