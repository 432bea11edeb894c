"""Which teacher is in force, which imports teach rounds to come, and how to change either. Nothing is deleted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...data.errors import CampaignError, InputError
from ...data.store import is_temporary, read_json, write_json
from ...models.bundles.bundle import read_card
from ..campaign.campaign import Campaign, open_campaign
from ..campaign.damage import reads_campaigns
from ..campaign.driver import DriverLock
from ..campaign.imports import (
    FOLDER,
    find_import,
    import_name,
    in_force,
    put_in_force,
    set_aside,
    write_import,
)
from ..campaign.ledger import round_name, round_number
from .knowledge import training_receipt

CHOICE = "model-in-use.json"
"""Of the campaign folder: the teacher that was promoted or chosen last, and how many rounds had one then."""


@dataclass(frozen=True)
class ModelChange:
    """What a choice of model or scores changed.

    Attributes
    ----------
    model, before : str
        The teacher in force now, and the one until now.
    used, dropped : tuple of str
        Imports (such as ``import-001``) that rounds to come learn from since now, and that they no longer learn from.
    next_round : int
        The first round that heeds it.

    Examples
    --------
    >>> change = docksieve.use_model("campaign", "round-02/teacher")
    >>> change.model, change.next_round
    ('round-02/teacher', 3)
    """

    model: str
    before: str
    used: tuple[str, ...]
    dropped: tuple[str, ...]
    next_round: int


def trained_rounds(campaign: Campaign) -> int:
    """Return the number of the last round that has a teacher."""
    trained = [stage for stage in campaign.stages() if stage.endswith("/train")]
    done = [stage for stage in trained if any(r.done for r in campaign.ledger.receipts(stage))]
    return max((round_number(stage.partition("/")[0]) or 0 for stage in done), default=0)


def present_model(campaign: Campaign) -> str:
    """Return the folder (under ``models/``) of the teacher in force.

    That is the one promoted or chosen last, until a later round has trained one; else the latest round's.

    Raises
    ------
    CampaignError
        If no teacher was trained yet.
    """
    last = trained_rounds(campaign)
    path = campaign.root / CHOICE
    if path.exists():
        choice = read_json(path)
        if choice["rounds"] == last and (campaign.root / "models" / choice["model"] / "card.json").is_file():
            return str(choice["model"])
    else:  # as campaigns before there was a choice
        promoted = [card for card in campaign.imports() if card["first_round"] is not None]
        if promoted and last < promoted[-1]["first_round"]:
            return str(promoted[-1]["model"])
    if last == 0:
        raise CampaignError(
            f"The campaign in {campaign.root} has no model yet.",
            "Submit it, and retrain when a round is done.",
        )
    return f"{round_name(last)}/teacher"


def put_model_in_force(campaign: Campaign, model: str, why: str) -> None:
    """Make a teacher the one in force, until the next round has its own."""
    choice = {"model": model, "rounds": trained_rounds(campaign), "why": why, "time": time.time()}
    write_json(campaign.root / CHOICE, choice)


def imports_of(campaign: Campaign, model: str) -> set[int]:
    """Return the numbers of the imports that a teacher learned from."""
    places = [Path(record.path).parts for record in training_receipt(campaign, model).inputs]
    return {int(parts[1].removeprefix("import-")) for parts in places if parts[0] == FOLDER}


@reads_campaigns
def list_models(campaign: str | Path | Campaign) -> list[dict[str, Any]]:
    """Return the card of every model of a campaign, with its folder and whether it is the one in force."""
    opened = campaign if isinstance(campaign, Campaign) else open_campaign(campaign)
    folder = opened.root / "models"
    cards = [path for path in folder.glob("*/*/card.json") if not is_temporary(path.parent)]
    names = sorted(path.parent.relative_to(folder).as_posix() for path in cards)
    present = present_model(opened) if any(name.endswith("/teacher") for name in names) else ""
    return [{"name": name, "present": name == present, **read_card(folder / name)} for name in names]


@reads_campaigns
def model_card(campaign: Campaign, name: str) -> dict[str, Any]:
    """Return the card of the model ``name``, such as ``round-01/teacher``.

    Raises
    ------
    InputError
        If there is no such model.
    """
    known = [card["name"] for card in list_models(campaign)]
    if name not in known:
        raise InputError(f"The campaign has no model {name!r}.", f"It has: {', '.join(known) or 'none yet'}.")
    return dict(read_card(campaign.root / "models" / name))


def use_model(campaign: str | Path, name: str) -> ModelChange:
    """Put an earlier teacher, or a candidate that was not promoted, in force.

    Rounds to come learn from the imports that it learned from, and from no others: going back before a bad import sets
    that aside. Rounds that have a teacher stay as they are, and so do all scores and models: the other model can be
    put in force again.

    Parameters
    ----------
    campaign : path
    name : str
        Such as ``round-01/teacher`` or ``retrain-001/teacher``.

    Returns
    -------
    ModelChange

    Raises
    ------
    InputError
        If there is no such model, or it is a student.
    CampaignError
        If the campaign is running.

    Examples
    --------
    >>> result = docksieve.retrain("campaign", "new.csv", target="EGFR", promote=True)
    >>> docksieve.use_model("campaign", "round-02/teacher").dropped
    ('import-001',)
    """
    opened = open_campaign(campaign)
    with DriverLock(opened.root):
        if model_card(opened, name)["kind"] != "teacher":
            raise InputError(f"{name} is a student; every round distils its own.", "Name a teacher.")
        learned = imports_of(opened, name)
        return _changed(
            opened, lambda card: int(card["number"]) in learned, f"models use {name}", lambda _: name
        )


def use_import(campaign: str | Path, name: str) -> ModelChange:
    """Let rounds to come learn from imported scores whose candidate was not promoted, or that were dropped.

    Its candidate is put in force if it learned from just the imports that are then in force; else the present model
    stays until the next round has its own.

    Parameters
    ----------
    campaign : path
    name : str
        ``import-001``, or its number.

    Returns
    -------
    ModelChange

    Raises
    ------
    InputError
        If there is no such import.
    CampaignError
        If the campaign is running.

    Examples
    --------
    >>> result = docksieve.retrain("campaign", "new.csv", target="EGFR", promote=True)
    >>> dropped = docksieve.drop_import("campaign", "import-001")
    >>> docksieve.use_import("campaign", "import-001").model
    'retrain-001/teacher'
    """
    opened = open_campaign(campaign)
    with DriverLock(opened.root):
        mine = find_import(opened.root, name)

        def model(before: str) -> str:
            now = {int(card["number"]) for card in opened.imports() if in_force(card)}
            candidate = str(mine["model"])
            fresh = _round_of(opened, candidate) == trained_rounds(opened)
            return candidate if fresh and imports_of(opened, candidate) == now else before

        return _changed(
            opened,
            lambda card: card["number"] == mine["number"] or in_force(card),
            f"retrain --use {name}",
            model,
        )


def drop_import(campaign: str | Path, name: str) -> ModelChange:
    """Set imported scores aside: no round to come learns from them.

    If the model in force learned from them, the latest that did not takes its place. The scores stay in ``imports/``,
    and :func:`use_import` brings them back; rounds that learned from them stay as they are.

    Parameters
    ----------
    campaign : path
    name : str
        ``import-001``, or its number.

    Returns
    -------
    ModelChange

    Raises
    ------
    InputError
        If there is no such import, or no round learns from it anyway.
    CampaignError
        If the campaign is running.

    Examples
    --------
    >>> result = docksieve.retrain("campaign", "new.csv", target="EGFR", promote=True)
    >>> docksieve.drop_import("campaign", "import-001").model
    'round-02/teacher'
    """
    opened = open_campaign(campaign)
    with DriverLock(opened.root):
        mine = find_import(opened.root, name)
        if not in_force(mine):
            raise InputError(
                f"{import_name(int(mine['number']))} is set aside already: no round to come learns from it.",
                "`docksieve retrain CAMPAIGN --list` lists the imports.",
            )

        def model(before: str) -> str:
            if int(mine["number"]) not in imports_of(opened, before):
                return before
            now = {int(card["number"]) for card in opened.imports() if in_force(card)}
            fitting = [name for name in _teachers(opened) if imports_of(opened, name) <= now]
            return fitting[-1] if fitting else before

        return _changed(
            opened,
            lambda card: card["number"] != mine["number"] and in_force(card),
            f"retrain --drop {name}",
            model,
        )


def _teachers(campaign: Campaign) -> list[str]:
    """Return the campaign's teachers, the latest last."""
    names = [card["name"] for card in list_models(campaign) if card["kind"] == "teacher"]
    trained = {name: training_receipt(campaign, name).finished for name in names}
    return sorted(names, key=lambda name: (_round_of(campaign, name), trained[name]))


def _round_of(campaign: Campaign, model: str) -> int:
    """Return the last round whose teacher a model could know: its own, or that of before it was retrained."""
    group = model.partition("/")[0]
    number = round_number(group)
    if number is not None:
        return number
    finished = training_receipt(campaign, model).finished
    before = [
        index
        for index in range(1, trained_rounds(campaign) + 1)
        if training_receipt(campaign, f"{round_name(index)}/teacher").finished <= finished
    ]
    return max(before, default=0)


def _changed(
    campaign: Campaign,
    wanted: Callable[[dict[str, Any]], bool],
    why: str,
    choose: Callable[[str], str],
) -> ModelChange:
    """Put the imports that are ``wanted`` in force and no others, then the model that ``choose`` names."""
    before, trained = present_model(campaign), trained_rounds(campaign)
    used, dropped = [], []
    for card in campaign.imports():
        name, was = import_name(int(card["number"])), in_force(card)
        if wanted(card) and not was:
            write_import(campaign.root, put_in_force(card, trained, why))
            used.append(name)
        elif was and not wanted(card):
            write_import(campaign.root, set_aside(card, trained, why))
            dropped.append(name)
    model = choose(before)
    put_model_in_force(campaign, model, why)
    return ModelChange(model, before, tuple(used), tuple(dropped), trained + 1)
