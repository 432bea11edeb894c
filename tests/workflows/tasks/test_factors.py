"""The tasks of a factor model: what it learns, what it says of labels, and the best of every part of a space."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from docksieve.data.enumeration.product_space import SAMPLES
from docksieve.data.receipts import Stopwatch
from docksieve.data.spaces import space as spaces
from docksieve.data.spaces.build import build_space
from docksieve.data.spaces.space import Space
from docksieve.data.store import read_table, record_file, write_table
from docksieve.models.factors.factor_model import FactorModel, ReactionFactors
from docksieve.models.factors.network import pairs_of
from docksieve.workflows.campaign.ledger import Task
from docksieve.workflows.tasks.context import TaskContext, TaskOutcome
from docksieve.workflows.tasks.factors import distil_factors, factors_of, predict_labels, search, shard_tables
from docksieve.workflows.tasks.space_settings import FactorTaskSettings, SearchSettings

TARGETS, LOWER = ("A", "B"), (True, False)


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Space:
    """Amides and sulfonamides of some sample reagents, both of which fall into several parts."""
    folder = tmp_path_factory.mktemp("space")
    files = {}
    for role in ("acids", "amines", "sulfonyl_chlorides"):
        lines = (SAMPLES / f"{role}.smi").read_text().splitlines()[:24]
        (folder / f"{role}.smi").write_text("\n".join(lines) + "\n")
        files[role] = [folder / f"{role}.smi"]
    return build_space(folder / "space", ["amide", "sulfonamide"], files, workers=1)


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spaces, "SHARD_PRODUCTS", {2: 200, 3: 200})


def random_model(space: Space) -> FactorModel:
    generator = np.random.default_rng(4)

    def numbers(*shape: int) -> Any:
        return generator.normal(size=shape).astype(np.float32)

    reactions = []
    for blocks in space.blocks:
        sizes = [len(role) for role in blocks]
        pairs = {
            (one, other): (numbers(sizes[one], 2, 4), numbers(sizes[other], 2, 4))
            for one, other in pairs_of(len(sizes))
        }
        reactions.append(ReactionFactors(tuple(numbers(size, 2) for size in sizes), pairs))
    return FactorModel(tuple(reactions), TARGETS, LOWER, space.fingerprint, {})


@pytest.mark.usefixtures("in_parts")
def test_the_tables_of_every_part_say_what_the_model_predicts(space: Space) -> None:
    space, model = Space(space.path), random_model(space)
    assert len(space.shards) > 4 and {shard.reaction for shard in space.shards} == {0, 1}
    seen = 0
    for shard, (column, target) in product(space.shards, enumerate(TARGETS)):
        tables = shard_tables(model, shard, target)
        rows = shard.first_row + np.arange(shard.rows)
        which, places = space.locate(rows)
        assert tables.products == shard.rows
        own = places - np.array([shard.start, *[0] * (places.shape[1] - 1)])
        sign = -1 if LOWER[column] else 1
        np.testing.assert_allclose(
            tables.scores(own), sign * model.predict(which, places)[:, column], atol=1e-5
        )
        seen += shard.rows
    assert seen == 2 * space.rows


def test_the_tables_of_a_part_of_three_roles() -> None:
    generator = np.random.default_rng(5)
    sizes = (5, 3, 4)
    single = tuple(generator.normal(size=(size, 1)).astype(np.float32) for size in sizes)
    pairs = {
        (one, other): (
            generator.normal(size=(sizes[one], 1, 2)).astype(np.float32),
            generator.normal(size=(sizes[other], 1, 2)).astype(np.float32),
        )
        for one, other in pairs_of(3)
    }
    model = FactorModel((ReactionFactors(single, pairs),), ("A",), (True,), "", {})
    tables = shard_tables(model, spaces.SpaceShard("x", 0, 2, 4, 24, 24), "A")
    everything = np.array(list(product(range(2, 4), range(3), range(4))))
    found = tables.scores(everything - [2, 0, 0])
    np.testing.assert_allclose(found, -model.predict(np.zeros(24, np.int64), everything)[:, 0], atol=1e-5)


def context_of(root: Path, space: Space, kind: str, settings: Any, paths: list[Path]) -> TaskContext[Any]:
    inputs = tuple(record_file(path, root) for path in paths)
    return TaskContext(root, Task("x", kind, settings, inputs, {"library": str(space.path)}), Stopwatch())


@pytest.mark.usefixtures("in_parts")
def test_a_search_keeps_the_best_of_its_part_for_each_target(space: Space, tmp_path: Path) -> None:
    space, model = Space(space.path), random_model(space)
    path = tmp_path / "models" / "round-01" / "factors" / "factors.safetensors"
    path.parent.mkdir(parents=True)
    model.save(path)
    for shard in space.shards:
        settings = SearchSettings("round-01", shard.name, {"A": 7, "B": 4})
        outcome: TaskOutcome = search(context_of(tmp_path, space, "search", settings, [path]))
        rows = shard.first_row + np.arange(shard.rows)
        scores = model.predict(*space.locate(rows))
        best = np.union1d(rows[np.argsort(scores[:, 0])[:7]], rows[np.argsort(-scores[:, 1])[:4]])
        predictions, histogram = (read_table(output) for output in outcome.outputs)
        assert predictions["row"].to_pylist() == best.tolist()
        for column, target in enumerate(TARGETS):
            np.testing.assert_array_equal(
                predictions[f"mean:{target}"], scores[best - shard.first_row, column]
            )
        assert histogram.group_by("target").aggregate([("count", "sum")]).to_pylist() == [
            {"target": target, "count_sum": len(best)} for target in TARGETS
        ]
        assert outcome.rows_in == outcome.counts["molecules"] == shard.rows
        assert outcome.rows_out == outcome.counts["kept"] == len(best)


def test_a_factor_model_is_distilled_from_the_labels_that_there_are(space: Space, tmp_path: Path) -> None:
    """The teacher says the weight; a tenth of the products could not be made."""
    table = space.take(space.sample_rows(700, "labels"), ["row", "smiles", "weight"])
    missing = np.arange(table.num_rows) % 10 == 0
    weight = table["weight"].to_numpy()
    labels = pa.table(
        {
            "row": table["row"],
            "smiles": pa.array(table["smiles"].to_pylist(), mask=missing),
            "mean:B": pa.array(-weight, pa.float32(), mask=missing),
            "mean:A": pa.array(weight / 2, pa.float32(), mask=missing),
        }
    )
    path = tmp_path / "labels" / "round-01" / "batch-00000.parquet"
    path.parent.mkdir(parents=True)
    write_table(path, labels)
    settings = FactorTaskSettings(
        "round-01/factors", {"epochs": 15, "buckets": 256, "width": 16, "rank": 2, "batch_size": 64},
        {}, dict(zip(TARGETS, LOWER, strict=True)), 1, 1,
    )  # fmt: skip
    outcome = distil_factors(context_of(tmp_path, space, "distil-factors", settings, [path]))
    assert outcome.rows_in == outcome.counts["molecules"] == 630
    saved, apart = outcome.outputs
    assert saved == tmp_path / "models" / "round-01" / "factors" / "factors.safetensors"
    assert apart.name == "round-01-factors.parquet"
    context = context_of(tmp_path, space, "x", settings, [saved])
    model = factors_of(context)
    assert (model.targets, model.lower_is_better, model.space) == (TARGETS, LOWER, space.fingerprint)
    said = predict_labels(context, labels, ("B", "A"))
    assert np.corrcoef(said[:, 0], -weight)[0, 1] > 0.9 and np.corrcoef(said[:, 1], weight)[0, 1] > 0.9
    held_out = read_table(apart)
    assert held_out.num_rows > 0 and set(held_out["smiles"].to_pylist()) <= set(table["smiles"].to_pylist())
