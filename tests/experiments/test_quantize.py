"""The experiments on quantized language models: work lists, texts, checks, refusals."""

import dataclasses
import itertools

import numpy as np
import pytest
from tokenizers import Tokenizer, models

from experiments import _language, _references, _systems, quantize, quantize_rotations
from experiments._cli import main
from experiments._contract import UsageError
from experiments._language import Corpus
from experiments._runner import work_list
from tests.models.folders import write_folder

METHODS = quantize.EXPERIMENT.presets["paper"].config
ROTATIONS = quantize_rotations.Config(draws=3, learned_draws=2)


def corpus(size):
    """A text in which each token is its own place."""
    return Corpus(np.arange(size), size)


@pytest.mark.parametrize(
    ("size", "count", "time"), [(75_678, 16, 512), (4096, 2, 16), (100, 2, 25)]
)
def test_nothing_is_calibrated_on_what_models_are_judged_by(size, count, time):
    seen = _language.calibration_tokens(corpus(size), 2, 16)
    judged = _language.judged_tokens(corpus(size), count, time)
    assert not np.intersect1d(seen, judged).size
    with pytest.raises(UsageError, match="nothing is calibrated on"):
        _language.judged_tokens(corpus(size), 1, min(8192, size // 2) + 1)
    with pytest.raises(UsageError, match="leave 1000000 tokens"):
        _language.calibration_tokens(corpus(size), 1000, 1000)


def test_the_model_of_a_folder(tmp_path):
    """Of a Hugging Face folder too, so that weights that were never rounded can be looked at."""
    tiny = _language.load_model("tiny")
    write_folder(tmp_path, tiny)
    letters = {chr(97 + i): i for i in range(tiny.config.vocabulary)}
    Tokenizer(models.BPE(letters, [])).save(str(tmp_path / "tokenizer.json"))
    text = tmp_path / "text.txt"
    text.write_text("ab" * 100)
    found = _language.load_corpus(str(tmp_path), str(text))
    np.testing.assert_array_equal(found.ids, [0, 1] * 100)
    tokens = _language.judged_tokens(found, 2, 16)
    loaded = _language.load_model(str(tmp_path))
    assert _systems.predicted(loaded, tokens) == _systems.predicted(tiny, tokens)


def test_work_lists():
    work = list(work_list(quantize.EXPERIMENT, METHODS).values())
    learned = [trial for trial in work if trial.method in _systems.LEARNED]
    assert {trial.setting for trial in learned} == {"W16A16", *METHODS.learned_settings}
    steps = {trial.method: trial.steps for trial in learned}
    assert steps == {
        "spinquant rtn": METHODS.steps,
        "spinquant": METHODS.steps,
        "flatquant": METHODS.flat_steps,
    }
    assert {trial.calibration_windows for trial in work if trial.method == "rtn"} == {0}
    # Settings that round weights alike follow one another, so that these are rounded once.
    for method in ("rtn", "quarot"):
        order = [_systems.weights_alone(t.setting) for t in work if t.method == method]
        assert len(list(itertools.groupby(order))) == len(set(order))
    drawn = list(work_list(quantize_rotations.EXPERIMENT, ROTATIONS).values())
    for rotation, draws in (("haar", {0, 1, 2}), ("none", {0}), ("klt", {0}), ("learned", {0, 1})):
        assert {t.draw for t in drawn if t.rotation == rotation} == draws
    clipped = {t.setting for t in drawn if t.rotation == "none clipped"}
    assert clipped == {t.setting for t in drawn} - {s for s in METHODS.settings if "A16" in s} - {
        "W16A16"
    }


def method_rows():
    """Rows of the paper preset that agree with every reference and claim."""
    reference = _references.load("quantize")
    plain = np.log(reference["unquantized"])
    perplexity = {"rtn": reference["rtn"], "gptq": {}, "quarot rtn": {}, "quarot": {}}
    fallback = {"none": 33.06, "rtn": 1e4, "gptq": 60.0, "quarot rtn": 250.0, "quarot": 60.0,
                "spinquant rtn": 150.0, "spinquant": 50.0, "flatquant": 55.0}  # fmt: skip
    rows = []
    for trial in quantize.EXPERIMENT.trials(METHODS):
        row = dataclasses.asdict(trial)
        if trial.measure == "invariance":
            rows.append(row | {"logit_difference": 1e-4})
            continue
        value = perplexity.get(trial.method, {}).get(
            trial.setting, fallback.get(trial.method, 90.0)
        )
        value = 33.06 * 1.05 if trial.method == "gptq" else value
        wave = 0.01 * np.sin(np.arange(8)) * (np.log(value) - plain)
        rows.append(row | {"perplexity": value, "losses": list(np.log(value) + wave - wave.mean())})
    return rows


def rotation_rows():
    """Rows of the rotations that agree with every reference and claim."""
    reference = _references.load("quantize")
    rows = []
    for trial in quantize_rotations.EXPERIMENT.trials(ROTATIONS):
        row = dataclasses.asdict(trial)
        if trial.measure == "invariance":
            rows.append(row | {"logit_difference": 1e-4})
            continue
        plain = {"W4A16 g96": 45.0}.get(trial.setting, 1e5)
        value = reference.get(trial.rotation, {}).get(trial.setting, 400.0)
        no_reference = ("W4A4KV4", "W4A4 g96", "W4A4KV4 g96")
        if trial.rotation == "one block" and trial.setting in no_reference:
            value = 250.0  # better than the others
        spread = np.exp(0.1 * (trial.draw - 1))
        is_plain = trial.rotation.startswith("none")
        rows.append(row | {"perplexity": plain if is_plain else value * spread})
    return rows


@pytest.mark.parametrize(
    ("module", "rows"), [(quantize, method_rows()), (quantize_rotations, rotation_rows())]
)
def test_checks_hold_for_rows_that_agree(module, rows):
    found = module.checks(rows)
    assert {check.holds for check in found} == {"yes"}
    assert {check.source for check in found} == {"reference", "measured", "ours, proved"}


@pytest.mark.parametrize(
    ("module", "rows", "where", "change", "words"),
    [
        (quantize, method_rows(), {"measure": "invariance"}, {"logit_difference": 0.1}, "logits"),
        (quantize, method_rows(), {"method": "rtn", "setting": "W4A16"}, {"perplexity": 70.0},
         "perplexity of rtn at W4A16"),
        (quantize, method_rows(), {"method": "quarot rtn", "setting": "W4A4"},
         {"losses": [9.0] * 8}, "tenth"),
        (quantize, method_rows(), {"method": "gptq", "setting": "W3A16"},
         {"losses": [7.0] * 8}, "share"),
        (quantize, method_rows(), {"method": "spinquant", "setting": "W4A4"},
         {"losses": [5.0] * 8}, "spinquant over quarot"),
        (quantize_rotations, rotation_rows(), {"rotation": "haar", "setting": "W4A4KV4"},
         {"perplexity": 2.0}, "one block over haar"),
        (quantize_rotations, rotation_rows(), {"measure": "invariance"},
         {"logit_difference": 0.1}, "logits"),
        (quantize_rotations, rotation_rows(), {"rotation": "one block", "setting": "W4A4"},
         {"perplexity": 5e3}, "one block"),
        (quantize_rotations, rotation_rows(), {"rotation": "haar", "setting": "W4A4"},
         {"perplexity": 5e4}, "haar"),
        (quantize_rotations, rotation_rows(), {"rotation": "haar", "setting": "W4A16 g96"},
         {"perplexity": 40.0}, "haar"),
        (quantize_rotations, rotation_rows(), {"rotation": "haar", "setting": "W4A4 g96"},
         {"perplexity": 2.0}, "one block over haar"),
    ],
)  # fmt: skip
def test_checks_see_what_is_wrong(module, rows, where, change, words):
    changed = [row | change if where.items() <= row.items() else row for row in rows]
    wrong = [check.statement for check in module.checks(changed) if check.holds == "no"]
    assert wrong
    assert any(words in statement for statement in wrong)


def test_methods_without_what_they_are_compared_with_have_fewer_checks():
    for methods in (("gptq",), ("quarot",), ("rtn", "gptq", "quarot"), ("flatquant",)):
        found = [row for row in method_rows() if row["method"] in ("none", *methods)]
        assert len(quantize.checks(found)) < len(quantize.checks(method_rows()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["quantize", "smoke", "--draws", "0"], "--draws must be at least 1"),
        (["quantize", "smoke", "--windows", "400"], "which nothing is calibrated on"),
        (["quantize_rotations", "smoke", "--calibration-windows", "999"], "must leave 15984"),
        (["quantize_rotations", "smoke", "--seed", "-1"], "--seed must be between"),
    ],
)
def test_wrong_settings_are_said_in_a_line(arguments, message, capsys):
    assert main(arguments) == 2
    assert message in capsys.readouterr().err.replace("\n", " ")
