"""Pages that are made, not written: one a public module, and the gallery of figures."""

import importlib
import inspect
import pkgutil
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import hadax
from paper_figs import _cli, _registry


def api_pages(folder: Path) -> None:
    """Write one page a public module and an index; a name is shown where it is found first."""
    _empty(folder)
    shown: set[int] = set()
    pages = []
    for module in _public_modules():
        names = [name for name in _public_names(module) if id(getattr(module, name)) not in shown]
        shown |= {id(getattr(module, name)) for name in names}
        if not names:
            continue
        lines = [f"# {module.__name__}", "", "```{eval-rst}", f".. automodule:: {module.__name__}"]
        for name in names:
            lines += ["", *_directive(module, name)]
        (folder / f"{module.__name__}.md").write_text("\n".join([*lines, "```", ""]))
        pages.append(module.__name__)
    index = ["# API", "", "```{toctree}", ":maxdepth: 1", "", *pages, "```", ""]
    (folder / "index.md").write_text("\n".join(index))


def gallery_pages(folder: Path) -> None:
    """Draw every figure that has published results, and write the page that shows them."""
    _empty(folder)
    _cli.main(["--results", "paper", "--out", str(folder)])
    tables = [name for name in _registry.TABLES if (folder / f"{name}.md").exists()]
    lines = ["# Gallery", "", "```{toctree}", *tables, "```", ""]
    for page in (folder / f"{name}.md" for name in _registry.NAMES):
        if page.exists():
            lines += [f"## {page.stem.replace('_', ' ').capitalize()}", "", page.read_text()]
            page.unlink()
    (folder / "index.md").write_text("\n".join(lines))


def _public_modules() -> Iterator[ModuleType]:
    """hadax and every module below it without an underscore in its name."""
    yield hadax
    for info in pkgutil.walk_packages(hadax.__path__, "hadax."):
        if not any(part.startswith("_") for part in info.name.split(".")):
            yield importlib.import_module(info.name)


def _public_names(module: ModuleType) -> list[str]:
    """What a module offers: its `__all__`, or else what it defines itself."""
    own = [
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and getattr(thing, "__module__", None) == module.__name__
    ]
    return list(getattr(module, "__all__", own))


def _directive(module: ModuleType, name: str) -> list[str]:
    """The autodoc directive for one public name."""
    thing = getattr(module, name)
    full = f"{module.__name__}.{name}"
    if inspect.ismodule(thing):
        return [f"* :doc:`{thing.__name__}`"]
    if inspect.isclass(thing):
        return [f".. autoclass:: {full}", "   :members:"]
    return [f".. autofunction:: {full}" if callable(thing) else f".. autodata:: {full}"]


def _empty(folder: Path) -> None:
    """Make `folder`, without what an earlier build left in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
