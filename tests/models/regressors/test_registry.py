"""Kinds of teachers by name; what `auto` mixes does not depend on what is installed."""

from __future__ import annotations

import importlib.util

import pytest
from docksieve.data.errors import ModelError
from docksieve.models.regressors import registry
from docksieve.models.regressors.regressor import Regressor


def test_kinds_are_known_by_name_and_loaded_when_asked_for() -> None:
    assert registry.registered() == ("kernel", "mlp", "trees", "dmpnn")
    assert registry.stackable() == ("kernel", "mlp", "trees")
    for name in registry.stackable():
        kind = registry.regressor_class(name)
        assert kind.__name__.lower().startswith(name)
        assert all(
            callable(getattr(kind, part)) for part in ("fit", "predict", "restore", "seconds", "tensors")
        )
    with pytest.raises(KeyError):
        registry.regressor_class("oracle")


def test_a_kind_that_needs_more_says_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="needs chemprop, which is not installed"):
        registry.regressor_class("dmpnn")


def test_kinds_can_be_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_LOADERS", dict(registry._LOADERS))
    registry.register_regressor("mine", lambda: Regressor)
    assert registry.regressor_class("mine") is Regressor and registry.stackable()[-1] == "mine"
