"""Files that are written together or not at all."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from experiments import _store


@contextlib.contextmanager
def together(folder: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Yield a folder to write in, and a list that names the files once they are in `folder`.

    They replace those of the same names when all are written, so that a figure, its caption and its
    origin always belong together.
    """
    files: list[Path] = []
    with _store.plain_errors("write", folder, "Name another folder with --out."):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".") as draft:
            yield Path(draft), files
            for file in sorted(Path(draft).iterdir()):
                files.append(file.replace(folder / file.name))


def check_writable(folder: Path) -> None:
    """Refuse a folder that cannot be written, before anything is drawn."""
    with together(folder):
        pass
