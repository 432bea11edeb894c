"""The commands ``docksieve library ...``."""

import csv
import io
import json

import pytest
from docksieve.data.errors import ConfigError, InputError
from docksieve.data.libraries.library import Library
from docksieve.workflows.cli.library import app
from typer.testing import CliRunner


def run(*arguments, **options):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], **options)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def library(tmp_path):
    lines = [
        "# drugs",
        "CC(=O)Oc1ccccc1C(=O)O aspirin",
        "CN1CCC[C@H]1c1cccnc1 nicotine",
        "OC(=O)c1ccccc1OC(C)=O again",
    ]
    (tmp_path / "in.smi").write_text("\n".join([*lines, "C1CC bad"]))
    result = run("build", tmp_path / "lib", tmp_path / "in.smi", "--workers", 1, "--quiet")
    assert result.exit_code == 0
    assert "2 molecules in 1 shard (" in result.output
    return tmp_path / "lib"


def test_info_shows_where_lines_went(library):
    text = run("info", library).output
    lines = {
        line.rsplit(None, 1)[0].strip(): line.rsplit(None, 1)[1] for line in text.splitlines() if line.strip()
    }
    assert lines["lines read"] == "5" and lines["- comments"] == "1" and lines["= records"] == "4"
    assert lines["- rejected"] == lines["syntax"] == lines["- duplicates"] == "1"
    assert lines["= molecules"] == "2"
    assert json.loads(run("info", library, "--json").output)["counts"]["accepted"] == 2


def test_verify(library):
    assert "unaltered; all counts add up" in run("verify", library).output


def test_head_and_sample(library):
    assert run("head", library, "-f", "smi").output.splitlines()[1] == "CN1CCC[C@H]1c1cccnc1 nicotine"
    rows = list(csv.DictReader(io.StringIO(run("sample", library, "-n", 5, "-f", "csv").output)))
    assert [row["id"] for row in rows] == ["aspirin", "nicotine"]
    assert float(rows[1]["weight"]) == pytest.approx(162.236, abs=1e-3)
    assert "aspirin" in run("head", library).output


def test_layout_options(tmp_path):
    (tmp_path / "in.txt").write_text("CCO;CCCCCCO;x\nCCN;CCCCCCN;y\n")
    options = [
        "--smiles-column",
        1,
        "--id-column",
        3,
        "--delimiter",
        "semicolon",
        "--no-header",
        "--shard-rows",
        1,
    ]
    run("build", tmp_path / "lib", tmp_path / "in.txt", "-w", 1, "-q", *options)
    library = Library.open(tmp_path / "lib")
    assert library.take([0, 1], ["id", "smiles"]).to_pylist() == [
        {"id": "x", "smiles": "CCO"},
        {"id": "y", "smiles": "CCN"},
    ]
    assert len(library.shards) == 2


def test_what_was_taken_for_what_is_shown(tmp_path):
    (tmp_path / "in.csv").write_text("name,structure\nethanol,CCO\nethylamine,CCN\n")
    result = run("build", tmp_path / "lib", tmp_path / "in.csv", "-w", 1)
    assert "SMILES from column 2 ('structure'); id from column 1 ('name')" in result.output


def test_a_skipped_step(tmp_path):
    (tmp_path / "in.smi").write_text("CC(=O)[O-].[Na+] a\n")
    run("build", tmp_path / "lib", tmp_path / "in.smi", "-w", 1, "-q", "--skip-step", "neutralise")
    assert Library.open(tmp_path / "lib").take([0])["smiles"].to_pylist() == ["CC(=O)[O-]"]


def test_enumerate(tmp_path):
    (tmp_path / "acids.smi").write_text("OC(=O)c1ccccc1 A1\n")
    (tmp_path / "amines.csv").write_text("id,smiles\nM1,NCC\nM2,N1CCOCC1\n")
    files = ["--acids", tmp_path / "acids.smi", "--reagents", f"amines={tmp_path / 'amines.csv'}"]
    run("enumerate", tmp_path / "lib", "-r", "amide", *files, "-w", 1, "-q")
    ids = Library.open(tmp_path / "lib").take([0, 1])["id"].to_pylist()
    assert ids == ["amide:A1:M1", "amide:A1:M2"]
    assert "suzuki" in run("enumerate", tmp_path / "x", "--list").output


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (["build", "lib", "nowhere.smi"], InputError, "nowhere.smi does not exist"),
        (["build", "lib", "x.smi", "--skip-step", "neutralize"], ConfigError, "neutralise"),
        (["build", "lib", "x.smi", "--delimiter", "tabs"], ConfigError, "delimiter must be"),
        (["enumerate", "lib", "--reagents", "acids"], ConfigError, "ROLE=FILE"),
        (["enumerate", "lib", "-r", "magic"], InputError, "no reaction 'magic'"),
    ],
)
def test_mistakes_are_explained(tmp_path, monkeypatch, arguments, error, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=words):
        run(*arguments, "-w", 1, "-q")
    assert not (tmp_path / "lib").exists()
