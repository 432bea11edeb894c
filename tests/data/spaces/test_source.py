"""What a campaign screens is opened as what it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from docksieve.data.enumeration.product_space import SAMPLES
from docksieve.data.errors import LibraryError
from docksieve.data.libraries.build import build_library
from docksieve.data.libraries.library import Library
from docksieve.data.libraries.settings import IngestSettings
from docksieve.data.molecules.standardise import StandardSettings
from docksieve.data.spaces.build import build_space
from docksieve.data.spaces.source import open_source, source_standard
from docksieve.data.spaces.space import Space

STANDARD = StandardSettings(clear_isotopes=True, max_heavy_atoms=60)


def test_a_space_and_a_library_are_told_apart_and_know_their_standard_form(tmp_path: Path) -> None:
    (tmp_path / "a.smi").write_text("CCOC(=O)c1ccccc1 first\n")
    settings = IngestSettings(standard=STANDARD)
    build_library(tmp_path / "library", [tmp_path / "a.smi"], settings, workers=1, progress=False)
    files = {}
    for role in ("acids", "amines"):
        (tmp_path / f"{role}.smi").write_text(
            "\n".join((SAMPLES / f"{role}.smi").read_text().splitlines()[:4])
        )
        files[role] = [tmp_path / f"{role}.smi"]
    build_space(tmp_path / "space", ["amide"], files, standard=STANDARD, workers=1)
    library, space = open_source(tmp_path / "library"), open_source(str(tmp_path / "space"))
    assert isinstance(library, Library) and library.rows == 1
    assert isinstance(space, Space) and space.rows == 16
    assert source_standard(library) == source_standard(space) == STANDARD


def test_a_folder_with_neither_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="is not a library"):
        open_source(tmp_path)
