"""Small tables copied together hold the same rows, whatever is docked or docked again meanwhile."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from docksieve.data.store import FileRecord, read_table, record_file, write_table
from docksieve.workflows.dashboard import merged_tables as dashboard_bundles
from docksieve.workflows.dashboard.merged_tables import BundledReceipts, Bundles
from docksieve.workflows.hits.ask import ask, hits
from docksieve.workflows.progress.receipts import CampaignReceipts
from docksieve.workflows.running.submit import submit


@pytest.fixture(autouse=True)
def small_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard_bundles, "BUNDLE", 3)


def written(root: Path, *numbers: int, salt: int = 0) -> list[FileRecord]:
    records = []
    for number in numbers:
        path = root / f"t{number}.parquet"
        write_table(path, pa.table({"row": [10 * number, 10 * number + 1], "salt": [salt, salt]}))
        records.append(record_file(path, root))
    return records


def rows(root: Path, records: list[FileRecord]) -> list[int]:
    return sorted(row for record in records for row in read_table(root / record.path)["row"].to_pylist())


def test_rows_are_the_same_in_fewer_files(tmp_path: Path) -> None:
    bundles = Bundles(tmp_path)
    records = written(tmp_path, *range(8))
    found = bundles.instead_of("dock", records)
    assert len(found) == 2 + 2 and rows(tmp_path, found) == rows(tmp_path, records)
    assert sum(record.rows or 0 for record in found) == 16
    more = [*written(tmp_path, 8), *records]  # finished in another order
    again = bundles.instead_of("dock", more)
    assert again[:2] == found[:2] and len(again) == 3 and rows(tmp_path, again) == rows(tmp_path, more)


def test_what_was_made_again_is_read_again(tmp_path: Path) -> None:
    bundles = Bundles(tmp_path)
    records = written(tmp_path, *range(6))
    bundles.instead_of("dock", records)
    records[1:2] = written(tmp_path, 1, salt=5)
    found = bundles.instead_of("dock", records)
    salts = {salt for record in found for salt in read_table(tmp_path / record.path)["salt"].to_pylist()}
    assert salts == {0, 5} and rows(tmp_path, found) == rows(tmp_path, records)
    fewer = bundles.instead_of("dock", records[:2])
    assert fewer == records[:2]


def test_a_missing_table_is_left_to_the_question(tmp_path: Path) -> None:
    bundles = Bundles(tmp_path)
    records = written(tmp_path, *range(4))
    (tmp_path / records[0].path).unlink()
    assert bundles.instead_of("dock", records) == records


def test_copies_go_when_they_are_not_wanted_any_more(tmp_path: Path) -> None:
    bundles = Bundles(tmp_path)
    (bundle,) = bundles.instead_of("dock", written(tmp_path, 0, 1, 2))
    assert Path(bundle.path).is_file() and not Path(bundle.path).is_relative_to(tmp_path)
    bundles.close()
    assert not Path(bundle.path).parent.exists()


@pytest.mark.slow
def test_questions_are_answered_as_from_the_files_themselves(campaign_text: str, tmp_path: Path) -> None:
    (tmp_path / "campaign.toml").write_text(campaign_text.replace("dock_batch = 8", "dock_batch = 2"))
    campaign = submit(tmp_path / "campaign.toml", "inline")
    bundles = Bundles(campaign.root)
    plain, bundled = CampaignReceipts(campaign), BundledReceipts(campaign, bundles)
    folder = "scores/round-00/A/"
    assert len(bundled.outputs("round-00/dock", folder)) < len(plain.outputs("round-00/dock", folder))
    assert [r.path for r in bundled.of("round-01/dock") for r in r.outputs] == [
        r.path for r in plain.of("round-01/dock") for r in r.outputs
    ]
    assert ask(campaign, receipts=bundled).table.equals(ask(campaign, receipts=plain).table)
    for by in ("docked", "predicted", "screened"):
        assert hits(campaign, None, by=by, receipts=bundled).equals(
            hits(campaign, None, by=by, receipts=plain)
        )  # type: ignore[arg-type]
    bundles.close()
