"""The experiment on the sources of rounding's loss: work list, search, checks, refusals."""

import dataclasses

import numpy as np
import pytest

from experiments import _language, _references, quantize_sources
from experiments._cli import main
from experiments._runner import work_list
from hadax.quantization import IntFormat, ScaleSpec, simulate

CONFIG = quantize_sources.EXPERIMENT.presets["paper"].config


def source_rows():
    """Rows of the paper preset for which every statement holds."""
    reference = _references.load("quantize")["rtn"]
    lost = {"W16A4": 5.0, "W16A4KV4": 5.2, "W4A4": 7.0, "W4A4KV4": 7.2}
    rows = []
    for trial in quantize_sources.EXPERIMENT.trials(CONFIG):
        row = dataclasses.asdict(trial)
        nats = lost.get(trial.setting, 0.0) - 1.2 * (trial.method in ("gptq", "quarot"))
        wave = 0.01 * np.sin(np.arange(8)) * nats
        losses = 3.5 + nats + wave - wave.mean()
        scatter = np.exp(0.2 * np.sin(trial.clips))
        value = reference.get(trial.setting, 33.0) * scatter
        rows.append(row | {"perplexity": value, "losses": list(losses)})
    return rows


def test_kernels_are_left_only_where_nothing_but_activations_is_rounded():
    work = list(work_list(quantize_sources.EXPERIMENT, CONFIG).values())
    left = {trial.method for trial in work if trial.setting.startswith("W16A4")}
    assert left == {"rtn", "quarot rtn"}
    seen = {trial.method: trial.calibration_windows for trial in work}
    assert seen == {"none": 0, "rtn": 0, "quarot rtn": 0, "gptq": 64, "quarot": 64}
    searches = {(trial.clips, trial.least) for trial in work if trial.measure == "search"}
    assert len(searches) == len(CONFIG.clips) * len(CONFIG.least)


@pytest.mark.parametrize(("setting", "block"), [("W4A16", None), ("W3A16 g8", 8)])
def test_a_search_takes_the_share_with_the_least_error(setting, block):
    model, shares = _language.load_model("tiny"), (1.0, 0.8, 0.6)
    kernel = np.asarray(quantize_sources._searched(model, setting, shares).blocks.up.kernel)
    format, spec = IntFormat(int(setting[1])), ScaleSpec(axis=-2, block=block)
    plain = np.asarray(model.blocks.up.kernel)

    def by_scale(error):  # what shares a scale is summed over
        layers, inputs, outputs = error.shape
        return (error**2.4).reshape(layers, -1, block or inputs, outputs).sum(axis=2)

    found = by_scale(np.abs(kernel - plain))
    tried = [
        by_scale(np.abs(np.asarray(simulate(plain, format, spec, clip=share)) - plain))
        for share in shares
    ]
    np.testing.assert_allclose(found, np.min(tried, axis=0), rtol=1e-4, atol=1e-12)
    assert len(np.unique(np.argmin(tried, axis=0))) > 1


def test_a_search_needs_kernels_that_are_rounded():
    with pytest.raises(ValueError, match="W16A4 does not"):
        quantize_sources._searched(_language.load_model("tiny"), "W16A4", (1.0, 0.5))


def test_checks_hold_for_rows_that_agree():
    found = quantize_sources.checks(source_rows())
    assert len(found) == 2 + 4 + 2 + 2
    assert {check.holds for check in found} == {"yes"}
    assert {check.source for check in found} == {"reference", "measured"}


@pytest.mark.parametrize(
    ("where", "change", "words"),
    [
        ({"method": "rtn", "setting": "W16A4"}, {"losses": [4.0] * 8}, "activations lose alone"),
        ({"method": "gptq", "setting": "W4A4KV4"}, {"losses": [10.6] * 8}, "GPTQ closes"),
        ({"measure": "search", "setting": "W4A16"}, {"perplexity": 90.0}, "standard deviation"),
        ({"measure": "search", "setting": "W3A16"}, {"perplexity": 90.0}, "another program"),
    ],
)
def test_checks_see_what_is_wrong(where, change, words):
    changed = [row | change if where.items() <= row.items() else row for row in source_rows()]
    found = quantize_sources.checks(changed)
    assert any(words in check.statement for check in found if check.holds == "no")


def test_parts_of_the_rows_make_fewer_statements():
    rows = source_rows()
    alone = [row for row in rows if row["method"] in ("none", "rtn")]
    assert len(quantize_sources.checks(alone)) == 4
    assert quantize_sources.checks([row | {"model": "tiny"} for row in rows]) == []
    other = quantize_sources.checks([row | {"model": "other.gguf"} for row in rows])
    assert len(other) == 2 + 4 + 2


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--least", "1.0", "above 0 and below 1"),
        ("--clips", "1", "--clips must be at least 2"),
        ("--windows", "400", "which nothing is calibrated on"),
        ("--seed", str(2**32 - 1), "--seed must be below"),
    ],
)
def test_wrong_settings_are_said_in_a_line(option, value, message, capsys):
    assert main(["quantize_sources", "smoke", option, value]) == 2
    assert message in capsys.readouterr().err.replace("\n", " ")
