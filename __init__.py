"""Docksieve: screen billions of molecules for the price of docking a few thousand.

The names below are the public face. They are loaded when first used, so that ``import docksieve`` is
instant and needs none of the heavy libraries.
"""

from __future__ import annotations

import importlib
from typing import Any

from .data.version import __version__

_PUBLIC = {
    "DocksieveError": ".data.errors",
    "Library": ".data.libraries.library",
    "HitQuery": ".screening.queries.query",
    "ask": ".workflows.hits.ask",
    "build_library": ".data.libraries.build",
    "compare": ".workflows.hits.compare",
    "load_bundle": ".models.bundles.bundle",
    "hits": ".workflows.hits.ask",
    "load_campaign": ".workflows.running.submit",
    "load_site": ".hpc.sites.read",
    "retrain": ".workflows.retraining.retrain",
    "submit": ".workflows.running.submit",
    "verify": ".workflows.verifying.verify",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
