"""What the examples of the public names find in the current folder: a library, score tables, a finished campaign.

``docs/api.md`` tells readers what lies there. The docking program is a table of made-up scores, so that all of it takes
seconds.
"""

from __future__ import annotations

import sys
from pathlib import Path

import docksieve
from rdkit import Chem
from rdkit.Chem import Crippen, rdMolDescriptors

ACIDS = "C c1ccccc1 c1ccncc1 C1CCCCC1 Cc1ccccc1 c1ccc(F)cc1 c1ccc(OC)cc1 c1ccsc1 c1ccco1 C1CCOCC1 C1CC1 c1cc(C)on1"
AMINES = (
    "NCc1ccccc1 N1CCOCC1 NC1CCCCC1 Nc1ccccc1 N1CCN(C)CC1 NCCc1ccccc1 NC1CC1 N1CCc2ccccc2C1 NCc1ccncc1 "
    "Nc1ccc(F)cc1 N(C)Cc1ccco1 NCCO NC1CCOCC1 Nc1ccc2ccccc2c1 N1CCC(O)CC1 NCc1ccc(Cl)cc1"
)
CAMPAIGN = """\
[campaign]
name = "campaign"
seed = 7

[library]
path = "library"

[targets.EGFR]
engine = "table"
scores = "egfr.csv"
unit = "kcal/mol"
lower_is_better = true

[targets.JAK2]
engine = "table"
scores = "jak2.csv"
unit = "kcal/mol"
lower_is_better = true

[start]
molecules = 50
sealed = 0.2

[rounds]
count = 2
labels = 120
keep = 0.25
dock = 10

[final]
molecules = 4

[student]
width = 16
buckets = 256
layers = 1
epochs = 4

[run]
threads = 1
"""


def amides() -> list[str]:
    """Return the 192 amides of a dozen acids and sixteen amines."""
    return [f"O=C({acid}){amine}" for acid in ACIDS.split() for amine in AMINES.split()]


def made_up_scores(smiles: str) -> tuple[float, float]:
    """Return two numbers that follow size, rings and lipophilicity, as docking scores do."""
    mol = Chem.MolFromSmiles(smiles)
    size, rings = mol.GetNumHeavyAtoms(), rdMolDescriptors.CalcNumAromaticRings(mol)
    logp = Crippen.MolLogP(mol)
    return round(-2 - 0.2 * size - 0.4 * rings - 0.1 * logp, 1), round(-3 - 0.15 * size - 0.5 * logp, 1)


def make(folder: Path) -> None:
    """Fill ``folder`` with what the examples use: text files, ``library`` and the finished ``campaign``."""
    molecules = amides()
    (folder / "vendor.smi").write_text("".join(f"{text} A{row:03d}\n" for row, text in enumerate(molecules)))
    docksieve.build_library(folder / "library", [folder / "vendor.smi"], workers=1, progress=False)
    scores = [made_up_scores(text) for text in molecules]
    for column, name in enumerate(("egfr", "jak2")):
        # One in ten is missing: its docking fails.
        known = [pair for row, pair in enumerate(zip(molecules, scores, strict=True)) if row % 10 != 3]
        rows = [f"{text},{both[column]}" for text, both in known]
        (folder / f"{name}.csv").write_text("smiles,score\n" + "\n".join(rows) + "\n")
    (folder / "new.csv").write_text("\n".join((folder / "egfr.csv").read_text().split("\n")[:61]) + "\n")
    (folder / "campaign.toml").write_text(CAMPAIGN)
    docksieve.submit(folder / "campaign.toml", site="inline")


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir()
    make(Path(sys.argv[1]))
