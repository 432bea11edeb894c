"""A campaign on a combinatorial space with a docking program that refuses molecules: none of them is handed to it."""

from __future__ import annotations

import sys
from pathlib import Path

import docksieve
import pytest
from docksieve.data.enumeration.product_space import SAMPLES
from docksieve.data.spaces.build import build_space
from docksieve.data.spaces.space import Space
from docksieve.workflows.progress.status import status

PROGRAM = """\
import sys
for block in open(sys.argv[1]).read().split("$$$$\\n"):
    if block.strip():
        name, counts = block.splitlines()[0], block.splitlines()[3]
        print(f"{name} score = {-int(counts[:3]) / 5:.2f}")
"""
CAMPAIGN = """\
[campaign]
name = "campaign"
seed = 3

[library]
path = "space"

[targets.T]
engine = "command"
command = ["{python}", "dock.py", "{{ligand}}"]
mode = "batch"
output = {{ kind = "regex", pattern = '^(?P<name>lig\\d+) score = (?P<score>[-.\\d]+)' }}
unit = "au"
lower_is_better = true
version = "1"
ligand = {{ max_heavy_atoms = 20 }}

[start]
molecules = 40
sealed = 0.1

[rounds]
count = 1
labels = 400
keep = 0.2
dock = 12

[final]
molecules = 0

[factors]
epochs = 3

[run]
dock_batch = 20
threads = 1
"""


@pytest.mark.slow
def test_what_docking_refuses_is_left_out_where_products_are_made(tmp_path: Path) -> None:
    files = {}
    for role in ("acids", "amines"):
        lines = (SAMPLES / f"{role}.smi").read_text().splitlines()[:50]
        (tmp_path / f"{role}.smi").write_text("\n".join(lines) + "\n")
        files[role] = [tmp_path / f"{role}.smi"]
    build_space(tmp_path / "space", ["amide"], files, workers=1)
    (tmp_path / "dock.py").write_text(PROGRAM)
    (tmp_path / "campaign.toml").write_text(CAMPAIGN.format(python=sys.executable))
    docksieve.submit(tmp_path / "campaign.toml", site="inline")

    root, space = tmp_path / "campaign", Space(tmp_path / "space")
    campaign = docksieve.load_campaign(root)
    found = status(root)
    assert found.state == "complete" and "round-00/filter" not in [item.stage for item in found.stages]
    assert sum(receipt.rows_in for receipt in campaign.ledger.receipts("round-01/label")) == 400
    docked = docksieve.ask(root, docksieve.HitQuery(by="docked", top=None)).table
    sizes = space.take(docked["row"].to_numpy(), ["heavy_atoms"])["heavy_atoms"].to_numpy()
    assert len(sizes) == 52 and sizes.max() == 20
    # More atoms score better here, so most of what the models hold best is what docking refuses.
    (chosen,) = campaign.ledger.receipts("round-01/acquire")
    assert chosen.facts["T"]["left_out"]["refused"] > 12
    docksieve.write_report(root, tmp_path / "report.html")
