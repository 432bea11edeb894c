"""A question to the hits of a campaign, as one object: what to rank by, which conditions, which picks.

The command line, the dashboard and Python make the same object, and one function answers it
(:func:`docksieve.workflows.hits.ask.ask`). Everything in it is checked when it is made, before any file is read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ...data.errors import InputError, unknown_name
from .terms import Selective, Window

RANKINGS = ("auto", "final", "docked", "predicted", "combined", "screened")
WINDOWS = (
    "weight",
    "logp",
    "tpsa",
    "donors",
    "acceptors",
    "rotatable_bonds",
    "rings",
    "heavy_atoms",
    "charge",
    "fsp3",
    "qed",
    "predicted_spread",
)
"""Columns that have a window of their own; any other stands in ``where``."""
RULES = {
    "lipinski": "lipinski_violations <= 1",
    "veber": "rotatable_bonds <= 10 AND tpsa <= 140",
}
"""Lipinski et al. 1997: no more than one of weight <= 500, logP <= 5, donors <= 5, acceptors <= 10 is broken.
Veber et al. 2002."""
CATALOGUES = ("pains", "brenk", "nih")
DIVERSITIES = ("maxmin", "scaffold")
ADDITIONS = ("lipinski_violations", "qed", *CATALOGUES, "scaffold", "parent", "other_ids")
"""Columns that are computed where they are asked for."""
POOL = 20
"""Diverse picks are taken from the best ``POOL`` times as many, if nothing else is said."""


@dataclass(frozen=True)
class HitQuery:
    """A question.

    Attributes
    ----------
    by : str
        What ranks. ``docked``: score of the rounds' docking. ``final``: score of the final
        docking, where there is none the docked one. ``predicted``: the teacher's mean. ``combined``: docked
        where docked, else the teacher's mean made worse by ``caution`` spreads. ``screened``: the student's
        mean, all of the library. ``auto``: final, else docked, else predicted, whichever there is.
    top : int or None
        How many (per target, unless the question is across targets); None for all.
    targets : tuple of str
        All of them if empty.
    where : str, optional
        An SQL condition on the columns (``docs/hits.md``).
    windows : mapping of str to Window
        By column: ``weight``, ``logp``, ``tpsa``, ``donors``, ``acceptors``, ``rotatable_bonds``, ``rings``,
        ``heavy_atoms``, ``charge``, ``fsp3``, ``qed``, ``predicted_spread``.
    rules : tuple of str
        ``lipinski``, ``veber``.
    no_alerts : tuple of str
        Catalogues of which no alert may match: ``pains``, ``brenk``, ``nih``.
    has, has_not : tuple of str
        SMARTS; all of ``has`` and none of ``has_not`` must match.
    similar_to : tuple of str
        SMILES, of which at least one must be as similar as ``similarity``.
    similarity : float
        Tanimoto coefficient of Morgan environments of radius 2, unfolded, from 0 to 1.
    novel_against : tuple of str
        SMILES of known molecules, to all of which the similarity must be below ``novelty``.
    novelty : float
    rounds : tuple of int
        Only what was docked, predicted or screened in these rounds; all if empty.
    model : str, optional
        Only what this model predicted: its id, or how it begins.
    selective : Selective or tuple of str, optional
        Rank by how much better a molecule is for one target than for another; ``("A", "B")`` is short for
        ``Selective("A", over="B")``.
    worst_over : tuple of str
        Rank by the worst of a molecule's scores for these targets.
    caution : float
        Spreads by which a prediction is made worse in ``combined``.
    per_parent : bool
        Only the best of all stereoisomers, tautomers and protonation states of a compound.
    diverse : str, optional
        Pick molecules that differ from the best ``pool``: ``maxmin`` or ``scaffold``.
    pool : int, optional
        Of so many of the best; if not given, at most 20 times ``top``, and none that is worse than ``within`` says.
    within : float, optional
        How much worse than the ``top``-th best score a diverse pick may be, in units of the score. If neither this nor
        ``pool`` is given: the median standard deviation of the predictions of the best ``top``, within which the model
        cannot tell molecules apart.
    undocked : bool
        Only molecules of which no docking was tried.
    with_failed : bool
        Also rank predictions of molecules whose docking failed; the column ``failure`` says why.
    add : tuple of str
        Further columns: ``lipinski_violations``, ``qed``, ``pains``, ``brenk``, ``nih``, ``scaffold``, ``parent``,
        ``other_ids``: further ids of the same molecule in the input of the library.

    Examples
    --------
    >>> query = docksieve.HitQuery(
    ...     targets=("EGFR",), top=5, windows={"weight": docksieve.Window(200, 300)}, has=("c1ccncc1",)
    ... )
    >>> docksieve.HitQuery.from_json(query.to_json()) == query
    True
    """

    by: str = "auto"
    top: int | None = 20
    targets: tuple[str, ...] = ()
    where: str | None = None
    windows: Mapping[str, Window] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    no_alerts: tuple[str, ...] = ()
    has: tuple[str, ...] = ()
    has_not: tuple[str, ...] = ()
    similar_to: tuple[str, ...] = ()
    similarity: float = 0.5
    novel_against: tuple[str, ...] = ()
    novelty: float = 0.4
    rounds: tuple[int, ...] = ()
    model: str | None = None
    selective: Selective | tuple[str, str] | None = None
    worst_over: tuple[str, ...] = ()
    caution: float = 1.0
    per_parent: bool = False
    diverse: str | None = None
    pool: int | None = None
    within: float | None = None
    undocked: bool = False
    with_failed: bool = False
    add: tuple[str, ...] = ()

    @classmethod
    def to_buy(cls, count: int, **others: Any) -> HitQuery:
        """Return the question for what to buy: the best molecules that were not docked, spread over chemistry.

        Ranked by the latest teacher's prediction, one form of each compound, no structural alert, picked from different
        scaffolds, and each with the vendor's id.

        Parameters
        ----------
        count : int
            How many per target.
        others : Any
            Fields of the question that replace these.

        Examples
        --------
        >>> answer = docksieve.ask("campaign", docksieve.HitQuery.to_buy(3, targets=("EGFR",)))
        >>> answer.table.num_rows, answer.table["docked_score"].null_count
        (3, 3)
        """
        chosen: dict[str, Any] = {
            "by": "predicted",
            "top": count,
            "undocked": True,
            "no_alerts": CATALOGUES,
            "per_parent": True,
            "diverse": "scaffold",
            "add": ("other_ids",),
        }
        chosen |= others
        chosen["add"] = tuple(dict.fromkeys(("other_ids", *chosen["add"])))
        condition = "id <> ''"
        where = f"({chosen['where']}\n) AND {condition}" if chosen.get("where") else condition
        return cls(**{**chosen, "where": where})

    def __post_init__(self) -> None:
        if self.selective is not None and not isinstance(self.selective, Selective):
            object.__setattr__(self, "selective", _selective(self.selective))
        _one_of(self.by, RANKINGS, "Hits cannot be ranked by")
        for name, window in self.windows.items():
            _one_of(name, WINDOWS, "There is no window for")
            window.checked(name)
        for values, known, words in (
            (self.rules, tuple(RULES), "There is no rule"),
            (self.no_alerts, CATALOGUES, "There is no catalogue of alerts"),
            (self.add, ADDITIONS, "There is no column to add called"),
            ((self.diverse,) if self.diverse else (), DIVERSITIES, "Picks cannot be spread by"),
        ):
            for value in values:
                _one_of(value, known, words)
        for name in ("similarity", "novelty"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"The {name} {getattr(self, name)} is not between 0 and 1.")
        if self.top is not None and self.top < 0:
            raise InputError(f"There are no {self.top} best molecules.", "Ask for 0 or more.")
        if not (math.isfinite(self.caution) and self.caution >= 0):
            raise InputError(f"The caution {self.caution} is not a number of spreads.", "Give 0 or more.")
        if self.diverse and self.top is None:
            raise InputError("Diverse picks need a number.", "Give --top.")
        if self.within is not None and not (math.isfinite(self.within) and self.within >= 0):
            raise InputError(f"{self.within} is not a difference of scores.", "Give 0 or more.")
        if self.within is not None and not self.diverse:
            raise InputError(
                "How much worse a pick may be matters for diverse picks only.",
                "Add --diverse, or leave out --within.",
            )
        if self.undocked and self.by in ("docked", "final"):
            raise InputError(
                f"Molecules that were not docked have no {self.by} score to be ranked by.",
                "Rank by predicted or screened.",
            )
        if self.pool is not None and (self.top is None or self.pool < self.top):
            raise InputError(
                f"From a pool of {self.pool} no {self.top} can be picked.", "Give a larger --pool."
            )
        self._check_targets()

    def _check_targets(self) -> None:
        across = [
            name
            for name, asked in (("--selective", self.selective), ("--worst-over", self.worst_over))
            if asked
        ]
        if len(across) == 2:
            raise InputError("--selective and --worst-over are two rankings.", "Choose one.")
        if across and self.targets:
            raise InputError(f"{across[0]} names its targets itself.", "Leave out --target.")
        floor = self.preferred.floor if self.preferred else None
        if isinstance(floor, float) and math.isnan(floor):
            raise InputError("A floor that is not a number says nothing.", "Give a score, or none.")
        if self.worst_over and len(set(self.worst_over)) < 2:
            raise InputError("The worst of one target is that target.", "Name two or more: --worst-over A,B.")

    @property
    def preferred(self) -> Selective | None:
        """``selective``, however it was given."""
        return self.selective if isinstance(self.selective, Selective) else None

    @property
    def across(self) -> tuple[str, ...]:
        """The targets of a question across targets; none if each is ranked by itself."""
        if preferred := self.preferred:
            return (preferred.target, preferred.over)
        return tuple(dict.fromkeys(self.worst_over))

    @property
    def wanted(self) -> int | None:
        """How many molecules have to be found before any are picked."""
        if self.diverse and self.top is not None:
            return self.pool if self.pool is not None else POOL * self.top
        return self.top

    def to_json(self) -> dict[str, Any]:
        """Return what differs from a question without conditions, as JSON values."""
        plain = {item.name: _plain(getattr(self, item.name)) for item in fields(self)}
        default = {item.name: _plain(getattr(_DEFAULT, item.name)) for item in fields(self)}
        return {name: value for name, value in plain.items() if value != default[name]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> HitQuery:
        """Return the question that :meth:`to_json` wrote down.

        Raises
        ------
        InputError
            If a key or a value is unknown.
        """
        known = {item.name: item for item in fields(cls)}
        made: dict[str, Any] = {}
        for name, value in values.items():
            _one_of(name, tuple(known), "A question has no")
            made[name] = tuple(value) if isinstance(value, list) else value
        if "windows" in made:
            made["windows"] = {key: Window(*pair) for key, pair in made["windows"].items()}
        if made.get("selective"):
            made["selective"] = Selective(**made["selective"])
        return cls(**made)


def _selective(value: object) -> Selective:
    """Return what two names of targets stand for."""
    names = tuple(value) if isinstance(value, tuple | list) else ()
    if len(names) != 2 or not all(isinstance(name, str) and name for name in names) or names[0] == names[1]:
        raise InputError(
            f"selective = {value!r} does not name two targets.",
            'Write selective=("A", "B") for molecules better for A than for B, or Selective("A", "B", margin=1.0).',
        )
    return Selective(*names)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: [window.low, window.high] for name, window in value.items()}
    if isinstance(value, Selective):
        return asdict(value)
    return list(value) if isinstance(value, tuple) else value


def _one_of(value: str, known: Iterable[str], words: str) -> None:
    if value not in known:
        raise unknown_name(f"{words} {value!r}.", value, known)


_DEFAULT = HitQuery()
