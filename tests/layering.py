"""What the layering test measures: which module needs which, however it says so.

Counted are imports at the top, under ``TYPE_CHECKING`` and inside functions, and modules named in strings: a
relative name (``".selection:sample"``) or an absolute one (``"docksieve.hpc.nodes.node"``) that leads to a module of
the package.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

PACKAGE = "docksieve"
NAMED = re.compile(r"(?:\.{1,3}|docksieve\.)[A-Za-z_][\w.]*(?::\w+)?")


@dataclass
class Tree:
    """Modules of a checkout and what each needs.

    Attributes
    ----------
    files : dict of str to Path
        Module name, as ``data.molecules.parse``, to its file.
    needs : dict of str to set of str
        Module name to the names of the modules that it needs.
    outside : dict of str to set of str
        Module name to the libraries that it imports, their first name only.
    absolute : list of str
        Imports of the package by its own name, as sentences.
    """

    files: dict[str, Path] = field(default_factory=dict)
    needs: dict[str, set[str]] = field(default_factory=dict)
    outside: dict[str, set[str]] = field(default_factory=dict)
    absolute: list[str] = field(default_factory=list)


def read_tree(root: Path, rooms: Iterable[str]) -> Tree:
    """Return the modules of the folders ``rooms`` of ``root``, and what they need."""
    tree = Tree()
    for room in rooms:
        for path in sorted((root / room).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            tree.files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    for name, path in tree.files.items():
        tree.needs[name], tree.outside[name] = set(), set()
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        code = ast.parse(path.read_text())
        for node in ast.walk(code):
            _read_node(tree, name, package.split("."), node)
        by_name = "importlib" in tree.outside[name]  # else a relative name in a string means nothing
        for text in _strings(code):
            if by_name or not text.startswith("."):
                _read_string(tree, name, package.split("."), text)
        tree.needs[name].discard(name)
    return tree


def folder_of(tree: Tree, module: str) -> str:
    """Return the folder of a module, as ``data.molecules``."""
    return module if tree.files[module].name == "__init__.py" else module.rpartition(".")[0]


def folders(tree: Tree) -> dict[str, set[str]]:
    """Return which folder needs which others."""
    found: dict[str, set[str]] = {folder_of(tree, module): set() for module in tree.files}
    for module, needs in tree.needs.items():
        here = folder_of(tree, module)
        found[here] |= {folder_of(tree, other) for other in needs} - {here}
    return found


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the strongly connected parts of ``graph`` that have more than one member (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph.get(node, ())):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            part = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(part) > 1:
                found.append(sorted(part))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def explained(tree: Tree, circle: Iterable[str]) -> str:
    """Return the arrows between the folders of a circle, a line each."""
    inside = set(circle)
    lines = [
        f"  {module} needs {other}"
        for module, needs in sorted(tree.needs.items())
        for other in sorted(needs)
        if folder_of(tree, module) != folder_of(tree, other)
        and {folder_of(tree, module), folder_of(tree, other)} <= inside
    ]
    return "\n".join([" <-> ".join(sorted(inside)), *lines])


def _read_node(tree: Tree, name: str, package: list[str], node: ast.AST) -> None:
    if isinstance(node, ast.Import):
        for alias in node.names:
            _read_absolute(tree, name, alias.name)
    elif isinstance(node, ast.ImportFrom) and not node.level:
        _read_absolute(tree, name, node.module or "")
    elif isinstance(node, ast.ImportFrom):
        base = [*package[: len(package) - node.level + 1], *(node.module or "").split(".")]
        target = ".".join(part for part in base if part)
        for alias in node.names:
            named = f"{target}.{alias.name}" if target else alias.name
            tree.needs[name] |= {named if named in tree.files else target} & set(tree.files)


def _read_absolute(tree: Tree, name: str, module: str) -> None:
    first, _, rest = module.partition(".")
    if first != PACKAGE:
        tree.outside[name].add(first)
        return
    tree.absolute.append(f"{name} imports {module} by its absolute name")
    _need_named(tree, name, rest)


def _read_string(tree: Tree, name: str, package: list[str], text: str) -> None:
    if not NAMED.fullmatch(text):
        return
    text = text.partition(":")[0]
    if text.startswith("."):
        level = len(text) - len(text.lstrip("."))
        if level > len(package):
            return
        text = ".".join([*package[: len(package) - level + 1], text.lstrip(".")])
    tree.needs[name] |= {text.removeprefix(f"{PACKAGE}.")} & set(tree.files)


def _need_named(tree: Tree, name: str, target: str) -> None:
    while target:
        if target in tree.files:
            tree.needs[name].add(target)
            return
        target = target.rpartition(".")[0]


def _strings(code: ast.Module) -> Iterator[str]:
    """Yield the string constants of a module that are not documentation."""
    documentation = {
        id(node.value)
        for node in ast.walk(code)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(code):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value
