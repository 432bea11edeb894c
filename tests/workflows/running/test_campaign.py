"""A whole campaign: what it leaves behind, and that nothing can make it end differently."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from docksieve.data.errors import CampaignError, ConfigError, DocksieveError
from docksieve.data.libraries.library import Library
from docksieve.data.receipts import Receipt, write_receipt
from docksieve.data.store import read_json, read_table
from docksieve.workflows.campaign.campaign import Campaign, open_campaign
from docksieve.workflows.campaign.driver import cancel_path
from docksieve.workflows.hits.ask import failures, hits
from docksieve.workflows.progress.status import expected_stages, status
from docksieve.workflows.running.engine import Cancelled
from docksieve.workflows.running.observer import Silent
from docksieve.workflows.running.submit import submit

Make = Callable[..., Path]


class Interrupting(Silent):
    """Interrupts the driver after a number of tasks, as Ctrl-C would."""

    def __init__(self, after: int) -> None:
        self.left = after

    def task_ended(self, stage: str, receipt: Receipt) -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


def all_hits(campaign: Campaign) -> pa.Table:
    return read_table(campaign.root / "hits" / "hits.parquet")


def test_every_stage_is_done_and_totals_add_up(finished: Campaign) -> None:
    now = status(finished)
    assert now.state == "complete"
    assert [stage.stage for stage in now.stages] == expected_stages(finished)
    for stage in now.stages:
        assert stage.done == stage.total
        assert stage.failed == stage.left == stage.running == 0
    ledger = finished.ledger
    for name in ("round-01", "round-02"):
        screened = list(ledger.receipts(f"{name}/screen"))
        assert sum(receipt.rows_out for receipt in screened) == 400
        assert sum(receipt.counts["predictions"] for receipt in screened) == 800  # two targets, one pass
        (acquired,) = ledger.receipts(f"{name}/acquire")
        assert acquired.rows_out == 30
        assert sum(receipt.rows_out for receipt in ledger.receipts(f"{name}/dock")) == 30


def test_every_library_molecule_has_every_score(finished: Campaign, small_library: Library) -> None:
    rows = []
    for output in finished.ledger.outputs("round-02/screen", "predictions/"):
        table = read_table(finished.root / output.path)
        assert {"row", "mean:A", "mean:B"} <= set(table.column_names)
        assert table["mean:A"].null_count == table["mean:B"].null_count == 0
        rows += table["row"].to_pylist()
    assert rows == list(range(small_library.rows))


def test_no_molecule_is_docked_twice_for_a_target(finished: Campaign) -> None:
    for target in ("A", "B"):
        records = [
            record
            for stage in ("round-00/dock", "round-01/dock", "round-02/dock")
            for record in finished.ledger.outputs(stage, "scores/")
            if f"/{target}/" in record.path
        ]
        rows = pa.concat_tables([read_table(finished.root / record.path) for record in records])["row"]
        assert len(rows) == 60 + 15 + 15
        assert len(rows.unique()) == len(rows)


def test_learning_finds_better_molecules_than_chance(finished: Campaign) -> None:
    table = hits(finished, top=None, target="A")
    rounds, scores = table["docked_round"].to_numpy(), table["docked_score"].to_numpy()
    seed, learnt = scores[rounds == 0], scores[rounds > 0]
    assert learnt.mean() < seed.mean() - 2 * seed.std() / np.sqrt(len(learnt))
    best = np.sort(scores)[:5]
    from_table = np.sort(_table_scores(finished))[:5]
    np.testing.assert_allclose(best, from_table)  # 90 of 400 docked, and the five best are among them


def _table_scores(campaign: Campaign) -> np.ndarray:
    import csv

    path = Path(campaign.state["config"]["targets"]["A"]["scores"])
    with path.open() as handle:
        return np.array([float(row["score"]) for row in csv.DictReader(handle)])


def test_direction_is_respected_per_target(finished: Campaign) -> None:
    down = hits(finished, top=10, target="A")["docked_score"].to_numpy()
    up = hits(finished, top=10, target="B")["docked_score"].to_numpy()
    assert (np.diff(down) >= 0).all()
    assert (np.diff(up) <= 0).all()
    np.testing.assert_allclose(down[:3], -up[:3])  # B is A with its sign turned


def test_failed_dockings_are_rows_with_reasons(finished: Campaign) -> None:
    failed = failures(finished, "A")
    assert set(failed["failure"].to_pylist()) <= {"not_in_table"}
    docked = sum(r.counts["ligands"] for stage in _docks() for r in finished.ledger.receipts(stage))
    scored = hits(finished, top=None).num_rows
    assert docked == scored + failures(finished).num_rows


def _docks() -> list[str]:
    return ["round-00/dock", "round-01/dock", "round-02/dock"]


def test_sealed_molecules_are_never_trained_on(finished: Campaign) -> None:
    for name in ("round-01", "round-02"):
        (receipt,) = finished.ledger.receipts(f"{name}/train")
        sealed = receipt.counts["sealed"]
        assert 4 <= sealed <= 25
        dockings = {"round-01": 60, "round-02": 75}[name]
        assert receipt.counts["molecules"] <= dockings * 2 - sealed


@pytest.mark.slow
@pytest.mark.parametrize("after", [0, 1, 9, 17, 30])
def test_an_interrupted_campaign_ends_with_the_same_hits(
    finished: Campaign, make_campaign: Make, after: int
) -> None:
    path = make_campaign()
    with pytest.raises(KeyboardInterrupt):
        submit(path, "inline", Interrupting(after))
    assert status(path).state == "stopped"
    campaign = submit(path, "inline")
    assert all_hits(campaign).equals(all_hits(finished))


def test_a_finished_campaign_does_nothing_when_submitted_again(
    make_campaign: Make, finished: Campaign
) -> None:
    class Counting(Silent):
        tasks = 0

        def task_ended(self, stage: str, receipt: Receipt) -> None:
            self.tasks += 1

    observer = Counting()
    submit(finished.root.parent / "campaign.toml", "inline", observer)
    assert observer.tasks == 0


@pytest.mark.slow
def test_a_damaged_output_is_made_again(make_campaign: Make, finished: Campaign) -> None:
    path = make_campaign()
    campaign = submit(path, "inline")
    victims = [
        campaign.ledger.outputs("round-01/screen", "predictions/")[0],
        campaign.ledger.outputs("round-00/dock", "scores/")[1],
    ]
    (campaign.root / victims[0].path).write_bytes(b"half a file")
    (campaign.root / victims[1].path).unlink()
    (campaign.root / "receipts" / "round-02" / "train.json").write_text("{")
    again = submit(path, "inline")
    assert all_hits(again).equals(all_hits(finished))


@pytest.mark.slow
def test_another_round_goes_on_from_where_it_was(make_campaign: Make) -> None:
    path = make_campaign(("count = 2", "count = 1"))
    one = submit(path, "inline")
    first = {r.task: r.finished for r in one.ledger.receipts("round-01/screen")}
    path.write_text(path.read_text().replace("count = 1", "count = 2"))
    two = submit(path, "inline")
    assert {r.task: r.finished for r in two.ledger.receipts("round-01/screen")} == first
    assert status(two).state == "complete"
    assert max(hits(two, top=None)["docked_round"].to_pylist()) == 2


def test_a_changed_setting_is_refused_by_name(make_campaign: Make) -> None:
    path = make_campaign()
    with pytest.raises(KeyboardInterrupt):
        submit(path, "inline", Interrupting(2))
    path.write_text(path.read_text().replace("keep = 0.2", "keep = 0.3"))
    with pytest.raises(ConfigError, match=r"\[rounds\] keep"):
        submit(path, "inline")


def test_an_altered_library_is_refused(make_campaign: Make, small_inputs: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(small_inputs / "library", copy)
    path = make_campaign()
    path.write_text(path.read_text().replace(str(small_inputs / "library"), str(copy)))
    with pytest.raises(KeyboardInterrupt):
        submit(path, "inline", Interrupting(20))
    shard = next((copy / "shards").glob("*.parquet"))
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(bytes(content))
    with pytest.raises(DocksieveError, match="altered"):
        submit(path, "inline")


def test_a_folder_of_someone_else_is_not_touched(make_campaign: Make) -> None:
    path = make_campaign()
    folder = path.with_suffix("")
    (folder / "targets").mkdir(parents=True)
    for name in ("thesis.txt", "cancel", "targets/receptor.pdbqt"):
        (folder / name).write_text("precious")
    with pytest.raises(CampaignError, match="not empty and is not a campaign"):
        submit(path, "inline")
    left = sorted(item.relative_to(folder).as_posix() for item in folder.rglob("*") if item.is_file())
    assert left == ["cancel", "targets/receptor.pdbqt", "thesis.txt"]


@pytest.mark.slow
def test_a_preparation_that_was_killed_is_begun_again(
    make_campaign: Make, finished: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    from docksieve.workflows.campaign import begin as module

    path = make_campaign()
    real = module.freeze_target

    def freeze_and_die(*arguments: object) -> dict[str, object]:
        real(*arguments)  # type: ignore[arg-type]
        os._exit(9)

    monkeypatch.setattr(module, "freeze_target", freeze_and_die)
    child = os.fork()
    if child == 0:
        submit(path, "inline")
    os.waitpid(child, 0)
    monkeypatch.undo()
    assert not (path.with_suffix("") / "campaign.json").exists()
    assert all_hits(submit(path, "inline")).equals(all_hits(finished))


@pytest.mark.slow
def test_project_and_library_can_be_moved(
    make_campaign: Make, finished: Campaign, small_inputs: Path, tmp_path: Path
) -> None:
    before = tmp_path / "before"
    before.mkdir()
    shutil.copytree(small_inputs / "library", before / "library")
    text = make_campaign().read_text().replace(str(small_inputs / "library"), "library")
    (before / "campaign.toml").write_text(text)
    with pytest.raises(KeyboardInterrupt):
        submit(before / "campaign.toml", "inline", Interrupting(20))
    after = tmp_path / "elsewhere" / "after"
    after.parent.mkdir()
    before.rename(after)
    (after / "library").rename(after / "lib")
    (after / "campaign.toml").write_text(text.replace('"library"', '"lib"'))
    assert all_hits(submit(after / "campaign.toml", "inline")).equals(all_hits(finished))


@pytest.mark.slow
def test_fewer_rounds_and_no_final_docking_are_honoured(make_campaign: Make) -> None:
    path = make_campaign()
    submit(path, "inline")
    path.write_text(
        path.read_text().replace("count = 2", "count = 1").replace("molecules = 5", "molecules = 0")
    )
    campaign = submit(path, "inline")
    table = all_hits(campaign)
    assert max(table["docked_round"].to_pylist()) == 1
    assert table["final_score"].null_count == len(table)
    assert status(campaign).state == "complete"


@pytest.mark.slow
def test_rounds_do_not_run_dry_while_molecules_are_left(make_campaign: Make) -> None:
    path = make_campaign(
        ("count = 2", "count = 5"), ("keep = 0.2", "keep = 0.01"), ("dock = 15", "dock = 30")
    )
    campaign = submit(path, "inline")
    for number in range(1, 6):
        (receipt,) = campaign.ledger.receipts(f"round-{number:02d}/acquire")
        assert {name: receipt.facts[name]["chosen"] for name in "AB"} == {"A": 30, "B": 30}


@pytest.mark.slow
def test_a_library_that_is_docked_whole_still_has_a_campaign(make_campaign: Make) -> None:
    path = make_campaign(("molecules = 60", "molecules = 400"), ("count = 2", "count = 1"))
    campaign = submit(path, "inline")
    (receipt,) = campaign.ledger.receipts("round-01/acquire")
    assert receipt.rows_out == 0  # nothing is left to dock, and that is no failure
    assert len(hits(campaign, top=None, target="A")) >= 390


def test_too_small_a_start_is_refused_before_docking(make_campaign: Make) -> None:
    path = make_campaign(("molecules = 60", "molecules = 12"))
    with pytest.raises(ConfigError, match=r"\[start\] molecules = 12.*too few for a teacher"):
        submit(path, "inline")
    assert not path.with_suffix("").exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("a.csv", "none.csv", "none.csv"),
        ('library"', 'no-library"', "no-library"),
        ("molecules = 60", "molecules = 6000", "6,000"),
    ],
)
def test_bad_input_leaves_nothing_behind(make_campaign: Make, old: str, new: str, said: str) -> None:
    path = make_campaign()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DocksieveError, match=said):
        submit(path, "inline")
    assert not path.with_suffix("").exists()


@pytest.mark.slow
def test_a_request_to_cancel_stops_between_tasks(make_campaign: Make, finished: Campaign) -> None:
    path = make_campaign()

    class Cancelling(Silent):
        def task_ended(self, stage: str, receipt: Receipt) -> None:
            if stage == "round-01/screen":
                cancel_path(path.with_suffix("")).write_text("{}")

    with pytest.raises(Cancelled, match="Submit it again"):
        submit(path, "inline", Cancelling())
    assert all_hits(submit(path, "inline")).equals(all_hits(finished))


def test_a_failing_task_is_told_and_the_rest_is_done(make_campaign: Make) -> None:
    path = make_campaign()
    with pytest.raises(KeyboardInterrupt):
        submit(path, "inline", Interrupting(3))
    root = path.with_suffix("")
    victim = next((root / "selections" / "round-00" / "B").glob("*.parquet"))
    table = read_table(victim)
    # A batch of a selection that cannot be docked: its receipt is made to agree with it.
    from docksieve.data.store import record_file, write_table

    write_table(victim, table.drop_columns(["smiles"]))
    receipt = read_json(root / "receipts" / "round-00" / "sample.json")
    for output in receipt["outputs"]:
        if output["path"] == victim.relative_to(root).as_posix():
            output.update(vars(record_file(victim, root)))
    write_receipt(root, Receipt.from_json(receipt))
    with pytest.raises(CampaignError, match=r"1 of 16 tasks of round-00/dock failed.*batch-0000"):
        submit(path, "inline")
    now = {stage.stage: stage for stage in status(open_campaign(root)).stages}["round-00/dock"]
    assert (now.done, now.failed, now.left) == (15, 1, 0)


def test_hits_can_be_filtered_and_ranked_by_prediction(finished: Campaign) -> None:
    light = hits(finished, top=None, target="A", where="weight < 250 and docked_score < -5")
    everything = hits(finished, top=None, target="A")
    mask = pc.and_(pc.less(everything["weight"], 250), pc.less(everything["docked_score"], -5))
    assert light.equals(everything.filter(mask))
    predicted = hits(finished, top=20, target="A", by="predicted")
    assert (np.diff(predicted["predicted_mean"].to_numpy()) >= 0).all()
    assert predicted["docked_score"].null_count > 0 or len(predicted) == 20


@pytest.mark.slow
def test_a_device_that_is_not_there_is_an_error_and_nothing_falls_back(
    make_campaign: Make, tmp_path: Path
) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    (tmp_path / "gpu.toml").write_text('kind = "inline"\nscreen_device = "cuda"\n')
    path = make_campaign()
    with pytest.raises(CampaignError, match=r"round-01/screen.*cuda"):
        submit(path, str(tmp_path / "gpu.toml"))
    # The same campaign goes on where there is none.
    assert submit(path, "inline").root.name == "campaign"


@pytest.mark.slow
def test_threads_change_no_score(make_campaign: Make, tmp_path: Path) -> None:
    (tmp_path / "threads.toml").write_text('kind = "inline"\nscreen_threads = 2\n')
    one = submit(make_campaign(name="one"), "inline")
    two = submit(make_campaign(name="two"), str(tmp_path / "threads.toml"))
    for path in (one.root / "predictions").rglob("*.parquet"):
        other = two.root / path.relative_to(one.root)
        assert read_table(path).equals(read_table(other))
