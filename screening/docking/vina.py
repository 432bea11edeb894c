"""The ``vina`` engine: AutoDock Vina's Python bindings in a supervised child process.

Search settings have names that come from measurements (``docs/docking.md``): many short runs find better
poses than few long ones, so the named settings cap the evaluations of a run and raise their number.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from ...data.errors import DockingError
from ...data.seeds import derive_seed
from ...data.store import sha256_file, write_bytes
from ..receptors.receptor import Box, check_box, find_receptor, read_receptor, resolve_box
from .engine import BatchNotes, DockingOutcome, Ligand, Protocol_
from .ligand_settings import LigandSettings
from .vina_process import Child, kept_child, outcome_of

OLDEST_VINA = (1, 2, 4)
"""Up to 1.2.3, the energy of the unbound ligand is wrong, and with it the ranking of poses."""


@dataclass(frozen=True)
class SearchSettings:
    """How thoroughly one conformer is docked.

    Attributes
    ----------
    exhaustiveness : int
        Independent Monte Carlo runs.
    max_evals : int
        Energy evaluations of one run; 0 leaves them to Vina, which grows them with the ligand's size.
    n_poses : int
        Poses that are clustered and refined. The score depends on it: keep it the same within a campaign.
    energy_range : float
        Poses worse than the best by more than this (kcal/mol) are dropped.
    min_rmsd : float
        Poses closer than this (angstrom) are one.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never a field

    exhaustiveness: int = 8
    max_evals: int = 0
    n_poses: int = 9
    energy_range: float = 3.0
    min_rmsd: float = 1.0

    def __post_init__(self) -> None:
        if not 1 <= self.exhaustiveness <= 4096:
            raise ValueError("exhaustiveness: between 1 and 4096")
        if self.max_evals < 0:
            raise ValueError("max_evals: 0 (left to Vina) or more")
        if not 1 <= self.n_poses <= 100:
            raise ValueError("n_poses: between 1 and 100")
        if not 0 < self.energy_range <= 50 or not 0 < self.min_rmsd <= 10:
            raise ValueError("energy_range: above 0, up to 50 kcal/mol; min_rmsd: above 0, up to 10 angstrom")


SEARCHES = {
    "fast": SearchSettings(8, 20_000),
    "balanced": SearchSettings(32, 20_000),
    "thorough": SearchSettings(64, 50_000),
    "standard": SearchSettings(8, 0),
}
SearchName = Literal["fast", "balanced", "thorough", "standard"]


def search_settings(choice: SearchName | SearchSettings) -> SearchSettings:
    """Return the search settings that ``choice`` names, or is."""
    return SEARCHES[choice] if isinstance(choice, str) else choice


@dataclass(frozen=True)
class VinaTarget:
    """A receptor to dock to with AutoDock Vina.

    Attributes
    ----------
    receptor : str
        A PDBQT file, or ``dockstring:NAME``.
    box : Box, str or None
        The search box, the path of a box file, or None for the one beside the receptor.
    box_size : float, 3 floats or None
        Replaces the sides of the box. A tighter box needs a cheaper search.
    search : name or SearchSettings
        For the many.
    final_search : name or SearchSettings
        For the last few.
    conformers, final_conformers : int
        Start conformers docked per state; the best score is kept.
    poses, final_poses : int
        Poses kept of a molecule.
    scoring : "vina" or "vinardo"
    spacing : float
        Grid spacing of the maps, angstrom.
    time_limit : float
        Seconds of one search; past them its process is killed (``timeout``).
    ligand : LigandSettings
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never a field

    receptor: str
    engine: Literal["vina"] = "vina"
    box: Box | str | None = None
    box_size: float | tuple[float, float, float] | None = None
    search: SearchName | SearchSettings = "balanced"
    final_search: SearchName | SearchSettings = "thorough"
    conformers: int = 1
    final_conformers: int = 3
    poses: int = 1
    final_poses: int = 3
    scoring: Literal["vina", "vinardo"] = "vina"
    spacing: float = 0.375
    time_limit: float = 600.0
    ligand: LigandSettings = field(default_factory=LigandSettings)

    def __post_init__(self) -> None:
        for name in ("conformers", "final_conformers", "poses", "final_poses"):
            if not 1 <= getattr(self, name) <= 50:
                raise ValueError(f"{name}: between 1 and 50")
        if not 0.1 <= self.spacing <= 1.0:
            raise ValueError("spacing: between 0.1 and 1 angstrom")
        if self.time_limit <= 0:
            raise ValueError("time_limit: seconds above 0")


def vina_version() -> str:
    """Return the version of the installed bindings.

    Raises
    ------
    DockingError
        If they are missing, or older than 1.2.4.
    """
    try:
        found = version("vina")
    except PackageNotFoundError:
        raise DockingError("AutoDock Vina's Python bindings are not installed.", "pip install vina") from None
    check_version(found)
    return found


def check_version(found: str) -> None:
    """Raise DockingError if ``found`` is a version of Vina with the wrong unbound energy."""
    numbers = tuple(int(part) for part in found.split("+")[0].split(".")[:3] if part.isdigit())
    if numbers < OLDEST_VINA:
        raise DockingError(
            f"AutoDock Vina {found} is installed; its unbound energies, and so its scores, are wrong.",
            "Install a newer one: pip install 'vina>=1.2.7'.",
        )


def freeze(name: str, settings: VinaTarget, folder: Path, base: Path) -> dict[str, Any]:
    """Check the receptor and its box, copy them into ``folder``, and return the frozen target."""
    engine_version = vina_version()
    path, _ = find_receptor(settings.receptor, base)
    receptor = read_receptor(path, settings.receptor)
    box = resolve_box(settings.receptor, base, settings.box, settings.box_size)
    check_box(receptor, box)
    copy = f"{name}.receptor.pdbqt"
    write_bytes(folder / copy, receptor.content)
    write_bytes(folder / f"{name}.box.txt", box.to_text().encode())
    return {
        "engine": "vina",
        "engine_version": engine_version,
        "unit": "kcal/mol",
        "lower_is_better": True,
        "receptor": copy,
        "receptor_sha256": receptor.sha256,
        "receptor_source": settings.receptor,
        "box": box.to_json(),
        "scoring": settings.scoring,
        "spacing": settings.spacing,
        "time_limit": settings.time_limit,
        "ligand": _plain(asdict(settings.ligand)),
        "screen": _protocol(settings.search, settings.conformers, settings.poses),
        "final": _protocol(settings.final_search, settings.final_conformers, settings.final_poses),
    }


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    return {key: list(item) if isinstance(item, tuple) else item for key, item in value.items()}


def _protocol(search: SearchName | SearchSettings, conformers: int, poses: int) -> dict[str, Any]:
    return {"search": asdict(search_settings(search)), "conformers": conformers, "poses": poses}


def dock(
    spec: Mapping[str, Any],
    folder: Path,
    target: str,
    ligands: Sequence[Ligand],
    seed: int,
    protocol: Protocol_,
    notes: BatchNotes,
) -> list[DockingOutcome]:
    """Dock ``ligands`` one after the other in this process's child for the receptor."""
    started = time.perf_counter()
    child = child_for(spec, folder, target, seed)
    notes.add_seconds("start", time.perf_counter() - started)
    starts = child.starts
    outcomes = []
    for ligand in ligands:
        started = time.perf_counter()
        outcome, crashes = dock_one(child, spec, target, ligand.smiles, seed, protocol)
        notes.add_seconds("dock", outcome.seconds)
        notes.add_seconds("restart", max(0.0, time.perf_counter() - started - outcome.seconds))
        notes.count("crashes", crashes)
        outcomes.append(outcome)
        notes.ended()
    notes.count("restarts", child.starts - starts)
    return outcomes


def child_for(spec: Mapping[str, Any], folder: Path, target: str, seed: int) -> Child:
    """Return a started child with the maps of the frozen target.

    Raises
    ------
    DockingError
        If the receptor was altered since it was frozen, or this worker's Vina is another version.
    """
    child = kept_child(child_setup(spec, folder, target, seed))
    if child.pid is None:
        path = folder / spec["receptor"]
        if not path.is_file() or sha256_file(path) != spec["receptor_sha256"]:
            raise DockingError(
                f"The receptor {path} is missing or was altered since the campaign began.",
                "Scores of two receptors must not be mixed: restore the file, or start a new campaign.",
            )
        child.start()
    if child.versions["vina"] != spec["engine_version"]:
        raise DockingError(
            f"This worker runs Vina {child.versions['vina']}, the campaign {spec['engine_version']}.",
            "Scores of two versions must not be mixed: install the same one on every node.",
        )
    return child


def child_setup(spec: Mapping[str, Any], folder: Path, target: str, seed: int) -> dict[str, Any]:
    """Return what a child needs to know to load the frozen target."""
    return {
        "receptor": str(folder / spec["receptor"]),
        "receptor_sha256": spec["receptor_sha256"],
        "box": spec["box"],
        "scoring": spec["scoring"],
        "spacing": spec["spacing"],
        "search_seed": search_seed(seed, target),
    }


def search_seed(seed: int, target: str) -> int:
    """Return the seed of the searches: one per target, since it belongs to the Vina object."""
    return derive_seed(seed, "search", target, bits=31)


def conformer_seed(seed: int, target: str, smiles: str) -> int:
    """Return the seed of a molecule's conformers."""
    return derive_seed(seed, "conformer", target, smiles, bits=31)


def dock_one(
    child: Child, spec: Mapping[str, Any], target: str, smiles: str, seed: int, protocol: Protocol_
) -> tuple[DockingOutcome, int]:
    """Dock one molecule in ``child``; return its outcome and the number of crashes."""
    request = {
        "op": "dock",
        "smiles": smiles,
        "ligand": spec["ligand"],
        "conformer_seed": conformer_seed(seed, target, smiles),
        "search_seed": search_seed(seed, target),
        **spec[protocol],
    }
    limits = {"prepare": spec["ligand"]["time_limit"], "search": spec["time_limit"]}
    return outcome_of(child, request, limits)


def row_settings(spec: Mapping[str, Any], protocol: Protocol_) -> dict[str, Any]:
    """Return what a score's record says about how it was made."""
    kept = ("receptor_sha256", "box", "scoring", "spacing", "ligand")
    versions = {name: version(name) for name in ("rdkit", "meeko")}
    return {
        "protocol": protocol,
        **{key: spec[key] for key in kept},
        **spec[protocol],
        "prepared_with": versions,
    }
