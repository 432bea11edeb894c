"""Libraries built with conditions: what stays, what is counted, and mistakes that are named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from docksieve.data.errors import InputError, LibraryError
from docksieve.data.libraries.build import build_library
from docksieve.data.libraries.settings import IngestSettings
from docksieve.data.store import read_table
from docksieve.screening.queries.library_filter import LibrarySieve

SMILES = [
    "CCOC(=O)c1ccccc1N",
    "O=C1C=CC(=O)C=C1",
    "N#Cc1ccccc1",
    "O=C(Nc1ccccc1)c1ccncc1",
    "Cc1ccccc1C",
    "c1ccccc1O",
]
CONDITIONS = {"where": "heavy_atoms > 7 AND pains = ''", "has_not": ["C#N"]}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.smi"
    path.write_text("".join(f"{text} M{number}\n" for number, text in enumerate(SMILES)))
    return path


@pytest.mark.parametrize("workers", [1, 2])
def test_what_meets_no_condition_is_rejected_with_its_reason(
    tmp_path: Path, source: Path, workers: int
) -> None:
    library = build_library(
        tmp_path / "library", [source], workers=workers, progress=False, sieve=LibrarySieve(CONDITIONS)
    )
    assert library.take(range(library.rows), ["id"])["id"].to_pylist() == ["M0", "M3", "M4"]
    counts = library.manifest["counts"]
    assert (counts["records"], counts["accepted"], counts["rejected"]) == (6, 3, 3)
    assert library.manifest["reasons"] == {"condition": 3}
    assert library.manifest["refused"] == {"heavy_atoms > 7": 1, "has not C#N": 1, "pains = ''": 1}
    library.verify()
    rejects = read_table(next((tmp_path / "library" / "rejects").iterdir())).to_pylist()
    assert [row["code"] for row in rejects] == ["condition"] * 3
    assert any("has not C#N" in row["reason"] for row in rejects)


def test_the_same_command_finds_the_library_and_another_condition_does_not(
    tmp_path: Path, source: Path
) -> None:
    def build(conditions: dict | None) -> int:
        sieve = None if conditions is None else LibrarySieve(conditions)
        return build_library(tmp_path / "library", [source], workers=1, progress=False, sieve=sieve).rows

    assert build(CONDITIONS) == build(CONDITIONS) == 3
    for other in (None, {"where": "heavy_atoms > 8"}):
        with pytest.raises(LibraryError, match="holds a library already"):
            build(other)


def test_a_library_without_conditions_is_what_it_was(tmp_path: Path, source: Path) -> None:
    library = build_library(tmp_path / "plain", [source], IngestSettings(), workers=1, progress=False)
    assert library.rows == 6
    assert "conditions" not in library.manifest["settings"] and "refused" not in library.manifest


def test_a_condition_that_leaves_nothing_and_one_on_what_is_not_there_are_named(
    tmp_path: Path, source: Path
) -> None:
    with pytest.raises(InputError, match=r"No molecule is left .*6 condition.*Check the conditions"):
        sieve = LibrarySieve({"where": "weight < 10"})
        build_library(tmp_path / "none", [source], workers=1, progress=False, sieve=sieve)
    with pytest.raises(InputError, match="'row', which is no column of the library"):
        LibrarySieve({"where": "row < 10"})


@pytest.mark.slow
def test_the_command_takes_conditions_as_hits_does(tmp_path: Path, source: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "docksieve",
        "library",
        "build",
        "lib",
        str(source),
        "-q",
        "--workers",
        "1",
    ]
    keep = ["--where", "heavy_atoms > 7", "--has-not", "C#N", "--no-alerts", "pains", "--rule", "lipinski"]
    done = subprocess.run([*command, *keep], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "3 molecules in 1 shard" in done.stdout and "not has not C#N: 1" in done.stdout
    wrong = subprocess.run(
        [*command[:5], "other", *command[6:], "--where", "heavyatoms > 7"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert wrong.returncode == 2 and "heavy_atoms" in wrong.stderr and "'heavyatoms'" in wrong.stderr
