"""Folders from somebody else: records in them do not lead out of the folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from docksieve.data.errors import FormatError, LibraryError
from docksieve.data.libraries.build import build_library
from docksieve.data.libraries.library import Library
from docksieve.data.receipts import Receipt, receipt_path, seal_of
from docksieve.data.store import FileRecord, write_json
from docksieve.workflows.campaign.ledger import read_own_receipt

LEAD_OUT = ["../secret.parquet", "/etc/hostname", "shards/../../secret.parquet", "..\\secret"]


@pytest.mark.parametrize("path", LEAD_OUT)
def test_a_record_does_not_lead_out(path: str) -> None:
    with pytest.raises(FormatError, match="leads out of its folder"):
        FileRecord.of_stranger({"path": path, "bytes": 1, "sha256": "0"})


@pytest.mark.parametrize("path", LEAD_OUT)
def test_a_library_reads_nothing_outside(tmp_path: Path, path: str) -> None:
    (tmp_path / "in.smi").write_text("CCO a\nCCN b\n")
    build_library(tmp_path / "lib", [tmp_path / "in.smi"], workers=1, progress=False)
    manifest = json.loads((tmp_path / "lib/library.json").read_text())
    manifest["shards"][0]["path"] = path
    write_json(tmp_path / "lib/library.json", manifest)
    with pytest.raises(LibraryError, match="leads out of its folder"):
        Library.open(tmp_path / "lib")


@pytest.mark.parametrize("path", LEAD_OUT)
def test_a_receipt_vouches_for_nothing_outside(tmp_path: Path, path: str) -> None:
    value = Receipt("a/b", "dock", "f", outputs=(FileRecord(path, 1, "0"),)).to_json()
    write_json(receipt_path(tmp_path, "a/b"), {**value, "seal": seal_of(value)})
    assert read_own_receipt(tmp_path, "a/b") is None
