"""What a report is made of: everything that a campaign's receipts and tables say, read once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...data.errors import DocksieveError
from ...data.receipts import Receipt, read_receipt
from ...data.spaces.source import MoleculeSource
from ...data.store import read_json, read_table
from ...screening.ranking.top_k import merge_histograms
from ..calibration.history import Scale
from ..campaign.campaign import Campaign
from ..campaign.ledger import Ledger, chooser, round_name, stage_order
from ..hits.ask import hits
from ..progress.receipts import CampaignReceipts
from ..progress.status import CampaignStatus, status
from ..tasks.held_out import read_held_out
from .best.scaffolds import AMONG

Rows = NDArray[np.int64]
TOP = 60
"""Molecules shown per target."""
TOP_OF_MANY = 24
"""The same, of more than three targets."""

_SCORE_COLUMNS = ["row", "id", "score", "failure", "seconds"]


@dataclass(frozen=True)
class Docked:
    """What docking one group of molecules into one target gave so far.

    Attributes
    ----------
    selected : int
        Molecules chosen to be docked.
    waiting : int
        Of these, molecules of batches whose task is not done.
    table : pyarrow.Table
        One row per molecule tried: ``row``, ``id``, ``score``, ``failure``, ``seconds``.
    failed_as_receipts_say : int
        For the cross-check with the table.
    """

    selected: int
    waiting: int
    table: pa.Table
    failed_as_receipts_say: int

    @property
    def tried(self) -> int:
        """Molecules with a score or a failure."""
        return int(self.table.num_rows)

    @cached_property
    def scores(self) -> NDArray[np.float64]:
        """Scores of those that have one."""
        column = self.table["score"].drop_null()
        return np.asarray(column.to_numpy(), dtype=np.float64)

    @cached_property
    def failures(self) -> Counter[str]:
        """Failed dockings by code."""
        return Counter(self.table["failure"].drop_null().to_pylist())

    @cached_property
    def rows(self) -> Rows:
        """Library rows tried."""
        return np.asarray(self.table["row"].drop_null().to_numpy(), dtype=np.int64)


@dataclass
class Facts:
    """A campaign as its files tell it at one moment.

    Attributes
    ----------
    campaign : Campaign
    status : CampaignStatus
    library : Library or None
        None if it cannot be opened as it was; ``library_problem`` says why.
    receipts : dict of str to list of Receipt
        By stage, in plan order.
    retrained : list of Receipt
        Of trainings outside the rounds.
    hits : dict of str to pyarrow.Table
        The best :data:`TOP` of each target.
    hit_counts : dict of str to int
        All hits of each target.
    docked_hits : dict of str to pyarrow.Table
        The best :data:`AMONG` docked hits of each target, for their scaffolds.
    written : float
        When the facts were read (seconds since 1970).
    """

    campaign: Campaign
    status: CampaignStatus
    library: MoleculeSource | None
    library_problem: str
    receipts: Mapping[str, list[Receipt]]
    retrained: list[Receipt]
    hits: Mapping[str, pa.Table]
    hit_counts: Mapping[str, int]
    docked_hits: Mapping[str, pa.Table]
    written: float
    _docked: dict[tuple[str, str], Docked] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The campaign folder."""
        return self.campaign.root

    @property
    def rows(self) -> int:
        """Molecules in the library."""
        return int(self.campaign.state["library"]["rows"])

    @property
    def rounds(self) -> int:
        """Rounds of learning that have begun."""
        return sum(1 for stage in self.receipts if stage.startswith("round-") and stage.endswith("/train"))

    def groups(self) -> list[str]:
        """Return the groups of dockings that train models: the seed sample and each round begun."""
        return [round_name(number) for number in range(self.rounds + 1)]

    @property
    def fast_model(self) -> str:
        """What imitates the teacher: a ``student``, or of a combinatorial space a ``factor model``."""
        stages = self.receipts.values()
        space = any(receipt.kind == "distil-factors" for receipts in stages for receipt in receipts)
        return "factor model" if space else "student"

    def finished(self, stage: str) -> list[Receipt]:
        """Return the receipts of the finished tasks of ``stage``."""
        return [receipt for receipt in self.receipts.get(stage, ()) if receipt.done]

    def complete(self, stage: str) -> bool:
        """Tell whether every task planned for ``stage`` is done."""
        found = [item for item in self.status.stages if item.stage == stage]
        return bool(found) and found[0].done == found[0].total

    def untaught(self, group: str) -> Mapping[str, str]:
        """Return the targets that the teacher of a round could not learn, and why."""
        trained = self.finished(f"{group}/train")
        return dict(trained[0].facts.get("untaught", {})) if trained else {}

    def cut(self, group: str, target: str) -> Mapping[str, Any] | None:
        """Return what was found of the cuts of a round; None before it, or where no model knows the target."""
        found = self.finished(f"{group}/cut")
        return found[0].facts["cuts"].get(target) if found else None

    def held_out(self, group: str, target: str) -> pa.Table | None:
        """Return the teacher's predictions for dockings of the seed sample that it had not seen; None if none."""
        paths = [path for path, _ in self.outputs(f"{group}/train", "heldout/")]
        table = read_held_out(paths[0], target) if paths else None
        return table if table is not None and table.num_rows else None

    def scale(self, group: str, target: str) -> Scale:
        """Return the scale of the predictions of a round's teacher; docking scores where there is none."""
        trained = self.finished(f"{group}/train")
        return Scale.of(trained[0].facts.get("report", {}), target) if trained else Scale()

    def outputs(self, stage: str, folder: str) -> list[tuple[Path, int]]:
        """Return path and rows of the finished tables of ``stage`` under ``folder``."""
        return [
            (self.root / output.path, output.rows or 0)
            for receipt in self.finished(stage)
            for output in receipt.outputs
            if output.path.startswith(folder)
        ]

    def docked(self, group: str, target: str) -> Docked:
        """Return what docking ``group`` (``round-00`` ... or ``final``) into ``target`` gave so far."""
        if (group, target) not in self._docked:
            self._docked[group, target] = self._read_docked(group, target)
        return self._docked[group, target]

    def _read_docked(self, group: str, target: str) -> Docked:
        chosen = self.outputs(f"{group}/{chooser(group)}", f"selections/{group}/{target}/")
        paths = [path for path, _ in self.outputs(f"{group}/dock", f"scores/{group}/{target}/")]
        mine = f"{group}/dock/{target}/"
        failed = sum(r.counts["failed"] for r in self.finished(f"{group}/dock") if r.task.startswith(mine))
        done = {receipt.task for receipt in self.finished(f"{group}/dock")}
        waiting = sum(rows for path, rows in chosen if mine + path.stem not in done)
        return Docked(sum(rows for _, rows in chosen), waiting, concat(paths, _SCORE_COLUMNS), failed)

    def unscreened(self, group: str) -> int:
        """Return the molecules of the shards that the student of a round has not scored yet."""
        done = {receipt.task for receipt in self.finished(f"{group}/screen")}
        if self.library is None:
            return self.rows - sum(
                receipt.counts["molecules"] for receipt in self.finished(f"{group}/screen")
            )
        return sum(s.rows for s in self.library.shards if f"{group}/screen/{s.name}" not in done)

    def unrefined(self, group: str) -> int:
        """Return the molecules of the shortlist batches that the teacher has not predicted yet."""
        done = {receipt.task for receipt in self.finished(f"{group}/refine")}
        batches = self.outputs(f"{group}/rank", "shortlists/")
        return sum(rows for path, rows in batches if f"{group}/refine/{path.stem}" not in done)

    def histogram(self, group: str, target: str) -> NDArray[np.int64] | None:
        """Return the predictions of a round's student by score key; None before any shard is scored."""
        paths = [path for path, _ in self.outputs(f"{group}/screen", "histograms/")]
        return merge_histograms(paths, target) if paths else None

    def chosen(self, group: str, target: str) -> pa.Table:
        """Return the acquired molecules of a round with the prediction that chose them, and their score.

        Columns ``row``, ``id``, ``mean``, ``spread`` (made before docking) and ``score`` (null: failed or
        not docked yet).
        """
        files = [path for path, _ in self.outputs(f"{group}/acquire", f"selections/{group}/{target}/")]
        picked = concat(files, ["row", "id", "mean", "spread"])
        docked = self.docked(group, target).table.select(["row", "score"])
        if not picked.num_rows:
            return picked.append_column("score", pa.array([], pa.float64()))
        return picked.join(docked, "row", join_type="left outer").sort_by("row")

    def refined(self, group: str, target: str) -> Iterator[tuple[Rows, NDArray[np.bool_]]]:
        """Yield the shortlist file by file: library rows, and whether the teacher could predict each."""
        for path, _ in self.outputs(f"{group}/refine", "refined/"):
            table = read_table(path, ["row", f"mean:{target}"])
            known = pc.is_valid(table[f"mean:{target}"]).to_numpy(zero_copy_only=False)
            yield table["row"].to_numpy(), np.asarray(known, dtype=bool)


class Snapshot(Ledger):
    """The plans and receipts of one moment: a running campaign must not change while its sums are checked."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        live = Ledger(root)
        # From the last stage to the first: whatever a stage was made from is then in the snapshot too.
        self._plans = {stage: live.planned(stage) for stage in reversed(live.stages())}
        self._receipts = {stage: list(live.receipts(stage)) for stage in self._plans}

    def planned(self, stage: str) -> list[str]:
        """Return the task names of ``stage``."""
        return list(self._plans.get(stage, ()))

    def stages(self) -> list[str]:
        """Return every stage planned, in the order in which they run."""
        return sorted(self._plans, key=stage_order)

    def receipts(self, stage: str) -> Iterator[Receipt]:
        """Yield the receipts there were for the tasks of ``stage``."""
        yield from self._receipts.get(stage, ())


@dataclass(frozen=True)
class StillCampaign(Campaign):
    """A campaign whose ledger is a snapshot."""

    @cached_property
    def ledger(self) -> Ledger:
        """Plans and receipts as they were when first asked for."""
        return Snapshot(self.root)


def concat(paths: Sequence[Path], columns: list[str]) -> pa.Table:
    """Return ``columns`` of all tables, one after the other; no rows if there is no table."""
    if paths:
        return pa.concat_tables([read_table(path, columns) for path in paths])
    types = {"row": pa.int64(), "id": pa.string(), "failure": pa.string()}
    fields = [pa.field(name, types.get(name, pa.float64())) for name in columns]
    return pa.schema(fields).empty_table()


def read_facts(campaign: Campaign) -> Facts:
    """Read what the files of ``campaign`` say now; it may be running."""
    campaign = StillCampaign(campaign.root, campaign.config, campaign.state)
    library, problem = None, ""
    try:
        library = campaign.open_library()
    except DocksieveError as error:
        problem = str(error)
    receipts = CampaignReceipts(campaign)
    tables, counts, docked = {}, {}, {}
    for target in campaign.targets:
        everything = hits(campaign, top=None, target=target, receipts=receipts)
        counts[target] = everything.num_rows
        known = everything.select(["rank", "id", "smiles", "docked_score"])
        docked[target] = known.filter(pc.is_valid(known["docked_score"])).slice(0, AMONG)
        tables[target] = everything.slice(0, TOP if len(campaign.targets) <= 3 else TOP_OF_MANY)
    return Facts(
        campaign=campaign,
        status=status(campaign, receipts),
        library=library,
        library_problem=problem,
        receipts={stage: receipts.of(stage) for stage in receipts.stages},
        retrained=_retrained(campaign.root),
        hits=tables,
        hit_counts=counts,
        docked_hits=docked,
        written=time.time(),
    )


def _retrained(root: Path) -> list[Receipt]:
    names = sorted(path.parent.name for path in (root / "receipts").glob("retrain-*/train.json"))
    found = [read_receipt(root, f"{name}/train") for name in names]
    return [receipt for receipt in found if receipt is not None and receipt.done]


def imports(root: Path) -> list[dict[str, Any]]:
    """Return what was imported with ``docksieve retrain``, in order."""
    return [dict(read_json(path)) for path in sorted((root / "imports").glob("*/import.json"))]


def reject_reasons(library: MoleculeSource) -> Counter[str]:
    """Return the rejected input of a library by reason."""
    return Counter({str(code): int(count) for code, count in library.manifest["reasons"].items()})
