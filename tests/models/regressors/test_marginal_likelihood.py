"""The kernel's hyper-parameters: exact gradients, and choices that follow the data."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from docksieve.models.fingerprints import DESCRIPTORS, featurise
from docksieve.models.regressors.kernels import MixedKernel
from docksieve.models.regressors.marginal_likelihood import LEAST_NOISE, _Objective, choose
from docksieve.models.regressors.regressor import FitContext
from docksieve.models.settings import FingerprintSettings, KernelSettings, TeacherSettings
from scipy.optimize import check_grad

SETTINGS = TeacherSettings(fingerprints=FingerprintSettings(size=4096))


def _kernel(features) -> MixedKernel:
    names = [*SETTINGS.fingerprints.kinds, "descriptors", "linear"]
    centre, spread = features.descriptors.mean(axis=0), features.descriptors.std(axis=0)
    return MixedKernel(features, dict.fromkeys(names, 1.0), 4096, centre, np.where(spread > 0, spread, 1))


def _standard(values: np.ndarray) -> np.ndarray:
    return ((values - values.mean(axis=0)) / values.std(axis=0)).astype(np.float64)


def test_gradients_are_those_of_the_objective(amides: list[str], logp: np.ndarray) -> None:
    features = featurise(amides[:40], SETTINGS.fingerprints)
    kernel = _kernel(features)
    parts = {name: torch.from_numpy(part).double() for name, part in kernel.parts(features, 1).items()}
    generator = np.random.default_rng(0)
    noisy = logp[:40, None] + generator.normal(size=(40, 2))
    objective = _Objective(parts, torch.from_numpy(_standard(noisy)))
    for _ in range(3):
        place = objective.centre + 0.5 * generator.normal(size=len(objective.centre))
        slope = np.linalg.norm(objective(place)[1])
        assert check_grad(lambda p: objective(p)[0], lambda p: objective(p)[1], place) < 1e-4 * slope


@pytest.mark.slow
def test_choice_follows_the_scores(amides: list[str]) -> None:
    features = featurise(amides[:120], SETTINGS.fingerprints)
    kernel, context = _kernel(features), FitContext(SETTINGS, seed=1, threads=1)
    noise = np.random.default_rng(1).normal(size=(120, 1))
    trend = _standard(features.descriptors[:, [DESCRIPTORS.index("CrippenMR")]])
    clear = choose(kernel, features, _standard(trend + 0.1 * noise), context)
    blurred = choose(kernel, features, _standard(trend + 1.0 * noise), context)
    assert clear["noise"] < 0.3 * blurred["noise"]
    assert clear["weights"]["linear"] > 0.1
    flat = sum(weight for name, weight in clear["weights"].items() if name != "linear")
    assert abs(flat - 1) < 1e-9
    exact = choose(kernel, features, trend, context)
    assert exact["noise"] >= LEAST_NOISE


def test_components_can_be_left_out_and_rows_limited(amides: list[str], logp: np.ndarray) -> None:
    features = featurise(amides[:120], SETTINGS.fingerprints)
    kernel = _kernel(features)
    few = TeacherSettings(fingerprints=SETTINGS.fingerprints, kernel=KernelSettings(selection_rows=50))
    found = choose(kernel, features, _standard(logp[:120, None]), FitContext(few, 1, 1), ("linear", "pair"))
    assert found["selection_rows"] == 50
    assert found["weights"]["linear"] == found["weights"]["pair"] == 0.0
    assert abs(sum(found["weights"].values()) - 1) < 1e-9
