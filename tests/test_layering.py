"""Imports go one way, heavy libraries have few homes, and no module imports itself in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOMS = {
    "data": set(),
    "models": {"data"},
    "screening": {"data"},
    "hpc": {"data"},
    "workflows": {"data", "models", "screening", "hpc"},
}
HOMES = {
    "torch": {"models"},
    "parsl": {"hpc", "workflows/running/parsl_engine.py"},
    "dask": {"hpc", "data/libraries/pool.py"},
    "distributed": {"hpc", "data/libraries/pool.py"},
    "rdkit": {"data", "models", "screening"},
    "vina": {"screening/docking/vina_child.py"},
    "pydantic": {"workflows"},
    "typer": {"workflows"},
}


def modules(repository: Path) -> Iterator[tuple[str, Path]]:
    for room in ROOMS:
        for path in sorted((repository / room).rglob("*.py")):
            yield room, path


def imports(path: Path, only_top: bool = False) -> Iterator[tuple[int, str]]:
    """Yield (level, module) of every import in a file; level 0 is absolute."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if only_top else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or ""


def test_rooms_import_one_way(repository: Path) -> None:
    wrong = []
    for room, path in modules(repository):
        for level, module in imports(path):
            other = module.partition(".")[0]
            if level == 2 and other in ROOMS and other != room and other not in ROOMS[room]:
                wrong.append(f"{path.relative_to(repository)} imports {other}")
            if level == 0 and module.partition(".")[0] == "docksieve":
                wrong.append(f"{path.relative_to(repository)} imports {module} by its absolute name")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("library", sorted(HOMES))
def test_heavy_libraries_have_few_homes(repository: Path, library: str) -> None:
    homes = HOMES[library]
    strays = [
        str(path.relative_to(repository))
        for room, path in modules(repository)
        for level, module in imports(path)
        if level == 0 and module.partition(".")[0] == library
        if room not in homes and str(path.relative_to(repository)) not in homes
    ]
    assert not strays, f"{library} is imported in {strays}; its homes are {sorted(homes)}"


def test_no_import_circles(repository: Path) -> None:
    graph: dict[str, set[str]] = {}
    for room, path in modules(repository):
        name = f"{room}.{path.stem}"
        graph[name] = set()
        for level, module in imports(path, only_top=True):
            if level == 1 and module:
                graph[name].add(f"{room}.{module.partition('.')[0]}")
            elif level == 2 and module.partition(".")[0] in ROOMS:
                graph[name].add(module)
    seen: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"import circle: {' -> '.join([*trail, name])}"
        if name not in seen:
            for other in graph.get(name, ()):
                visit(other, (*trail, name))
            seen.add(name)

    for name in graph:
        visit(name, ())


def test_no_file_is_too_long(repository: Path) -> None:
    long = [str(p.relative_to(repository)) for _, p in modules(repository) if p.read_text().count("\n") > 400]
    assert not long, f"split before 400 lines: {long}"
