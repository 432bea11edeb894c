"""Finds, for one receptor and box, the cheapest search that is as good as Vina's default.

How many runs and evaluations a search needs depends on the pocket and on the size of the box, so it is
measured: a dozen ligands are docked twice with the default (the difference is the noise of a label), and once
with each cheaper setting.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ...data.environment import usable_cores
from ...data.errors import DockingError, InputError
from ...data.readers.spreadsheets import refuse_workbook
from ...data.seeds import derive_seed
from .engine import DockingOutcome
from .vina import SEARCHES, SearchSettings, VinaTarget, child_setup, dock_one, freeze
from .vina_process import Child

LADDER = {
    "8 x 20,000 (fast)": SEARCHES["fast"],
    "16 x 20,000": SearchSettings(16, 20_000),
    "32 x 20,000 (balanced)": SEARCHES["balanced"],
    "64 x 20,000": SearchSettings(64, 20_000),
    "64 x 50,000 (thorough)": SEARCHES["thorough"],
}
STANDARD = "standard (8, default)"
REPEAT = "standard, other seed"

TOLERANCE = 0.10
"""Mean score that a setting may lose to the standard, kcal/mol: a quarter of a label's noise."""
CORRELATION_LOSS = 0.05
EVALUATIONS = 1_000_000
"""Taken for one run where Vina itself says how many: about what drug-like ligands get."""
SECONDS_PER_EVALUATION = 1.5e-6
"""A guess to begin with, core-seconds: replaced by what the first dockings take."""

LIGANDS = {
    "aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "caffeine": "Cn1c(=O)c2c(ncn2C)n(C)c1=O",
    "ibuprofen": "CC(C)Cc1ccc(cc1)[C@@H](C)C(=O)O",
    "diazepam": "CN1C(=O)CN=C(c2ccccc2)c2cc(Cl)ccc12",
    "propranolol": "CC(C)NC[C@H](O)COc1cccc2ccccc12",
    "sulfamethoxazole": "Cc1cc(NS(=O)(=O)c2ccc(N)cc2)no1",
    "warfarin": "CC(=O)C[C@@H](c1ccccc1)c1c(O)c2ccccc2oc1=O",
    "haloperidol": "O=C(CCCN1CCC(O)(c2ccc(Cl)cc2)CC1)c1ccc(F)cc1",
    "celecoxib": "Cc1ccc(cc1)-c1cc(nn1-c1ccc(cc1)S(N)(=O)=O)C(F)(F)F",
    "erlotinib": "C#Cc1cccc(Nc2ncnc3cc(OCCOC)c(OCCOC)cc23)c1",
    "sildenafil": "CCCc1nn(C)c2c1nc([nH]c2=O)-c1cc(ccc1OCC)S(=O)(=O)N1CCN(C)CC1",
    "imatinib": "Cc1ccc(cc1Nc1nccc(n1)-c1cccnc1)NC(=O)c1ccc(cc1)CN1CCN(C)CC1",
}
QUICK = ("caffeine", "diazepam", "warfarin", "erlotinib", "imatinib")
"""Well-known drugs from 14 to 37 heavy atoms, 0 to 10 rotatable bonds."""


@dataclass(frozen=True)
class Rung:
    """What one setting cost and scored.

    Attributes
    ----------
    name : str
    search : SearchSettings
    cpu_seconds : float
        Mean processor seconds per ligand of the search.
    gap : float
        Mean of score - standard, kcal/mol, the standard being the mean of its two runs; positive is worse.
    gap_low, gap_high : float
        95 % interval of ``gap``, from the ligands' scatter (Student's t).
    pearson, spearman : float
        Agreement with one run of the standard, mean over its two.
    rmsd : float
        Root mean square difference to one run of the standard, mean over its two.
    good : bool
        Whether it counts as as good as the standard.
    """

    name: str
    search: SearchSettings
    cpu_seconds: float
    gap: float
    gap_low: float
    gap_high: float
    pearson: float
    spearman: float
    rmsd: float
    good: bool


@dataclass(frozen=True)
class TuneResult:
    """The ladder measured, and what it recommends.

    Attributes
    ----------
    receptor : str
    box : dict
    ligands : tuple of str
        Those that every setting docked.
    noise : Rung
        The standard against itself with other seeds: nothing can agree better.
    standard_cpu_seconds : float
    rungs : tuple of Rung
        Cheapest first.
    recommended : Rung or None
        None: the standard itself.
    """

    receptor: str
    box: Mapping[str, Any]
    ligands: tuple[str, ...]
    noise: Rung
    standard_cpu_seconds: float
    rungs: tuple[Rung, ...]
    recommended: Rung | None
    failures: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    seed: int = 0
    engine_version: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return asdict(self)

    def to_toml(self) -> str:
        """Return the search for a target of a campaign file, with what was measured, and with what, as comments."""
        chosen = self.recommended.search if self.recommended else SEARCHES["standard"]
        lines = [
            f"# Measured with AutoDock Vina {self.engine_version} on {len(self.ligands)} ligands, seed {self.seed}.",
            f"# Standard (exhaustiveness 8): {self.standard_cpu_seconds:.2f} CPU s per ligand; "
            f"two runs agree to {self.noise.rmsd:.2f} kcal/mol (r = {self.noise.pearson:.2f}).",
        ]
        lines += [
            f"#   {rung.name}: {rung.cpu_seconds:.2f} CPU s, mean gap {rung.gap:+.2f} "
            f"[{rung.gap_low:+.2f}, {rung.gap_high:+.2f}] kcal/mol, r = {rung.pearson:.2f}"
            for rung in self.rungs
        ]
        box = self.box
        lines += [  # a target names its receptor already: a key that is there twice is no TOML
            "# Measured with these; the target must have the same (the box may lie beside the receptor):",
            f"#   receptor = {_quoted(self.receptor)}",
            f"#   box = {{ center = {list(box['center'])}, size = {list(box['size'])} }}",
            f"search = {{ exhaustiveness = {chosen.exhaustiveness}, max_evals = {chosen.max_evals} }}",
        ]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class TuneProgress:
    """How far a measurement is.

    Attributes
    ----------
    done, total : int
        Dockings.
    seconds_left : float
        Before the first docking by what dockings usually take, then by what they took here.
    so_far : str
        What a setting cost and scored, where its last ligand has just been docked; else empty.
    """

    done: int
    total: int
    seconds_left: float
    so_far: str = ""


class _Watched:
    """Counts dockings, estimates when they will be over, and says what each setting came to as soon as it is known."""

    def __init__(
        self, searches: Mapping[str, SearchSettings], ligands: Mapping[str, str], workers: int
    ) -> None:
        self._searches, self._ligands, self._workers = searches, len(ligands), workers
        self._found: dict[str, dict[str, DockingOutcome]] = {name: {} for name in searches}

    def now(self, name: str = "", ligand: str = "", outcome: DockingOutcome | None = None) -> TuneProgress:
        """Return how far it is, a docking that has ended included; of its setting what it came to, if complete."""
        if outcome is not None:
            self._found[name][ligand] = outcome
        left = {other: self._ligands - len(found) for other, found in self._found.items()}
        seconds = sum(count * self._each(other) for other, count in left.items()) / self._workers
        done, total = sum(map(len, self._found.values())), self._ligands * len(left)
        return TuneProgress(done, total, seconds, self._words(name) if left.get(name) == 0 else "")

    def _each(self, name: str) -> float:
        """Return the seconds that one more docking with a setting will take."""
        means = {
            other: np.mean([o.seconds for o in found.values()])
            for other, found in self._found.items()
            if found
        }
        if name in means:
            return float(means[name])
        rates = [mean / _effort(self._searches[other]) for other, mean in means.items()]
        return _effort(self._searches[name]) * float(np.mean(rates) if rates else SECONDS_PER_EVALUATION)

    def _words(self, name: str) -> str:
        scores = {ligand: item.score for ligand, item in self._found[name].items() if item.score is not None}
        said = f"{name}: {len(scores)} of {self._ligands} ligands docked"
        if scores:
            said += (
                f", {np.mean([self._found[name][ligand].cpu_seconds for ligand in scores]):.2f} CPU s each"
            )
        gaps = []
        for ligand, score in scores.items():
            known = [self._found.get(other, {}).get(ligand) for other in (STANDARD, REPEAT)]
            standard = [item.score for item in known if item is not None and item.score is not None]
            gaps += [score - float(np.mean(standard))] if standard and name not in (STANDARD, REPEAT) else []
        return f"{said}, mean gap to the standard {np.mean(gaps):+.2f} kcal/mol" if gaps else said


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def tune(
    target: VinaTarget,
    scratch: Path,
    base: Path,
    ligands: Mapping[str, str] = LIGANDS,
    ladder: Mapping[str, SearchSettings] = LADDER,
    seed: int = 1,
    workers: int | None = None,
    progress: Callable[[TuneProgress], None] | None = None,
) -> TuneResult:
    """Measure ``ladder`` against the standard on ``ligands`` for one receptor and box.

    Parameters
    ----------
    target : VinaTarget
        Its receptor, box, scoring and ligand settings count; its searches do not.
    scratch : Path
        Folder for the frozen receptor.
    base : Path
        Folder that relative paths are taken from.
    ligands : mapping of str to str
        SMILES by name. At least 4 must dock.
    ladder : mapping of str to SearchSettings
    seed : int
    workers : int, optional
        Processes; as many as this process may use cores, if not given.
    progress : callable, optional
        Called before the first docking and after each.

    Raises
    ------
    DockingError
        If fewer than 4 ligands dock with every setting.
    """
    started = time.perf_counter()
    spec = freeze("tune", target, scratch, base)
    searches = {STANDARD: SEARCHES["standard"], REPEAT: SEARCHES["standard"], **ladder}
    # Searches have seeds of their own: with the standard's, a setting would agree better than it ever will
    # in use. Conformers are the same for all, or their noise would hide what is compared.
    seeds = {name: derive_seed(seed, name, bits=31) for name in (STANDARD, REPEAT)}
    seeds |= dict.fromkeys(ladder, derive_seed(seed, "ladder", bits=31))
    count = workers or usable_cores()
    outcomes = _dock_all(spec, scratch, searches, seeds, ligands, seed, count, progress)
    failures = {
        f"{ligand} ({name})": f"{o.failure}: {o.message}"
        for (name, ligand), o in outcomes.items()
        if o.failure
    }
    common = tuple(lig for lig in ligands if all(outcomes[name, lig].score is not None for name in searches))
    if len(common) < 4:
        raise DockingError(
            f"Only {len(common)} of {len(ligands)} ligands docked with every setting: {failures or 'too few given'}.",
            "Give at least 4 ligands that fit the box (--ligands FILE), or a larger box.",
        )
    scores = {name: np.array([outcomes[name, lig].score for lig in common], np.float64) for name in searches}
    cost = {name: float(np.mean([outcomes[name, lig].cpu_seconds for lig in common])) for name in searches}
    pair = (scores[STANDARD], scores[REPEAT])
    noise = _rung(REPEAT, SEARCHES["standard"], cost[REPEAT], scores[REPEAT], (pair[0],), None)
    rungs = [_rung(name, search, cost[name], scores[name], pair, noise) for name, search in ladder.items()]
    rungs.sort(key=lambda rung: rung.cpu_seconds)
    standard_cost = (cost[STANDARD] + cost[REPEAT]) / 2
    good = [rung for rung in rungs if rung.good and rung.cpu_seconds < standard_cost]
    return TuneResult(
        receptor=target.receptor,
        box=spec["box"],
        ligands=common,
        noise=noise,
        standard_cpu_seconds=standard_cost,
        rungs=tuple(rungs),
        recommended=good[0] if good else None,
        failures=failures,
        seconds=time.perf_counter() - started,
        seed=seed,
        engine_version=spec["engine_version"],
    )


def _rung(
    name: str,
    search: SearchSettings,
    cost: float,
    scores: NDArray[np.float64],
    standards: Sequence[NDArray[np.float64]],
    noise: Rung | None,
) -> Rung:
    """Compare ``scores`` (n,) with runs of the standard, each (n,)."""
    gaps = scores - np.mean(standards, axis=0)
    mean, error = float(gaps.mean()), float(stats.sem(gaps))
    half = error * float(stats.t.ppf(0.975, len(gaps) - 1))
    pearson = float(np.mean([np.corrcoef(scores, other)[0, 1] for other in standards]))
    spearman = float(np.mean([stats.spearmanr(scores, other).statistic for other in standards]))
    rmsd = float(np.mean([np.sqrt(np.mean((scores - other) ** 2)) for other in standards]))
    # As good: loses no more than the tolerance in the mean, and agrees as the standard does with itself.
    good = noise is None or (mean <= TOLERANCE and pearson >= noise.pearson - CORRELATION_LOSS)
    return Rung(name, search, cost, mean, mean - half, mean + half, pearson, spearman, rmsd, good)


def _dock_all(
    spec: Mapping[str, Any],
    folder: Path,
    searches: Mapping[str, SearchSettings],
    seeds: Mapping[str, int],
    ligands: Mapping[str, str],
    conformer_seed: int,
    workers: int,
    progress: Callable[[TuneProgress], None] | None,
) -> dict[tuple[str, str], DockingOutcome]:
    """Dock every ligand with every setting on ``workers`` children, the longest jobs first."""
    outcomes: dict[tuple[str, str], DockingOutcome] = {}
    watched, lock = _Watched(searches, ligands, workers), threading.Lock()
    tell = progress or (lambda _: None)
    tell(watched.now())
    for seed in dict.fromkeys(
        seeds.values()
    ):  # the seed belongs to the child: one group of children per seed
        jobs = [(name, ligand) for name in searches if seeds[name] == seed for ligand in ligands]
        jobs.sort(key=lambda job: (-_effort(searches[job[0]]), -len(ligands[job[1]])))
        queue = iter(jobs)

        def work(seed: int = seed, queue: Any = queue) -> None:
            child = Child(child_setup(spec, folder, "tune", seed))
            try:
                while True:
                    with lock:
                        job = next(queue, None)
                    if job is None:
                        return
                    asked = {
                        **spec,
                        "screen": {"search": asdict(searches[job[0]]), "conformers": 1, "poses": 1},
                    }
                    outcome, _ = dock_one(child, asked, "tune", ligands[job[1]], conformer_seed, "screen")
                    with lock:
                        outcomes[job] = outcome
                        tell(watched.now(job[0], job[1], outcome))
            finally:
                child.close()

        count = min(workers, len(jobs))
        with ThreadPoolExecutor(count) as pool:
            for future in [pool.submit(work) for _ in range(count)]:
                future.result()
    return outcomes


def _effort(search: SearchSettings) -> float:
    return search.exhaustiveness * (search.max_evals or EVALUATIONS)


def read_ligands(path: Path) -> dict[str, str]:
    """Return SMILES by name from a file with one molecule per line: SMILES, then a name if there is one.

    Raises
    ------
    InputError
        If the file cannot be read, holds no molecule, or uses a name twice.
    """
    refuse_workbook(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The ligand file {path} cannot be read: {error}.") from None
    ligands: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or line.startswith("#"):
            continue
        name = words[1] if len(words) > 1 else f"line {number}"
        if name in ligands:
            raise InputError(f"{path}, line {number}: the name {name!r} is used twice.")
        ligands[name] = words[0]
    if not ligands:
        raise InputError(f"The ligand file {path} holds no molecules.", "One per line: SMILES, then a name.")
    return ligands
