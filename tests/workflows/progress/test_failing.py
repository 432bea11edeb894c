"""What receipts say of dockings that fail, in a sentence per round and target."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docksieve.data.receipts import Failure, Receipt, write_receipt
from docksieve.workflows.campaign.ledger import Ledger, Task
from docksieve.workflows.progress.failing import FailingRound, failing_lines, failing_rounds
from docksieve.workflows.tasks.settings import RoundSettings


def record(root: Path, stage: str, *receipts: Receipt) -> None:
    Ledger(root).plan(stage, [Task(item.task, item.kind, RoundSettings("round-01")) for item in receipts])
    for item in receipts:
        write_receipt(root, item)


def dock(name: str, failed: int, failure: Failure | None = None) -> Receipt:
    return Receipt(f"round-01/dock/A/{name}", "dock", "x", counts={"failed": failed}, failure=failure)


def acquired(**failing: Any) -> Receipt:
    facts = {
        "A": {"chosen": 20, "failing": {"scored": 270, "failed": 30, "used": True, "expected": 2.25}},
        "B": {"chosen": 10, "failing": {"scored": 300, "failed": 0, "used": False, "expected": None}},
        "C": {"chosen": 10},
        "kind": "acquisition",
    }
    return Receipt("round-01/acquire", "acquire", "x", facts=facts | failing)


def test_failures_are_counted_when_all_batches_of_the_target_are_docked(tmp_path: Path) -> None:
    assert failing_rounds(Ledger(tmp_path)) == []
    record(tmp_path, "round-01/acquire", acquired())
    record(tmp_path, "round-01/dock", dock("0", 2), dock("1", 0, Failure("Lost", "The node went away.")))
    first, second = failing_rounds(Ledger(tmp_path))
    assert first == FailingRound("round-01", "A", 270, 30, True, 20, 2.25, None)
    assert second == FailingRound("round-01", "B", 300, 0, False, 10, None, None)
    write_receipt(tmp_path, dock("1", 1))
    assert failing_rounds(Ledger(tmp_path))[0].failures == 3
    (line,) = failing_lines(Ledger(tmp_path))
    assert line == (
        "round-01, A: 30 of 300 dockings had failed before; values were discounted by the chance of a score, and about "
        "2.2 failures were expected among 20 molecules chosen (3 failed)"
    )


def test_failures_that_show_nothing_are_said_to_be_of_no_use(tmp_path: Path) -> None:
    about = {"scored": 90, "failed": 10, "used": False, "expected": None}
    record(tmp_path, "round-01/acquire", acquired(A={"chosen": 20, "failing": about}))
    assert failing_lines(Ledger(tmp_path)) == [
        "round-01, A: 10 of 100 dockings had failed before, which did not show what fails; nothing was discounted"
    ]
