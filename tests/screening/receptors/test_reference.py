"""What the box is made around, and what stays in the receptor: ligands, cofactors, ions, waters, named residues."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from docksieve.data.errors import DockingError
from docksieve.screening.receptors.preparation import PrepareReport, PrepareSettings
from docksieve.screening.receptors.reference import Reference, box_of, find_reference, ligands, read_points
from docksieve.screening.receptors.selection import Selection, select
from docksieve.screening.receptors.structure import read_structure

from .made import component_lines, ion, line, molecule, peptide, points_of, write

SEQUENCE = "GSDHKCWFLNETRG"
PEPTIDE = peptide(SEQUENCE)
HIGH = points_of(PEPTIDE).max(axis=0)
AT = (0.0, 0.0, float(HIGH[2]) + 3.0)
"""Beside the peptide, where ligands are put."""
BESIDE = (0.0, 6.0, AT[2] + 3.0)
FAR = (60.0, 60.0, 60.0)
DRUG = "Cc1ccc(NC(=O)c2ccncc2)cc1"


def choose(path: Path, **settings: object) -> tuple[Reference, Selection, PrepareReport]:
    """Return the reference, what is kept, and the report."""
    asked, report = PrepareSettings(**settings), PrepareReport()  # type: ignore[arg-type]
    residues, linkage = read_structure(path, asked, report)
    reference = find_reference(residues, linkage, path, asked, report)
    box = box_of(reference, asked, report)
    return reference, select(residues, linkage, reference, box, asked, report), report


def kept(selection: Selection) -> list[str]:
    return [residue.label for group in selection.groups for residue in group]


def test_the_ligand_is_found_and_water_and_solvent_go(tmp_path: Path) -> None:
    water = [line("HETATM", "O", "HOH", "A", 301, np.array(AT) + 4, "O")]
    path = write(
        tmp_path,
        PEPTIDE,
        molecule(DRUG, "LIG", "A", 101, AT),
        molecule("OCC(O)CO", "GOL", "A", 102, FAR),
        water,
    )
    reference, selection, report = choose(path)
    assert reference.name == "LIG A:101" and reference.points.shape == (16, 3)
    assert len(selection.polymer) == len(SEQUENCE) and not selection.groups
    assert report.removed == {"GOL": 1, "HOH": 1, "LIG": 1} and report.kept == {} and not report.warnings
    assert choose(path, keep_waters=True)[2].kept == {"HOH": 1}


@pytest.mark.parametrize(
    "name", ["HEM", "SAH", "NAP", "FAD", "FMN", "ATP", "ADP", "GTP", "PLP", "SF4", "H4B", "TPP"]
)
def test_cofactors_that_touch_the_ligand_stay(tmp_path: Path, name: str) -> None:
    cofactor = component_lines(name, "A", 102, BESIDE)
    gap = np.linalg.norm(
        points_of(cofactor)[:, None] - points_of(molecule(DRUG, "LIG", "A", 1, AT))[None], axis=-1
    )
    assert gap.min() < 5  # in reach of the ligand
    path = write(tmp_path, PEPTIDE, molecule(DRUG, "LIG", "A", 101, AT), cofactor)
    reference, selection, report = choose(path)
    assert reference.name == "LIG A:101" and kept(selection) == [f"{name} A:102"]
    assert report.kept == {name: 1} and report.removed == {"LIG": 1}
    dropped = choose(path, drop=(name,))
    assert kept(dropped[1]) == [] and dropped[2].removed == {"LIG": 1, name: 1}


def test_a_cofactor_elsewhere_goes(tmp_path: Path) -> None:
    path = write(
        tmp_path, PEPTIDE, molecule(DRUG, "LIG", "A", 101, AT), component_lines("SAH", "A", 102, FAR)
    )
    assert kept(choose(path)[1]) == []
    assert kept(choose(path, keep=("SAH:A:102",))[1]) == ["SAH A:102"]


def test_another_molecule_at_the_ligand_goes_with_a_warning(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        PEPTIDE,
        molecule(DRUG, "LIG", "A", 101, AT),
        molecule("c1ccc2[nH]ccc2c1", "IND", "A", 7, (0, 5, AT[2])),
    )
    with pytest.raises(DockingError, match="there are 2"):
        choose(path)
    _, selection, report = choose(path, residue="LIG")
    assert kept(selection) == [] and report.removed == {"IND": 1, "LIG": 1}
    assert any(
        "IND A:7 touches the reference and was removed" in text and "--keep IND" in text
        for text in report.warnings
    )
    assert kept(choose(path, residue="LIG", keep=("IND",))[1]) == ["IND A:7"]


def test_a_metal_that_touches_the_ligand_stays_and_a_loose_one_is_missed_loudly(tmp_path: Path) -> None:
    drug = molecule(DRUG, "LIG", "A", 101, AT)
    near = tuple(points_of(drug)[0] + np.array([0, 0, 2.2]))
    loose = (AT[0], AT[1], AT[2] + 9.0)
    for name, element in (("ZN", "ZN"), ("K", "K"), ("MG", "MG")):
        path = write(tmp_path, PEPTIDE, drug, ion(name, element, "A", 103, near))
        _, selection, report = choose(path)
        assert kept(selection) == [f"{name} A:103"] and not report.warnings
        assert kept(choose(path, drop=(name,))[1]) == []
    _, selection, report = choose(write(tmp_path, PEPTIDE, drug, ion("ZN", "ZN", "A", 104, loose)))
    assert kept(selection) == []
    assert report.warnings == ["the metal ZN A:104 at the box was removed (--keep ZN)"]


@pytest.mark.parametrize(
    ("option", "words"), [("keep", "ZN"), ("drop", "SHA"), ("keep", "SAH:B"), ("drop", "ASP")]
)
def test_names_that_are_not_there_are_errors(tmp_path: Path, option: str, words: str) -> None:
    path = write(
        tmp_path, PEPTIDE, molecule(DRUG, "LIG", "A", 101, AT), component_lines("SAH", "A", 102, BESIDE)
    )
    with pytest.raises(DockingError, match=f"--{option} {words}: (the structure has no such|that is a part)"):
        choose(path, **{option: (words,)})


def test_a_ligand_is_one_by_its_bonds_whatever_it_is_called(tmp_path: Path) -> None:
    # Atoms called N, CA, C and O, and the name of a nucleotide or of an amino acid: free, so no link of a chain.
    names = ["CA", "C", "CB", "CG", "N", "O", "CD", *(f"C{n}" for n in range(9))]
    for name in ("AMP", "MTA", "DAN", "PHE", "0QH"):
        path = write(tmp_path, PEPTIDE, molecule(DRUG, name, "A", 101, AT, names))
        reference, selection, report = choose(path)
        assert reference.name == f"{name} A:101", name
        assert len(selection.polymer) == len(SEQUENCE) and not report.warnings


def test_a_lone_cofactor_is_not_taken_for_the_ligand_without_a_word(tmp_path: Path) -> None:
    for name in ("HEM", "ATP", "NAD", "FAD", "SF4"):
        path = write(tmp_path, PEPTIDE, component_lines(name, "A", 101, AT))
        with pytest.raises(DockingError, match=rf"is cofactors: {name}:A:101\..*--residue"):
            choose(path)
    reference, _, report = choose(write(tmp_path, PEPTIDE, component_lines("SAH", "A", 101, AT)))
    assert reference.name == "SAH A:101" and "may be a cofactor" in report.warnings[0]
    # Named, ATP is the ligand and goes; heme holds a metal, marks the place, and stays.
    assert kept(choose(write(tmp_path, PEPTIDE, component_lines("ATP", "A", 1, AT)), residue="ATP")[1]) == []
    path = write(tmp_path, PEPTIDE, component_lines("HEM", "A", 101, AT))
    _, selection, report = choose(path, residue="HEM")
    assert kept(selection) == ["HEM A:101"] and "stays in the receptor" in report.warnings[0]
    assert kept(choose(path, residue="HEM", drop=("HEM",))[1]) == []


def test_a_residue_of_the_pocket_marks_the_box_and_stays(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        PEPTIDE,
        molecule(DRUG, "LIG", "A", 101, AT),
        ion("ZN", "ZN", "A", 9, (AT[0], AT[1], AT[2] + 6)),
    )
    reference, selection, _ = choose(path, residue="ASP:A:3+HIS:A:4")
    assert reference.name == "ASP A:3 + HIS A:4" and reference.group == []
    assert [residue.name for residue in selection.polymer][2:4] == ["ASP", "HIS"]
    reference, selection, _ = choose(path, residue="ZN", keep=("ZN",))
    assert reference.name == "ZN A:9" and kept(selection) == ["ZN A:9"]
    assert kept(choose(path, residue="ZN")[1]) == ["ZN A:9"]  # nobody docks a zinc


def test_a_ligand_of_several_residues_is_one(tmp_path: Path) -> None:
    # A disaccharide: two residues, bonded; the box goes around both, whichever is named.
    whole = molecule(
        "OC[C@H]1OC(O)[C@H](O)[C@@H](O)[C@@H]1OC1O[C@H](CO)[C@@H](O)[C@H](O)[C@H]1O", "GLC", "A", 1, AT
    )
    second = [text[:22] + "   2" + text[26:] for text in whole[12:]]
    path = write(tmp_path, PEPTIDE, [*whole[:12], *second])
    for words in (None, "GLC:A:1", "GLC:A:2", "GLC", "GLC:A:1+GLC:A:2"):
        reference, _, report = choose(path, residue=words)
        assert reference.name == "GLC A:1 + GLC A:2" and len(reference.points) == 23, words
        assert report.removed == {"GLC": 2}


def test_chains_of_two_letters(tmp_path: Path) -> None:
    import gemmi

    structure = gemmi.read_structure(
        str(
            write(
                tmp_path, PEPTIDE, molecule(DRUG, "LIG", "B", 101, AT), molecule(DRUG, "LIG", "C", 101, FAR)
            )
        )
    )
    structure.setup_entities()
    for chain, name in zip(structure[0], ("AA", "BB", "CC"), strict=True):
        chain.name = name
    structure.make_mmcif_document().write_file(str(tmp_path / "long.cif"))
    reference, _, report = choose(tmp_path / "long.cif", residue="LIG:BB:101")
    assert reference.name == "LIG BB:101"
    assert "chain AA is called A" in report.renamed
    with pytest.raises(DockingError, match="LIG:BB:101, LIG:CC:101"):
        choose(tmp_path / "long.cif")


def test_a_structure_without_a_ligand_needs_a_place(tmp_path: Path) -> None:
    path = write(tmp_path, PEPTIDE)
    with pytest.raises(
        DockingError, match=r"Ligands in the structure: none\..*--center x,y,z, or --pocket 1"
    ):
        choose(path)
    asked, report = PrepareSettings(center=(1, 2, 3), size=(18, 19, 20)), PrepareReport()
    residues, linkage = read_structure(path, asked, report)
    reference = find_reference(residues, linkage, path, asked, report)
    box = box_of(reference, asked, report)
    assert (box.center, box.size, reference.group) == ((1, 2, 3), (18, 19, 20), [])
    assert box_of(reference, PrepareSettings(center=(1, 2, 3)), report).size == (20, 20, 20)
    with pytest.raises(DockingError, match="pocket"):
        choose(path, pocket=40)


def test_a_box_around_something_that_is_no_ligand_is_refused(tmp_path: Path) -> None:
    long = [line("HETATM", f"C{n}", "LIG", "A", 1, np.array([1.5 * n, 0, 0]), "C") for n in range(40)]
    (tmp_path / "wrong.pdb").write_text("\n".join(long))
    path = write(tmp_path, PEPTIDE)
    with pytest.raises(
        DockingError, match=r"wrong.pdb \(40 heavy atoms\) is too large: 68 x 15 x 15 angstrom.*--size"
    ):
        choose(path, ligand=str(tmp_path / "wrong.pdb"))
    choose(path, ligand=str(tmp_path / "wrong.pdb"), size=(25, 25, 25))


def test_the_ligand_of_a_file_is_found_in_the_structure(tmp_path: Path) -> None:
    drug = component_lines("SAH", "A", 101, AT)
    (tmp_path / "sah.pdb").write_text("\n".join(drug))
    reference, selection, _ = choose(write(tmp_path, PEPTIDE, drug), ligand=str(tmp_path / "sah.pdb"))
    assert [one.label for one in reference.group] == ["SAH A:101"] and kept(selection) == []


def test_two_ligands_are_listed_and_one_is_chosen_by_its_place(tmp_path: Path) -> None:
    path = write(tmp_path, PEPTIDE, molecule(DRUG, "LIG", "A", 201, AT), molecule(DRUG, "LIG", "B", 7, FAR))
    with pytest.raises(DockingError) as caught:
        choose(path)
    assert "the box is made around one ligand, and there are 2." in str(caught.value)
    assert "Ligands in the structure: LIG:A:201, LIG:B:7." in str(caught.value)
    assert choose(path, residue="LIG:B")[0].name == "LIG B:7"
    assert choose(path, residue="LIG:A:201")[0].name == "LIG A:201"
    with pytest.raises(DockingError, match="around residue 'XYZ', and there are 0"):
        choose(path, residue="XYZ")
    residues, linkage = read_structure(path, PrepareSettings(), PrepareReport())
    assert len(ligands(residues, linkage)) == 2


def atom_line(name: str, at: tuple[float, float, float], element: str) -> str:
    return line("HETATM", name, "LIG", "A", 1, np.array(at), element)


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
        atom_line("C1", (1.0, 2.0, 0.25), "C"),
        atom_line("O1", (2.0, 2.0, 0.5), "O"),
        atom_line("H1", (1.0, 3.0, 0.5), "H"),
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
