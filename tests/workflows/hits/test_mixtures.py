"""A campaign over racemates and isomers: what is selected, docked, ranked and said."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
from docksieve.data.errors import LibraryError
from docksieve.data.libraries.build import build_library
from docksieve.data.libraries.library import Library
from docksieve.data.store import write_table
from docksieve.screening.docking.command_output import CommandOutput
from docksieve.screening.docking.dock import CommandTarget, Ligand, dock_batch, freeze_target
from docksieve.workflows.hits.mixtures import with_stereo_groups
from docksieve.workflows.tasks.eligible import MOLECULE_COLUMNS, molecule_columns, picked_from

LINES = [
    "C[C@H](O)c1ccccc1 pure",
    "C[C@@H](O)c1ccccc1 |&1:1| racemate",
    "C[C@H](N)c1ccccc1 |o1:1| unknown",
    "CCO none",
]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder = tmp_path_factory.mktemp("mixtures")
    (folder / "in.smi").write_text("\n".join(LINES) + "\n")
    return build_library(folder / "lib", [folder / "in.smi"], workers=1, progress=False)


def test_selections_have_the_column_only_where_molecules_fill_it(library: Library, tmp_path: Path) -> None:
    assert molecule_columns(library) == [*MOLECULE_COLUMNS, "stereo_groups"]
    (tmp_path / "plain.smi").write_text("CCO a\nCCN b\n")
    plain = build_library(tmp_path / "lib", [tmp_path / "plain.smi"], workers=1, progress=False)
    assert molecule_columns(plain) == MOLECULE_COLUMNS
    assert molecule_columns(SimpleNamespace()) == MOLECULE_COLUMNS  # a space
    for source in (library, plain):
        table = source.take(range(source.rows), molecule_columns(source))
        for name in ("mean:T", "spread:T"):
            table = table.append_column(name, pa.array(range(source.rows), pa.float32()))
        path = tmp_path / f"{source.rows}.parquet"
        write_table(path, table)
        picked = picked_from([path], pa.array([1, 0]).to_numpy(), "T")
        assert picked.column_names == [*molecule_columns(source), "mean", "spread"]
        assert picked["row"].to_pylist() == [1, 0] and picked["mean"].to_pylist() == [1.0, 0.0]


def test_what_a_selection_says_is_docked_and_told(library: Library, tmp_path: Path) -> None:
    script = tmp_path / "dock.py"
    script.write_text(
        "smiles, _ = open(__import__('sys').argv[1]).read().split()\nprint('=', -1.0 - smiles.count('@@'))\n"
    )
    output = CommandOutput("regex", pattern=r"^= (?P<score>\S+)")
    command = (sys.executable, str(script), "{ligand}")
    settings = CommandTarget(command, "au", True, output, version="1", ligand_format="smi")
    spec = freeze_target("T", settings, tmp_path / "frozen", tmp_path)
    rows = library.take(range(library.rows), ["row", "id", "smiles", "stereo_groups"]).to_pylist()
    ligands = [Ligand(**row) for row in rows]
    scores = dock_batch(spec, tmp_path / "frozen", "T", ligands, 7, "p").scores
    found = {row["id"]: (row["score"], row["stereo_groups"]) for row in scores.to_pylist()}
    assert found == {
        "pure": (-1.0, None),
        "racemate": (-2.0, "|&1:1|"),
        "unknown": (-2.0, "|o1:1|"),
        "none": (-1.0, None),
    }
    plain = dock_batch(spec, tmp_path / "frozen", "T", ligands[-1:], 7, "p").scores
    assert "stereo_groups" not in plain.column_names  # as ever


def test_hits_that_are_mixtures_are_told(library: Library) -> None:
    campaign = SimpleNamespace(open_library=lambda: library)
    table, notes = with_stereo_groups(campaign, pa.table({"row": [2, 0, 1]}))
    assert table["stereo_groups"].to_pylist() == ["|o1:1|", None, "|&1:1|"]
    assert notes == [
        "2 hits are mixtures of isomers, or one of several that is not known (column stereo_groups): their docked "
        "scores are that of the best isomer."
    ]
    table, notes = with_stereo_groups(campaign, pa.table({"row": [0, 3]}))
    assert table.column_names == ["row"] and not notes

    def gone() -> Library:
        raise LibraryError("gone")

    table, notes = with_stereo_groups(SimpleNamespace(open_library=gone), pa.table({"row": [2]}))
    assert table.column_names == ["row"] and not notes
