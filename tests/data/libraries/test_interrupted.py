"""Builds that are killed, damaged or short of disk: the same command ends with the same library."""

import os
import signal
import subprocess
import sys
import textwrap

import pyarrow.parquet as pq
import pytest
from docksieve.data.errors import DocksieveError, LibraryError
from docksieve.data.libraries.library import MANIFEST, Library

from .building import AMIDES, SMALL, build, shard_bytes


@pytest.fixture(scope="module")
def fresh(tmp_path_factory, two_files):
    """The library of an undisturbed build."""
    return build(tmp_path_factory.mktemp("fresh"), *map(str, two_files), settings=SMALL)


KILLER = """
import os, signal, sys
from docksieve.data.libraries import passes
from docksieve.data.libraries.build import build_library
from docksieve.data.libraries.settings import IngestSettings

name, times = sys.argv[1], int(sys.argv[2])
real = getattr(passes, name)

def dying(*args):
    global times
    if times == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    times -= 1
    return real(*args)

setattr(passes, name, dying)
build_library(sys.argv[3], sys.argv[4:], IngestSettings(chunk_bytes=600, shard_rows=30), workers=1, progress=False)
"""


@pytest.mark.parametrize(
    ("step", "times"),
    [
        ("standardise_chunk", 3),
        ("pair_bucket", 0),
        ("write_kept", 0),
        ("count_repeated_ids", 0),
        ("write_shard", 1),
        ("write_ledger", 0),
        ("write_json", 1),
    ],
)
def test_killed_in_any_pass_the_same_command_ends_with_the_same_library(
    tmp_path, two_files, fresh, step, times
):
    out = tmp_path / "lib"
    inputs = [str(path) for path in two_files]
    command = [sys.executable, "-c", KILLER, step, str(times), str(out), *inputs]
    killed = subprocess.run(command, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (out / MANIFEST).exists()
    with pytest.raises(LibraryError, match="unfinished"):
        Library.open(out)
    done_before = {path.name for path in (out / ".build" / "parts").glob("*.parquet")}
    assert len(done_before) >= (3 if step == "standardise_chunk" else 10)
    (out / ".build" / "parts" / ".tmp-1234-part-000001.parquet").write_bytes(b"half")
    resumed = build(tmp_path, *inputs, settings=SMALL)
    assert shard_bytes(resumed) == shard_bytes(fresh)
    assert resumed.fingerprint == fresh.fingerprint
    assert resumed.manifest["counts"] == fresh.manifest["counts"]
    assert sorted(p.name for p in out.iterdir()) == sorted(p.name for p in fresh.path.iterdir())


def test_finished_work_is_not_done_again(tmp_path, two_files, monkeypatch):
    inputs = [str(path) for path in two_files]
    command = [sys.executable, "-c", KILLER, "pair_bucket", "0", str(tmp_path / "lib"), *inputs]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -signal.SIGKILL

    def not_again(*args):
        raise AssertionError("a finished chunk was standardised again")

    monkeypatch.setattr("docksieve.data.libraries.part_tasks._standardise_records", not_again)
    assert build(tmp_path, *inputs, settings=SMALL).rows > 0


def test_a_part_that_was_damaged_is_made_again(tmp_path, two_files, fresh):
    inputs = [str(path) for path in two_files]
    command = [sys.executable, "-c", KILLER, "pair_bucket", "0", str(tmp_path / "lib"), *inputs]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -signal.SIGKILL
    part = tmp_path / "lib" / ".build" / "parts" / "part-000002.parquet"
    part.write_bytes(part.read_bytes()[:100])
    assert build(tmp_path, *inputs, settings=SMALL).fingerprint == fresh.fingerprint


@pytest.mark.slow
def test_killed_with_workers_running_it_goes_on(tmp_path, two_files, fresh):
    script = tmp_path / "run.py"
    script.write_text(
        textwrap.dedent("""
        import sys
        from docksieve.data.libraries.build import IngestSettings, build_library
        if __name__ == "__main__":
            settings = IngestSettings(chunk_bytes=600, shard_rows=30)
            build_library(sys.argv[1], sys.argv[2:], settings, workers=2, progress=False)
        """)
    )
    inputs = [str(path) for path in two_files]
    out = tmp_path / "lib"
    process = subprocess.Popen([sys.executable, str(script), str(out), *inputs], stderr=subprocess.DEVNULL)
    first = out / ".build" / "receipts" / "parts" / "part-000000.json"
    while not first.exists() and process.poll() is None:
        pass
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert build(tmp_path, *inputs, settings=SMALL).fingerprint == fresh.fingerprint


@pytest.mark.slow
def test_a_worker_that_dies_twice_names_its_lines(tmp_path, monkeypatch):
    """A SMILES that takes the worker down: one retry, then an error that says where to look."""
    lines = [f"{smiles} A{n}" for n, smiles in enumerate(AMIDES)]
    (tmp_path / "in.smi").write_text("\n".join(lines))
    code = textwrap.dedent(f"""
        import os, sys
        sys.path.insert(0, {str(tmp_path)!r})
        from docksieve.data.errors import InputError
        from docksieve.data.libraries.pool import BuildWorkers
        from crashing import crash_on_three
        if __name__ == "__main__":
            jobs = [{{"task": str(n), "what": f"lines {{n}} of in.smi", "n": n}} for n in range(6)]
            with BuildWorkers(2, {str(tmp_path)!r}) as pool:
                try:
                    print(sorted(result["n"] for _, result in pool.run(crash_on_three, jobs)))
                except InputError as error:
                    print(error)
        """)
    (tmp_path / "crashing.py").write_text(
        "import os\ndef crash_on_three(job):\n    if job['n'] == 3:\n        os.abort()\n    return {'n': job['n']}\n"
    )
    (tmp_path / "main.py").write_text(code)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, str(tmp_path / "main.py")],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert "A worker died twice on lines 3 of in.smi" in done.stdout, done.stdout + done.stderr


def test_an_unfinished_build_of_something_else(tmp_path, two_files):
    inputs = [str(path) for path in two_files]
    command = [sys.executable, "-c", KILLER, "pair_bucket", "0", str(tmp_path / "lib"), *inputs]
    subprocess.run(command, capture_output=True, check=False)
    with pytest.raises(LibraryError, match="other input or with other settings"):
        build(tmp_path, two_files[0], settings=SMALL)


def test_a_full_disk_is_said_and_work_is_kept(tmp_path, two_files, monkeypatch):
    real = pq.write_table
    calls = []

    def full(table, where, **options):
        calls.append(where)
        if len(calls) > 5:
            raise OSError(28, "No space left on device")
        real(table, where, **options)

    monkeypatch.setattr("docksieve.data.libraries.part_tasks.pq.write_table", full)
    with pytest.raises(DocksieveError, match=r"disk .* is full"):
        build(tmp_path, *two_files, settings=SMALL)
    monkeypatch.undo()
    assert not (tmp_path / "lib" / MANIFEST).exists()
    build(tmp_path, *two_files, settings=SMALL).verify()
