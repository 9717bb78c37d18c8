"""Rules: which of them counts, how names of precisions are read."""

import pytest

from hadax.quantization import FloatFormat, IntFormat, Precision, QuantizationRule, precision


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("W4A16", (IntFormat(4), None, None)),
        ("W16A8", (None, IntFormat(8), None)),
        ("W2A4KV3", (IntFormat(2), IntFormat(4), IntFormat(3, symmetric=False))),
    ],
)
def test_names(name, expected):
    found = precision(name, group=32)
    rule = found.rule("blocks/0/up")
    assert (rule.weight_qtype, rule.act_qtype, found.kv_qtype) == expected
    assert rule.tile_size == 32


def test_clips_are_for_grids_of_few_bits():
    assert precision("W4A4KV4").rule("blocks/0/up").act_clip == 0.9
    assert precision("W4A8").rule("blocks/0/up").act_clip == 1.0
    assert precision("W4A4KV4").kv_clip == 0.95
    assert precision("W4A4", act_clip=0.5).rule("blocks/0/up").act_clip == 0.5


def test_the_first_rule_that_matches_the_whole_path_counts():
    rules = Precision(
        (
            QuantizationRule("blocks/1", IntFormat(2)),  # no linear's whole path
            QuantizationRule(r"blocks/\d/(up|gate)", FloatFormat("e2m1")),
            QuantizationRule("blocks/1/.*", IntFormat(3)),
        )
    )
    assert rules.rule("blocks/1/up").weight_qtype == FloatFormat("e2m1")
    assert rules.rule("blocks/1/down").weight_qtype == IntFormat(3)
    assert rules.rule("blocks/2/down") == QuantizationRule()


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (ValueError, "must be such as", lambda: precision("W4")),
        (ValueError, "must be such as", lambda: precision("W1A4")),
        (ValueError, "must be such as", lambda: precision("W4A12")),
        (ValueError, "must be such as", lambda: precision(4)),
        (ValueError, "regular expression", lambda: precision("W4A4", leave=["("])),
        (ValueError, "group|tile_size", lambda: precision("W4A4", group=0)),
        (ValueError, "`act_clip` must be above 0", lambda: precision("W4A4", act_clip=0.0)),
        (TypeError, "number format", lambda: QuantizationRule(weight_qtype="int4")),
        (TypeError, "`rules` must be a tuple", lambda: Precision([QuantizationRule()])),
    ],
)
@pytest.mark.usefixtures("without_shape_checks")
def test_bad_rules_are_refused(error, message, call):
    with pytest.raises(error, match=message):
        call()
