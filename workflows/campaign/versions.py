"""Versions of what makes docking scores: scores of two versions do not get into one ranking without a word.

Every receipt of a docking names the versions that were installed where it ran. Conformers of one seed differ between
versions of RDKit, and with them the scores; meeko and Vina decide how a ligand is written and searched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...data.errors import CampaignError
from ...data.receipts import Receipt
from .campaign import Campaign

Versions = dict[str, set[str]]
_READS = {"sdf": ("rdkit",), "pdbqt": ("rdkit", "meeko"), "smi": ()}


def needed_by(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the packages whose version changes the scores of a target, given what is frozen of it."""
    engine = spec["engine"]
    if engine == "vina":
        return ("rdkit", "meeko", "vina")
    if engine == "command":
        return _READS.get(str(spec.get("ligand_format")), ("rdkit",))
    return ()


def versions_used(campaign: Campaign, of: Callable[[str], Iterable[Receipt]] | None = None) -> Versions:
    """Return the versions that a campaign's dockings were made with, as their receipts say.

    Parameters
    ----------
    campaign : Campaign
    of : callable, optional
        Gives the receipts of a stage, where they were read already.

    Returns
    -------
    dict of str to set of str
        A package that no docking depends on, or whose version no receipt names, is not among them.
    """
    of = of or campaign.ledger.receipts
    needs = {target: needed_by(spec) for target, spec in campaign.targets.items()}
    found: Versions = {}
    if not any(needs.values()):
        return found
    for stage in campaign.stages():
        if not stage.endswith("/dock"):
            continue
        for receipt in of(stage):
            target = receipt.task.removeprefix(f"{stage}/").partition("/")[0]
            known = receipt.facts.get("versions") or {}
            for name in needs.get(target, ()):
                if receipt.done and known.get(name):
                    found.setdefault(name, set()).add(str(known[name]))
    return found


def mixed_words(used: Mapping[str, set[str]]) -> list[str]:
    """Return what is to be known of scores that were made with more than one version; nothing for others."""
    several = [
        f"{name} {' and '.join(sorted(found))}" for name, found in sorted(used.items()) if len(found) > 1
    ]
    if not several:
        return []
    return [
        f"Docking scores of several versions stand in one ranking: {'; '.join(several)}. The same molecule may score "
        "differently in each."
    ]


def refuse_other_versions(
    campaign: Campaign, present: Mapping[str, str], docks: Callable[[], bool] = lambda: True
) -> None:
    """Make sure that dockings to come are made as those that are there.

    Parameters
    ----------
    campaign : Campaign
    present : mapping of str to str
        Versions that are installed here.
    docks : callable
        Tells whether dockings are still to come; asked only where versions differ.

    Raises
    ------
    CampaignError
        If a package that scores depend on has a version that no docking of the campaign was made with.
    """
    used = versions_used(campaign)
    other = {name: found for name, found in sorted(used.items()) if present.get(name, "") not in found}
    if not other or not docks():
        return
    here = ", ".join(f"{name} {present.get(name) or 'missing'}" for name in other)
    before = ", ".join(f"{name} {' and '.join(sorted(found))}" for name, found in other.items())
    pins = " ".join(f"{name}=={sorted(found)[-1]}" for name, found in other.items())
    raise CampaignError(
        f"The dockings of {campaign.root} were made with {before}; installed here: {here}. Conformers and scores of "
        "the same molecule differ between versions, so that two kinds of scores would stand in one ranking.",
        f"Install the versions that it began with (pip install {pins}). `docksieve verify {campaign.root} --rerun "
        "round-00/dock` shows what would change; `docksieve submit --accept-versions` goes on all the same, and "
        "status, report and hits then say so.",
    )
