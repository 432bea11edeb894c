"""Imported scores find the library's molecules whatever form the library keeps them in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from docksieve.data.errors import FormatError
from docksieve.data.libraries.build import build_library
from docksieve.data.libraries.library import Library, library_standard
from docksieve.data.libraries.settings import IngestSettings
from docksieve.data.molecules.standardise import StandardSettings
from docksieve.workflows.retraining.imported_scores import read_import

CHOLINE = "C[N+](C)(C)CCO.[Cl-]"
ACETATE = "CC(=O)[O-].[Na+]"
ALANINE = "C[C@H]([NH3+])C(=O)[O-]"


def build(folder: Path, standard: StandardSettings) -> Library:
    (folder / "in.smi").write_text(f"{CHOLINE} A\n{ACETATE} B\n{ALANINE} C\n")
    return build_library(
        folder / "library", [folder / "in.smi"], IngestSettings(standard=standard), workers=1, progress=False
    )


@pytest.mark.parametrize(
    "standard",
    [
        StandardSettings(),
        StandardSettings(neutralise=False),
        StandardSettings(strip_salts=False, largest_fragment=False, neutralise=False),
        StandardSettings(keep_stereo=False),
        StandardSettings(max_heavy_atoms=12, canonical_tautomer=True),
    ],
)
def test_molecules_are_matched_in_the_form_that_the_library_keeps(
    tmp_path: Path, standard: StandardSettings
) -> None:
    library = build(tmp_path, standard)
    path = tmp_path / "scores.csv"
    path.write_text(f"smiles,score\n{CHOLINE},-3.5\n{ACETATE},-2.5\n{ALANINE},-4.5\nCCCCCCCCCCCCCCO,-1.5\n")
    imported = read_import(path, library, "T", "kcal/mol", True)
    found = {row["smiles"]: row["row"] for row in imported.table.to_pylist()}
    assert sorted(row for row in found.values() if row is not None) == [0, 1, 2]
    for smiles, row in found.items():
        if row is not None:
            assert library.take([row])["smiles"][0].as_py() == smiles
    # Too large for the last library, but a molecule: it may train.
    assert (imported.report.unknown, imported.report.unreadable) == (1, 0)


def test_the_settings_record_is_json_whatever_the_file_is_called(tmp_path: Path) -> None:
    library = build(tmp_path, StandardSettings())
    path = tmp_path / 'dock "again" \\ 2.csv'
    path.write_text(f"smiles,score\n{CHOLINE},-3.5\n")
    (settings,) = read_import(path, library, "T", "kcal/mol", True).table["settings"].to_pylist()
    assert json.loads(settings) == {"file": path.name}


def test_a_step_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    library = build(tmp_path, StandardSettings())
    library.manifest["settings"]["standard"]["aromatise_twice"] = True
    with pytest.raises(FormatError, match="aromatise_twice"):
        library_standard(library)
