"""Whether to go on: criteria and when they were set, what the files give, and when nothing can be said."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from docksieve.data.errors import ConfigError, InputError
from docksieve.data.store import read_json, write_json
from docksieve.screening.decisions.forecast import Criteria
from docksieve.workflows.campaign.campaign import open_campaign
from docksieve.workflows.cli.main import app
from docksieve.workflows.config.campaign_file import parse_config
from docksieve.workflows.deciding.criteria import AFTER, BEFORE, GIVEN, Chosen, criteria_of
from docksieve.workflows.deciding.decision import answer, decide_campaign, learning_words
from docksieve.workflows.deciding.evidence import Evidence, read_evidence
from docksieve.workflows.hits.ask import hits
from docksieve.workflows.progress.receipts import CampaignReceipts
from docksieve.workflows.report.report import write_report
from docksieve.workflows.running.submit import submit
from docksieve.workflows.terminal.decide import decision_view
from rich.console import Console
from typer.testing import CliRunner

DECIDE = "\n[decide]\nthreshold = { A = -6.0 }\nhits = 3\n"


@pytest.fixture(scope="module")
def finished(campaign_text: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("decide")
    text = campaign_text.replace("keep = 0.2", "keep = 0.6").replace("dock = 15", "dock = 20")
    (folder / "campaign.toml").write_text(text + DECIDE)
    return submit(folder / "campaign.toml", "inline").root


@pytest.fixture
def campaign(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path / "small")
    file = tmp_path / "campaign.toml"
    shutil.copy(finished.parent / "campaign.toml", file)
    state = read_json(tmp_path / "small" / "campaign.json")
    write_json(tmp_path / "small" / "campaign.json", {**state, "config_file": str(file)})
    return tmp_path / "small"


@pytest.mark.slow
def test_the_evidence_adds_up(finished: Path) -> None:
    opened = open_campaign(finished)
    known = read_evidence(CampaignReceipts(opened), "A")
    docked = hits(opened, top=None, target="A", by="docked")
    assert known.round == 2 and known.docked == 100
    assert [len(batch.mean) for batch in known.batches] == [20, 20]
    assert known.best == min(docked["docked_score"].to_pylist())
    assert known.resolution == 0.1 and known.seconds_each > 0
    assert (np.diff(known.mean) >= 0).all() and (known.sd > 0).all()
    predicted = hits(opened, top=None, target="A", by="predicted")
    waiting = [row for row in predicted.to_pylist() if row["docked_score"] is None]
    assert len(known.mean) <= len(waiting), "nothing that was docked is a candidate"
    other = read_evidence(CampaignReceipts(opened), "B")
    assert other.best > 0 and (np.diff(other.mean) <= 0).all(), "higher is better there"


def test_a_decision_by_criteria_that_were_there_before(finished: Path) -> None:
    (found,) = decide_campaign(finished)  # only A has criteria
    assert found.target == "A" and found.origin == BEFORE
    assert found.decision.criteria == Criteria(-6.0, hits=3)
    sizes = [item.dockings for item in found.decision.outlooks]
    assert sizes == [n for n in (20, 40, 100, 200) if n <= len(found.evidence.mean)] and len(sizes) >= 2
    expected = [item.hits for item in found.decision.outlooks]
    assert expected == sorted(expected)
    for item in found.decision.outlooks:
        assert item.core_hours == pytest.approx(item.dockings * found.evidence.seconds_each / 3600)
        assert item.hits_low <= item.hits <= item.hits_high + 1 and 0 <= item.success <= 1
    again = decide_campaign(finished)[0]
    assert again.to_json() == found.to_json()


def test_an_easy_threshold_is_a_go_and_an_absurd_one_a_stop(finished: Path) -> None:
    (easy,) = decide_campaign(finished, "A", [20], threshold=0.0)
    assert easy.decision.verdict == "go" and easy.decision.dockings == 20 and easy.origin == GIVEN
    assert easy.decision.outlooks[0].hits > 17
    (hard,) = decide_campaign(finished, "A", [20], threshold=-50.0)
    assert hard.decision.verdict == "stop" and hard.decision.outlooks[0].hits < 0.5
    (better,) = decide_campaign(finished, "B", [20], threshold=0.0, improve=100.0)
    (outlook,) = better.decision.outlooks
    assert outlook.success is None and outlook.improves is not None and 0 < outlook.improves < 0.9
    assert better.decision.verdict == ("stop" if outlook.improves <= 0.1 else "cannot say")


def test_the_expected_hits_are_near_what_the_table_holds(finished: Path, small_inputs: Path) -> None:
    """The next 40 by prediction, looked up: expected hits at a few thresholds are of the right size."""
    import csv

    opened = open_campaign(finished)
    with (small_inputs / "a.csv").open() as handle:
        table = {row["smiles"]: float(row["score"]) for row in csv.DictReader(handle)}
    ranked = hits(opened, top=None, target="A", by="predicted").to_pylist()
    waiting = [row for row in ranked if row["docked_score"] is None and row["predicted_round"] == 2][:40]
    text_of = dict(reversed(line.split()) for line in (small_inputs / "in.smi").read_text().splitlines())  # type: ignore[misc]
    true = np.array([table.get(text_of[row["id"]], np.nan) for row in waiting])
    (found,) = decide_campaign(finished, "A", [40], threshold=float(np.nanmedian(true)))
    outlook = found.decision.outlooks[0]
    count = int((true <= np.nanmedian(true)).sum())
    assert outlook.hits_low - 3 <= count <= outlook.hits_high + 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("candidates", "No molecule of the shortlist is left"),
        ("round", "No shortlist has been rescored"),
        ("best", "No docking has given a score"),
        ("batches", "No earlier batch"),
        ("few", "Only 5 picked molecules"),
        ("equal", "docked scores are equal"),
        ("zero", "No budget above zero"),
    ],
)
def test_cannot_say_is_said_with_the_reason(
    finished: Path, change: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from docksieve.screening.calibration.picked import Batch
    from docksieve.workflows.deciding import decision as module

    receipts = CampaignReceipts(open_campaign(finished))
    real = read_evidence(receipts, "A")
    first = real.batches[0]
    five = Batch(first.mean[:5], first.sd[:5], first.docked[:5])
    flat = [Batch(item.mean, item.sd, np.full(len(item.mean), -5.0)) for item in real.batches]
    changed: dict[str, Evidence] = {
        "candidates": replace(real, mean=np.empty(0), sd=np.empty(0)),
        "round": replace(real, round=0),
        "best": replace(real, best=float("nan")),
        "batches": replace(real, batches=[]),
        "few": replace(real, batches=[five]),
        "equal": replace(real, batches=flat),
        "zero": real,
    }
    monkeypatch.setattr(module, "read_evidence", lambda *arguments: changed[change])
    found = answer(receipts, "A", Chosen(Criteria(-6.0), BEFORE), [0] if change == "zero" else [10])
    assert found.decision.verdict == "cannot say" and said.lower() in found.decision.reason.lower()
    assert not found.decision.outlooks and found.decision.dockings is None
    assert "cannot say" in _shown(found)


def _shown(found: object) -> str:
    narrow = Console(width=80)
    with narrow.capture() as captured:
        narrow.print(decision_view(found))  # type: ignore[arg-type]
    text = captured.get()
    assert max(map(len, text.splitlines())) <= 80 and "…" not in text
    return re.sub(r"\s+", " ", text)


def test_criteria_that_were_changed_or_added_are_said_to_be_so(campaign: Path) -> None:
    file = campaign.parent / "campaign.toml"
    opened = open_campaign(campaign)
    chosen = criteria_of(opened, "A")
    assert chosen is not None and chosen.origin == BEFORE and criteria_of(opened, "B") is None
    receipts = {path: path.read_bytes() for path in (campaign / "receipts").rglob("*.json")}
    file.write_text(file.read_text().replace("hits = 3", "hits = 2"))
    changed = criteria_of(opened, "A")
    assert changed is not None and changed.origin == AFTER and changed.criteria.hits == 2, (
        "the file counts at once"
    )
    submitted = submit(file, "inline")  # it may change, and nothing is done again
    assert all(path.read_bytes() == text for path, text in receipts.items())
    again = criteria_of(submitted, "A")
    assert again is not None and again.origin == AFTER
    file.write_text(file.read_text().replace("hits = 2", "hits = 3"))
    back = criteria_of(open_campaign(campaign), "A")
    assert back is not None and back.origin == BEFORE
    file.unlink()
    recorded = criteria_of(open_campaign(campaign), "A")
    assert recorded is not None and recorded.criteria.hits == 2 and recorded.origin == AFTER


def test_a_campaign_of_an_older_version_has_criteria_only_afterwards(campaign: Path) -> None:
    state = read_json(campaign / "campaign.json")
    del state["config"]["decide"], state["criteria"]
    write_json(campaign / "campaign.json", state)
    chosen = criteria_of(open_campaign(campaign), "A")
    assert chosen is not None and chosen.origin == AFTER
    submit(campaign.parent / "campaign.toml", "inline")
    assert read_json(campaign / "campaign.json")["config"]["decide"]["hits"] == 3
    chosen = criteria_of(open_campaign(campaign), "A")
    assert chosen is not None and chosen.origin == AFTER, "recorded later, but not before"


def test_requests_without_sense_are_refused(campaign: Path, campaign_text: str) -> None:
    with pytest.raises(InputError, match="no target 'C'"):
        decide_campaign(campaign, "C")
    with pytest.raises(InputError, match="several targets"):
        decide_campaign(campaign, threshold=-6.0)
    with pytest.raises(InputError, match="no criteria"):
        decide_campaign(campaign, "B")
    with pytest.raises(InputError, match="make no sense"):
        decide_campaign(campaign, "A", improve=-1.0)
    with pytest.raises(InputError, match="cannot be negative"):
        decide_campaign(campaign, "A", [-5])
    for text, said in (
        ("threshold = -6\nhit = 3", "no key 'hit'.*Did you mean 'hits'"),
        ("hits = 3", "threshold.*missing"),
        ("threshold = -6\ngo = 0.1", r"go \(0.1\) must be above stop"),
        ("threshold = -6\nhits = 0", "success needs a criterion"),
        ("threshold = -6\nimprove = -1", "improve must not be negative"),
        ("threshold = { C = -6 }", "threshold names 'C'"),
        ('threshold = "low"', "threshold must be a number or a section"),
    ):
        with pytest.raises(ConfigError, match=said):
            parse_config(f"{campaign_text}\n[decide]\n{text}\n", "x.toml")


def test_the_learning_curve_says_how_little_one_campaign_knows(finished: Path) -> None:
    from dataclasses import replace

    known = read_evidence(CampaignReceipts(open_campaign(finished)), "A")
    assert len(known.sizes) == 2 and "Too few to extrapolate: 2 points" in learning_words(known, "kcal/mol")
    sizes = (100.0, 200.0, 400.0, 800.0, 1600.0)
    errors = tuple(0.3 + 6 * size**-0.5 for size in sizes)
    law = replace(known, sizes=sizes, errors=errors, standard_errors=(0.02,) * 5)
    said = learning_words(law, "kcal/mol")
    assert "With 3,200 scores a power law expects 0.4" in said and "90 % interval" in said
    flat = replace(law, errors=(0.5, 0.51, 0.49, 0.5, 0.5))
    assert "No extrapolation: a constant does as well" in learning_words(flat, "kcal/mol")
    assert "no teacher" in learning_words(replace(law, sizes=(), errors=(), standard_errors=()), "x")


@pytest.mark.slow
def test_the_command_and_the_report_say_the_same(campaign: Path) -> None:
    done = CliRunner().invoke(app, ["decide", str(campaign), "--json"])
    assert done.exit_code == 0, done.output
    (found,) = json.loads(done.stdout)
    assert found["origin"] == BEFORE and found["verdict"] in ("go", "stop", "ask for more")
    shown = CliRunner().invoke(app, ["decide", str(campaign), "--next", "20", "--next", "40"])
    assert shown.exit_code == 0 and "criteria were set before the campaign began" in shown.output
    (same,) = decide_campaign(campaign)
    assert same.decision.reason in _shown(same)
    path, summary = write_report(campaign)
    page = path.read_text()
    assert "Whether to go on" in page and BEFORE in page and found["reason"] in page
    assert found["reason"] in summary
