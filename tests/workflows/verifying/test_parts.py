"""The parts of a verification: files against records, receipts against their seals, and what may be repeated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from docksieve.data.errors import CampaignError
from docksieve.data.receipts import Receipt, receipt_path, write_receipt
from docksieve.data.store import read_json, record_file, write_json
from docksieve.workflows.verifying.files import check_files, check_models
from docksieve.workflows.verifying.findings import COPY, Verification
from docksieve.workflows.verifying.receipts import read_all, read_plans
from docksieve.workflows.verifying.rerun import stages_to_repeat


def problems(found: Verification) -> list[tuple[str, str, str]]:
    return [(item.kind, item.path, item.problem) for item in found.findings]


def test_files_that_are_missing_cut_altered_or_unknown(tmp_path: Path) -> None:
    known = {}
    (tmp_path / "scores").mkdir()
    for name in ("fine", "missing", "cut", "altered"):
        path = tmp_path / "scores" / name
        path.write_bytes(b"some scores")
        known[f"scores/{name}"] = (record_file(path, tmp_path), COPY)
    (tmp_path / "scores" / "missing").unlink()
    (tmp_path / "scores" / "cut").write_bytes(b"some")
    (tmp_path / "scores" / "altered").write_bytes(b"some scorEs")
    (tmp_path / "scores" / "stranger").touch()
    found = Verification(tmp_path)
    check_files(tmp_path, known, found)
    assert problems(found) == [
        ("file", "scores/missing", "The file is missing."),
        ("file", "scores/cut", "The file has 4 bytes; 11 were written."),
        ("file", "scores/altered", "The file was altered: its checksum is another."),
        ("extra", "scores/stranger", "No receipt lists this file."),
    ]
    assert found.counts == {"files": 3, "bytes": 26} and not found.ok
    nothing = Verification(tmp_path / "empty")
    check_files(tmp_path / "empty", {}, nothing)
    check_models(tmp_path / "empty", nothing)
    assert nothing.ok and nothing.counts == {}


def test_receipts_that_were_edited_moved_or_torn(tmp_path: Path) -> None:
    for name in ("a/fine", "a/edited", "a/moved", "a/torn"):
        write_receipt(tmp_path, Receipt(name, "dock", "f", rows_in=3))
    edited = receipt_path(tmp_path, "a/edited")
    write_json(edited, {**read_json(edited), "rows_in": 4})
    receipt_path(tmp_path, "a/moved").rename(receipt_path(tmp_path, "a/elsewhere"))
    receipt_path(tmp_path, "a/torn").write_text("{")
    found = Verification(tmp_path)
    assert sorted(read_all(tmp_path, found)) == ["a/edited", "a/fine"]
    assert [(kind, path) for kind, path, _ in problems(found)] == [
        ("receipt", f"receipts/a/{name}.json") for name in ("edited", "elsewhere", "torn")
    ]
    assert "does not have its seal any more" in problems(found)[0][2]
    assert "that of a/moved" in problems(found)[1][2] and found.counts["receipts"] == 3


def test_plans_come_in_the_order_of_the_campaign(tmp_path: Path) -> None:
    for stage in ("final/hits", "round-10/dock", "round-02/dock", "round-02/train"):
        write_json(
            tmp_path / "plan" / f"{stage.replace('/', '.')}.json", {"stage": stage, "tasks": [f"{stage}/1"]}
        )
    write_json(tmp_path / "plan" / "round-03.dock.json", {"stage": "round-04/dock", "tasks": []})
    write_json(tmp_path / "plan" / "round-05.dock.json", {"tasks": []})
    found = Verification(tmp_path)
    plans = read_plans(tmp_path, found)
    assert list(plans) == ["round-02/train", "round-02/dock", "round-10/dock", "final/hits"]
    assert [text for _, _, text in problems(found)] == [
        "The plan is that of round-04/dock.",
        "The plan cannot be read.",
    ]


def test_only_finished_stages_are_repeated_in_the_order_of_the_campaign() -> None:
    stages = ["round-00/sample", "round-00/dock", "round-01/train"]
    assert stages_to_repeat(["round-01/train", "round-00/dock"], stages) == stages[1:]
    assert stages_to_repeat(["x", "all"], stages) == stages
    with pytest.raises(
        CampaignError, match=r"no finished stage 'round-09/dock' to repeat. It has: round-00/sample, "
    ):
        stages_to_repeat(["round-09/dock"], stages)
    with pytest.raises(CampaignError, match="none yet"):
        stages_to_repeat(["a"], [])


def test_a_finding_is_no_success(tmp_path: Path) -> None:
    found = Verification(tmp_path)
    assert found.to_json()["ok"] and replace(found, complete=True).ok
    found.wrong("model", "m", "It is torn.")
    found.count("files", 2)
    found.count("files")
    said = found.to_json()
    assert (said["ok"], said["counts"], said["root"]) == (False, {"files": 3}, str(tmp_path))
    assert said["findings"] == [
        {
            "kind": "model",
            "path": "m",
            "problem": "It is torn.",
            "cure": "Submit the campaign again: it is made anew.",
        }
    ]
