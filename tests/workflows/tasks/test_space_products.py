"""Products of a space that are drawn, left out or stand for others: each molecule once, each with one reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from docksieve.data.enumeration.product_space import SAMPLES
from docksieve.data.errors import CampaignError
from docksieve.data.molecules.standardise import StandardSettings
from docksieve.data.receipts import Stopwatch
from docksieve.data.spaces.build import build_space
from docksieve.data.spaces.space import Space
from docksieve.data.store import read_table, write_table
from docksieve.screening.docking.ligand_settings import LigandLimits
from docksieve.workflows.campaign.ledger import Task
from docksieve.workflows.tasks import space_products
from docksieve.workflows.tasks.context import TaskContext
from docksieve.workflows.tasks.space_products import (
    MOLECULE_COLUMNS,
    Fresh,
    MadeProducts,
    drawn_products,
    limits_of,
    refused,
    repeated_products,
    sample_products,
)
from docksieve.workflows.tasks.space_settings import SpaceAcquireSettings, SpaceSampleSettings

ELEMENTS = ("C", "N", "O", "F", "S", "Cl", "Br")
FROM_FOUR = LigandLimits(4, 100, 20, ELEMENTS)


@pytest.fixture(scope="module")
def alkanes(tmp_path_factory: pytest.TempPathFactory) -> Space:
    """Nine products: propane, butane and pentane more than once, and hexane, which is too large to be made.

    ====== ======= ====== ======
    row    methyl  ethyl  propyl
    ====== ======= ====== ======
    methyl 0 C2    1 C3   2 C4
    ethyl  3 C3    4 C4   5 C5
    propyl 6 C4    7 C5   8 (C6)
    ====== ======= ====== ======
    """
    folder = tmp_path_factory.mktemp("alkanes")
    (folder / "bromides.smi").write_text("BrC m\nBrCC e\nBrCCC p\n")
    (folder / "iodides.smi").write_text("IC m\nICC e\nICCC p\n")
    smarts = {
        "chain": ("[CX4:1]-Br.[CX4:2]-I>>[C:1]-[C:2]", [folder / "bromides.smi", folder / "iodides.smi"])
    }
    return build_space(
        folder / "space",
        smarts=smarts,
        standard=StandardSettings(min_heavy_atoms=2, max_heavy_atoms=5),
        workers=1,
    )


@pytest.fixture(scope="module")
def amides(tmp_path_factory: pytest.TempPathFactory) -> Space:
    folder = tmp_path_factory.mktemp("amides")
    files = {}
    for role in ("acids", "amines"):
        lines = (SAMPLES / f"{role}.smi").read_text().splitlines()[:25]
        (folder / f"{role}.smi").write_text("\n".join(lines) + "\n")
        files[role] = [folder / f"{role}.smi"]
    return build_space(folder / "space", ["amide"], files, workers=1)


@pytest.fixture
def shortlist(alkanes: Space, tmp_path: Path) -> list[Path]:
    """All nine, in two files, the later rows first."""
    paths = [tmp_path / "1.parquet", tmp_path / "2.parquet"]
    for path, rows in zip(paths, ([8, 6, 7, 5], [0, 1, 2, 3, 4]), strict=True):
        write_table(path, alkanes.take(rows, MOLECULE_COLUMNS))
    return paths


def docked(*lines: tuple[int | None, str, str]) -> pa.Table:
    schema = pa.schema({"row": pa.int64(), "smiles": pa.string(), "target": pa.string()})
    return pa.Table.from_pylist([dict(zip(schema.names, line, strict=True)) for line in lines], schema)


def test_the_space_is_what_its_table_says(alkanes: Space) -> None:
    found = alkanes.take(np.arange(9), ["smiles"])["smiles"].to_pylist()
    assert found == ["CC", "CCC", "CCCC", "CCC", "CCCC", "CCCCC", "CCCC", "CCCCC", None]


def test_the_smallest_row_stands_for_a_molecule_unless_it_is_docked(shortlist: list[Path]) -> None:
    assert sorted(repeated_products(shortlist, docked())) == [3, 4, 6, 7, 8]
    # Butane was docked as row 4, which is known by its number; propane in another library, without one.
    done = docked((4, "CCCC", "A"), (None, "CCC", "A"))
    assert sorted(repeated_products(shortlist, done)) == [1, 2, 3, 6, 7, 8]


def test_every_product_that_is_left_out_has_one_reason(shortlist: list[Path]) -> None:
    fresh = Fresh(shortlist, docked((1, "CCC", "B")), {"A": FROM_FOUR, "B": None})
    rows = np.arange(9)
    assert np.flatnonzero(fresh.may(rows, "target:A")).tolist() == [2, 5]
    # Row 3 is too small, and propane again: it is counted once.
    assert fresh.left_out("A") == {"not_made": 1, "repeated": 4, "refused": 2}
    # What is docked already is left out by whoever chooses, by its number.
    assert np.flatnonzero(fresh.may(rows, "target:B")).tolist() == [0, 1, 2, 5]
    assert fresh.left_out("B") == {"not_made": 1, "repeated": 4, "refused": 0}
    for target in "AB":
        assert sum(fresh.left_out(target).values()) + fresh.may(rows, f"target:{target}").sum() == 9


def test_a_draw_has_each_molecule_once_and_fewer_where_there_are_no_more(alkanes: Space) -> None:
    assert sorted(drawn_products(alkanes, 50, 1, "test")["smiles"].to_pylist()) == [
        "CC",
        "CCC",
        "CCCC",
        "CCCCC",
    ]
    found = drawn_products(alkanes, 50, 1, "test", FROM_FOUR)
    assert sorted(found["smiles"].to_pylist()) == ["CCCC", "CCCCC"]
    assert drawn_products(alkanes, 50, 1, "test", LigandLimits(60, 100, 20, ELEMENTS)).num_rows == 0
    assert drawn_products(alkanes, 3, 1, "test").num_rows == 3


def test_a_draw_keeps_the_limits_and_is_the_same_again(amides: Space) -> None:
    limits = LigandLimits(6, 17, 4, ELEMENTS)
    found = drawn_products(amides, 40, 7, "test", limits)
    assert found.num_rows == 40 == len(set(found["smiles"].to_pylist()))
    assert found["heavy_atoms"].to_numpy().max() <= 17 and found["rotatable_bonds"].to_numpy().max() <= 4
    assert found["row"].to_pylist() == sorted(found["row"].to_pylist())
    assert found.equals(amides.take(found["row"].to_numpy(), MOLECULE_COLUMNS))
    assert found.equals(drawn_products(amides, 40, 7, "test", limits))
    assert not found.equals(drawn_products(amides, 40, 8, "test", limits))


def test_a_draw_makes_every_product_once(amides: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    take = Space.take

    def counted(self: Space, rows: Any, columns: Any = None) -> pa.Table:
        made.extend(np.asarray(rows).tolist())
        return take(self, rows, columns)

    monkeypatch.setattr(Space, "take", counted)
    whole = drawn_products(amides, 300, 7, "test", LigandLimits(6, 16, 20, ELEMENTS))
    assert 0 < whole.num_rows < 300
    assert sorted(made) == list(range(amides.rows))


def test_a_draw_that_would_take_a_whole_large_space_is_refused(
    amides: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space_products, "MOST_TRIED", 2)
    with pytest.raises(
        CampaignError, match=r"Of 220 random products .* 0 are different molecules.*60 are needed"
    ):
        drawn_products(amides, 60, 7, "test", LigandLimits(60, 100, 20, ELEMENTS))


def test_limits_from_json(amides: Space) -> None:
    assert limits_of(None) is None
    limits = limits_of(
        {"min_heavy_atoms": 6, "max_heavy_atoms": 15, "max_torsions": 20, "elements": ["C", "N", "O"]}
    )
    assert limits == LigandLimits(6, 15, 20, ("C", "N", "O"))
    table = amides.take(np.arange(100), MOLECULE_COLUMNS)
    assert np.array_equal(
        refused(table, limits),
        [
            atoms > 15 or any(mark in smiles for mark in ("F", "S", "s", "Cl", "Br"))
            for atoms, smiles in zip(
                table["heavy_atoms"].to_pylist(), table["smiles"].to_pylist(), strict=True
            )
        ],
    )
    assert not refused(table, None).any()


def test_products_that_were_made_are_taken_as_from_a_library(alkanes: Space, shortlist: list[Path]) -> None:
    products = MadeProducts(shortlist, alkanes.fingerprint)
    assert products.fingerprint == alkanes.fingerprint
    asked = [7, 8, 0, 5]  # 8 could not be made
    assert products.take(asked, ["row", "id", "smiles"]).to_pylist() == [
        {"row": 7, "id": "chain:p:e", "smiles": "CCCCC"},
        {"row": 0, "id": "chain:m:m", "smiles": "CC"},
        {"row": 5, "id": "chain:e:p", "smiles": "CCCCC"},
    ]
    assert products.take([8]).num_rows == 0 and products.take([2]).column_names == MOLECULE_COLUMNS


def test_the_seed_sample_of_each_target_keeps_its_limits(amides: Space, tmp_path: Path) -> None:
    small = {"min_heavy_atoms": 6, "max_heavy_atoms": 17, "max_torsions": 20, "elements": list(ELEMENTS)}
    settings = SpaceSampleSettings(
        molecules=30, method="diverse", seed=3, targets=("A", "B"), batch=20, library="", limits={"A": small}
    )
    task = Task("round-00/sample", "sample-products", settings, (), {"library": str(amides.path)})
    outcome = sample_products(TaskContext(tmp_path, task, Stopwatch()))
    tables = {
        target: pa.concat_tables([read_table(path) for path in outcome.outputs if path.parent.name == target])
        for target in "AB"
    }
    assert [table.num_rows for table in tables.values()] == [30, 30]
    assert tables["A"]["heavy_atoms"].to_numpy().max() <= 17 < tables["B"]["heavy_atoms"].to_numpy().max()
    rows = np.concatenate([table["row"].to_numpy() for table in tables.values()])
    assert outcome.rows_in == amides.rows and outcome.rows_out == len(np.unique(rows))


def test_a_target_that_no_model_knows_docks_no_molecule_again(alkanes: Space, tmp_path: Path) -> None:
    """Butane, docked as one product, is none of the others that make it."""
    values: dict[str, Any] = dict.fromkeys(SpaceAcquireSettings.__dataclass_fields__)
    settings = SpaceAcquireSettings(**{**values, "dock": 4, "limits": {}})
    task = Task("round-01/acquire", "acquire-products", settings, (), {"library": str(alkanes.path)})
    context: TaskContext[Any] = TaskContext(tmp_path, task, Stopwatch())
    for row in (2, 4, 6):
        found = space_products._at_random(context, "A", np.array([row]), seed=5)
        assert sorted(found["smiles"].to_pylist()) == ["CC", "CCC", "CCCCC"]
    assert space_products._at_random(context, "A", np.array([], np.int64), seed=5).num_rows == 4
