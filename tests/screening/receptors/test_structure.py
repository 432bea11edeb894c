"""Reading a structure: one position for each residue, which is the ligand, what is kept, what mistakes are told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from docksieve.data.errors import DockingError
from docksieve.screening.receptors.preparation import PrepareReport, PrepareSettings, Residue
from docksieve.screening.receptors.receptor import Box
from docksieve.screening.receptors.structure import (
    find_reference,
    read_points,
    read_residues,
    select_residues,
    template_names,
)

BENZENE = [
    ("C1", 1.39, 0.0),
    ("C2", 0.695, 1.204),
    ("C3", -0.695, 1.204),
    ("C4", -1.39, 0.0),
    ("C5", -0.695, -1.204),
]


def line(kind: str, atom: str, name: str, chain: str, number: int, at: tuple[float, float, float],
         element: str, alt: str = " ", occupancy: float = 1.0) -> str:  # fmt: skip
    """Return an atom's line in PDB form."""
    padded = f" {atom:<3}" if len(atom) < 4 else atom
    x, y, z = at
    return (
        f"{kind:<6}{1:>5} {padded}{alt}{name:>3} {chain}{number:>4}    {x:8.3f}{y:8.3f}{z:8.3f}"
        f"{occupancy:6.2f}{10:6.2f}          {element:>2}"
    )


def amino(
    name: str, chain: str, number: int, kind: str = "ATOM", extra: tuple[tuple[str, str], ...] = ()
) -> list[str]:
    """Return a residue's backbone, 3.8 angstrom from the one before, its N bonded to the C before it."""
    x = 3.8 * number
    atoms = [("N", "N", 0.0), ("CA", "C", 1.2), ("C", "C", 2.4), ("O", "O", 2.4)]
    lines = [line(kind, a, name, chain, number, (x + d, 1.2 * (a == "O"), 0.0), e) for a, e, d in atoms]
    return lines + [line(kind, a, name, chain, number, (x + 1.2, -1.5, 0.0), e) for a, e in extra]


def ring(name: str, chain: str, number: int, at: tuple[float, float, float] = (5.0, 6.0, 0.0)) -> list[str]:
    """Return a ligand of six carbons and a hydrogen."""
    atoms = [*BENZENE, ("C6", 0.695, -1.204)]
    lines = [line("HETATM", a, name, chain, number, (at[0] + x, at[1] + y, at[2]), "C") for a, x, y in atoms]
    return [*lines, line("HETATM", "H1", name, chain, number, (at[0] + 2.5, at[1], at[2]), "H")]


PROTEIN = [*amino("ALA", "A", 1), *amino("GLY", "A", 2), *amino("SER", "A", 3, extra=(("CB", "C"),))]
WATER_IN = line("HETATM", "O", "HOH", "A", 301, (5.0, 4.0, 0.0), "O")
WATER_OUT = line("HETATM", "O", "HOH", "A", 302, (60.0, 4.0, 0.0), "O")
ZINC = line("HETATM", "ZN", "ZN", "A", 401, (5.0, 5.0, 3.0), "ZN")
BOX = Box((5.0, 6.0, 0.0), (12.0, 12.0, 12.0))


def read(
    tmp_path: Path, lines: list[str], settings: PrepareSettings | None = None
) -> tuple[list[Residue], PrepareReport]:
    path, report = tmp_path / "made.pdb", PrepareReport()
    path.write_text("\n".join([*lines, "END"]) + "\n")
    return read_residues(path, settings or PrepareSettings(), report), report


def select(
    residues: list[Residue], reference: Residue | None = None, **settings: object
) -> tuple[list[str], PrepareReport]:
    report = PrepareReport()
    kept = select_residues(residues, reference, BOX, PrepareSettings(**settings), report)  # type: ignore[arg-type]
    return [residue.label for residue in kept], report


def test_the_protein_stays_and_water_ligand_and_metal_are_counted(tmp_path: Path) -> None:
    residues, _ = read(tmp_path, [*PROTEIN, *ring("LIG", "A", 201), WATER_IN, WATER_OUT, ZINC])
    name, points, reference = find_reference(residues, tmp_path / "made.pdb", PrepareSettings())
    assert (name, points.shape) == ("LIG A:201", (6, 3))  # heavy atoms only
    assert points.mean(axis=0) == pytest.approx([5, 6, 0], abs=1e-3)
    kept, report = select(residues, reference)
    assert kept == ["ALA A:1", "GLY A:2", "SER A:3"]
    assert report.removed == {"HOH": 2, "LIG": 1, "ZN": 1} and report.kept == {}
    assert report.warnings == ["the metal ZN A:401 at the box was removed (--keep ZN)"]


def test_waters_of_the_box_and_a_metal_stay_if_asked_for(tmp_path: Path) -> None:
    residues, _ = read(tmp_path, [*PROTEIN, WATER_IN, WATER_OUT, ZINC])
    kept, report = select(residues, keep_waters=True, keep=("ZN",))
    assert kept[3:] == ["HOH A:301", "ZN A:401"]
    assert (report.kept, report.removed, report.warnings) == ({"HOH": 1, "ZN": 1}, {"HOH": 1}, [])


def test_what_has_no_template_cannot_be_kept(tmp_path: Path) -> None:
    residues, _ = read(tmp_path, [*PROTEIN, *ring("LIG", "A", 201)])
    assert "ALA" in template_names() and "LIG" not in template_names()
    with pytest.raises(DockingError, match="LIG A:201 is to be kept, but there is no template"):
        select(residues, keep=("LIG",))


def test_selenomethionine_is_methionine(tmp_path: Path) -> None:
    changed = amino("MSE", "A", 2, "HETATM", extra=(("SE", "SE"),))
    residues, _ = read(tmp_path, [*amino("ALA", "A", 1), *changed, *amino("SER", "A", 3)])
    report = PrepareReport()
    kept = select_residues(residues, None, BOX, PrepareSettings(), report)
    assert [residue.name for residue in kept] == ["ALA", "MET", "SER"]
    assert [(atom.name, atom.element.name) for atom in kept[1].atoms][-1] == ("SD", "S")
    assert report.renamed == ["MSE A:2 is MET"]


@pytest.mark.parametrize(("first", "second", "wanted"), [(0.3, 0.7, "B"), (0.6, 0.4, "A"), (0.5, 0.5, "A")])
def test_the_most_occupied_position_is_taken_and_listed(
    tmp_path: Path, first: float, second: float, wanted: str
) -> None:
    sides = [
        line("ATOM", "OG", "SER", "A", 3, (20.0, 1.0, 0.0), "O", "A", first),
        line("ATOM", "OG", "SER", "A", 3, (20.0, 9.0, 0.0), "O", "B", second),
    ]
    residues, report = read(tmp_path, [*PROTEIN, *sides])
    (serine,) = (residue for residue in residues if residue.name == "SER")
    (oxygen,) = (atom for atom in serine.atoms if atom.name == "OG")
    assert oxygen.pos.y == {"A": 1.0, "B": 9.0}[wanted]
    assert report.alternatives == [f"SER A:3: {wanted} of A/B"]


def test_a_residue_in_pieces_is_one(tmp_path: Path) -> None:
    late = line("ATOM", "OG", "SER", "A", 3, (13.0, -2.5, 0.0), "O")
    residues, _ = read(tmp_path, [*PROTEIN, "TER", WATER_IN, late])
    (serine,) = (residue for residue in residues if residue.name == "SER")
    assert [atom.name for atom in serine.atoms] == ["N", "CA", "C", "O", "CB", "OG"]


def test_of_several_models_the_first_is_used_and_said(tmp_path: Path) -> None:
    lines = ["MODEL        1", *PROTEIN, "ENDMDL", "MODEL        2", *PROTEIN[:4], "ENDMDL"]
    residues, report = read(tmp_path, lines)
    assert len(residues) == 3
    assert report.warnings == ["the file has 2 models; the first is used"]


def test_chains_are_chosen_and_unknown_ones_refused(tmp_path: Path) -> None:
    both = [*PROTEIN, *amino("ALA", "B", 9)]
    assert {r.chain for r in read(tmp_path, both)[0]} == {"A", "B"}
    assert {r.chain for r in read(tmp_path, both, PrepareSettings(chains=("B",)))[0]} == {"B"}
    with pytest.raises(DockingError, match=r"has no chain C; it has A, B\."):
        read(tmp_path, both, PrepareSettings(chains=("A", "C")))


def test_two_ligands_are_listed_and_one_is_chosen_by_its_place(tmp_path: Path) -> None:
    two = [*PROTEIN, *ring("LIG", "A", 201), *ring("LIG", "B", 7, (40.0, 0.0, 0.0)), *ring("GOL", "A", 9)]
    residues, _ = read(tmp_path, two)
    with pytest.raises(DockingError) as caught:
        find_reference(residues, Path("x.pdb"), PrepareSettings())
    assert "x.pdb: the box is made around one ligand, and there are 2." in str(caught.value)
    assert "Ligands in the structure: LIG:A:201, LIG:B:7." in str(caught.value)  # glycerol is none
    assert find_reference(residues, Path("x.pdb"), PrepareSettings(residue="LIG:B"))[0] == "LIG B:7"
    assert find_reference(residues, Path("x.pdb"), PrepareSettings(residue="LIG:A:201"))[0] == "LIG A:201"
    with pytest.raises(DockingError, match="around residue 'XYZ', and there are 0"):
        find_reference(residues, Path("x.pdb"), PrepareSettings(residue="XYZ"))


def test_without_a_ligand_that_is_said(tmp_path: Path) -> None:
    residues, _ = read(tmp_path, [*PROTEIN, WATER_IN])
    with pytest.raises(DockingError, match="Ligands in the structure: none"):
        find_reference(residues, Path("x.pdb"), PrepareSettings())


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "does not exist"), ("", "holds no atoms"), ("REMARK nothing here\nEND\n", "holds no atoms")],
)
def test_structures_without_atoms(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "empty.pdb"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DockingError, match=said):
        read_residues(path, PrepareSettings(), PrepareReport())


MOL = """

  0  0
  3  2  0  0  0  0  0  0  0  0999 V2000
    1.0000    2.0000    {z} C   0  0
    2.0000    2.0000    0.5000 O   0  0
    1.0000    3.0000    0.5000 H   0  0
  1  2  1  0
  1  3  1  0
M  END
"""


def test_positions_of_a_ligand_file_are_those_of_its_heavy_atoms(tmp_path: Path) -> None:
    (tmp_path / "a.sdf").write_text(MOL.format(z="0.2500").replace("  0  0\n", "\n", 1) + "$$$$\n")
    expected = np.array([[1, 2, 0.25], [2, 2, 0.5]])
    np.testing.assert_allclose(read_points(tmp_path / "a.sdf"), expected)
    atoms = [
        line("HETATM", "C1", "LIG", "A", 1, (1.0, 2.0, 0.25), "C"),
        line("HETATM", "O1", "LIG", "A", 1, (2.0, 2.0, 0.5), "O"),
        line("HETATM", "H1", "LIG", "A", 1, (1.0, 3.0, 0.5), "H"),
    ]
    (tmp_path / "a.pdb").write_text("\n".join([*atoms, "ENDMDL", *atoms]))  # of several poses the first
    np.testing.assert_allclose(read_points(tmp_path / "a.pdb"), expected)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("gone.sdf", None, "does not exist"),
        ("a.xyz", "1\n\nC 0 0 0\n", "unknown kind. Give .sdf, .mol, .mol2, .pdb or .pdbqt."),
        ("a.sdf", "nonsense\n", "no readable atoms in three dimensions"),
        ("a.sdf", MOL.format(z="0.0000").replace("0.5000", "0.0000"), "no readable atoms"),  # a drawing
        ("a.pdb", "HETATM    1  C1  LIG A   1      xx\n", "no readable atoms"),
    ],
)
def test_ligand_files_that_give_no_box(tmp_path: Path, name: str, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(DockingError) as caught:
        read_points(tmp_path / name)
    assert said in str(caught.value)
