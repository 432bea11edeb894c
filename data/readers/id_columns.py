"""Which column holds the vendor's own number of a molecule: by what columns are called, and by what is in them.

A name says what kind of thing a column holds (a number, a name, a registry of others), its words what it is a
number of (a molecule, or an assay, a parent, a target). The cells must agree: filled, no measurements, about as
many different ones as there are molecules.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|#")


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NUMBERS = _set(
    "id ids idnumber identifier identifiers code accession key regno catno cid sid sku no nr number num ref registry "
    "barcode # cat"
)
_COUNTS = _set("no nr number num count")
_NAMES = _set("name names title label molname synonym synonyms")
_MOLECULES = _set(
    "mol mols molecule molecules molregno compound cmpd cpd substance drug ligand monomer product catalog catalogue "
    "structure smiles sample item stock enamine zinc chembl mcule molport chemspace chemspider emolecules pubchem "
    "vendor supplier external reagent"
)
_OTHER_THINGS = _set(
    "parent reactant reaction set assay target protein gene chain sequence uniprot organism taxonomy article paper "
    "document doc doi pmid patent institution author journal cluster scaffold class group family category batch lot "
    "plate well vial rack row line index project experiment run pose conformer conf tautomer curve measurement atc "
    "url link page user order quote list version"
)
_MILD = _set("version")
"""Of these a number is of the molecule, too, where no better one is there."""
_NO_NUMBERS = _set(
    "acid amid amino lipid solid liquid fluid valid invalid void hybrid grid avoid rapid steroid alkaloid fluorid "
    "chlorid plasmid"
)
_FLOAT = re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d+[eE][+-]?\d+|\d+\.\d*[eE][+-]?\d+|nan|inf)", re.IGNORECASE)
_INCHI_KEY = re.compile(r"[A-Z]{14}-[A-Z]{10}-[A-Z]")
_CAS = re.compile(r"\d{2,7}-\d\d-\d")
_REGISTRY = re.compile(r"(?=[^\s]*\d)[A-Za-z][A-Za-z_.:-]*[\d][\w.:-]*|\d+[-_][\d-]+")
_LEAST, _CAS_SCORE = 0.5, 1.0


def words_of_name(name: str) -> list[str]:
    """Return the words of a column's name in lower case: ``BindingDB MonomerID`` has four."""
    return [word.lower() for word in _WORDS.findall(name)]


def says_smiles(name: str) -> bool:
    """Tell whether a column's name says that it holds SMILES, and not their number or length."""
    words = words_of_name(name)
    if not any(word.endswith(("smiles", "smi")) for word in words):
        return False
    return not any(word in _NUMBERS | _NAMES | {"length", "len", "scaffold", "fragment"} for word in words)


def name_score(name: str) -> float | None:
    """Return how much a column's name promises the vendor's number; None: nothing, or something else.

    Examples
    --------
    >>> from docksieve.data.readers.id_columns import name_score
    >>> name_score("DrugBank ID") > name_score("Name") > name_score("CAS Number") > 0
    True
    >>> name_score("heavy atoms") is None
    True
    """
    lowered = name.lower()
    words = words_of_name(name)
    if not words or "inchi" in lowered or says_smiles(name):
        return None
    known = set(words)
    if "cas" in known:
        return _CAS_SCORE
    if words[0] in _COUNTS and len(words) > 1 and not known & (_MOLECULES | {"id"}):
        return None  # num_rings, number of donors
    kind = _kind(words)
    if kind is None:
        return None
    score = kind + (
        0.5 if known & _MOLECULES or any(word.startswith(("zinc", "mol")) for word in words) else 0.0
    )
    score -= 0.5 * ("of" in known)
    others = known & _OTHER_THINGS
    return score - (1.0 if others and others <= _MILD else 2.0 if others else 0.0)


def _kind(words: list[str]) -> float | None:
    if words in (["no"], ["nr"], ["number"], ["#"], ["num"]):
        return 1.5  # a number in a list, perhaps
    if any(word in _NUMBERS or _ends_as_number(word) for word in words):
        return 3.0
    if any(word in _NAMES or word.endswith("name") for word in words):
        return 2.0
    return 2.0 if len(words) == 1 and words[0] in _MOLECULES - {"smiles"} else None


def _ends_as_number(word: str) -> bool:
    return word not in _NO_NUMBERS and len(word) > 3 and word.endswith(("id", "idnumber", "code"))


def choose_id_column(
    names: Sequence[str], table: Sequence[Sequence[str]], smiles: int, structures: Sequence[bool]
) -> int | None:
    """Return the number of the column that holds ids, if its name says so and its cells do not deny it.

    Parameters
    ----------
    names : sequence of str
    table : rows of cells
        A sample.
    smiles : int
        The column of the molecules themselves.
    structures : sequence of bool
        By column, whether it holds structures, too: such a column has no ids, whatever it is called.
    """
    molecules = [row[smiles].strip() if smiles < len(row) else "" for row in table]
    best: tuple[float, int] | None = None
    for index, name in enumerate(names):
        promise = name_score(name)
        if index == smiles or promise is None or (index < len(structures) and structures[index]):
            continue
        cells = [row[index].strip() if index < len(row) else "" for row in table]
        found = _content_score(cells, molecules, promise)
        if found is not None and found >= _LEAST and (best is None or found > best[0]):
            best = (found, index)
    return None if best is None else best[1]


def _content_score(cells: Sequence[str], molecules: Sequence[str], promise: float) -> float | None:
    """Return the promise of a column's name in the light of its cells; None if they deny it."""
    pairs = [(cell, mol) for cell, mol in zip(cells, molecules, strict=True) if cell]
    if not pairs:
        return promise if not cells else None
    filled = [cell for cell, _ in pairs]
    if len(filled) < 0.5 * len(cells) or _share(_FLOAT, filled) > 0.1 or _share(_INCHI_KEY, filled) > 0.5:
        return None
    different, of_molecules = len(set(filled)), len({mol for _, mol in pairs})
    if different < 0.5 * of_molecules:
        return None  # a class of molecules, or what they were measured against
    score = min(promise, _CAS_SCORE) if _share(_CAS, filled) > 0.5 else promise
    if _share(_REGISTRY, filled) > 0.8 and score > _CAS_SCORE:
        score += 0.75
    if different > 1.2 * of_molecules:
        score -= 0.5  # more numbers than molecules: of measurements
    return score - (0.5 if len(filled) < 0.9 * len(cells) else 0.0)


def _share(pattern: re.Pattern[str], cells: Sequence[str]) -> float:
    return sum(pattern.fullmatch(cell) is not None for cell in cells) / len(cells)


def choose_property(records: Sequence[tuple[str, str, dict[str, str]]]) -> str:
    """Return the property of an SD file that holds ids where its title lines do not; empty: they do, or nothing does.

    Parameters
    ----------
    records : sequence of (str, str, dict)
        Of each record of a sample the title line, the structure, and its properties.
    """
    if not records:
        return ""
    titles = [title.strip() for title, _, _ in records]
    filled = [title for title in titles if title]
    different = len({structure for _, structure, _ in records})
    if len(filled) >= 0.9 * len(titles) and 2 * len(set(filled)) > different:
        return ""
    names = list(dict.fromkeys(name for _, _, properties in records for name in properties))
    table = [[properties.get(name, "") for name in names] + [block] for _, block, properties in records]
    found = choose_id_column(names, table, len(names), [False] * len(names))
    return "" if found is None else names[found]
