"""The public names and their signatures, to the letter: ``public_names.txt``.

A change of what users call shows there as a change of a line. If it is meant, write the file anew with
``DOCKSIEVE_PUBLIC=write pytest tests/test_public_names.py``, read what git says of it, and tell users in
``CHANGELOG.md``.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import docksieve
import pytest

LIST = Path(__file__).with_name("public_names.txt")
NAMES = sorted((name for name in docksieve.__all__ if name != "__version__"), key=str.lower)


def described() -> str:
    return "".join(f"{line}\n" for name in NAMES for line in lines_of(name, getattr(docksieve, name)))


def lines_of(name: str, value: Any) -> Iterator[str]:
    """Yield the signature of a function, or of a class and all that it lets others call."""
    if not inspect.isclass(value):
        yield f"{name}{signature(value)}"
        return
    bases = [base.__name__ for base in value.__bases__ if issubclass(base, docksieve.DocksieveError)]
    yield f"class {name}{signature(value)}{' is a ' + ', '.join(bases) if bases else ''}"
    for part in sorted(dir(value)):
        if part.startswith("_") or (issubclass(value, Exception) and hasattr(Exception, part)):
            continue
        found = inspect.getattr_static(value, part)
        if isinstance(found, property | cached_property):
            getter = found.fget if isinstance(found, property) else found.func
            yield f"    {name}.{part} -> {inspect.signature(getter).return_annotation}"  # type: ignore[arg-type]
        elif isinstance(found, classmethod | staticmethod):
            yield f"    {type(found).__name__} {name}.{part}{signature(getattr(value, part))}"
        elif callable(found):
            yield f"    {name}.{part}{signature(found)}"
        elif not is_dataclass(value) or part not in value.__dataclass_fields__:  # fields stand in the head
            yield f"    {name}.{part} = {found!r}"


class Annotation(str):
    """An annotation as it is written in the source."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def signature(value: Any) -> str:
    """Return a signature as it is written in the source; nothing for what only says what others must have."""
    if getattr(value, "_is_protocol", False):
        return ""
    found = inspect.signature(value)
    own = [
        item.replace(annotation=Annotation(item.annotation)) if isinstance(item.annotation, str) else item
        for item in found.parameters.values()
        if item.name != "self"
    ]
    returned = found.return_annotation
    returned = Annotation(returned) if isinstance(returned, str) else returned
    return str(found.replace(parameters=own, return_annotation=returned))


def test_public_names_are_these() -> None:
    if os.environ.get("DOCKSIEVE_PUBLIC") == "write":
        LIST.write_text(described())
    was, found = LIST.read_text().splitlines(), described().splitlines()
    changed = "\n".join(difflib.unified_diff(was, found, "public_names.txt", "docksieve", lineterm="", n=0))
    assert not changed, f"{changed}\nIf that is meant, see the docstring of {Path(__file__).name}."


def test_type_checkers_see_the_same_names(repository: Path) -> None:
    code = ast.parse((repository / "__init__.py").read_text())
    block = next(node for node in code.body if isinstance(node, ast.If))
    seen = {
        alias.asname: f".{node.module}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name == alias.asname  # "as" itself: else a type checker takes it for private
    }
    assert seen == docksieve._HOMES


@pytest.mark.parametrize("name", NAMES)
def test_a_name_lives_where_it_is_said_to(name: str) -> None:
    """Not in a module that imports it: moving it would then break the public face unnoticed by its new home."""
    value = getattr(docksieve, name)
    assert value.__module__ == f"docksieve{docksieve._HOMES[name]}"
    assert value.__name__ == name


def test_no_name_hides_a_folder(repository: Path) -> None:
    folders = {path.parent.name for path in repository.glob("*/__init__.py")}
    assert not folders & set(docksieve.__all__)


def test_names_are_listed_and_unknown_ones_refused() -> None:
    assert dir(docksieve) == sorted(docksieve.__all__)
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        docksieve.no_such_name  # noqa: B018


def test_import_loads_nothing_heavy() -> None:
    heavy = ("numpy", "torch", "rdkit", "parsl", "pyarrow", "dask", "pydantic", "typer")
    code = f"import sys, docksieve; dir(docksieve); print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
