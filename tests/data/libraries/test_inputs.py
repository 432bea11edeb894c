"""What goes into a library: streams, tables, SDF, lines and ids as they are found."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from docksieve.data.errors import InputError
from docksieve.data.libraries.library import Library
from docksieve.data.libraries.settings import IngestSettings
from docksieve.data.molecules.standardise import StandardSettings, standard_smiles
from docksieve.data.readers.layout import ReadingSettings
from rdkit import Chem

from .building import AMIDES, build, counts, table_of


def test_standard_input(tmp_path):
    code = (
        "import sys; from docksieve.data.libraries.build import build_library;"
        "print(build_library(sys.argv[1], ['-'], workers=1, progress=False).rows)"
    )
    text = "smiles id\n" + "\n".join(f"{s} A{n}" for n, s in enumerate(AMIDES))
    command = [sys.executable, "-c", code, str(tmp_path / "lib")]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    assert int(done.stdout) == len(AMIDES)
    assert Library.open(tmp_path / "lib").manifest["sources"][0]["name"] == "-"


def test_awkward_lines(tmp_path):
    """NUL bytes, Latin-1, a SMILES of 5,000 characters, one beyond the limit, an empty field."""
    lines = [
        b"CCO fine",
        b"CC\x00O nul",
        b"CC\xe9 latin",
        b"C" * 5000 + b" long",
        b"C" * 10_500 + b" too-long",
        b"c1ccccc1 M\xfcller",
        b"CCN ok",
    ]
    (tmp_path / "in.smi").write_bytes(b"\r\n".join(lines))
    settings = IngestSettings(standard=StandardSettings(max_heavy_atoms=5000))
    library = build(tmp_path, tmp_path / "in.smi", settings=settings)
    table = library.take(np.arange(library.rows))
    assert table["id"].to_pylist() == ["fine", "long", "M\xfcller", "ok"]
    assert table["smiles"][1].as_py() == "C" * 5000
    rejects = {row["line"]: row for row in table_of(library, "rejects")}
    assert {line: row["code"] for line, row in rejects.items()} == {
        2: "characters",
        3: "characters",
        5: "too_long",
    }
    assert "cut: 10509 characters in all" in rejects[5]["text"]
    library.verify()


def test_ids_are_made_from_file_and_line(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    (tmp_path / "a" / "mine.smi").write_text("CCO\n\nCCN\n")
    (tmp_path / "b" / "mine.smi").write_text("CCCl\n")
    library = build(tmp_path, tmp_path / "a" / "mine.smi", tmp_path / "b" / "mine.smi")
    assert library.take([0, 1, 2])["id"].to_pylist() == ["mine:1", "mine:3", "mine#2:1"]


def test_one_id_for_different_molecules(tmp_path):
    (tmp_path / "in.smi").write_text("CCO X1\nCCN X1\nCCO X1\nCCC X2\n")
    library = build(tmp_path, tmp_path / "in.smi")
    assert counts(library) == (4, 3, 1, 0)
    assert library.manifest["counts"]["repeated_ids"] == 1
    assert library.lookup(["X1", "X2", "X3"]).tolist() == [0, 2, -1]


def test_sdf_with_a_bad_record(tmp_path):
    good = [Chem.MolToMolBlock(Chem.MolFromSmiles(s)) for s in ("CCO", "c1ccccc1", "CC(=O)[O-].[Na+]")]
    bad = good[0].replace("  3  2", " 33  2", 1)
    blocks = [f"M{n}{block}>  <vendor>\nV{n}\n\n$$$$\n" for n, block in enumerate([good[0], bad, *good[1:]])]
    (tmp_path / "in.sdf").write_text("".join(blocks))
    library = build(tmp_path, tmp_path / "in.sdf")
    assert counts(library) == (4, 3, 0, 1)
    assert library.take([0, 1, 2])["id"].to_pylist() == ["M0", "M2", "M3"]
    assert library.take([2])["smiles"].to_pylist() == ["CC(=O)O"]
    reject = table_of(library, "rejects")[0]
    assert reject["line"] == 1 + blocks[0].count("\n") and reject["reason"]
    settings = IngestSettings(reading=ReadingSettings(id_column="vendor"))
    by_property = build(tmp_path, tmp_path / "in.sdf", settings=settings, name="by-property")
    assert by_property.take([0, 1, 2])["id"].to_pylist() == ["V0", "V2", "V3"]


@pytest.mark.parametrize("kind", ["parquet", "feather", "parquet through standard input"])
def test_tables(tmp_path, kind, monkeypatch):
    table = pa.table(
        {"score": [1.5] * 80, "zinc_id": list(range(80)), "SMILES": [*AMIDES[:-2], None, "C1CC"]}
    )
    path = tmp_path / "in.table"
    if kind == "feather":
        pyarrow.feather.write_feather(table, path)
    else:
        pq.write_table(table, path, row_group_size=23)
    settings = IngestSettings(chunk_rows=10)
    if "standard input" in kind:
        with path.open("rb") as handle:
            monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": handle})())
            library = build(tmp_path, "-", settings=settings)
    else:
        library = build(tmp_path, path, settings=settings)
    assert counts(library) == (80, 78, 0, 2)
    got = library.take(np.arange(78))
    assert got["id"].to_pylist() == [str(n) for n in range(78)]
    assert got["smiles"].to_pylist() == [standard_smiles(s) for s in AMIDES[:-2]]
    assert [(r["line"], r["code"]) for r in table_of(library, "rejects")] == [(79, "missing"), (80, "syntax")]


def test_an_empty_file_is_an_error_and_leaves_nothing(tmp_path):
    (tmp_path / "empty.smi").write_text("")
    (tmp_path / "hopeless.smi").write_text("smiles\nC1CC\nC2CC\n")
    for name in ("empty.smi", "hopeless.smi"):
        with pytest.raises(InputError, match=f"{name}"):
            build(tmp_path, tmp_path / name)
        assert not (tmp_path / "lib").exists()


def test_a_missing_file_stops_before_anything_is_written(tmp_path):
    (tmp_path / "in.smi").write_text("CCO a\n")
    with pytest.raises(InputError, match=r"gone\.smi does not exist"):
        build(tmp_path, tmp_path / "in.smi", tmp_path / "gone.smi")
    assert not (tmp_path / "lib").exists()
