"""What the dashboard says of progress: its numbers are those of receipts and status."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from docksieve.data.receipts import Failure, Receipt
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.dashboard import progress as module
from docksieve.workflows.dashboard.progress import failed_dockings, progress
from docksieve.workflows.dashboard.watch import Moment, Watch


@pytest.fixture(scope="module")
def moment(finished: Campaign) -> Moment:
    return Watch(finished.root).now()


def test_a_finished_campaign(moment: Moment, finished: Campaign) -> None:
    found = progress(moment)
    assert found["state"] == "complete" and found["secondsLeft"] is None
    campaign = found["campaign"]
    assert (campaign["name"], campaign["molecules"]) == ("small", 400)
    assert campaign["folder"] == str(finished.root)
    assert [(t["name"], t["unit"], t["lowerIsBetter"]) for t in campaign["targets"]] == [
        ("A", "kcal/mol", True),
        ("B", "points", False),
    ]
    assert sum(stage["done"] for stage in found["stages"]) == len(moment.receipts)
    assert all(stage["left"] == stage["running"] == stage["failed"] == 0 for stage in found["stages"])
    assert found["queue"] == {
        "site": "", "workers": 0, "stage": "", "running": [], "sent": 0, "runningCount": 0, "left": 0, "noted": None,
    }  # fmt: skip
    assert found["last"] == max(receipt.finished for receipt in moment.receipts) >= found["first"]
    assert found["nodes"]["count"] == 1 and found["failedTasks"] == {"count": 0, "listed": []}


def test_rates_over_time_add_up_to_the_molecules(moment: Moment) -> None:
    rates = progress(moment)["rates"]
    width = (rates["end"] - rates["start"]) / module.BINS
    for kind in ("dock", "screen"):
        wanted = sum(receipt.rows_in for receipt in moment.receipts if receipt.kind == kind)
        assert sum(rates["series"][kind]) * width == pytest.approx(wanted, rel=1e-2)
        assert rates["present"][kind] * rates["window"] == pytest.approx(wanted, rel=1e-6)


def test_dockings_that_failed_are_counted_explained_and_exemplified(moment: Moment) -> None:
    (code,) = progress(moment)["failedDockings"]
    failed = sum(receipt.counts.get("failed", 0) for receipt in moment.receipts if receipt.kind == "dock")
    assert code == {
        "code": "not_in_table",
        "count": failed,
        "meaning": "The score table does not hold this molecule.",
    }
    (group,) = failed_dockings(moment)["codes"]
    assert group["code"] == "not_in_table" and 1 <= len(group["examples"]) <= 3
    assert {example["target"] for example in group["examples"]} <= {"A", "B"}


def test_the_commonest_code_comes_first_with_three_examples() -> None:
    rows = [
        {"failure": code, "id": f"m{n}", "target": "A", "stage": "docking", "message": "no", "row": n}
        for n, code in enumerate(["parse", "crash", "crash", "crash", "crash", "timeout"])
    ]
    found = list(module._by_code(rows))
    assert [group["code"] for group in found] == ["crash", "parse", "timeout"]
    assert [example["id"] for example in found[0]["examples"]] == ["m1", "m2", "m3"]


def test_what_runs_and_what_waits_for_a_worker(moment: Moment, monkeypatch: pytest.MonkeyPatch) -> None:
    done = next(receipt.task for receipt in moment.receipts if receipt.done)
    note = {
        "site": "local", "workers": 2, "stage": "round-01/dock", "updated": 12.5, "running": [done, "a", "b", "c"],
    }  # fmt: skip
    monkeypatch.setattr(module, "read_driver", lambda root: note)
    running = replace(moment, status=replace(moment.status, state="running", seconds_left=60.0), taken=1e10)
    found = progress(running)
    assert found["secondsLeft"] == 60.0 and found["rates"]["end"] == 1e10
    queue: dict[str, Any] = found["queue"]
    assert (queue["running"], queue["runningCount"], queue["sent"]) == (["a", "b"], 2, 1)
    assert (queue["site"], queue["stage"], queue["noted"]) == ("local", "round-01/dock", 12.5)


def test_failed_tasks_latest_first_and_before_anything_there_is_nothing(moment: Moment) -> None:
    failed = tuple(
        Receipt(
            task=f"t{n}", kind="dock", fingerprint="", finished=float(n), host="n1",
            failure=Failure("X", f"no {n}", retryable=True), facts={"started": 0.0},
        )
        for n in range(60)
    )  # fmt: skip
    found = progress(replace(moment, receipts=failed))["failedTasks"]
    assert found["count"] == 60 and len(found["listed"]) == 50
    assert found["listed"][0] == {
        "task": "t59", "code": "X", "message": "no 59", "retryable": True, "host": "n1", "finished": 59.0,
    }  # fmt: skip
    nothing = progress(replace(moment, receipts=()))
    assert nothing["first"] is None and nothing["rates"]["series"] == {} and nothing["nodes"]["count"] == 0


def test_a_rate_that_is_not_known_is_null(moment: Moment, tmp_path: Path) -> None:
    stages = progress(moment)["stages"]
    assert all(stage["rate"] is None or stage["rate"] > 0 for stage in stages)
    for stage, status in zip(stages, moment.status.stages, strict=True):
        assert stage["rate"] == (pytest.approx(status.rate) if status.seconds else None)
