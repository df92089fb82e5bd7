"""The architecture: sizes of folders, files and functions, and who may import whom."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = (ROOT / "musicgen_app", ROOT / "trainer" / "ttm_trainer")
FILES = [file for package in PACKAGES for file in sorted(package.rglob("*.py"))]
MOST_FILES, MOST_LINES, MOST_LINES_OF_A_FUNCTION = 12, 420, 60
MANY_FILES = 7  # in a folder, for it to name them
HEAVY = {"torch", "transformers", "gradio", "scipy", "pandas", "numpy", "ttm_trainer"}  # `ttm-app --help` needs none


def name_of(file: Path) -> str:
    """The dotted name of a module."""
    package = next(package for package in PACKAGES if file.is_relative_to(package))
    parts = file.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(file): ast.parse(file.read_text(encoding="utf-8")) for file in FILES}
IS_PACKAGE = {name_of(file) for file in FILES if file.name == "__init__.py"}


def at_import(tree: ast.AST) -> Iterator[ast.stmt]:
    """The statements that run, or are read by a type checker, when a module is imported: all outside functions."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield node
            yield from at_import(node)


def imported(name: str, node: ast.AST) -> Iterator[str]:
    """The modules, among ours, that a statement of the module `name` imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        package = name.split(".") if name in IS_PACKAGE else name.split(".")[:-1]
        start = package[: len(package) - node.level + 1] if node.level else []
        module = ".".join([*start, *([node.module] if node.module else [])])
        for alias in node.names:
            inner = f"{module}.{alias.name}"
            yield inner if inner in MODULES else module


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """The modules of one circle of imports, in order; none: []."""
    done: set[str] = set()

    def visit(name: str, way: list[str]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name not in done:
            for other in sorted(arrows.get(name, ())):
                if found := visit(other, [*way, name]):
                    return found
            done.add(name)
        return []

    return next((found for name in sorted(arrows) if (found := visit(name, []))), [])


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_every_folder_has_few_files_and_says_what_is_in_it(package):
    """One of many files names each of them, so that nobody has to open them all."""
    for folder in {file.parent for file in package.rglob("*.py")}:
        files = [file.name for file in folder.glob("*.py") if file.name != "__init__.py"]
        assert len(files) <= MOST_FILES, f"{folder} has {len(files)} files"
        assert (folder / "__init__.py").is_file(), f"{folder} has no __init__.py"
        says = ast.get_docstring(MODULES[name_of(folder / "__init__.py")])
        assert says, f"{folder} does not say what it is"
        unnamed = [name for name in files if not re.search(rf"\b{name.removesuffix('.py')}\b", says)]
        assert len(files) < MANY_FILES or unnamed in ([], ["__main__.py"]), f"{folder} does not name {unnamed}"


def test_files_are_short():
    lengths = {str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines()) for file in FILES}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_functions_are_short():
    found = {
        f"{module}.{node.name}": node.end_lineno - node.lineno + 1
        for module, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    assert {name: length for name, length in found.items() if length > MOST_LINES_OF_A_FUNCTION} == {}


def test_the_app_imports_nothing_of_the_trainer():
    """Neither at the top of a module nor within a function: the trainer is a plug-in as any other."""
    app = {module: tree for module, tree in MODULES.items() if module.split(".")[0] == "musicgen_app"}
    found = {
        (module, name) for module, tree in app.items() for node in ast.walk(tree) for name in imported(module, node)
    }
    assert {pair for pair in found if pair[1].split(".")[0] in ("ttm_trainer", "trainer")} == set()


def test_control_songbook_and_library_lie_one_above_the_other():
    """Imports within functions count."""
    below = {
        "control": ("songbook", "library"),
        "songbook": ("library",),
        "daw": ("songbook", "library", "request", "engine", "pipeline", "models"),
    }
    found = {
        (module, name)
        for module, tree in MODULES.items()
        for node in ast.walk(tree)
        for name in imported(module, node)
        for folder, above in below.items()
        if module.startswith(f"musicgen_app.{folder}.")
        and name.startswith(tuple(f"musicgen_app.{other}" for other in above))
    }
    assert found == set()


def test_no_imports_in_a_circle():
    """Those for type checkers count, those within functions do not."""
    arrows = {
        module: {name for node in at_import(tree) for name in imported(module, node)} & MODULES.keys() - {module}
        for module, tree in MODULES.items()
    }
    assert sum(map(len, arrows.values())) > 300  # it sees them
    assert circle(arrows) == []
    assert "musicgen_app.engine" in circle(arrows | {"musicgen_app.errors": {"musicgen_app.engine"}})


def test_the_command_line_starts_without_heavy_packages():
    code = "import sys, musicgen_app.cli.commands; print(*{name.split('.')[0] for name in sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "click" in run.stdout.split() and HEAVY & set(run.stdout.split()) == set()
