"""What tests of libraries share: a few amides, and a build in small pieces."""

import pyarrow as pa
import pyarrow.feather
from docksieve.data.libraries.build import build_library
from docksieve.data.libraries.settings import IngestSettings
from docksieve.data.store import read_table

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
