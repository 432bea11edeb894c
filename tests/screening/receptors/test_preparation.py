"""What receptor preparation may be asked, and how a residue is named."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from docksieve.screening.receptors.preparation import PrepareSettings, Residue


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="padding: between 0 and 30"):
        PrepareSettings(padding=31)
    with pytest.raises(ValueError, match="one of them, not both"):
        PrepareSettings(ligand="x.sdf", residue="LIG")


def test_residues() -> None:
    atoms = [SimpleNamespace(pos=SimpleNamespace(tolist=lambda: [1.0, 2.0, 3.0]))] * 2
    residue = Residue("A", "797", "CYS", atoms)
    assert residue.label == "CYS A:797" and residue.points.tolist() == [[1, 2, 3]] * 2
    assert not residue.is_water and Residue("A", "1", "HOH", atoms).is_water
