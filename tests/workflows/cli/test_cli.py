"""The command line as a user meets it: answers on standard output, errors in one paragraph, exit codes."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from docksieve.data.libraries.library import Library
from docksieve.workflows.hits.ask import failures, hits
from docksieve.workflows.progress.throughput import throughput
from rdkit import Chem

from .running import run, run_process


@pytest.fixture(scope="module")
def campaign(copy_small_campaign: Callable[[], Path]) -> Path:
    return copy_small_campaign()


def test_help_names_the_three_jobs() -> None:
    text = run_process("--help").stdout
    assert all(command in text for command in ("submit", "hits", "retrain", "status", "cancel", "library"))


def test_init_writes_a_file_once(tmp_path: Path) -> None:
    assert run("init", "mine.toml", "--library", "lib", cwd=tmp_path).returncode == 0
    assert 'path = "lib"' in (tmp_path / "mine.toml").read_text()
    again = run_process("init", "mine.toml", cwd=tmp_path)
    assert again.returncode == 2
    assert "exists already" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("submit", "none.toml"), "none.toml does not exist"),
        (("status", "nowhere"), "no campaign at nowhere"),
        (("hits", "nowhere"), "no campaign at nowhere"),
        (("throughput", "nowhere"), "no campaign at nowhere"),
        (("retrain", "nowhere", "--scores", "x.csv"), "no campaign at nowhere"),
        (("models", "list", "nowhere"), "no campaign at nowhere"),
        (("cancel", "nowhere"), "no campaign at nowhere"),
    ],
)
def test_errors_are_one_paragraph_with_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_hits_in_every_format_say_the_same(campaign: Path, tmp_path: Path) -> None:
    expected = hits(campaign, top=7, target="A")
    options = ("--target", "A", "--top", "7")
    as_json = json.loads(run("hits", campaign, *options, "--format", "json").stdout)
    assert as_json == expected.to_pylist()
    as_csv = list(
        csv.DictReader(io.StringIO(run_process("hits", campaign, *options, "--format", "csv").stdout))
    )
    assert [row["id"] for row in as_csv] == expected["id"].to_pylist()
    assert run("hits", campaign, *options, "--out", tmp_path / "hits.parquet").returncode == 0
    assert pq.read_table(tmp_path / "hits.parquet").equals(expected)
    assert run("hits", campaign, *options, "--format", "sdf", "--out", tmp_path / "hits.sdf").returncode == 0
    molecules = [molecule for molecule in Chem.SDMolSupplier(str(tmp_path / "hits.sdf")) if molecule]
    assert [molecule.GetProp("_Name") for molecule in molecules] == expected["id"].to_pylist()
    assert [Chem.MolToSmiles(molecule) for molecule in molecules] == expected["smiles"].to_pylist()
    assert molecules[0].GetProp("structure") == "drawing, no pose"
    assert float(molecules[0].GetProp("docked_score")) == expected["docked_score"][0].as_py()
    smi = run("hits", campaign, *options, "--format", "smi").stdout.splitlines()
    assert smi[0] == f"{expected['smiles'][0]}\t{expected['id'][0]}"
    table = run("hits", campaign, *options).stdout
    assert expected["id"][0].as_py() in table


def test_hits_explains_bad_questions(campaign: Path) -> None:
    for arguments, said in (
        (("--where", "wieght < 3"), "weight"),
        (("--target", "Z"), "no target 'Z'"),
        (("--format", "xlsx"), "not a format"),
        (("--by", "luck"), "luck"),
        (("--format", "parquet"), "--out"),
    ):
        done = run("hits", campaign, *arguments)
        assert done.returncode == 2, arguments
        assert said in done.stderr
    nothing = run("hits", campaign, "--where", "weight > 9999")
    assert nothing.returncode == 0
    assert "No molecules meet the condition" in nothing.stderr


def test_failed_dockings_are_listed(campaign: Path) -> None:
    done = run("hits", campaign, "--failed", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert {row["failure"] for row in rows} <= {"not_in_table"}


@pytest.mark.slow
def test_smiles_are_printed_as_they_are(campaign: Path, small_inputs: Path) -> None:
    expected = hits(campaign, top=3, target="A", where="smiles like '%[nH]%'")["smiles"].to_pylist()
    shown = run("hits", campaign, "--target", "A", "--top", "3", "--where", "smiles like '%[nH]%'").stdout
    assert expected and all(smiles in shown for smiles in expected)
    found = run("library", "head", small_inputs / "library", "--rows", "400")
    smiles = Library.open(small_inputs / "library").take(np.arange(400), ["smiles"])["smiles"].to_pylist()
    assert any("[nH]" in text for text in smiles)
    assert all(f" {text} " in found.stdout for text in smiles)


def test_questions_about_failures_are_answered_or_refused(campaign: Path, tmp_path: Path) -> None:
    def ask(*arguments: str) -> tuple[list[dict[str, str]], str]:
        done = run("hits", campaign, "--failed", "--format", "csv", *arguments)
        assert done.returncode == 0, done.stderr
        return list(csv.DictReader(io.StringIO(done.stdout))), done.stderr

    everything, note = ask("--top", "0")
    assert len(everything) == failures(campaign).num_rows >= 2
    assert "At most" not in note
    first, note = ask("--top", "1")
    assert (
        first
        == [row for row in everything if row["target"] == "A"][:1]
        + [row for row in everything if row["target"] == "B"][:1]
    )
    assert "At most 1 failed dockings per target are listed" in note
    one = everything[0]
    assert ask("--where", f"id = '{one['id']}' and stage = '{one['stage']}'", "--target", one["target"])[
        0
    ] == [one]
    for arguments, said in (
        (("--by", "docked"), "by stage"),
        (("--format", "sdf"), "no poses"),
        (("--format", "smi"), "no poses"),
        (("--out", str(tmp_path / "x.sdf")), "no poses"),
        (("--where", "docked_score < 0"), "failure, message"),
        (("--where", "cast(smiles as int) > 3"), "not understood"),
    ):
        done = run("hits", campaign, "--failed", *arguments)
        assert (done.returncode, said in done.stderr) == (2, True), (arguments, done.stderr)


def test_status_counts_failures_by_code(campaign: Path) -> None:
    shown = run("status", campaign).stdout
    by_stage = Counter(failures(campaign)["stage"].to_pylist())
    for stage, count in by_stage.items():
        assert f"{stage}/dock: dockings without a score: {count} (not_in_table {count})" in shown
    assert by_stage and shown.count("without a score") == len(by_stage)


def test_status_models_and_throughput_answer(campaign: Path) -> None:
    status = run("status", campaign).stdout
    assert "complete" in status and "round-02/screen" in status
    models = run("models", "list", campaign).stdout
    assert "round-02/teacher" in models and "*" in models
    card = json.loads(run("models", "show", campaign, "round-01/student").stdout)
    assert card["kind"] == "student"
    groups = json.loads(run("throughput", campaign, "--json").stdout)
    assert groups[-1]["name"] == "all"
    assert groups[-1]["molecules"] == 800  # 400 molecules in each of two rounds
    assert groups[-1]["predictions"] == 1600
    assert "end to end" in run("throughput", campaign).stdout


def test_the_three_rates_are_ordered_and_come_from_receipts(campaign: Path) -> None:
    *_, everything = throughput(campaign)
    assert everything.model_rate >= everything.features_rate >= everything.end_to_end_rate > 0
    assert sum(everything.shares.values()) == pytest.approx(1.0, abs=0.05)
    assert everything.bound in everything.shares
    assert everything.device_seconds * everything.end_to_end_rate == pytest.approx(everything.molecules)
    # Held is no shorter than busy; both are counted by the engine, within the task.
    assert everything.busy_rate >= everything.held_rate >= 0.99 * everything.end_to_end_rate
    assert everything.bytes_read > 0 and everything.bytes_written > 0 and everything.bytes_moved == 0
    assert everything.devices and everything.peak_bytes > 1e7


def test_throughput_says_what_was_used(campaign: Path) -> None:
    shown = run("throughput", campaign).stdout
    for word in ("per held second", "Devices:", "Read", "wrote", "largest process", "processor time"):
        assert word in shown


def test_cancel_of_a_finished_campaign_says_so(campaign: Path) -> None:
    done = run("cancel", campaign)
    assert done.returncode == 0
    assert "not running" in done.stdout


@pytest.mark.slow
def test_retrain_prints_both_models(campaign: Path, small_inputs: Path) -> None:
    done = run("retrain", campaign, "--scores", small_inputs / "a.csv", "--target", "A")
    assert done.returncode == 0, done.stderr
    for word in ("present", "candidate", "RMSE", "Spearman", "romoted", "395 lines"):
        assert word in done.stdout
