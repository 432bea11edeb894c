"""Imports go one way, between rooms and between their sub-folders, and heavy libraries have few homes.

Each rule is also shown to notice what it forbids, on a small tree with that fault planted in it.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # a helper in no package
from layering import Tree, circles, explained, folder_of, folders, read_tree

ROOMS: dict[str, set[str]] = {
    "data": set(),
    "models": {"data"},
    "screening": {"data"},
    "hpc": {"data"},
    "workflows": {"data", "models", "screening", "hpc"},
}
HOMES = {
    "torch": ("models",),
    "parsl": ("hpc.parsl_workers", "hpc.checks.probe", "workflows.running.parsl_engine"),
    "dask": ("hpc.dask_workers", "data.libraries.pool"),
    "distributed": ("hpc.dask_workers", "data.libraries.pool"),
    "dask_jobqueue": ("hpc.dask_workers",),
    "rdkit": ("data", "models", "screening"),
    "vina": ("screening.docking.vina_child",),
    "pydantic": ("workflows.config",),
    "typer": ("workflows.cli",),
    "rich": ("workflows.terminal", "workflows.cli", "workflows.report.report", "data.libraries.progress"),
    "starlette": ("workflows.dashboard",),
}
"""Where a library may be imported: a folder with all below it, or a module."""
STARTED = {("hpc.nodes.devices", "models.devices.proof")}
"""Programs that are started by name in a process of their own: only that process loads what they import."""
WIDEST = 17
LONGEST = 400


def wrong_rooms(tree: Tree) -> list[str]:
    """Return the imports that go from one of the five folders to one that it may not know."""
    return [
        f"{module} needs {other}"
        for module, needs in tree.needs.items()
        for other in sorted(needs)
        if other.partition(".")[0] not in {module.partition(".")[0], *ROOMS[module.partition(".")[0]]}
        and (module, other) not in STARTED
    ]


def strays(tree: Tree, library: str) -> list[str]:
    """Return the modules that import a library and are none of its homes."""
    homes = HOMES[library]
    return [
        module
        for module, needs in tree.outside.items()
        if library in needs and not any(module == home or module.startswith(f"{home}.") for home in homes)
    ]


def too_wide(tree: Tree) -> list[str]:
    """Return the folders with more modules than a reader takes in at a glance."""
    counts = Counter(
        folder_of(tree, module) for module, path in tree.files.items() if path.name != "__init__.py"
    )
    return [f"{folder} has {count} modules" for folder, count in counts.items() if count > WIDEST]


def undescribed(root: Path) -> list[str]:
    """Return the folders whose ``__init__.py`` does not say what lives there."""
    found = []
    for folder in sorted({path.parent for room in ROOMS for path in (root / room).rglob("*.py")}):
        start = folder / "__init__.py"
        said = (ast.get_docstring(ast.parse(start.read_text())) or "") if start.is_file() else ""
        if len(said) < 40:
            found.append(str(folder.relative_to(root)))
    return found


def too_long(tree: Tree) -> list[str]:
    """Return the files that should have been split."""
    return [module for module, path in tree.files.items() if path.read_text().count("\n") > LONGEST]


@pytest.fixture(scope="module")
def tree(repository: Path) -> Tree:
    return read_tree(repository, ROOMS)


def test_rooms_import_one_way(tree: Tree) -> None:
    assert len(tree.files) > 250  # it did look
    assert not wrong_rooms(tree)
    assert not tree.absolute


def test_no_module_needs_itself(tree: Tree) -> None:
    found = circles(tree.needs)
    assert not found, "\n".join(" <-> ".join(circle) for circle in found)


def test_arrows_between_folders_run_one_way(tree: Tree) -> None:
    found = circles(folders(tree))
    assert not found, "\n".join(explained(tree, circle) for circle in found)


@pytest.mark.parametrize("library", sorted(HOMES))
def test_heavy_libraries_have_few_homes(tree: Tree, library: str) -> None:
    assert any(library in needs for needs in tree.outside.values()), f"{library} is imported nowhere"
    assert not strays(tree, library), f"the homes of {library} are {HOMES[library]}"


def test_folders_can_be_taken_in_at_a_glance(tree: Tree, repository: Path) -> None:
    assert not too_wide(tree)
    assert not too_long(tree)
    assert not undescribed(repository)


# What the rules must notice, planted in a small tree.


PLAIN = {
    "data/__init__.py": '"""What everyone uses; nothing here knows of anything else."""\n',
    "data/low/__init__.py": '"""The lower of two folders, which knows nothing of the upper."""\n',
    "data/low/a.py": "ONE = 1\n",
    "data/low/b.py": "from .a import ONE\n",
    "data/up/__init__.py": '"""The upper of two folders, which may use the lower one."""\n',
    "data/up/c.py": "from ..low.b import ONE\n",
    "models/__init__.py": '"""Arrays in, predictions out; knows what data knows."""\n',
    "models/m.py": "from ..data.up.c import ONE\n",
    "workflows/__init__.py": '"""The story, which introduces all others to each other."""\n',
}


def planted(folder: Path, **changed: str) -> Tree:
    files = {**PLAIN, **{name.replace("__", "/") + ".py": text for name, text in changed.items()}}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read_tree(folder, [room for room in ROOMS if (folder / room).is_dir()])


def test_the_plain_tree_keeps_every_rule(tmp_path: Path) -> None:
    tree = planted(tmp_path)
    assert not wrong_rooms(tree) and not circles(tree.needs) and not circles(folders(tree))
    assert not too_wide(tree) and not too_long(tree) and not undescribed(tmp_path)
    assert tree.needs["data.low.b"] == {"data.low.a"}
    assert folders(tree)["data.up"] == {"data.low"}


BACKWARDS = {
    "at the top": "from ..up.c import ONE\n",
    "of a module": "from ..up import c\n",
    "for types only": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..up.c import ONE\n",
    "inside a function": "def late():\n    from ..up.c import ONE\n    return ONE\n",
    "by importlib": "import importlib\ndef late():\n    return importlib.import_module('..up.c', __package__)\n",
    "in a table of names": "import importlib\nKINDS = {'one': '..up.c:ONE'}\n",
    "as a program": "import sys\nCOMMAND = [sys.executable, '-m', 'docksieve.data.up.c']\n",
}


@pytest.mark.parametrize("way", sorted(BACKWARDS))
def test_an_arrow_backwards_is_noticed(way: str, tmp_path: Path) -> None:
    tree = planted(tmp_path, data__low__a=BACKWARDS[way])
    assert circles(tree.needs) == [["data.low.a", "data.low.b", "data.up.c"]]
    assert circles(folders(tree)) == [["data.low", "data.up"]]
    assert "data.low.a needs data.up.c" in explained(tree, ["data.low", "data.up"])


def test_a_circle_of_folders_without_one_of_modules_is_noticed(tmp_path: Path) -> None:
    tree = planted(tmp_path, data__up__d="TWO = 2\n", data__low__a="from ..up.d import TWO as ONE\n")
    assert not circles(tree.needs)
    assert circles(folders(tree)) == [["data.low", "data.up"]]


def test_a_circle_inside_a_folder_is_noticed(tmp_path: Path) -> None:
    tree = planted(tmp_path, data__low__a="from . import b\n")
    assert circles(tree.needs) == [["data.low.a", "data.low.b"]]


def test_a_room_that_knows_too_much_is_noticed(tmp_path: Path) -> None:
    tree = planted(tmp_path, data__low__a="def late():\n    from ...models.m import ONE\n")
    assert wrong_rooms(tree) == ["data.low.a needs models.m"]


def test_the_packages_own_name_in_an_import_is_noticed(tmp_path: Path) -> None:
    tree = planted(tmp_path, data__low__a="from docksieve.models.m import ONE\n")
    assert tree.absolute == ["data.low.a imports docksieve.models.m by its absolute name"]


def test_a_library_in_the_wrong_home_is_noticed(tmp_path: Path) -> None:
    tree = planted(tmp_path, data__low__a="def late():\n    import torch.nn\n")
    assert strays(tree, "torch") == ["data.low.a"]


def test_wide_long_and_undescribed_are_noticed(tmp_path: Path) -> None:
    many = {f"data__wide__m{index}": "ONE = 1\n" for index in range(WIDEST + 1)}
    tree = planted(tmp_path, data__low__a="ONE = 1\n" * (LONGEST + 1), **many)
    assert too_wide(tree) == [f"data.wide has {WIDEST + 1} modules"]
    assert too_long(tree) == ["data.low.a"]
    assert undescribed(tmp_path) == ["data/wide"]


def test_words_that_are_no_module_need_nothing(tmp_path: Path) -> None:
    text = (
        '"""Not this: docksieve.data.up.c."""\nimport importlib\nENDINGS = (".csv", ".c", "docksieve.toml")\n'
    )
    tree = planted(tmp_path, data__low__a=text)
    assert tree.needs["data.low.a"] == set()
