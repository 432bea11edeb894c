"""Training a teacher on tables of scores."""

from __future__ import annotations

import contextlib
import shutil
import tomllib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...data.environment import usable_cores
from ...data.errors import ConfigError, DocksieveError
from ...data.seeds import derive_seed
from ...data.store import TEMPORARY_PREFIX
from ...models.settings import TeacherSettings
from ..campaign.sources import CARD, source_teachers, write_learned
from ..config.campaign_file import new_settings
from .score_files import read_scored_molecules
from .watch import silent


@dataclass(frozen=True)
class TrainedModel:
    """A model that was trained on files.

    Attributes
    ----------
    folder : Path
        The bundle: what :func:`load_bundle` reads, and what ``[teacher] sources`` of a campaign may name.
    id : str
    targets : tuple of str
    report : dict
        ``lines`` (what became of each line of the tables), ``notes`` (what was assumed), and of the model ``targets``
        (cross-validated ``r2``, ``rmse``, ``spearman`` with intervals), ``calibration``, ``members``, ``sources`` and
        the rest that its card has.

    Examples
    --------
    >>> trained = docksieve.train_model("egfr.csv", "model", unit="kcal/mol", seed=1)
    >>> trained.targets, trained.report["lines"]["molecules"]
    (('egfr',), 173)
    """

    folder: Path
    id: str
    targets: tuple[str, ...]
    report: Mapping[str, Any] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"model": str(self.folder), "id": self.id, "targets": list(self.targets), **self.report}


def train_model(
    scores: str | Path | Sequence[str | Path],
    out: str | Path,
    targets: Mapping[str, str | int | None] | Sequence[str] | None = None,
    lower_is_better: bool | Mapping[str, bool] | None = None,
    unit: str | Mapping[str, str] | None = None,
    sources: Sequence[str | Path] = (),
    settings: TeacherSettings | Mapping[str, Any] | None = None,
    columns: Mapping[str, Any] | None = None,
    seed: int = 0,
    threads: int | None = None,
    replace_model: bool = False,
    watcher: Callable[[str, int, int, str], None] | None = None,
) -> TrainedModel:
    """Train a teacher on tables of molecules and scores, and write it as a bundle.

    Molecules are brought into the standard form of a library first, and repeated ones are learnt once.

    Parameters
    ----------
    scores : path or sequence of path
        CSV, TSV, text or .smi, compressed or not, Parquet or Feather.
    out : path
        Folder of the new model. It appears whole or not at all.
    targets : mapping or sequence of str, optional
        Names of what is learnt, each with its column (name, number from 1, or None: found). Not given: one target,
        named after the file.
    lower_is_better : bool or mapping, optional
        For all targets, or by name. Not said: scores that are mostly negative are taken for energies.
    unit : str or mapping, optional
        Of the scores; kept with the model.
    sources : sequence of path, optional
        Earlier teachers, of other receptors or programs: what they predict becomes a descriptor, if the scores
        support it.
    settings : TeacherSettings or mapping, optional
        A mapping has the keys of ``[teacher]`` in a campaign file.
    columns : mapping, optional
        ``smiles_column``, ``id_column``, ``delimiter``, ``header`` where they cannot be told.
    seed : int
    threads : int, optional
        All cores by default.
    replace_model : bool
        Whether a model that is there already may be replaced.
    watcher : callable, optional
        Told what is done (text), how much of it, out of how much (0: not known), and a remark.

    Returns
    -------
    TrainedModel

    Raises
    ------
    InputError
        If a table cannot be read.
    ConfigError
        If ``out`` exists already, a source is no teacher, or a setting is not known.
    ModelError
        If the scores cannot teach anything: too few, or all alike.

    Examples
    --------
    >>> first = docksieve.train_model("egfr.csv", "egfr-model", lower_is_better=True, unit="kcal/mol")
    >>> second = docksieve.train_model("jak2.csv", "jak2-model", lower_is_better=True, sources=[first.folder])
    >>> second.report["sources"][0]["model"] == first.id
    True
    >>> docksieve.load_bundle("jak2-model").predict(["O=C(NCc1ccccc1)c1ccccc1"]).mean.shape
    (1, 1)
    """
    tell = watcher or silent
    folder = Path(out)
    check_free(folder, replace_model)
    given = source_teachers([Path(source) for source in sources], "sources")
    wanted = teacher_settings(settings)
    tell("Reading scores", 0, 0, "")
    found = read_scored_molecules(paths_of(scores), targets, lower_is_better, unit, columns)
    tell("Training", 0, 0, f"{found.report.molecules:,} molecules")
    from ...models.bundles.bundle import save_bundle
    from ...models.teachers.train import train_teacher

    threads = threads or usable_cores()
    teacher = train_teacher(found.data, wanted, derive_seed(seed, "model", "train"), threads, given)
    card = {
        "units": found.units,
        "notes": {
            "files": [Path(path).name for path in paths_of(scores)],
            "lines": {key: value for key, value in found.report.to_json().items() if key != "examples"},
        },
    }
    with new_folder(folder) as temporary:
        model = save_bundle(teacher, temporary, card)
        write_learned(temporary, teacher, model)
    report = {"lines": found.report.to_json(), "notes": list(found.notes), **teacher.report}
    return TrainedModel(folder, model, teacher.targets, report)


def paths_of(given: str | Path | Sequence[str | Path]) -> list[str | Path]:
    """Return one path or several as a list."""
    return [given] if isinstance(given, str | Path) else list(given)


def teacher_settings(given: TeacherSettings | Mapping[str, Any] | None) -> TeacherSettings:
    """Return the settings of a teacher; a mapping has the keys of ``[teacher]`` in a campaign file.

    Raises
    ------
    ConfigError
        If a key is not known or a value impossible.
    """
    if given is None:
        return TeacherSettings()
    if isinstance(given, TeacherSettings):
        return given
    try:
        return new_settings(TeacherSettings, given)
    except ValueError as error:  # pydantic's too
        raise ConfigError(
            first_mistake(error, "teacher"), "The keys are those of [teacher] in a campaign file."
        ) from None


def first_mistake(error: ValueError, section: str) -> str:
    """Return what is wrong with settings, the first mistake by its key."""
    first = error.errors()[0] if hasattr(error, "errors") else {"loc": (), "msg": str(error)}
    key = ".".join((section, *map(str, first["loc"])))
    return f"{key}: {str(first['msg']).removeprefix('Value error, ')}."


def read_settings(path: Path | None, section: str, kind: str | None = None) -> dict[str, Any]:
    """Return one section of a TOML file (a campaign file will do), or the whole file where it has none of that name.

    Parameters
    ----------
    path : Path or None
        None: no file.
    section : str
    kind : str, optional
        Put into ``kind``.

    Raises
    ------
    ConfigError
        If the file is missing or is no TOML.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            read = tomllib.loads(path.read_text())
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}.") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} is not TOML: {error}.") from None
        of_campaign = {} if "campaign" in read else read
        values = dict(read[section] if isinstance(read.get(section), dict) else of_campaign)
    values.pop("sources", None)  # named by --from
    return {**values, "kind": kind} if kind else values


def check_free(folder: Path, replaced: bool) -> None:
    """Refuse to write a model where something is that must stay.

    Raises
    ------
    ConfigError
        If ``folder`` is a model and ``replaced`` is off, or is anything else that exists.
    """
    if not folder.exists() and not folder.is_symlink():
        return
    if not (folder / CARD).is_file():
        empty = folder.is_dir() and not any(folder.iterdir())
        if not empty:
            raise ConfigError(f"{folder} exists and is no model.", "Choose another --out.")
        return
    if not replaced:
        raise ConfigError(f"{folder} holds a model already.", "Choose another --out, or give --force.")


@contextlib.contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``folder`` for a new folder; on success it takes the place of what is there."""
    name = f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:12]}-{folder.name}"
    temporary = folder.absolute().parent / name
    try:
        try:
            temporary.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            old = temporary.with_name(f"{name}.old")
            if folder.exists():
                folder.rename(old)
            temporary.rename(folder)
            shutil.rmtree(old, ignore_errors=True)
        except OSError as error:
            raise DocksieveError(f"{folder} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
