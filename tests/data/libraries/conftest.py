"""What tests of libraries share: inputs of every kind of trouble."""

import numpy as np
import pytest
from rdkit import Chem

from .building import AMIDES


@pytest.fixture(scope="session")
def two_files(tmp_path_factory):
    """Two files with duplicates inside, across chunks and across files, and lines that are no molecules."""
    folder = tmp_path_factory.mktemp("two-files")
    rng = np.random.default_rng(1)
    first = [f"{Chem.MolToSmiles(Chem.MolFromSmiles(s), doRandom=True)} A{n}" for n, s in enumerate(AMIDES)]
    first[10] = "C1CC unclosed"
    first.insert(40, "# a comment")
    first.insert(41, "")
    second = [f"{AMIDES[n]}.Cl,B{k}" for k, n in enumerate(rng.integers(0, len(AMIDES), 150))]
    second[77] = "CC(C)(C)(C)(C)C,valence"
    (folder / "first.smi").write_text("\n".join(first) + "\n")
    (folder / "second.csv").write_text("structure,id\r\n" + "\r\n".join(second))
    return folder / "first.smi", folder / "second.csv"
