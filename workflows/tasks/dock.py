"""The task that docks one batch of ligands into one target."""

from __future__ import annotations

import pyarrow.compute as pc

from ...data.store import read_table, write_table
from ...screening.docking.dock import Ligand, dock_batch
from .context import TaskContext, TaskOutcome
from .settings import DockSettings


def dock(context: TaskContext[DockSettings]) -> TaskOutcome:
    """Dock the molecules of one selection batch; one scores row for each, failures included."""
    settings = context.settings
    target, group = settings.target, settings.group
    (source,) = context.inputs("selections/")
    with context.watch("read"):
        table = read_table(source, ["row", "id", "smiles", "stereo_groups"])
    ligands = [Ligand(**values) for values in table.to_pylist()]
    scores = context.root / "scores" / group / target / source.name
    poses = context.root / "poses" / group / target / source.name
    with context.watch("dock"), context.under_way() as under_way:
        docked = dock_batch(
            settings.spec,
            context.root / "targets" / target,
            target,
            ligands,
            settings.seed,
            poses.relative_to(context.root).as_posix(),
            protocol=settings.protocol,
            molecule_done=under_way.molecule_done,
        )
    with context.watch("write"):
        write_table(poses, docked.poses)
        write_table(scores, docked.scores)
    failures = docked.scores["failure"].drop_null()
    codes = {item["values"]: item["counts"] for item in pc.value_counts(failures).to_pylist()}
    return TaskOutcome(
        rows_in=len(ligands),
        rows_out=docked.scores.num_rows,
        outputs=(scores, poses),
        counts={"ligands": len(ligands), "failed": len(failures), "poses": docked.poses.num_rows},
        facts={"failures": codes},
        device={"kind": "cpu", "threads": 1},
        seconds={f"dock_{stage}": value for stage, value in docked.seconds.items()},
    )
