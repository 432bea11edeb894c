"""The sections of a campaign file, each with its defaults and what is refused in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    field_validator,
    model_validator,
)

from ...models.settings import TeacherSettings
from ...screening.acquisition.acquire import ACQUISITIONS, DIVERSITIES
from ...screening.acquisition.aims import AIMS, FRONT_ACQUISITIONS


class Section(BaseModel):
    """A section: keys that it does not know are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CampaignSection(Section):
    """Who the campaign is: its name, its folder (relative to the file) and its seed.

    Where no seed is given, ``CampaignConfig`` derives it (:func:`default_seed`).
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    folder: str = ""
    seed: int = Field(1, ge=0, lt=2**62)


class LibrarySection(Section):
    """The library to screen: a folder that ``docksieve library`` built, and conditions on its molecules.

    What does not meet all of them is left out of the campaign: never drawn, labelled, screened or docked. They are
    those of ``docksieve hits``: an SQL condition on columns (``where``), SMARTS (``has``, ``has_not``), catalogues of
    structural alerts of which none may match (``no_alerts``), and ``rules``.
    """

    path: str
    where: str = ""
    has: tuple[str, ...] = ()
    has_not: tuple[str, ...] = ()
    no_alerts: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


class StartSection(Section):
    """The first molecules docked, before there is a model.

    ``sealed`` of them are never trained on: they judge every model of the campaign.
    """

    molecules: int = Field(300, ge=10)
    method: Literal["random", "diverse"] = "random"
    sealed: float = Field(0.1, ge=0.0, le=0.5)


class AimSection(Section):
    """What a batch is chosen for where several targets count: one of the rankings of ``docksieve hits``.

    ``selective = ["A", "B"]``: better for A than for B. ``worst_over``: good for all of them, by the worst score.
    ``pareto``: spread along the front on which no molecule is better for one target without being worse for another.
    The targets named dock the same molecules; every other target chooses its own.
    """

    selective: tuple[str, ...] = ()
    worst_over: tuple[str, ...] = ()
    pareto: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one(self) -> AimSection:
        given = [name for name in AIMS if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"aim needs exactly one of {', '.join(AIMS)}")
        if given == ["selective"] and len(self.selective) != 2:
            raise ValueError('selective names two targets: ["A", "B"] for molecules better for A than for B')
        if len(set(self.targets)) < max(2, len(self.targets)):
            raise ValueError(f"{given[0]} names two or more different targets")
        return self

    @property
    def kind(self) -> str:
        """Which of the aims it is."""
        return next(name for name in AIMS if getattr(self, name))

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets that it names, in order."""
        return tuple(getattr(self, self.kind))


class RoundsSection(Section):
    """What each round of learning does.

    ``labels`` molecules are labelled by the teacher for the student; the student keeps the ``keep``
    fraction of the library for the teacher (``auto``: what the goal of ``[cut]`` needs); ``dock`` of those are
    docked per target (a list: in the first round, the second and so on; its last number in all rounds after), chosen
    by ``acquisition`` and spread by ``diversity``, but for the share ``epsilon``, which is drawn at random. Each target
    chooses for itself unless there is an ``aim``. With ``avoid_failures`` a value is discounted by the probability that
    docking gives a score, where dockings so far show which molecules fail. Where batches have stopped improving, the
    share ``explore`` of the next one is spent on scaffolds that were not docked yet.
    """

    count: int = Field(2, ge=0, le=1000)
    labels: int = Field(30_000, ge=100)
    keep: Annotated[float, Field(gt=0.0, le=1.0, strict=True)] | Literal["auto"] = "auto"
    dock: (
        Annotated[int, Field(ge=1)]
        | Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1, max_length=1000)]
    ) = 100
    acquisition: str = "greedy"
    beta: float = Field(2.0, ge=0.0)
    xi: float = Field(0.01, ge=0.0)
    epsilon: float = Field(0.0, ge=0.0, le=1.0)
    diversity: str = "none"
    avoid_failures: bool = True
    explore: float = Field(0.2, ge=0.0, le=1.0)
    aim: AimSection | None = None

    @model_validator(mode="after")
    def _front(self) -> RoundsSection:
        if self.aim is not None and self.aim.kind == "pareto":
            if self.acquisition not in FRONT_ACQUISITIONS:
                raise ValueError(
                    f"acquisition {self.acquisition!r} cannot aim at a front: {', '.join(FRONT_ACQUISITIONS)} can"
                )
            if self.diversity != "none":
                raise ValueError(
                    "diversity must be none where aim is pareto: a front spreads the batch itself"
                )
        return self

    def dock_in(self, number: int) -> int:
        """Return how many molecules round ``number`` (from 1) docks per target."""
        return self.dock if isinstance(self.dock, int) else self.dock[min(number, len(self.dock)) - 1]

    @property
    def dock_in_all(self) -> int:
        """How many molecules all rounds together dock per target."""
        return sum(self.dock_in(number) for number in range(1, self.count + 1))

    @field_validator("acquisition")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in ACQUISITIONS:
            raise ValueError(f"{value!r} is not one of {', '.join(ACQUISITIONS)}")
        return value

    @field_validator("diversity")
    @classmethod
    def _spread(cls, value: str) -> str:
        if value not in DIVERSITIES:
            raise ValueError(f"{value!r} is not one of {', '.join(DIVERSITIES)}")
        return value


class CutSection(Section):
    """What the cascade must not lose, and what that may cost.

    Of the best share ``best`` of the library, at least the share ``recall`` is to be kept, with probability
    ``confidence``. Where the goal decides, the student keeps ``widest`` of the library at most (a number in
    ``[rounds] keep``, room for the next batches and a sweep may be more). With ``sweep`` above 0 the last round docks
    the teacher's best, as many as the goal needs and at most ``sweep``, but for those that are docked already.
    """

    recall: float = Field(0.95, gt=0.0, lt=1.0)
    best: float = Field(0.001, gt=0.0, le=1.0)
    confidence: float = Field(0.95, gt=0.0, lt=1.0)
    widest: float = Field(0.2, gt=0.0, le=1.0)
    sweep: int = Field(0, ge=0)


class FinalSection(Section):
    """The best docked molecules of each target, docked again with the target's ``final`` settings."""

    molecules: int = Field(50, ge=0)


class DecideSection(Section):
    """What counts as success of the next dockings, set before the campaign (``docksieve decide``).

    A hit scores at or beyond ``threshold``; ``hits`` of the next dockings must be that good, and the best score must
    improve by ``improve``; 0 makes one of them no criterion. From a probability of success of ``go`` on it is worth
    it, down to ``stop`` it is not. With several targets ``threshold`` and ``improve`` may be tables of target and
    number.
    """

    threshold: FiniteFloat | dict[str, FiniteFloat]
    hits: int = Field(1, ge=0)
    improve: FiniteFloat | dict[str, FiniteFloat] = 0.0
    go: float = Field(0.8, ge=0.0, le=1.0)
    stop: float = Field(0.1, ge=0.0, le=1.0)

    @model_validator(mode="after")
    def _sense(self) -> DecideSection:
        improvements = self.improve.values() if isinstance(self.improve, dict) else [self.improve]
        if any(value < 0 for value in improvements):
            raise ValueError("improve must not be negative")
        if self.go <= self.stop:
            raise ValueError(f"go ({self.go:g}) must be above stop ({self.stop:g})")
        if not self.hits and not any(improvements):
            raise ValueError("hits and improve cannot both be 0: success needs a criterion")
        return self


class RunSection(Section):
    """How work is cut into tasks. None of it changes a score.

    ``threads`` are those of the training tasks; 0 means the cores of the machine that first runs it.
    """

    dock_batch: int = Field(10, ge=1)
    predict_batch: int = Field(20_000, ge=1)
    threads: int = Field(0, ge=0)


@dataclass(frozen=True)
class TeacherSection(TeacherSettings):
    """The teacher's settings, and the folders of earlier campaigns' teachers that it may learn from.

    ``sources`` are bundles (``CAMPAIGN/models/round-05/teacher``), relative to the file. They are copied into the
    campaign when it begins.
    """

    sources: tuple[str, ...] = ()
