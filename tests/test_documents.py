"""What the documents name is there: modules, functions; every page is reached; the picture is as the code draws it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

NAMED = re.compile(r"`([\w./-]+\.py)(?:::(\w+))?`")
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(#[^)\s]*)?\)")
OWN_FOLDERS = ("data", "models", "screening", "hpc", "workflows", "tests", "benchmarks", "docs")
OF_HOWTOS = re.compile(r"formula|ridge|test_within")


def documents(repository: Path) -> list[Path]:
    return [
        repository / "README.md",
        repository / "CONTRIBUTING.md",
        *sorted((repository / "docs").rglob("*.md")),
    ]


def defined(path: Path) -> set[str]:
    """Return the names that a module defines at its top."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


def test_modules_and_functions_that_documents_name_exist(repository: Path) -> None:
    wrong = []
    for document in documents(repository):
        for name, function in NAMED.findall(document.read_text()):
            if name.partition("/")[0] not in OWN_FOLDERS or OF_HOWTOS.search(name):
                continue
            path = repository / name
            if not path.is_file():
                wrong.append(f"{document.name}: {name} does not exist")
            elif function and function not in defined(path):
                wrong.append(f"{document.name}: {name} has no {function}")
    assert not wrong, "\n".join(wrong)


def test_every_page_is_reached_from_the_readme(repository: Path) -> None:
    reached, waiting = set(), [repository / "README.md"]
    while waiting:
        document = waiting.pop()
        if document in reached or document.suffix != ".md" or not document.exists():
            continue
        reached.add(document)
        waiting += [
            (document.parent / target).resolve() for target, _ in LINK.findall(document.read_text()) if target
        ]
    missed = {path.resolve() for path in documents(repository)} - {path.resolve() for path in reached}
    assert not {path.name for path in missed} - {"index.md"}


def test_decisions_are_numbered_and_have_a_date_and_a_status(repository: Path) -> None:
    text = (repository / "docs" / "decisions.md").read_text()
    numbers = [int(number) for number in re.findall(r"^## (\d+)\. ", text, re.M)]
    assert numbers == list(range(1, len(numbers) + 1))
    dated = re.findall(
        r"^## \d+\. .+\n\n\*20\d\d-\d\d(?:-\d\d)?, (?:accepted|superseded by (\d+))\*$", text, re.M
    )
    assert len(dated) == len(numbers)
    assert all(1 <= int(number) <= len(numbers) for number in dated if number)


def test_picture_is_as_the_code_draws_it(repository: Path) -> None:
    script = repository / "docs" / "draw_architecture.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.fail(done.stderr)
