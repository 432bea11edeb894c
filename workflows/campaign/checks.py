"""Looks before work: the library that a campaign file names, and what it asks of rounds that are behind it."""

from __future__ import annotations

from pathlib import Path

from ...data.errors import ConfigError, LibraryError
from ...data.spaces.source import MoleculeSource, open_source
from ..config.campaign_file import CampaignConfig, CampaignFile
from .campaign import Campaign
from .ledger import round_name


def open_library(file: CampaignFile) -> MoleculeSource:
    """Open the library that a campaign file names.

    Raises
    ------
    LibraryError
        If there is none; the message names the line that says where it should be.
    """
    try:
        return open_source(file.library)
    except LibraryError as error:
        if file.library.exists():
            raise
        raise LibraryError(
            f"{file.place('library', 'path')}: {error.message}",
            f"If it has moved, write its new folder there. {error.hint}",
        ) from None


def check_dock(campaign: Campaign, config: CampaignConfig, config_path: Path) -> None:
    """Refuse another number of molecules for a round that has chosen its own already."""
    before, now = campaign.config.rounds, config.rounds
    for number in range(1, min(before.count, now.count) + 1):
        chosen = any(receipt.done for receipt in campaign.ledger.receipts(f"{round_name(number)}/acquire"))
        if chosen and before.dock_in(number) != now.dock_in(number):
            raise ConfigError(
                f"{config_path}: [rounds] dock asks for {now.dock_in(number):,} molecules in round {number}, which has "
                f"chosen {before.dock_in(number):,} already.",
                f"Leave the numbers of rounds that are behind you as they were and change later ones: "
                f"dock = {_kept_dock(campaign, number, now.dock_in(number))}",
            )


def _kept_dock(campaign: Campaign, first: int, wanted: int) -> list[int]:
    """Return a list that leaves all rounds that have chosen as they were and asks for ``wanted`` in the later ones."""
    rounds = campaign.config.rounds
    done = [
        number
        for number in range(1, rounds.count + 1)
        if any(receipt.done for receipt in campaign.ledger.receipts(f"{round_name(number)}/acquire"))
    ]
    return [*(rounds.dock_in(number) for number in range(1, max(first, *done) + 1)), wanted]
