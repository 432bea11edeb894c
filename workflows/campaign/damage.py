"""Damage: what a campaign's plans and receipts promise and its folder does not hold, recognised in one place.

Every command that reads a campaign asks here. It is cheap: one look at the size of every file, checksums of small files
only (:data:`SMALL`, :data:`HASHED_IN_ALL`), the ends of large tables. What that cannot see shows when the file is read:
then everything is hashed, to name the file (:func:`reads_campaigns`). ``docksieve verify`` always hashes everything.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from ...data.errors import DocksieveError, FormatError
from ...data.receipts import Receipt, receipt_path
from ...data.store import FileRecord, is_temporary, read_json, sha256_file
from ...data.words import plural
from .campaign import Campaign, open_campaign
from .chain import beginning
from .imports import CARD
from .imports import FOLDER as IMPORTS
from .ledger import read_own_receipt, round_number

AGAIN = "Submit the campaign again: what is missing or damaged is made anew."
COPY = "Restore it from a copy."
SMALL = 1 << 20
"""Files up to so many bytes are hashed whenever a campaign is read."""
HASHED_IN_ALL = 64 << 20
"""So many bytes are hashed at most for one answer; of further files only size and ends are looked at."""
SHOWN = 4
_MAGIC = b"PAR1"

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Damage:
    """One file that is missing or not what was written.

    Attributes
    ----------
    path : str
        Relative to the campaign's folder.
    problem : str
        A sentence's end: ``is missing``.
    cure : str
    """

    path: str
    problem: str
    cure: str = AGAIN


_Read = Callable[[str], Iterable[Receipt]]


def find_damage(
    campaign: Campaign, thorough: bool = False, receipts: _Read | None = None
) -> tuple[Damage, ...]:
    """Return what is missing from a campaign or damaged; empty for one that is merely unfinished.

    Parameters
    ----------
    campaign : Campaign
    thorough : bool
        Hash every file, however large.
    receipts : callable, optional
        Gives the receipts of a stage, if they were read already.
    """
    of: _Read = functools.cache(receipts or (lambda stage: list(campaign.ledger.receipts(stage))))
    return tuple(
        dict.fromkeys([*_plans(campaign), *_receipts(campaign, of), *_files(campaign, of, thorough)])
    )


def damage_words(damage: Iterable[Damage]) -> list[str]:
    """Return what is damaged as sentences, cures included; of many files the first few are named."""
    found = list(damage)
    lines = []
    for cure in dict.fromkeys(item.cure for item in found):
        mine = [item for item in found if item.cure == cure]
        named = "; ".join(f"{item.path} {item.problem}" for item in mine[:SHOWN])
        more = f"; and {plural(len(mine) - SHOWN, 'more file')}" if len(mine) > SHOWN else ""
        lines.append(f"{named}{more}. {cure}")
    return lines


def reads_campaigns(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """Make ``function`` name the damage of a campaign in place of the error that the damage causes.

    Its arguments that are campaigns, or lead to one, are looked over when it fails.
    """

    @functools.wraps(function)
    def reading(*arguments: _P.args, **named: _P.kwargs) -> _T:
        try:
            return function(*arguments, **named)
        except DocksieveError as error:
            words = _all_words([*arguments, *named.values()], thorough=False)
            if words and words not in error.hint:
                error.hint = f"{error.hint} {words}".strip()
                error.args = (error.message, error.hint)
            raise
        except Exception as error:
            words = _all_words([*arguments, *named.values()], thorough=True)
            if not words:
                raise
            raise FormatError(f"The campaign cannot be read: {words}") from error

    return reading


def _all_words(arguments: Iterable[Any], thorough: bool) -> str:
    words = []
    for item in arguments:
        campaign = getattr(item, "campaign", item)
        if not isinstance(campaign, Campaign | Path | str):
            continue
        with suppress(DocksieveError, OSError, ValueError):
            opened = campaign if isinstance(campaign, Campaign) else open_campaign(campaign)
            words += damage_words(find_damage(opened, thorough))
    return " ".join(dict.fromkeys(words))


def _plans(campaign: Campaign) -> Iterator[Damage]:
    """Yield plans that cannot be read, and those that must have been there since receipts of their tasks are."""
    ledger, root = campaign.ledger, campaign.root
    for path in sorted((root / "plan").glob("*.json")):
        if not is_temporary(path) and ledger.plan_in(path) is None:
            yield Damage(path.relative_to(root).as_posix(), "is damaged")
    stages = set(campaign.stages())
    for path in sorted((root / "receipts").glob("*/*")):
        stage = f"{path.parent.name}/{path.stem if path.is_file() else path.name}"
        number = round_number(path.parent.name)
        mine = number is not None and number <= campaign.config.rounds.count
        plan = root / "plan" / f"{stage.replace('/', '.')}.json"
        if mine and stage not in stages and not is_temporary(path) and not plan.exists():
            yield Damage(plan.relative_to(root).as_posix(), "is missing")
    if (root / "hits" / "hits.parquet").exists() and "final/hits" not in stages:
        yield Damage("plan/final.hits.json", "is missing or damaged")


def _receipts(campaign: Campaign, of: _Read) -> Iterator[Damage]:
    """Yield receipts that cannot be read or do not have their seal, and those that later work proves to have been."""
    ledger, root, stages = campaign.ledger, campaign.root, campaign.stages()
    first = [receipt.follows for stage in stages[:1] for receipt in of(stage) if receipt.follows]
    if any(follows != beginning(campaign.state) for follows in first):
        yield Damage("campaign.json", "was altered: the first receipts follow another beginning", COPY)
    rounds = [stage for stage in stages if round_number(stage.partition("/")[0]) is not None]
    final = [stage for stage in stages if stage not in rounds]
    for stage in stages:
        names = ledger.planned(stage)
        known = {receipt.task: receipt for receipt in of(stage)}
        done = all(name in known and known[name].done for name in names)
        before = not done and _must_be_done(campaign, of, stage, rounds, final)
        for name in names:
            path = receipt_path(root, name).relative_to(root).as_posix()
            if name in known:
                continue
            if receipt_path(root, name).exists():
                if read_own_receipt(root, name) is None:  # else it came in this moment
                    yield Damage(path, "is damaged")
            elif before:
                yield Damage(path, "is missing")


def _must_be_done(campaign: Campaign, of: _Read, stage: str, rounds: list[str], final: list[str]) -> bool:
    """Return whether ``stage`` was finished once: a later stage is planned, or what it made is there."""
    if stage in final:
        return stage != final[-1] or (
            stage == "final/hits" and (campaign.root / "hits/hits.parquet").exists()
        )
    if stage != rounds[-1]:
        return True
    if stage != f"round-{campaign.config.rounds.count:02d}/dock" or not final:
        return False  # of a round that was added, or of a campaign that is under way
    # Where a round was added, its dockings are later than what is final.
    last = max((receipt.finished for receipt in of(stage)), default=0.0)
    return all(receipt.finished >= last for name in final for receipt in of(name))


def _files(campaign: Campaign, of: _Read, thorough: bool) -> Iterator[Damage]:
    """Yield the files that are missing, have another size, or another checksum as far as it is looked at."""
    state, left = campaign.state, HASHED_IN_ALL
    copied = [FileRecord(**item) for items in state["target_files"].values() for item in items]
    copied += campaign.source_records()
    for path in sorted((campaign.root / IMPORTS).glob(f"*/{CARD}")):
        name = path.relative_to(campaign.root).as_posix()
        try:
            copied.append(FileRecord(**read_json(path)["scores"]))
        except (FormatError, KeyError, TypeError):
            yield Damage(name, "is damaged", COPY)
    known = {record.path: (record, COPY) for record in copied}
    receipts = [r for stage in campaign.stages() for r in of(stage) if r.done]
    receipts.sort(key=lambda item: item.finished)  # of a file made twice, the later record counts
    for receipt in receipts:
        known |= {record.path: (record, AGAIN) for record in receipt.outputs}
    for record, cure in known.values():
        hashed = thorough or (record.bytes <= SMALL and record.bytes <= left)
        left -= record.bytes if hashed else 0
        if problem := _problem(campaign.root, record, hashed):
            yield Damage(record.path, problem, cure)


_looked: dict[tuple[str, str, int, int, int, bool], str] = {}
_lock = threading.Lock()


def _problem(root: Path, record: FileRecord, hashed: bool) -> str:
    """Return what is wrong with a file, empty if nothing; the answer for a file that did not change is remembered."""
    path = root / record.path
    try:
        found = path.stat()
        if found.st_size != record.bytes:
            return f"has {found.st_size:,} bytes of {record.bytes:,}"
        key = (str(path), record.sha256, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, hashed)
        with _lock:
            if key in _looked:
                return _looked[key]
        if hashed:
            problem = "" if sha256_file(path) == record.sha256 else "was altered: its checksum is another"
        else:
            problem = "" if path.suffix != ".parquet" or _has_ends(path) else "is damaged"
        with _lock:
            if len(_looked) > 100_000:
                _looked.clear()
            _looked[key] = problem
        return problem
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def _has_ends(path: Path) -> bool:
    """Return whether a Parquet file begins and ends as one does."""
    with path.open("rb") as handle:
        start = handle.read(4)
        handle.seek(-4, 2)
        return start == _MAGIC == handle.read(4)
