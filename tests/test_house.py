"""The rules of the house that no linter knows: imports, docstrings, references, file lengths."""

import ast
import graphlib
import importlib
import inspect
import pkgutil
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import hadax

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = sorted((ROOT / "hadax").rglob("*.py"))
SOURCES = [
    path
    for folder in ("hadax", "experiments", "paper_figs", "tests", "docs")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "_build" not in path.parts
]


def module_name(path: Path) -> str:
    """The dotted name of a file of the library."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path) for path in LIBRARY}
FRONT_END_PACKAGES = {"flax", "optax", "chex", "lineax"}
SECTIONS = ("Args:", "Returns:", "Cost:", "Example:", "See Also:")


def public_functions() -> dict[str, object]:
    """Every function without an underscore anywhere in its address, by its address."""
    found = {}
    for info in pkgutil.walk_packages(hadax.__path__, "hadax."):
        if "._" in info.name:
            continue
        module = importlib.import_module(info.name)
        for name, thing in vars(module).items():
            # A registered implementation of a generic function is called `_`.
            if inspect.isroutine(thing) and not name.startswith("_"):
                address = f"{thing.__module__}.{thing.__name__}"
                if address.startswith("hadax.") and "._" not in address:
                    found[address] = thing
    return found


def modules_after(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after `statement`."""
    code = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


def import_graph() -> dict[str, set[str]]:
    """module of hadax -> the modules of hadax that its text imports."""
    graph = {}
    for path in LIBRARY:
        graph[module_name(path)] = imported = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                targets = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            # `from hadax.a import b` imports the module hadax.a.b if there is one, else hadax.a.
            for target in targets:
                while target.startswith("hadax") and target not in MODULES:
                    target = target.rpartition(".")[0]
                imported |= {target} & MODULES
    return graph


def test_import_hadax_imports_no_front_end_package():
    loaded = modules_after("import hadax")
    assert "hadax" in loaded
    assert not loaded & FRONT_END_PACKAGES


def test_import_hadax_imports_little_that_jax_does_not():
    ours = modules_after("import hadax") - modules_after("import jax, jax.numpy, jaxtyping")
    standard = {name for name in ours if name in sys.stdlib_module_names}
    assert ours - standard == {"hadax"}


def test_the_library_never_imports_its_own_front_door():
    graph = import_graph()
    assert [name for name, imported in graph.items() if "hadax" in imported] == []


def test_there_is_no_import_cycle():
    graph = import_graph()
    assert len(graph) > 20
    assert set(graphlib.TopologicalSorter(graph).static_order()) == set(graph)


def test_a_cycle_would_be_found():
    with pytest.raises(graphlib.CycleError):
        list(graphlib.TopologicalSorter({"a": {"b"}, "b": {"a"}}).static_order())


def test_public_names_are_sorted_and_there():
    assert hadax.__all__ == sorted(hadax.__all__)
    assert all(hasattr(hadax, name) for name in hadax.__all__)


@pytest.mark.parametrize("address", sorted(public_functions()))
def test_public_function_is_documented(address):
    function = public_functions()[address]
    text = inspect.getdoc(function) or ""
    headings = {line.strip() for line in text.splitlines()}
    wanted = [s for s in SECTIONS if s != "Args:" or inspect.signature(function).parameters]
    assert [section for section in wanted if section not in headings] == []
    assert ">>>" in text


def test_references_name_entries_of_the_bibliography():
    bibliography = (ROOT / "docs/references.bib").read_text()
    entries = set(re.findall(r"^@\w+\{(\w+),", bibliography, re.MULTILINE))
    for address, function in public_functions().items():
        _, found, section = (inspect.getdoc(function) or "").partition("References:\n")
        keys = set(re.findall(r"`(\w+)`", section.partition("\n\n")[0]))
        assert bool(keys) == bool(found), address
        assert keys <= entries, address


def test_files_are_short():
    lengths = {path: len(path.read_text().splitlines()) for path in SOURCES}
    assert [path for path, length in lengths.items() if length > 500] == []
    library = [lengths[path] for path in LIBRARY]
    assert statistics.median(library) <= 200
    assert statistics.quantiles(library, n=10)[-1] <= 350
