"""The commands ``docksieve model ...`` on files that were typed by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from docksieve.data.errors import ConfigError
from docksieve.workflows.cli.model import app
from docksieve.workflows.cli.model_words import columns_of, directions_of, targets_of
from docksieve.workflows.terminal.model import progress

from .running import run

pytestmark = pytest.mark.slow

ALKANES = [f"{'C' * n}{tail}" for n in range(2, 12) for tail in ("O", "N", "Cl")]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model-cli")
    rows = [f"{text},{-2 - 0.3 * len(text):.2f},{len(text)}" for text in ALKANES]
    (folder / "scores.csv").write_text("\n".join(["smiles,score,size", *rows, "CCBr,,", ""]))
    return folder


def test_train_predict_show(here: Path) -> None:
    done = run("model", "train", "scores.csv", "--out", "m", "--unit", "kcal/mol", "--threads", "1", cwd=here)
    assert done.returncode == 0, done.stderr
    assert "31 lines: 30 used (30 molecules), 1 without a score" in done.stdout
    assert "lower is taken for better" in done.stdout and "r2" in done.stdout
    done = run("model", "predict", "m", "scores.csv", "--out", "p.csv", "--json", cwd=here)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["predicted"] == 31
    done = run("model", "predict", "m", "scores.csv", "--out", "-", cwd=here)
    assert done.stdout.count("\n") == 32 and "31 molecules: 31 predicted" in done.stderr
    done = run("model", "show", "m", cwd=here)
    assert "predicts scores in kcal/mol; lower is better" in done.stdout
    assert json.loads(run("model", "show", "m", "--json", cwd=here).stdout)["kind"] == "teacher"
    done = run("model", "train", "scores.csv", "--out", "m", cwd=here)
    assert done.returncode == 2 and "holds a model already" in done.stderr


def test_targets_units_and_sources(here: Path) -> None:
    run("model", "train", "scores.csv", "--out", "first", "--threads", "1", cwd=here)
    done = run(
        "model", "train", "scores.csv", "--out", "two", "--target", "E=score", "--target", "S=size",
        "--lower-is-better", "--direction", "S=higher", "--unit", "E=kcal/mol", "--from", "first", "--json",
        "--threads", "1", cwd=here,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["targets"] == {"E": found["targets"]["E"], "S": found["targets"]["S"]}
    card = json.loads(run("model", "show", "two", "--json", cwd=here).stdout)
    assert [(t["name"], t["unit"], t["lower_is_better"]) for t in card["targets"]] == [
        ("E", "kcal/mol", True),
        ("S", "", False),
    ]
    assert len(found["sources"]) == 1


def test_evaluate_writes_and_reports(here: Path) -> None:
    words = ("model", "evaluate", "scores.csv", "--folds", "2", "--repeats", "1", "--threads", "1")
    done = run(*words, "--predictions", "held.csv", "--json", cwd=here)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["targets"]["scores"]["figures"]["mcc"].keys() >= {"value", "shuffled", "random"}
    assert len((here / "held.csv").read_text().splitlines()) == 31
    done = run(*words, "--predictions", "held.csv", cwd=here)
    assert done.returncode == 2 and "exists already" in done.stderr


def test_distil(here: Path) -> None:
    run("model", "train", "scores.csv", "--out", "old", "--threads", "1", cwd=here)
    (here / "lib.smi").write_text(
        "".join(f"{'C' * n}{tail}\n" for n in range(1, 30) for tail in ("O", "N", "F", "Cl"))
    )
    (here / "s.toml").write_text("[student]\nwidth = 16\nbuckets = 256\nlayers = 1\nepochs = 2\n")
    done = run(
        "model", "distil", "old", "lib.smi", "--out", "st", "--settings", "s.toml", "--labels", "90", cwd=here
    )
    assert done.returncode == 0, done.stderr
    assert "116 molecules read" in done.stdout and "asked about 90" in done.stdout
    assert "Agreement with its teacher" in run("model", "show", "st", cwd=here).stdout
    done = run("model", "distil", "old", "lib.smi", "--out", "su", "--size", "huge", cwd=here)
    assert done.returncode == 2 and "--size is one of" in done.stderr


def test_learning_curve(here: Path) -> None:
    done = run(
        "model", "learning-curve", "scores.csv", "--size", "12", "--size", "20", "--repeats", "1", cwd=here
    )
    assert done.returncode == 0, done.stderr
    assert "cannot say: 2 points; a law with three unknowns needs 5. No forecast." in done.stdout
    done = run("model", "learning-curve", "scores.csv", cwd=here)
    assert done.returncode == 2 and "A curve needs 80 molecules" in done.stderr


def test_options_that_make_no_sense_are_explained(here: Path) -> None:
    for words, said in (
        (("train", "scores.csv", "--out", "x", "--target", "E=nothing"), "no column 'nothing'"),
        (("train", "scores.csv", "--out", "x", "--target", "="), "is not NAME"),
        (("train", "scores.csv", "--out", "x", "--kind", "oracle"), "teacher.kind"),
        (("train", "scores.csv", "--out", "x", "--from", "scores.csv"), "is not the folder of a model"),
        (("predict", "m", "scores.csv", "--out", "-", "--json"), "both write to standard output"),
        (("show", "."), "card.json is missing"),
    ):
        done = run("model", *words, cwd=here)
        assert done.returncode == 2 and said in done.stderr, (words, done.stderr)
    assert not (here / "x").exists()


def test_words_become_targets_and_directions() -> None:
    assert len(app.registered_commands) == 8
    assert targets_of(["E=2", "S"]) == {"E": 2, "S": None}
    assert directions_of(True, None, None) is True
    assert directions_of(True, ["S=higher"], ["E=2", "S"]) == {"E": True, "S": False}
    with pytest.raises(ConfigError, match="not NAME=lower"):
        directions_of(None, ["X=higher"], ["E"])
    assert columns_of("3", id_column=None) == {"smiles_column": 3}
    with progress(False) as watcher:
        assert watcher is None
