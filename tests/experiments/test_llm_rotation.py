"""The language model experiment: its work list, its checks, its refusals, and one small run."""

import dataclasses
import json

import numpy as np
import pytest

from experiments import _language, _references, llm_rotation
from experiments._cli import main
from experiments._contract import UsageError
from experiments._runner import run_experiment, work_list
from experiments.llm_rotation import EXPERIMENT, checks

PAPER = EXPERIMENT.presets["paper"].config


def test_work_lists():
    work = list(work_list(EXPERIMENT, PAPER).values())
    drawn = [t for t in work if t.rotation == "haar" and t.quantizer == "W4A4"]
    assert [t.draw for t in drawn] == list(range(PAPER.draws))
    assert sum(t.rotation == "none" for t in work) == 3 + len(PAPER.quantizers)
    shifted = work_list(EXPERIMENT, dataclasses.replace(PAPER, seed=3)).values()
    assert {t.draw for t in shifted if t.rotation == "haar"} == set(range(3, 3 + PAPER.draws))


def rows_like_the_references():
    """Rows of the paper preset that agree with every reference and claim."""
    reference = _references.load("llm_rotation")
    rows = []
    for trial in EXPERIMENT.trials(dataclasses.replace(PAPER, draws=2)):
        row = dataclasses.asdict(trial)
        if trial.measure == "text":
            row |= {"first_ids": reference["first_ids"], "logits": reference["logits"]}
            row |= {"tokens": 75_678, "tokens_words_only": reference["tokens"]}
        elif trial.measure == "activations":
            for site in ("attention", "output", "feed_forward", "down"):
                value = 20.0 if trial.rotation == "none" else 3.0
                row |= {f"kurtosis_{site}": [value], f"incoherence_{site}": [value]}
        elif trial.quantizer == "off":
            first, both = (np.log(reference["perplexity"][n]) for n in ("8", "16"))
            row |= {"losses": [first] * 8 + [2 * both - first] * 8, "logit_difference": 1e-4}
            row |= {"perplexity": 29.07}
        else:
            rotated = {"W4A16": 100.0}.get(trial.quantizer, 268.0)
            plain = {"W4A16": 70.0}.get(trial.quantizer, 14374.0)
            row |= {"perplexity": plain if trial.rotation == "none" else rotated}
        rows.append(row)
    return rows


def test_checks_hold_for_rows_that_agree():
    found = checks(rows_like_the_references())
    assert {check.holds for check in found} == {"yes"}
    assert {check.source for check in found} == {"reference", "measured", "ours, proved"}


@pytest.mark.parametrize(
    ("measure", "change", "words"),
    [
        ("text", {"first_ids": [0] * 20}, "token ids"),
        ("text", {"tokens_words_only": 1}, "tokens of the text"),
        ("text", {"logits": [[0.0] * 21] * 5}, "Hugging Face"),
        ("perplexity", {"losses": [3.0] * 16}, "perplexity over"),
        ("perplexity", {"logit_difference": 0.1}, "difference of logits by rotation"),
        ("perplexity", {"perplexity": 60.0}, "perplexity of W4A16"),
        ("activations", {"kurtosis_down": [30.0]}, "kurtosis at down"),
    ],
)
def test_each_check_can_fail(measure, change, words):
    whole_model = measure == "text" or "losses" in change
    rows = [
        row | change
        if row["measure"] == measure
        and set(change) <= set(row)
        and (whole_model or row["rotation"] != "none")
        else row
        for row in rows_like_the_references()
    ]
    failed = [check.statement for check in checks(rows) if check.holds != "yes"]
    assert failed
    assert any(words in statement for statement in failed)


@pytest.mark.parametrize(
    ("draws", "verdict"),
    [((900.0, 1200.0, 130.0), "no"), ((20.0, 30.0, 900.0), "no"), ((200.0, 300.0, 1200.0), "yes")],
)
def test_the_median_is_held_to_the_reference_whatever_the_extent_of_draws(draws, verdict):
    rows = [
        row
        for row in rows_like_the_references()
        if (row["rotation"], row["quantizer"]) != ("two blocks", "W4A4")
    ]
    trials = EXPERIMENT.trials(dataclasses.replace(PAPER, draws=3))
    drawn = [t for t in trials if (t.rotation, t.quantizer) == ("two blocks", "W4A4")]
    rows += [
        dataclasses.asdict(trial) | {"perplexity": value}
        for trial, value in zip(drawn, draws, strict=True)
    ]
    (check,) = [
        check
        for check in checks(rows)
        if check.source == "reference" and "W4A4, rotation: two blocks" in check.statement
    ]
    assert check.measured == np.median(draws)
    assert check.holds == verdict


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("--draws 0", "--draws must be at least 1, but is 0"),
        ("--rotations haar haar", "--rotations must not repeat a name"),
        ("--quantizers off", "Fields of 'llm_rotation'"),
        ("--time 1", "--time must be at least 2, but is 1"),
        ("--windows 999", "The text must have at least 999 x 32 tokens"),
        ("--model nowhere.gguf", "or a Hugging Face folder, but there is no nowhere.gguf"),
        ("--model docs", "docs/tokenizer.json is not"),
        ("--model pyproject.toml --text pyproject.toml", "must be a whole GGUF file"),
    ],
)
def test_wrong_settings_are_said_in_a_line(fields, message, capsys):
    assert main(["llm_rotation", "smoke", *fields.split()]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err


def test_the_tiny_model_has_outliers():
    gain = _language.tiny_model().blocks.attention_norm.scale[...]
    assert (gain.max(axis=-1) / np.median(gain, axis=-1) > 10).all()
    with pytest.raises(UsageError, match="--text must name a file"):
        _language.load_corpus("smollm2", "nowhere.txt")
    with pytest.raises(UsageError, match="tiny has random ids"):
        _language.load_corpus("tiny", "news.txt")


@pytest.mark.slow
def test_a_small_run_repeats_bit_for_bit(results):
    config = dataclasses.replace(EXPERIMENT.presets["smoke"].config, rotations=("none", "haar"))
    first = run_experiment(EXPERIMENT, "smoke", config).rows
    llm_rotation._rotated.cache_clear()
    again = run_experiment(EXPERIMENT, "smoke", config, fresh=True).rows
    assert json.dumps(first) == json.dumps(again)
    rotated = [row for row in first if row["rotation"] == "haar" and row["quantizer"] == "off"]
    assert all(row["logit_difference"] < 2e-3 for row in rotated if row["measure"] == "perplexity")
