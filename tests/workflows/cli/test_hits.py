"""``hits``, ``hits show`` and ``compare`` as a user meets them."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from docksieve.data.errors import DocksieveError, InputError
from docksieve.data.libraries.build import build_library
from docksieve.data.schema import POSES_SCHEMA
from docksieve.data.store import read_table, write_table
from docksieve.screening.queries.export import METADATA_KEY, export_hits
from docksieve.screening.queries.query import HitQuery, Selective, Window
from docksieve.workflows.campaign.campaign import Campaign, open_campaign
from docksieve.workflows.cli import hits as cli_hits
from docksieve.workflows.cli.main import app, main
from docksieve.workflows.hits.ask import ask, hits
from docksieve.workflows.hits.card import hit_card
from docksieve.workflows.hits.card_text import card_lines, card_page
from docksieve.workflows.hits.compare import compare
from docksieve.workflows.running.submit import submit
from docksieve.workflows.terminal import hits as terminal_hits
from rdkit import Chem
from typer.testing import CliRunner


@pytest.fixture(scope="module")
def campaign(finished: Campaign) -> Campaign:
    return finished


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[HitQuery]:
    """The questions that commands made, which are not answered."""
    asked: list[HitQuery] = []
    monkeypatch.setattr(terminal_hits, "print_hits", lambda campaign, query, *rest: asked.append(query))
    return asked


def run(*words: object) -> tuple[int, str]:
    """Return exit code and what was said, errors of ours included."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    if isinstance(done.exception, DocksieveError):
        return 2, str(done.exception)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_options_make_the_question(told: list[HitQuery], tmp_path: Path) -> None:
    (tmp_path / "known.smi").write_text("CCO ethanol\nCCN ethylamine\n")
    code, said = run(
        "hits", "here", "--by", "combined", "--top", 0, "--target", "A,B", "--weight", "250:450", "--charge", "-1:1",
        "--spread", ":0.5", "--rules", "lipinski,veber", "--no-alerts", "pains", "--has", "c1ccncc1", "--has", "[N,O]",
        "--has-not", "Br", "--similar-to", "CCC", "--similarity", 0.3, "--novel-against", tmp_path / "known.smi",
        "--novelty", 0.7, "--round", 1, "--round", 2, "--caution", 2, "--per-parent", "--add", "qed,brenk",
        "--where", "novel",
    )  # fmt: skip
    assert code == 0, said
    assert told == [
        HitQuery(
            by="combined",
            top=None,
            targets=("A", "B"),
            windows={
                "weight": Window(250, 450),
                "charge": Window(-1, 1),
                "predicted_spread": Window(None, 0.5),
            },
            rules=("lipinski", "veber"),
            no_alerts=("pains",),
            has=("c1ccncc1", "[N,O]"),
            has_not=("Br",),
            similar_to=("CCC",),
            similarity=0.3,
            novel_against=("CCO", "CCN"),
            novelty=0.7,
            rounds=(1, 2),
            caution=2.0,
            per_parent=True,
            add=("qed", "brenk"),
            where="novel",
        )
    ]
    run("hits", "here", "--selective", "A:B", "--margin", 1.5, "--diverse", "maxmin", "--pool", 400)
    assert told[1] == HitQuery(selective=Selective("A", "B", 1.5), diverse="maxmin", pool=400)
    run("hits", "list", "here", "--worst-over", "A,B")
    assert told[2] == HitQuery(worst_over=("A", "B"))


def test_every_window_has_an_option() -> None:
    from docksieve.screening.queries.query import WINDOWS

    said = run("hits", "--help")[1]
    names = {"predicted_spread": "spread"}
    assert all(f"--{names.get(name, name).replace('_', '-')[:12]}" in said for name in WINDOWS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--has", "c1ccnX"), "character 6"),
        (("--where", "wieght < 3"), "Did you mean 'weight'"),
        (("--where", "1; drop table x"), "not understood"),
        (("--weight", "9:1"), "Did you mean 1:9?"),
        (("--similar-to", "CCX"), "neither a file nor a molecule"),
        (("--selective", "A:Z"), "no target 'Z'"),
        (("--margin", "1"), "--margin"),
        (("--out", "x.xlsx"), ".csv"),
        (("--format", "sfd"), "Did you mean 'sdf'"),
        (("--no-alerts", "pain"), "Did you mean 'pains'"),
        (("--failed", "--has", "c"), "--failed"),
    ],
)
def test_bad_questions_are_explained(campaign: Campaign, words: tuple[str, ...], said: str) -> None:
    code, output = run("hits", campaign.root, *words)
    assert code == 2
    assert said in output


@pytest.mark.parametrize(
    "words", [["hits"], ["hits", "x", "--bogus"], ["status", "--bogus"], ["hits", "show", "x"]]
)
def test_a_wrong_command_line_is_no_bug(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["docksieve", *words])
    with pytest.raises(SystemExit) as caught:
        main()
    said = capsys.readouterr().err
    assert caught.value.code == 2
    assert said.startswith("Usage: ") and "Traceback" not in said


def test_files_say_which_command_made_them(
    campaign: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = ask(campaign, HitQuery(top=4, targets=("A",), add=("qed",))).table
    for kind in ("csv", "json", "parquet", "smi", "sdf"):
        words = [
            "hits",
            str(campaign.root),
            "--top",
            "4",
            "--target",
            "A",
            "--add",
            "qed",
            "--out",
            f"{tmp_path}/h.{kind}",
        ]
        monkeypatch.setattr(cli_hits.sys, "argv", ["docksieve", *words])
        assert run(*words)[0] == 0
    made = f"docksieve hits {campaign.root} --top 4 --target A --add qed --out {tmp_path}/h."
    table = pd.read_csv(tmp_path / "h.csv")
    assert table["smiles"].tolist() == expected["smiles"].to_pylist()
    assert table["command"][0].startswith(f"{made}csv  # docksieve 0.")
    assert table["command"][1:].isna().all()
    records = json.loads((tmp_path / "h.json").read_text())
    assert records[0].pop("command").startswith(f"{made}json")
    assert records == expected.to_pylist()
    parquet = pq.read_table(tmp_path / "h.parquet")
    assert parquet.equals(expected)
    assert json.loads(parquet.schema.metadata[METADATA_KEY.encode()])["command"].startswith(f"{made}parquet")
    assert (tmp_path / "h.smi").read_text().startswith(f"# {made}smi")
    supplier = Chem.SmilesMolSupplier(str(tmp_path / "h.smi"), delimiter="\t", titleLine=False)
    assert [molecule.GetProp("_Name") for molecule in supplier] == expected["id"].to_pylist()
    assert build_library(tmp_path / "again", [tmp_path / "h.smi"], workers=1, progress=False).rows == 4
    molecules = list(Chem.SDMolSupplier(str(tmp_path / "h.sdf")))
    assert all(molecule.GetProp("command").startswith(f"{made}sdf") for molecule in molecules)
    assert float(molecules[0].GetProp("qed")) == expected["qed"][0].as_py()


def test_a_missing_pose_loses_no_other_hit(campaign: Campaign, tmp_path: Path) -> None:
    found = hits(campaign, 3, "A").drop_columns(["pose", "final_pose"])
    block = Chem.MolToMolBlock(Chem.MolFromSmiles("CCO"))
    rows = [{"id": "x", "target": "A", "rank": 0, "score": -1.0, "molblock": block}]
    write_table(tmp_path / "poses" / "p.parquet", pa.Table.from_pylist(rows, schema=POSES_SCHEMA))
    poses = ["poses/p.parquet#0", "poses/gone.parquet#0", "poses/p.parquet#7"]
    found = found.append_column("pose", pa.array(poses))
    problems = export_hits(found, "sdf", tmp_path / "h.sdf", tmp_path)
    molecules = list(Chem.SDMolSupplier(str(tmp_path / "h.sdf")))
    assert [molecule.GetProp("structure") for molecule in molecules] == [
        "docked pose",
        "drawing, pose missing",
        "drawing, pose missing",
    ]
    assert problems.hits == found["id"].to_pylist()[1:]
    error = problems.as_error(3)
    assert error is not None and "gone.parquet is missing and 1 more" in str(error)


def test_formulas_in_ids_are_neutralised(tmp_path: Path) -> None:
    ids = ["=HYPERLINK(1)", "+1", "-2", "@x", "\tx", "plain", "<b>"]
    table = pa.table({"id": ids, "smiles": ["[O-]C"] * 7, "unit": ["=u"] * 7, "score": [-1.5] * 7})
    export_hits(table, "csv", tmp_path / "h.csv", tmp_path)
    with (tmp_path / "h.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["id"] for row in rows] == [*(f"'{text}" for text in ids[:5]), "plain", "<b>"]
    assert {(row["smiles"], row["unit"], row["score"]) for row in rows} == {("[O-]C", "'=u", "-1.5")}


def test_the_funnel_and_the_columns_are_told(campaign: Campaign) -> None:
    said = run(
        "hits",
        campaign.root,
        "--target",
        "A",
        "--by",
        "screened",
        "--has",
        "c1ccncc1",
        "--weight",
        ":250",
        "--funnel",
    )[1]
    assert "400 molecules are ranked" in said and "has c1ccncc1" in said and "weight :250" in said
    columns = run("hits", "--columns")[1]
    assert "predicted_spread" in columns and "qed" in columns


@pytest.mark.slow
def test_everything_known_of_one_molecule(campaign: Campaign, tmp_path: Path) -> None:
    best = hits(campaign, 1, "A").to_pylist()[0]
    card = hit_card(campaign, best["id"])
    again = [
        hit_card(campaign, text) for text in (f"row:{best['row']}", str(best["row"]), f"C.{best['smiles']}")
    ]
    assert all(other.row == card.row == best["row"] for other in again)
    docked = hits(campaign, None, "A", by="docked").to_pandas()
    record = card.targets["A"]["docked"][0]
    assert record["score"] == best["docked_score"]
    assert record["place"]["place"] == 1 + (docked.docked_score < best["docked_score"]).sum()
    assert record["place"]["of"] == len(docked)
    files = sorted((campaign.root / "predictions" / "round-02").glob("*.parquet"))
    means = pd.concat(map(pd.read_parquet, files)).set_index("row")["mean:B"]
    student = card.targets["B"]["student"][-1]
    assert (student["round"], student["mean"]) == (2, pytest.approx(means[card.row]))
    assert student["place"]["place"] == 1 + (means > means[card.row]).sum()
    assert card.origin["file"].endswith("in.smi")
    line = Path(card.origin["file"]).read_text().splitlines()[card.origin["record"] - 1]
    assert line.split()[1] == card.id
    assert len(card.neighbours) == 5
    assert [item["similarity"] for item in card.neighbours] == sorted(
        (item["similarity"] for item in card.neighbours), reverse=True
    )
    code, said = run("hits", "show", campaign.root, best["id"], "--json", "--out", tmp_path / "m.svg")
    assert code == 0 and json.loads(said[said.index("{") :]) == card.to_json()
    assert "<svg" in (tmp_path / "m.svg").read_text()
    assert any(best["smiles"] in line for line in card_lines(card))


@pytest.mark.parametrize("asked", ["nobody", "row:400", "row:x", "CCO", "C1CC", "400"])
def test_a_molecule_that_is_not_there(campaign: Campaign, asked: str) -> None:
    with pytest.raises(InputError, match=r"no molecule|no row"):
        hit_card(campaign, asked)


def test_ids_that_several_molecules_share_or_that_hold_html(
    campaign_text: str, small_inputs: Path, tmp_path: Path
) -> None:
    lines = (small_inputs / "in.smi").read_text().splitlines()
    names = ["same", "same", "<script>alert(1)</script>", *(line.split()[1] for line in lines[3:])]
    text = [f"{line.split()[0]} {name}" for line, name in zip(lines, names, strict=True)]
    (tmp_path / "in.smi").write_text("\n".join([*text, f"{lines[5].split()[0]} twin"]) + "\n")
    build_library(tmp_path / "library", [tmp_path / "in.smi"], workers=1, progress=False)
    changed = campaign_text.replace(str(small_inputs / "library"), str(tmp_path / "library"))
    (tmp_path / "campaign.toml").write_text(changed.replace("count = 2", "count = 0"))
    made = submit(tmp_path / "campaign.toml", "inline")
    with pytest.raises(InputError, match="2 molecules have the id 'same': row:0"):
        hit_card(made, "same")
    page = card_page(hit_card(made, "row:2"))
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page
    twin = hit_card(made, "twin")
    assert twin.id == names[5] and "duplicate" in twin.notes[0]
    assert [item["id"] for item in twin.origin["also"]] == ["twin"]


def test_a_campaign_and_its_copy_agree(campaign: Campaign, tmp_path: Path) -> None:
    shutil.copytree(campaign.root, tmp_path / "copy")
    state = json.loads((tmp_path / "copy" / "campaign.json").read_text())
    state["library"]["path"] = str(campaign.library_path.resolve())
    state["config"]["rounds"]["beta"] = 3.5
    (tmp_path / "copy" / "campaign.json").write_text(json.dumps(state))
    found = compare(campaign, open_campaign(tmp_path / "copy"))
    assert found.same_library and set(found.agreements) == {"A", "B"}
    for by_kind in found.agreements.values():
        assert set(by_kind) == {"docked", "predicted", "screened"}
        for item in by_kind.values():
            assert all(overlap.shared == overlap.depth for overlap in item.overlaps)
            assert item.correlation is not None and item.correlation.value == pytest.approx(1)
    assert [(item.what, item.first, item.second) for item in found.differences] == [("rounds.beta", 2.0, 3.5)]
    code, said = run("compare", campaign.root, tmp_path / "copy")
    assert code == 0 and "rounds.beta" in said and "What differs" in said


def test_two_rounds_are_compared(campaign: Campaign) -> None:
    found = compare(campaign, rounds=(1, 2))
    docked = hits(campaign, None, "A", by="docked").to_pandas()
    first = docked[docked.docked_round <= 1]
    item = found.agreements["A"]["docked"]
    assert (item.first, item.second) == (len(first), len(docked))
    assert item.overlaps[0].shared == len(set(first["row"].head(10)) & set(docked["row"].head(10)))
    leaderboards = [
        read_table(campaign.root / "leaderboards" / f"round-0{number}" / "A.parquet").to_pandas()
        for number in (1, 2)
    ]
    screened = found.agreements["A"]["screened"]
    for overlap in screened.overlaps:
        assert overlap.shared == len(
            set(leaderboards[0]["row"][: overlap.depth]) & set(leaderboards[1]["row"][: overlap.depth])
        )
    both = leaderboards[0].merge(leaderboards[1], on="row")
    rank = both["predicted_mean_x"].corr(both["predicted_mean_y"], method="spearman")
    assert screened.correlation is not None and screened.correlation.value == pytest.approx(rank, abs=1e-6)
    plain = found.to_json()
    assert plain["agreements"]["A"]["docked"]["overlaps"][0]["depth"] == 10
    assert any(item["what"] == "train model" for item in plain["differences"])


@pytest.mark.slow
def test_other_libraries_are_matched_by_smiles(
    campaign: Campaign, campaign_text: str, small_inputs: Path, tmp_path: Path
) -> None:
    lines = (small_inputs / "in.smi").read_text().splitlines()[::-1]
    (tmp_path / "in.smi").write_text("\n".join(lines[:300]) + "\n")
    build_library(tmp_path / "library", [tmp_path / "in.smi"], workers=1, progress=False)
    changed = campaign_text.replace(str(small_inputs / "library"), str(tmp_path / "library"))
    (tmp_path / "campaign.toml").write_text(changed.replace("count = 2", "count = 0"))
    other = submit(tmp_path / "campaign.toml", "inline")
    found = compare(campaign, other)
    left, right = (
        hits(side, None, "A", by="docked").to_pandas().set_index("smiles") for side in (campaign, other)
    )
    item = found.agreements["A"]["docked"]
    assert item.common == len(set(left.index) & set(right.index)) > 3
    assert "matched by their standard SMILES" in " ".join(found.notes)
    assert {"library rows", "library fingerprint", "rounds.count"} <= {
        item.what for item in found.differences
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "two campaigns, or two rounds"),
        (("--rounds", 1, 1), "with itself"),
        (("--rounds", 1, 9), "no round 9"),
        (("nowhere",), "no campaign at nowhere"),
    ],
)
def test_what_cannot_be_compared(campaign: Campaign, words: tuple[object, ...], said: str) -> None:
    code, output = run("compare", campaign.root, *words)
    assert (code, said in output) == (2, True)
