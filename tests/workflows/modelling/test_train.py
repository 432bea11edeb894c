"""Training on files: reproducible, whole or not at all, and a source that does not flatter."""

from __future__ import annotations

from pathlib import Path

import docksieve
import pytest
from docksieve.data.errors import ConfigError, ModelError
from docksieve.workflows.campaign.sources import freeze_sources, learned_smiles, source_teachers
from docksieve.workflows.modelling.train import new_folder, read_settings, teacher_settings, train_model

pytestmark = pytest.mark.slow


def test_the_same_scores_and_seed_give_the_same_model(table: Path, model: Path, tmp_path: Path) -> None:
    again = train_model(table, tmp_path / "again", lower_is_better=True, unit="kcal/mol", seed=3, threads=1)
    assert again.id == docksieve.show_model(model)["id"]
    assert again.report["targets"]["scores"]["r2"]["value"] > 0.7
    assert again.report["lines"]["molecules"] == len(learned_smiles(model) or ())


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        (["CCO,-3.1"], "has 1 scored molecules"),
        ([f"{'C' * n}O,-3.1" for n in range(2, 20)], "nothing to learn"),
    ],
)
def test_scores_that_teach_nothing_leave_nothing(tmp_path: Path, rows: list[str], match: str) -> None:
    (tmp_path / "t.csv").write_text("\n".join(["smiles,score", *rows, ""]))
    with pytest.raises(ModelError, match=match):
        train_model(tmp_path / "t.csv", tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_what_is_there_stays_unless_it_may_be_replaced(table: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds a model already"):
        train_model(table, model)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is no model"):
        train_model(table, tmp_path / "notes", replace_model=True)


def test_a_folder_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("old")
    with pytest.raises(ZeroDivisionError), new_folder(tmp_path / "out") as folder:
        folder.mkdir()
        1 / 0  # noqa: B018
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "old"]
    with new_folder(tmp_path / "out") as folder:
        folder.mkdir()
        (folder / "new").write_text("new")
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "new"]


def test_settings_are_those_of_the_campaign_file(tmp_path: Path) -> None:
    path = tmp_path / "campaign.toml"
    path.write_text('[campaign]\nname = "x"\n[teacher]\nfolds = 3\nsources = ["y"]\n')
    found = teacher_settings(read_settings(path, "teacher", "mlp"))
    assert (found.folds, found.kind, found.focus, found.drop_failures) == (3, "mlp", "auto", True)
    with pytest.raises(ConfigError, match=r"teacher\.fold: "):
        teacher_settings({"fold": 3})
    path.write_text("x = [")
    with pytest.raises(ConfigError, match="is not TOML"):
        read_settings(path, "teacher")


def test_a_source_is_known_by_what_it_learned_from(table: Path, model: Path, tmp_path: Path) -> None:
    """Of the molecules that it learned from it gives held-out predictions; no file, and nobody knows them."""
    (source,) = source_teachers([model], "--from")
    assert source.held_out is not None and len(source.held_out.smiles) == 120
    later = train_model(table, tmp_path / "later", lower_is_better=True, sources=[model], seed=1, threads=1)
    assert later.report["sources"][0]["learned"] == 120
    with pytest.raises(ConfigError, match="the same model"):
        source_teachers([model, model], "--from")
    with pytest.raises(ConfigError, match=r"--from: .* is not the folder of a model"):
        source_teachers([tmp_path], "--from")


def test_a_campaign_takes_it_for_a_source(model: Path, tmp_path: Path) -> None:
    records = freeze_sources([model.name], tmp_path, model.parent)
    assert [record.rows for record in records if record.path.endswith("learned.parquet")] == [120]
