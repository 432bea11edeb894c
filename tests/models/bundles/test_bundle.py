from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from docksieve.data.errors import FormatError, ModelError
from docksieve.data.store import sha256_file, sha256_json
from docksieve.models.bundles.bundle import load_bundle, read_card, save_bundle
from docksieve.models.regressors import registry
from docksieve.models.settings import MlpSettings, StudentSettings, TeacherSettings, TreesSettings
from docksieve.models.students.distill import distil_student
from docksieve.models.teachers.train import train_teacher
from docksieve.models.teachers.training_data import TrainingData

MODELS = ("kernel", "mlp", "trees", "auto", "student")


@pytest.fixture(scope="module")
def models(amides: list[str], logp: np.ndarray) -> dict:
    mlp = MlpSettings(members=2, width=16, buckets=512, epochs=3)
    scores = np.stack([logp[:60], 5 - logp[:60]], axis=1)
    scores[:10, 1] = np.nan
    data = TrainingData(amides[:60], ["a", "b/1"], scores, [True, False])
    trees = TreesSettings(members=2, iterations=10, buckets=64)
    found = {
        kind: train_teacher(data, TeacherSettings(kind=kind, mlp=mlp, trees=trees, folds=2))
        for kind in MODELS[:4]
    }
    settings = StudentSettings(width=16, buckets=256, epochs=2)
    found["student"] = distil_student(amides[:200], logp[:200], np.abs(logp[:200]), ["a"], [True], settings)
    return found


@pytest.fixture
def folder(models: dict, tmp_path: Path) -> Path:
    save_bundle(models["student"], tmp_path / "bundle", {"units": {"a": "kcal/mol"}})
    return tmp_path / "bundle"


def _rewrite(folder: Path, **changes) -> None:
    """Alter the card as somebody would who also sets its checksum right."""
    card = json.loads((folder / "card.json").read_text())
    card |= changes
    card = {key: value for key, value in card.items() if value is not ...}
    card["card_sha256"] = sha256_json({key: value for key, value in card.items() if key != "card_sha256"})
    (folder / "card.json").write_text(json.dumps(card))


@pytest.mark.parametrize("kind", MODELS)
def test_a_loaded_model_predicts_the_same_to_the_bit(
    kind: str, models: dict, amides: list[str], tmp_path: Path
) -> None:
    model = models[kind]
    identity = save_bundle(
        model, tmp_path / "m", {"units": {"a": "kcal/mol"}, "parent": "0" * 32, "notes": {"round": 1}}
    )
    loaded = load_bundle(tmp_path / "m")
    asked = [*amides[200:260], "broken" if kind != "student" else "", None]
    before, after = model.predict(asked), loaded.predict(asked)
    assert before.mean.tobytes() == after.mean.tobytes()
    assert before.spread.tobytes() == after.spread.tobytes()
    assert (loaded.targets, loaded.lower_is_better, loaded.settings) == (
        model.targets,
        model.lower_is_better,
        model.settings,
    )
    card = read_card(tmp_path / "m")
    assert card["id"] == identity and card["parent"] == "0" * 32 and card["notes"] == {"round": 1}
    assert card["targets"][0] == {"name": "a", "unit": "kcal/mol", "lower_is_better": True}
    assert card["weights_sha256"] == sha256_file(tmp_path / "m" / "weights.safetensors")
    assert (
        save_bundle(loaded, tmp_path / "again", {"units": {"a": "kcal/mol"}, "parent": "0" * 32}) == identity
    )


def test_nothing_half_written_and_nothing_left_behind(models: dict, tmp_path: Path) -> None:
    first = save_bundle(models["student"], tmp_path / "m")
    stamp = (tmp_path / "m" / "card.json").stat().st_mtime_ns
    assert save_bundle(models["student"], tmp_path / "m") == first
    assert (tmp_path / "m" / "card.json").stat().st_mtime_ns == stamp
    second = save_bundle(models["kernel"], tmp_path / "m")
    assert second != first and read_card(tmp_path / "m")["id"] == second
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == ["card.json", "weights.safetensors"]


def test_altered_weights_are_refused(folder: Path) -> None:
    path = folder / "weights.safetensors"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with pytest.raises(FormatError, match=r"weights\.safetensors was altered"):
        load_bundle(folder)


def test_an_altered_card_is_refused(folder: Path) -> None:
    text = (folder / "card.json").read_text()
    (folder / "card.json").write_text(text.replace('"kcal/mol"', '"kJ/mol"'))
    with pytest.raises(FormatError, match="altered"):
        read_card(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "something"}, "not the card"),
        ({"version": 6}, "version 6"),
        ({"kind": "oracle"}, "unknown kind 'oracle'"),
        ({"extra": 1}, "extra"),
        ({"seed": ...}, "seed"),
    ],
)
def test_unknown_cards_are_refused(folder: Path, changes: dict, message: str) -> None:
    _rewrite(folder, **changes)
    with pytest.raises(FormatError, match=message):
        load_bundle(folder)


@pytest.mark.parametrize("change", [{"color": "red"}, {"width": "16"}, {"width": 17}, {"buckets": 512}])
def test_settings_that_do_not_fit_are_refused(folder: Path, change: dict) -> None:
    settings = read_card(folder)["settings"] | change
    _rewrite(folder, settings=settings)
    with pytest.raises(FormatError):
        load_bundle(folder)


@pytest.mark.parametrize("damage", ["missing", "shape", "type", "nan", "unlisted"])
def test_tensors_that_do_not_fit_are_refused(folder: Path, damage: str) -> None:
    tensors = safetensors.numpy.load_file(folder / "weights.safetensors")
    if damage == "missing":
        del tensors["bias"]
    elif damage == "shape":
        tensors["bias"] = tensors["bias"][:-1].copy()
    elif damage == "type":
        tensors["bias"] = tensors["bias"].astype(np.float64)
    elif damage == "nan":
        tensors["bias"][0] = np.nan
    else:
        tensors["more"] = tensors["bias"]
    safetensors.numpy.save_file(tensors, folder / "weights.safetensors")
    listed = {name: [str(value.dtype), list(value.shape)] for name, value in tensors.items()}
    _rewrite(folder, weights_sha256=sha256_file(folder / "weights.safetensors"), tensors=listed)
    with pytest.raises(FormatError, match=r"bias|more"):
        load_bundle(folder)


def test_missing_and_damaged_files(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="missing"):
        load_bundle(tmp_path / "nowhere")
    (folder / "weights.safetensors").unlink()
    with pytest.raises(FormatError, match=r"weights\.safetensors is missing"):
        load_bundle(folder)
    (folder / "card.json").write_text("{")
    with pytest.raises(FormatError, match="damaged"):
        read_card(folder)


def test_unknown_card_entries_are_refused(models: dict, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="colour"):
        save_bundle(models["student"], tmp_path / "m", {"colour": "red"})
    with pytest.raises(ModelError, match="zzz"):
        save_bundle(models["student"], tmp_path / "m", {"units": {"zzz": "kcal/mol"}})
    assert not list(tmp_path.iterdir())


def test_a_registered_kind_is_saved_and_read_where_it_is_known(
    amides: list[str], logp: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load() -> type:
        from docksieve.models.regressors.gaussian_process import KernelRegressor

        return KernelRegressor

    monkeypatch.setattr(registry, "_LOADERS", dict(registry._LOADERS))
    monkeypatch.setattr(registry, "_OPTIONAL", set(registry._OPTIONAL))
    registry.register_regressor("mine", load, optional=True)
    data = TrainingData(amides[:60], ["a"], logp[:60, None], [True])
    teacher = train_teacher(data, TeacherSettings(kind="mine", folds=2))  # type: ignore[arg-type]
    save_bundle(teacher, tmp_path / "mine")
    found = load_bundle(tmp_path / "mine")
    assert found.settings.kind == "mine"
    assert found.predict(amides[:5]).mean.tobytes() == teacher.predict(amides[:5]).mean.tobytes()
    del registry._LOADERS["mine"]
    with pytest.raises(FormatError, match=r"settings\.kind is 'mine'"):
        load_bundle(tmp_path / "mine")
