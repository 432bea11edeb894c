"""Pockets by shape: a cavity that was made, none in a solid, and the site of a protease."""

from __future__ import annotations

import re
from pathlib import Path

import gemmi
import numpy as np
import pytest
from docksieve.screening.receptors.pockets import find_pockets
from docksieve.screening.receptors.preparation import PrepareSettings
from docksieve.screening.receptors.prepare import prepare_receptor
from docksieve.screening.receptors.receptor import read_box


def solid(hole: float, centre: tuple[float, float, float]) -> np.ndarray:
    """Return atoms on a lattice of 1.7 angstrom in a ball of 16, without those in a smaller ball."""
    axis = np.arange(-16, 16.1, 1.7)
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    points = points[np.linalg.norm(points, axis=1) < 16]
    return points[np.linalg.norm(points - np.array(centre), axis=1) > hole]


def test_a_cavity_is_found_where_it_is_and_a_solid_has_none() -> None:
    centre = (2.0, -3.0, 8.0)
    (pocket, *_) = find_pockets(solid(6.5, centre))
    np.testing.assert_allclose(pocket.points.mean(axis=0), centre, atol=1.0)
    # A ball of 6.5 - 2.8 angstrom is free of atoms: 212 cubic angstrom.
    assert 100 < pocket.volume < 330
    assert re.fullmatch(r"1: center [-\d.]+, [-\d.]+, [-\d.]+, \d+ cubic angstrom", pocket.describe(1))
    assert find_pockets(solid(0.0, (0, 0, 0))) == []
    assert find_pockets(np.empty((0, 3))) == []


def test_two_cavities_are_ordered_by_size() -> None:
    large, small = np.array([0.0, 0.0, 9.0]), np.array([0.0, 0.0, -9.0])
    atoms = solid(6.6, tuple(large))
    atoms = atoms[np.linalg.norm(atoms - small, axis=1) > 5.6]
    first, second = find_pockets(atoms)[:2]
    assert first.depth > second.depth and first.points[:, 2].mean() > 5 and second.points[:, 2].mean() < -5


@pytest.mark.shared
@pytest.mark.slow
def test_the_site_of_a_protease_is_among_the_first(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "redock" / "mpro_6W63" / "6w63.pdb"
    ligand = gemmi.read_structure(str(path))[0].find_residue_group("A", gemmi.SeqId("401"))[0]
    points = np.array([atom.pos.tolist() for atom in ligand if not atom.is_hydrogen()])
    inside = []
    for number in (1, 2, 3):
        report = prepare_receptor(path, tmp_path / str(number), PrepareSettings(pocket=number))
        assert "found by shape alone" in report.warnings[0] and len(report.pockets) >= 3
        inside.append(read_box(Path(report.box)).contains(points).mean())
    assert max(inside) > 0.6
