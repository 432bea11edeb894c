"""Earlier campaigns' teachers as sources: refused in seconds where they cannot be used, frozen where they can."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from docksieve.data.errors import ConfigError
from docksieve.data.libraries.library import Library
from docksieve.data.store import read_table
from docksieve.models.bundles.bundle import load_bundle, read_card, save_bundle
from docksieve.models.settings import StudentSettings, TeacherSettings
from docksieve.models.students.distill import distil_student
from docksieve.models.teachers.teacher import Teacher
from docksieve.models.teachers.train import train_teacher
from docksieve.models.teachers.training_data import TrainingData
from docksieve.workflows.campaign.campaign import open_campaign
from docksieve.workflows.campaign.sources import freeze_sources, read_sources
from docksieve.workflows.config.campaign_file import parse_config
from docksieve.workflows.hits.ask import hits
from docksieve.workflows.planning.trial import _made_up
from docksieve.workflows.report.report import write_report
from docksieve.workflows.retraining.retrain import list_models, retrain
from docksieve.workflows.running.submit import submit

from tests.workflows.conftest import fake_score, molecules

Make = Callable[..., Path]


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an earlier campaign left: the models of a round, learned from 150 molecules."""
    folder = tmp_path_factory.mktemp("earlier")
    smiles = molecules()[:150]
    scores = np.array([fake_score(text) for text in smiles])
    teacher = train_teacher(
        TrainingData(smiles, ["old"], scores[:, None], [True]), TeacherSettings(folds=2), seed=3
    )
    save_bundle(teacher, folder / "models" / "round-01" / "teacher")
    settings = StudentSettings(width=8, buckets=64, layers=1, epochs=1)
    student = distil_student(smiles, scores, np.abs(scores), ["old"], [True], settings)
    save_bundle(student, folder / "models" / "round-01" / "student")
    return folder


def _with(*paths: Path | str) -> tuple[str, str]:
    named = ", ".join(f'"{path}"' for path in paths)
    return "[student]", f"[teacher]\nsources = [{named}]\n\n[student]"


@pytest.mark.slow
def test_a_campaign_learns_from_an_earlier_one_and_needs_it_no_more(
    make_campaign: Make, earlier: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "old"
    shutil.copytree(earlier, moved)
    path = make_campaign(_with("old/models/round-01/teacher"), ("count = 2", "count = 1"))
    campaign = submit(path, "inline")
    identity = read_card(earlier / "models" / "round-01" / "teacher")["id"]
    (receipt,) = campaign.ledger.receipts("round-01/train")
    assert [item["model"] for item in receipt.facts["report"]["sources"]] == [identity]
    assert receipt.facts["report"]["sources"][0]["spearman"]["A"] > 0.8
    assert receipt.facts["report"]["sources"][0]["spearman"]["B"] > 0.8  # higher is better there
    card = read_card(campaign.root / "models" / "round-01" / "teacher")
    assert [source["id"] for source in card["sources"]] == [identity]
    before = hits(campaign.root, top=5, target="A")["docked_score"].to_pylist()

    page = write_report(campaign.root, tmp_path / "report.html")[0].read_text()
    said = r"Earlier teacher of old \([0-9a-f]{12}\) used: it ranks the molecules docked here with a correlation of "
    assert re.search(said + r"[01]\.\d\d", page)

    # The earlier campaign goes: this one goes on, from its own copy; its bundle stands alone.
    shutil.rmtree(moved)
    path.write_text(path.read_text().replace("count = 1", "count = 2"))
    campaign = submit(path, "inline")
    assert read_card(campaign.root / "models" / "round-02" / "teacher")["sources"][0]["id"] == identity
    after = hits(campaign.root, top=5, target="A")["docked_score"].to_pylist()
    assert min(after) <= min(before)
    shutil.rmtree(campaign.root / "sources")
    (labels, *_) = sorted((campaign.root / "labels" / "round-02").glob("*.parquet"))
    table = read_table(labels)
    found = load_bundle(campaign.root / "models" / "round-02" / "teacher").predict(
        table["smiles"].to_pylist()
    )
    np.testing.assert_allclose(found.mean[:, 0], table["mean:A"].to_numpy(), atol=1e-4)


def test_other_sources_are_another_campaign(make_campaign: Make, earlier: Path) -> None:
    path = make_campaign(_with(earlier / "models/round-01/teacher"), ("count = 2", "count = 0"))
    root = submit(path, "inline").root
    path.write_text(path.read_text().replace(f'"{earlier}/models/round-01/teacher"', ""))
    with pytest.raises(ConfigError, match=r"\[teacher\] sources"):
        submit(path, "inline")
    assert len(open_campaign(root).source_records()) == 3


@pytest.mark.slow
def test_new_scores_are_learned_with_the_same_sources(
    make_campaign: Make, earlier: Path, tmp_path: Path
) -> None:
    path = make_campaign(_with(earlier / "models/round-01/teacher"), ("count = 2", "count = 1"))
    root = submit(path, "inline").root
    docked = set(hits(root, top=None, target="A")["smiles"].to_pylist())
    rows = [f"{text},{fake_score(text)}" for text in molecules() if text not in docked][:60]
    (tmp_path / "new.csv").write_text("smiles,score\n" + "\n".join(rows) + "\n")
    retrain(root, tmp_path / "new.csv", "A")
    retrained = next(card for card in list_models(root) if card["name"].startswith("retrain-001"))
    assert len(retrained["sources"]) == 1


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("models/round-09/teacher", "is not the folder of a model"),
        ("models/round-01/student", "is a student; only teachers can be sources"),
        ("models", "Name a teacher, such as .*round-01/teacher"),
        ("", "Name a teacher, such as .*round-01/teacher"),
    ],
)
def test_what_is_no_teacher_is_refused(named: str, words: str, earlier: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        freeze_sources([str(earlier / named)], tmp_path, tmp_path)
    assert re.search(words, str(caught.value))
    assert not list(tmp_path.rglob("*.json"))


def test_a_damaged_or_doubled_source_is_refused(earlier: Path, tmp_path: Path) -> None:
    teacher = earlier / "models/round-01/teacher"
    with pytest.raises(ConfigError, match="are the same model"):
        freeze_sources([str(teacher), str(teacher)], tmp_path, tmp_path)
    shutil.copytree(teacher, tmp_path / "damaged")
    with (tmp_path / "damaged" / "weights.safetensors").open("ab") as handle:
        handle.write(b"x")
    with pytest.raises(ConfigError, match=r"cannot be used: .*was altered"):
        freeze_sources(["damaged"], tmp_path / "campaign", tmp_path)


def test_the_file_says_what_sources_must_be(campaign_text: str) -> None:
    text = campaign_text.replace("[student]", '[teacher]\nsources = "one"\n\n[student]')
    with pytest.raises(ConfigError, match=r"\[teacher\] sources must be a list of texts"):
        parse_config(text, "file.toml")


def test_a_plans_made_up_scores_speak_for_the_sources(make_campaign: Make, earlier: Path) -> None:
    """What the trial times is then a teacher that asks them, as the campaign's will."""
    path = make_campaign(_with(earlier / "models/round-01/teacher"), ("count = 2", "count = 0"))
    campaign = submit(path, "inline")
    record = _made_up(campaign, Library.open(campaign.library_path), 150, ["A"])
    table = read_table(campaign.root / record.path)
    data = TrainingData(table["smiles"].to_pylist(), ["A"], table["score"].to_numpy(), [True])
    source = load_bundle(earlier / "models" / "round-01" / "teacher")
    assert isinstance(source, Teacher)
    assert train_teacher(data, TeacherSettings(folds=2), sources=[source]).report["sources"][0]["kept"]


def test_what_a_source_learned_from_is_kept_with_it(
    small_campaign: Path, earlier: Path, tmp_path: Path
) -> None:
    records = freeze_sources([str(small_campaign / "models/round-01/teacher")], tmp_path, tmp_path)
    (source,) = read_sources([tmp_path / record.path for record in records])
    (receipt,) = open_campaign(small_campaign).ledger.receipts("round-01/train")
    assert source.held_out is not None and len(source.held_out.smiles) == receipt.counts["molecules"]
    assert source.held_out.mean.shape == (receipt.counts["molecules"], 2)
    assert np.isfinite(source.held_out.mean).any(axis=1).all()

    # A bundle that lies alone does not tell; a campaign of a version that did not ask goes on as it began.
    records = freeze_sources([str(earlier / "models/round-01/teacher")], tmp_path, tmp_path)
    paths = [tmp_path / record.path for record in records]
    assert read_sources(paths)[0].held_out is None
    (tmp_path / "sources/00/learned.parquet").unlink()
    held_out = read_sources([path for path in paths if path.exists()])[0].held_out
    assert held_out is not None and held_out.smiles == []


def test_a_campaign_keeps_the_seed_it_began_with(make_campaign: Make) -> None:
    """Before the seed followed from names it was 1: a file that gives none is no change."""
    path = make_campaign(("seed = 11\n", "seed = 1\n"), ("count = 2", "count = 0"))
    before = submit(path, "inline")
    path.write_text(path.read_text().replace("seed = 1\n", ""))
    after = submit(path, "inline")
    assert (before.seed, after.seed) == (1, 1)
    path.write_text(path.read_text().replace("[library]", "seed = 2\n\n[library]"))
    with pytest.raises(ConfigError, match=r"\[campaign\] seed"):
        submit(path, "inline")
