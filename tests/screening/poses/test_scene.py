"""Poses in their receptors as numbers for a viewer: nothing moved, bonds and contacts where they belong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from docksieve.data.errors import DockingError, FormatError
from docksieve.screening.poses.receptor_atoms import ReceptorAtoms, read_atoms
from docksieve.screening.poses.scene import POCKET, pose_scene
from rdkit import Chem
from rdkit.Chem import AllChem

Row = tuple[str, str, str, str, tuple[float, float, float]]


def pdbqt(rows: list[Row]) -> str:
    """Lines of (atom, residue, number, type, position), chain A."""
    return "".join(
        f"ATOM  {serial:5d}  {name:<3s} {residue:>3s} A{number:>4s}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00    "
        f"{0.0:6.3f} {kind:<2s}\n"
        for serial, (name, residue, number, kind, (x, y, z)) in enumerate(rows, 1)
    )


def block(smiles: str, seed: int = 7) -> str:
    """A pose: a conformer with its hydrogens."""
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert AllChem.EmbedMolecule(molecule, randomSeed=seed) == 0
    return str(Chem.MolToMolBlock(molecule))


def around(molblock: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Position of the first atom of an element, and the direction away from the others."""
    molecule = Chem.MolFromMolBlock(molblock, removeHs=False)
    at = molecule.GetConformer().GetPositions()
    index = next(atom.GetIdx() for atom in molecule.GetAtoms() if atom.GetSymbol() == name)
    away = at[index] - at.mean(axis=0)
    return at[index], away / np.linalg.norm(away)


def receptor(tmp_path: Path, rows: list[Row]) -> ReceptorAtoms:
    path = tmp_path / "receptor.pdbqt"
    path.write_text("REMARK\n" + pdbqt(rows) + "TER\n")
    return read_atoms(path)


def shifted(at: np.ndarray, by: np.ndarray) -> tuple[float, float, float]:
    x, y, z = at + by
    return float(x), float(y), float(z)


def test_types_of_autodock_become_elements_and_chains_are_kept(tmp_path: Path) -> None:
    rows: list[Row] = [
        ("N", "HIS", "10", "N", (0, 0, 0)),
        ("CA", "HIS", "10", "C", (1.5, 0, 0)),
        ("CG", "HIS", "10", "A", (2.5, 1, 0)),
        ("ND1", "HIS", "10", "NA", (3.5, 1, 0)),
        ("SG", "CYS", "11A", "SA", (4.5, 1, 0)),
        ("HN", "CYS", "11A", "HD", (5.5, 1, 0)),
        ("ZN", "ZN", "12", "Zn", (-6.5, 1, 0)),
        ("CL", "LIG", "13", "Cl", (-7.5, 1, 0)),
    ]
    found = receptor(tmp_path, rows)
    assert found.elements == ("N", "C", "C", "N", "S", "H", "Zn", "Cl")
    assert found.labels == (("HIS", "10", "A"), ("CYS", "11A", "A"), ("ZN", "12", "A"), ("LIG", "13", "A"))
    assert found.residues.tolist() == [0, 0, 0, 0, 1, 1, 2, 3]
    assert found.positions[6].tolist() == [-6.5, 1, 0]


def test_pdb_and_mmcif_give_the_same_atoms(tmp_path: Path) -> None:
    import gemmi

    sequence = Chem.MolFromSequence("GAS")
    AllChem.EmbedMolecule(sequence, randomSeed=1)
    path = tmp_path / "r.pdb"
    path.write_text(Chem.MolToPDBBlock(sequence))
    structure = gemmi.read_structure(str(path))
    structure.setup_entities()
    structure.make_mmcif_document().write_file(str(tmp_path / "r.cif"))
    one, other = read_atoms(path), read_atoms(tmp_path / "r.cif")
    assert one.elements == other.elements and one.names == other.names
    assert [label[0] for label in one.labels] == ["GLY", "ALA", "SER"]
    assert np.allclose(one.positions, other.positions, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("r.mol2", "x", "not drawn"),
        ("r.pdbqt", "REMARK nothing\n", "holds no atoms"),
        (
            "r.pdbqt",
            "ATOM      1  N   ALA   702       x.538  37.455 107.874  1.00  0.00    -0.411 N \n",
            "cannot be read",
        ),
        ("r.cif", "data_x\n_broken", "cannot be read|holds no atoms"),
    ],
)
def test_what_cannot_be_drawn_is_said(tmp_path: Path, name: str, content: str, said: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(DockingError, match=said):
        read_atoms(path)


def test_a_missing_receptor_is_said(tmp_path: Path) -> None:
    with pytest.raises(DockingError, match=r"gone\.pdb"):
        read_atoms(tmp_path / "gone.pdb")


def test_a_pose_keeps_its_shape_and_bonds() -> None:
    molblock = block("O=C(NCc1ccncc1)c1ccco1")
    molecule = Chem.MolFromMolBlock(molblock, removeHs=False)
    scene = pose_scene(molblock, None)
    atoms = scene["ligand"]["atoms"]
    assert [atom[0] for atom in atoms] == [atom.GetSymbol() for atom in molecule.GetAtoms()]
    assert len(scene["ligand"]["bonds"]) == molecule.GetNumBonds()
    at = np.array([atom[1:] for atom in atoms])
    known = molecule.GetConformer().GetPositions()
    apart = np.linalg.norm(known[:, None] - known[None], axis=2)
    assert np.allclose(np.linalg.norm(at[:, None] - at[None], axis=2), apart, atol=3e-3)
    heavy = [atom[0] != "H" for atom in atoms]
    assert np.allclose(at[heavy].mean(axis=0), 0, atol=1e-3)
    assert scene["pocket"]["atoms"] == scene["trace"] == scene["contacts"] == []


def test_the_pocket_is_what_is_near_with_bonds_and_without_hydrogens_on_carbon(tmp_path: Path) -> None:
    molblock = block("c1ccccc1")
    rows: list[Row] = [
        ("CB", "ALA", "1", "C", (0, 0, 5.0)),
        ("CA", "ALA", "1", "C", (0, 1.5, 5.0)),
        ("N", "ALA", "1", "N", (0, 2.9, 5.0)),
        ("HN", "ALA", "1", "HD", (0, 3.9, 5.0)),
        ("HB", "ALA", "1", "H", (0, -1.0, 5.0)),
        ("CA", "GLY", "2", "C", (0, 1.5, 5.0 + POCKET + 6)),
    ]
    scene = pose_scene(molblock, receptor(tmp_path, rows))
    pocket = scene["pocket"]
    assert [atom[4] for atom in pocket["atoms"]] == ["CB", "CA", "N", "HN"]
    assert sorted(map(tuple, map(sorted, pocket["bonds"]))) == [(0, 1), (1, 2), (2, 3)]
    ((label, distance),) = pocket["residues"]
    assert label == "ALA 1 A" and 4.0 < distance < 5.2


def test_the_backbone_is_broken_where_residues_are_missing(tmp_path: Path) -> None:
    rows: list[Row] = [("CA", "GLY", str(n), "C", (3.8 * n - 12, 6, 0)) for n in range(6) if n != 3]
    rows.append(("CA", "CA", "9", "Ca", (3.8 * 6 - 12, 6, 0)))  # calcium is no backbone
    scene = pose_scene(block("c1ccccc1"), receptor(tmp_path, rows))
    assert [len(line) for line in scene["trace"]] == [3, 2]


def test_hydrogen_bonds_need_distance_and_angle(tmp_path: Path) -> None:
    molblock = block("CC(=O)C")
    oxygen, away = around(molblock, "O")
    side = np.cross(away, [0.1, 0.9, 0.3])
    side /= np.linalg.norm(side)

    def contacts(*rows: Row) -> list[dict[str, object]]:
        return list(pose_scene(molblock, receptor(tmp_path, list(rows)))["contacts"])

    donor: Row = ("OG", "SER", "5", "OA", shifted(oxygen, 2.9 * away))
    straight: Row = ("HG", "SER", "5", "HD", shifted(oxygen, 1.93 * away))
    turned: Row = ("HG", "SER", "5", "HD", shifted(oxygen, 2.9 * away + 0.97 * side))
    far: Row = ("OG", "SER", "5", "OA", shifted(oxygen, 4.5 * away))
    (found,) = contacts(donor, straight)
    assert found["distance"] == 2.9 and found["to"] == "SER 5 A OG"
    assert contacts(donor, turned) == []
    assert contacts(far, ("HG", "SER", "5", "HD", shifted(oxygen, 3.53 * away))) == []


def test_without_hydrogens_in_the_receptor_names_tell_who_gives(tmp_path: Path) -> None:
    molblock = block("CC(=O)C")
    oxygen, away = around(molblock, "O")
    for name, residue, kind, wanted in (("N", "GLY", "N", 1), ("OG", "SER", "OA", 1), ("O", "GLY", "OA", 0)):
        rows: list[Row] = [(name, residue, "5", kind, shifted(oxygen, 3.0 * away))]
        assert len(pose_scene(molblock, receptor(tmp_path, rows))["contacts"]) == wanted, name


def test_ligands_give_to_oxygens_and_not_to_amides(tmp_path: Path) -> None:
    molblock = block("c1ccccc1O")
    molecule = Chem.MolFromMolBlock(molblock, removeHs=False)
    at = molecule.GetConformer().GetPositions()
    oxygen = next(atom for atom in molecule.GetAtoms() if atom.GetSymbol() == "O")
    proton = next(n.GetIdx() for n in oxygen.GetNeighbors() if n.GetSymbol() == "H")
    along = at[proton] - at[oxygen.GetIdx()]
    place = shifted(at[oxygen.GetIdx()], 2.8 * along / np.linalg.norm(along))
    accepting = receptor(tmp_path, [("OD1", "ASP", "7", "OA", place)])
    assert [c["to"] for c in pose_scene(molblock, accepting)["contacts"]] == ["ASP 7 A OD1"]
    amide = receptor(
        tmp_path, [("N", "GLY", "7", "N", place), ("H", "GLY", "7", "HD", shifted(np.array(place), along))]
    )
    assert pose_scene(molblock, amide)["contacts"] == []


def test_a_pose_that_breaks_the_rules_of_valence_is_still_drawn() -> None:
    molblock = block("CN(C)C").replace(" N   0", " C   0")
    broken = Chem.MolFromMolBlock(molblock, removeHs=False, sanitize=False)
    broken.GetAtomWithIdx(1).SetAtomicNum(9)  # fluorine with three bonds
    scene = pose_scene(Chem.MolToMolBlock(broken, kekulize=False), None)
    assert [atom[0] for atom in scene["ligand"]["atoms"]].count("F") == 1


@pytest.mark.parametrize("molblock", ["", "nonsense\n\n\n  x", block("C")[:60]])
def test_a_damaged_pose_is_an_error(molblock: str) -> None:
    with pytest.raises(FormatError, match="cannot be read as a molecule"):
        pose_scene(molblock, None)
