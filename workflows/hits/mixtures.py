"""Hits that are mixtures of isomers, or one isomer of several that is not known: told from the library's column."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from ...data.errors import DocksieveError
from ...data.libraries.library import Library
from ...data.words import agree, plural
from ..campaign.campaign import Campaign

COLUMN = "stereo_groups"


def with_stereo_groups(campaign: Campaign, table: pa.Table) -> tuple[pa.Table, list[str]]:
    """Return hits with the column ``stereo_groups``, if one of them has any, and what to say of it.

    Parameters
    ----------
    campaign : Campaign
        Whose library knows; one that cannot be opened says nothing, as hits need no library.
    table : pyarrow.Table
        With ``row``.

    Returns
    -------
    table : pyarrow.Table
        The same without the column where no hit has stereo groups.
    notes : list of str
    """
    rows = np.array(table["row"].to_pylist(), np.int64)
    groups = _groups_of(campaign, rows)
    count = sum(text is not None for text in groups)
    if not count:
        return table, []
    of_them = plural(count, "hit is a mixture", "hits are mixtures")
    note = (
        f"{of_them} of isomers, or one of several that is not known (column {COLUMN}): "
        f"{agree(count, 'its docked score is', 'their docked scores are')} that of the best isomer."
    )
    return table.append_column(COLUMN, pa.array(groups, pa.string())), [note]


def _groups_of(campaign: Campaign, rows: np.ndarray) -> Sequence[str | None]:
    try:
        library = campaign.open_library() if len(rows) else None
        if not isinstance(library, Library) or not library.manifest["counts"].get(COLUMN):
            return []
        return list(library.take(rows, [COLUMN])[COLUMN].to_pylist())
    except (DocksieveError, OSError):
        return []
