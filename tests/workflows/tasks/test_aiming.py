"""Campaigns that aim at several targets: what is shortlisted and docked, what receipts say, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from docksieve.data.errors import ConfigError
from docksieve.data.receipts import read_receipt
from docksieve.data.score_keys import KEYS, score_keys
from docksieve.data.store import read_table, write_table
from docksieve.screening.acquisition.aims import Scale
from docksieve.screening.queries.query import HitQuery, Selective
from docksieve.workflows.campaign.campaign import open_campaign
from docksieve.workflows.config.campaign_file import parse_config
from docksieve.workflows.hits.ask import ask
from docksieve.workflows.report.facts import read_facts
from docksieve.workflows.report.funnel import cross_checks, target_passages
from docksieve.workflows.running.submit import submit
from docksieve.workflows.tasks.aiming import aimed_rows, best_known, docked_values
from docksieve.workflows.tasks.settings import AcquireSettings, RankSettings

SELECTIVE = 'aim = { selective = ["A", "B"] }'


def of_one_unit(text: str, small_inputs: Path, folder: Path) -> str:
    """Return the campaign with a second target in the first one's unit, which prefers other molecules."""
    table = (small_inputs / "a.csv").read_text().splitlines()
    rows = []
    for line in table[1:]:
        smiles, score = line.rsplit(",", 1)
        rows.append(f"{smiles},{float(score) + 0.9 * smiles.count('N') - 0.4 * smiles.count('c') / 6:.1f}")
    (folder / "b.csv").write_text("\n".join([table[0], *rows]) + "\n")
    text = text.replace(f'"{small_inputs / "b.csv"}"', f'"{folder / "b.csv"}"')
    return text.replace(
        'unit = "points"\nlower_is_better = false', 'unit = "kcal/mol"\nlower_is_better = true'
    )


def run(folder: Path, text: str, aim: str) -> Path:
    (folder / "campaign.toml").write_text(text.replace("[rounds]\n", f"[rounds]\n{aim}\n"))
    return submit(folder / "campaign.toml", "inline").root


@pytest.fixture(scope="module")
def selective(campaign_text: str, small_inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("selective")
    return run(folder, of_one_unit(campaign_text, small_inputs, folder), SELECTIVE)


def selected(root: Path, group: str, target: str) -> pa.Table:
    return pa.concat_tables([read_table(p) for p in sorted((root / "selections" / group / target).iterdir())])


@pytest.mark.slow
def test_both_targets_of_a_selective_aim_dock_the_molecules_whose_scores_differ_most(selective: Path) -> None:
    for group in ("round-01", "round-02"):
        a, b = (selected(selective, group, target) for target in "AB")
        assert a["row"].to_pylist() == b["row"].to_pylist() and a.num_rows == 15
        gap = b["mean"].to_numpy() - a["mean"].to_numpy()  # lower is better: better for A by so much
        assert a["acquisition"].to_numpy() == pytest.approx(gap, abs=1e-5)
        receipt = read_receipt(selective, f"{group}/acquire")
        assert receipt is not None
        about = receipt.facts["A"]["aim"]
        assert about["kind"] == "selective" and about["targets"] == ["A", "B"]
        assert np.all(a["mean"].to_numpy() <= about["floor"] + 1e-6), "each binds A as the best quarter does"
        refined = pa.concat_tables([read_table(p) for p in (selective / "refined" / group).iterdir()])
        known = np.isin(refined["row"].to_numpy(), a["row"].to_numpy())
        done = np.concatenate(
            [selected(selective, f"round-{n:02d}", "A")["row"].to_numpy() for n in range(int(group[-2:]))]
        )
        free = ~known & ~np.isin(refined["row"].to_numpy(), done)
        free &= refined["mean:A"].to_numpy() <= about["floor"]
        others = (refined["mean:B"].to_numpy() - refined["mean:A"].to_numpy())[free]
        assert len(others) == 0 or others.max() <= gap.min() + 1e-5


@pytest.mark.slow
def test_a_selective_campaign_finds_more_that_is_selective(
    selective: Path, campaign_text: str, small_inputs: Path, tmp_path: Path
) -> None:
    plain = run(tmp_path, of_one_unit(campaign_text, small_inputs, tmp_path), "")

    def best(root: Path) -> float:
        answer = ask(root, HitQuery(by="docked", selective=Selective("A", "B"), top=30))
        return float(np.mean(answer.table["selectivity"].to_numpy()))

    assert best(selective) > best(plain)


@pytest.mark.slow
def test_reports_of_an_aimed_campaign_add_up(selective: Path) -> None:
    facts = read_facts(open_campaign(selective))
    passages = [step for target in facts.campaign.targets for step in target_passages(facts, target)]
    assert [step.problem for step in passages if step.problem] == [] and cross_checks(facts) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["worst_over", "pareto"])
def test_targets_of_different_units_can_share_an_aim(campaign_text: str, tmp_path: Path, kind: str) -> None:
    root = run(tmp_path, campaign_text, f'aim = {{ {kind} = ["B", "A"] }}')
    a, b = (selected(root, "round-01", target)["row"].to_pylist() for target in "AB")
    assert a == b and len(a) == 15
    receipt = read_receipt(root, "round-01/acquire")
    assert receipt is not None and receipt.facts["B"]["aim"]["kind"] == kind


@pytest.mark.parametrize(
    ("rounds", "said"),
    [
        ('aim = { selective = ["A"] }', "selective names two targets"),
        ('aim = { selective = ["A", "C"] }', "aim names 'C', which is no target"),
        ('aim = { worst_over = ["A", "A"] }', "two or more different targets"),
        (
            'aim = { selective = ["A", "B"], pareto = ["A", "B"] }',
            "exactly one of selective, worst_over, pareto",
        ),
        ('aim = { selectiv = ["A", "B"] }', "has no key 'selectiv'"),
        ('aim = { pareto = ["A", "B"] }\nacquisition = "ei"', "cannot aim at a front"),
        ('aim = { pareto = ["A", "B"] }\ndiversity = "scaffold"', "diversity must be none"),
        ('aim = { pareto = ["A", "B"] }\n[cut]\nsweep = 5', "choose one"),
    ],
)
def test_an_aim_that_makes_no_sense_is_named_with_its_line(
    campaign_text: str, rounds: str, said: str
) -> None:
    text = campaign_text.replace("[rounds]\n", f"[rounds]\n{rounds.partition('[cut]')[0]}\n")
    if "[cut]" in rounds:
        text += "\n[cut]\nsweep = 5\n"
    with pytest.raises(ConfigError, match=said) as caught:
        parse_config(text, "campaign.toml")
    assert "campaign.toml, line" in str(caught.value)


def test_scores_in_different_units_cannot_be_subtracted(campaign_text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be subtracted.*kcal/mol, lower.*points, higher"):
        run(tmp_path, campaign_text, SELECTIVE)


def test_a_campaign_without_an_aim_keeps_the_settings_of_its_tasks() -> None:
    for kind in (AcquireSettings, RankSettings):
        fields = {name: None for name in kind.__dataclass_fields__ if name not in ("aim", "avoid_failures")}
        values = kind(**fields).to_json()
        assert "aim" not in values and "avoid_failures" not in values


def table_of(**scores: float | None) -> pa.Table:
    """Dockings of molecules named r0, r1 ...: their row is the number."""
    rows = [int(name[1:]) for name in scores]
    return pa.table({"row": pa.array(rows, pa.int64()), "score": pa.array(scores.values(), pa.float64())})


def test_only_what_is_docked_for_all_targets_has_a_value() -> None:
    a, b = table_of(r1=-9.0, r2=-7.0, r3=None, r4=-8.0), table_of(r4=-8.5, r1=-6.0, r3=-9.0, r7=-5.0)
    scales = [Scale(True), Scale(True)]
    # Of rows 1 and 4: how much better for the first target, and the worse of both.
    assert docked_values("selective", [a, b], scales) == pytest.approx([3.0, -0.5])
    assert docked_values("worst_over", [a, b], scales) == pytest.approx([6.0, 8.0])
    assert best_known("worst_over", [a, b], scales) == pytest.approx(8.0)
    assert best_known("pareto", [a, b], scales) is None
    assert best_known("worst_over", [a, table_of(r9=-3.0)], scales) is None


def test_the_shortlist_of_an_aim_holds_what_is_good_for_it(tmp_path: Path) -> None:
    """The best for the worst of two targets are the best of neither."""
    generator = np.random.default_rng(2)
    a, b = generator.uniform(-10, -4, (2, 500)).astype(np.float32)
    b[::50] = np.nan  # not predictable
    files = []
    for part, rows in enumerate((np.arange(250), np.arange(250, 500))):
        files.append(tmp_path / f"{part}.parquet")
        write_table(files[-1], pa.table({"row": rows, "mean:A": a[rows], "mean:B": b[rows]}))
    histograms = {
        name: np.bincount(score_keys(values, True), minlength=KEYS) for name, values in (("A", a), ("B", b))
    }
    values: dict[str, Any] = dict.fromkeys(RankSettings.__dataclass_fields__)
    aim = {"kind": "worst_over", "targets": ["A", "B"], "one_unit": True}
    lower = {"A": True, "B": True}
    settings = RankSettings(**{**values, "lower_is_better": lower, "keep": {"A": 10, "B": 20}, "aim": aim})
    worst = np.maximum(a, np.nan_to_num(b, nan=np.inf))
    assert aimed_rows(settings, files, histograms).tolist() == sorted(np.argsort(worst)[:20].tolist())
