"""The report's numbers are those of the files: hits, predictions, quality, provenance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from docksieve.data.receipts import read_receipt
from docksieve.data.store import read_table
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.hits.ask import hits
from docksieve.workflows.report.facts import read_facts
from docksieve.workflows.report.report import contents_of

from .pages import parsed


def test_the_best_molecules_are_those_of_hits_with_scores_apart(
    finished: Campaign, written: tuple[Path, str]
) -> None:
    page = parsed(written[0])
    cards = page.of("article", "card")
    wanted = hits(finished, top=60).to_pylist()
    assert [card["data-name"] for card in cards] == [row["id"] for row in wanted]
    for card, row in zip(cards, wanted, strict=True):
        assert float(card["data-dockedscore"] or "nan") == pytest.approx(row["docked_score"])
        assert float(card["data-weight"] or "nan") == pytest.approx(row["weight"], rel=1e-6)
    assert (
        len(cards) < len(page.of("svg", "mol")) <= len(cards) + len(page.of("div", "card"))
    )  # and scaffolds
    assert len(page.of("select")) == 2


def test_predictions_on_cards_were_made_before_docking_or_say_so(finished: Campaign) -> None:
    from docksieve.workflows.report.cards import prediction_shown

    facts = read_facts(finished)
    chosen = facts.chosen("round-01", "A").to_pylist()[0]
    row = {
        "row": chosen["row"],
        "predicted_mean": -1.0,
        "predicted_spread": 0.5,
        "predicted_round": 2,
        "docked_round": 1,
    }
    made = {chosen["row"]: (chosen["mean"], chosen["spread"], 1)}
    assert prediction_shown(row, made) == (chosen["mean"], chosen["spread"], "round 1, before docking")
    assert prediction_shown(row, {}) == (-1.0, 0.5, "round 2, after docking")
    assert prediction_shown({**row, "predicted_mean": None}, {}) == (None, None, "")


def test_the_honest_test_uses_the_predictions_that_chose_the_molecules(finished: Campaign) -> None:
    facts = read_facts(finished)
    test = contents_of(facts).findings["A"].honest
    assert test is not None
    errors = []
    for group in ("round-01", "round-02"):
        scores = {r["row"]: r["score"] for r in facts.docked(group, "A").table.to_pylist()}
        for path in (finished.root / "selections" / group / "A").glob("*.parquet"):
            rows = read_table(path).to_pylist()
            errors += [scores[r["row"]] - r["mean"] for r in rows if scores[r["row"]] is not None]
    assert test.molecules == len(errors)
    assert test.rmse.value == pytest.approx(float(np.sqrt(np.mean(np.square(errors)))))
    assert test.bias.value == pytest.approx(float(np.mean(errors)))
    assert test.rmse.low <= test.rmse.value <= test.rmse.high


def test_what_was_missed_is_told_where_a_table_knows_all_scores(finished: Campaign) -> None:
    facts = read_facts(finished)
    for target, sign in (("A", 1), ("B", -1)):
        found = contents_of(facts).findings[target].retrospect
        assert found is not None and found.best == 4 and found.scored == 395
        folder = finished.library_path.parent
        lines = (folder / f"{target.lower()}.csv").read_text().splitlines()[1:]
        truth = sorted(sign * float(line.rsplit(",", 1)[1]) for line in lines)[:4]
        docked = sorted(sign * s for group in facts.groups() for s in facts.docked(group, target).scores)
        missing = list(truth)
        for score in docked:
            if score in missing:
                missing.remove(score)
        assert found.by_score == pytest.approx(1 - len(missing) / 4)


def test_the_summary_is_text_that_a_terminal_can_print(written: tuple[Path, str]) -> None:
    text = written[1]
    assert text.startswith("small: complete")
    assert "A: 90 dockings of screened molecules" in text
    assert "4.4 times fewer than the 400 of the library" in text
    assert "raise [rounds] count" in text
    text.encode("ascii")


def test_provenance_names_models_seeds_and_files(finished: Campaign, written: tuple[Path, str]) -> None:
    words = parsed(written[0]).words
    for name in ("round-01/train", "round-02/distil"):
        receipt = read_receipt(finished.root, name)
        assert receipt is not None and receipt.facts["model"] in words
    assert finished.state["library"]["fingerprint"] in words
    assert "Campaign file" in words and "dock_batch = 8" in words
    assert finished.targets["A"]["scores_sha256"] in words
    assert f"docksieve retrain {finished.root} --scores new.csv --target A" in words
