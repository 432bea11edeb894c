"""Every module with code of its own is tested directly: some test imports it, or a public name that it is the home of.

A module that is only reached through others fails as "the report is wrong", far from its cause.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import docksieve

PACKAGE = "docksieve"
ROOMS = ("data", "models", "screening", "hpc", "workflows")
EXCEPTIONS: dict[str, str] = {}
"""Modules that no test needs to import, and why."""


def modules_of(root: Path, rooms: Iterable[str]) -> dict[str, bool]:
    """Return every module below ``root``, and whether it defines functions or classes."""
    found = {}
    for path in (path for room in rooms for path in (root / room).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = bool(re.search(r"^(async def|def|class) ", path.read_text(), re.MULTILINE))
    return found


def named_in(path: Path, homes: dict[str, str]) -> Iterator[str]:
    """Yield the dotted names of the package that a test imports or names in a program, without its first word."""
    code = ast.parse(path.read_text())
    documentation = {
        id(node.value)
        for node in ast.walk(code)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(code):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module
            for alias in node.names:
                yield f"{node.module}.{alias.name}"
                if node.module == PACKAGE and alias.name in homes:
                    yield PACKAGE + homes[alias.name]
        elif (
            isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == PACKAGE
        ):
            yield PACKAGE + homes.get(node.attr, "")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            # A program for a process of its own, or a name to be replaced.
            yield from re.findall(rf"\b{PACKAGE}(?:\.\w+)+", node.value)


def untested(modules: dict[str, bool], tests: Path, homes: dict[str, str]) -> list[str]:
    """Return the modules with code that no file under ``tests`` names."""
    seen: set[str] = set()
    for path in tests.rglob("*.py"):
        for name in named_in(path, homes):
            parts = name.removeprefix(f"{PACKAGE}.").split(".")
            # Of a name inside a module, the module; never its folder.
            while parts and ".".join(parts) not in modules:
                parts.pop()
            seen.add(".".join(parts))
    return sorted(name for name, has_code in modules.items() if has_code and name not in seen)


def test_every_module_is_imported_by_a_test(repository: Path) -> None:
    found = untested(modules_of(repository, ROOMS), repository / "tests", docksieve._HOMES)
    assert not set(found) - set(EXCEPTIONS), "no test imports these: test them, or say in EXCEPTIONS why not"
    assert not set(EXCEPTIONS) - set(found), "these are tested, or are gone: no exceptions any more"


def test_a_module_that_no_test_imports_is_noticed(tmp_path: Path) -> None:
    package = {
        "__init__.py": '"""Room."""\n',
        "a.py": "def one():\n    return 1\n",
        "b.py": "class Two:\n    pass\n",
        "c.py": "from .a import one\n\nTHREE = 3\n",
        "d.py": "def four():\n    return 4\n",
        "e.py": "def five():\n    return 5\n",
    }
    (tmp_path / "data").mkdir()
    (tmp_path / "tests").mkdir()
    for name, text in package.items():
        (tmp_path / "data" / name).write_text(text)
    modules = modules_of(tmp_path, ["data"])
    test = tmp_path / "tests" / "test_it.py"
    test.write_text('"""Of docksieve.data.a, from afar."""\nfrom docksieve.data import c\n')
    assert untested(modules, test.parent, {}) == ["data.a", "data.b", "data.d", "data.e"]
    test.write_text(
        "import docksieve\nfrom docksieve import Two\nfrom docksieve.data.a import one\n"
        'PROGRAM = "from docksieve.data.d import four"\ndocksieve.five()\n'
    )
    assert untested(modules, test.parent, {"Two": ".data.b", "five": ".data.e"}) == []
