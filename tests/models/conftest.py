"""What tests of models share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from docksieve.models.inference import device_engine
from docksieve.models.inference.device_engine import DeviceEngine
from docksieve.models.network.network import Weights
from docksieve.models.settings import StudentSettings
from docksieve.models.students.student import Student


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let engines take small blocks and check themselves on few molecules, where neither is the point."""
    check = DeviceEngine._check
    monkeypatch.setattr(DeviceEngine, "_check", lambda self, checked: check(self, min(checked, 200)))
    monkeypatch.setattr(device_engine, "_suitable_rows", lambda *_: 512)


@pytest.fixture(scope="session")
def make_student() -> Callable[..., Student]:
    """Make students of random weights, as large as trained ones have."""
    return _random_student


def _random_student(targets: int = 1, seed: int = 0, **more) -> Student:
    settings = StudentSettings(**more)
    random, width = np.random.default_rng(seed), settings.width
    outputs, layers = targets * (2 if settings.spread else 1), settings.layers - 1

    def draw(*shape: int, scale: float) -> np.ndarray:
        return (random.normal(size=shape) * scale).astype(np.float32)

    floor = np.full(outputs, -np.inf, np.float32)
    floor[targets:] = 0.01
    weights = Weights(
        draw(settings.buckets, width, scale=0.05), draw(width, scale=0.1),
        draw(layers, width, width, scale=width**-0.5), draw(layers, width, scale=0.1),
        draw(width, outputs, scale=width**-0.5), draw(outputs, scale=3.0), floor,
    )  # fmt: skip
    names = [f"t{k}" for k in range(targets)]
    return Student(weights, settings, names, [k % 2 == 0 for k in range(targets)], {}, "none", seed)
