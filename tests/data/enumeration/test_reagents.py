"""Building blocks: each structure once, ids that products can be named by, and only those that react."""

from __future__ import annotations

from pathlib import Path

import pytest
from docksieve.data.enumeration.reagents import Reagent, read_reagents, usable_reagents
from docksieve.data.errors import InputError
from rdkit import Chem


def read(tmp_path: Path, text: str, name: str = "amines.smi") -> tuple[Reagent, ...]:
    (tmp_path / name).write_text(text)
    return read_reagents("amines", [tmp_path / name])


def test_salts_are_stripped_and_each_structure_comes_once(tmp_path: Path) -> None:
    found = read(tmp_path, "CCN a\nCCN.Cl b\nCC(C garbage\nNCc1ccccc1 c\n")
    assert found == (Reagent("a", "CCN"), Reagent("c", "NCc1ccccc1"))


def test_without_ids_file_and_line_name_them(tmp_path: Path) -> None:
    assert [item.id for item in read(tmp_path, "CCN\nCCCN\n")] == ["amines-1", "amines-2"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("CCN a:b\n", r"line 1: the id 'a:b' holds a colon"),
        ("CCN a\nCCCN a\n", r"line 2: another of the amines has the id 'a'"),
    ],
)
def test_ids_that_cannot_name_products_are_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(tmp_path, text)


def test_reagents_come_from_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot come from standard input"):
        read_reagents("amines", ["-"])


def test_only_those_that_react_in_one_place_are_used() -> None:
    amine = Chem.MolFromSmarts("[NX3;H2]")
    found = [Reagent("one", "CCN"), Reagent("two", "NCCN"), Reagent("none", "CCO")]
    assert usable_reagents(found, amine) == (found[0],)
