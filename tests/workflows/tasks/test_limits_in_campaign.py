"""A campaign with a docking program and targets of different limits: no batch holds what would be refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pytest
from docksieve.data.libraries.library import Library
from docksieve.data.store import read_table
from docksieve.workflows.campaign.campaign import open_campaign
from docksieve.workflows.progress.status import status
from docksieve.workflows.report.facts import read_facts
from docksieve.workflows.report.funnel import cross_checks, target_passages
from docksieve.workflows.running.submit import submit
from docksieve.workflows.terminal.hits import print_hits

PROGRAM = """\
import re, sys
for block in open(sys.argv[1]).read().split("$$$$\\n"):
    if block.strip():
        name, counts = block.splitlines()[0], block.splitlines()[3]
        if "M  CHG" not in block:
            print(f"{name} score = {-int(counts[:3]) / 5:.2f}")
"""
TARGET = """
[targets.{name}]
engine = "command"
command = ["{python}", "dock.py", "{{ligand}}"]
mode = "batch"
output = {{ kind = "regex", pattern = '^(?P<name>lig\\d+) score = (?P<score>[-.\\d]+)' }}
unit = "au"
lower_is_better = true
version = "1"
ligand = {{ max_torsions = {torsions}, max_heavy_atoms = {atoms} }}
"""
TEXT = """\
[campaign]
name = "limited"
seed = 2

[library]
path = "{library}"
{targets}
[start]
molecules = 60
sealed = 0.1

[rounds]
count = 1
labels = 120
keep = 0.3
dock = 12

[final]
molecules = 0

[student]
width = 16
buckets = 256
layers = 1
epochs = 3

[run]
dock_batch = 30
predict_batch = 100
threads = 1
"""


@pytest.mark.slow
def test_no_batch_holds_what_docking_would_refuse(
    small_library: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dock.py").write_text(PROGRAM)
    limits = {"loose": (20, 100), "tight": (3, 19)}
    targets = "".join(
        TARGET.format(name=name, python=sys.executable, torsions=torsions, atoms=atoms)
        for name, (torsions, atoms) in limits.items()
    )
    (tmp_path / "campaign.toml").write_text(TEXT.format(library=small_library.path, targets=targets))
    root = submit(tmp_path / "campaign.toml", "inline").root
    every = small_library.take(range(small_library.rows), ["heavy_atoms", "rotatable_bonds"])
    tight = (every["heavy_atoms"].to_numpy() <= 19) & (every["rotatable_bonds"].to_numpy() <= 3)
    assert 80 < tight.sum() < 320
    for group, count in (("round-00", 60), ("round-01", 12)):
        for target in limits:
            paths = sorted((root / "scores" / group / target).iterdir())
            table = pa.concat_tables([read_table(path) for path in paths])
            assert table.num_rows == count
            refused = {"too_flexible", "too_large", "too_small", "unsupported_element"}
            assert not refused & set(table["failure"].to_pylist())
            if target == "tight":
                assert tight[table["row"].to_numpy()].all()
    for path in (root / "predictions" / "round-01").iterdir():
        table = read_table(path)
        assert table["mean:loose"].null_count == 0
        assert (table["mean:tight"].is_valid().to_numpy() == tight[table["row"].to_numpy()]).all()
    campaign = open_campaign(root)
    facts = read_facts(campaign)
    steps = {target: target_passages(facts, target) for target in limits}
    assert [step.problem for found in steps.values() for step in found if step.problem] == []
    assert cross_checks(facts) == []
    lost = {change.label: -change.count for change in steps["tight"][0].changes}
    assert lost["refused by docking: too large"] + lost["refused by docking: too flexible"] == (~tight).sum()
    (line,) = status(campaign).left_out
    assert (
        line.startswith(f"tight: {(~tight).sum()} molecules refused by docking") and "rotatable bonds" in line
    )
    from docksieve.screening.queries.query import HitQuery

    print_hits(root, HitQuery(), "table", None, show_funnel=True)
    assert "refused by docking" in capsys.readouterr().err
