"""Model bundles: a folder with the weights (safetensors) and a card (JSON). Never a pickle.

``docs/models.md`` says what each key of the card means. Whatever is unknown, missing or altered is refused.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from ...data.errors import FormatError, ModelError
from ...data.store import TEMPORARY_PREFIX, read_json, sha256_bytes, sha256_json, write_bytes, write_json
from ...data.version import __version__
from ..network.network import Weights
from ..settings import StudentSettings, TeacherSettings
from ..students.student import Student
from .settings_json import settings_from_json, settings_to_json

if TYPE_CHECKING:
    from ..teachers.teacher import Teacher

BUNDLE_FORMAT = "docksieve-model"
BUNDLE_VERSION = 5
"""The newest; it and all before it are read. 2: weights of members per target, trees, the student's gate.
3: the kernel's linear component and length. 4: sources. 5: the teacher's focus, and ``sources`` in the card of every
teacher. A student is still written as version 3, and so has the id that it always had."""
SOURCES_SINCE = 4
STUDENT_VERSION = 3
WEIGHTS_NAME = "weights.safetensors"
CARD_NAME = "card.json"
STUDENT_TENSORS = ("embedding", "bias", "hidden", "hidden_bias", "head", "head_bias", "floor")
TEACHER_MOMENTS = ("centre", "scale", "noise", "inflation")

_CARD_KEYS = frozenset(
    {
        "format", "version", "id", "kind", "settings", "targets", "members", "data_sha256", "seed", "parent",
        "report", "notes", "code_version", "tensors", "weights_sha256", "card_sha256",
    }
)  # fmt: skip
_SOURCE_KEYS = frozenset(
    {"id", "weights_sha256", "settings", "targets", "members", "data_sha256", "seed", "sources"}
)
_GIVEN_KEYS = frozenset({"units", "parent", "notes"})


def _tensors_of(model: Teacher | Student) -> dict[str, NDArray[Any]]:
    if isinstance(model, Student):
        tensors = {name: getattr(model.weights, name) for name in STUDENT_TENSORS}
    else:
        tensors = _tensors_of_teacher(model)
    return {name: np.ascontiguousarray(value) for name, value in tensors.items()}


def _tensors_of_teacher(model: Teacher) -> dict[str, NDArray[Any]]:
    """Return its own arrays, those of its members, and those of its sources, which may have sources too."""
    tensors = {name: getattr(model, name) for name in TEACHER_MOMENTS}
    for index, member in enumerate(model.members):
        tensors |= {f"member.{index}.{name}": value for name, value in member.model.tensors().items()}
    for index, source in enumerate(model.sources):
        tensors |= {f"source.{index}.{name}": value for name, value in _tensors_of_teacher(source).items()}
    return tensors


def _members_of(model: Teacher | Student) -> list[dict[str, Any]]:
    if isinstance(model, Student):
        return []
    return [
        {"name": member.name, "weight": member.weight.tolist(), "hyper": dict(member.model.hyper)}
        for member in model.members
    ]


def _sources_of(model: Teacher | Student) -> list[dict[str, Any]]:
    if isinstance(model, Student):
        return []
    return [
        {
            "id": source.origin.get("id", ""),
            "weights_sha256": source.origin.get("weights_sha256", ""),
            "settings": settings_to_json(source.settings),
            "targets": _targets_of(source, {}),
            "members": _members_of(source),
            "data_sha256": source.data_sha256,
            "seed": source.seed,
            "sources": _sources_of(source),
        }
        for source in model.sources
    ]


def _targets_of(model: Teacher | Student, units: Mapping[str, str]) -> list[dict[str, Any]]:
    unknown = set(units) - set(model.targets)
    if unknown:
        raise ModelError(f"Units are given for {sorted(unknown)}, which the model does not predict.")
    return [
        {"name": name, "unit": units.get(name, ""), "lower_is_better": bool(lower)}
        for name, lower in zip(model.targets, model.lower_is_better, strict=True)
    ]


def save_bundle(
    model: Teacher | Student, folder: str | os.PathLike[str], card: Mapping[str, Any] | None = None
) -> str:
    """Write ``model`` as the folder ``folder``, whole or not at all, and return its model id.

    Parameters
    ----------
    model : Teacher or Student
    folder : path
        A bundle that is there already stays if it is the same model, and is replaced if not.
    card : mapping, optional
        ``units`` (target to unit), ``parent`` (model id this one comes from), ``notes`` (any JSON values).

    Returns
    -------
    str
        The hash of what decides the model's predictions and of where it comes from.

    Raises
    ------
    ModelError
        If ``card`` has an unknown key or names an unknown target.

    Examples
    --------
    >>> student = docksieve.load_bundle("campaign/models/round-02/student")
    >>> model_id = docksieve.save_bundle(student, "mine", {"notes": {"why": "an example"}})
    >>> len(model_id)
    32
    >>> docksieve.load_bundle("mine").targets
    ('EGFR', 'JAK2')
    """
    given = dict(card or {})
    if set(given) - _GIVEN_KEYS:
        raise ModelError(
            f"The card has unknown keys {sorted(set(given) - _GIVEN_KEYS)}; known: {sorted(_GIVEN_KEYS)}."
        )
    tensors = _tensors_of(model)
    weights = safetensors.numpy.save(tensors)
    student = isinstance(model, Student)
    content: dict[str, Any] = {
        "format": BUNDLE_FORMAT,
        "version": STUDENT_VERSION if student else BUNDLE_VERSION,
        "kind": model.kind,
        "settings": settings_to_json(model.settings),
        "targets": _targets_of(model, given.get("units", {})),
        "members": _members_of(model),
        "data_sha256": model.data_sha256,
        "seed": model.seed,
        "parent": given.get("parent") or "",
        "tensors": {name: [str(value.dtype), list(value.shape)] for name, value in tensors.items()},
        "weights_sha256": sha256_bytes(weights),
        **({} if student else {"sources": _sources_of(model)}),
    }
    content["id"] = sha256_json(content)[:32]
    content |= {"report": model.report, "notes": given.get("notes", {}), "code_version": __version__}
    content["card_sha256"] = sha256_json(content)
    _write_folder(Path(folder), weights, content)
    return str(content["id"])


def _write_folder(folder: Path, weights: bytes, content: dict[str, Any]) -> None:
    temporary = folder.parent / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:12]}-{folder.name}"
    try:
        write_bytes(temporary / WEIGHTS_NAME, weights)
        write_json(temporary / CARD_NAME, content)
        if folder.exists():
            with contextlib.suppress(FormatError):
                if _read(folder)[0]["id"] == content["id"]:
                    return
            old = folder.parent / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:12]}-{folder.name}"
            folder.rename(old)
            temporary.rename(folder)
            shutil.rmtree(old)
        else:
            temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read_card(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the card of the bundle in ``folder``, checked but for the weights.

    Raises
    ------
    FormatError
        If it is missing, of an unknown format, version or kind, has unknown keys, or was altered.
    """
    path = Path(folder) / CARD_NAME
    card = read_json(path)
    if not isinstance(card, dict) or card.get("format") != BUNDLE_FORMAT:
        raise FormatError(f"{path} is not the card of a docksieve model.")
    if card.get("version") not in range(1, BUNDLE_VERSION + 1):
        raise FormatError(
            f"{path} has version {card.get('version')!r}; this docksieve reads 1 to {BUNDLE_VERSION}.",
            "Use the version of docksieve that wrote it, or a newer one.",
        )
    expected = _CARD_KEYS | {"sources"} if card["version"] >= SOURCES_SINCE else _CARD_KEYS
    if set(card) != expected:
        odd = sorted(set(card) ^ expected)
        raise FormatError(
            f"{path} lacks or adds the keys {odd}.", "It was altered, or made by another version."
        )
    if card["kind"] not in ("teacher", "student"):
        raise FormatError(f"{path} is of the unknown kind {card['kind']!r}.")
    rest = {key: value for key, value in card.items() if key != "card_sha256"}
    if sha256_json(rest) != card["card_sha256"]:
        raise FormatError(f"{path} was altered after it was written.", "Restore the bundle, or train again.")
    return card


def _read(folder: Path) -> tuple[dict[str, Any], bytes]:
    card = read_card(folder)
    path = folder / WEIGHTS_NAME
    try:
        weights = path.read_bytes()
    except FileNotFoundError:
        raise FormatError(f"{path} is missing.", "Restore the bundle, or train again.") from None
    if sha256_bytes(weights) != card["weights_sha256"]:
        raise FormatError(
            f"{path} was altered: its checksum is not the card's.", "Restore the bundle, or train again."
        )
    return card, weights


def load_bundle(folder: str | os.PathLike[str]) -> Teacher | Student:
    """Return the model in ``folder``, predicting to the bit what it did when it was saved.

    Parameters
    ----------
    folder : path
        Written by :func:`save_bundle`, or ``CAMPAIGN/models/NAME``.

    Returns
    -------
    Teacher or Student

    Raises
    ------
    FormatError
        If anything is missing, unknown, altered or of the wrong shape.

    Examples
    --------
    >>> teacher = docksieve.load_bundle("campaign/models/round-02/teacher")
    >>> teacher.targets
    ('EGFR', 'JAK2')
    >>> teacher.predict(["O=C(c1ccccc1)NCc1ccccc1"]).mean.shape
    (1, 2)
    """
    card, raw = _read(Path(folder))
    try:
        tensors = safetensors.numpy.load(raw)
    except Exception as error:
        raise FormatError(f"{Path(folder) / WEIGHTS_NAME} is not a safetensors file: {error}.") from None
    found = {name: [str(value.dtype), list(value.shape)] for name, value in tensors.items()}
    if found != card["tensors"]:
        odd = sorted(
            name for name in found.keys() | card["tensors"] if found.get(name) != card["tensors"].get(name)
        )
        raise FormatError(f"The tensors {odd[:5]} of {folder} are not what its card says.")
    try:
        if card["kind"] == "student":
            return _student(card, tensors)
        origin = {name: card[name] for name in ("id", "weights_sha256")}
        return _teacher(card, tensors, card["version"], origin)
    except (KeyError, TypeError, ValueError, IndexError, RuntimeError) as error:
        raise FormatError(
            f"The bundle {folder} is not consistent: {error!r}.", "Train the model again."
        ) from None


def _targets(card: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    names = tuple(str(target["name"]) for target in card["targets"])
    return names, tuple(bool(target["lower_is_better"]) for target in card["targets"])


def _require_shapes(
    tensors: Mapping[str, NDArray[Any]], shapes: Mapping[str, Sequence[int]], dtype: type
) -> None:
    for name, shape in shapes.items():
        if name not in tensors:
            raise FormatError(f"The tensor {name!r} is missing.")
        found, expected = (tensors[name].dtype, tensors[name].shape), (np.dtype(dtype), tuple(shape))
        if found != expected:
            raise FormatError(
                f"The tensor {name!r} is {found[0]} {found[1]}, expected {expected[0]} {expected[1]}."
            )
        if name != "floor" and not np.isfinite(tensors[name]).all():
            raise FormatError(f"The tensor {name!r} holds values that are not finite.")


def _student(card: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> Student:
    settings = settings_from_json(StudentSettings, card["settings"], "The card's settings", card["version"])
    names, lower = _targets(card)
    width, layers = settings.width, settings.layers - 1
    outputs = len(names) * (2 if settings.spread else 1)
    shapes = {
        "embedding": (settings.buckets, width), "bias": (width,), "hidden": (layers, width, width),
        "hidden_bias": (layers, width), "head": (width, outputs), "head_bias": (outputs,), "floor": (outputs,),
    }  # fmt: skip
    _require_shapes(tensors, shapes, np.float32)
    if set(tensors) != set(shapes):
        raise FormatError(f"Unknown tensors {sorted(set(tensors) - set(shapes))}.")
    weights = Weights(**{name: tensors[name] for name in STUDENT_TENSORS})
    return Student(weights, settings, names, lower, card["report"], card["data_sha256"], card["seed"])


def _teacher(
    card: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]], version: int, origin: Mapping[str, str]
) -> Teacher:
    """Return the teacher that a card, or the entry of a source in one, describes."""
    # Imported here: a student's bundle loads where there is no rdkit.
    from ..regressors.registry import registered, regressor_class
    from ..teachers.teacher import Member, Teacher

    settings = settings_from_json(TeacherSettings, card["settings"], "The card's settings", version)
    names, lower = _targets(card)
    _require_shapes(tensors, dict.fromkeys(TEACHER_MOMENTS, (len(names),)), np.float64)
    members = []
    for index, entry in enumerate(card["members"]):
        if entry["name"] not in registered():
            raise FormatError(
                f"The teacher {entry['name']!r} is not known; known: {', '.join(registered())}."
            )
        own = _under(f"member.{index}.", tensors)
        model = regressor_class(entry["name"]).restore(own, entry["hyper"], settings)
        # In version 1 a member weighs the same for all targets.
        weight = np.asarray(entry["weight"], np.float64)
        if weight.shape != ((len(names),) if version > 1 else ()) or not (weight >= 0).all():
            raise FormatError(f"The member {entry['name']!r} has the weights {entry['weight']!r}.")
        members.append(Member(entry["name"], np.broadcast_to(weight, (len(names),)), model))
    sources = []
    for index, entry in enumerate(card.get("sources", ())):
        if set(entry) != _SOURCE_KEYS:
            raise FormatError(f"A source lacks or adds the keys {sorted(set(entry) ^ _SOURCE_KEYS)}.")
        was = {name: str(entry[name]) for name in ("id", "weights_sha256") if entry[name]}
        sources.append(_teacher(entry, _under(f"source.{index}.", tensors), version, was))
    moments = {name: tensors[name] for name in TEACHER_MOMENTS}
    return Teacher(
        members, names, lower, settings, moments, card.get("report", {}), card["data_sha256"], card["seed"],
        sources=sources, origin=origin,
    )  # fmt: skip


def _under(prefix: str, tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def tensors_in(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Return the arrays of a weights file by name, unchecked."""
    return dict(safetensors.numpy.load_file(path))
