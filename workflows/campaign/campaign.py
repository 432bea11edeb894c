"""A campaign's folder: what it was begun with, and where things lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from ...data.errors import CampaignError, FormatError, LibraryError
from ...data.spaces.source import MoleculeSource, open_source
from ...data.store import (
    FileRecord,
    read_json,
)
from ..config.campaign_file import CampaignConfig, read_campaign_file
from .audits import audited_scores
from .imports import read_imports, teaches
from .ledger import Ledger, round_number

CAMPAIGN_FORMAT = 1


@dataclass(frozen=True)
class Campaign:
    """A campaign folder that has begun.

    Attributes
    ----------
    root : Path
    config : CampaignConfig
        As it stands now.
    state : dict
        ``campaign.json``: id, library path and fingerprint, the targets' frozen specifications, training
        threads, versions.

    Examples
    --------
    >>> campaign = docksieve.load_campaign("campaign")
    >>> list(campaign.targets), campaign.seed
    (['EGFR', 'JAK2'], 7)
    >>> campaign.open_library().rows
    192
    """

    root: Path
    config: CampaignConfig
    state: Mapping[str, Any]

    def __repr__(self) -> str:
        rounds, library = self.config.rounds.count, self.state["library"]
        return (
            f"Campaign {self.config.campaign.name!r} in {self.root}: {', '.join(self.targets)}; "
            f"{rounds} round{'' if rounds == 1 else 's'}, a library of {library['rows']:,} molecules"
        )

    def _repr_html_(self) -> str:
        rounds, start = self.config.rounds, self.config.start
        facts = {
            "folder": self.root,
            "targets": "; ".join(f"{name} ({spec['engine']})" for name, spec in self.targets.items()),
            "library": f"{self.state['library']['rows']:,} molecules, {self.library_path}",
            "dockings per target": f"{start.molecules:,} in the seed sample, {rounds.dock_in_all:,} in "
            f"{rounds.count:,} rounds, {self.config.final.molecules:,} in the final docking",
        }
        rows = "".join(
            f"<tr><th>{key}</th><td>{escape(str(value))}</td></tr>" for key, value in facts.items()
        )
        return f"<p>Campaign <b>{escape(self.config.campaign.name)}</b></p><table>{rows}</table>"

    @property
    def ledger(self) -> Ledger:
        """Plans and receipts."""
        return Ledger(self.root)

    @property
    def targets(self) -> dict[str, dict[str, Any]]:
        """Frozen specification of each target, by name, in alphabetical order."""
        return dict(self.state["targets"])

    @property
    def seed(self) -> int:
        """The campaign seed."""
        return self.config.campaign.seed

    def target_records(self, target: str) -> tuple[FileRecord, ...]:
        """Return the records of the files that docking into ``target`` reads."""
        return tuple(FileRecord(**item) for item in self.state["target_files"][target])

    @property
    def teacher_settings(self) -> dict[str, Any]:
        """Settings of the tasks that train a teacher; its sources are among their inputs."""
        return {key: value for key, value in self.state["config"]["teacher"].items() if key != "sources"}

    def source_records(self) -> tuple[FileRecord, ...]:
        """Return the records of the earlier models that every teacher of the campaign may learn from."""
        return tuple(FileRecord(**item) for item in self.state.get("source_files", ()))

    def imports(self) -> list[dict[str, Any]]:
        """Return the card of every import of scores (``docksieve retrain``), in order."""
        return read_imports(self.root)

    def imported_scores(self, before: int) -> list[FileRecord]:
        """Return the scores tables of imports that round ``before`` learns from."""
        return [FileRecord(**card["scores"]) for card in self.imports() if teaches(card, before)]

    def audited_scores(self, before: int) -> list[FileRecord]:
        """Return the scores tables of audits that were finished before round ``before`` was trained."""
        return audited_scores(self.root, before)

    @property
    def library_path(self) -> Path:
        """Where the library lies."""
        return self.root / self.state["library"]["path"]

    def stages(self) -> list[str]:
        """Return the stages planned so far that the campaign still has, in the order in which they run.

        Those of audits are none of them. After ``[rounds] count`` or ``[final] molecules`` was lowered, earlier
        plans are still there.
        """
        count, final = self.config.rounds.count, self.config.final.molecules
        known = []
        for stage in self.ledger.stages():
            group = stage.partition("/")[0]
            number = round_number(group)
            if (number is not None and number <= count) or (
                group == "final" and (final or stage == "final/hits")
            ):
                known.append(stage)
        return known

    def open_library(self) -> MoleculeSource:
        """Open the library and check that it is the one the campaign began with.

        Raises
        ------
        LibraryError
            If it is not there, or cannot be read.
        CampaignError
            If it was altered since.
        """
        if not self.library_path.exists():
            raise LibraryError(
                f"The library of the campaign {self.root} is not at {self.library_path.resolve()} any more.",
                f"If it has moved, write its new folder into [library] path of {self.state.get('config_file')} and "
                "submit that once more: nothing is done again, since the library is known by its checksums. "
                "Otherwise restore it from a copy.",
            )
        library = open_source(self.library_path)
        same_sizes = all(_has_size(library.path / item.path, item.bytes) for item in library.records())
        if library.fingerprint != self.state["library"]["fingerprint"] or not same_sizes:
            raise CampaignError(
                f"The library {library.path} was altered since the campaign {self.root} began.",
                "Restore it, or begin a new campaign (another [campaign] folder) with it as it is now.",
            )
        return library


def _has_size(path: Path, wanted: int) -> bool:
    try:
        return path.stat().st_size == wanted
    except OSError:
        return False


def has_lost_beginning(root: Path) -> bool:
    """Return whether a folder holds a campaign's plans and receipts and no ``campaign.json``."""
    return (
        not (root / "campaign.json").is_file() and (root / "receipts").is_dir() and (root / "plan").is_dir()
    )


def without_beginning(root: Path) -> CampaignError:
    """Return the error that says so."""
    return CampaignError(
        f"{root / 'campaign.json'} is missing: it says what the campaign began with.",
        "Restore it from a copy. Nothing else of the campaign needs to be touched.",
    )


def open_campaign(path: str | Path | Campaign) -> Campaign:
    """Open the campaign at ``path``: its folder, or its TOML file; one that is open is read again.

    Raises
    ------
    CampaignError
        If there is no campaign.
    """
    path = path.root if isinstance(path, Campaign) else Path(path)
    if path.suffix == ".toml":
        path = read_campaign_file(path).root
    if has_lost_beginning(path):
        raise without_beginning(path)
    if not (path / "campaign.json").is_file():
        raise CampaignError(
            f"There is no campaign at {path}.",
            "Give the campaign's folder or its TOML file; `docksieve submit campaign.toml` begins one.",
        )
    state = read_json(path / "campaign.json")
    if isinstance(state, Mapping) and state.get("format") != CAMPAIGN_FORMAT:
        raise FormatError(
            f"{path / 'campaign.json'} has format {state.get('format')!r}; "
            f"this version reads {CAMPAIGN_FORMAT}."
        )
    try:
        return Campaign(path.resolve(), _checked(state), state)
    except FormatError as error:
        raise FormatError(f"{path / 'campaign.json'}: {error.message}", error.hint) from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:  # pydantic's errors are ValueErrors
        reason = str(error).splitlines()[0]
        raise FormatError(
            f"{path / 'campaign.json'} is damaged: {type(error).__name__}: {reason}.",
            "Restore it from a copy.",
        ) from None


def _checked(state: Mapping[str, Any]) -> CampaignConfig:
    """Return the configuration in ``campaign.json`` if all is there that a campaign is asked for."""
    for spec in state["targets"].values():
        str(spec["engine"]), str(spec["unit"]), bool(spec["lower_is_better"])
    library = state["library"]
    str(state["id"]), str(library["path"]), str(library["fingerprint"]), int(library["rows"])
    float(state.get("created", 0))
    for files in [*state["target_files"].values(), state.get("source_files", ())]:
        for record in files:
            FileRecord.of_stranger(record)
    return CampaignConfig.model_validate(state["config"])
