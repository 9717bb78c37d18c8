import pytest


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    """A results folder of the test's own."""
    monkeypatch.setenv("HADAX_RESULTS", str(tmp_path / "results"))
    return tmp_path / "results"
