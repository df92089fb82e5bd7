"""The list of modules in the docstring of ttm_trainer: all of them are there, and none imports what stands above it."""

from __future__ import annotations

import ast
from pathlib import Path

import ttm_trainer

PACKAGE = Path(ttm_trainer.__file__).parent


def listed() -> list[set[str]]:
    """The modules on each line of the list."""
    lines = ttm_trainer.__doc__.split("\n\n")[2].splitlines()
    return [set(line.partition("  ")[0].split(", ")) for line in lines]


def imported(file: Path) -> set[str]:
    """The modules at the top that a file imports, within functions too."""
    inside = file.relative_to(PACKAGE).parent.parts
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == len(inside) + 1:
            found |= {node.module.split(".")[0]} if node.module else {alias.name for alias in node.names}
    return found


def test_the_trainer_can_be_read_in_the_order_of_its_docstring():
    level = {module: number for number, modules in enumerate(listed()) for module in modules}
    modules = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert level.keys() == modules - {"__init__"}
    arrows = set()
    for file in PACKAGE.rglob("*.py"):
        module = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        arrows |= {(module, other) for other in imported(file) - {module}}
    assert len(arrows) > 50
    assert {(a, b) for a, b in arrows if level[a] > level[b]} == set()
