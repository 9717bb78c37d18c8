import dataclasses
import json
import time

import pytest

from experiments import _provenance, _store
from experiments._contract import UsageError
from experiments._runner import run_experiment, trial_id, work_list
from tests.experiments import toy


def run(**settings):
    return run_experiment(toy.EXPERIMENT, "quick", toy.Config(**settings))


def fresh():
    return run_experiment(toy.EXPERIMENT, "quick", toy.Config(), fresh=True)


def test_rows_hold_id_parameters_and_result(results):
    found = run()
    assert found.complete
    assert found.path == results / "local" / "toy-quick.jsonl"
    assert [row["place"] for row in found.rows] == list(range(6))
    assert all(set(row) == {"id", "place", "draw", "third"} for row in found.rows)
    assert len({row["draw"] for row in found.rows}) == 6


def test_provenance_line():
    (start,) = run().runs
    assert start["config"] == {"seed": 0, "size": 6}
    assert {"git", "packages", "device", "x64", "xla_flags", "utc"} <= set(start)
    assert start["packages"]["jax"]


def test_a_finished_run_is_not_run_again(monkeypatch):
    first = run().path.read_bytes()
    monkeypatch.setenv("TOY_FAILS_AT", "0")
    assert run().path.read_bytes() == first


def test_fresh_starts_over():
    path = run().path
    fresh()
    assert len(_store.read(path).runs) == 1


def test_results_depend_on_neither_order_nor_neighbours(monkeypatch):
    unbroken = run().rows
    reversed_toy = dataclasses.replace(
        toy.EXPERIMENT, trials=lambda config: reversed(toy.trials(config))
    )
    backwards = run_experiment(reversed_toy, "quick", toy.Config()).rows
    assert sorted(backwards, key=lambda row: row["place"]) == unbroken


def test_the_seed_changes_the_draws_and_the_file(results):
    first, second = run(), run(seed=1)
    assert first.path != second.path
    assert second.path.parent == results / "local"
    assert [row["draw"] for row in first.rows] != [row["draw"] for row in second.rows]
    assert [row["id"] for row in first.rows] == [row["id"] for row in second.rows]


def test_only_the_unchanged_paper_preset_goes_to_the_paper_folder(results):
    published = run_experiment(toy.EXPERIMENT, "paper", toy.Config(size=4))
    changed = run_experiment(toy.EXPERIMENT, "paper", toy.Config(size=3))
    assert published.path == results / "paper" / "toy-paper.jsonl"
    assert changed.path.parent == results / "local"


def test_a_preset_for_another_device_is_published_too(results):
    presets = toy.EXPERIMENT.presets | {"gpu": toy.Preset(toy.Config(size=1), minutes=0)}
    on_gpu = dataclasses.replace(toy.EXPERIMENT, presets=presets)
    assert run_experiment(on_gpu, "gpu", toy.Config(size=1)).path.parent == results / "paper"
    with_fields = run_experiment(on_gpu, "gpu", toy.Config(size=2))
    assert with_fields.path.parent == results / "local"


TIMED = dataclasses.replace(
    toy.EXPERIMENT, run=lambda trial, key: {"seconds": time.perf_counter()}, timed=True
)


def test_a_timed_experiment_resumes_with_the_times_it_has(results):
    """Its rows are kept, not made again: they would differ."""
    path = run_experiment(TIMED, "quick", toy.Config()).path
    lines = path.read_bytes().splitlines(True)
    path.write_bytes(b"".join(lines[:4]))  # the run and three rows
    rows = run_experiment(TIMED, "quick", toy.Config()).rows
    kept = [json.loads(line)["row"] for line in lines[1:4]]
    assert rows[:3] == kept
    assert rows[3:] != [json.loads(line)["row"] for line in lines[4:7]]


@pytest.mark.parametrize("experiment", [TIMED, toy.EXPERIMENT], ids=["timed", "not timed"])
def test_times_of_two_machines_are_not_mixed(results, monkeypatch, experiment):
    path = run_experiment(experiment, "quick", toy.Config()).path
    monkeypatch.setattr(_provenance, "cpu_model", lambda: "Another CPU")
    assert run_experiment(experiment, "quick", toy.Config()).complete  # nothing to add
    path.write_bytes(b"".join(path.read_bytes().splitlines(True)[:4]))
    if experiment is TIMED:
        with pytest.raises(UsageError, match=r"timed on another machine .*this one is Another CPU"):
            run_experiment(experiment, "quick", toy.Config())
    else:
        assert run_experiment(experiment, "quick", toy.Config()).complete
    run_experiment(experiment, "quick", toy.Config(), fresh=True)


def test_results_of_other_settings_are_moved_aside(results, capsys):
    old = run()
    kept = old.path.read_bytes()
    presets = {"quick": toy.Preset(toy.Config(size=2), minutes=0)}
    changed = dataclasses.replace(toy.EXPERIMENT, presets=presets)
    new = run_experiment(changed, "quick", toy.Config(size=2))
    assert new.path == old.path
    assert new.rows == old.rows[:2]
    (aside,) = [path for path in (results / "local").iterdir() if path != new.path]
    assert aside.read_bytes() == kept
    assert "settings of toy-quick have changed" in capsys.readouterr().out


def _with_settings(**fields):
    config = toy.Config(**fields)
    presets = {"quick": toy.Preset(config, minutes=0)}
    return run_experiment(dataclasses.replace(toy.EXPERIMENT, presets=presets), "quick", config)


def test_trials_that_other_settings_share_are_kept(results, monkeypatch):
    old = _with_settings(size=3)
    monkeypatch.setenv("TOY_FAILS_AT", "3")
    for _ in range(2):  # killed before there is a new row, and resumed
        with pytest.raises(UsageError):
            _with_settings(size=5)
    aside, kept = sorted((results / "local").iterdir(), key=lambda path: len(path.name))[::-1]
    assert [len(_store.read(path).rows) for path in (aside, kept)] == [3, 3]
    assert not _store.read(kept).complete
    monkeypatch.setenv("TOY_FAILS_AT", "0")  # not run again
    new = _with_settings(size=5)
    assert new.complete
    assert new.rows[:3] == old.rows
    monkeypatch.delenv("TOY_FAILS_AT")
    plain = _with_settings(size=5)
    assert plain.rows == new.rows
    lines = [next(iter(json.loads(line))) for line in new.path.read_bytes().splitlines()]
    assert lines == ["run", *["row"] * 3, "run", "run", "row", "row", "end"]
    assert [run["config"]["size"] for run in new.runs] == [3, 5, 5]


def test_trials_of_another_seed_are_not_kept(results):
    old = _with_settings(size=3)
    new = _with_settings(size=3, seed=1)
    assert len(new.rows) == 3
    assert not {row["draw"] for row in old.rows} & {row["draw"] for row in new.rows}


def test_a_run_that_fails_at_once_leaves_nothing(results, monkeypatch):
    monkeypatch.setenv("TOY_FAILS_AT", "0")
    with pytest.raises(UsageError):
        run()
    assert list((results / "local").iterdir()) == []


def test_a_run_that_fails_later_keeps_what_is_done(monkeypatch):
    monkeypatch.setenv("TOY_FAILS_AT", "3")
    with pytest.raises(UsageError):
        run()
    monkeypatch.delenv("TOY_FAILS_AT")
    found = run()
    assert found.complete
    assert [row["place"] for row in found.rows] == list(range(6))


def test_ids_are_those_of_the_parameters():
    assert trial_id("toy", toy.Trial(1)) == trial_id("toy", toy.Trial(1))
    assert trial_id("toy", toy.Trial(1)) != trial_id("toy", toy.Trial(2))
    assert trial_id("toy", toy.Trial(1)) != trial_id("other", toy.Trial(1))


def test_an_experiment_must_not_list_a_trial_twice():
    twice = dataclasses.replace(toy.EXPERIMENT, trials=lambda config: [toy.Trial(0)] * 2)
    with pytest.raises(ValueError, match="lists a trial twice"):
        work_list(twice, toy.Config())


def test_a_result_must_not_hide_a_parameter():
    hiding = dataclasses.replace(toy.EXPERIMENT, run=lambda trial, key: {"place": 1})
    with pytest.raises(ValueError, match="names of parameters"):
        run_experiment(hiding, "quick", toy.Config())


def test_a_damaged_file_is_refused():
    path = run().path
    lines = path.read_bytes().splitlines(True)
    path.write_bytes(b"".join([*lines[:2], b"\0\0\0\n", *lines[2:]]))
    with pytest.raises(UsageError, match=r"Line 3 of .*toy-quick.jsonl is not a line of results"):
        run()


def test_a_torn_line_does_not_count():
    path = run().path
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"row": {"id": "0')
    assert _store.read(path).complete
    run()
    assert path.read_bytes() == whole


def test_two_runs_at_once_are_refused():
    path = run().path
    with _store.locked(path), pytest.raises(UsageError, match="Another process is writing"):
        run()


def test_a_fresh_run_does_not_touch_the_file_of_another():
    path = run().path
    whole = path.read_bytes()
    with _store.locked(path), pytest.raises(UsageError, match="Another process is writing"):
        fresh()
    assert path.read_bytes() == whole


def test_a_lock_removed_while_it_was_taken_is_taken_again(results, monkeypatch):
    """Its owner may remove it after we opened it: then it is nobody's."""
    flock = _store.fcntl.flock
    removed = []

    def remove_first(descriptor, operation):
        flock(descriptor, operation)
        if not removed:
            removed.append((results / "local" / "toy.jsonl.lock").unlink())

    monkeypatch.setattr(_store.fcntl, "flock", remove_first)
    with _store.locked(results / "local" / "toy.jsonl"):
        monkeypatch.undo()
        monkeypatch.setenv("HADAX_RESULTS", str(results))
        with pytest.raises(UsageError), _store.locked(results / "local" / "toy.jsonl"):
            pass
    assert removed
    assert list((results / "local").iterdir()) == []


def test_a_fresh_run_that_fails_at_once_keeps_the_old_results(monkeypatch):
    path = run().path
    whole = path.read_bytes()
    monkeypatch.setenv("TOY_FAILS_AT", "0")
    with pytest.raises(UsageError, match="must work"):
        fresh()
    assert path.read_bytes() == whole
    monkeypatch.setenv("TOY_FAILS_AT", "1")
    with pytest.raises(UsageError, match="must work"):
        fresh()
    assert [row["place"] for row in _store.read(path).rows] == [0]


def test_a_damaged_file_can_be_started_afresh():
    path = run().path
    path.write_text("damaged\n")
    assert fresh().complete


def test_rows_of_another_program_are_not_reported():
    foreign = {"id": "0" * 16, "place": 9, "draw": 0.0, "third": 3.0}
    path = run().path
    with path.open("a") as file:
        file.write(json.dumps({"row": foreign}) + "\n")
    with pytest.raises(UsageError, match="trials that are not in the work list"):
        run()


def test_a_trial_that_is_there_twice_counts_once():
    path = run().path
    lines = path.read_bytes().splitlines(True)
    path.write_bytes(b"".join([*lines, lines[1]]))
    assert len(_store.read(path).rows) == 6
    assert run().complete


@pytest.mark.parametrize(
    "line", ['{"row": 5}', '{"run": {}}', '{"run": 5}', '{"row": {"id": "0"}}', '{"x": {}}', "[]"]
)
def test_a_line_of_something_else_is_refused(tmp_path, line):
    path = tmp_path / "toy.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(UsageError, match=r"Line 1 of .* is not a line of results"):
        _store.read(path)


def test_not_a_number_is_refused():
    bad = dataclasses.replace(toy.EXPERIMENT, run=lambda trial, key: {"draw": float("nan")})
    with pytest.raises(ValueError, match="JSON compliant"):
        run_experiment(bad, "quick", toy.Config())


def test_lines_are_json():
    for line in run().path.read_text().splitlines():
        assert len(json.loads(line)) == 1
