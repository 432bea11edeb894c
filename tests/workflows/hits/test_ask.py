"""Questions to a finished campaign, against pandas on the same files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from docksieve.data.errors import CampaignError, InputError
from docksieve.hpc.sites.read import load_site
from docksieve.screening.queries.query import HitQuery, Selective, Window
from docksieve.screening.ranking import leaderboard
from docksieve.workflows.campaign.begin import begin_or_resume
from docksieve.workflows.campaign.campaign import Campaign, open_campaign
from docksieve.workflows.hits.ask import ask, hits
from docksieve.workflows.hits.molecules import given_molecules
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator


@pytest.fixture(scope="module")
def short(copy_small_campaign: Callable[[], Path], vouch: Callable[[Path], None]) -> Campaign:
    """The same campaign, its leaderboards of sixty molecules."""
    campaign = open_campaign(copy_small_campaign())
    from docksieve.data.libraries.library import Library
    from docksieve.screening.ranking.top_k import merge_histograms

    for target, spec in campaign.targets.items():
        path = campaign.root / "leaderboards" / "round-02" / f"{target}.parquet"
        predictions = sorted((campaign.root / "predictions" / "round-02").glob("*.parquet"))
        histograms = sorted((campaign.root / "histograms" / "round-02").glob("*.parquet"))
        library = Library.open(campaign.library_path)
        leaderboard.write_leaderboard(
            path,
            predictions,
            merge_histograms(histograms, target),
            library,
            target,
            spec["lower_is_better"],
            rows=60,
        )
    vouch(campaign.root)
    return campaign


def screened(campaign: Campaign, target: str) -> pd.DataFrame:
    """Return the library with the last student's predictions, best first."""
    library = pa.Table.from_batches(campaign.open_library().batches()).to_pandas()
    files = (campaign.root / "predictions" / "round-02").glob("*.parquet")
    known = library.merge(pd.concat(map(pd.read_parquet, files)), on="row")
    sign = 1 if campaign.targets[target]["lower_is_better"] else -1
    known["order"] = sign * known[f"mean:{target}"]
    return known.sort_values(["order", "row"]).reset_index(drop=True)


def matching(smiles: pd.Series, smarts: str) -> pd.Series:
    pattern = Chem.MolFromSmarts(smarts)
    return smiles.map(lambda text: Chem.MolFromSmiles(text).HasSubstructMatch(pattern))


def similarity(smiles: pd.Series, to: list[str]) -> pd.Series:
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2)
    known = [generator.GetSparseFingerprint(Chem.MolFromSmiles(text)) for text in to]
    return smiles.map(
        lambda text: max(
            DataStructs.BulkTanimotoSimilarity(
                generator.GetSparseFingerprint(Chem.MolFromSmiles(text)), known
            )
        )
    )


@pytest.mark.parametrize("target", ["A", "B"])
def test_chemistry_over_the_whole_library(finished: Campaign, target: str) -> None:
    known = screened(finished, target)
    query = HitQuery(
        by="screened",
        top=15,
        targets=(target,),
        windows={"weight": Window(150, 280)},
        has=("C(=O)N",),
        has_not=("[F,Cl]",),
        similar_to=("O=C(NCc1ccccc1)c1ccccc1", "C1COCCN1"),
        similarity=0.25,
        novel_against=("O=C(NC1CC1)c1ccccc1",),
        novelty=0.6,
    )
    answer = ask(finished, query)
    near = similarity(known.smiles, list(query.similar_to))
    far = similarity(known.smiles, list(query.novel_against))
    kept = (
        known.weight.between(150, 280) & matching(known.smiles, "C(=O)N") & ~matching(known.smiles, "[F,Cl]")
    )
    kept &= (near >= 0.25) & (far < 0.6)
    wanted = known[kept].head(15)
    found = answer.table.to_pandas()
    assert found["row"].tolist() == wanted["row"].tolist() and len(wanted) == 15
    np.testing.assert_allclose(found["query_similarity"], near[wanted.index], atol=1e-6)
    np.testing.assert_allclose(found["known_similarity"], far[wanted.index], atol=1e-6)
    assert set(found["query_match"]) <= set(query.similar_to)
    assert answer.complete and not answer.notes


def test_docked_scores_can_be_asked_about_in_the_whole_library(finished: Campaign) -> None:
    everything = ask(
        finished, HitQuery(by="screened", top=None, targets=("A",), with_failed=True)
    ).table.to_pandas()
    assert len(everything) == 400
    query = HitQuery(
        by="screened", top=7, targets=("A",), where="docked_score is null and rings > 1", with_failed=True
    )
    answer = ask(finished, query)
    wanted = everything[everything.docked_score.isna() & (everything.rings > 1)]
    assert answer.table["row"].to_pylist() == wanted["row"].head(7).tolist()
    final = hits(finished, None, "A", by="final").to_pandas().set_index("row")["final_score"].dropna()
    assert everything.set_index("row")["final_score"].dropna().to_dict() == final.to_dict()


def test_where_the_leaderboard_ends(short: Campaign) -> None:
    """Properties are looked for in the whole library; for chemistry the answer says how far it looked."""
    known = screened(short, "A")
    query = HitQuery(
        by="screened", top=50, targets=("A",), where="rings > 1", windows={"donors": Window(1, 1)}
    )
    answer = ask(short, query)
    wanted = known[(known.rings > 1) & (known.donors == 1)].head(50)
    assert answer.table["row"].to_pylist() == wanted["row"].tolist() and len(wanted) == 50
    assert answer.complete and "whole library" in answer.notes[0]
    answer = ask(short, HitQuery(by="screened", top=50, targets=("A",), has=("c1ccncc1",)))
    inside = known.head(60)
    assert answer.table["row"].to_pylist() == inside[matching(inside.smiles, "c1ccncc1")]["row"].tolist()
    assert not answer.complete and "best 60 molecules" in answer.notes[0]
    assert [step.condition for step in answer.funnel[1:]] == ["docking has not failed", "has c1ccncc1"]
    assert [step.left for step in answer.funnel] == [60, 60, len(answer)]


def test_one_form_of_each_compound_and_picks_that_differ(finished: Campaign) -> None:
    pool = ask(finished, HitQuery(by="screened", top=40, targets=("A",))).table
    spread = ask(finished, HitQuery(by="screened", top=8, targets=("A",), diverse="scaffold", pool=40)).table
    assert set(spread["row"].to_pylist()) <= set(pool["row"].to_pylist())
    assert len(set(spread["scaffold"].to_pylist())) == 8
    assert spread["rank"].to_pylist() == sorted(spread["rank"].to_pylist())
    far = ask(finished, HitQuery(by="screened", top=8, targets=("A",), diverse="maxmin", pool=40)).table
    assert far["row"][0] == pool["row"][0] and far.num_rows == 8
    once = ask(
        finished, HitQuery(by="screened", top=40, targets=("A",), per_parent=True, add=("parent",))
    ).table
    assert len(set(once["parent"].to_pylist())) == 40


def test_rounds_and_models(finished: Campaign) -> None:
    docked = hits(finished, None, "A", by="docked").to_pandas()
    for number in (0, 1, 2):
        part = ask(finished, HitQuery(by="docked", top=None, targets=("A",), rounds=(number,))).table
        assert set(part["row"].to_pylist()) == set(docked[docked.docked_round == number]["row"])
    first = ask(finished, HitQuery(by="screened", top=5, targets=("A",), rounds=(1,))).table
    assert set(first["predicted_round"].to_pylist()) == {1}
    predicted = ask(finished, HitQuery(by="predicted", top=None, targets=("A",))).table.to_pandas()
    model = predicted.model.iloc[0]
    part = ask(finished, HitQuery(by="predicted", top=None, targets=("A",), model=model[:8])).table
    assert part["row"].to_pylist() == predicted[predicted.model == model]["row"].tolist()
    with pytest.raises(InputError, match="no round 9"):
        ask(finished, HitQuery(rounds=(9,)))


def test_targets_against_each_other(finished: Campaign) -> None:
    """Units differ here (kcal/mol and points): only ranks can be compared."""
    for by in ("auto", "screened", "predicted"):
        answer = ask(finished, HitQuery(by=by, top=None, worst_over=("A", "B")))
        assert answer.table.num_rows > 50, by
        assert any("percentile" in note for note in answer.notes)
        assert (np.diff(answer.table["worst_score"].to_numpy()) <= 0).all()
        with pytest.raises(InputError, match="cannot be subtracted"):
            ask(finished, HitQuery(by=by, selective=Selective("A", "B")))
    known = screened(finished, "A").merge(
        screened(finished, "B")[["row", "order"]], on="row", suffixes=("_a", "_b")
    )
    known["worst"] = 100 - 100 * (known[["order_a", "order_b"]].rank(method="first").max(axis=1) - 1) / len(
        known
    )
    top = ask(finished, HitQuery(by="screened", top=10, worst_over=("A", "B"))).table
    best = known.sort_values(["worst"], ascending=False).head(10)["worst"].to_numpy()
    np.testing.assert_allclose(top["worst_score"].to_numpy(), best, atol=0.5)


def test_a_running_campaign_answers_from_what_is_finished(
    finished: Campaign, campaign_text: str, tmp_path: Path
) -> None:
    (tmp_path / "campaign.toml").write_text(campaign_text)
    fresh = begin_or_resume(tmp_path / "campaign.toml", load_site("inline"))
    answer = ask(fresh, HitQuery())
    assert len(answer) == 0
    assert answer.notes[0].startswith("The campaign is")
    with pytest.raises(CampaignError, match="not been ranked"):
        ask(fresh, HitQuery(by="screened"))
    assert answer.table.schema.equals(ask(finished, HitQuery(top=1)).table.schema)


def test_no_hits_and_why(finished: Campaign) -> None:
    answer = ask(finished, HitQuery(targets=("A",), has=("C1=CC=CN=C1",)))
    assert len(answer) == 0
    assert [step.left for step in answer.funnel][1] == 0
    assert "did you mean c1ccncc1" in answer.notes[-1]
    with pytest.raises(InputError, match="no target 'Q'"):
        ask(finished, HitQuery(targets=("Q",)))


def test_molecules_are_brought_along_in_any_form(tmp_path: Path) -> None:
    (tmp_path / "known.smi").write_text("CCO ethanol\nnot_a_molecule x\nCCN.Cl amine\n")
    (tmp_path / "known.csv").write_text("id,smiles\n1,c1ccccc1\n2,CCO\n")
    block = Chem.MolToMolBlock(Chem.MolFromSmiles("CC(=O)O"))
    (tmp_path / "known.sdf").write_text(f"acid{block}$$$$\n")
    names = [str(tmp_path / f"known.{kind}") for kind in ("smi", "csv", "sdf")]
    found, notes = given_molecules([*names, "CCC"], "--similar-to")
    assert found == ("CCO", "CCN", "c1ccccc1", "CC(=O)O", "CCC")
    assert len(notes) == 1 and "1 of 3 molecules cannot be read" in notes[0] and "line 2" in notes[0]
    (tmp_path / "empty.smi").write_text("nonsense_only x\n")
    for value in (str(tmp_path / "empty.smi"), "no_such_file.smi", "C1CC"):
        with pytest.raises(InputError):
            given_molecules([value], "--similar-to")
