"""What each kind of task must be told: everything that changes its result, and nothing else.

One frozen dataclass per kind. The driver makes them, workers receive them, and only the ledger turns them into JSON,
whose hash tells whether a finished task is the one asked for: a field that is renamed, added or left out makes every
campaign under way do that stage again. They stand apart from the tasks' functions, whose modules load the libraries
that do the work, so that a driver does not load torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

WRITES = ("bundle", "held-out predictions")
"""What training leaves behind. It is part of the tasks' fingerprints: a campaign that an earlier version began, which
left less, is trained again."""


LATER = "later"
"""Marks a field that tasks of older campaigns do not have. It stands in no JSON while it has its default: what such
campaigns have finished stays finished."""


def later(default: Any = None, **more: Any) -> Any:
    """Return a field that came later (:data:`LATER`)."""
    return field(metadata={LATER: True}, **(more or {"default": default}))


@dataclass(frozen=True)
class TaskSettings:
    """Settings of a task; this one has none."""

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        unchanged = {
            item.name
            for item in fields(self)
            if item.metadata.get(LATER)
            and getattr(self, item.name)
            == (item.default_factory() if callable(item.default_factory) else item.default)
        }
        return {name: value for name, value in asdict(self).items() if name not in unchanged}


@dataclass(frozen=True)
class FilterSettings(TaskSettings):
    """Settings of a task that says which molecules of one shard the campaign may dock.

    Attributes
    ----------
    conditions : mapping
        Those of ``[library]``, by key.
    limits : mapping of str to mapping
        What docking into each target refuses (:class:`docksieve.screening.docking.ligand_settings.LigandLimits`);
        targets that refuse nothing are absent.
    targets : tuple of str
        All of them.
    version : int
        Of the rules.
    """

    conditions: Mapping[str, Any]
    limits: Mapping[str, Mapping[str, Any]]
    targets: tuple[str, ...]
    version: int


@dataclass(frozen=True)
class SampleSettings(TaskSettings):
    """Settings of the task that chooses the seed sample.

    Attributes
    ----------
    molecules : int
        How many are docked before there is a model.
    method : str
        ``random`` or ``diverse``.
    seed : int
        The campaign's.
    targets : tuple of str
        All of them dock the same molecules.
    batch : int
        Ligands per docking task.
    library : str
        Fingerprint of the library.
    """

    molecules: int
    method: str
    seed: int
    targets: tuple[str, ...]
    batch: int
    library: str


@dataclass(frozen=True)
class DockSettings(TaskSettings):
    """Settings of a task that docks one batch of ligands into one target.

    Attributes
    ----------
    target, group : str
        The target, and the round (or ``final``) whose selection is docked.
    spec : mapping
        The target as it was frozen when the campaign began (:func:`docksieve.screening.docking.dock.freeze_target`).
    seed : int
        The campaign's; conformer and search seeds derive from it.
    protocol : ``"screen"`` or ``"final"``
        Which of the target's search settings.
    """

    target: str
    group: str
    spec: Mapping[str, Any]
    seed: int
    protocol: Literal["screen", "final"]


@dataclass(frozen=True)
class TrainSettings(TaskSettings):
    """Settings of the task that trains a teacher.

    Attributes
    ----------
    model : str
        Folder of the model under ``models/``.
    teacher : mapping
        The teacher's settings as the campaign recorded them: what an older version did not know is absent there, and
        must stay absent, or the teacher would be another one.
    lower_is_better : mapping of str to bool
        By target.
    units : mapping of str to str
        By target.
    seed : int
        The campaign's.
    sealed : float
        Share of the seed sample that is the held-out test set, in [0, 0.5].
    threads : int
    parent : str
        Id of the model before this one; empty if there is none.
    writes : tuple of str
        See :data:`WRITES`.
    """

    model: str
    teacher: Mapping[str, Any]
    lower_is_better: Mapping[str, bool]
    units: Mapping[str, str]
    seed: int
    sealed: float
    threads: int
    parent: str
    writes: tuple[str, ...] = WRITES


@dataclass(frozen=True)
class LabelSettings(TaskSettings):
    """Settings of a task that lets the teacher predict one slice of a random sample of the library.

    Attributes
    ----------
    labels : int
        Size of the whole sample.
    batch, index : int
        Size of a slice, and which one this is, from 0.
    seed : int
        The campaign's.
    round : str
    library : str
        Fingerprint of the library.
    """

    labels: int
    batch: int
    index: int
    seed: int
    round: str
    library: str


@dataclass(frozen=True)
class DistilSettings(TaskSettings):
    """Settings of the task that distils a student.

    Attributes
    ----------
    model : str
        Folder of the model under ``models/``.
    student : mapping
        The student's settings as the campaign recorded them.
    lower_is_better : mapping of str to bool
        Of the targets that the teacher has learnt.
    units : mapping of str to str
        By target.
    seed : int
        The campaign's.
    threads : int
    writes : tuple of str
        See :data:`WRITES`.
    """

    model: str
    student: Mapping[str, Any]
    lower_is_better: Mapping[str, bool]
    units: Mapping[str, str]
    seed: int
    threads: int
    writes: tuple[str, ...] = WRITES


@dataclass(frozen=True)
class CutSettings(TaskSettings):
    """Settings of the task that says how much student and teacher must keep.

    Attributes
    ----------
    round : str
    recall, best, confidence : float
        The goal (:class:`docksieve.CutGoal`).
    widest : float
        Share of the library that the student may keep at most where the goal decides.
    sweep : int
        Molecules that this round may dock to reach the goal; 0 if it does not sweep.
    keep : float or ``"auto"``
        ``[rounds] keep``.
    dock : int
        Molecules that a round docks per target.
    docked : int
        Molecules docked before, of the target with most.
    budget : mapping of str to int
        Molecules docked by the end of the round, by target.
    gate : mapping of str to bool
        Whether the student passed its gate, by target.
    rows : int
        Molecules in the library.
    lower_is_better : mapping of str to bool
        Of the targets that the teacher has learnt.
    method : str
        How the seed sample was chosen.
    seed : int
        The campaign's.
    may_dock : mapping of str to int
        Molecules of the library that a target may dock, where some are left out from the start: shares are shares of
        these.
    """

    round: str
    recall: float
    best: float
    confidence: float
    widest: float
    sweep: int
    keep: float | Literal["auto"]
    dock: int
    docked: int
    budget: Mapping[str, int]
    gate: Mapping[str, bool]
    rows: int
    lower_is_better: Mapping[str, bool]
    method: str
    seed: int
    may_dock: Mapping[str, int] = later(default_factory=dict)


@dataclass(frozen=True)
class RoundSettings(TaskSettings):
    """Settings of a task that needs to know its round only: the screen of a shard, the rescoring of a shortlist.

    Attributes
    ----------
    round : str
    """

    round: str


@dataclass(frozen=True)
class RankSettings(TaskSettings):
    """Settings of the task that keeps the student's best.

    Attributes
    ----------
    round : str
    keep : mapping of str to int
        Molecules that go on to the teacher, by target.
    lower_is_better : mapping of str to bool
        Of the targets that the teacher has learnt.
    batch : int
        Molecules per prediction task.
    aim : mapping or None
        ``kind``, ``targets`` and ``one_unit``: molecules good for several targets go on too.
    """

    round: str
    keep: Mapping[str, int]
    lower_is_better: Mapping[str, bool]
    batch: int
    aim: Mapping[str, Any] | None = later()


@dataclass(frozen=True)
class AcquireSettings(TaskSettings):
    """Settings of the task that chooses what to dock next.

    Attributes
    ----------
    round : str
    acquisition, diversity : str
        Names of the acquisition function and of how a batch is spread.
    beta, xi, epsilon : float
        Parameters of the acquisition, and the share drawn at random.
    dock : int
        Molecules to dock per target.
    sweep : mapping of str to int
        Targets of which all the teacher's best so many are docked instead.
    seed : int
        The campaign's.
    lower_is_better : mapping of str to bool
        Of all targets.
    taught : tuple of str
        Targets that the teacher has learnt; the others draw at random.
    library : str
        Fingerprint of the library.
    batch : int
        Ligands per docking task.
    explore : float
        Share of a batch that goes to scaffolds not docked yet, where batches have stopped improving.
    avoid_failures : bool
        Whether values are discounted by the probability of a score.
    aim : mapping or None
        ``kind``, ``targets`` and ``one_unit``: what the batch of these targets is chosen for.
    """

    round: str
    acquisition: str
    beta: float
    xi: float
    epsilon: float
    diversity: str
    dock: int
    sweep: Mapping[str, int]
    seed: int
    lower_is_better: Mapping[str, bool]
    taught: tuple[str, ...]
    library: str
    batch: int
    avoid_failures: bool = later(False)
    explore: float = later(0.0)
    aim: Mapping[str, Any] | None = later()


@dataclass(frozen=True)
class SelectSettings(TaskSettings):
    """Settings of the task that chooses the ligands of the final docking.

    Attributes
    ----------
    molecules : int
        Per target.
    lower_is_better : mapping of str to bool
        Of the targets that dock.
    batch : int or mapping of str to int
        Ligands per docking task; by target where they differ.
    """

    molecules: int
    lower_is_better: Mapping[str, bool]
    batch: int | Mapping[str, int]
