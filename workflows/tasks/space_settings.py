"""What tasks of campaigns on combinatorial spaces must be told, beside what those on libraries are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .settings import AcquireSettings, SampleSettings, TaskSettings


@dataclass(frozen=True)
class FactorTaskSettings(TaskSettings):
    """Settings of the task that distils the factor model of a space.

    Attributes
    ----------
    model : str
        Folder of the model under ``models/``.
    factors, student : mapping
        Settings of the factor model, and of the student, whose gate is its gate too, as the campaign recorded them.
    lower_is_better : mapping of str to bool
        Of the targets that the teacher has learnt.
    seed : int
        The campaign's.
    threads : int
    """

    model: str
    factors: Mapping[str, Any]
    student: Mapping[str, Any]
    lower_is_better: Mapping[str, bool]
    seed: int
    threads: int


@dataclass(frozen=True)
class SearchSettings(TaskSettings):
    """Settings of a task that searches one part of a space.

    Attributes
    ----------
    round : str
    shard : str
        Which part (:class:`docksieve.data.spaces.space.SpaceShard`).
    keep : mapping of str to int
        Products that go on to the teacher, by target: of every part the best so many.
    """

    round: str
    shard: str
    keep: Mapping[str, int]


@dataclass(frozen=True)
class SpaceSampleSettings(SampleSettings):
    """Settings of the task that chooses the seed sample of a space.

    Attributes
    ----------
    limits : mapping of str to mapping
        What docking refuses, by target.
    """

    limits: Mapping[str, Any]


@dataclass(frozen=True)
class SpaceAcquireSettings(AcquireSettings):
    """Settings of the task that chooses what to dock next of a space.

    Attributes
    ----------
    limits : mapping of str to mapping
        What docking refuses, by target.
    kept : mapping of str to int
        Products of each target that the shortlist holds.
    """

    limits: Mapping[str, Any] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)
