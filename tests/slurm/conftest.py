"""A real Slurm on this machine for the tests of this folder; where it cannot run they are skipped, with the reason."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HERE = Path(__file__).parent

SITE = """\
name = "test-slurm"
kind = "slurm"
description = "The throw-away cluster of the tests"
queue = "main"
walltime = "00:10:00"
interface = "lo"
shared = ["/"]
heartbeat_seconds = 1
poll_seconds = 0.1
queue_poll_seconds = 1

[pool.gpu]
roles = ["screen"]
nodes = 1
blocks = 1
cores = 4
gpus = 1
accelerator = "pretend"

[pool.cpu]
roles = ["dock", "train"]
nodes = 1
blocks = 1
cores = 4
workers = 2
"""

ENGINE = """\
import csv, pathlib, sys, time

ligand, table = map(pathlib.Path, sys.argv[1:])
with table.open() as lines:
    scores = dict(csv.reader(lines))
if table.with_name('slow').exists():
    time.sleep(0.4)
print("score =", scores[ligand.read_text().split()[0]])
"""
"""A docking program that looks scores up, and takes its time while a certain file is there."""


def load(name: str, path: Path | None = None) -> ModuleType:
    """Return the module of that name, by default of this folder, which is no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path or HERE / f"{name}.py")
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here: `-m slurm` chooses it, `-m "not slow"` leaves it out."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slurm)
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def slurm_cluster() -> Iterator[Any]:
    """The cluster, up for the whole test run; nothing outside these tests sees its environment."""
    module = load("cluster")
    cluster = None
    try:
        module.check_machine(module.Shape())
        cluster = module.temporary_cluster()
        cluster.start()
    except module.CannotRun as reason:
        if cluster is not None:
            module.remove(cluster)
        pytest.skip(f"no real Slurm on this machine: {reason}")
    except BaseException:
        if cluster is not None:
            module.remove(cluster)
        raise
    yield cluster
    module.remove(cluster)


@pytest.fixture
def slurm(slurm_cluster: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The cluster as new: all nodes idle, no jobs; its environment is this test's environment."""
    slurm_cluster.heal()
    for name, value in slurm_cluster.env.items():
        monkeypatch.setenv(name, value)
    yield slurm_cluster
    slurm_cluster.cancel_all(20)


@pytest.fixture
def make_site(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes this cluster's site file, with some of its text replaced."""

    def make(*replaced: tuple[str, str], name: str = "site") -> Path:
        text = SITE
        for old, new in replaced:
            assert old in text, f"{old} does not occur"
            text = text.replace(old, new)
        path = tmp_path / f"{name}.toml"
        path.write_text(text)
        return path

    return make


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of real molecules in eight shards, their scores, a docking program, and ``campaign.toml``."""
    from docksieve.data.libraries.build import build_library
    from docksieve.data.libraries.settings import IngestSettings

    small = load("docksieve_small_campaign", HERE.parent / "workflows" / "conftest.py")
    folder = tmp_path_factory.mktemp("inputs")
    smiles = small.molecules()
    (folder / "in.smi").write_text("".join(f"{text} M{number}\n" for number, text in enumerate(smiles)))
    library = build_library(folder / "library", [folder / "in.smi"], IngestSettings(shard_rows=50), 1, False)
    standard = library.take(range(library.rows), ["smiles"])["smiles"].to_pylist()
    scores = [small.fake_score(text) for text in standard]
    rows = zip(standard, scores, strict=True)
    (folder / "a.csv").write_text("smiles,score\n" + "".join(f"{text},{score:.1f}\n" for text, score in rows))
    rows = zip(standard[5:], scores[5:], strict=True)
    (folder / "b.csv").write_text(
        "smiles,score\n" + "".join(f"{text},{-score:.1f}\n" for text, score in rows)
    )
    (folder / "engine.py").write_text(ENGINE)
    words = [sys.executable, f"{folder}/engine.py", "{ligand}", f"{folder}/a.csv"]
    text = small.CAMPAIGN.replace(
        'engine = "table"\nscores = "a.csv"',
        f'engine = "command"\ncommand = {json.dumps(words)}\nmode = "single"\nligand_format = "smi"\nversion = "1"\n'
        "output = { kind = 'regex', pattern = '^score = (?P<score>\\S+)' }",
    )
    text = text.replace("[rounds]\ncount = 2", "[rounds]\ncount = 1")
    text = text.replace('"b.csv"', f'"{folder}/b.csv"').replace('"library"', f'"{folder}/library"')
    (folder / "campaign.toml").write_text(text)
    return folder


@pytest.fixture
def slow(inputs: Path) -> Iterator[Path]:
    """While this file is there, docking takes long enough for something to happen meanwhile."""
    path = inputs / "slow"
    path.touch()
    yield path
    path.unlink(missing_ok=True)


@pytest.fixture
def campaign(inputs: Path, tmp_path: Path) -> Iterator[Any]:
    """A campaign of this test, in a folder of its own."""
    run = load("campaigns").Run(tmp_path, (inputs / "campaign.toml").read_text())
    yield run
    run.end()


@pytest.fixture(scope="session")
def expected(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The hits of the same campaign on ``--site local``, undisturbed."""
    run = load("campaigns").Run(tmp_path_factory.mktemp("local"), (inputs / "campaign.toml").read_text())
    run.submit("local")
    return run.finish()
