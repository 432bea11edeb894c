"""The examples in the docstrings of all public names, run as written, each in a folder of its own.

What lies in that folder: ``example_campaign.py``, and ``docs/api.md`` for readers.
"""

from __future__ import annotations

import doctest
import inspect
import re
import shutil
from dataclasses import fields, is_dataclass
from pathlib import Path

import docksieve
import numpy as np
import pytest
from docksieve.models.regressors import registry

from .example_campaign import make

NAMES = [name for name in docksieve.__all__ if name != "__version__"]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

RAISED = re.compile(r"^(\w+)(?=: )", re.MULTILINE)
"""Readers see ``InputError: ...``; Python says where the class lives, which is nobody's business."""


def full_name(found: re.Match[str]) -> str:
    error = getattr(docksieve, found[1], None) if found[1].endswith("Error") else None
    return f"{error.__module__}.{found[1]}" if error else found[1]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples") / "made"
    folder.mkdir()
    make(folder)
    return folder


@pytest.fixture
def examples_folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of an example: a copy, so that no example finds what another one left."""
    folder = tmp_path / "here"
    shutil.copytree(request.getfixturevalue("made_once"), folder)
    monkeypatch.chdir(folder)
    # What an example registers is forgotten after it.
    monkeypatch.setattr(registry, "_LOADERS", dict(registry._LOADERS))
    monkeypatch.setattr(registry, "_OPTIONAL", set(registry._OPTIONAL))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_example_runs(name: str, examples_folder: Path) -> None:
    text = RAISED.sub(full_name, inspect.getdoc(getattr(docksieve, name)) or "")
    test = doctest.DocTestParser().get_doctest(
        text, {"docksieve": docksieve, "np": np}, f"docksieve.{name}", None, 0
    )
    said: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(test, out=said.append)
    assert not said, "".join(said)


def sections(name: str) -> dict[str, str]:
    """Return the sections of a docstring, by title."""
    text = inspect.getdoc(getattr(docksieve, name)) or ""
    pieces = re.split(r"^([A-Z][a-z]+)\n-{3,}\n", text, flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_docstring_is_whole(name: str) -> None:
    """An example, every parameter by name, and what is returned."""
    value, found = getattr(docksieve, name), sections(name)
    assert ">>>" in found.get("Examples", ""), f"docksieve.{name} has no example"
    assert "docksieve." in found["Examples"]
    wanted: list[str] = []
    if is_dataclass(value):
        wanted = [field.name for field in fields(value)]
    elif not inspect.isclass(value):
        wanted = list(inspect.signature(value).parameters)
        returns = inspect.signature(value).return_annotation not in ("None", None)
        assert returns == bool(found.keys() & {"Returns", "Yields"}), (
            f"docksieve.{name}: what does it return?"
        )
    text = inspect.getdoc(value) or ""
    assert not re.search(r"\b(data|models|screening|hpc|workflows)\.[a-z_]+\.", text), (
        "readers know no deeper path"
    )
    told = found.get("Parameters", "") + found.get("Attributes", "")
    heads = [line.partition(" : ")[0] for line in told.split("\n") if line and not line.startswith(" ")]
    named = {word.strip() for head in heads for word in head.split(",")}
    assert set(wanted) <= named, f"docksieve.{name} does not say what {set(wanted) - named} are"
