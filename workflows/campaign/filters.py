"""What of the library a campaign leaves out from the start: by the user's conditions, and by what docking refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ...data.errors import ConfigError, InputError
from ...data.spaces.source import MoleculeSource
from ...data.spaces.space import Space
from ...screening.docking.ligand_settings import LigandLimits
from ..config.mistakes import line_of

if TYPE_CHECKING:
    from ..config.campaign_file import CampaignFile
from ..config.sections import LibrarySection
from .campaign import Campaign

ASKED = "[library] where"
FILTER_VERSION = 1
"""Recorded when a campaign begins. A campaign of a version that left nothing out has none, and goes on that way;
of a combinatorial space it is 0: what docking refuses is left out where products are made."""


def conditions_of(section: LibrarySection) -> dict[str, Any]:
    """Return the conditions that a campaign file puts to its library, by key; empty if there are none."""
    given = section.model_dump(mode="json", exclude={"path"})
    return {name: value for name, value in given.items() if value}


def check_conditions(file: CampaignFile) -> None:
    """Refuse conditions that cannot be put to a library, before any work.

    Raises
    ------
    ConfigError
        Naming file, line and key.
    """
    conditions = conditions_of(file.config.library)
    if not conditions:
        return
    from ...screening.queries.library_filter import library_query

    for key in conditions:  # one by one, so that the key at fault can be named
        try:
            library_query({key: conditions[key]}, ASKED)
        except InputError as error:
            try:
                line = line_of(file.path.read_text(encoding="utf-8"), ("library", key))
            except OSError:
                line = None
            said = error.message if ASKED in error.message else f"[library] {key}: {error.message}"
            at = f"{file.path}{f', line {line}' if line else ''}"
            raise ConfigError(f"{at}: {said}", re.sub(r"^--", "", error.hint)) from None


def check_space(file: CampaignFile, library: MoleculeSource) -> None:
    """Refuse what a campaign on a combinatorial space cannot do.

    Raises
    ------
    ConfigError
        Naming the key.
    """
    if not isinstance(library, Space):
        return
    asked = conditions_of(file.config.library)
    if asked:
        raise ConfigError(
            f"{file.path}: [library] {next(iter(asked))} asks something of every molecule, and the products of a space "
            "are not made to be asked.",
            "Leave building blocks out when you build the space, or put the condition to the hits.",
        )
    if file.config.rounds.aim is not None:
        raise ConfigError(
            f"{file.path}: [rounds] aim: of a combinatorial space, each target is searched by itself.",
            "Leave it out; `docksieve hits --selective` and `--worst-over` rank what was docked.",
        )


def limits_by_target(targets: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the limits of those frozen targets that have any, as JSON values."""
    found = {name: LigandLimits.of_target(spec) for name, spec in targets.items()}
    return {
        name: {**asdict(limits), "elements": list(limits.elements)}
        for name, limits in found.items()
        if limits is not None
    }


def leaves_out(campaign: Campaign) -> bool:
    """Whether the campaign looks at its library before anything is drawn from it."""
    if not campaign.state.get("filter"):
        return False
    return bool(conditions_of(campaign.config.library) or limits_by_target(campaign.targets))
