"""A small measured trial of a campaign: its own tasks, on its own library and targets, by its own site."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from ...data.errors import CampaignError
from ...data.libraries.build import build_library
from ...data.libraries.library import Library, library_standard
from ...data.libraries.settings import IngestSettings
from ...data.receipts import Receipt
from ...data.seeds import derive_seed
from ...data.store import FileRecord, record_file, write_table
from ...hpc.sites.site import Site
from ..campaign.begin import MIN_LABELS, begin
from ..campaign.campaign import Campaign
from ..campaign.filters import ASKED, check_conditions, conditions_of
from ..campaign.ledger import LIBRARY_PREFIX, Task
from ..campaign.sources import read_sources
from ..config.campaign_file import CampaignConfig, CampaignFile
from ..running.engine import RunnerWatch, TaskRunner
from ..running.observer import Observer
from ..running.parsl_engine import open_runner
from ..running.submit import run
from ..tasks.settings import DistilSettings, LabelSettings, RoundSettings, TrainSettings
from ..tasks.training_scores import SCORE_COLUMNS

TRIAL_ROWS = 4_000
TRIAL_LABELS = 1_500
TRIAL_LOOKED = 20
"""Times as many molecules are asked at most whether they meet the conditions of ``[library]``."""
MOST_SCORES = 1_200
"""A teacher of more scores is not trained for a trial; its time is extrapolated."""

PREDICTED = 400
TRIAL = "trial"


@dataclass
class Measured:
    """What the trial found.

    Attributes
    ----------
    receipts : list of Receipt
        Of every task of the trial.
    teachers : dict of int to (float, float)
        By number of scores: seconds to train, and seconds per predicted molecule.
    screened : list of Receipt
        Screens of whole shards of the real library.
    label_seconds : float
        Of distilling, per label, by a worker that has done it before.
    wanted : float
        Share of the library that meets the conditions of ``[library]``, of the molecules drawn.
    filter_seconds : float
        Core-seconds of asking them of one molecule.
    """

    receipts: list[Receipt] = field(default_factory=list)
    teachers: dict[int, tuple[float, float]] = field(default_factory=dict)
    screened: list[Receipt] = field(default_factory=list)
    label_seconds: float = 0.0
    wanted: float = 1.0
    filter_seconds: float = 0.0


def run_trial(
    config: CampaignConfig,
    config_path: Path,
    site: Site,
    observer: Observer,
    dockings: int,
    sizes: tuple[int, ...],
) -> Measured:
    """Run the trial in a folder beside the campaign file, which is removed afterwards.

    Parameters
    ----------
    config : CampaignConfig
    config_path : Path
    site : Site
    observer : Observer
    dockings : int
        Molecules docked per target.
    sizes : tuple of int
        Numbers of scores whose teachers are to be timed; those above :data:`MOST_SCORES` are not trained.

    Raises
    ------
    DocksieveError
        Whatever would stop the campaign itself.
    """
    library = Library.open(config_path.parent / config.library.path)
    with _scratch(config_path) as folder:
        measured = Measured()
        check_conditions(CampaignFile(config_path, config))
        rows = _drawn(library, config, measured)
        small = _sample(library, folder, rows)
        trial = _shrunk(config, small, folder, dockings, site.worker_count)
        campaign = begin(CampaignFile(config_path, trial), site)
        with open_runner(campaign, site) as engine:
            observer.begun(campaign, small, site, 0)
            run(campaign, campaign.open_library(), engine, observer, site)
            measured.receipts = [
                receipt for stage in campaign.ledger.stages() for receipt in campaign.ledger.receipts(stage)
            ]
            if trial.rounds.count:
                measured.teachers = _teachers(campaign, library, _Timed(engine, observer), sizes)
                measured.screened = _screens(campaign, library, _Timed(engine, observer), site)
                measured.label_seconds = _distils(campaign, _Timed(engine, observer))
    return measured


@contextmanager
def _scratch(config_path: Path) -> Iterator[Path]:
    """Yield a folder beside the campaign file: where the campaign will be, workers can read and write."""
    folder = Path(tempfile.mkdtemp(prefix=f".{config_path.stem}-plan-", dir=config_path.resolve().parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _drawn(library: Library, config: CampaignConfig, measured: Measured) -> np.ndarray:
    """Draw the molecules of the trial; with conditions, from those that meet them, and note how many do.

    Raises
    ------
    CampaignError
        If none does.
    """
    conditions, count = conditions_of(config.library), min(TRIAL_ROWS, library.rows)
    if not conditions:
        return library.sample_rows(count, config.campaign.seed, "plan")
    from ...screening.queries.library_filter import LibraryFilter, library_query

    sieve = LibraryFilter(library_query(conditions, ASKED), ASKED)
    asked = library.sample_rows(min(TRIAL_LOOKED * count, library.rows), config.campaign.seed, "plan")
    order = np.random.default_rng(derive_seed(config.campaign.seed, "plan-order")).permutation(asked)
    found: list[np.ndarray] = []
    looked, seconds = 0, 0.0
    while looked < len(order) and sum(map(len, found)) < count:
        part = np.sort(order[looked : looked + count])
        table = library.take(part, sieve.columns or ["row"])
        started = time.process_time()
        kept, _ = sieve.mask(table)
        seconds += time.process_time() - started
        found.append(part[kept])
        looked += len(part)
    rows = np.concatenate(found)
    if not len(rows):
        raise CampaignError(
            f"None of {looked:,} molecules drawn from the library meets all conditions of [library]: "
            f"{'; '.join(sieve.words)}.",
            "Loosen them; `docksieve library sample` shows what the library holds.",
        )
    measured.wanted, measured.filter_seconds = len(rows) / looked, seconds / looked
    return np.sort(rows[:count])


def _sample(library: Library, folder: Path, rows: np.ndarray) -> Library:
    """Build a small library of molecules drawn from the real one."""
    molecules = library.take(rows, ["id", "smiles"])
    lines = zip(molecules["smiles"].to_pylist(), molecules["id"].to_pylist(), strict=True)
    source = folder / "sample.smi"
    source.write_text("".join(f"{smiles}\t{name}\n" for smiles, name in lines), encoding="utf-8")
    settings = IngestSettings(standard=library_standard(library))
    return build_library(folder / "library", [source], settings, workers=1, progress=False)


def _shrunk(
    config: CampaignConfig, library: Library, folder: Path, dockings: int, workers: int
) -> CampaignConfig:
    """Return the campaign with everything small that costs time, and nothing else changed."""
    values = config.model_dump(mode="json")
    values["library"] = {"path": str(folder / "library")}  # its molecules meet the conditions
    values["start"]["molecules"] = min(dockings, library.rows)
    values["start"]["method"] = "random"
    values["start"]["sealed"] = 0.0  # all few scores of the trial teach
    values["teacher"]["min_scores"] = min(values["teacher"]["min_scores"], 4)
    few = min(TRIAL_LABELS, library.rows)
    values["rounds"] |= {
        "count": min(config.rounds.count, 1) if library.rows >= MIN_LABELS else 0,
        "dock": workers,
        "keep": 0.05,
    }
    values["rounds"]["labels"] = max(few, 100)
    values["cut"]["sweep"] = 0
    values["final"]["molecules"] = min(values["final"]["molecules"], workers)
    values["campaign"]["folder"] = str(folder / "campaign")
    values["run"]["dock_batch"] = max(1, min(values["run"]["dock_batch"], dockings // (2 * workers) or 1))
    return CampaignConfig.model_validate(values)


class _Timed:
    """Runs tasks that are in no stage of a campaign, as a stage that an observer hears of."""

    def __init__(self, engine: TaskRunner, observer: Observer) -> None:
        self.workers = engine.workers
        self._engine, self._observer = engine, observer

    def run(self, tasks: list[Task]) -> list[Receipt]:
        """Run tasks of one kind and return their receipts, in the order of the tasks."""
        stage = f"{TRIAL}/{tasks[0].kind}"
        watch = RunnerWatch(on_running=lambda names: None, stop_requested=lambda: False)
        self._observer.stage_begun(stage, len(tasks), 0)
        found = {}
        try:
            for receipt in self._engine.run(tasks, watch):
                found[receipt.task] = receipt
                self._observer.task_ended(stage, receipt)
        finally:
            self._observer.stage_ended(stage)
        for receipt in found.values():
            if receipt.failure is not None:
                raise CampaignError(f"The trial's {receipt.task} failed: {receipt.failure.message}")
        return [found[task.name] for task in tasks]


def _teachers(
    campaign: Campaign, library: Library, engine: _Timed, sizes: tuple[int, ...]
) -> dict[int, tuple[float, float]]:
    """Train teachers of the sizes that the campaign will have, on made-up scores of real molecules."""
    (trained,) = campaign.ledger.receipts("round-01/train")
    spread = trained.facts["report"]["targets"]
    wanted = sorted({min(size, MOST_SCORES, library.rows) for size in sizes} | {min(200, library.rows)})
    timed = {}
    for size in wanted:
        scores = _made_up(campaign, library, size, list(spread))
        settings = TrainSettings(
            model=f"{TRIAL}-{size}/teacher",
            teacher=campaign.teacher_settings,
            lower_is_better={target: bool(campaign.targets[target]["lower_is_better"]) for target in spread},
            units={target: campaign.targets[target]["unit"] for target in spread},
            seed=campaign.seed,
            sealed=0.0,
            threads=campaign.state["threads"],
            parent="",
        )
        inputs = (scores, *campaign.source_records())
        (train,) = engine.run([Task(f"{TRIAL}/train-{size}", "train", settings, inputs)])
        bundle = tuple(record for record in train.outputs if record.path.startswith("models/"))
        predicting = LabelSettings(
            labels=min(PREDICTED, library.rows),
            batch=PREDICTED,
            seed=campaign.seed,
            round=f"{TRIAL}-{size}",
            index=0,
            library=library.fingerprint,
        )
        runtime = {"library": str(library.path)}
        (label,) = engine.run([Task(f"{TRIAL}/label-{size}", "label", predicting, bundle, runtime)])
        timed[size] = (train.seconds["train"], label.seconds["predict"] / max(label.rows_in, 1))
    return timed


def _made_up(campaign: Campaign, library: Library, size: int, targets: list[str]) -> FileRecord:
    """Write scores that depend on the molecules about as docking scores do: on their size, and on chance.

    They also follow what the sources predict: a source that the scores do not support is left out, and querying it is
    what most of a prediction costs.
    """
    rows = library.sample_rows(size, campaign.seed, "plan-scores", size)
    smiles = library.take(rows, ["smiles"])["smiles"].to_pylist()
    made = np.array([-5.0 - 0.08 * len(text) for text in smiles])
    for source in read_sources([campaign.root / record.path for record in campaign.source_records()]):
        known = source.predict(smiles, standard=True).mean[:, 0].astype(np.float64)
        made += np.nan_to_num((known - np.nanmean(known)) / max(float(np.nanstd(known)), 1e-9))
    generator = np.random.default_rng(derive_seed(campaign.seed, "plan", size))
    tables = [
        pa.table(
            [
                pa.array(smiles, pa.string()),
                pa.array([target] * size, pa.string()),
                pa.array(made + generator.normal(0, 0.5, size)),
            ],
            names=SCORE_COLUMNS,
        )
        for target in targets
    ]
    path = campaign.root / "scores" / f"{TRIAL}-{size}" / "scores.parquet"
    write_table(path, pa.concat_tables(tables))
    return record_file(path, campaign.root)


def _screens(campaign: Campaign, library: Library, engine: _Timed, site: Site) -> list[Receipt]:
    """Screen as many shards of the real library as there are workers, each worker once."""
    student = campaign.ledger.outputs("round-01/distil", "models/")
    tasks = []
    for shard in library.shards[: engine.workers]:
        record = shard.record
        inside = FileRecord(LIBRARY_PREFIX + record.path, record.bytes, record.sha256, record.rows)
        device, threads = site.screening
        runtime = {"library": str(library.path), "device": device, "threads": threads}
        name = f"{TRIAL}/screen/{shard.name}"
        tasks.append(Task(name, "screen", RoundSettings(TRIAL), (inside, *student), runtime))
    return engine.run(tasks)


def _distils(campaign: Campaign, engine: _Timed) -> float:
    """Distil the trial's student again, twice on every worker: the first time it also loads its libraries."""
    (distilled,) = campaign.ledger.receipts("round-01/distil")
    names = next(iter(campaign.ledger.receipts("round-01/train"))).facts["targets"]
    settings = DistilSettings(
        model="",
        student=campaign.state["config"]["student"],
        lower_is_better={name: bool(campaign.targets[name]["lower_is_better"]) for name in names},
        units={name: campaign.targets[name]["unit"] for name in names},
        seed=campaign.seed,
        threads=campaign.state["threads"],
    )
    tasks = [
        Task(
            f"{TRIAL}/distil-{index}",
            "distil",
            replace(settings, model=f"{TRIAL}-{index}/student"),
            distilled.inputs,
        )
        for index in range(2 * engine.workers)
    ]
    return min(receipt.seconds["train"] / receipt.rows_in for receipt in engine.run(tasks))
