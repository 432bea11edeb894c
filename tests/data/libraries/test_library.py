"""Opened libraries: streaming, taking, sampling, looking up, and noticing what was altered."""

import json

import numpy as np
import pyarrow as pa
import pytest
from docksieve.data.errors import LibraryError
from docksieve.data.libraries import library as library_module
from docksieve.data.libraries.build import build_library
from docksieve.data.libraries.library import MANIFEST, Library
from docksieve.data.libraries.settings import IngestSettings
from docksieve.data.molecules.standardise import standard_smiles

ALKYLS = ["C", "CC", "CCC", "C(C)C", "C1CC1", "C1CCC1", "CC#N", "C(F)(F)F", "c1ccccc1", "c1ccncc1"]
ETHERS = [f"O({a}){b}" for a in ALKYLS for b in ALKYLS[:7]]


@pytest.fixture
def library(tmp_path, monkeypatch):
    monkeypatch.setattr("docksieve.data.libraries.shard_tasks.STREAM_ROWS", 8)
    (tmp_path / "in.smi").write_text(
        "".join(f"{smiles} E{n}\n" for n, smiles in enumerate([*ETHERS, "C1CC", "CCOCC"]))
    )
    settings = IngestSettings(shard_rows=20)
    return build_library(tmp_path / "lib", [tmp_path / "in.smi"], settings, workers=1, progress=False)


@pytest.fixture
def whole(library):
    return pa.Table.from_batches(list(library.batches()))


def test_batches_stream_everything_in_order(library, whole):
    assert whole["row"].to_pylist() == list(range(library.rows))
    assert {shard.rows for shard in library.shards[:-1]} == {20}
    small = list(library.batches(["smiles", "weight"], batch_rows=7))
    assert max(len(batch) for batch in small) <= 7
    assert pa.Table.from_batches(small).equals(whole.select(["smiles", "weight"]))
    one = list(library.batches(["row"], shard=library.shards[1]))
    assert [row for batch in one for row in batch["row"].to_pylist()] == list(range(20, 40))


def test_take_keeps_the_order_asked(library, whole):
    rows = [45, 3, 3, 0, library.rows - 1, 20, 19]
    assert library.take(rows).equals(whole.take(rows))
    assert library.take(rows, ["id"]).column_names == ["id"]
    assert len(library.take([])) == 0


def test_take_reads_only_the_row_groups_needed(library, monkeypatch):
    read = []
    real = library_module.pq.ParquetFile.read_row_group

    def counting(self, group, **options):
        read.append(group)
        return real(self, group, **options)

    monkeypatch.setattr(library_module.pq.ParquetFile, "read_row_group", counting)
    library.take([17, 16, 41])
    assert read == [2, 0]


@pytest.mark.parametrize("row", [-1, 10_000])
def test_a_row_that_is_not_there(library, row):
    with pytest.raises(LibraryError, match=f"no row {row}"):
        library.take([0, row])


def test_a_column_that_is_not_there(library):
    with pytest.raises(LibraryError, match="'weigth'"):
        list(library.batches(["weigth"]))


def test_samples_are_distinct_sorted_and_repeatable(library):
    rows = library.sample_rows(30, 7, "seed")
    assert len(set(rows.tolist())) == 30 and (np.diff(rows) > 0).all()
    assert rows.tolist() == library.sample_rows(30, 7, "seed").tolist()
    assert rows.tolist() != library.sample_rows(30, 8, "seed").tolist()
    assert library.sample_rows(library.rows).tolist() == list(range(library.rows))
    with pytest.raises(LibraryError, match="cannot be drawn"):
        library.sample_rows(library.rows + 1)


def test_samples_are_uniform(library):
    hits = np.zeros(library.rows)
    for seed in range(2000):
        hits[library.sample_rows(5, seed)] += 1
    expected = 2000 * 5 / library.rows
    assert ((hits - expected) ** 2 / expected).sum() < library.rows + 5 * np.sqrt(2 * library.rows)


def test_lookup(library, whole):
    ids, smiles = whole["id"].to_pylist(), whole["smiles"].to_pylist()
    assert library.lookup([ids[30], "nothing", ids[2], ids[30]]).tolist() == [30, -1, 2, 30]
    assert library.find_smiles([smiles[45], "N", standard_smiles("O(CC)CC")]).tolist() == [
        45,
        -1,
        smiles.index("CCOCC"),
    ]
    assert library.lookup([]).tolist() == []


def test_an_unaltered_library_verifies(library):
    checked = []
    library.verify(checked.append)
    assert len(checked) == len(library.shards) + 2  # rejects and duplicates too
    assert Library.open(library.path).fingerprint == library.fingerprint


def test_an_altered_shard_is_named(library):
    shard = library.shards[1]
    content = bytearray(shard.path.read_bytes())
    content[200] ^= 1
    shard.path.write_bytes(content)
    with pytest.raises(LibraryError, match=rf"{shard.name}\.parquet was altered"):
        Library.open(library.path).verify()


@pytest.mark.slow
def test_several_processes_find_the_same(library):
    checked = []
    library.verify(checked.append, workers=2)
    assert len(checked) == len(library.shards) + 2
    for shard in (library.shards[2], library.shards[1]):
        shard.path.write_bytes(shard.path.read_bytes()[:-1])
    with pytest.raises(
        LibraryError, match=rf"{library.shards[1].name}\.parquet was altered.*So is 1 other file"
    ):
        Library.open(library.path).verify(workers=2)
    assert not list(library.path.glob(".verify-*"))


@pytest.mark.parametrize("folder", ["shards", "rejects", "duplicates"])
def test_a_missing_file_is_named(library, folder):
    path = next((library.path / folder).iterdir())
    path.unlink()
    with pytest.raises(LibraryError, match=f"{path.name} is missing"):
        Library.open(library.path).verify()


def test_a_missing_shard_is_named_when_read(library):
    library.shards[2].path.unlink()
    with pytest.raises(LibraryError, match=f"{library.shards[2].name}.parquet is missing"):
        list(library.batches())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m["counts"].update(rejected=0), "do not add up"),
        (lambda m: m["counts"].update(lines=5), "do not add up"),
        (lambda m: m.update(fingerprint="0" * 64), "fingerprint"),
        (lambda m: m["shards"].pop(1), "does not begin at row 20"),
        (lambda m: m.update(rejects="none"), "library.json is damaged"),
        (lambda m: m["duplicates"].append(3), "library.json is damaged"),
    ],
)
def test_sums_that_do_not_add_up(library, change, words):
    manifest = json.loads((library.path / MANIFEST).read_text())
    change(manifest)
    (library.path / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(LibraryError, match=words):
        Library.open(library.path).verify()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "damaged"),
        ('{"format": "something"}', "not the manifest"),
        ("[]", "damaged"),
        ("{}", "not the manifest"),
    ],
)
def test_manifests_that_are_none(tmp_path, text, words):
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(LibraryError, match=words):
        Library.open(tmp_path)


def test_a_newer_format_is_refused(library):
    manifest = json.loads((library.path / MANIFEST).read_text())
    (library.path / MANIFEST).write_text(json.dumps({**manifest, "version": 99}))
    with pytest.raises(LibraryError, match="format 99"):
        Library.open(library.path)


def test_folders_that_are_no_library(tmp_path):
    with pytest.raises(LibraryError, match="There is no library"):
        Library.open(tmp_path / "nowhere")
    with pytest.raises(LibraryError, match="is not a library"):
        Library.open(tmp_path)
