"""One small finished campaign with a quick teacher, for all tests of what can be believed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.running.submit import submit


@pytest.fixture(scope="session")
def quick_text(campaign_text: str) -> str:
    """The small campaign with one round and one kind of teacher."""
    text = campaign_text.replace("count = 2", "count = 1").replace("labels = 200", "labels = 120")
    return text + '\n[teacher]\nkind = "kernel"\n'


@pytest.fixture(scope="session")
def quick(quick_text: str, tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """A finished campaign that no test may spoil."""
    folder = tmp_path_factory.mktemp("quick")
    (folder / "campaign.toml").write_text(quick_text)
    return submit(folder / "campaign.toml", "inline")


@pytest.fixture
def copied(quick: Campaign, small_inputs: Path, tmp_path: Path) -> Path:
    """A copy of it, with a library of its own, that a test may spoil."""
    from docksieve.data.store import read_json, write_json

    root = Path(shutil.copytree(quick.root, tmp_path / "small"))
    shutil.copytree(small_inputs / "library", tmp_path / "library")
    state = read_json(root / "campaign.json")
    state["library"]["path"] = "../library"
    write_json(root / "campaign.json", state)
    return root


@pytest.fixture
def snapshot() -> Callable[[Path], dict[str, bytes]]:
    """Return a function that reads all files of a folder."""

    def read(root: Path) -> dict[str, bytes]:
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }

    return read
