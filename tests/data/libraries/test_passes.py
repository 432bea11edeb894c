"""The passes of a build: what the manifest counts is what lies in the files, however the work was cut up."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from docksieve.data.errors import InputError
from docksieve.data.libraries import passes
from docksieve.data.libraries.library import Library
from docksieve.data.libraries.passes import BUILD, Build
from docksieve.data.libraries.pool import BuildWorkers
from docksieve.data.libraries.progress import Reporter
from docksieve.data.libraries.settings import IngestSettings
from docksieve.data.readers.sources import open_files
from docksieve.data.schema import PROPERTY_COLUMNS

from .building import SMALL, table_of


def run(folder, *files, settings=SMALL):
    """Take all passes over ``files`` and return the library."""
    (folder / BUILD).mkdir(parents=True)
    sources = open_files(
        [str(file) for file in files],
        settings.reading,
        settings.chunk_bytes,
        settings.chunk_rows,
        folder / BUILD,
    )
    with Reporter(False) as reporter, BuildWorkers(1, folder / BUILD / "dask") as pool:
        Build(folder, sources, settings, pool, reporter).run()
    return Library.open(folder)


@pytest.fixture(scope="module")
def library(two_files, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passes, "LEDGER_PARTS", 3)
        return run(tmp_path_factory.mktemp("passes") / "library", *two_files)


def test_every_record_is_accepted_a_duplicate_or_rejected(library):
    manifest = library.manifest
    for counts in (manifest["counts"], *manifest["sources"]):
        assert counts["records"] == counts["accepted"] + counts["duplicates"] + counts["rejected"]
    for name in ("lines", "blank", "comments", "records", "accepted", "duplicates", "rejected"):
        assert manifest["counts"][name] == sum(source[name] for source in manifest["sources"])
    first, second = manifest["sources"]
    # 80 amides of which one line is torn, a comment and an empty line; 150 copies of which one is impossible.
    assert (first["lines"], first["comments"], first["blank"], first["records"]) == (82, 1, 1, 80)
    assert (first["accepted"], first["duplicates"], first["rejected"]) == (79, 0, 1)
    assert second["records"] == 150 and second["headers"] == 1 and second["rejected"] == 1
    assert manifest["reasons"] == {"syntax": 1, "valence": 1}


def test_what_is_counted_lies_in_the_files(library):
    counts = library.manifest["counts"]
    for kind, name in (("rejects", "rejected"), ("duplicates", "duplicates")):
        assert len(table_of(library, kind)) == counts[name] > 0
        assert len(library.manifest[kind]) > 1  # several files: the parts of each are cut into groups
        assert sum(item["rows"] for item in library.manifest[kind]) == counts[name]
    assert library.rows == counts["accepted"] == sum(shard.rows for shard in library.shards)


def test_shards_follow_one_another_without_a_gap(library):
    expected = 0
    for item in library.manifest["shards"]:
        assert item["first_row"] == expected
        expected += item["rows"]
        assert item["path"] == f"shards/shard-{item['first_row']:012d}-{expected - 1:012d}.parquet"
    assert expected == library.rows
    assert [item["rows"] for item in library.manifest["shards"]] == [30, 30, library.rows - 60]


def test_summaries_of_properties_are_those_of_all_rows(library):
    table = pa.Table.from_batches(library.batches())
    for name in PROPERTY_COLUMNS:
        values, said = table[name].to_numpy().astype(float), library.manifest["properties"][name]
        assert (said["min"], said["max"]) == pytest.approx((values.min(), values.max()))
        assert said["mean"] == pytest.approx(values.mean(), rel=1e-6)
        assert np.isfinite(list(said.values())).all()


def test_one_molecule_makes_a_library(tmp_path):
    (tmp_path / "one.smi").write_text("CC(=O)Nc1ccc(O)cc1 paracetamol")
    library = run(tmp_path / "library", tmp_path / "one.smi")
    (row,) = pa.Table.from_batches(library.batches()).to_pylist()
    assert (row["row"], row["id"], row["smiles"]) == (0, "paracetamol", "CC(=O)Nc1ccc(O)cc1")
    said = library.manifest["properties"]["weight"]
    assert said["min"] == said["max"] == pytest.approx(said["mean"]) == pytest.approx(151.16, abs=0.01)
    assert library.manifest["counts"]["repeated_ids"] == 0


def test_repeated_ids_are_counted_only_of_molecules_that_stay(tmp_path):
    lines = ["CCO a", "CCN a", "OCC a", "CCC b", "CCCC b", "CCCCC c"]  # the third is the first again
    (tmp_path / "in.smi").write_text("\n".join(lines) + "\n")
    counts = run(tmp_path / "library", tmp_path / "in.smi").manifest["counts"]
    assert (counts["accepted"], counts["duplicates"], counts["repeated_ids"]) == (5, 1, 2)


def test_where_no_molecule_is_left_the_reasons_are_counted_and_nothing_stays_behind(tmp_path):
    (tmp_path / "bad.smi").write_text("C1CC Z-1\nC1CCC Z-2\nCC(C)(C)(C)(C)C Z-3\n")
    folder = tmp_path / "library"
    (folder / BUILD).mkdir(parents=True)
    (folder / BUILD / "request.json").write_text(json.dumps({}))
    sources = open_files([str(tmp_path / "bad.smi")], IngestSettings().reading, 600, 100, folder / BUILD)
    with Reporter(False) as reporter, BuildWorkers(1, folder) as pool:
        job = Build(folder, sources, IngestSettings(), pool, reporter)
        with pytest.raises(InputError) as caught:
            job.run()
    assert "bad.smi: 3 records were read, all rejected (2 syntax, 1 valence)." in str(caught.value)
    assert "--smiles-column" in str(caught.value)
    assert not (folder / BUILD / "request.json").exists() and not (folder / "library.json").exists()
