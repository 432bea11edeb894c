"""The sample building blocks: the files that are shipped are what the script makes, and each block reacts once."""

from __future__ import annotations

from pathlib import Path

import pytest
from docksieve.data import samples
from docksieve.data.samples import make_reagents
from docksieve.data.samples.make_reagents import attach, classes, paired_phenyls, single_phenyls, usable
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

SHIPPED = Path(samples.__file__).parent
CLASSES = sorted(classes())


def test_every_class_has_its_file_and_every_file_its_class() -> None:
    assert {path.stem for path in SHIPPED.glob("*.smi")} == set(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_shipped_blocks_are_those_that_the_script_makes(name: str) -> None:
    prefix, smiles, smarts, heaviest = classes()[name]
    lines = (SHIPPED / f"{name}.smi").read_text().splitlines()
    found = [line.split() for line in lines]
    assert [text for text, _ in found] == usable(smiles, smarts, heaviest)
    assert [mark for _, mark in found] == [f"DS-{prefix}-{number:04d}" for number in range(1, len(found) + 1)]


@pytest.mark.parametrize("name", CLASSES)
def test_each_block_reacts_in_one_place_and_is_small(name: str) -> None:
    _, _, smarts, heaviest = classes()[name]
    pattern = Chem.MolFromSmarts(smarts)
    texts = [line.split()[0] for line in (SHIPPED / f"{name}.smi").read_text().splitlines()]
    assert len(set(texts)) == len(texts) > 20
    for mol in map(Chem.MolFromSmiles, texts[:: max(1, len(texts) // 20)]):
        assert len(mol.GetSubstructMatches(pattern)) == 1
        assert rdMolDescriptors.CalcExactMolWt(mol) <= heaviest


def test_phenyls_have_their_open_valence_first() -> None:
    single, paired = single_phenyls(), paired_phenyls()
    assert (len(single), len(set(single))) == (49, 49)  # none, or one of sixteen in three places
    assert len(paired) == 5 * 6 * 6  # two of six, on five skeletons
    anilines = attach("N", single)
    assert anilines[:2] == ["Nc1ccccc1", "Nc1c(F)cccc1"]
    assert Chem.CanonSmiles(anilines[1]) == Chem.CanonSmiles("Nc1ccccc1F")


def test_what_reacts_twice_is_too_heavy_or_known_is_left_out() -> None:
    found = usable(["OC(=O)C", "CC(O)=O", "OC(=O)CC(=O)O", "OC(=O)" + "C" * 30], "C(=O)[OX2H1]", 230)
    assert found == ["CC(=O)O"]
    assert usable([], "C", 100) == []
    with pytest.raises(ValueError, match="C1CC is not a molecule"):
        usable(["C", "C1CC"], "C", 100)


def test_the_script_writes_every_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = {"alcohols": ("OH", ["OCC", "OC"], "[OX2H1]", 100.0)}
    monkeypatch.setattr(make_reagents, "classes", lambda: kept)
    monkeypatch.setattr(make_reagents, "__file__", str(tmp_path / "make_reagents.py"))
    make_reagents.main()
    assert (tmp_path / "alcohols.smi").read_text() == "CCO DS-OH-0001\nCO DS-OH-0002\n"
    assert capsys.readouterr().out == "alcohols: 2\n"
