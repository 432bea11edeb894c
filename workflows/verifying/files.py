"""Files against the records of them: altered, cut, missing, or vouched for by nothing; library and models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ...data.errors import DocksieveError
from ...data.receipts import Receipt
from ...data.spaces.source import MoleculeSource
from ...data.store import FileRecord, is_temporary, sha256_file
from ...models.bundles.bundle import load_bundle
from ...models.factors.factor_model import FactorModel
from ..campaign.campaign import Campaign
from ..campaign.sources import FOLDER
from .findings import AGAIN, COPY, Verification

OWNED = (
    "selections", "scores", "poses", "models", "heldout", "leaderboards", "labels", "refined", "predictions",
    "histograms", "leaders", "shortlists", "hits", "targets", FOLDER, "imports",
)  # fmt: skip
"""Folders in which nothing may lie that no record names."""


def records_of(campaign: Campaign, receipts: Iterable[Receipt]) -> dict[str, tuple[FileRecord, str]]:
    """Return every file that something vouches for: its record, and how to get it back."""
    state = campaign.state
    copied = [FileRecord(**item) for items in state["target_files"].values() for item in items]
    copied += campaign.source_records()
    copied += [FileRecord(**card["scores"]) for card in campaign.imports()]
    known = {record.path: (record, COPY) for record in copied}
    ordered = sorted((receipt for receipt in receipts if receipt.done), key=lambda item: item.finished)
    for receipt in ordered:  # of a file made twice, the later record counts
        known |= {record.path: (record, AGAIN) for record in receipt.outputs}
    return known


def check_files(root: Path, known: Mapping[str, tuple[FileRecord, str]], found: Verification) -> None:
    """Compare every file with its record, and look for files without one."""
    for path, (record, cure) in known.items():
        place = root / path
        if not place.is_file():
            found.wrong("file", path, "The file is missing.", cure)
            continue
        size = place.stat().st_size
        found.count("files")
        found.count("bytes", size)
        if size != record.bytes:
            found.wrong("file", path, f"The file has {size:,} bytes; {record.bytes:,} were written.", cure)
        elif sha256_file(place) != record.sha256:
            found.wrong("file", path, "The file was altered: its checksum is another.", cure)
    for folder in OWNED:
        for place in sorted((root / folder).rglob("*")):
            path = place.relative_to(root).as_posix()
            if not place.is_file() or path in known or path.endswith("/import.json"):
                continue
            if is_temporary(place) or any(is_temporary(parent) for parent in place.parents):
                continue
            found.wrong("extra", path, "No receipt lists this file.", f"Move it out of the campaign. {AGAIN}")


def check_library(campaign: Campaign, deep: bool, found: Verification) -> MoleculeSource | None:
    """Open the library and compare it with the one the campaign began with; ``deep`` reads every shard."""
    try:
        library = campaign.open_library()
        if deep:
            library.verify()
            found.count("shards", len(library.shards))
    except DocksieveError as error:
        found.wrong("library", str(campaign.library_path), error.message, error.hint or COPY)
        return None
    except OSError as error:
        found.wrong("library", str(campaign.library_path), f"The library cannot be read: {error}.", COPY)
        return None
    if not deep:
        found.notes.append("The library's fingerprint and sizes were checked; --deep reads its shards too.")
    return library


def check_models(root: Path, found: Verification) -> None:
    """Load every bundle, weights against card, card against itself, and every factor model of a space."""
    for card in sorted((root / "models").glob("*/*/card.json")):
        if is_temporary(card.parent):
            continue
        try:
            load_bundle(card.parent)
            found.count("models")
        except DocksieveError as error:
            found.wrong("model", card.parent.relative_to(root).as_posix(), error.message, AGAIN)
    for path in sorted((root / "models").glob("*/*/factors.safetensors")):
        try:
            FactorModel.load(path)
            found.count("models")
        except DocksieveError as error:
            found.wrong("model", path.relative_to(root).as_posix(), error.message, AGAIN)
