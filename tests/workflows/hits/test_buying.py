"""Lists that are bought from: undocked, different, without alerts, orderable, good enough; by one teacher."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from docksieve.data.errors import InputError
from docksieve.data.libraries.build import build_library
from docksieve.screening.chemistry.alerts import alerts
from docksieve.screening.queries.molecule import other_ids
from docksieve.screening.queries.query import HitQuery, Selective
from docksieve.screening.queries.score_tables import HitSources
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.hits.ask import ask, hits
from docksieve.workflows.hits.floors import good_score, with_floor
from docksieve.workflows.progress.dockings import docking_words, dockings
from docksieve.workflows.progress.receipts import CampaignReceipts
from docksieve.workflows.progress.status import status


def tried(campaign: Campaign, target: str) -> set[int]:
    files = (campaign.root / "scores").glob(f"round-*/{target}/*.parquet")
    return {row for path in files for row in pq.read_table(path, columns=["row"])["row"].to_pylist()}


@pytest.mark.parametrize("by", ["predicted", "screened"])
def test_what_to_buy_is_undocked_different_and_orderable(finished: Campaign, by: str) -> None:
    answer = ask(finished, HitQuery.to_buy(6, targets=("A",), by=by))
    found = answer.table.to_pandas()
    assert len(found) == 6
    assert not set(found["row"]) & tried(finished, "A")
    assert len(set(found["scaffold"])) == 6 and found["id"].str.startswith("M").all()
    smiles = found["smiles"].tolist()
    assert not any(any(alerts(smiles, name)) for name in ("pains", "brenk", "nih"))
    assert set(found["predicted_round"]) == {2}
    assert any("picked from the best" in note for note in answer.notes)


def test_failed_dockings_are_in_no_list_of_predictions(finished: Campaign) -> None:
    lists = {
        by: set(ask(finished, HitQuery(by=by, top=None, targets=("A",))).table["row"].to_pylist())
        for by in ("predicted", "combined", "screened")
    }
    scored = set(hits(finished, None, "A", by="docked")["row"].to_pylist())
    failed = tried(finished, "A") - scored
    for by, rows in lists.items():
        assert not rows & failed, by
    everything = ask(finished, HitQuery(by="screened", top=None, targets=("A",), with_failed=True)).table
    again = {row["row"]: row["failure"] for row in everything.to_pylist() if row["row"] in failed}
    assert set(again) == failed
    assert set(again.values()) <= {"not_in_table"}


def test_auto_of_undocked_molecules_is_by_prediction(finished: Campaign) -> None:
    one = ask(finished, HitQuery(top=5, targets=("A",), undocked=True)).table
    other = ask(finished, HitQuery(by="predicted", top=5, targets=("A",), undocked=True)).table
    assert one.equals(other) and one.num_rows == 5
    with pytest.raises(InputError, match="no docked score"):
        HitQuery(by="docked", undocked=True)


def test_predictions_are_those_of_the_last_teacher(finished: Campaign) -> None:
    answer = ask(finished, HitQuery(by="predicted", top=None, targets=("A",)))
    assert set(answer.table["predicted_round"].to_pylist()) == {2}
    first = ask(finished, HitQuery(by="predicted", top=None, targets=("A",), rounds=(1,)))
    assert set(first.table["predicted_round"].to_pylist()) == {1}
    left = set(first.table["row"].to_pylist()) - set(answer.table["row"].to_pylist())
    told = [note for note in answer.notes if "teacher of round 2" in note]
    assert bool(left) == bool(told)


def test_a_good_score_is_that_of_the_best_tenth() -> None:
    scores = pa.array([float(-n) for n in range(1, 21)]).to_numpy()
    assert good_score(scores, lower_is_better=True) == -19.0
    assert good_score(scores, lower_is_better=False) == -2.0
    assert good_score(scores[:9], lower_is_better=True) is None


def test_a_floor_is_taken_from_the_seed_sample(finished: Campaign) -> None:
    from docksieve.workflows.hits.ask import hit_sources

    receipts = CampaignReceipts(finished)
    sources = [hit_sources(receipts, name) for name in ("A", "B")]
    asked, (note,) = with_floor(HitQuery(selective=Selective("A", "B")), sources)
    seed = hits(finished, None, "A", "docked_round = 0", by="docked")["docked_score"].to_pylist()
    assert asked.selective is not None
    assert asked.selective.floor == sorted(seed)[round(0.1 * len(seed)) - 1]
    assert "best 10 % of the seed sample" in note and "--floor" in note
    few, (said,) = with_floor(asked.__class__(selective=Selective("C", "B")), [HitSources("C", "", True)] * 2)
    assert few.selective is not None and few.selective.floor is None and "too few" in said


def test_status_counts_every_pick(finished: Campaign) -> None:
    receipts = CampaignReceipts(finished)
    found = dockings(receipts)["A"]
    assert (found.seed, found.picked, found.final) == (
        60,
        30,
        0,
    )  # what is looked up in a table is not docked again
    failed = len(tried(finished, "A")) - len(hits(finished, None, "A", by="docked"))
    assert found.seed_failed + found.picked_failed == failed
    words = docking_words(receipts)
    assert status(finished, receipts).dockings == words and len(words) == 2
    assert words[0].startswith("A: 60 dockings of the seed sample, ")
    assert "30 dockings of molecules picked by prediction" in words[0]


def test_all_ids_of_a_molecule_are_listed(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("ids")
    (folder / "in.smi").write_text("CCO E1\nOCC E2\nCCN A1\nC(O)C E3\n")
    library = build_library(folder / "library", [folder / "in.smi"], workers=1, progress=False)
    assert other_ids(library, [0, 1]) == ["E2, E3", None]
    assert other_ids(library, []) == []
