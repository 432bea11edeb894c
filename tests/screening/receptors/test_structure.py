"""Reading a structure: one position for each residue, every residue in one piece, what mistakes are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from docksieve.data.errors import DockingError
from docksieve.screening.receptors.preparation import PrepareReport, PrepareSettings, Residue
from docksieve.screening.receptors.structure import (
    read_residues,
)


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


PROTEIN = [*amino("ALA", "A", 1), *amino("GLY", "A", 2), *amino("SER", "A", 3, extra=(("CB", "C"),))]
WATER_IN = line("HETATM", "O", "HOH", "A", 301, (5.0, 4.0, 0.0), "O")


def read(
    tmp_path: Path, lines: list[str], settings: PrepareSettings | None = None
) -> tuple[list[Residue], PrepareReport]:
    path, report = tmp_path / "made.pdb", PrepareReport()
    path.write_text("\n".join([*lines, "END"]) + "\n")
    return read_residues(path, settings or PrepareSettings(), report), report


def test_selenomethionine_is_methionine(tmp_path: Path) -> None:
    changed = amino("MSE", "A", 2, "HETATM", extra=(("SE", "SE"),))
    residues, report = read(tmp_path, [*amino("ALA", "A", 1), *changed, *amino("SER", "A", 3)])
    assert [residue.name for residue in residues] == ["ALA", "MET", "SER"]
    assert [(atom.name, atom.element.name) for atom in residues[1].atoms][-1] == ("SD", "S")
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


@pytest.mark.parametrize(
    ("name", "usual"),
    [("HSD", "HID"), ("HSE", "HIE"), ("HSP", "HIP"), ("CYX", "CYX"), ("HIS", "HIS")],
)
def test_names_that_force_fields_give_are_understood(tmp_path: Path, name: str, usual: str) -> None:
    residues, report = read(tmp_path, [*amino("ALA", "A", 1), *amino(name, "A", 2)])
    assert residues[1].name == usual
    assert report.renamed == ([] if name == usual else [f"{name} A:2 is {usual}"])


def test_two_molecules_under_one_number_are_both_read(tmp_path: Path) -> None:
    # A docked ligand that was added to a protein file often begins at 1 again.
    ligand = [line("HETATM", f"C{n}", "UNL", "A", 1, (20.0 + n, 0.0, 0.0), "C") for n in range(1, 8)]
    residues, report = read(tmp_path, [*PROTEIN, *ligand])
    assert [residue.label for residue in residues] == ["ALA A:1", "GLY A:2", "SER A:3", "UNL A:1"]
    assert len(residues[-1].atoms) == 7 and not report.alternatives
