"""The task that says which molecules of a shard a campaign may dock, before anything is drawn from the library."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...data.libraries.library import Library
from ...data.store import write_table
from ...screening.docking.ligand_settings import LigandLimits
from ...screening.queries.library_filter import LibraryFilter, library_query
from ..campaign.filters import ASKED
from .context import TaskContext, TaskOutcome
from .eligible import ANY, COUNTS, column_of
from .settings import FilterSettings


def filter_shard(context: TaskContext[FilterSettings]) -> TaskOutcome:
    """Put the conditions on the library, and what each target's docking refuses, to every molecule of one shard.

    Columns are streamed, a row group at a time; what is written is a bit per molecule and target.
    """
    settings = context.settings
    (path,) = context.inputs("@library/")
    library = Library.open(context.runtime["library"])
    shard = next(each for each in library.shards if each.path.name == path.name)
    sieve = LibraryFilter(library_query(settings.conditions, ASKED), ASKED)
    limits = {
        target: LigandLimits(**{**given, "elements": tuple(given["elements"])})
        for target, given in settings.limits.items()
    }
    distinct = list(dict.fromkeys(limits.values()))
    names = list(dict.fromkeys([*sieve.columns, *(LigandLimits.COLUMNS if distinct else ())])) or ["row"]
    left = [0] * len(sieve.words)
    refused: dict[LigandLimits, Counter[str]] = {each: Counter() for each in distinct}
    masks: dict[str, list[NDArray[np.bool_]]] = {target: [] for target in settings.targets}
    rows = 0
    with context.watch("filter"):
        for batch in library.batches(names, shard):
            kept, counts = sieve.mask(batch)
            left = [one + more for one, more in zip(left, counts, strict=True)]
            may = {}
            for each in distinct:
                mine = kept.copy()
                for code, mask in each.refused(batch).items():
                    refused[each][str(code)] += int((mask & kept).sum())
                    mine &= ~mask
                may[each] = mine
            for target in settings.targets:
                masks[target].append(may[limits[target]] if target in limits else kept)
            rows += len(batch)
    columns = {column_of(target): np.concatenate(parts) for target, parts in masks.items()}
    columns[ANY] = np.logical_or.reduce(list(columns.values()))
    totals = {name: int(mask.sum()) for name, mask in columns.items()}
    output = context.root / "filters" / f"{shard.name}.parquet"
    with context.watch("write"):
        table = pa.table({name: pa.array(mask) for name, mask in columns.items()})
        write_table(output, table.replace_schema_metadata({COUNTS: json.dumps(totals)}))
    facts: dict[str, Any] = {
        "conditions": [[words, count] for words, count in zip(sieve.words, left, strict=True)],
        "refused": {
            target: {code: count for code, count in refused[each].items() if count}
            for target, each in limits.items()
        },
        "may_dock": {target: totals[column_of(target)] for target in settings.targets},
        "any": totals[ANY],
    }
    return TaskOutcome(
        rows_in=rows,
        rows_out=totals[ANY],
        outputs=(output,),
        counts={"molecules": rows, "left_out": rows - totals[ANY]},
        facts=facts,
        device={"kind": "cpu", "threads": 1},
    )
