"""Commands that ask a campaign: what they print is what the functions behind them say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.cli import results
from docksieve.workflows.hits.ask import hits
from docksieve.workflows.hits.card import hit_card
from docksieve.workflows.hits.compare import compare
from typer.testing import CliRunner

from .running import run


def test_two_rounds_are_compared(finished: Campaign) -> None:
    found = compare(finished, rounds=(1, 2))
    shown = run("compare", finished.root, "--rounds", 1, 2)
    assert shown.returncode == 0, shown.stderr
    assert f"{found.first}  against  {found.second}" in shown.stdout
    assert "A, by the student's prediction of the library: 400 and 400 molecules" in shown.stdout
    as_json = json.loads(run("compare", finished.root, "--rounds", 1, 2, "--json").stdout)
    assert as_json == found.to_json()


def test_a_card_is_printed_drawn_and_written(finished: Campaign, tmp_path: Path) -> None:
    best = hits(finished, top=1).to_pylist()[0]
    card = hit_card(finished.root, best["id"], 3)
    shown = run("hits", "show", finished.root, best["id"], "--json", "--neighbours", 3)
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout) == json.loads(json.dumps(card.to_json()))
    for name, begins in (("card.svg", "<svg"), ("card.html", "<!doctype html>")):
        done = run("hits", "show", finished.root, best["id"], "--out", tmp_path / name)
        assert f"Wrote {tmp_path / name}." in done.stderr and best["id"] in done.stdout
        assert begins in (tmp_path / name).read_text()[:300]
    refused = run("hits", "show", finished.root, best["id"], "--out", tmp_path / "card.pdf")
    assert refused.returncode == 2 and "is neither a drawing nor a page" in refused.stderr


def test_a_report_is_written_where_it_is_wanted(finished: Campaign, tmp_path: Path) -> None:
    done = run("report", finished.root, "--out", tmp_path / "mine.html")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mine.html").read_text().startswith("<!doctype html>")
    assert "small: complete" in done.stdout + done.stderr


def test_models_are_listed_with_their_rounds(finished: Campaign) -> None:
    shown = run("models", "list", finished.root).stdout
    for name in ("round-01/teacher", "round-01/student", "round-02/teacher", "round-02/student"):
        assert name in shown
    none = run("models", "show", finished.root, "round-07/teacher")
    assert none.returncode == 2 and "round-07/teacher" in none.stderr


@pytest.fixture
def retrained(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[object, ...], dict[str, object]]]:
    """What the command hands to the function behind it."""
    found: list[tuple[tuple[object, ...], dict[str, object]]] = []
    monkeypatch.setattr(
        "docksieve.workflows.retraining.retrain.retrain",
        lambda *words, **options: found.append((words, options)),
    )
    monkeypatch.setattr("docksieve.workflows.terminal.retrain.print_retrain", lambda *_: None)
    return found


@pytest.mark.parametrize(
    ("options", "columns"),
    [
        ([], {}),
        (["--smiles-column", "2", "--score-column", "dG"], {"smiles_column": 2, "score_column": "dG"}),
        (["--id-column", "-1"], {"id_column": "-1"}),
        (["--id-column", ""], {}),
    ],
)
def test_columns_are_named_by_name_or_number(
    retrained: list[tuple[tuple[object, ...], dict[str, object]]],
    options: list[str],
    columns: dict[str, object],
) -> None:
    app = typer.Typer()
    results.register(app)
    done = CliRunner().invoke(
        app, ["retrain", "campaign", "--scores", "new.csv", "--higher-is-better", *options]
    )
    assert done.exit_code == 0, done.output
    ((words, given),) = retrained
    assert words == (Path("campaign"), Path("new.csv"), None)
    assert given["columns"] == columns
    assert (given["lower_is_better"], given["promote"], given["force"]) == (False, False, False)


def test_where_nothing_is_said_of_the_direction_it_is_looked_up(
    retrained: list[tuple[tuple[object, ...], dict[str, object]]],
) -> None:
    app = typer.Typer()
    results.register(app)
    assert CliRunner().invoke(app, ["retrain", "campaign", "--scores", "new.csv"]).exit_code == 0
    assert retrained[0][1]["lower_is_better"] is None


def test_rates_are_the_same_as_a_table_and_as_json(finished: Campaign) -> None:
    groups = json.loads(run("throughput", finished.root, "--json").stdout)
    assert {"bound"} <= set(groups[0]) and len(groups) >= 1
    shown = run("throughput", finished.root)
    assert shown.returncode == 0 and shown.stdout.strip()
