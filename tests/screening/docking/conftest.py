"""What tests of docking share: a frozen receptor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from docksieve.screening.docking.dock import (
    freeze_target,
)

from .vina_targets import target


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("targets")


@pytest.fixture(scope="module")
def spec(folder: Path) -> dict[str, Any]:
    return freeze_target("EGFR", target(), folder, Path())
