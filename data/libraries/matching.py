"""Which row of a library a molecule is: by its standard SMILES, whatever version of RDKit wrote them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..molecules.parse import rdkit_messages
from ..molecules.spelling import PATTERN, rdkit_version, spelled_now, without_slashes

Batches = Callable[[list[str]], Iterable[pa.RecordBatch]]


def find_rows(
    standard_smiles: Sequence[str], batches: Batches, has_groups: bool, written_by: str | None
) -> NDArray[np.int64]:
    """Return the row of each molecule, -1 where there is none.

    Of molecules with one SMILES, the one without stereo groups; a CXSMILES (``C[C@H](O)CF |&1:1|``) finds the one
    with these groups; a SMILES whose isomer is not there alone finds the mixture.

    Parameters
    ----------
    standard_smiles : sequence of str, length n
        In the spelling of the RDKit that is installed.
    batches : callable
        Streams named columns of the library.
    has_groups : bool
        Whether the library has molecules with stereo groups.
    written_by : str or None
        The version of RDKit that wrote the library, if it is known. If it is the one that is installed, a text that
        is not found is not there; else there is a second look.

    Returns
    -------
    array of int64, shape (n,)
    """
    wanted = list(dict.fromkeys(standard_smiles))
    found = _by_text(wanted, batches, has_groups)
    missed = [text for text in wanted if text not in found and without_slashes(text) != text]
    if missed and written_by != rdkit_version():
        found |= _by_spelling(missed, batches, has_groups)
    return np.array([found.get(text, -1) for text in standard_smiles], dtype=np.int64)


def _by_text(wanted: Sequence[str], batches: Batches, has_groups: bool) -> dict[str, int]:
    keys = pa.array(sorted({_smiles(text) for text in wanted}), pa.string())
    if not len(keys):
        return {}
    exact: dict[str, int] = {}
    loose: dict[str, int] = {}
    for hit in _hits(batches, has_groups, lambda column: pc.is_in(column, value_set=keys)):
        exact.setdefault(_text(hit), hit["row"])
        loose.setdefault(hit["smiles"], hit["row"])
        if not has_groups and len(exact) == len(keys):
            break
    return _chosen(wanted, exact, loose)


def _by_spelling(missed: Sequence[str], batches: Batches, has_groups: bool) -> dict[str, int]:
    """Find molecules that another version of RDKit wrote: the second look at the library, by text without slashes."""
    bare = pa.array(sorted({without_slashes(_smiles(text)) for text in missed}), pa.string())

    def alike(column: pa.Array) -> pa.Array:
        return pc.is_in(pc.replace_substring_regex(column, PATTERN, ""), value_set=bare)

    exact: dict[str, int] = {}
    loose: dict[str, int] = {}
    with rdkit_messages():
        for hit in _hits(batches, has_groups, alike):
            if now := spelled_now(hit["smiles"]):
                exact.setdefault(_text({**hit, "smiles": now}), hit["row"])
                loose.setdefault(now, hit["row"])
        # What is asked for is spelled anew too: it may come from a file of another version.
        spelled = {text: _text({"smiles": spelled_now(_smiles(text)), **_groups(text)}) for text in missed}
    rows = _chosen(list(spelled.values()), exact, loose)
    return {text: rows[now] for text, now in spelled.items() if now in rows}


def _hits(
    batches: Batches, has_groups: bool, keep: Callable[[pa.Array], pa.Array]
) -> Iterator[dict[str, Any]]:
    for batch in batches(["row", "smiles", *(["stereo_groups"] if has_groups else [])]):
        yield from batch.filter(keep(batch.column("smiles"))).to_pylist()


def _chosen(wanted: Iterable[str], exact: dict[str, int], loose: dict[str, int]) -> dict[str, int]:
    rows = {text: exact[text] for text in wanted if text in exact}
    return rows | {text: loose[text] for text in wanted if text not in exact and text in loose}


def _smiles(text: str) -> str:
    return text.partition(" ")[0]


def _groups(text: str) -> dict[str, str]:
    return {"stereo_groups": text.partition(" ")[2]}


def _text(hit: dict[str, Any]) -> str:
    groups = hit.get("stereo_groups")
    return f"{hit['smiles']} {groups}" if groups else str(hit["smiles"])
