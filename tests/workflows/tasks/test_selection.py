"""Tasks that choose read no more of a shortlist than they need, and lose nothing of what they choose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from docksieve.data import store
from docksieve.data.libraries.library import Library
from docksieve.data.receipts import Stopwatch
from docksieve.data.schema import SCORES_SCHEMA
from docksieve.data.store import read_table, record_file, write_table
from docksieve.screening.chemistry.diversity import murcko_scaffold
from docksieve.workflows.campaign.ledger import Task
from docksieve.workflows.tasks import selection as choosing
from docksieve.workflows.tasks.context import TaskContext, TaskOutcome
from docksieve.workflows.tasks.eligible import MOLECULE_COLUMNS
from docksieve.workflows.tasks.settings import AcquireSettings


@pytest.fixture
def shortlist(small_library: Library, tmp_path: Path) -> list[Path]:
    """All 400 molecules in five batches, with predictions for two targets that oppose each other."""
    rng = np.random.default_rng(2)
    mean = np.round(rng.normal(-7, 1, small_library.rows), 2).astype(np.float32)
    mean[rng.choice(len(mean), 20, replace=False)] = np.nan
    paths = []
    for index, start in enumerate(range(0, small_library.rows, 80)):
        rows = np.arange(start, start + 80)
        table = small_library.take(rows, MOLECULE_COLUMNS)
        for name, values in (
            ("mean:A", mean),
            ("spread:A", mean * 0 + 0.5),
            ("mean:B", mean),
            ("spread:B", mean),
        ):
            table = table.append_column(name, pa.array(values[rows], pa.float32(), from_pandas=True))
        paths.append(tmp_path / "refined" / "round-01" / f"batch-{index:05d}.parquet")
        write_table(paths[-1], table)
    return paths


def acquired(root: Path, shortlist: list[Path], docked: Path, dock: int, **changes: object) -> TaskOutcome:
    values: dict[str, Any] = {
        "acquisition": "greedy",
        "dock": dock,
        "beta": 2.0,
        "xi": 0.01,
        "epsilon": 0.0,
        "diversity": "none",
        "sweep": {},
        "taught": ("A", "B"),
        "library": "",
        "seed": 1,
        "round": "round-01",
        "lower_is_better": {"A": True, "B": False},
        "batch": 7,
        **changes,
    }
    records = tuple(record_file(path, root) for path in (*shortlist, docked))
    task = Task("round-01/acquire", "acquire", AcquireSettings(**values), records)
    return choosing.acquire_batch(TaskContext(root, task, Stopwatch()))


@pytest.fixture
def docked(tmp_path: Path, shortlist: list[Path]) -> Path:
    """The best molecule of target A has been docked already."""
    everything = pa.concat_tables([read_table(path) for path in shortlist])
    best = int(np.nanargmin(everything["mean:A"].to_numpy()))
    known = {"row": best, "id": "x", "smiles": "C", "target": "A", "score": -9.0, "unit": "", "seconds": 0.0}
    known |= {"lower_is_better": True, "engine": "table", "engine_version": "", "settings": "{}"}
    row = {name: known.get(name) for name in SCORES_SCHEMA.names}
    path = tmp_path / "scores" / "round-00" / "A" / "batch-00000.parquet"
    write_table(path, pa.Table.from_pylist([row], schema=SCORES_SCHEMA))
    return path


def test_acquisition_reads_only_predictions_of_the_whole_shortlist(
    tmp_path: Path, shortlist: list[Path], docked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[tuple[Path, tuple[str, ...]]] = []

    def watched(path: Path, columns: list[str] | None = None) -> pa.Table:
        reads.append((Path(path), tuple(columns or ["everything"])))
        return read_table(path, columns)

    for module in (choosing, store):
        monkeypatch.setattr(module, "read_table", watched)
    acquired(tmp_path, shortlist, docked, dock=1)
    wide = [path for path, columns in reads if "refined" in path.parts and "smiles" in columns]
    assert all(columns != ("everything",) for _, columns in reads)
    assert len(wide) <= 2  # one molecule of each of two targets


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"acquisition": "thompson", "epsilon": 0.3},
        {"diversity": "maxmin"},
        {"sweep": {"A": 90}},
    ],
)
def test_how_a_shortlist_is_cut_into_files_is_of_no_consequence(
    tmp_path: Path, shortlist: list[Path], docked: Path, changes: dict[str, object]
) -> None:
    whole = pa.concat_tables([read_table(path) for path in reversed(shortlist)])
    one = shortlist[0].with_name("whole.parquet")
    write_table(one, whole)
    many = acquired(tmp_path, shortlist, docked, 20, **changes)
    first = [selected(many, target) for target in "AB"]
    single = acquired(tmp_path, [one], docked, 20, **changes)
    for before, target in zip(first, "AB", strict=True):
        assert before.equals(selected(single, target))
    assert many.facts == single.facts


@pytest.mark.parametrize("dock", [1, 40])
def test_the_chosen_keep_all_their_columns_in_order(
    tmp_path: Path, shortlist: list[Path], docked: Path, dock: int
) -> None:
    outcome = acquired(tmp_path, shortlist, docked, dock)
    everything = pa.concat_tables([read_table(path) for path in shortlist])
    mean = everything["mean:A"].to_numpy()
    taken = read_table(docked)["row"][0].as_py()
    for target, sign in (("A", 1), ("B", -1)):
        order = [int(i) for i in np.lexsort((np.arange(400), sign * mean)) if np.isfinite(mean[i])]
        expected = everything.take([i for i in order if target == "B" or i != taken][:dock])
        paths = [path for path in outcome.outputs if path.parent.name == target]
        picked = pa.concat_tables([read_table(path) for path in paths])
        for name in MOLECULE_COLUMNS:
            assert picked[name].to_pylist() == expected[name].to_pylist(), name
        assert picked["mean"].to_pylist() == expected[f"mean:{target}"].to_pylist()
        assert picked["spread"].to_pylist() == expected[f"spread:{target}"].to_pylist()
    assert outcome.rows_out == 2 * dock


def test_choosing_from_nothing_chooses_nothing(tmp_path: Path, shortlist: list[Path], docked: Path) -> None:
    for path in shortlist:
        table = read_table(path)
        nulls = pa.nulls(table.num_rows, pa.float32())
        for name in ("mean:A", "mean:B"):
            table = table.set_column(table.schema.get_field_index(name), name, nulls)
        write_table(path, table)
    outcome = acquired(tmp_path, shortlist, docked, dock=5)
    assert (outcome.rows_out, outcome.outputs) == (0, ())
    assert outcome.facts["A"]["chosen"] == 0


def selected(outcome: TaskOutcome, target: str) -> pa.Table:
    return pa.concat_tables([read_table(path) for path in outcome.outputs if path.parent.name == target])


@pytest.mark.parametrize("diversity", ["scaffold", "maxmin"])
def test_batches_are_spread_over_the_molecules_they_belong_to(
    tmp_path: Path, shortlist: list[Path], docked: Path, diversity: str
) -> None:
    best = selected(acquired(tmp_path / "a", *moved(tmp_path / "a", shortlist, docked), 12), "A")
    spread = acquired(tmp_path / "b", *moved(tmp_path / "b", shortlist, docked), 12, diversity=diversity)
    picked = selected(spread, "A")
    assert picked.num_rows == 12
    assert picked["row"][0].as_py() == best["row"][0].as_py()
    assert picked["row"].to_pylist() != best["row"].to_pylist()
    assert (np.diff(picked["acquisition"].to_numpy()) <= 0).all()
    if diversity == "scaffold":
        scaffolds = [murcko_scaffold(text) for text in picked["smiles"].to_pylist()]
        assert len(set(scaffolds)) == 12
    # Each row keeps its own molecule.
    everything = pa.concat_tables([read_table(path) for path in shortlist])
    assert picked["smiles"].to_pylist() == everything.take(picked["row"])["smiles"].to_pylist()


def test_a_share_is_drawn_at_random(tmp_path: Path, shortlist: list[Path], docked: Path) -> None:
    best = selected(acquired(tmp_path / "a", *moved(tmp_path / "a", shortlist, docked), 20), "A")
    outcome = acquired(tmp_path / "b", *moved(tmp_path / "b", shortlist, docked), 20, epsilon=0.25)
    picked = selected(outcome, "A")["row"].to_pylist()
    assert outcome.facts["A"]["at_random"] == 5
    assert outcome.facts["B"]["chosen"] == 20
    assert picked[:15] == best["row"].to_pylist()[:15]
    assert len(set(picked)) == 20
    assert picked[15:] != best["row"].to_pylist()[15:]


def moved(root: Path, shortlist: list[Path], docked: Path) -> tuple[list[Path], Path]:
    """Copy the inputs of an acquisition to another campaign."""
    copies = []
    for path in (*shortlist, docked):
        copies.append(root / path.relative_to(docked.parents[3]))
        write_table(copies[-1], read_table(path))
    return copies[:-1], copies[-1]
