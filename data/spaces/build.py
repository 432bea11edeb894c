"""Building a space: blocks are checked against their place in a reaction and capped; nothing else is made."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from rdkit import Chem

from ..enumeration.product_space import Reaction
from ..errors import InputError, LibraryError
from ..libraries.pool import BuildWorkers, available_cores
from ..libraries.progress import Reporter
from ..molecules.properties import PROPERTY_NAMES
from ..molecules.standardise import StandardSettings
from ..schema import PROPERTY_COLUMNS
from ..seeds import derive_seed
from ..store import read_table, record_file, sha256_json, write_json, write_table
from ..version import __version__
from .formats import Part, named_parts, smarts_part, synthon_parts
from .products import cap_blocks, make_products, misfit
from .space import MANIFEST, SPACE_FORMAT, SPACE_VERSION, Space, products_of

CHUNK = 4_000
"""Blocks that one job caps."""
SMALL_BYTES = 1 << 20
"""Files of so many bytes in all are read, and their blocks capped, in one process."""
PARTNERS = 12
"""Smallest blocks of each role among which the fixed partners are sought."""
TRIED = 300
"""Random products of a reaction that are made to see which properties are sums over building blocks."""
REJECTS = "rejects.parquet"
REJECT_SCHEMA = pa.schema(
    [
        ("reaction", pa.string()),
        ("role", pa.string()),
        ("id", pa.string()),
        ("smiles", pa.string()),
        ("code", pa.string()),
        ("reason", pa.string()),
    ]
)


def build_space(
    out: str | os.PathLike[str],
    reactions: Sequence[str] = (),
    reagent_files: Mapping[str, Sequence[str | os.PathLike[str]]] | None = None,
    reactions_file: str | os.PathLike[str] | None = None,
    smarts: Mapping[str, tuple[str, Sequence[str | os.PathLike[str]]]] | None = None,
    synthons: Sequence[str | os.PathLike[str]] = (),
    standard: StandardSettings | None = None,
    workers: int | None = None,
    progress: bool = False,
) -> Space:
    """Build a combinatorial space: reactions over building blocks, whose products are never written down.

    Parameters
    ----------
    out : path
        A folder that does not exist yet.
    reactions : sequence of str
        Names, of ``reactions_file`` or of Docksieve's own; all of them by default, unless ``smarts`` or ``synthons``
        are given.
    reagent_files : mapping, optional
        Files of building blocks by role; for Docksieve's own reactions its sample blocks otherwise.
    reactions_file : path, optional
        TOML with ``[[reaction]]`` tables (name, title, smarts, roles).
    smarts : mapping, optional
        By name: a reaction SMARTS and one file for each of its components.
    synthons : sequence of path
        Tables of synthons with numbered attachment points.
    standard : StandardSettings, optional
        The standard form of products.
    workers : int, optional
        Processes that cap blocks; all cores by default.
    progress : bool
        Show on standard error how far it is.

    Returns
    -------
    Space
        ``rejects.parquet`` beside it tells for every block that was left out why.

    Raises
    ------
    InputError
        If a file cannot be read, a reaction is wrong, or no product is possible.
    LibraryError
        If ``out`` is taken, or the space is too large for int64.

    Examples
    --------
    >>> space = docksieve.build_space("amides", ["amide"], workers=1)
    >>> space.reactions[0].roles
    ('acids', 'amines')
    """
    folder = Path(out)
    if folder.exists():
        raise LibraryError(f"{folder} exists already.", "Choose another folder, or remove it.")
    standard = standard or StandardSettings()
    scratch = folder.parent / f".tmp-{folder.name}"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    given = _Given(reactions, reagent_files or {}, reactions_file, smarts or {}, synthons)
    try:
        count = 1 if given.small() else workers or available_cores()
        with BuildWorkers(count, scratch) as pool, Reporter(progress) as reporter:
            with reporter.stage("reading building blocks", 0):
                parts = given.parts(pool)
            _write_space(scratch, parts, standard, pool, reporter)
        scratch.replace(folder)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return Space(folder)


@dataclasses.dataclass(frozen=True)
class _Given:
    """What a space is to be built of."""

    reactions: Sequence[str]
    reagent_files: Mapping[str, Sequence[str | os.PathLike[str]]]
    reactions_file: str | os.PathLike[str] | None
    smarts: Mapping[str, tuple[str, Sequence[str | os.PathLike[str]]]]
    synthons: Sequence[str | os.PathLike[str]]

    def small(self) -> bool:
        """Return whether starting further processes would take longer than it saves."""
        files = [*self.synthons, *(file for _, own in self.smarts.values() for file in own)]
        files += [file for own in self.reagent_files.values() for file in own]
        return sum(Path(file).stat().st_size for file in files if Path(file).is_file()) <= SMALL_BYTES

    def parts(self, pool: BuildWorkers) -> list[Part]:
        """Read reactions and building blocks."""
        parts: list[Part] = [
            *(smarts_part(text, files, name, pool.run) for name, (text, files) in self.smarts.items()),
            *(part for table in self.synthons for part in synthon_parts(table)),
        ]
        if self.reactions or not parts:
            own = named_parts(self.reactions, self.reagent_files, self.reactions_file, pool.run)
            parts = own + parts
        elif self.reagent_files:
            raise InputError("Building blocks by role are given, and no reaction that names the roles.")
        names = [part.reaction.name for part in parts]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise InputError(
                f"Two reactions are called {repeated[0]!r}.", "Names of reactions begin the ids."
            )
        return parts


@dataclasses.dataclass
class _Draft:
    """One reaction while its blocks are checked."""

    part: Part
    usable: list[list[tuple[str, str]]]
    partners: tuple[str, ...]
    base: dict[str, float]
    capped: list[dict[int, tuple[str, np.ndarray]]]


def _write_space(
    root: Path, parts: Sequence[Part], standard: StandardSettings, pool: BuildWorkers, reporter: Reporter
) -> None:
    rejects: list[tuple[str, ...]] = []
    offered = sum(len(role) for part in parts for role in part.blocks)
    drafts = []
    with reporter.stage("looking for small partners", offered):
        for part in parts:
            drafts.append(_drafted(part, standard, rejects))
            reporter.molecules(sum(len(role) for role in part.blocks))
    with reporter.stage(
        "checking blocks inside molecules", sum(len(role) for d in drafts for role in d.usable)
    ):
        _cap(drafts, standard, pool, rejects, reporter)
    described = [_write_reaction(root, draft, standard) for draft in drafts]
    total = sum(item["products"] for item in described)
    products_of([total])
    if not total:
        reasons = Counter(item[5] for item in rejects if item[4] != "no_partner") or Counter(
            item[5] for item in rejects
        )
        common = reasons.most_common(1)
        raise InputError(
            "No product is possible: in every reaction a role has no usable building block.",
            f"Check files and SMARTS; the most frequent reason: {common[0][0] if common else 'none'}.",
        )
    _finish(root, described, standard, rejects, total)


def _cap(
    drafts: Sequence[_Draft],
    standard: StandardSettings,
    pool: BuildWorkers,
    rejects: list[tuple[str, ...]],
    reporter: Reporter,
) -> None:
    """Find out how every usable block looks inside a product."""
    for draft in drafts:
        if draft.partners:
            continue
        reaction = draft.part.reaction  # nothing is lost silently: blocks without partners are rejects too
        for role, blocks in enumerate(draft.usable):
            why = ("no_partner", "no product could be made of the smallest building blocks of all roles")
            rejects += [
                (reaction.name, reaction.roles[role], *item, *(misfit(reaction, role, item[1]) or why))
                for item in blocks
            ]
        draft.usable = [[] for _ in draft.usable]
    done = 0
    for job, found in pool.run(cap_blocks, _jobs(drafts, standard)):
        done += len(job["smiles"])
        reporter.position(done)
        reporter.molecules(len(job["smiles"]))
        draft, start, role = drafts[job["draft"]], job["start"], job["role"]
        for at, text in enumerate(found["capped"]):
            if text:
                draft.capped[role][start + at] = (text, found["values"][at])
        for at, (code, reason) in found["problems"].items():
            name, smiles = draft.usable[role][start + at]
            reaction = draft.part.reaction
            rejects.append((reaction.name, reaction.roles[role], name, smiles, code, reason))


def _finish(
    root: Path,
    described: Sequence[dict[str, Any]],
    standard: StandardSettings,
    rejects: Sequence[tuple[str, ...]],
    total: int,
) -> None:
    write_table(root / REJECTS, _reject_table(rejects))
    identity = {"reactions": list(described), "standard": dataclasses.asdict(standard)}
    write_json(
        root / MANIFEST,
        {
            "format": SPACE_FORMAT,
            "version": SPACE_VERSION,
            **identity,
            "products": total,
            "rejects": len(rejects),
            "reasons": dict(Counter(item[4] for item in rejects)),
            "fingerprint": sha256_json(identity),
            "made_with": {"docksieve": __version__, "rdkit": Chem.rdBase.rdkitVersion},
        },
    )


def _drafted(part: Part, standard: StandardSettings, rejects: list[tuple[str, ...]]) -> _Draft:
    """Return a reaction with its blocks, and small ones that fit their places and make a product."""
    reaction = part.reaction
    for lost in part.refused:
        where = f"{lost.file}, line {lost.line}: {lost.reason}"
        rejects.append((reaction.name, "", lost.id, lost.text, lost.code, where))
    small = [
        list(
            islice(
                (text for _, text in sorted(blocks, key=_size) if not misfit(reaction, role, text)), PARTNERS
            )
        )
        for role, blocks in enumerate(part.blocks)
    ]
    partners, base = _partners(reaction, small, standard)
    return _Draft(part, [list(blocks) for blocks in part.blocks], partners, base, [{} for _ in part.blocks])


def _size(block: tuple[str, str]) -> tuple[int, str]:
    return len(block[1]), block[1]


def _partners(
    reaction: Reaction, small: Sequence[Sequence[str]], standard: StandardSettings
) -> tuple[tuple[str, ...], dict[str, float]]:
    """Return small blocks that react with each other, and the properties of what they make."""
    tried = list(islice(product(*small), PARTNERS * PARTNERS))
    made = make_products(reaction, tried, standard)
    for partners, text, values in zip(tried, made.smiles, made.values, strict=True):
        if text:
            return partners, dict(zip(PROPERTY_NAMES, (float(value) for value in values), strict=True))
    return (), {}


def _jobs(drafts: Sequence[_Draft], standard: StandardSettings) -> Iterator[dict[str, Any]]:
    for index, draft in enumerate(drafts):
        if not draft.partners:
            continue
        for role, blocks in enumerate(draft.usable):
            for start in range(0, len(blocks), CHUNK):
                yield {
                    "draft": index,
                    "role": role,
                    "start": start,
                    "reaction": dataclasses.asdict(draft.part.reaction),
                    "partners": draft.partners,
                    "smiles": [smiles for _, smiles in blocks[start : start + CHUNK]],
                    "standard": dataclasses.asdict(standard),
                }


def _write_reaction(root: Path, draft: _Draft, standard: StandardSettings) -> dict[str, Any]:
    """Write the blocks of one reaction, and return what the manifest says of it."""
    reaction, files = draft.part.reaction, []
    for role, blocks in enumerate(draft.usable):
        order = sorted(draft.capped[role])
        columns: dict[str, pa.Array] = {
            "id": pa.array([blocks[at][0] for at in order], pa.string()),
            "smiles": pa.array([blocks[at][1] for at in order], pa.string()),
            "capped": pa.array([draft.capped[role][at][0] for at in order], pa.string()),
        }
        values = np.array([draft.capped[role][at][1] for at in order]).reshape(-1, len(PROPERTY_NAMES))
        for place, (name, kind) in enumerate(PROPERTY_COLUMNS.items()):
            wide = pa.float64() if pa.types.is_floating(kind) else kind  # sums are to be exact
            columns[name] = pa.array(values[:, place]).cast(wide, safe=False)
        for name, known in (draft.part.numbers[role] if draft.part.numbers else {}).items():
            told = [known.get(blocks[at][0]) for at in order]
            columns[name if name not in columns else f"block_{name}"] = pa.array(told, pa.float64())
        path = root / "blocks" / f"{reaction.name}-{role + 1}.parquet"
        path.parent.mkdir(exist_ok=True)
        write_table(path, pa.table(columns))
        offered = len(draft.part.blocks[role]) if role < len(draft.part.blocks) else 0
        files.append({**dataclasses.asdict(record_file(path, root)), "rows": len(order), "offered": offered})
    return {
        **dataclasses.asdict(reaction),
        "files": files,
        "base": draft.base,
        "partners": list(draft.partners),
        "deviations": _deviations(draft, standard),
        "products": products_of([file["rows"] for file in files]),
    }


def _deviations(draft: _Draft, standard: StandardSettings) -> dict[str, float]:
    """Return by how much the sum over blocks missed each property of random products at most."""
    sizes = [len(role) for role in draft.capped]
    if not draft.base or not all(sizes):
        return {}
    generator = np.random.default_rng(derive_seed("space-deviations", draft.part.reaction.name, *sizes))
    orders = [sorted(role) for role in draft.capped]
    places = [[orders[r][at] for at in generator.integers(0, size, TRIED)] for r, size in enumerate(sizes)]
    texts = [[draft.usable[r][at][1] for r, at in enumerate(row)] for row in zip(*places, strict=True)]
    made = make_products(draft.part.reaction, texts, standard)
    base = np.array([draft.base[name] for name in PROPERTY_NAMES])
    sums = base + sum(
        np.array([draft.capped[r][at][1] for at in places[r]]) - base for r in range(len(sizes))
    )
    whole = np.array([bool(text) for text in made.smiles])
    if not whole.any():
        return {}
    worst = np.abs(sums - made.values)[whole].max(axis=0)
    return {name: float(np.round(value, 6)) for name, value in zip(PROPERTY_NAMES, worst, strict=True)}


def _reject_table(rejects: Sequence[tuple[str, ...]]) -> pa.Table:
    columns = list(zip(*rejects, strict=True)) if rejects else [()] * len(REJECT_SCHEMA)
    return pa.table(
        {
            field.name: pa.array(column, pa.string())
            for field, column in zip(REJECT_SCHEMA, columns, strict=True)
        }
    )


def rejects_by_reason(space: Space) -> dict[str, int]:
    """Return how many building blocks were left out for which reason, most frequent first."""
    codes = read_table(space.path / REJECTS)["code"].to_pylist()
    return dict(sorted(Counter(codes).items(), key=lambda item: (-item[1], item[0])))
