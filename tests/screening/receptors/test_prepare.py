"""Receptor preparation on crystal structures, whole and damaged on purpose."""

from __future__ import annotations

import json
from pathlib import Path

import gemmi
import numpy as np
import pytest
from docksieve.data.errors import DockingError
from docksieve.screening.receptors.prepare import PrepareSettings, prepare_receptor
from docksieve.screening.receptors.receptor import check_box, find_receptor, read_box, read_receptor
from docksieve.workflows.cli.receptor import app
from typer.testing import CliRunner

pytestmark = pytest.mark.shared


@pytest.fixture
def mpro(shared_data: Path) -> Path:
    return shared_data / "redock" / "mpro_6W63" / "6w63.pdb"


@pytest.fixture
def fragment(shared_data: Path) -> Path:
    """Mpro with a fragment, three DMSO, waters, alternative positions and no hydrogens."""
    return shared_data / "receptors" / "covid19ddc" / "5r80.pdb"


def edited(source: Path, tmp_path: Path, edit: object) -> Path:
    lines = source.read_text().splitlines(keepends=True)
    path = tmp_path / "edited.pdb"
    path.write_text("".join(edit([line for line in lines if not line.startswith("ANISOU")])))  # type: ignore[operator]
    return path


@pytest.mark.slow
def test_the_ligand_is_found_and_gives_the_box(mpro: Path, tmp_path: Path) -> None:
    report = prepare_receptor(mpro, tmp_path, PrepareSettings(residue="X77"))
    automatic = prepare_receptor(mpro, tmp_path / "auto", PrepareSettings())
    assert report.reference == automatic.reference == "X77 A:401"
    assert report.removed == {"HOH": 281, "X77": 1}
    assert not report.dropped and not report.cut_back
    path, sidecar = find_receptor(report.receptor, Path())
    assert sidecar == Path(report.box)
    box = read_box(sidecar)
    residue = gemmi.read_structure(str(mpro))[0].find_residue_group("A", gemmi.SeqId("401"))[0]
    heavy = np.array([atom.pos.tolist() for atom in residue if not atom.is_hydrogen()])
    assert box.contains(heavy, margin=-4.99).all()
    receptor = read_receptor(path)
    assert check_box(receptor, box) > 500
    # All 305 residues: one alpha carbon each.
    assert path.read_text().count(" CA ") == 305
    assert json.loads((tmp_path / "6w63.report.json").read_text())["atoms"] == len(receptor.types)
    assert "X77" not in path.read_text() and "HOH" not in path.read_text()


@pytest.mark.slow
def test_a_ligand_file_gives_the_box_too(mpro: Path, tmp_path: Path) -> None:
    by_residue = prepare_receptor(mpro, tmp_path, PrepareSettings(residue="X77:A:401"))
    ligand = mpro.parent / "6w63_X77_crystal.sdf"
    by_file = prepare_receptor(mpro, tmp_path / "b", PrepareSettings(ligand=str(ligand)))
    assert by_file.center == pytest.approx(by_residue.center, abs=0.01)
    assert by_file.size == pytest.approx(by_residue.size, abs=0.01)


@pytest.mark.slow
def test_hydrogens_are_added_and_alternatives_chosen_and_listed(fragment: Path, tmp_path: Path) -> None:
    report = prepare_receptor(fragment, tmp_path, PrepareSettings(padding=6.0))
    assert report.reference.startswith("RZG")
    assert report.removed == {"DMS": 3, "HOH": 330, "RZG": 1}
    assert len(report.alternatives) == 3 and any("ASN A:221" in line for line in report.alternatives)
    receptor = read_receptor(Path(report.receptor))
    assert receptor.types.count("HD") > 300  # the file has none
    assert "C" in receptor.types and "H" not in receptor.types  # only polar ones


def test_the_most_occupied_position_wins(fragment: Path, tmp_path: Path) -> None:
    def favour_b(lines: list[str]) -> list[str]:
        changed = []
        for line in lines:
            if line[17:26] == "ASN A 221" and line[16] in "AB" and line.startswith("ATOM"):
                line = line[:54] + ("  0.30" if line[16] == "A" else "  0.70") + line[60:]
            changed.append(line)
        return changed

    report = prepare_receptor(edited(fragment, tmp_path, favour_b), tmp_path, PrepareSettings())
    assert "ASN A:221: B of A/B" in report.alternatives


def test_waters_are_kept_only_where_asked_and_only_in_the_box(fragment: Path, tmp_path: Path) -> None:
    report = prepare_receptor(fragment, tmp_path, PrepareSettings(keep_waters=True))
    assert 0 < report.kept["HOH"] < 60
    assert report.kept["HOH"] + report.removed["HOH"] == 330


@pytest.mark.slow
def test_interrupted_residues_are_put_together(mpro: Path, tmp_path: Path) -> None:
    def interrupt(lines: list[str]) -> list[str]:
        atoms = [line for line in lines if line.startswith("ATOM")]
        side = [
            line for line in atoms if line[22:26].strip() == "41" and line[12:16].strip() not in "N CA C O"
        ]
        rest = [line for line in lines if line not in side]
        end = max(n for n, line in enumerate(rest) if line.startswith("ATOM")) + 1
        return rest[:end] + side + rest[end:]

    whole = prepare_receptor(mpro, tmp_path / "whole", PrepareSettings())
    report = prepare_receptor(edited(mpro, tmp_path, interrupt), tmp_path, PrepareSettings())
    assert report.atoms == whole.atoms
    assert not report.dropped and not report.cut_back


def without(names: set[str], residue: str) -> object:
    def edit(lines: list[str]) -> list[str]:
        return [x for x in lines if not (x[17:26] == residue and x[12:16].strip() in names)]

    return edit


@pytest.mark.slow
def test_a_side_chain_with_missing_atoms_is_cut_back_and_said(fragment: Path, tmp_path: Path) -> None:
    def cut(lines: list[str]) -> list[str]:
        end = {"CD", "OE1", "NE2"}
        return [x for x in lines if x[17:26] not in ("GLN A 189", "GLN A 299") or x[12:16].strip() not in end]

    report = prepare_receptor(edited(fragment, tmp_path, cut), tmp_path, PrepareSettings())
    assert report.cut_back == ["GLN A:189 to ALA", "GLN A:299 to ALA"]
    assert not report.dropped
    # Loud at the box (189 lines the pocket), and only there.
    assert any("GLN A:189" in line and "cut back" in line for line in report.warnings)
    assert not any("GLN A:299" in line for line in report.warnings)


@pytest.mark.slow
def test_a_broken_residue_at_the_box_is_an_error_unless_dropped_knowingly(mpro: Path, tmp_path: Path) -> None:
    path = edited(mpro, tmp_path, without({"N", "C", "O"}, "HIS A  41"))  # the catalytic histidine
    with pytest.raises(DockingError, match=r"HIS A:41.*--drop-bad"):
        prepare_receptor(path, tmp_path / "out", PrepareSettings())
    assert not (tmp_path / "out").exists()
    report = prepare_receptor(path, tmp_path / "out", PrepareSettings(drop_bad=True))
    assert report.dropped == ["HIS A:41"]
    assert any("HIS A:41" in line and "left out" in line for line in report.warnings)


@pytest.mark.slow
def test_an_unknown_residue_in_the_chain_is_never_lost_in_silence(fragment: Path, tmp_path: Path) -> None:
    def rename(lines: list[str]) -> list[str]:
        return [x.replace("ATOM  ", "HETATM") if x[17:26] == "LEU A 271" else x for x in lines]

    def modify(lines: list[str]) -> list[str]:
        return [x[:17] + "XQZ" + x[20:] if x[17:26] == "LEU A 271" else x for x in rename(lines)]

    report = prepare_receptor(edited(fragment, tmp_path, modify), tmp_path, PrepareSettings(residue="RZG"))
    assert report.dropped == ["XQZ A:271"]
    # As HETATM, but bonded into the chain, leucine stays what it is.
    whole = prepare_receptor(edited(fragment, tmp_path, rename), tmp_path, PrepareSettings())
    assert not whole.dropped


@pytest.mark.slow
def test_a_free_amino_acid_is_a_ligand(fragment: Path, tmp_path: Path) -> None:
    def free(lines: list[str]) -> list[str]:
        names = iter(["N", "CA", "C", "O", "CB", "CG", *(f"X{n}" for n in range(20))])
        return [
            f"{x[:12]} {next(names):<3s} PHE{x[20:]}" if x.startswith("HETATM") and x[17:20] == "RZG" else x
            for x in lines
        ]

    report = prepare_receptor(
        edited(fragment, tmp_path, free), tmp_path, PrepareSettings(residue="PHE:A:404")
    )
    assert report.removed["PHE"] == 1


@pytest.mark.slow
def test_a_metal_at_the_ligand_stays_in_the_receptor(fragment: Path, tmp_path: Path) -> None:
    def add_zinc(lines: list[str]) -> list[str]:
        water = next(line for line in lines if line.startswith("HETATM") and "RZG" in line)
        zinc = f"HETATM 9998 ZN    ZN A 950    {water[30:54]}  1.00 20.00          ZN  \n"
        end = next(n for n, line in enumerate(lines) if line.startswith(("END", "MASTER", "CONECT")))
        return [*lines[:end], zinc, *lines[end:]]

    path = edited(fragment, tmp_path, add_zinc)
    report = prepare_receptor(path, tmp_path, PrepareSettings())
    assert report.kept == {"ZN": 1} and report.cofactors == ["ZN A:950: typed by element"]
    assert "Zn" in read_receptor(Path(report.receptor)).types
    without_it = prepare_receptor(path, tmp_path / "dropped", PrepareSettings(drop=("ZN",)))
    assert without_it.removed["ZN"] == 1
    assert "Zn" not in read_receptor(Path(without_it.receptor)).types


@pytest.mark.slow
def test_two_ligands_must_be_told_apart(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "redock" / "vina_examples" / "5x72.pdb"
    with pytest.raises(DockingError, match=r"P59:A:201.*P69|P69.*P59"):
        prepare_receptor(path, tmp_path / "out", PrepareSettings())
    report = prepare_receptor(path, tmp_path, PrepareSettings(residue="P59"))
    assert report.removed["P69"] == 1  # it would have been in the way


@pytest.mark.slow
def test_mmcif_is_read_as_well(fragment: Path, tmp_path: Path) -> None:
    structure = gemmi.read_structure(str(fragment))
    structure.setup_entities()
    cif = tmp_path / "long.cif"
    structure[0]["A"].name = "LongChain"
    structure.make_mmcif_document().write_file(str(cif))
    from_pdb = prepare_receptor(fragment, tmp_path / "a", PrepareSettings())
    from_cif = prepare_receptor(cif, tmp_path / "b", PrepareSettings())
    assert from_cif.atoms == from_pdb.atoms
    assert any("LongChain" in line for line in from_cif.renamed)


@pytest.mark.slow
def test_a_ligand_from_another_frame_is_refused_and_nothing_is_written(
    shared_data: Path, tmp_path: Path
) -> None:
    ligand = shared_data / "redock" / "vina_examples" / "1iep_ligand.sdf"
    path = shared_data / "receptors" / "4unn_protein.pdb"
    with pytest.raises(DockingError, match="different frames"):
        prepare_receptor(path, tmp_path / "out", PrepareSettings(ligand=str(ligand)))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["", "nothing\n", "HEADER    X\nEND\n"])
def test_files_that_are_no_structure_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.pdb"
    path.write_text(text)
    with pytest.raises(DockingError, match=r"x\.pdb"):
        prepare_receptor(path, tmp_path / "out", PrepareSettings())


@pytest.mark.slow
def test_the_command_lists_all_that_it_did(mpro: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["prepare", str(mpro), "--out", str(tmp_path), "--residue", "X77"])
    assert done.exit_code == 0, done.output
    assert "HOH 281, X77 1" in done.output
    shown = CliRunner().invoke(app, ["show", str(tmp_path / "6w63.pdbqt")])
    assert shown.exit_code == 0, shown.output
    assert "good" in shown.output
