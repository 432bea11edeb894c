"""Whose criteria count, and whether they were there before the first docking."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...data.errors import ConfigError, InputError
from ...screening.decisions.forecast import Criteria
from ..campaign.campaign import Campaign
from ..config.campaign_file import read_config
from ..config.sections import DecideSection

BEFORE = "criteria were set before the campaign began"
AFTER = "criteria were set or changed after the campaign began"
GIVEN = "criteria were given on the command line, after the campaign began"


@dataclass(frozen=True)
class Chosen:
    """Criteria in force for one target, and in words when they were set."""

    criteria: Criteria
    origin: str


def section_in_force(campaign: Campaign) -> DecideSection | None:
    """Return ``[decide]`` of the campaign's file as it stands now, or as it was recorded if the file has none.

    A campaign that an older version began has recorded none; its file may have one all the same.
    """
    try:
        read = read_config(Path(campaign.state["config_file"]))
    except ConfigError:  # moved, or about to be edited: what was recorded counts
        return campaign.config.decide
    same = read.campaign.name == campaign.config.campaign.name
    return (read.decide if same else None) or campaign.config.decide


def criteria_of(
    campaign: Campaign, target: str, threshold: float | None = None, improve: float | None = None
) -> Chosen | None:
    """Return the criteria for a target; None if there are none.

    Parameters
    ----------
    campaign : Campaign
    target : str
    threshold, improve : float, optional
        Given now: they win over the file.

    Raises
    ------
    InputError
        If what was given makes no sense.
    """
    section = section_in_force(campaign)
    at_start = campaign.state.get("criteria")
    from_file = _values(section.model_dump(mode="json"), target) if section is not None else None
    given = {
        name: value for name, value in (("threshold", threshold), ("improve", improve)) if value is not None
    }
    values = {**(from_file or {}), **given}
    if values.get("threshold") is None:
        return None
    if given and values != from_file:
        origin = GIVEN
    else:
        before = at_start is not None and _values(at_start, target) == from_file
        origin = BEFORE if before else AFTER
    try:
        return Chosen(Criteria(**values), origin)
    except ValueError as error:
        raise InputError(f"These criteria make no sense: {error}.") from None


def _values(section: dict[str, Any], target: str) -> dict[str, Any]:
    """Return the criteria of one target."""
    values = dict(section)
    for name, other in (("threshold", None), ("improve", 0.0)):
        if isinstance(values[name], dict):
            values[name] = values[name].get(target, other)
    return values
