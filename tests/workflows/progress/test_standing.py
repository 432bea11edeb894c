"""Which receipts count: those of stages that the campaign still has, and of batches that are still chosen."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from docksieve.data.receipts import Failure, Receipt, read_receipt, write_receipt
from docksieve.data.schema import SCORES_SCHEMA
from docksieve.data.store import read_table, record_file, write_table
from docksieve.hpc.sites.read import load_site
from docksieve.screening.queries.query import HitQuery
from docksieve.workflows.campaign import ledger
from docksieve.workflows.campaign.begin import begin_or_resume
from docksieve.workflows.campaign.campaign import Campaign, open_campaign
from docksieve.workflows.campaign.driver import write_driver
from docksieve.workflows.campaign.ledger import Task, chooser
from docksieve.workflows.hits.ask import failures, hits
from docksieve.workflows.progress import receipts, status
from docksieve.workflows.tasks.settings import TaskSettings
from docksieve.workflows.terminal.hits import print_hits


@pytest.fixture
def campaign(make_campaign: Callable[..., Path]) -> Campaign:
    """A campaign for target A (and B, never docked here) that has begun and done nothing."""
    return begin_or_resume(make_campaign(), load_site("inline"))


def choose(campaign: Campaign, group: str, batches: Sequence[Sequence[int]]) -> None:
    """Do the chooser stage of ``group``: write batches of library rows, and the receipt."""
    stage = f"{group}/{chooser(group)}"
    folder = campaign.root / "selections" / group / "A"
    library = campaign.open_library()
    paths = []
    for index, rows in enumerate(batches):
        paths.append(folder / f"batch-{index:05d}.parquet")
        write_table(paths[-1], library.take(np.array(rows)).drop_columns(["source", "line"]))
    outputs = tuple(record_file(path, campaign.root) for path in paths)
    campaign.ledger.plan(stage, [Task(stage, "sample", TaskSettings())])
    write_receipt(campaign.root, Receipt(stage, "sample", "f", outputs=outputs))


def dock(campaign: Campaign, group: str, only: Sequence[int] | None = None) -> None:
    """Dock the chosen batches of ``group`` (those numbered ``only``): row r scores -r; multiples of 7 fail."""
    batches = campaign.ledger.outputs(f"{group}/{chooser(group)}", f"selections/{group}/")
    stems = [Path(batch.path).stem for batch in batches]
    campaign.ledger.plan(
        f"{group}/dock", [Task(f"{group}/dock/A/{stem}", "dock", TaskSettings()) for stem in stems]
    )
    for index, (batch, stem) in enumerate(zip(batches, stems, strict=True)):
        if only is not None and index not in only:
            continue
        rows = []
        for row in rows_of(campaign, batch.path):
            result = {"failure": "embed", "message": "-"} if row % 7 == 0 else {"score": -float(row)}
            known: dict[str, Any] = {
                "row": row,
                "id": f"M{row}",
                "smiles": "CCO",
                "target": "A",
                "unit": "kcal/mol",
                "lower_is_better": True,
                "engine": "vina",
                "engine_version": "1",
                "settings": "{}",
                "seconds": 1.0,
                **result,
            }
            rows.append({name: known.get(name) for name in SCORES_SCHEMA.names})
        path = campaign.root / "scores" / group / "A" / f"{stem}.parquet"
        write_table(path, pa.Table.from_pylist(rows, schema=SCORES_SCHEMA))
        failed = sum(row["failure"] is not None for row in rows)
        receipt = Receipt(
            f"{group}/dock/A/{stem}",
            "dock",
            "f",
            rows_in=len(rows),
            inputs=(batch,),
            outputs=(record_file(path, campaign.root),),
            facts={"failures": {"embed": failed} if failed else {}},
        )
        write_receipt(campaign.root, receipt)


def rows_of(campaign: Campaign, path: str) -> list[int]:
    return [int(row) for row in read_table(campaign.root / path, ["row"])["row"].to_pylist()]


def stages(campaign: Campaign) -> dict[str, status.StageStatus]:
    return {stage.stage: stage for stage in status.status(campaign).stages}


def counts(stage: status.StageStatus) -> tuple[int, ...]:
    assert stage.done + stage.running + stage.failed + stage.left == stage.total
    return (stage.total, stage.done, stage.running, stage.failed, stage.left)


def test_a_final_docking_half_redone_has_each_molecule_once(campaign: Campaign) -> None:
    choose(campaign, "round-00", [range(1, 9), range(9, 17)])
    dock(campaign, "round-00")
    choose(campaign, "final", [[16, 15], [13, 12]])
    dock(campaign, "final")
    assert counts(stages(campaign)["final/dock"]) == (2, 2, 0, 0, 0)
    # More was docked meanwhile, and other batches were chosen; of these one is docked.
    choose(campaign, "final", [[16, 13], [15, 11]])
    assert counts(stages(campaign)["final/dock"]) == (2, 0, 0, 0, 2)
    assert hits(campaign, top=None, target="A")["final_score"].null_count == 14
    dock(campaign, "final", only=[0])
    assert counts(stages(campaign)["final/dock"]) == (2, 1, 0, 0, 1)
    found = hits(campaign, top=None, target="A", by="final")
    assert Counter(found["row"].to_pylist()).most_common(1)[0][1] == 1
    scored = found.filter(pc.is_valid(found["final_score"]))
    assert sorted(scored["row"].to_pylist()) == [13, 16]
    dock(campaign, "final")
    assert counts(stages(campaign)["final/dock"]) == (2, 2, 0, 0, 0)


def test_a_batch_chosen_anew_with_the_same_name_must_be_docked_anew(campaign: Campaign) -> None:
    choose(campaign, "round-00", [[1, 2, 3], [4, 5, 7]])
    dock(campaign, "round-00")
    assert hits(campaign, top=None, target="A").num_rows == 5
    assert failures(campaign)["row"].to_pylist() == [7]
    choose(campaign, "round-00", [[1, 2, 3], [4, 5, 6]])
    assert sorted(hits(campaign, top=None, target="A")["row"].to_pylist()) == [1, 2, 3]
    assert counts(stages(campaign)["round-00/dock"]) == (2, 1, 0, 0, 1)
    assert failures(campaign).num_rows == 0


def test_failures_of_the_final_docking_are_listed(campaign: Campaign) -> None:
    choose(campaign, "round-00", [[7, 8]])
    dock(campaign, "round-00")
    choose(campaign, "final", [[8, 14]])
    dock(campaign, "final")
    listed = failures(campaign, "A")
    assert list(zip(listed["stage"].to_pylist(), listed["row"].to_pylist(), strict=True)) == [
        ("round-00", 7),
        ("final", 14),
    ]
    assert failures(campaign, "A", where="stage = 'final'")["row"].to_pylist() == [14]
    assert dict(stages(campaign)["round-00/dock"].failures) == {"embed": 1}


def test_stages_that_the_campaign_no_longer_has_do_not_count(campaign: Campaign, tmp_path: Path) -> None:
    for number, rows in enumerate(([1, 2], [3, 4], [5, 6])):
        choose(campaign, f"round-{number:02d}", [rows])
        dock(campaign, f"round-{number:02d}")
    choose(campaign, "final", [[6, 5]])
    dock(campaign, "final")
    assert hits(campaign, top=1, target="A")["final_score"].to_pylist() == [-6.0]
    path = campaign.root.with_suffix(".toml")
    text = path.read_text().replace("count = 2", "count = 1").replace("molecules = 5", "molecules = 0")
    path.write_text(text)
    fewer = begin_or_resume(path, load_site("inline"))
    found = hits(fewer, top=None, target="A")
    assert sorted(found["row"].to_pylist()) == [1, 2, 3, 4]
    assert found["final_score"].null_count == 4
    assert set(stages(fewer)) <= set(status.expected_stages(fewer))
    assert not {"round-02/dock", "final/dock"} & set(stages(fewer))


def test_of_the_tasks_in_flight_as_many_run_as_there_are_workers(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(campaign, "round-00", [[row] for row in range(1, 9)])
    dock(campaign, "round-00", only=[0, 1])
    names = campaign.ledger.planned("round-00/dock")
    done = read_receipt(campaign.root, names[0])
    assert done is not None
    failed = replace(done, task=names[2], failure=Failure("WorkerLost", "gone", retryable=True), outputs=())
    write_receipt(campaign.root, failed)  # it is tried again, and waits for a worker
    write_driver(campaign.root, "round-00/dock", [*names[3:6], names[2]], "local", 2)
    monkeypatch.setattr(status, "is_driven", lambda root: True)
    assert counts(stages(campaign)["round-00/dock"]) == (8, 2, 2, 0, 4)
    note = json.loads((campaign.root / "driver.json").read_text())
    (campaign.root / "driver.json").write_text(json.dumps({**note, "updated": time.time() - 3600}))
    assert counts(stages(campaign)["round-00/dock"]) == (8, 2, 0, 1, 5)


def test_every_receipt_is_read_once_for_all_targets(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    choose(campaign, "round-00", [[1, 2], [3, 4]])
    dock(campaign, "round-00")
    assert len(open_campaign(campaign.root).targets) == 2
    read: Counter[str] = Counter()

    def counted(root: Path, task: str) -> Receipt | None:
        read[task] += 1
        return read_receipt(root, task)

    for module in (ledger, receipts):
        monkeypatch.setattr(module, "read_receipt", counted, raising=False)
    print_hits(campaign.root, HitQuery(top=None), "csv", None)
    assert b"M4" in capsysbinary.readouterr().out
    assert set(read) == {"round-00/sample", "round-00/dock/A/batch-00000", "round-00/dock/A/batch-00001"}
    assert set(read.values()) == {1}
