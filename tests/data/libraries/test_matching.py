"""Molecules are found in a library that another version of RDKit wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from docksieve.data.libraries.build import build_library
from docksieve.data.libraries.library import Library
from docksieve.data.libraries.matching import find_rows
from docksieve.data.molecules.spelling import rdkit_version
from docksieve.data.molecules.standardise import standard_smiles

# What is written today; beside it the same molecule with its slashes elsewhere, as an earlier version wrote it.
STILBENE = "C(=C\\c1ccccc1)/c1ccccc1"
HYDRAZONE = "C/C(=N\\N)c1ccccc1"
AZLACTONE = "O=C1OC(c2ccccc2)=N/C1=C\\c1ccccc1"
RACEMATE = "C[C@H](O)/C=C/c1ccccc1 |&1:1|"
SWAP = str.maketrans("/\\", "\\/")


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """A library whose SMILES with double bonds have every slash turned, which is the same molecule."""
    lines = [
        f"{STILBENE} A",
        f"{HYDRAZONE} B",
        f"{AZLACTONE} C",
        "C(=C\\c1ccccc1)\\c1ccccc1 Z",
        f"{RACEMATE} R",
        "CCO E",
    ]
    (tmp_path / "in.smi").write_text("".join(f"{line}\n" for line in lines))
    built = build_library(tmp_path / "library", [tmp_path / "in.smi"], workers=1, progress=False)
    (shard,) = built.shards
    table = pq.read_table(shard.path)
    at = table.schema.get_field_index("smiles")
    other = [text.translate(SWAP) for text in table["smiles"].to_pylist()]
    assert other != table["smiles"].to_pylist()
    pq.write_table(table.set_column(at, table.schema.field(at), [other]), shard.path)
    manifest = json.loads((built.path / "library.json").read_text())
    manifest["made_with"]["rdkit"] = "2025.03.1"
    (built.path / "library.json").write_text(json.dumps(manifest))
    return Library.open(built.path)


def found(library: Library, *smiles: str) -> list[str | None]:
    rows = library.find_smiles(smiles).tolist()
    return [library.take([row], ["id"])["id"][0].as_py() if row >= 0 else None for row in rows]


def test_what_another_version_wrote_is_found(library: Library) -> None:
    texts = [standard_smiles(text) for text in (STILBENE, HYDRAZONE, AZLACTONE, "CCO")]
    assert found(library, *texts) == ["A", "B", "C", "E"]


def test_isomers_stay_apart_and_both_spellings_in_one_question_are_found(library: Library) -> None:
    old = STILBENE.translate(SWAP)
    assert found(library, STILBENE, old, standard_smiles("C(=C/c1ccccc1)/c1ccccc1"), STILBENE) == [
        "A",
        "A",
        "Z",
        "A",
    ]
    assert found(library, standard_smiles("C/C=C/CO"), standard_smiles("C/C(=N/N)c1ccccc1")) == [None, None]


def test_mixtures_are_found_with_their_groups(library: Library) -> None:
    smiles = library.take([library.lookup(["R"])[0]], ["smiles", "stereo_groups"]).to_pylist()[0]
    mine = smiles["smiles"].translate(SWAP)
    assert found(library, f"{mine} {smiles['stereo_groups']}", mine, f"{mine} |o1:1|") == ["R", "R", None]


def test_a_library_of_this_version_is_read_once(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.manifest["made_with"]["rdkit"] = rdkit_version()
    read: list[int] = []
    batches = library.batches
    monkeypatch.setattr(library, "batches", lambda names: read.append(1) or batches(names))
    assert found(library, STILBENE) == [None] and len(read) == 1


def test_nothing_is_read_for_nothing() -> None:
    def never(names: list[str]) -> list[object]:
        raise AssertionError

    assert find_rows([], never, False, None).tolist() == []  # type: ignore[arg-type]
