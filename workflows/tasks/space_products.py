"""Tasks that choose products of a combinatorial space: seed sample, labels, shortlist, rescoring, acquisition.

A product is made when it is looked at: products of a seed sample and labels by the tasks that draw them, those of a
shortlist by the tasks that rescore them. What docking would refuse by a property, and what is the same molecule as
another product, is left out where the products are known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from ...data.errors import CampaignError
from ...data.schema import LIBRARY_SCHEMA, PROPERTY_COLUMNS
from ...data.seeds import derive_seed
from ...data.spaces.space import Space
from ...data.store import concat, read_table
from ...screening.chemistry.diversity import diverse_subset
from ...screening.docking.ligand_settings import LigandLimits
from ...screening.ranking.leaderboard import write_leaderboard
from ...screening.ranking.top_k import merge_all_histograms
from .context import TaskContext, TaskOutcome
from .eligible import column_of
from .selection import best_of_each, choose_batches, unpredicted, write_batches, write_shortlist
from .settings import AcquireSettings, LabelSettings, RankSettings, RoundSettings
from .space_settings import SpaceAcquireSettings, SpaceSampleSettings
from .surrogates import predict_and_write

MOLECULE_COLUMNS = ["row", "id", "smiles", *PROPERTY_COLUMNS]
MOST_TRIED = 100
"""Random products that are made at most for each one that is wanted, where docking refuses most of them."""


def sample_products(context: TaskContext[SpaceSampleSettings]) -> TaskOutcome:
    """Choose the products docked before there is a model: the same ones for every target that may dock them."""
    settings, space = context.settings, Space(context.runtime["library"])
    diverse = settings.method == "diverse"
    wanted = 20 * settings.molecules if diverse else settings.molecules
    outputs: list[Path] = []
    rows: list[NDArray[np.int64]] = []
    with context.watch("sample"):
        for target in settings.targets:
            limits = limits_of(settings.limits.get(target))
            molecules = drawn_products(space, wanted, settings.seed, "sample", limits)
            if diverse:
                picks = diverse_subset(molecules["smiles"].to_pylist(), settings.molecules, settings.seed)
                molecules = molecules.take(pa.array(np.sort(picks)))
            outputs += write_batches(context.root, "round-00", target, molecules, settings.batch)
            rows.append(molecules["row"].to_numpy())
    return TaskOutcome(space.rows, len(np.unique(np.concatenate(rows))), tuple(outputs))


def label_products(context: TaskContext[LabelSettings]) -> TaskOutcome:
    """Let the teacher predict one slice of a random sample of the products, for the factor model."""
    settings, space = context.settings, Space(context.runtime["library"])
    rows = space.sample_rows(settings.labels, settings.seed, "label", settings.round)
    start = settings.index * settings.batch
    with context.watch("read"):
        molecules = space.take(rows[start : start + settings.batch], ["row", "id", "smiles"])
    path = context.root / "labels" / settings.round / f"batch-{settings.index:05d}.parquet"
    return predict_and_write(context, molecules, path)


def rank_products(context: TaskContext[RankSettings]) -> TaskOutcome:
    """Keep the factor model's best products of each target, over all parts of the space, for the teacher."""
    settings, space = context.settings, Space(context.runtime["library"])
    predictions = context.inputs("predictions/")
    with context.watch("rank"):
        kept, cuts = best_of_each(settings, predictions, merge_all_histograms(context.inputs("histograms/")))
        rows = np.unique(np.concatenate(kept))
    with context.watch("write"):
        outputs = write_shortlist(context.root, settings, rows, lambda part: space.take(part, ["row", "id"]))
    return TaskOutcome(space.rows, len(rows), tuple(outputs), facts={"cuts": cuts})


def rescore_products(context: TaskContext[RoundSettings]) -> TaskOutcome:
    """Make the products of one batch of the shortlist, and let the teacher predict them."""
    (source,) = context.inputs("shortlists/")
    with context.watch("make"):
        rows = read_table(source)["row"].to_numpy()
        molecules = Space(context.runtime["library"]).take(rows, MOLECULE_COLUMNS)
    done = predict_and_write(
        context, molecules, context.root / "refined" / context.settings.round / source.name
    )
    return replace(done, counts={**done.counts, "not_made": molecules["smiles"].null_count})


def acquire_products(context: TaskContext[SpaceAcquireSettings]) -> TaskOutcome:
    """Choose what to dock next, per target, from the teacher's predictions for the products that were made."""
    settings, space = context.settings, Space(context.runtime["library"])
    shortlist = context.inputs("refined/")
    docked = concat(context.inputs("scores/"), ["row", "smiles", "target"])
    limits = {target: limits_of(settings.limits.get(target)) for target in settings.lower_is_better}
    fresh = Fresh(shortlist, docked, limits)
    outcome = choose_batches(cast(TaskContext[AcquireSettings], context), fresh, _at_random)
    facts = {
        target: {**facts, "left_out": fresh.left_out(target)} if target in settings.taught else facts
        for target, facts in outcome.facts.items()
    }
    with context.watch("leaderboard"):
        written = _leaderboards(context, space)
    return replace(outcome, outputs=(*outcome.outputs, *written), facts=facts)


def limits_of(given: Mapping[str, Any] | None) -> LigandLimits | None:
    """Return limits from JSON values."""
    return None if given is None else LigandLimits(**{**given, "elements": tuple(given["elements"])})


def refused(molecules: pa.Table, limits: LigandLimits | None) -> NDArray[np.bool_]:
    """Return which molecules docking would refuse by a property."""
    none = np.zeros(molecules.num_rows, np.bool_)
    return none if limits is None else np.logical_or.reduce([none, *limits.refused(molecules).values()])


class Fresh:
    """Which products of a shortlist may be docked.

    Parameters
    ----------
    shortlist : sequence of path
        Rescored products.
    docked : pyarrow.Table
        ``row``, ``smiles`` and ``target`` of what was docked.
    limits : mapping of str to LigandLimits or None
        Of every target that products are chosen for; None: it refuses nothing.
    """

    def __init__(
        self, shortlist: Sequence[Path], docked: pa.Table, limits: Mapping[str, LigandLimits | None]
    ) -> None:
        table = concat(shortlist, ["row", *LigandLimits.COLUMNS])
        self._known: dict[str, dict[str, NDArray[np.int64]]] = {}
        rows = table["row"].to_numpy()
        missing = rows[table["smiles"].is_null().to_numpy()]
        for target, given in limits.items():
            mine = docked.filter(pc.equal(docked["target"], target))
            repeated = np.setdiff1d(repeated_products(shortlist, mine), missing)
            beyond = rows[refused(table, given)]
            self._known[column_of(target)] = {  # one reason each, so that they add up
                "not_made": missing,
                "repeated": repeated,
                "refused": np.setdiff1d(beyond, np.union1d(missing, repeated)),
            }

    def may(self, rows: ArrayLike, column: str) -> NDArray[np.bool_]:
        """Return which rows may be docked into the target of ``column``."""
        return ~np.isin(np.asarray(rows, np.int64), np.concatenate(list(self._known[column].values())))

    def left_out(self, target: str) -> dict[str, int]:
        """Return how many products of the shortlist are left out, by reason."""
        return {reason: len(rows) for reason, rows in self._known[column_of(target)].items()}


def _at_random(
    context: TaskContext[AcquireSettings], target: str, docked: NDArray[np.int64], seed: int
) -> pa.Table:
    """Return random products whose molecules are not docked yet, for a target that no model knows."""
    settings = context.settings
    assert isinstance(settings, SpaceAcquireSettings)
    space, limits = Space(context.runtime["library"]), limits_of(settings.limits.get(target))
    drawn = drawn_products(space, settings.dock + len(docked), seed, "acquire", limits)
    # By the molecule, not the row: another product may be the same one.
    known = space.take(docked, ["smiles"])["smiles"].combine_chunks()
    fresh = drawn.filter(pc.invert(pc.is_in(drawn["smiles"], known)))
    kept = np.random.default_rng(seed).permutation(fresh.num_rows)[: settings.dock]
    return unpredicted(fresh.take(pa.array(np.sort(kept))))


def _leaderboards(context: TaskContext[SpaceAcquireSettings], space: Space) -> list[Path]:
    """Write the factor model's best products, of those that were made."""
    settings, written = context.settings, []
    products = MadeProducts(context.inputs("refined/"), space.fingerprint)
    predictions = context.inputs("predictions/")
    histograms = merge_all_histograms(context.inputs("histograms/"))
    for target in settings.taught:
        path = context.root / "leaderboards" / settings.round / f"{target}.parquet"
        lower, rows = settings.lower_is_better[target], settings.kept[target]
        write_leaderboard(path, predictions, histograms[target], products, target, lower, rows)
        written.append(path)
    return written


class MadeProducts:
    """Products of a space that were made already, in place of a library.

    Parameters
    ----------
    paths : sequence of path
        Tables with the columns of molecules.
    fingerprint : str
        Of the space.
    """

    def __init__(self, paths: Sequence[Path], fingerprint: str) -> None:
        table = concat(paths, MOLECULE_COLUMNS)
        schema = pa.schema([LIBRARY_SCHEMA.field(name) for name in MOLECULE_COLUMNS])
        self._table = table.filter(table["smiles"].is_valid()).cast(schema)
        rows = self._table["row"].to_numpy()
        self._order = np.argsort(rows)
        self._rows = rows[self._order]
        self.fingerprint = fingerprint

    def take(self, rows: Any, columns: Sequence[str] | None = None) -> pa.Table:
        """Return rows by number, in the order asked; without those that could not be made."""
        wanted = np.asarray(rows, np.int64)
        places = np.searchsorted(self._rows, wanted[np.isin(wanted, self._rows)])
        return self._table.select(list(columns or MOLECULE_COLUMNS)).take(pa.array(self._order[places]))


def repeated_products(paths: Sequence[Path], docked: pa.Table) -> NDArray[np.int64]:
    """Return the rows of shortlisted products that are no molecule, or one that stands there or is docked already.

    Several combinations of blocks may make the same molecule: the smallest row stands for it.
    """
    table = concat(paths, ["row", "smiles"])
    rows, smiles = table["row"].to_numpy(), table["smiles"].combine_chunks()
    order = np.argsort(rows, kind="stable")
    encoded = pc.dictionary_encode(smiles.take(pa.array(order)))
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    first = np.zeros(len(codes), bool)
    first[np.unique(codes, return_index=True)[1]] = True
    known = pc.is_in(encoded.dictionary, docked["smiles"].combine_chunks()).to_numpy(zero_copy_only=False)
    own = pc.is_in(pa.array(rows[order]), docked["row"].combine_chunks()).to_numpy(zero_copy_only=False)
    seen = np.append(known, True)[codes]  # the last stands for what is no molecule
    return rows[order][(~first | seen) & ~own]


def drawn_products(
    space: Space, count: int, seed: int, purpose: str, limits: LigandLimits | None = None
) -> pa.Table:
    """Return ``count`` random products that can be made and docked, each molecule once, in the order of their numbers.

    What cannot be used is replaced by others; fewer are returned where the space has no more.

    Raises
    ------
    CampaignError
        If so few of a large space's products can be used that finding enough would mean making millions of them.
    """
    asked = count + max(50, count // 5)
    most = MOST_TRIED * asked
    made: list[pa.Table] = []
    rows = np.empty(0, np.int64)
    while True:
        before, rows = rows, space.sample_rows(min(asked, space.rows), seed, purpose)
        # A larger sample holds the smaller one: only what is new is made.
        made.append(space.take(np.setdiff1d(rows, before, assume_unique=True), MOLECULE_COLUMNS))
        table = pa.concat_tables(made).sort_by("row")
        smiles = table["smiles"].combine_chunks()
        usable = smiles.is_valid().to_numpy(zero_copy_only=False) & ~refused(table, limits)
        good = np.flatnonzero(usable)
        texts = np.array(smiles.to_pylist(), dtype=object)[good].astype(str)
        distinct = good[np.sort(np.unique(texts, return_index=True)[1])]
        if len(distinct) >= count or len(rows) == space.rows:
            order = np.random.default_rng(derive_seed(seed, "drawn", purpose)).permutation(distinct)[:count]
            return table.take(pa.array(np.sort(order)))
        if len(rows) >= most:
            raise CampaignError(
                f"Of {len(rows):,} random products of {space.path}, {len(distinct):,} are different molecules that can "
                f"be made and docked; {count:,} are needed.",
                "Widen what docking takes ([targets.NAME.ligand]), or build the space of smaller building blocks.",
            )
        asked = 2 * asked
