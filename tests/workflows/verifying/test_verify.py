"""An untouched campaign verifies; whatever is altered, lost or added is named with its cure."""

from __future__ import annotations

import json
import shutil
import sys
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from docksieve.data.errors import CampaignError
from docksieve.data.receipts import Receipt, read_receipt, seal_of, write_receipt
from docksieve.data.store import read_json, read_table, record_file, write_json, write_table
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.cli.main import main
from docksieve.workflows.controls.plan import write_plan
from docksieve.workflows.running.observer import Silent
from docksieve.workflows.running.submit import submit
from docksieve.workflows.verifying.compare import differences
from docksieve.workflows.verifying.verify import verify

SCORES = "scores/round-00/A/batch-00001.parquet"
DOCK = "receipts/round-00/dock/A/batch-00001.json"
slow = pytest.mark.slow


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def named(root: Path, deep: bool = False) -> list[tuple[str, str]]:
    found = verify(root, deep=deep)
    assert all(item.problem and item.cure for item in found.findings)
    assert found.ok == (not found.findings)
    json.dumps(found.to_json(), allow_nan=False)
    return [(item.kind, item.path) for item in found.findings]


@slow
def test_an_untouched_campaign_verifies(
    quick: Campaign, snapshot: Callable[[Path], dict[str, bytes]], capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(quick.root)
    found = verify(quick.root, deep=True)
    assert found.ok and found.complete, found.findings
    assert found.counts["receipts"] == found.counts["chained"] > 20
    assert found.counts["models"] == 2 and found.counts["shards"] == 2
    assert found.versions["rdkit"]["present"] in found.versions["rdkit"]["recorded"]
    assert snapshot(quick.root) == before


@slow
def test_every_stage_done_again_gives_the_same(
    quick: Campaign, snapshot: Callable[[Path], dict[str, bytes]], tmp_path: Path
) -> None:
    before = snapshot(quick.root)
    found = verify(quick.root, ["all"], folder=tmp_path)
    assert found.ok and len(found.repeated) == found.counts["receipts"]
    assert all(item.equal for item in found.repeated)
    # Only the cards of models say how long something took.
    assert {item.task for item in found.repeated if not item.identical} <= {
        "round-01/train",
        "round-01/distil",
    }
    assert snapshot(quick.root) == before and not list(tmp_path.iterdir())


@slow
def test_a_flipped_byte_a_cut_file_and_a_lost_one_are_named(copied: Path) -> None:
    flip(copied / SCORES)
    cut = copied / "refined/round-01/batch-00000.parquet"
    cut.write_bytes(cut.read_bytes()[:-7])
    (copied / "labels/round-01/batch-00000.parquet").unlink()
    flip(_table(copied))
    assert sorted(named(copied)) == sorted(
        [
            ("file", SCORES),
            ("file", "refined/round-01/batch-00000.parquet"),
            ("file", "labels/round-01/batch-00000.parquet"),
            ("file", _table(copied).relative_to(copied).as_posix()),
        ]
    )


def _table(root: Path) -> Path:
    return next(path for path in sorted((root / "targets/A").iterdir()) if path.is_file())


@slow
def test_a_deleted_receipt_is_named_with_its_files(copied: Path) -> None:
    (copied / DOCK).unlink()
    found = named(copied)
    assert ("receipt", DOCK) in found and ("extra", SCORES) in found
    assert ("chain", "round-01/train") in found


@slow
def test_a_lost_last_receipt_leaves_a_file_that_nothing_vouches_for(copied: Path) -> None:
    (copied / "receipts/final/hits.json").unlink()
    found = verify(copied)
    assert [(item.kind, item.path) for item in found.findings] == [("extra", "hits/hits.parquet")]
    assert not found.complete and any("final/hits" in note for note in found.notes)


@slow
def test_an_altered_receipt_is_named(copied: Path) -> None:
    value = read_json(copied / DOCK)
    value["counts"]["failed"] += 1
    write_json(copied / DOCK, value)
    assert named(copied) == [("receipt", DOCK)]
    # With a new seal, the chain still knows.
    write_json(copied / DOCK, {**value, "seal": seal_of(value)})
    assert named(copied) == [("chain", "round-01/train")]


@slow
def test_an_altered_cut_or_setting_no_longer_gives_the_tasks_that_were_done(copied: Path) -> None:
    receipt = read_receipt(copied, "round-01/cut")
    assert receipt is not None
    receipt.facts["cuts"]["A"]["keep"] += 1
    write_receipt(copied, receipt)
    assert ("fingerprint", "receipts/round-01/rank.json") in named(copied)


@slow
def test_extra_files_receipts_and_lost_plans_are_named(copied: Path) -> None:
    shutil.copyfile(copied / SCORES, copied / "scores/round-00/A/batch-00099.parquet")
    (copied / "scores/round-00/A/.tmp-x.parquet").write_bytes(b"")
    write_receipt(copied, Receipt("round-00/dock/A/batch-00099", "dock", "0"))
    (copied / "plan/round-01.label.json").unlink()
    found = named(copied)
    assert ("extra", "scores/round-00/A/batch-00099.parquet") in found
    assert ("extra", "receipts/round-00/dock/A/batch-00099.json") in found
    assert ("plan", "plan/round-01.label.json") in found
    assert not [path for _, path in found if ".tmp-" in path]


@slow
def test_an_altered_library_is_named(copied: Path) -> None:
    shard = next((copied.parent / "library" / "shards").glob("*.parquet"))
    flip(shard)
    assert named(copied) == []  # sizes and fingerprint alone
    ((kind, _),) = named(copied, deep=True)
    assert kind == "library"
    shard.write_bytes(shard.read_bytes()[:-1])
    assert [kind for kind, _ in named(copied)] == ["library"]


@slow
def test_an_altered_analysis_plan_is_named(copied: Path) -> None:
    plan = write_plan(copied, {"threshold": 0.5})
    assert named(copied) == []
    write_json(copied / "analysis-plan.json", {**plan, "threshold": 0.1})
    assert named(copied) == [("file", "analysis-plan.json")]


@slow
def test_a_spoilt_model_is_named(copied: Path) -> None:
    flip(copied / "models/round-01/student/weights.safetensors")
    assert set(named(copied)) == {
        ("file", "models/round-01/student/weights.safetensors"),
        ("model", "models/round-01/student"),
    }


@slow
def test_what_is_done_again_after_a_loss_is_linked_again(copied: Path, quick_text: str) -> None:
    (copied / SCORES).unlink()
    file = copied.parent / "campaign.toml"
    file.write_text(quick_text)
    submit(file, "inline")
    found = verify(copied)
    assert found.ok, found.findings
    assert found.counts["chained"] == found.counts["receipts"]
    receipt = read_receipt(copied, "final/hits")
    assert receipt is not None and "followed_before" in receipt.facts


class _Stops(Silent):
    def stage_begun(self, stage: str, total: int, done: int) -> None:
        if stage == "round-02/label":
            raise CampaignError("Stopped.")


@slow
def test_rounds_added_and_interrupted_are_unfinished_and_not_wrong(copied: Path, quick_text: str) -> None:
    file = copied.parent / "campaign.toml"
    file.write_text(quick_text.replace("count = 1", "count = 2"))
    with pytest.raises(CampaignError, match="Stopped"):
        submit(file, "inline", _Stops())
    found = verify(copied)
    assert found.ok and not found.complete, found.findings
    assert any("Rounds were added" in note for note in found.notes)


@slow
def test_a_stage_that_gives_something_else_is_told_by_column(copied: Path, tmp_path: Path) -> None:
    """The file and its record are altered together, so that only doing it again shows it."""
    task = "round-01/refine/batch-00000"
    receipt = read_receipt(copied, task)
    assert receipt is not None
    (output,) = receipt.outputs
    table = read_table(copied / output.path)
    place = table.schema.get_field_index("mean:A")
    values = table["mean:A"].to_numpy().copy()
    values[3] += np.float32(0.5)
    write_table(copied / output.path, table.set_column(place, "mean:A", pa.array(values)))
    write_receipt(copied, replace(receipt, outputs=(record_file(copied / output.path, copied),)))
    found = verify(copied, ["round-01/refine"], folder=tmp_path)
    (wrong,) = [item for item in found.findings if item.kind == "rerun"]
    assert wrong.path == task
    assert f"mean:A differs in 1 of {table.num_rows} values by at most 0.5" in wrong.problem


@slow
def test_the_command_says_it_and_exits_with_one(
    copied: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["docksieve", "verify", str(copied)])
    main()
    assert "Nothing is wrong" in capsys.readouterr().out
    flip(copied / SCORES)
    monkeypatch.setattr(sys, "argv", ["docksieve", "verify", str(copied), "--json"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 1
    told = json.loads(capsys.readouterr().out)
    assert not told["ok"] and told["findings"][0]["path"] == SCORES
    with pytest.raises(CampaignError, match="no finished stage"):
        verify(copied, ["round-09/screen"])


@slow
def test_a_campaign_of_an_earlier_version_verifies_as_unchained(repository: Path, tmp_path: Path) -> None:
    with tarfile.open(repository / "tests/old/docksieve-0.1.0.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    finished = verify(tmp_path / "docksieve-0.1.0/finished")
    assert finished.ok and finished.complete, finished.findings
    assert finished.counts["unchained"] == finished.counts["receipts"] and not finished.counts.get("chained")
    assert any("unchained" in note for note in finished.notes)
    begun = verify(tmp_path / "docksieve-0.1.0/begun")
    assert begun.ok and not begun.complete, begun.findings


def test_tables_that_differ_in_times_alone_are_the_same(tmp_path: Path) -> None:
    write_table(tmp_path / "a.parquet", pa.table({"score": [1.0, None], "seconds": [1.0, 2.0]}))
    write_table(tmp_path / "b.parquet", pa.table({"score": [1.0, None], "seconds": [3.0, 4.0]}))
    assert differences(tmp_path / "a.parquet", tmp_path / "b.parquet") == []
    write_table(tmp_path / "b.parquet", pa.table({"score": [1.5, None], "seconds": [3.0, 4.0]}))
    assert differences(tmp_path / "a.parquet", tmp_path / "b.parquet") == [
        "column score differs in 1 of 2 values by at most 0.5"
    ]
