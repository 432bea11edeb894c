"""A campaign whose batches stop improving spends a part of the next one on scaffolds that it had not docked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from docksieve.data.receipts import Stopwatch
from docksieve.data.store import read_table, record_file, write_table
from docksieve.workflows.campaign.ledger import Task
from docksieve.workflows.progress.stalled import stalled_words
from docksieve.workflows.tasks.context import TaskContext
from docksieve.workflows.tasks.exploring import stall_of
from docksieve.workflows.tasks.selection import acquire_batch
from docksieve.workflows.tasks.settings import AcquireSettings

SMILES = [
    "Cc1ccccc1",
    "CCc1ccccc1",
    "CCCc1ccccc1",
    "Clc1ccccc1",
    "c1ccncc1C",
    "C1CCCCC1N",
    "Cc1ccoc1",
    "CCCCO",
]


def table(rows: list[int], smiles: list[str]) -> pa.Table:
    """Return molecules with all columns of a library."""
    plain = {name: pa.array([0] * len(rows), pa.int16()) for name in ("heavy_atoms", "donors", "acceptors")}
    plain |= {
        name: pa.array([0] * len(rows), pa.int16())
        for name in ("rotatable_bonds", "rings", "charge", "unassigned_stereocentres")
    }
    plain |= {name: pa.array([0.0] * len(rows), pa.float32()) for name in ("weight", "logp", "tpsa", "fsp3")}
    return pa.table({"row": pa.array(rows), "id": [f"M{row}" for row in rows], "smiles": smiles, **plain})


def settings(**more: object) -> AcquireSettings:
    values: dict[str, object] = {
        "round": "round-03", "acquisition": "greedy", "beta": 2.0, "xi": 0.01, "epsilon": 0.0, "diversity": "none",
        "dock": 4, "sweep": {}, "seed": 1, "lower_is_better": {"T": True}, "taught": ("T",), "library": "x", "batch": 4,
        "explore": 0.5,
    }  # fmt: skip
    return AcquireSettings(**{**values, **more})  # type: ignore[arg-type]


def test_a_stalled_batch_takes_new_scaffolds_from_the_shortlist(tmp_path: Path) -> None:
    means = np.linspace(-9.0, -8.0, len(SMILES)).astype(np.float32)
    shortlist = table(list(range(len(SMILES))), SMILES).append_column("mean:T", pa.array(means))
    shortlist = shortlist.append_column("spread:T", pa.array(np.full(len(SMILES), 0.5, np.float32)))
    refined = tmp_path / "refined" / "round-03" / "batch-00000.parquet"
    refined.parent.mkdir(parents=True)
    write_table(refined, shortlist)
    records = [record_file(refined, tmp_path)]
    for number in (0, 1, 2):
        path = tmp_path / "scores" / f"round-{number:02d}" / "T" / "batch-00000.parquet"
        path.parent.mkdir(parents=True)
        scores = np.linspace(-9.0 if number else -6.0, -5.0, 40)
        rows = pa.array(np.arange(40) + 100 * (number + 1))
        write_table(
            path, pa.table({"row": rows, "target": ["T"] * 40, "score": scores, "smiles": ["Cc1ccccc1"] * 40})
        )
        records.append(record_file(path, tmp_path))

    def acquired(**more: object) -> tuple[list[int], dict[str, Any]]:
        task = Task("round-03/acquire", "acquire", settings(**more), tuple(records))
        outcome = acquire_batch(TaskContext(tmp_path, task, Stopwatch()))
        return read_table(outcome.outputs[0])["row"].to_pylist(), outcome.facts["T"]

    rows, facts = acquired()
    assert (
        rows == [0, 1, 4, 5] and facts["stalled"]["explored"] == 2
    )  # benzenes are docked: pyridine, cyclohexane
    rows, facts = acquired(explore=0.0)
    assert rows == [0, 1, 2, 3] and "stalled" not in facts
    assert "stalled" not in acquired(acquisition="random")[1]  # a baseline stays one


def test_what_is_said() -> None:
    facts = {
        "T": {"chosen": 20, "stalled": {"last": -9.0, "before": -9.1, "explored": 4}},
        "U": {"chosen": 3},
    }
    ((target, said),) = stalled_words(facts)
    assert target == "T" and "4 molecules of 20 are of scaffolds not docked before" in said
    none = {"T": {"chosen": 20, "stalled": {"last": -9.0, "before": -9.1, "explored": 0}}}
    assert "no scaffold that was not docked" in next(stalled_words(none))[1]


def test_a_stall_is_read_from_the_rounds_scores(tmp_path: Path) -> None:
    records = []
    for number, best in ((0, -6.0), (1, -9.0), (2, -9.0)):
        path = tmp_path / "scores" / f"round-{number:02d}" / "T" / "batch-00000.parquet"
        path.parent.mkdir(parents=True)
        write_table(path, pa.table({"score": np.linspace(best, best + 3, 40)}))
        records.append(record_file(path, tmp_path))

    def found(count: int, explore: float = 0.5) -> object:
        task = Task("round-03/acquire", "acquire", settings(explore=explore), tuple(records[:count]))
        return stall_of(TaskContext(tmp_path, task, Stopwatch()), "T", True)

    assert found(3) is not None
    assert found(2) is None  # one batch says nothing
    assert found(3, explore=0.0) is None  # as in a campaign of an older version
    assert (
        stall_of(
            TaskContext(
                tmp_path, Task("round-03/acquire", "acquire", settings(), tuple(records)), Stopwatch()
            ),
            "U",
            True,
        )
        is None
    )
