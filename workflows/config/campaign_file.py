"""The campaign file: what may stand in it, and errors that name the line at fault."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ...data.errors import ConfigError, did_you_mean
from ...data.seeds import derive_seed
from ...models.factors.settings import FactorSettings
from ...models.settings import BEFORE, SIZES, StudentSettings
from ...screening.docking.dock import TargetSettings
from .mistakes import explain, placed
from .plain_mistakes import plain_mistakes
from .sections import (
    CampaignSection,
    CutSection,
    DecideSection,
    FinalSection,
    LibrarySection,
    RoundsSection,
    RunSection,
    Section,
    StartSection,
    TeacherSection,
)

Target = Annotated[TargetSettings, Field(discriminator="engine")]
T = TypeVar("T")
TARGET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def default_seed(name: str, targets: Iterable[str]) -> int:
    """Return the seed of a campaign whose file gives none: it follows from the names of campaign and targets.

    Two campaigns over one library that drew the same seed sample would have the same molecules docked, and what the
    first one's teacher learned from would be all that the second is judged by (``[teacher] sources``).
    """
    return derive_seed("campaign", name, *sorted(targets), bits=31)


class CampaignConfig(Section):
    """A whole campaign file."""

    campaign: CampaignSection
    library: LibrarySection
    targets: dict[str, Target] = Field(min_length=1)
    start: StartSection = StartSection()
    rounds: RoundsSection = RoundsSection()
    cut: CutSection = CutSection()
    final: FinalSection = FinalSection()
    teacher: TeacherSection = TeacherSection()
    student: StudentSettings = StudentSettings()
    factors: FactorSettings = FactorSettings()
    run: RunSection = RunSection()
    decide: DecideSection | None = None

    @model_validator(mode="before")
    @classmethod
    def _seeded(cls, value: Any) -> Any:
        """Derive the seed that the file does not give."""
        if not isinstance(value, dict):
            return value
        section, targets = value.get("campaign"), value.get("targets")
        if not isinstance(section, dict) or "seed" in section or not isinstance(targets, dict):
            return value
        seed = default_seed(str(section.get("name")), map(str, targets))
        return {**value, "campaign": {**section, "seed": seed}}

    @field_validator("rounds")
    @classmethod
    def _aims(cls, value: RoundsSection, info: ValidationInfo) -> RoundsSection:
        known = info.data.get("targets", {})
        for target in value.aim.targets if value.aim is not None and known else ():
            if target not in known:
                guess = did_you_mean(target, list(known), 0.5)
                raise ValueError(
                    f"aim names {target!r}, which is no target of this file. {guess}".rstrip(" .")
                )
        return value

    @field_validator("cut")
    @classmethod
    def _one_end(cls, value: CutSection, info: ValidationInfo) -> CutSection:
        rounds = info.data.get("rounds")
        if value.sweep and rounds is not None and rounds.aim is not None:
            raise ValueError(
                "sweep docks the best of each target, and [rounds] aim joins targets: choose one"
            )
        return value

    @field_validator("decide")
    @classmethod
    def _of_targets(cls, value: DecideSection | None, info: ValidationInfo) -> DecideSection | None:
        known = info.data.get("targets", {})
        for name in ("threshold", "improve"):
            given = getattr(value, name, None)
            strange = [target for target in given if target not in known] if isinstance(given, dict) else []
            if strange and known:
                raise ValueError(f"{name} names {strange[0]!r}, which is no target of this file")
        return value

    @field_validator("student", mode="before")
    @classmethod
    def _sized(cls, value: Any) -> Any:
        """Read ``size`` as the settings it stands for; keys given beside it win."""
        if not isinstance(value, dict) or "size" not in value:
            return value
        size = value["size"]
        if size not in SIZES:
            raise ValueError(f"size {size!r} is not one of {', '.join(SIZES)}")
        named = vars(StudentSettings.named(size))
        return {**named, **{key: item for key, item in value.items() if key != "size"}}

    @field_validator("targets")
    @classmethod
    def _names(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if not TARGET_NAME.fullmatch(name):
                raise ValueError(f"the target name {name!r} may hold letters, digits, '.', '_' and '-' only")
        return value


def settings_from(kind: type[T], values: Mapping[str, Any]) -> T:
    """Return settings (a frozen dataclass) from the JSON values that a campaign recorded, nested ones included.

    A field that the campaign's version did not know is absent. It gets what that version did (its ``BEFORE``), so
    that a campaign goes on as it began, or its default.
    """
    before = {
        item.name: item.metadata[BEFORE]
        for item in fields(kind)  # type: ignore[arg-type]
        if BEFORE in item.metadata and item.name not in values
    }
    return TypeAdapter(kind).validate_python({**before, **values})


def new_settings(kind: type[T], values: Mapping[str, Any]) -> T:
    """Return settings (a frozen dataclass) from what somebody writes today; what is not said has its default.

    Raises
    ------
    ValueError
        If a key is not known or a value impossible (pydantic's, with a list of mistakes).
    """
    return TypeAdapter(kind).validate_python(dict(values))


@dataclass(frozen=True)
class CampaignFile:
    """A campaign file that was read: commands read it once and hand this on.

    Attributes
    ----------
    path : Path
        Relative names in the file are beside it.
    config : CampaignConfig
    """

    path: Path
    config: CampaignConfig

    @property
    def root(self) -> Path:
        """The campaign's folder."""
        return (self.path.parent / (self.config.campaign.folder or self.config.campaign.name)).resolve()

    def place(self, *keys: str) -> str:
        """Return the name of the file with the line in it where a key stands, such as ``("library", "path")``."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):  # gone since it was read
            text = ""
        return placed(text, str(self.path), keys)

    @property
    def library(self) -> Path:
        """Where the library is said to be."""
        return self.path.parent / self.config.library.path


def read_campaign_file(path: str | Path | CampaignFile) -> CampaignFile:
    """Return the campaign file at ``path``, or what was read already.

    Raises
    ------
    ConfigError
        As :func:`read_config`.
    """
    return path if isinstance(path, CampaignFile) else CampaignFile(Path(path), read_config(path))


def read_config(path: str | Path) -> CampaignConfig:
    """Return the campaign that the TOML file at ``path`` describes.

    Raises
    ------
    ConfigError
        If the file is missing, is not TOML, or has an unknown key or a wrong value; the message names the
        line where it can be found.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError):
        hint = "Write one with `docksieve init`."
        raise ConfigError(f"The campaign file {path} does not exist.", hint) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text: {error}.") from None
    return parse_config(text, str(path))


def parse_config(text: str, where: str) -> CampaignConfig:
    """Return the campaign that ``text`` describes; ``where`` names it in errors.

    Raises
    ------
    ConfigError
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where} is not valid TOML: {error}.") from None
    plain = [f"{placed(text, where, at)}: {said}" for at, said in plain_mistakes(values, CampaignConfig)]
    if plain:
        raise ConfigError(" ".join(plain))
    try:
        return CampaignConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError(explain(error, values, text, where, CampaignConfig)) from None
