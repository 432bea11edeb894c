"""A chemist's first day, typed as README and docs/start.md have it, in an empty folder and a terminal of 80 columns.

The vendor's file is as vendors' files are: salts, repeated lines, lines that are no molecule, and peptides and dyes
that docking refuses. Docking is real.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from docksieve.screening.docking.ligand_settings import LigandSettings

pytestmark = pytest.mark.slow

ACIDS = """
c1ccccc1 c1ccncc1 C1CCCCC1 Cc1ccccc1 c1ccc(F)cc1 c1ccc(OC)cc1 c1ccsc1 c1ccco1 C1CCOCC1 c1cc(C)on1
"""
AMINES = """
NCc1ccccc1 N1CCOCC1 NC1CCCCC1 Nc1ccccc1 N1CCN(C)CC1 NCCc1ccccc1 NC1CC1 N1CCc2ccccc2C1 NCCO NCc1ccncc1
"""
PEPTIDES = ["N" + "CC(=O)N" * count + "CC(=O)O" for count in range(8, 14)]
DYES = [
    f"CCCCCCCCCCCCN(CCCCCCCCCCCC)c1ccc(N=Nc2ccc({group})cc2)cc1"
    for group in ("C", "Cl", "OC", "N(C)C", "C#N")
]
SALTS = [f"O=C({acid})N1CCNCC1.Cl" for acid in ACIDS.split()[:5]]


def vendor_file(path: Path) -> int:
    """Write the vendor's file, and return how many molecules docking would refuse."""
    plain = [f"O=C({acid}){amine}" for acid in ACIDS.split() for amine in AMINES.split()]
    lines = ["catalog_no,structure,supplier"]
    for number, smiles in enumerate([*plain, *SALTS, *PEPTIDES, *DYES, plain[0], plain[1]]):
        lines.append(f"VX-{number:05d},{smiles},ACME Chemicals")
    lines += ["VX-90001,not a molecule,ACME Chemicals", "VX-90002,C1CC,ACME Chemicals", ""]
    path.write_text("\n".join(lines))
    return len(PEPTIDES) + len(DYES)


ESCAPES = r"\x1b\[[0-9;?]*[A-Za-z]"


class Terminal:
    """Types commands in a folder, at 80 columns, and keeps what they say."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, command: str, code: int = 0) -> str:
        words = command.split()
        environment = {**os.environ, "COLUMNS": "80", "TTY_COMPATIBLE": "1", "NO_COLOR": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "docksieve", *words[1:]],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == code, f"$ {command}\n{done.stdout}{done.stderr}"
        return re.sub(ESCAPES, "", done.stdout + done.stderr)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """Return the folder after the first campaign has run."""
    pytest.importorskip("dockstring", reason="the receptor of the demo comes with dockstring")
    pytest.importorskip("vina", reason="AutoDock Vina is not installed")
    typed = Terminal(tmp_path_factory.mktemp("first-day"))
    vendor_file(typed.folder / "vendor.csv")
    said = typed("docksieve library build library vendor.csv")
    assert "structure" in said and "catalog_no" in said  # which columns were taken is said
    typed("docksieve init campaign.toml --library library --receptor dockstring:EGFR --target EGFR")
    file = typed.folder / "campaign.toml"
    text = file.read_text()
    for key, value in (
        ("molecules = 300", "molecules = 24"),
        ("labels = 30000", "labels = 110"),
        ("dock = 100", "dock = 6"),
    ):
        assert key in text
        text = text.replace(key, value, 1)
    text = re.sub(r"(?m)^count = \d+", "count = 1", text, count=1)
    text = re.sub(r"(?ms)^(\[final\].*?^molecules = )\d+", r"\g<1>2", text)
    text = re.sub(r"(?m)^(# )?search = .*$", 'search = "fast"', text, count=1)
    text = re.sub(r"(?m)^(# )?final_search = .*$", 'final_search = "fast"', text, count=1)
    file.write_text(text)
    assert "can be used" in typed("docksieve submit campaign.toml --dry-run")
    typed("docksieve submit campaign.toml --site local")
    return typed


def test_the_library_accounts_for_every_line(day: Terminal) -> None:
    manifest = json.loads((day.folder / "library" / "library.json").read_text())
    counts = manifest["counts"]
    assert counts["records"] == counts["accepted"] + counts["duplicates"] + counts["rejected"]
    assert counts["rejected"] == 2 and counts["duplicates"] == 2
    said = day("docksieve library info library")
    assert "2" in said and "reject" in said


def test_no_docking_is_spent_on_what_cannot_be_docked(day: Terminal) -> None:
    limit = LigandSettings().max_torsions
    folder = day.folder / "campaign"
    selected = [pq.read_table(path) for path in (folder / "selections" / "round-00").rglob("*.parquet")]
    docked = [number for table in selected for number in table["rotatable_bonds"].to_pylist()]
    assert len(docked) >= 24 and max(docked) <= limit
    said = day("docksieve status campaign")
    assert (
        "9 molecules refused by docking (9 more than 20 rotatable bonds) and left out beforehand"
        in " ".join(said.split())
    )


@pytest.mark.parametrize(
    "command",
    [
        "docksieve status campaign",
        "docksieve hits campaign --top 5",
        "docksieve hits campaign --by predicted --top 5",
        "docksieve hits campaign --buy 3 --no-alerts pains",
        "docksieve hits campaign --top 5 --funnel",
        "docksieve throughput campaign",
        "docksieve models list campaign",
        "docksieve library info library",
    ],
)
def test_everything_can_be_read_at_80_columns(day: Terminal, command: str) -> None:
    said = day(command)
    long = [
        line
        for line in said.splitlines()
        if len(line) > 80 and "/" not in line and not line.startswith(" " * 4)
    ]
    tables = [line for line in long if re.search(r"[│┃─━]", line)]
    assert said.strip() and not tables


def test_the_best_is_shown_bought_and_reported(day: Terminal) -> None:
    found = json.loads(day("docksieve hits campaign --top 3 --json"))
    rows = found["hits"] if isinstance(found, dict) else found
    best = rows[0]["id"]
    assert best.startswith("VX-")
    assert best in day(f"docksieve hits show campaign {best}")
    bought = day("docksieve hits campaign --buy 3 --format csv --out buy.csv")
    assert (day.folder / "buy.csv").read_text().count("VX-") >= 3, bought
    day("docksieve report campaign --out report.html")
    assert "VX-" in (day.folder / "report.html").read_text()


def test_the_hits_come_back_as_scores(day: Terminal) -> None:
    day("docksieve hits campaign --top 30 --format csv --out scores.csv")
    said = day("docksieve retrain campaign --scores scores.csv")
    assert "in the library" in said


def test_a_mistake_names_file_line_and_cure(day: Terminal) -> None:
    file = day.folder / "campaign.toml"
    (day.folder / "wrong.toml").write_text(file.read_text().replace("dock = 6", 'dock = "six"', 1))
    said = day("docksieve submit wrong.toml --site local", code=2)
    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if text.startswith("dock = 6"))
    assert f"wrong.toml, line {line}" in said and "whole number" in said
