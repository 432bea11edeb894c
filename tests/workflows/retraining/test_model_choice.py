"""Which model is in force, and which imports teach: back and forth, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from docksieve.data.errors import InputError
from docksieve.workflows.campaign.campaign import Campaign, open_campaign
from docksieve.workflows.cli.main import app
from docksieve.workflows.retraining.model_choice import (
    drop_import,
    imports_of,
    list_models,
    present_model,
    trained_rounds,
    use_import,
    use_model,
)
from docksieve.workflows.retraining.retrain import retrain
from docksieve.workflows.running.submit import submit
from docksieve.workflows.verifying.verify import verify
from typer.testing import CliRunner

pytestmark = pytest.mark.slow
FIRST, CANDIDATE = "round-01/teacher", "retrain-001/teacher"


def _run(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def _learned(campaign: Campaign, number: int) -> bool:
    (receipt,) = campaign.ledger.receipts(f"round-{number:02d}/train")
    return any(record.path.startswith("imports/") for record in receipt.inputs)


def test_models_and_imports_can_be_taken_back_and_used_again(campaign: Path, new_scores: Path) -> None:
    retrain(campaign, new_scores, "A", promote=True)
    opened = open_campaign(campaign)
    assert present_model(opened) == CANDIDATE and imports_of(opened, CANDIDATE) == {1}

    change = use_model(campaign, FIRST)
    assert (change.model, change.before, change.dropped, change.next_round) == (
        FIRST,
        CANDIDATE,
        ("import-001",),
        2,
    )
    assert present_model(opened) == FIRST and opened.imported_scores(2) == []
    assert [card["name"] for card in list_models(opened) if card["present"]] == [FIRST]

    change = use_model(campaign, CANDIDATE)
    assert (change.used, change.dropped) == (("import-001",), ())
    assert present_model(opened) == CANDIDATE and len(opened.imported_scores(2)) == 1

    change = drop_import(campaign, "import-001")
    assert (change.model, change.dropped) == (FIRST, ("import-001",))
    with pytest.raises(InputError, match="set aside already"):
        drop_import(campaign, "1")
    change = use_import(campaign, "1")
    assert (change.model, change.used) == (CANDIDATE, ("import-001",))
    with pytest.raises(InputError, match="no model 'round-09/teacher'"):
        use_model(campaign, "round-09/teacher")
    with pytest.raises(InputError, match="is a student"):
        use_model(campaign, "round-01/student")
    assert not verify(campaign).findings, "cards and choices are no strangers in the campaign's folder"


def test_rounds_heed_what_is_in_force_when_they_train_and_stay_as_they_are(
    campaign: Path, new_scores: Path
) -> None:
    retrain(campaign, new_scores, "A", promote=True)
    file = campaign.parent / "campaign.toml"
    file.write_text(file.read_text().replace("count = 1", "count = 2"))
    opened = submit(file, "inline")
    assert _learned(opened, 2) and present_model(opened) == "round-02/teacher"
    (before,) = opened.ledger.receipts("round-02/train")

    said = _run("retrain", campaign, "--drop", "import-001")
    assert f"Model in force: {FIRST}" in said, "the latest that did not learn from it"
    assert "Round 3 and later ones do not learn from import-001" in said and "--use import-001" in said
    assert "round 2, then dropped" in _run("retrain", campaign, "--list")

    file.write_text(file.read_text().replace("count = 2", "count = 3"))
    opened = submit(file, "inline")
    (after,) = opened.ledger.receipts("round-02/train")
    assert after.to_json() == before.to_json(), "nothing is done again"
    assert not _learned(opened, 3) and trained_rounds(opened) == 3
    assert present_model(opened) == "round-03/teacher"


def test_the_command_line_says_what_was_read_found_and_decided(
    campaign: Path, new_scores: Path, tmp_path: Path
) -> None:
    said = _run("retrain", campaign, "--scores", new_scores, "--target", "A")
    assert "150 lines:" in said and "150 of the lines are of molecules in the library." in said
    assert "the campaign has docked scores from" in said and "rank correlation" in said and "slope" in said
    assert "test set of the seed sample" in said and "cross-validated" in said
    assert "Promoted retrain-001/teacher" in said and "--drop import-001" in said
    said = _run("models", "use", campaign, FIRST)
    assert f"Model in force: {FIRST} (until now {CANDIDATE})" in said

    affinities = tmp_path / "pki.csv"
    rows = [line.split(",")[0] for line in new_scores.read_text().splitlines()[1:]]
    affinities.write_text(
        "smiles,pKi\n" + "".join(f"{text},{4 + 3 * (n % 11) / 10:.1f}\n" for n, text in enumerate(rows))
    )
    result = CliRunner().invoke(
        app, ["retrain", str(campaign), "--scores", str(affinities), "--target", "A", "--score-column", "pKi"]
    )
    assert result.exit_code != 0 and isinstance(result.exception, InputError)
    assert "outside the range" in str(result.exception) or "run against" in str(result.exception)
    assert len(list((campaign / "imports").iterdir())) == 1, "nothing is kept of a refused file"


def test_exported_hits_and_columns_of_several_targets_are_imported(campaign: Path, tmp_path: Path) -> None:
    path = tmp_path / "hits.csv"
    _run("hits", campaign, "--by", "docked", "--top", "0", "--format", "csv", "--out", path)
    result = retrain(campaign, path)
    assert list(result.targets) == ["A", "B"]
    for item in result.targets.values():
        assert item.agreement.docked == item.report.used and item.agreement.docked_rank == pytest.approx(1)
        assert item.agreement.docked_offset == pytest.approx(0, abs=1e-9) and not item.agreement.findings
    assert result.imported.used == sum(item.report.used for item in result.targets.values())
