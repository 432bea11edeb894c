"""Two spellings of one molecule, and two molecules with one spelling but for their slashes."""

from __future__ import annotations

from docksieve.data.molecules.spelling import spelled_now, without_slashes

OLD, NOW, OTHER = "C(=C/c1ccccc1)\\c1ccccc1", "C(=C\\c1ccccc1)/c1ccccc1", "C(=C\\c1ccccc1)\\c1ccccc1"


def test_spellings_are_one_molecule_and_isomers_are_two() -> None:
    assert without_slashes(OLD) == without_slashes(NOW) == without_slashes(OTHER)
    assert spelled_now(OLD) == spelled_now(NOW) != spelled_now(OTHER)
    assert spelled_now("C/(") is None
