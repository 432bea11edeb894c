"""The polymer: one bad residue costs itself alone, states of histidine, modified residues."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from docksieve.data.errors import DockingError
from docksieve.screening.receptors.polymer import write_polymer
from docksieve.screening.receptors.preparation import PrepareReport, PrepareSettings
from docksieve.screening.receptors.receptor import Box
from docksieve.screening.receptors.structure import read_structure

from .made import line, peptide, points_of, write

SEQUENCE = "GSDHKCWFLNETRG"
PEPTIDE = peptide(SEQUENCE)
FAR = Box((90.0, 90.0, 90.0), (15.0, 15.0, 15.0))


def polymer(
    tmp_path: Path, lines: list[str], box: Box = FAR, **settings: object
) -> tuple[str, PrepareReport]:
    report, asked = PrepareReport(), PrepareSettings(**settings)  # type: ignore[arg-type]
    residues, _ = read_structure(write(tmp_path, lines), asked, report)
    text, _ = write_polymer(residues, box, asked, report)
    return text, report


def moved(number: int, seed: int, wide: float) -> list[str]:
    """Return the peptide with the atoms of one residue thrown about."""
    rng = np.random.default_rng(seed)
    lines = []
    for text, at in zip(PEPTIDE, points_of(PEPTIDE), strict=True):
        x, y, z = at + rng.normal(0, wide, 3) if int(text[22:26]) == number else at
        lines.append(f"{text[:30]}{x:8.3f}{y:8.3f}{z:8.3f}{text[54:]}")
    return lines


@pytest.mark.parametrize(("number", "seed", "wide"), [(7, 1, 0.3), (9, 2, 0.7), (3, 5, 1.5), (13, 3, 1.0)])
def test_a_distorted_residue_far_away_costs_itself_alone(
    tmp_path: Path, number: int, seed: int, wide: float
) -> None:
    text, report = polymer(tmp_path, moved(number, seed, wide))
    left = text.count(" CA  ")
    assert len(SEQUENCE) - 3 <= left == len(SEQUENCE) - len(report.dropped)
    assert any(f":{number}" in label for label in [*report.dropped, *report.cut_back])
    assert not report.warnings and not report.cut_back_near


def test_at_the_box_it_is_an_error_unless_dropped_knowingly(tmp_path: Path) -> None:
    lines = moved(9, 2, 0.7)
    x, y, z = points_of([text for text in PEPTIDE if int(text[22:26]) == 9]).mean(axis=0)
    box = Box((x, y, z), (15.0, 15.0, 15.0))
    with pytest.raises(DockingError, match=r"residues? at the box fits? no template .*LEU A:9.*--drop-bad"):
        polymer(tmp_path, lines, box)
    assert any("LEU A:9" in label for label in polymer(tmp_path, lines, box, drop_bad=True)[1].warnings)


HYDROGENS = {"HA": (0.0, 0.0, 0.9), "HE1": (0.0, 0.0, 0.9), "HD1": (0.0, 0.0, 0.9), "HE2": (0.0, 0.0, 0.9)}
PARENTS = {"HA": "CA", "HE1": "CE1", "HD1": "ND1", "HE2": "NE2", "HD2": "CD2"}


def with_hydrogens(*names: str) -> list[str]:
    """Return the peptide with some hydrogens on its histidine, in the plane of the ring."""
    own = {
        text[12:16].strip(): at
        for text, at in zip(PEPTIDE, points_of(PEPTIDE), strict=True)
        if text[17:20] == "HIS"
    }
    centre = np.mean([own[name] for name in ("CG", "ND1", "CD2", "CE1", "NE2")], axis=0)
    extra = []
    for name in names:
        parent = own[PARENTS[name]]
        out = (parent - centre) / np.linalg.norm(parent - centre)
        extra.append(line("ATOM", name, "HIS", "A", 4, parent + out, "H"))
    place = max(n for n, text in enumerate(PEPTIDE) if text[17:20] == "HIS") + 1
    return [*PEPTIDE[:place], *extra, *PEPTIDE[place:]]


@pytest.mark.parametrize(
    ("names", "donors"),
    [((), 1), (("HE1",), 1), (("HD1",), 1), (("HE2", "HE1"), 1), (("HD1", "HE2"), 2), (("HE1", "HD2"), 1)],
)
def test_a_partly_protonated_histidine_is_read(tmp_path: Path, names: tuple[str, ...], donors: int) -> None:
    text, report = polymer(tmp_path, with_hydrogens(*names))
    assert not report.dropped and not report.cut_back
    his = [row for row in text.splitlines() if row[22:26].strip() == "4" and row[17:20].startswith("HI")]
    ring = [row for row in his if row[77:].strip() == "HD"]
    assert len(ring) == 1 + donors  # and that of the backbone


def test_modified_residues_of_the_dictionary_are_typed_by_it(tmp_path: Path) -> None:
    # Selenocysteine's place is taken by S-hydroxycysteine: an oxygen on the sulphur.
    at = points_of([text for text in PEPTIDE if text[12:16].strip() == "SG"])[0]
    inner = points_of([text for text in PEPTIDE if text[17:20] == "CYS" and text[12:16].strip() == "CB"])[0]
    out = at + 1.66 * (at - inner) / np.linalg.norm(at - inner)
    oxygen = line("HETATM", "OD", "CYS", "A", 6, out, "O")
    place = max(n for n, text in enumerate(PEPTIDE) if text[17:20] == "CYS") + 1
    lines = [
        text.replace("ATOM  ", "HETATM").replace("CYS", "CSO") if text[17:20] == "CYS" else text
        for text in [*PEPTIDE[:place], oxygen, *PEPTIDE[place:]]
    ]
    report, asked = PrepareReport(), PrepareSettings()
    residues, _ = read_structure(write(tmp_path, lines), asked, report)
    _, modified = write_polymer(residues, FAR, asked, report)
    assert [residue.label for residue in modified] == ["CSO A:6"] and not report.dropped
