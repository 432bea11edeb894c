"""`docksieve library build --site`: Dask workers in jobs of a real Slurm, some of which die."""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from docksieve.data.libraries.build import build_library
from docksieve.data.libraries.library import Library
from docksieve.data.libraries.settings import IngestSettings

pytestmark = pytest.mark.alone

ACYLS = [
    "c1ccccc1",
    "c1ccncc1",
    "c1ccc2ccccc2c1",
    "C1CCCCC1",
    "c1ccc(F)cc1",
    "c1ccsc1",
    "CSC",
    "C1CC1",
    "bad",
    "CC",
]
AMINES = ["NCc1ccccc1", "N1CCOCC1", "NC1CCCCC1", "Nc1ccccc1", "N1CCN(C)CC1", "NCCc1ccccc1", "NC1CC1", "NCCO"]
SETTINGS = IngestSettings(chunk_bytes=12_000, shard_rows=1500)


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six thousand amides; some of them are no molecules, and some occur twice."""
    path = tmp_path_factory.mktemp("input") / "amides.smi"
    chains = ["C" * length for length in range(25)] + ["CC(C)" + "C" * length for length in range(25)]
    smiles = [f"O=C({chain}{acyl}){amine}" for chain in chains for acyl in ACYLS for amine in AMINES]
    smiles += smiles[::2]
    path.write_text("".join(f"{text} M{number}\n" for number, text in enumerate(smiles)))
    return path


@pytest.fixture(scope="module")
def built_here(lines: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Checksums of the library as one process builds it."""
    folder = tmp_path_factory.mktemp("here") / "library"
    build_library(folder, [lines], SETTINGS, workers=1, progress=False)
    return content(folder)


def content(library: Path) -> dict[str, str]:
    """Return the checksum of every file of a library; of its manifest, without what is measured."""
    found = {
        str(path.relative_to(library)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(library.rglob("*.parquet"))
    }
    manifest = json.loads((library / "library.json").read_text())
    del manifest["seconds"]
    return {**found, "library.json": json.dumps(manifest)}


@contextlib.contextmanager
def building(library: Path, lines: Path, site: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a build on ``site`` with small steps, in a process of its own."""
    code = (
        "import sys, functools\n"
        "from docksieve.data.libraries.build import IngestSettings, build_library\n"
        "from docksieve.hpc.dask_workers.cluster import data_workers, open_dask\n"
        "from docksieve.hpc.sites.read import load_site\n"
        "if __name__ == '__main__':\n"
        "    site = load_site(sys.argv[3])\n"
        f"    settings = IngestSettings(chunk_bytes={SETTINGS.chunk_bytes}, shard_rows={SETTINGS.shard_rows})\n"
        "    build_library(sys.argv[1], sys.argv[2:3], settings, data_workers(site), True, None,\n"
        "                  functools.partial(open_dask, site))\n"
    )
    command = [sys.executable, "-c", code, str(library), str(lines), str(site)]
    log = library.parent / "build.log"
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def parts_done(library: Path) -> int:
    return len(list((library / ".build").glob("receipts/**/part-*.json")))


def test_a_worker_killed_and_a_job_cancelled_leave_no_trace(
    slurm: Any, lines: Path, built_here: dict[str, str], make_site: Callable[..., Path], tmp_path: Path
) -> None:
    library = tmp_path / "library"
    site = make_site(("blocks = 1\ncores = 4\nworkers = 2", "blocks = 2\ncores = 4\nworkers = 2"))
    with building(library, lines, site) as process:
        slurm.wait(
            lambda: (
                (parts_done(library) > 5 and len(slurm.jobs("RUNNING")) == 2) or process.poll() is not None
            ),
            180,
            "first steps in both jobs",
        )
        first, second = sorted(slurm.jobs("RUNNING"))
        print([p.cmdline() for p in slurm.processes(first)])
        slurm.processes(first, "dask worker")[0].kill()
        slurm.run(f"scancel {second}")
        slurm.wait(lambda: slurm.jobs() and max(slurm.jobs()) > second, 90, "the next job")
        assert process.wait(300) == 0, (tmp_path / "build.log").read_text()
    slurm.wait(lambda: not slurm.jobs(), 60, "jobs to be given back")
    assert content(library) == built_here
    Library.open(library).verify()
    said = (tmp_path / "build.log").read_text()
    assert "up to 2 jobs of 2 workers" in said and "http://127.0.0.1:" in said and "ssh -N -L" in said
    assert not list(library.rglob(".dask-jobqueue*")), "certificates are gone with the cluster"


def test_a_site_of_this_machine_builds_the_same(
    lines: Path, built_here: dict[str, str], tmp_path: Path
) -> None:
    command = [
        sys.executable,
        "-m",
        "docksieve",
        "library",
        "build",
        str(tmp_path / "library"),
        str(lines),
    ]
    options = ["--site", "local", "--set", "workers=1", "--shard-rows", "1500", "--quiet"]
    subprocess.run([*command, *options], check=True, capture_output=True)
    assert content(tmp_path / "library").keys() == built_here.keys()


def refused(library: Path, lines: Path, site: Path, *options: str) -> str:
    """Return what the command says when it ends with an error."""
    command = [
        sys.executable,
        "-m",
        "docksieve",
        "library",
        "build",
        str(library),
        str(lines),
    ]
    result = subprocess.run(
        [*command, "--site", str(site), *options], capture_output=True, text=True, timeout=90
    )
    assert result.returncode, result.stdout
    return " ".join(result.stderr.split())


@pytest.fixture
def two_files(lines: Path, tmp_path: Path) -> Path:
    """More than one step even with chunks of the usual size."""
    path = tmp_path / "more.smi"
    path.write_text(lines.read_text() * 8)
    return path


def test_a_queue_that_is_none_is_said_in_the_schedulers_words(
    slurm: Any, two_files: Path, make_site: Callable[..., Path], tmp_path: Path
) -> None:
    begun = time.monotonic()
    said = refused(tmp_path / "library", two_files, make_site(), "--set", "queue=nowhere")
    assert "refused the job" in said and "invalid partition specified: nowhere" in said
    assert time.monotonic() - begun < 90


def test_jobs_that_end_before_they_begin_end_the_build(
    slurm: Any, two_files: Path, make_site: Callable[..., Path], tmp_path: Path
) -> None:
    site = make_site(
        ("cores = 4\nworkers = 2", "cores = 4\nworkers = 2\nsetup = ['echo no module conda >&2', 'exit 1']")
    )
    said = refused(tmp_path / "library", two_files, site)
    assert "ended before a worker reported" in said and "no module conda" in said
    slurm.wait(lambda: not slurm.jobs(), 60, "no job to be left")
