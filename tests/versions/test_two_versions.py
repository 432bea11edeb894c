"""Two versions of RDKit side by side: what the older one wrote is found by the one that is installed.

The older one is installed into a folder of its own with pip, and used by a process of its own. Without pip's index the
test is skipped, loudly. ``make test-versions`` runs this, and the tests of molecules and docking under the lowest
versions that pyproject.toml allows.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from docksieve.data.enumeration.product_space import SAMPLES
from docksieve.data.libraries.build import build_library
from docksieve.data.libraries.library import Library

OLDER = "2025.3.1"
"""It puts the slashes of double bonds elsewhere than 2026.9.1."""
MOLECULES = (
    "C(=C/c1ccccc1)\\c1ccccc1", "C(=C\\c1ccccc1)\\c1ccccc1", "C/C(=N\\N)c1ccccc1", "C/C(=N/N)c1ccccc1",
    "O=C1OC(c2ccccc2)=N/C1=C\\c1ccccc1", "O=C1OC(c2ccccc2)=N/C1=C/c1ccccc1", "CC/C=C/C=C\\C(=O)O", "F/C=C/Cl",
    "C/C=C/[C@H](O)CC", "O=C(/C=C/c1ccccc1)NCc1ccco1", "CCN(CC)CCNC(=O)c1c(C)[nH]c(/C=C2\\C(=O)Nc3ccc(F)cc32)c1C",
    "C(=C/c1ccncc1)\\c1ccncc1", "C(=N/N=C/c1ccccc1)\\c1ccccc1", "Oc1ccc(/C=C/c2cc(O)cc(O)c2)cc1",
    "COc1cc(/C=C/C(=O)CC(=O)/C=C/c2ccc(O)c(OC)c2)ccc1O", "CN(C)CC/C=C1/c2ccccc2CCc2ccccc21",
)  # fmt: skip
SPELL = """
import json, sys
import rdkit
from rdkit import Chem
texts = json.load(sys.stdin)
print(json.dumps([rdkit.__version__, [Chem.MolToSmiles(Chem.MolFromSmiles(text)) for text in texts]]))
"""


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the older RDKit."""
    folder = tmp_path_factory.mktemp("older")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
    done = subprocess.run([*command, f"rdkit=={OLDER}"], capture_output=True, text=True, timeout=300)
    if done.returncode:
        pytest.skip(
            f"TWO VERSIONS ARE NOT TESTED HERE: rdkit {OLDER} cannot be installed ({done.stderr[-200:]})"
        )
    return folder


@pytest.mark.slow
def test_a_library_of_the_older_version_is_searched(older: Path, tmp_path: Path) -> None:
    acids = [line.split()[0] for line in (SAMPLES / "acids.smi").read_text().splitlines()]
    lines = [*MOLECULES, *acids]
    (tmp_path / "in.smi").write_text("".join(f"{text} M{at}\n" for at, text in enumerate(lines)))
    built = build_library(tmp_path / "library", [tmp_path / "in.smi"], workers=1, progress=False)
    rows = built.take(range(built.rows), ["smiles"])["smiles"].to_pylist()
    environment = {**os.environ, "PYTHONPATH": str(older)}
    spelled = subprocess.run(
        [sys.executable, "-c", SPELL],
        input=json.dumps(rows),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    version, texts = json.loads(spelled.stdout)
    assert version == "2025.03.1" and len(texts) == len(rows)
    changed = [at for at, (now, old) in enumerate(zip(rows, texts, strict=True)) if now != old]
    assert len(changed) >= 3, "the two versions write alike: this test needs another older version"
    assert all(
        rows[at].replace("/", "").replace("\\", "") == texts[at].replace("/", "").replace("\\", "")
        for at in changed
    )
    (shard,) = built.shards
    table = pq.read_table(shard.path)
    at = table.schema.get_field_index("smiles")
    pq.write_table(table.set_column(at, table.schema.field(at), [texts]), shard.path)
    manifest = json.loads((built.path / "library.json").read_text())
    manifest["made_with"]["rdkit"] = version
    (built.path / "library.json").write_text(json.dumps(manifest))
    assert Library.open(built.path).find_smiles(rows).tolist() == list(range(len(rows)))
