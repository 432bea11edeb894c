"""What teachers know before the first docking: the teachers of other tables."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from docksieve.data.seeds import derive_seed
from docksieve.models.fingerprints import Features, featurise
from docksieve.models.regressors.registry import regressor_class
from docksieve.models.regressors.regressor import FitContext, Reducible
from docksieve.models.settings import TeacherSettings
from score_tables import load_table

SOURCE_SCORES = 10_000
_SOURCES: dict[tuple[str, bytes], Any] = {}
"""Fitted sources by table and rows."""


def source_model(name: str, here: set[str]) -> tuple[Any, dict[str, int]]:
    """Return a teacher of the table ``name`` that has seen no molecule of ``here`` (None if few are left)."""
    settings = TeacherSettings()
    smiles, scores = load_table(name)
    apart = np.array([text not in here for text in smiles])
    known = np.flatnonzero(apart & ~np.isnan(scores))
    facts = {"scores": min(len(known), SOURCE_SCORES), "shared": int((~apart).sum())}
    if len(known) < len(apart) / 2:
        return None, {**facts, "scores": 0}
    seed = derive_seed(0, "source", name)
    rows = np.sort(np.random.default_rng(seed).choice(known, facts["scores"], replace=False))
    key = (name, rows.tobytes())
    if key not in _SOURCES:
        low, high = np.quantile(scores[rows], [0.25, 0.75])
        fair = np.minimum(scores[rows], high + 5 * (high - low))  # clashing poses, as in training
        standard = ((fair - fair.mean()) / fair.std())[:, None]
        features = featurise([smiles[row] for row in rows], settings.fingerprints)
        fitted = regressor_class("kernel").fit(features, standard, FitContext(settings, seed, threads=1))
        _SOURCES[key] = fitted.means_only() if isinstance(fitted, Reducible) else fitted
    return _SOURCES[key], facts


def with_sources(
    smiles: list[str], features: Features, sources: list[str]
) -> tuple[Features, list[int], dict[str, Any]]:
    """Return ``features`` with what sources predict as further descriptors, the widths, and what they learned from."""
    columns: list[np.ndarray] = []
    facts = {}
    for name in sources:
        model, facts[name] = source_model(name, set(smiles))
        print(f"  source {name}: {facts[name]}", flush=True)
        if model is not None:
            columns.append(model.predict(features, threads=1)[0].astype(np.float32))
    descriptors = np.hstack([features.descriptors, *columns])
    return dataclasses.replace(features, descriptors=descriptors), [item.shape[1] for item in columns], facts
