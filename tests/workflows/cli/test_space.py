"""The commands ``docksieve space ...``."""

import csv
import json

import pytest
from docksieve.data.errors import ConfigError, InputError
from docksieve.workflows.cli.space import app
from typer.testing import CliRunner

AMIDE = "[#6:5]-[C:1](=[O:2])-[OX2H1].[NX3;H1,H2;!$(N-C=O):3]>>[#6:5]-[C:1](=[O:2])-[N:3]"


def run(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "acids.smi").write_text("CC(=O)O a\nOC(=O)c1ccccc1 b\nCCO ethanol\n")
    (tmp_path / "amines.smi").write_text("CN m\nCCN e\n")
    return tmp_path


@pytest.fixture
def space(folder):
    files = ["--component", "amide=acids.smi", "--component", "amide=amines.smi"]
    text = run("build", "space", "--smarts", f"amide={AMIDE}", *files, "-q", "-w", 1)
    assert "4 products of 1 reactions" in text and "no_match" in text
    return folder / "space"


def test_info_count_verify_and_rejects(space):
    assert "2 component-1 x 2 component-2 = 4" in run("info", space)
    told = json.loads(run("info", space, "--json"))
    assert told["products"] == 4 and told["rejects_by_reason"] == {"no_match": 1}
    assert run("count", space) == "4\n"
    assert json.loads(run("count", space, "--json")) == {"products": 4, "reactions": {"amide": 4}}
    assert "4 products of 1 reactions, unaltered." in run("verify", space)
    assert "ethanol CCO: the SMARTS does not fit it (no_match)" in run("rejects", space)
    assert json.loads(run("rejects", space, "--json"))[0]["id"] == "ethanol"


def test_samples_are_printed_and_written(space, folder):
    lines = run("sample", space, "-n", 9).splitlines()
    assert lines[0] == "CNC(C)=O amide:a:m" and len(lines) == 4
    assert {item["id"] for item in json.loads(run("sample", space, "-n", 9, "--json"))} == {
        line.split()[1] for line in lines
    }
    run("sample", space, "-n", 9, "--out", folder / "some.smi")
    assert (folder / "some.smi").read_text().splitlines() == lines
    assert "3 products of 3 drawn" in run("sample", space, "-n", 3, "--out", folder / "some.csv")
    with (folder / "some.csv").open() as handle:
        assert [float(row["weight"]) > 70 for row in csv.DictReader(handle)] == [True] * 3
    with pytest.raises(ConfigError, match="is neither"):
        run("sample", space, "--out", folder / "some.pdf")


def test_named_reactions_with_own_blocks_and_synthons(folder):
    (folder / "synthons.csv").write_text("smiles,id,position,reaction\nC[1*],a,1,x\nCC[1*],b,2,x\n")
    given = ["--reaction", "amide", "--reagents", "acids=acids.smi", "--reagents", "amines=amines.smi"]
    told = json.loads(run("build", "both", *given, "--synthons", "synthons.csv", "-q", "--json"))
    assert [item["name"] for item in told["reactions"]] == ["amide", "x"] and told["products"] == 5


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        (["--smarts", "amide"], ConfigError, "is not NAME=SMARTS"),
        (["--component", "amide=acids.smi"], ConfigError, "is not NAME=FILE"),
        (["--smarts", f"amide={AMIDE}", "--component", "amide=acids.smi"], InputError, "do not go together"),
        (["--reagents", "acids"], ConfigError, "is not ROLE=FILE"),
    ],
)
def test_mistakes_are_named(folder, options, error, said):
    with pytest.raises(error, match=said):
        run("build", "space", *options, "-q")
