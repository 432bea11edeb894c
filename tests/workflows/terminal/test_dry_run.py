"""The words of a dry run: what was read, as a line each."""

from __future__ import annotations

from typing import Any

from docksieve.data.enumeration.product_space import SAMPLES
from docksieve.data.libraries.library import Library
from docksieve.data.spaces.build import build_space
from docksieve.workflows.terminal.dry_run import found_words

TARGETS: dict[str, dict[str, Any]] = {
    "A": {
        "engine": "vina",
        "engine_version": "1.2.7",
        "unit": "kcal/mol",
        "lower_is_better": True,
        "receptor": "a.pdbqt",
        "box": {"size": [22.5, 20.0, 18.0], "center": [1.25, -3.0, 0.0]},
    },
    "B": {"engine": "table", "engine_version": "", "unit": "points", "lower_is_better": False},
}


def test_a_library_and_its_targets(small_library: Library) -> None:
    assert found_words(small_library, TARGETS).splitlines() == [
        f"Library {small_library.path}: 400 molecules in 2 shards.",
        "Target A: vina 1.2.7, receptor a.pdbqt, box of 22.5 x 20 x 18 angstrom around (1.25, -3, 0), scores in "
        "kcal/mol, lower is better.",
        "Target B: table, scores in points, higher is better.",
        "Library and targets were read and can be used.",
    ]


def test_a_space_has_products(tmp_path: Any) -> None:
    files = {}
    for role in ("acids", "amines"):
        (tmp_path / f"{role}.smi").write_text(
            "\n".join((SAMPLES / f"{role}.smi").read_text().splitlines()[:4])
        )
        files[role] = [tmp_path / f"{role}.smi"]
    space = build_space(tmp_path / "space", ["amide"], files, workers=1)
    assert found_words(space, {}).startswith(f"Space {space.path}: 16 products of 1 reaction.\n")
