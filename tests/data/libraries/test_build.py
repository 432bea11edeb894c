"""Building libraries: nothing is lost, and nothing depends on how the work was divided."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from docksieve.data.errors import LibraryError
from docksieve.data.libraries.library import MANIFEST, Library
from docksieve.data.libraries.settings import IngestSettings
from docksieve.data.molecules.standardise import StandardSettings, standard_smiles
from docksieve.data.schema import LIBRARY_SCHEMA
from docksieve.data.store import read_json

from .building import SMALL, build, counts, shard_bytes, table_of


def test_duplicates_across_chunks_and_files(tmp_path, two_files):
    library = build(tmp_path, *two_files, settings=SMALL)
    kept = {}
    duplicates = 0
    for source, path in enumerate(two_files):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            text = line.replace(",", " ").split()
            if not text or text[0] in ("#", "structure", "C1CC", "CC(C)(C)(C)(C)C"):
                continue
            duplicates += standard_smiles(text[0]) in kept
            kept.setdefault(standard_smiles(text[0]), (source, number, text[1]))
    table = library.take(np.arange(library.rows))
    got = zip(
        table["smiles"].to_pylist(),
        zip(*(table[c].to_pylist() for c in ("source", "line", "id")), strict=True),
        strict=True,
    )
    assert dict(got) == kept
    assert list(kept) == table["smiles"].to_pylist()
    assert table["row"].to_pylist() == list(range(library.rows))
    assert counts(library) == (230, len(kept), duplicates, 2)
    assert library.manifest["counts"]["lines"] == 230 + 1 + 1 + 1
    assert len(library.shards) == 3
    for row in table_of(library, "duplicates"):
        assert table["smiles"][row["kept_row"]].as_py() == row["smiles"]
    rejects = table_of(library, "rejects")
    assert [(r["source"], r["line"], r["code"]) for r in rejects] == [(0, 11, "syntax"), (1, 79, "valence")]
    assert rejects[0]["text"] == "C1CC unclosed" and "unclosed ring" in rejects[0]["reason"]
    library.verify()


def test_the_library_does_not_depend_on_chunks_buckets_or_workers(tmp_path, two_files, monkeypatch):
    whole = build(tmp_path, *two_files, settings=IngestSettings(shard_rows=30), name="whole")
    monkeypatch.setattr("docksieve.data.libraries.dedupe.BUCKET_ROWS", 20)
    cut = build(tmp_path, *two_files, settings=SMALL, name="cut")
    assert shard_bytes(cut) == shard_bytes(whole)
    assert cut.fingerprint == whole.fingerprint
    assert table_of(cut, "duplicates") == table_of(whole, "duplicates")
    assert table_of(cut, "rejects") == table_of(whole, "rejects")


@pytest.mark.slow
def test_two_workers_build_the_same(tmp_path, two_files):
    one = build(tmp_path, *two_files, settings=SMALL, name="one")
    two = build(tmp_path, *two_files, settings=SMALL, name="two", workers=2)
    assert shard_bytes(two) == shard_bytes(one)
    assert two.fingerprint == one.fingerprint


def test_steps_can_be_left_out(tmp_path):
    (tmp_path / "in.smi").write_text("CC(=O)[O-].[Na+] a\nCCN b\n")
    settings = IngestSettings(standard=StandardSettings(neutralise=False))
    assert build(tmp_path, tmp_path / "in.smi", settings=settings).take([0])["smiles"].to_pylist() == [
        "CC(=O)[O-]"
    ]


def test_a_folder_that_is_taken(tmp_path):
    (tmp_path / "in.smi").write_text("CCO a\nCCN b\n")
    (tmp_path / "other.smi").write_text("CCCCO a\n")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "thesis.tex").write_text("dear")
    with pytest.raises(LibraryError, match=r"not empty \(it holds 'thesis\.tex'\)"):
        build(tmp_path, tmp_path / "in.smi")
    assert [p.name for p in (tmp_path / "lib").iterdir()] == ["thesis.tex"]
    first = build(tmp_path, tmp_path / "in.smi", name="mine")
    assert build(tmp_path, tmp_path / "in.smi", name="mine").fingerprint == first.fingerprint
    with pytest.raises(LibraryError, match="holds a library already"):
        build(tmp_path, tmp_path / "other.smi", name="mine")
    Library.open(tmp_path / "mine").verify()


def test_the_manifest_and_shards_are_as_the_schema_says(tmp_path, two_files):
    library = build(tmp_path, *two_files, settings=SMALL)
    assert pq.ParquetFile(library.shards[0].path).schema_arrow.equals(LIBRARY_SCHEMA)
    assert library.shards[1].name == "shard-000000000030-000000000059"
    assert sorted(path.name for path in library.path.iterdir()) == [
        "duplicates",
        MANIFEST,
        "rejects",
        "shards",
    ]
    manifest = read_json(library.path / MANIFEST)
    weights = library.take(np.arange(library.rows))["weight"].to_numpy()
    assert manifest["properties"]["weight"]["max"] == pytest.approx(weights.max())
    assert manifest["properties"]["weight"]["mean"] == pytest.approx(weights.mean(), rel=1e-6)
    assert manifest["reasons"] == {"syntax": 1, "valence": 1}
    assert Path(manifest["sources"][1]["name"]).name == "second.csv"
