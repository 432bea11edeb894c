"""The last task: the file of hits is the answer to the question for all of them."""

from __future__ import annotations

from pathlib import Path

from docksieve.data.receipts import Stopwatch
from docksieve.data.store import read_table
from docksieve.workflows.campaign.campaign import open_campaign
from docksieve.workflows.campaign.ledger import Task
from docksieve.workflows.hits.ask import hits
from docksieve.workflows.tasks.context import TaskContext
from docksieve.workflows.tasks.final import write_hits
from docksieve.workflows.tasks.settings import TaskSettings


def test_all_hits_are_written_and_counted(copied: Path) -> None:
    (copied / "hits" / "hits.parquet").unlink()
    outcome = write_hits(TaskContext(copied, Task("final/hits", "hits", TaskSettings()), Stopwatch()))
    (path,) = outcome.outputs
    assert path == copied / "hits" / "hits.parquet"
    written, expected = read_table(path), hits(open_campaign(copied), top=None)
    assert written.equals(expected)
    assert outcome.rows_in == outcome.rows_out == written.num_rows
    for target, sign in (("A", 1), ("B", -1)):
        rows = [row for row in written.to_pylist() if row["target"] == target]
        assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1)) and len(rows) > 60
        final = [sign * row["final_score"] for row in rows if row["final_score"] is not None]
        assert final == sorted(final)
