"""The pages for readers: links lead somewhere, code calls public names only, and all of it can be built."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import docksieve
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
NAMES = [str(page.relative_to(REPOSITORY)) for page in PAGES]
FOLDERS = "|".join(path.parent.name for path in REPOSITORY.glob("*/__init__.py"))
DEEPER = re.compile(rf"\bdocksieve\.(?:{FOLDERS})\b")
FENCED = re.compile(r"^```+(.*?)\n(.*?)^```+$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def blocks(text: str, language: str) -> Iterator[str]:
    yield from (code for kind, code in FENCED.findall(text) if kind.strip() == language)


def anchors(text: str) -> set[str]:
    """Return what the headings of a page can be reached by, as GitHub and MyST make it."""
    found: dict[str, int] = {}
    for heading in re.findall(r"^#+ (.*)$", FENCED.sub("", text), re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = "".join(
            letter
            for letter in words.replace(" ", "-")
            if letter in "-_" or unicodedata.category(letter)[0] in "LN"
        )
        times = found[slug] = found.get(slug, -1) + 1
        if times:
            found[f"{slug}-{times}"] = 0
    return set(found)


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    page = REPOSITORY / name
    for link in LINK.findall(SPAN.sub("`", FENCED.sub("", page.read_text()))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        aim = (page.parent / path).resolve() if path else page
        assert aim.exists(), f"{name}: {link}"
        if anchor:
            assert anchor in anchors(aim.read_text()), f"{name}: {link}: no such heading"


# The how-tos change the package itself: their code is of its modules and tests, and test_howtos.py runs it.
SHOWN = [name for name in NAMES if "howto/" not in name]


@pytest.mark.parametrize("name", SHOWN)
def test_code_calls_public_names_only(name: str) -> None:
    """What is shown can be parsed, and what it takes from docksieve is there for users."""
    text = (REPOSITORY / name).read_text()
    for code in blocks(text, "python"):
        assert not DEEPER.search(code), f"{name} names {DEEPER.search(code)}"
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "docksieve":
                assert node.module == "docksieve", f"{name}: from {node.module}"
                unknown = {alias.name for alias in node.names} - set(docksieve.__all__)
                assert not unknown, f"{name}: docksieve has no {unknown}"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                known = node.value.id != "docksieve" or node.attr in docksieve.__all__
                assert known, f"{name}: docksieve.{node.attr}"


USERS = [name for name in NAMES if not re.search(r"decisions|architecture|glossary|howto/", name)]


@pytest.mark.parametrize("name", USERS)
def test_users_are_told_no_deeper_path(name: str) -> None:
    found = re.search(rf"`[^`\n]*docksieve\.(?:{FOLDERS})\.[^`\n]*`", (REPOSITORY / name).read_text())
    assert not found, f"{name}: {found and found[0]}; export it, or say docksieve.X"


def test_the_reference_lists_every_public_name_once() -> None:
    text = (REPOSITORY / "docs" / "api.md").read_text()
    listed = re.findall(r"^\.\. auto(?:function|class|exception):: (\w+)$", text, re.MULTILINE)
    assert sorted(listed) == sorted(name for name in docksieve.__all__ if name != "__version__")


@pytest.mark.slow
def test_documentation_builds_without_a_warning(tmp_path: Path) -> None:
    if any(importlib.util.find_spec(name) is None for name in ("sphinx", "myst_nb", "myst_parser", "furo")):
        pytest.skip("sphinx is not installed here: `make docs` installs it and builds the documentation")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-d", str(tmp_path / "trees")]
    done = subprocess.run(
        [*command, str(REPOSITORY / "docs"), str(tmp_path / "pages")],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    reference = (tmp_path / "pages" / "api.html").read_text()
    assert all(f'id="docksieve.{name}"' in reference for name in docksieve.__all__ if name != "__version__")
