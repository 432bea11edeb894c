"""The final docking is many small tasks, and all dockings tell how far they are, molecule by molecule."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.compute as pc
import pytest
from docksieve.data.receipts import Receipt
from docksieve.data.store import read_table
from docksieve.workflows.campaign import driver, under_way
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.campaign.under_way import FOLDER, UnderWay, molecules_under_way
from docksieve.workflows.progress import status as status_module
from docksieve.workflows.progress.status import status
from docksieve.workflows.running import pipeline, stages
from docksieve.workflows.running.observer import Silent
from docksieve.workflows.running.submit import submit
from docksieve.workflows.tasks.final import FINAL_TASKS, final_batches
from docksieve.workflows.terminal.tables import status_table
from docksieve.workflows.verifying.verify import verify
from rich.console import Console

PROGRAM = """\
import sys
smiles = open(sys.argv[1]).read().split()[0]
print("score", -0.1 * len(smiles))
"""

CAMPAIGN = """\
[campaign]
name = "docked"
[library]
path = "{library}"
[targets.P]
engine = "command"
command = ["{python}", "-S", "program.py", "{{ligand}}"]
ligand_format = "smi"
unit = "kcal/mol"
lower_is_better = true
version = "1"
output = {{ kind = "regex", pattern = "score (?P<score>\\\\S+)" }}
[start]
molecules = 14
[rounds]
count = 0
[final]
molecules = 5
[run]
dock_batch = 10
threads = 1
"""


class Listening(Silent):
    """Hears how many molecules are done, and how many tasks end."""

    def __init__(self) -> None:
        self.heard: dict[str, list[tuple[int, int]]] = {}
        self.tasks: dict[str, int] = {}

    def molecules_done(self, stage: str, done: int, total: int) -> None:
        self.heard.setdefault(stage, []).append((done, total))

    def task_ended(self, stage: str, receipt: Receipt) -> None:
        self.tasks[stage] = self.tasks.get(stage, 0) + 1


@pytest.fixture
def docking_file(small_inputs: Path, tmp_path: Path) -> Path:
    """A campaign that docks with a program of two lines."""
    (tmp_path / "program.py").write_text(PROGRAM)
    text = CAMPAIGN.format(library=small_inputs / "library", python=sys.executable)
    (tmp_path / "campaign.toml").write_text(text)
    return tmp_path / "campaign.toml"


def scores(campaign: Campaign) -> list[tuple[str, float]]:
    paths = sorted((campaign.root / "scores" / "final" / "P").glob("*.parquet"))
    return [
        (row["id"], row["score"]) for path in paths for row in read_table(path, ["id", "score"]).to_pylist()
    ]


def test_the_final_docking_is_a_task_per_molecule(docking_file: Path) -> None:
    heard = Listening()
    campaign = submit(docking_file, "inline", heard)
    assert heard.tasks["round-00/dock"] == 2  # 14 molecules in batches of 10
    assert heard.tasks["final/dock"] == 5
    best = sorted(
        (
            (row["id"], row["score"])
            for path in sorted((campaign.root / "scores" / "round-00" / "P").glob("*.parquet"))
            for row in read_table(path, ["id", "score"]).to_pylist()
        ),
        key=lambda item: item[1],
    )
    assert {score for _, score in scores(campaign)} <= {score for _, score in best[:5]}
    hits = read_table(campaign.root / "hits" / "hits.parquet")
    assert pc.sum(pc.is_valid(hits["final_score"])).as_py() == 5
    assert verify(campaign.root).ok


def test_a_final_docking_that_an_earlier_version_chose_goes_on_as_it_was(
    docking_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dies(Listening):
        def stage_begun(self, stage: str, total: int, done: int) -> None:
            if stage == "final/dock":
                raise KeyboardInterrupt

    with monkeypatch.context() as earlier:
        earlier.setattr(pipeline, "final_batches", lambda targets, molecules, dock_batch: dock_batch)
        with pytest.raises(KeyboardInterrupt):
            submit(docking_file, "inline", Dies())
    on = Listening()
    campaign = submit(docking_file, "inline", on)
    assert "final/select" not in on.tasks and on.tasks["final/dock"] == 1
    assert len(scores(campaign)) == 5
    again = Listening()
    submit(docking_file, "inline", again)
    assert again.tasks == {}
    assert verify(campaign.root).ok


def test_small_tasks_unless_the_program_takes_whole_batches() -> None:
    alone, together = {"engine": "vina"}, {"engine": "command", "mode": "batch"}
    assert final_batches({"A": alone}, 50, 10) == 1
    assert final_batches({"A": alone}, FINAL_TASKS + 1, 10) == 2
    assert final_batches({"A": alone}, 10**6, 10) == 10  # never more than in the rounds
    assert final_batches({"A": together}, 50, 10) == {"A": 10}
    assert final_batches({"A": alone, "B": together}, 50, 10) == {"A": 1, "B": 10}
    assert final_batches({}, 50, 10) == 1


def test_molecules_are_counted_inside_of_a_batch(docking_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_way, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(stages, "_LOOK_SECONDS", 0.0)
    heard = Listening()
    campaign = submit(docking_file, "inline", heard)
    done = [count for count, total in heard.heard["round-00/dock"] if total == 14]
    assert done == sorted(done) and done[0] == 0 and done[-1] == 14
    assert set(range(1, 10)) <= set(done)  # not 10 at once, when the batch had ended
    assert not (campaign.root / FOLDER).exists()
    again = Listening()
    submit(docking_file, "inline", again)  # all is done: one sentence for each stage
    assert again.heard["round-00/dock"] == [(14, 14)]


def test_a_second_try_counts_from_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_way, "EVERY_SECONDS", 0.0)
    first = UnderWay(tmp_path, "round-01/dock/A/batch-00000")
    first.__enter__()
    first.molecule_done()
    first.molecule_done()  # and its worker is killed
    assert molecules_under_way(tmp_path, ["round-01/dock/A/batch-00000", "another"]) == {
        "round-01/dock/A/batch-00000": 2
    }
    with UnderWay(tmp_path, "round-01/dock/A/batch-00000") as second:
        assert molecules_under_way(tmp_path, ["round-01/dock/A/batch-00000"]) == {}
        second.molecule_done()
        assert molecules_under_way(tmp_path, ["round-01/dock/A/batch-00000"]) == {
            "round-01/dock/A/batch-00000": 1
        }
    assert molecules_under_way(tmp_path, ["round-01/dock/A/batch-00000"]) == {}


def test_a_full_disk_does_not_stop_a_docking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_way, "EVERY_SECONDS", 0.0)
    (tmp_path / FOLDER).write_text("in the way")
    with UnderWay(tmp_path, "round-01/dock/A/batch-00000") as marks:
        marks.molecule_done()
    assert molecules_under_way(tmp_path, ["round-01/dock/A/batch-00000"]) == {}


def test_status_says_how_many_molecules_of_how_many(
    docking_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Dies(Listening):
        def task_ended(self, stage: str, receipt: Receipt) -> None:
            if stage == "round-00/dock":
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        submit(docking_file, "inline", Dies())
    root = docking_file.parent / "docked"
    now = status(root)
    docking = now.stages[1]
    assert (docking.rows, docking.molecules, docking.under_way) == (10, 14, 0)
    running = "round-00/dock/P/batch-00001"
    (root / FOLDER).mkdir(exist_ok=True)
    (root / FOLDER / running.replace("/", ".")).write_bytes(b"...")
    driver.write_driver(root, "round-00/dock", [running], "local", 1)
    monkeypatch.setattr(status_module, "is_driven", lambda root: True)
    docking = status(root).stages[1]
    assert (docking.rows, docking.molecules, docking.under_way) == (10, 14, 3)
    screen = Console(width=200)
    screen.print(status_table(status(root)))
    assert "13 of 14" in capsys.readouterr().out


def test_observers_that_do_not_know_of_molecules_are_left_alone(
    docking_file: Path, make_campaign: Callable[..., Path]
) -> None:
    class Old:
        """As one could be written before: the five things that there were to hear, in a class of its own."""

        def __getattr__(self, name: str) -> Callable[..., None]:
            if name == "molecules_done":
                raise AttributeError(name)
            return lambda *told: None

    assert status(submit(docking_file, "inline", Old())).state == "complete"  # type: ignore[arg-type]
