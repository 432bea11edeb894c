"""One piece of input: what becomes a part, what is rejected, and what its receipt counts."""

from __future__ import annotations

import pytest
from docksieve.data.libraries.part_tasks import REJECT_TEXT, standardise_chunk
from docksieve.data.libraries.settings import IngestSettings
from docksieve.data.readers.sources import open_files
from docksieve.data.store import read_table


@pytest.fixture
def part(tmp_path):
    """Return a function that standardises a text as one part and returns its receipt, rows and rejects."""

    def standardise(text, name="vendor.smi"):
        (tmp_path / name).write_text(text)
        settings = IngestSettings()
        (source,) = open_files([str(tmp_path / name)], settings.reading, 10**6, 10**6, tmp_path)
        (chunk,) = source.chunks()
        job = {
            "build": str(tmp_path), "task": "parts/part-000000", "fingerprint": "f", "source": 3,
            "stem": source.stem, "kind": source.layout.kind, "layout": source.layout.to_json(),
            "settings": {**vars(settings.standard)}, **chunk,
        }  # fmt: skip
        receipt = standardise_chunk(job)
        rows = read_table(tmp_path / "parts" / "part-000000.parquet").to_pylist()
        rejects = tmp_path / "parts" / "part-000000.rejects.parquet"
        return receipt, rows, read_table(rejects).to_pylist() if rejects.exists() else [], job

    return standardise


def test_rows_keep_their_line_and_molecules_without_id_get_one_of_it(part):
    receipt, rows, rejects, _ = part("# vendor\nOCC ethanol\n\nC1CC torn\nCCN\n")
    assert [(row["id"], row["smiles"], row["line"], row["source"]) for row in rows] == [
        ("ethanol", "CCO", 2, 3),
        ("vendor:5", "CCN", 5, 3),
    ]
    (reject,) = rejects
    assert (reject["line"], reject["source"], reject["text"]) == (4, 3, "C1CC torn")
    assert receipt["facts"]["reasons"] == {"syntax": 1}
    assert (receipt["rows_in"], receipt["rows_out"]) == (3, 2)
    counts = receipt["counts"]
    assert (counts["lines"], counts["comments"], counts["blank"], counts["records"]) == (5, 1, 1, 3)


def test_a_long_reject_is_cut_and_says_so(part):
    text = "C" * 5000 + "1"
    _, rows, (reject,), _ = part(f"CCO a\n{text} long\n")
    assert len(rows) == 1
    assert reject["text"].startswith("C" * REJECT_TEXT + " ... [cut: ")
    assert reject["text"].endswith(" characters in all]")


def test_a_part_of_rejects_alone_has_no_rows(part):
    receipt, rows, rejects, _ = part("C1CC Z-1\nC1CCC Z-2\nCC(C)(C)(C)(C)C Z-3\n")
    assert (rows, len(rejects), receipt["rows_out"]) == ([], 3, 0)


def test_what_is_done_is_not_done_again(part, tmp_path):
    receipt, _, _, job = part("CCO a\n")
    written = (tmp_path / "parts" / "part-000000.parquet").stat().st_mtime_ns
    assert standardise_chunk(job)["finished"] == receipt["finished"]
    assert (tmp_path / "parts" / "part-000000.parquet").stat().st_mtime_ns == written
