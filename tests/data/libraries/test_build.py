"""Building libraries: nothing is lost, nothing depends on how the work was divided or interrupted."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from docksieve.data.errors import DocksieveError, InputError, LibraryError
from docksieve.data.libraries.build import build_library
from docksieve.data.libraries.library import MANIFEST, Library
from docksieve.data.libraries.settings import IngestSettings
from docksieve.data.molecules.standardise import StandardSettings, standard_smiles
from docksieve.data.readers.layout import ReadingSettings
from docksieve.data.schema import LIBRARY_SCHEMA
from docksieve.data.store import read_json, read_table
from rdkit import Chem

AMINES = ["N", "NC", "NCC", "N(C)C", "N1CCCC1", "N1CCOCC1", "NCc1ccccc1", "NC1CC1"]
ACIDS = [
    "C",
    "CC",
    "c1ccccc1",
    "c1ccncc1",
    "C1CCC1",
    "c1ccc(F)cc1",
    "c1ccsc1",
    "CC(C)C",
    "c1ccc(Cl)cc1",
    "C=C",
]
AMIDES = [f"O=C({acid}){amine}" for acid in ACIDS for amine in AMINES]
SMALL = IngestSettings(chunk_bytes=600, shard_rows=30)


def build(tmp_path, *inputs, settings=None, name="lib", **kwargs):
    kwargs.setdefault("workers", 1)
    return build_library(tmp_path / name, inputs, settings, progress=False, **kwargs)


def counts(library):
    names = ("records", "accepted", "duplicates", "rejected")
    return tuple(library.manifest["counts"][name] for name in names)


def table_of(library, kind):
    files = [read_table(library.path / item["path"]) for item in library.manifest[kind]]
    return pa.concat_tables(files).to_pylist() if files else []


def shard_bytes(library):
    return [shard.path.read_bytes() for shard in library.shards]


@pytest.fixture
def two_files(tmp_path):
    """Two files with duplicates inside, across chunks and across files, and lines that are no molecules."""
    rng = np.random.default_rng(1)
    first = [f"{Chem.MolToSmiles(Chem.MolFromSmiles(s), doRandom=True)} A{n}" for n, s in enumerate(AMIDES)]
    first[10] = "C1CC unclosed"
    first.insert(40, "# a comment")
    first.insert(41, "")
    second = [f"{AMIDES[n]}.Cl,B{k}" for k, n in enumerate(rng.integers(0, len(AMIDES), 150))]
    second[77] = "CC(C)(C)(C)(C)C,valence"
    (tmp_path / "first.smi").write_text("\n".join(first) + "\n")
    (tmp_path / "second.csv").write_text("structure,id\r\n" + "\r\n".join(second))
    return tmp_path / "first.smi", tmp_path / "second.csv"


def test_duplicates_across_chunks_and_files(tmp_path, two_files):
    library = build(tmp_path, *two_files, settings=SMALL)
    kept = {}
    duplicates = 0
    for source, path in enumerate(two_files):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            text = line.replace(",", " ").split()
            if not text or text[0] in ("#", "structure", "C1CC", "CC(C)(C)(C)(C)C"):
                continue
            duplicates += standard_smiles(text[0]) in kept
            kept.setdefault(standard_smiles(text[0]), (source, number, text[1]))
    table = library.take(np.arange(library.rows))
    got = zip(
        table["smiles"].to_pylist(),
        zip(*(table[c].to_pylist() for c in ("source", "line", "id")), strict=True),
        strict=True,
    )
    assert dict(got) == kept
    assert list(kept) == table["smiles"].to_pylist()
    assert table["row"].to_pylist() == list(range(library.rows))
    assert counts(library) == (230, len(kept), duplicates, 2)
    assert library.manifest["counts"]["lines"] == 230 + 1 + 1 + 1
    assert len(library.shards) == 3
    for row in table_of(library, "duplicates"):
        assert table["smiles"][row["kept_row"]].as_py() == row["smiles"]
    rejects = table_of(library, "rejects")
    assert [(r["source"], r["line"], r["code"]) for r in rejects] == [(0, 11, "syntax"), (1, 79, "valence")]
    assert rejects[0]["text"] == "C1CC unclosed" and "unclosed ring" in rejects[0]["reason"]
    library.verify()


def test_the_library_does_not_depend_on_chunks_buckets_or_workers(tmp_path, two_files, monkeypatch):
    whole = build(tmp_path, *two_files, settings=IngestSettings(shard_rows=30), name="whole")
    monkeypatch.setattr("docksieve.data.libraries.dedupe.BUCKET_ROWS", 20)
    cut = build(tmp_path, *two_files, settings=SMALL, name="cut")
    assert shard_bytes(cut) == shard_bytes(whole)
    assert cut.fingerprint == whole.fingerprint
    assert table_of(cut, "duplicates") == table_of(whole, "duplicates")
    assert table_of(cut, "rejects") == table_of(whole, "rejects")


@pytest.mark.slow
def test_two_workers_build_the_same(tmp_path, two_files):
    one = build(tmp_path, *two_files, settings=SMALL, name="one")
    two = build(tmp_path, *two_files, settings=SMALL, name="two", workers=2)
    assert shard_bytes(two) == shard_bytes(one)
    assert two.fingerprint == one.fingerprint


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
def test_killed_in_any_pass_the_same_command_ends_with_the_same_library(tmp_path, two_files, step, times):
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
    fresh = build(tmp_path, *inputs, settings=SMALL, name="fresh")
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


def test_a_part_that_was_damaged_is_made_again(tmp_path, two_files):
    inputs = [str(path) for path in two_files]
    command = [sys.executable, "-c", KILLER, "pair_bucket", "0", str(tmp_path / "lib"), *inputs]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -signal.SIGKILL
    part = tmp_path / "lib" / ".build" / "parts" / "part-000002.parquet"
    part.write_bytes(part.read_bytes()[:100])
    fresh = build(tmp_path, *inputs, settings=SMALL, name="fresh")
    assert build(tmp_path, *inputs, settings=SMALL).fingerprint == fresh.fingerprint


@pytest.mark.slow
def test_killed_with_workers_running_it_goes_on(tmp_path, two_files):
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
    fresh = build(tmp_path, *inputs, settings=SMALL, name="fresh")
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


def test_standard_input(tmp_path):
    code = (
        "import sys; from docksieve.data.libraries.build import build_library;"
        "print(build_library(sys.argv[1], ['-'], workers=1, progress=False).rows)"
    )
    text = "smiles id\n" + "\n".join(f"{s} A{n}" for n, s in enumerate(AMIDES))
    command = [sys.executable, "-c", code, str(tmp_path / "lib")]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    assert int(done.stdout) == len(AMIDES)
    assert Library.open(tmp_path / "lib").manifest["sources"][0]["name"] == "-"


def test_awkward_lines(tmp_path):
    """NUL bytes, Latin-1, a SMILES of 5,000 characters, one beyond the limit, an empty field."""
    lines = [
        b"CCO fine",
        b"CC\x00O nul",
        b"CC\xe9 latin",
        b"C" * 5000 + b" long",
        b"C" * 10_500 + b" too-long",
        b"c1ccccc1 M\xfcller",
        b"CCN ok",
    ]
    (tmp_path / "in.smi").write_bytes(b"\r\n".join(lines))
    settings = IngestSettings(standard=StandardSettings(max_heavy_atoms=5000))
    library = build(tmp_path, tmp_path / "in.smi", settings=settings)
    table = library.take(np.arange(library.rows))
    assert table["id"].to_pylist() == ["fine", "long", "M\xfcller", "ok"]
    assert table["smiles"][1].as_py() == "C" * 5000
    rejects = {row["line"]: row for row in table_of(library, "rejects")}
    assert {line: row["code"] for line, row in rejects.items()} == {
        2: "characters",
        3: "characters",
        5: "too_long",
    }
    assert "cut: 10509 characters in all" in rejects[5]["text"]
    library.verify()


def test_ids_are_made_from_file_and_line(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    (tmp_path / "a" / "mine.smi").write_text("CCO\n\nCCN\n")
    (tmp_path / "b" / "mine.smi").write_text("CCCl\n")
    library = build(tmp_path, tmp_path / "a" / "mine.smi", tmp_path / "b" / "mine.smi")
    assert library.take([0, 1, 2])["id"].to_pylist() == ["mine:1", "mine:3", "mine#2:1"]


def test_one_id_for_different_molecules(tmp_path):
    (tmp_path / "in.smi").write_text("CCO X1\nCCN X1\nCCO X1\nCCC X2\n")
    library = build(tmp_path, tmp_path / "in.smi")
    assert counts(library) == (4, 3, 1, 0)
    assert library.manifest["counts"]["repeated_ids"] == 1
    assert library.lookup(["X1", "X2", "X3"]).tolist() == [0, 2, -1]


def test_sdf_with_a_bad_record(tmp_path):
    good = [Chem.MolToMolBlock(Chem.MolFromSmiles(s)) for s in ("CCO", "c1ccccc1", "CC(=O)[O-].[Na+]")]
    bad = good[0].replace("  3  2", " 33  2", 1)
    blocks = [f"M{n}{block}>  <vendor>\nV{n}\n\n$$$$\n" for n, block in enumerate([good[0], bad, *good[1:]])]
    (tmp_path / "in.sdf").write_text("".join(blocks))
    library = build(tmp_path, tmp_path / "in.sdf")
    assert counts(library) == (4, 3, 0, 1)
    assert library.take([0, 1, 2])["id"].to_pylist() == ["M0", "M2", "M3"]
    assert library.take([2])["smiles"].to_pylist() == ["CC(=O)O"]
    reject = table_of(library, "rejects")[0]
    assert reject["line"] == 1 + blocks[0].count("\n") and reject["reason"]
    settings = IngestSettings(reading=ReadingSettings(id_column="vendor"))
    by_property = build(tmp_path, tmp_path / "in.sdf", settings=settings, name="by-property")
    assert by_property.take([0, 1, 2])["id"].to_pylist() == ["V0", "V2", "V3"]


@pytest.mark.parametrize("kind", ["parquet", "feather", "parquet through standard input"])
def test_tables(tmp_path, kind, monkeypatch):
    table = pa.table(
        {"score": [1.5] * 80, "zinc_id": list(range(80)), "SMILES": [*AMIDES[:-2], None, "C1CC"]}
    )
    path = tmp_path / "in.table"
    if kind == "feather":
        pyarrow.feather.write_feather(table, path)
    else:
        pq.write_table(table, path, row_group_size=23)
    settings = IngestSettings(chunk_rows=10)
    if "standard input" in kind:
        with path.open("rb") as handle:
            monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": handle})())
            library = build(tmp_path, "-", settings=settings)
    else:
        library = build(tmp_path, path, settings=settings)
    assert counts(library) == (80, 78, 0, 2)
    got = library.take(np.arange(78))
    assert got["id"].to_pylist() == [str(n) for n in range(78)]
    assert got["smiles"].to_pylist() == [standard_smiles(s) for s in AMIDES[:-2]]
    assert [(r["line"], r["code"]) for r in table_of(library, "rejects")] == [(79, "missing"), (80, "syntax")]


def test_steps_can_be_left_out(tmp_path):
    (tmp_path / "in.smi").write_text("CC(=O)[O-].[Na+] a\nCCN b\n")
    settings = IngestSettings(standard=StandardSettings(neutralise=False))
    assert build(tmp_path, tmp_path / "in.smi", settings=settings).take([0])["smiles"].to_pylist() == [
        "CC(=O)[O-]"
    ]


def test_an_empty_file_is_an_error_and_leaves_nothing(tmp_path):
    (tmp_path / "empty.smi").write_text("")
    (tmp_path / "hopeless.smi").write_text("smiles\nC1CC\nC2CC\n")
    for name in ("empty.smi", "hopeless.smi"):
        with pytest.raises(InputError, match=f"{name}"):
            build(tmp_path, tmp_path / name)
        assert not (tmp_path / "lib").exists()


def test_a_missing_file_stops_before_anything_is_written(tmp_path):
    (tmp_path / "in.smi").write_text("CCO a\n")
    with pytest.raises(InputError, match=r"gone\.smi does not exist"):
        build(tmp_path, tmp_path / "in.smi", tmp_path / "gone.smi")
    assert not (tmp_path / "lib").exists()


def test_a_folder_that_is_taken(tmp_path):
    (tmp_path / "in.smi").write_text("CCO a\nCCN b\n")
    (tmp_path / "other.smi").write_text("CCCCO a\n")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "thesis.tex").write_text("dear")
    with pytest.raises(LibraryError, match=r"not empty \(it holds 'thesis\.tex'\)"):
        build(tmp_path, tmp_path / "in.smi")
    assert [p.name for p in (tmp_path / "lib").iterdir()] == ["thesis.tex"]
    first = build(tmp_path, tmp_path / "in.smi", name="mine")
    assert build(tmp_path, tmp_path / "in.smi", name="mine").fingerprint == first.fingerprint
    with pytest.raises(LibraryError, match="holds a library already"):
        build(tmp_path, tmp_path / "other.smi", name="mine")
    Library.open(tmp_path / "mine").verify()


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


def test_the_manifest_and_shards_are_as_the_schema_says(tmp_path, two_files):
    library = build(tmp_path, *two_files, settings=SMALL)
    assert pq.ParquetFile(library.shards[0].path).schema_arrow.equals(LIBRARY_SCHEMA)
    assert library.shards[1].name == "shard-000000000030-000000000059"
    assert sorted(path.name for path in library.path.iterdir()) == [
        "duplicates",
        MANIFEST,
        "rejects",
        "shards",
    ]
    manifest = read_json(library.path / MANIFEST)
    weights = library.take(np.arange(library.rows))["weight"].to_numpy()
    assert manifest["properties"]["weight"]["max"] == pytest.approx(weights.max())
    assert manifest["properties"]["weight"]["mean"] == pytest.approx(weights.mean(), rel=1e-6)
    assert manifest["reasons"] == {"syntax": 1, "valence": 1}
    assert Path(manifest["sources"][1]["name"]).name == "second.csv"
