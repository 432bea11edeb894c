"""Targets and searches that are refused before anything is docked."""

from __future__ import annotations

from pathlib import Path

import pytest
from docksieve.data.errors import ConfigError, DockingError
from docksieve.screening.docking import vina
from docksieve.screening.docking.dock import (
    Box,
    LigandSettings,
    SearchSettings,
    VinaTarget,
    freeze_target,
)

from .vina_targets import target


@pytest.mark.parametrize("found", ["1.2.3", "1.2.0", "1.1.2"])
def test_versions_with_wrong_energies_are_refused(found: str) -> None:
    with pytest.raises(DockingError, match="unbound"):
        vina.check_version(found)
    vina.check_version("1.2.4")
    vina.check_version("1.2.7")


@pytest.mark.parametrize("name", ["../x", "", "a b", "-rf", "x" * 65])
def test_target_names_that_could_escape_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="target name"):
        freeze_target(name, target(), tmp_path, Path())
    assert not list(tmp_path.iterdir())


def test_settings_out_of_range_name_the_field() -> None:
    for build, word in [
        (lambda: SearchSettings(exhaustiveness=0), "exhaustiveness"),
        (lambda: SearchSettings(max_evals=-1), "max_evals"),
        (lambda: LigandSettings(max_torsions=99), "max_torsions"),
        (lambda: VinaTarget(receptor="x", time_limit=0), "time_limit"),
        (lambda: Box((0, 0, 0), (0, 20, 20)), "size"),
        (lambda: Box((0, float("nan"), 0), (20, 20, 20)), "center"),
    ]:
        with pytest.raises(ValueError, match=word):
            build()
