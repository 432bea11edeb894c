"""What tests of models on files share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from docksieve.models.network.network import Weights
from docksieve.models.settings import StudentSettings
from docksieve.models.students.student import Student
from docksieve.workflows.modelling.train import train_model


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory, amides: list[str], logp: list[float]) -> Path:
    """120 amides with a property for a score."""
    path = tmp_path_factory.mktemp("scores") / "scores.csv"
    rows = [f"{text},{-value:.3f}" for text, value in zip(amides[:120], logp[:120], strict=True)]
    path.write_text("\n".join(["smiles,score", *rows, ""]))
    return path


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory, table: Path) -> Path:
    folder = tmp_path_factory.mktemp("models") / "model"
    train_model(table, folder, lower_is_better=True, unit="kcal/mol", seed=3, threads=1)
    return folder


@pytest.fixture(scope="session")
def make_student() -> Callable[..., Student]:
    """Make students of random weights."""

    def make(targets: int = 1, **more: int) -> Student:
        settings = StudentSettings(**more)  # type: ignore[arg-type]
        random, width = np.random.default_rng(5), settings.width

        def draw(*shape: int) -> np.ndarray:
            return random.normal(size=shape, scale=width**-0.5).astype(np.float32)

        floor = np.full(2 * targets, -np.inf, np.float32)
        floor[targets:] = 0.01
        layers = settings.layers - 1
        weights = Weights(
            draw(settings.buckets, width), draw(width), draw(layers, width, width), draw(layers, width),
            draw(width, 2 * targets), draw(2 * targets), floor,
        )  # fmt: skip
        return Student(weights, settings, [f"t{k}" for k in range(targets)], [True] * targets, {}, "none", 5)

    return make
