"""What of a library a campaign leaves out: drawn from, screened, counted, and refused where nothing is left."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from docksieve.data.errors import CampaignError, ConfigError
from docksieve.data.libraries.library import Library
from docksieve.data.receipts import Stopwatch, read_receipt
from docksieve.data.store import FileRecord, read_table, record_file
from docksieve.screening.docking.ligand_settings import LigandLimits
from docksieve.workflows.campaign.campaign import open_campaign
from docksieve.workflows.campaign.ledger import LIBRARY_PREFIX, Task
from docksieve.workflows.progress.left_out import read_left_out
from docksieve.workflows.progress.status import expected_stages, status
from docksieve.workflows.report.facts import read_facts
from docksieve.workflows.report.funnel import cross_checks, target_passages
from docksieve.workflows.running.submit import submit
from docksieve.workflows.tasks import selection as choosing
from docksieve.workflows.tasks.context import TaskContext, TaskOutcome
from docksieve.workflows.tasks.eligible import ANY, Eligible, column_of
from docksieve.workflows.tasks.filtering import filter_shard
from docksieve.workflows.tasks.settings import CutSettings, FilterSettings, SampleSettings

NARROW, WIDE = (
    LigandLimits(6, 18, 20, ("H", "C", "N", "O", "F", "S", "Cl")),
    LigandLimits(6, 100, 20, ("H", "C", "N", "O", "F", "S", "Cl")),
)


def filtered(
    library: Library, root: Path, conditions: dict[str, Any], limits: dict[str, LigandLimits]
) -> list[TaskOutcome]:
    settings = FilterSettings(
        conditions, {target: asdict(each) for target, each in limits.items()}, ("A", "B"), 1
    )
    found = []
    for shard in library.shards:
        record = FileRecord(
            LIBRARY_PREFIX + shard.record.path, shard.record.bytes, shard.record.sha256, shard.rows
        )
        task = Task(f"round-00/filter/{shard.name}", "filter", settings, (record,), {"library": library.path})
        found.append(filter_shard(TaskContext(root, task, Stopwatch())))
    return found


def eligible(library: Library, outcomes: list[TaskOutcome]) -> Eligible:
    return Eligible(library, [path for outcome in outcomes for path in outcome.outputs])


def test_masks_say_of_every_molecule_what_conditions_and_limits_say(
    small_library: Library, tmp_path: Path
) -> None:
    outcomes = filtered(small_library, tmp_path, {"where": "logp < 2.5"}, {"A": NARROW, "B": WIDE})
    found = eligible(small_library, outcomes)
    table = small_library.take(range(small_library.rows))
    light = table["logp"].to_numpy() < 2.5
    small = table["heavy_atoms"].to_numpy() <= 18
    rows = np.random.default_rng(1).permutation(small_library.rows)
    assert np.array_equal(found.may(rows, column_of("A")), (light & small)[rows])
    assert np.array_equal(found.may(rows, column_of("B")), light[rows])
    assert found.count() == light.sum() > found.count(column_of("A")) == (light & small).sum() > 50
    assert np.array_equal(found.at(np.arange(found.count())), np.flatnonzero(light))
    refused = sum(outcome.facts["refused"]["A"]["too_large"] for outcome in outcomes)
    assert refused == (light & ~small).sum()
    assert sum(outcome.counts["left_out"] for outcome in outcomes) == (~light).sum()


def test_a_draw_is_of_what_may_be_docked_and_the_old_one_where_that_is_everything(
    small_library: Library, tmp_path: Path
) -> None:
    everything = Eligible(small_library)
    assert np.array_equal(everything.sample(30, 5, "label"), small_library.sample_rows(30, 5, "label"))
    outcomes = filtered(small_library, tmp_path / "a", {"where": "true"}, {})
    assert np.array_equal(
        eligible(small_library, outcomes).sample(30, 5, "label"), small_library.sample_rows(30, 5, "label")
    )
    some = eligible(small_library, filtered(small_library, tmp_path / "b", {"where": "donors = 0"}, {}))
    rows = some.sample(40, 5, "label")
    assert len(set(rows.tolist())) == 40 and np.all(np.diff(rows) > 0)
    assert set(small_library.take(rows, ["donors"])["donors"].to_pylist()) == {0}
    counts = np.zeros(small_library.rows)
    for seed in range(300):
        counts[some.sample(40, seed, "label")] += 1
    expected = 300 * 40 / some.count()
    assert np.all(np.abs(counts[counts > 0] - expected) < 6 * np.sqrt(expected))
    with pytest.raises(CampaignError, match="cannot be drawn"):
        some.sample(some.count() + 1, 1)


@pytest.mark.parametrize("method", ["random", "diverse"])
def test_every_target_has_a_seed_sample_of_its_own_kind_and_full_size(
    small_library: Library, tmp_path: Path, method: str
) -> None:
    outcomes = filtered(small_library, tmp_path, {}, {"A": NARROW, "B": WIDE})
    records = tuple(record_file(path, tmp_path) for outcome in outcomes for path in outcome.outputs)
    settings = SampleSettings(60, method, 3, ("A", "B"), 25, small_library.fingerprint)
    task = Task("round-00/sample", "sample", settings, records, {"library": small_library.path})
    outcome = choosing.sample(TaskContext(tmp_path, task, Stopwatch()))
    drawn: dict[str, list[int]] = {"A": [], "B": []}
    for path in outcome.outputs:
        table = read_table(path)
        drawn[path.parent.name] += table["row"].to_pylist()
        if path.parent.name == "A":
            assert max(table["heavy_atoms"].to_pylist()) <= 18
    assert {target: len(rows) for target, rows in drawn.items()} == {"A": 60, "B": 60}
    assert drawn["A"] == sorted(set(drawn["A"]))
    if method == "random":
        small = small_library.take(drawn["B"], ["heavy_atoms"])["heavy_atoms"].to_numpy() <= 18
        assert set(np.array(drawn["B"])[small]) <= set(drawn["A"]), (
            "one order, from which each takes the first"
        )


def test_tasks_of_older_campaigns_keep_their_settings() -> None:
    old = CutSettings("round-01", 0.9, 0.01, 0.9, 0.2, 0, "auto", 5, 0, {}, {}, 100, {}, "random", 1)
    assert "may_dock" not in old.to_json()
    assert CutSettings(**{**old.to_json(), "may_dock": {"A": 3}}).to_json()["may_dock"] == {"A": 3}


CONDITIONS = 'where = "heavy_atoms BETWEEN 14 AND 24 AND pains = \'\'"\nhas_not = ["[F,Cl]"]\n'


@pytest.fixture(scope="module")
def narrowed(campaign_text: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("narrowed")
    text = campaign_text.replace("[targets.A]", CONDITIONS + "\n[targets.A]")
    (folder / "campaign.toml").write_text(text)
    return submit(folder / "campaign.toml", "inline").root


@pytest.mark.slow
def test_a_campaign_touches_nothing_that_its_conditions_leave_out(narrowed: Path) -> None:
    campaign = open_campaign(narrowed)
    library = campaign.open_library()
    every = library.take(range(library.rows))
    atoms = every["heavy_atoms"].to_numpy()
    halogen = np.array(["F" in s or "Cl" in s for s in every["smiles"].to_pylist()])
    left = (atoms >= 14) & (atoms <= 24) & ~halogen
    found = read_left_out(campaign.ledger)
    assert found.any == found.wanted == left.sum() < library.rows
    for folder in ("selections", "labels", "shortlists", "refined", "scores/round-00", "leaderboards"):
        paths = list((narrowed / folder).rglob("*.parquet"))
        assert paths, folder
        for path in paths:
            rows = read_table(path, ["row"])["row"].to_numpy()
            assert left[rows].all(), f"{path} holds what was left out"
    for path in (narrowed / "predictions").rglob("*.parquet"):
        table = read_table(path)
        predicted = ~np.isnan(table["mean:A"].to_numpy())
        assert np.array_equal(predicted, left[table["row"].to_numpy()])
    receipt = read_receipt(narrowed, f"round-01/screen/{library.shards[0].name}")
    assert receipt is not None
    inside = library.shards[0].rows
    assert receipt.counts["left_out"] == (~left[:inside]).sum() and receipt.counts["unpredictable"] == 0


def test_what_is_left_out_is_counted_and_every_sum_adds_up(narrowed: Path) -> None:
    campaign = open_campaign(narrowed)
    facts = read_facts(campaign)
    passages = [step for target in campaign.targets for step in target_passages(facts, target)]
    assert [step.problem for step in passages if step.problem] == [] and cross_checks(facts) == []
    seed = next(step for step in passages if step.title == "Seed sample")
    labels = [change.label for change in seed.changes]
    assert any("has not [F,Cl]" in label for label in labels) and any(
        "heavy_atoms" in label for label in labels
    )
    lines = status(campaign).left_out
    assert any("has not [F,Cl]: leaves" in line for line in lines)
    assert expected_stages(campaign)[0] == "round-00/filter"


def test_a_repeated_submit_does_nothing_and_a_changed_condition_is_refused(narrowed: Path) -> None:
    file = narrowed.parent / "campaign.toml"
    before = {path: path.stat().st_mtime_ns for path in (narrowed / "filters").iterdir()}
    submit(file, "inline")
    assert {path: path.stat().st_mtime_ns for path in (narrowed / "filters").iterdir()} == before
    text = file.read_text()
    try:
        file.write_text(text.replace("BETWEEN 14", "BETWEEN 15"))
        with pytest.raises(ConfigError, match=r"\[library\] where"):
            submit(file, "inline")
    finally:
        file.write_text(text)


@pytest.mark.parametrize(
    ("conditions", "kind", "said"),
    [
        ('where = "heavy_atms > 3"', ConfigError, r"line \d+: \[library\] where .*'heavy_atms'.*heavy_atoms"),
        ('has = ["c1cc("]', ConfigError, r"line \d+: .*\[library\] has: .*c1cc\("),
        ('no_alerts = ["pain"]', ConfigError, r"line \d+: \[library\] no_alerts: .*'pain'"),
        (
            'where = "weight > 100 AND weight < 10"',
            CampaignError,
            r"none of [\d,]+ molecules meets .*weight < 10",
        ),
        ('where = "row < 55"', CampaignError, r"55 molecules .*needs 60.*row < 55"),
        ("where = 3", ConfigError, r"\[library\] where must be text"),
    ],
)
def test_a_condition_that_cannot_work_is_named_before_anything_is_docked(
    campaign_text: str, tmp_path: Path, conditions: str, kind: type[Exception], said: str
) -> None:
    (tmp_path / "campaign.toml").write_text(
        campaign_text.replace("[targets.A]", conditions + "\n\n[targets.A]")
    )
    with pytest.raises(kind, match=f"(?s){said}"):
        submit(tmp_path / "campaign.toml", "inline")
    assert not (tmp_path / "small" / "scores").exists()


def test_a_campaign_without_conditions_has_no_filter(small_campaign: Path) -> None:
    assert not (small_campaign / "filters").exists()
    assert not status(small_campaign).left_out
    for path in (small_campaign / "predictions").rglob("*.parquet"):
        assert pq.read_table(path)["mean:A"].null_count == 0


def test_any_is_what_at_least_one_target_may_dock(small_library: Library, tmp_path: Path) -> None:
    found = eligible(small_library, filtered(small_library, tmp_path, {}, {"A": NARROW}))
    assert found.count(ANY) == found.count(column_of("B")) == small_library.rows > found.count(column_of("A"))
