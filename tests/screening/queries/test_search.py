"""Answers from files against plain pandas: rankings, targets against each other, funnels, boards that end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from docksieve.data.errors import InputError
from docksieve.data.libraries.enumerate import enumerate_library
from docksieve.data.schema import PROPERTY_COLUMNS, SCORES_SCHEMA
from docksieve.data.store import write_table
from docksieve.screening.queries.conditions import conjuncts, read_where
from docksieve.screening.queries.query import HitQuery, Selective, Window
from docksieve.screening.queries.rankings import across_files, ranked_by_files
from docksieve.screening.queries.score_tables import HitSources
from docksieve.screening.queries.search import answer_from
from rdkit import Chem

ROWS = 300


@pytest.fixture(scope="module")
def molecules(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("library")
    library = enumerate_library(folder / "library", limit=ROWS, workers=1, progress=False)
    return pa.Table.from_batches(library.batches()).to_pandas().set_index("row", drop=False)


@pytest.fixture(scope="module")
def frames(molecules: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """What was docked (two rounds, some failed, rounded scores that tie) and predicted, for two targets."""
    rng = np.random.default_rng(9)
    made = {}
    for place, target in enumerate("AB"):
        docked = molecules.loc[rng.permutation(ROWS)[:120], ["row", "id", "smiles"]].copy()
        docked["score"] = np.round(rng.normal(-8, 1, 120), 1)
        docked.loc[docked.index[:7], "score"] = np.nan
        docked["round"] = np.where(np.arange(120) < 60, 0, 1)
        refined = molecules.loc[rng.permutation(ROWS)[:200]].copy()
        refined["mean"] = rng.normal(-8, 1, 200).astype(np.float32)
        refined["spread"] = rng.uniform(0.1, 1, 200).astype(np.float32)
        made[target] = pd.concat({"docked": docked, "refined": refined}, names=["what"]).assign(place=place)
    return made


@pytest.fixture(scope="module")
def sources(
    frames: dict[str, pd.DataFrame], molecules: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, HitSources]:
    folder = tmp_path_factory.mktemp("files")
    made = {}
    for target, frame in frames.items():
        docked: dict[int, list[Path]] = {}
        for number, part in frame.loc["docked"].groupby("round"):
            docked[int(number)] = [scores_file(folder / f"{target}{number:.0f}.parquet", part, target)]
        refined = folder / f"refined-{target}.parquet"
        part = frame.loc["refined"]
        columns = {name: part[name] for name in ("row", "id", "smiles", *PROPERTY_COLUMNS)}
        table = pd.DataFrame({**columns, f"mean:{target}": part["mean"], f"spread:{target}": part["spread"]})
        write_table(refined, pa.Table.from_pandas(table, preserve_index=False))
        selected = folder / f"selected-{target}.parquet"
        properties = molecules[["row", "id", "smiles", *PROPERTY_COLUMNS]]
        write_table(selected, pa.Table.from_pandas(properties, preserve_index=False))
        made[target] = HitSources(
            target,
            "kcal/mol",
            True,
            docked,
            refined={1: [refined]},
            selections=[selected],
            models={1: f"teacher{target}"},
        )
    return made


def scores_file(path: Path, part: pd.DataFrame, target: str) -> Path:
    rows = [
        dict.fromkeys(SCORES_SCHEMA.names)
        | {
            "row": item.row,
            "id": item.id,
            "smiles": item.smiles,
            "target": target,
            "score": None if np.isnan(item.score) else item.score,
            "unit": "kcal/mol",
            "lower_is_better": True,
            "engine": "table",
            "engine_version": "1",
            "settings": "{}",
            "seconds": 0.1,
            "failure": "embed" if np.isnan(item.score) else None,
        }
        for item in part.itertuples(index=False)
    ]
    write_table(path, pa.Table.from_pylist(rows, schema=SCORES_SCHEMA))
    return path


def ask(sources: HitSources, query: HitQuery) -> tuple[pd.DataFrame, dict[str, int]]:
    table, funnel, complete, _ = answer_from(ranked_by_files(sources, query.by, query.caution, 1), query)
    assert complete
    return table.to_pandas(), {step.condition: step.left for step in funnel}


def plainly(frames: dict[str, pd.DataFrame], molecules: pd.DataFrame, target: str) -> pd.DataFrame:
    """Return every molecule with what is known of it, by row."""
    frame = frames[target]
    docked = frame.loc["docked"].set_index("row")[["score", "round"]].dropna()
    refined = frame.loc["refined"].set_index("row")[["mean", "spread"]]
    return molecules.drop(columns="row").join(docked).join(refined)


def test_docked_where_docked_and_cautious_predictions_elsewhere(
    sources: dict[str, HitSources], frames: dict[str, pd.DataFrame], molecules: pd.DataFrame
) -> None:
    known = plainly(frames, molecules, "A")
    for caution in (0.0, 1.0, 2.5):
        combined = known["score"].fillna(known["mean"].astype(float) + caution * known["spread"]).dropna()
        wanted = combined.reset_index().sort_values([combined.name or 0, "row"], kind="stable")
        found, _ = ask(sources["A"], HitQuery(by="combined", caution=caution, top=None, with_failed=True))
        assert found["row"].tolist() == wanted["row"].tolist()
        np.testing.assert_allclose(found["combined_score"], combined.loc[found["row"]])
        assert found["rank"].tolist() == list(range(1, len(found) + 1))


def test_conditions_and_their_funnel_are_those_of_pandas(
    sources: dict[str, HitSources], frames: dict[str, pd.DataFrame], molecules: pd.DataFrame
) -> None:
    known = plainly(frames, molecules, "A").dropna(subset="score")
    query = HitQuery(
        by="docked",
        top=None,
        windows={"weight": Window(200, 330), "fsp3": Window(0.2, None), "donors": Window(1, 1)},
        rules=("lipinski", "veber"),
        has=("C(=O)N",),
        has_not=("[F,Cl]",),
        where="tpsa < 80 AND docked_round = 1",
    )
    found, funnel = ask(sources["A"], query)
    violations = (known.weight > 500) * 1 + (known.logp > 5) + (known.donors > 5) + (known.acceptors > 10)

    def matching(smarts: str) -> pd.Series:
        pattern = Chem.MolFromSmarts(smarts)
        return known.smiles.map(lambda text: Chem.MolFromSmiles(text).HasSubstructMatch(pattern))

    steps = [
        ("weight 200:330", known.weight.between(200, 330)),
        ("fsp3 0.2:", known.fsp3 >= np.float32(0.2)),
        ("donors 1", known.donors == 1),
        ("rule of five", violations <= 1),
        ("veber's rule", (known.rotatable_bonds <= 10) & (known.tpsa <= 140)),
        ("tpsa < 80", known.tpsa < 80),
        ("docked_round = 1", known["round"] == 1),
        ("has C(=O)N", matching("C(=O)N")),
        ("has not [F,Cl]", ~matching("[F,Cl]")),
    ]
    kept = pd.Series(True, known.index)
    expected = {"": len(known)}
    for words, passed in steps:
        kept &= passed
        expected[words] = int(kept.sum())
    assert funnel == expected
    wanted = known[kept].reset_index().sort_values(["score", "row"], kind="stable")["row"].tolist()
    assert found["row"].tolist() == wanted and wanted


def test_enough_is_enough(sources: dict[str, HitSources]) -> None:
    """The best few of an answer are the beginning of all of it, and nobody counts the rest."""
    everything, funnel = ask(sources["A"], HitQuery(by="predicted", top=None, has=("c",)))
    some, none = ask(sources["A"], HitQuery(by="predicted", top=5, has=("c",)))
    pd.testing.assert_frame_equal(some, everything.head(5))
    assert funnel and not none
    nothing, _ = ask(sources["A"], HitQuery(by="predicted", top=0, has=("c",)))
    assert nothing.empty and list(nothing) == list(everything)


def test_better_for_one_target_than_for_another(
    sources: dict[str, HitSources], frames: dict[str, pd.DataFrame], molecules: pd.DataFrame
) -> None:
    one, other = (plainly(frames, molecules, target) for target in "AB")
    difference = (other["score"] - one["score"]).round(6).dropna()
    query = HitQuery(by="docked", top=None, selective=Selective("A", "B", 0.5, floor=None))
    ranked = across_files([sources["A"], sources["B"]], "docked", 1.0, True, 1)
    found = answer_from(ranked, query)[0].to_pandas()
    wanted = (
        difference[difference >= 0.5]
        .rename("d")
        .reset_index()
        .sort_values(["d", "row"], ascending=[False, True])
    )
    assert found["row"].tolist() == wanted["row"].tolist() and len(wanted) > 5
    np.testing.assert_allclose(found["selectivity"], wanted["d"])
    np.testing.assert_allclose(found["score_A"], one["score"].loc[found["row"]])
    np.testing.assert_allclose(found["score_B"], other["score"].loc[found["row"]])
    assert set(found["target"]) == {"A"}


def test_selectivity_of_predictions_is_on_the_safe_side(
    sources: dict[str, HitSources], frames: dict[str, pd.DataFrame], molecules: pd.DataFrame
) -> None:
    one, other = (plainly(frames, molecules, target) for target in "AB")
    wanted = one["score"].fillna(one["mean"].astype(float) + one["spread"])
    avoided = other["score"].fillna(other["mean"].astype(float) - other["spread"])
    difference = (avoided - wanted).dropna()
    ranked = across_files([sources["A"], sources["B"]], "auto", 1.0, True, 1)
    query = HitQuery(top=None, selective=Selective("A", "B", floor=None), with_failed=True)
    found = answer_from(ranked, query)[0].to_pandas()
    assert set(found["row"]) == set(difference.index)
    np.testing.assert_allclose(found["selectivity"], difference.loc[found["row"]], atol=1e-5)
    assert found["selectivity"].is_monotonic_decreasing


def test_the_best_worst_case(
    sources: dict[str, HitSources], frames: dict[str, pd.DataFrame], molecules: pd.DataFrame
) -> None:
    scores = pd.DataFrame({target: plainly(frames, molecules, target)["score"] for target in "AB"}).dropna()
    query = HitQuery(by="docked", top=None, worst_over=("A", "B"))
    found = answer_from(across_files([sources["A"], sources["B"]], "docked", 1.0, False, 1), query)[
        0
    ].to_pandas()
    worst = scores.max(axis=1).rename("worst").reset_index().sort_values(["worst", "row"], kind="stable")
    assert found["row"].tolist() == worst["row"].tolist()
    np.testing.assert_allclose(found["worst_score"], worst["worst"])
    limiting = scores.loc[found["row"]]
    strict = (limiting["A"] != limiting["B"]).to_numpy()
    assert (found["target"][strict] == limiting.idxmax(axis=1).to_numpy()[strict]).all()
    np.testing.assert_allclose(found["docked_score"], worst["worst"])


def test_other_units_are_compared_by_percentiles_or_not_at_all(sources: dict[str, HitSources]) -> None:
    points = replace(sources["B"], unit="points", lower_is_better=False)
    ranked = across_files([sources["A"], points], "docked", 1.0, False, 1)
    table, _, _, notes = answer_from(ranked, HitQuery(by="docked", top=None, worst_over=("A", "B")))
    worst = table["worst_score"].to_numpy()
    assert (np.diff(worst) <= 0).all() and worst.min() >= 0 and worst.max() <= 100
    assert "percentile" in notes[0]
    with pytest.raises(InputError, match="cannot be subtracted"):
        across_files([sources["A"], points], "docked", 1.0, True, 1)


@pytest.mark.parametrize(
    ("where", "parts"),
    [
        ("weight < 3 and logp between 1 and 2", ["(weight < 3)", "(logp BETWEEN 1 AND 2)"]),
        ("weight < 3 or logp > 1 and rings = 1", ["weight < 3 or logp > 1 and rings = 1"]),
        ("id = 'a and b'", ["id = 'a and b'"]),
        (None, []),
        ("  ", []),
    ],
)
def test_conditions_are_taken_apart_at_and(where: str | None, parts: list[str]) -> None:
    assert conjuncts(where) == parts


def test_a_condition_says_which_computed_columns_it_asks_about() -> None:
    stored = pa.schema([("weight", pa.float32()), ("smiles", pa.string())])
    computed = pa.schema([("qed", pa.float64()), ("brenk", pa.string())])
    assert read_where("weight < 3", stored, computed).late == frozenset()
    assert read_where("qed > weight / 500 and brenk = ''", stored, computed).late == {"qed", "brenk"}
    with pytest.raises(InputError, match="Did you mean 'qed'"):
        read_where("qde > 1", stored, computed)


def test_computed_columns_can_be_asked_about(sources: dict[str, HitSources]) -> None:
    everything, _ = ask(sources["A"], HitQuery(by="docked", top=None, add=("qed", "brenk", "scaffold")))
    wanted = everything[(everything.qed > 0.6) & (everything.brenk == "") & (everything.weight < 350)]
    found, funnel = ask(
        sources["A"], HitQuery(by="docked", top=None, where="qed > 0.6 and weight < 350 and brenk = ''")
    )
    assert found["row"].tolist() == wanted["row"].tolist() and len(wanted) > 3
    assert funnel["weight < 350"] == (everything.weight < 350).sum()
    windowed, _ = ask(sources["A"], HitQuery(by="docked", top=None, windows={"qed": Window(0.6, 0.8)}))
    assert windowed["row"].tolist() == everything[everything.qed.between(0.6, 0.8)]["row"].tolist()
    np.testing.assert_allclose(windowed["qed"], everything.set_index("row")["qed"].loc[windowed["row"]])


def test_a_ranking_opens_no_other_file(sources: dict[str, HitSources]) -> None:
    path = sources["A"].docked[0][0]
    with pytest.raises(InputError, match="--where"):
        ask(sources["A"], HitQuery(by="docked", where=f"id in (select id from read_parquet('{path}'))"))
    ranked = ranked_by_files(sources["A"], "docked", 1.0, 1)
    with pytest.raises(duckdb.Error):
        ranked.connection.sql(f"SELECT * FROM '{path}'").fetchall()
    ranked.close()


@pytest.mark.parametrize("by", ["predicted", "combined"])
def test_what_failed_to_dock_is_in_no_list_unless_asked_for(
    sources: dict[str, HitSources], frames: dict[str, pd.DataFrame], by: str
) -> None:
    docked = frames["A"].loc["docked"]
    failed = set(docked[docked["score"].isna()]["row"]) & set(frames["A"].loc["refined"]["row"])
    assert failed
    usual, funnel = ask(sources["A"], HitQuery(by=by, top=None))
    asked, _ = ask(sources["A"], HitQuery(by=by, top=None, with_failed=True))
    assert set(asked["row"]) - set(usual["row"]) == failed
    assert funnel["docking has not failed"] == len(usual) == len(asked) - len(failed)
    assert "failure" not in usual.columns
    assert set(asked[asked["row"].isin(failed)]["failure"]) == {"embed"}
    assert asked[~asked["row"].isin(failed)]["failure"].isna().all()


def test_what_to_buy_was_not_docked_with_or_without_a_score(
    sources: dict[str, HitSources], frames: dict[str, pd.DataFrame]
) -> None:
    tried = set(frames["A"].loc["docked"]["row"])
    found, _ = ask(sources["A"], HitQuery(by="predicted", undocked=True, top=None))
    assert set(found["row"]) == set(frames["A"].loc["refined"]["row"]) - tried
    buy = HitQuery.to_buy(5, where="rings > 1", add=("qed",))
    assert (buy.top, buy.diverse, buy.no_alerts) == (5, "scaffold", ("pains", "brenk", "nih"))
    assert buy.add == ("other_ids", "qed") and buy.where == "(rings > 1\n) AND id <> ''"
    picked, _ = ask(sources["A"], buy)
    assert len(picked) == 5 and not set(picked["row"]) & tried and (picked["rings"] > 1).all()
    assert len(set(picked["scaffold"])) == 5


@pytest.mark.parametrize(
    ("within", "kind"), [(0.0, "maxmin"), (0.3, "maxmin"), (0.3, "scaffold"), (None, "maxmin")]
)
def test_diverse_picks_are_not_bought_with_bad_scores(
    sources: dict[str, HitSources], within: float | None, kind: str
) -> None:
    best, _ = ask(sources["A"], HitQuery(by="predicted", top=None))
    last = best["predicted_mean"][9]
    allowed = float(np.median(best["predicted_spread"][:10])) if within is None else within
    query = HitQuery(by="predicted", top=10, diverse=kind, within=within)
    ranked = ranked_by_files(sources["A"], "predicted", 1.0, 1)
    table, *_, notes = answer_from(ranked, query)
    picked = table.to_pandas()
    assert len(picked) == 10
    assert picked["predicted_mean"].max() <= last + allowed + 1e-6
    pool = int((best["predicted_mean"] <= last + allowed + 1e-6).sum())
    assert any(f"picked from the best {pool:,}" in note for note in notes)
    wide, _ = ask(sources["A"], HitQuery(by="predicted", top=10, diverse=kind, pool=150))
    assert within != 0.0 or set(picked["row"]) == set(best["row"][:10])
    assert kind != "maxmin" or wide["predicted_mean"].max() > last + allowed


def test_selective_molecules_are_good_ones(sources: dict[str, HitSources]) -> None:
    across = [sources["A"], sources["B"]]

    def found(floor: float | None) -> pd.DataFrame:
        ranked = across_files(across, "docked", 1.0, True, 1)
        return answer_from(
            ranked, HitQuery(by="docked", top=None, selective=Selective("A", "B", floor=floor))
        )[0].to_pandas()

    every, good = found(None), found(-8.5)
    assert (good["score_A"] <= -8.5).all() and len(good) == int((every["score_A"] <= -8.5).sum()) < len(every)
    assert good["row"].tolist() == every[every["score_A"] <= -8.5]["row"].tolist()


def test_a_ranking_is_by_one_teacher(sources: dict[str, HitSources], tmp_path: Path) -> None:
    """What only an earlier teacher predicted is left out, and counted; a molecule has the latest prediction."""
    one = sources["A"]
    old = pq.read_table(next(iter(one.refined[1])))
    new = old.slice(0, 50).set_column(
        old.schema.get_field_index("mean:A"), "mean:A", pa.array(np.linspace(-9, -7, 50), pa.float32())
    )
    write_table(tmp_path / "later.parquet", new)
    later = HitSources(**{**vars(one), "refined": {**one.refined, 2: [tmp_path / "later.parquet"]}})
    assert later.ranked_by_round == 2
    query = HitQuery(by="predicted", top=None, with_failed=True)
    table, *_, notes = answer_from(ranked_by_files(later, "predicted", 1.0, 1), query)
    assert table["row"].to_pylist() == new["row"].to_pylist() and set(
        table["predicted_round"].to_pylist()
    ) == {2}
    assert any("150 more molecules" in note and "round 2" in note for note in notes)
    unfinished = HitSources(**{**vars(later), "teacher_round": 1})
    earlier = answer_from(ranked_by_files(unfinished, "predicted", 1.0, 1), query)[0]
    assert set(earlier["predicted_round"].to_pylist()) == {1} and earlier.num_rows == 200
