"""Why a record is not in a library: codes, and what each means in a sentence."""

from __future__ import annotations

STEPS = {
    "clear_atom_maps": "forgetting atom-map numbers",
    "disconnect_metals": "breaking the bonds of a metal",
    "normalise": "normalising charge-separated groups",
    "strip_salts": "removing counter-ions and solvents",
    "largest_fragment": "choosing the largest fragment",
    "neutralise": "neutralising",
    "clear_isotopes": "forgetting isotopes",
    "drop_stereo": "forgetting stereochemistry",
    "canonical_tautomer": "choosing the canonical tautomer",
}
"""Steps of standardisation, as they are taken, and what each does."""

WRITING = "writing"
"""What failed if the standard form itself cannot be read again."""

_MEANINGS = {
    "missing": "There is no structure where one is expected.",
    "characters": "The text has a character that no SMILES has.",
    "too_long": "The text has more characters than max_characters.",
    "syntax": "RDKit cannot read it: the text breaks the grammar of its format.",
    "valence": "An atom has more bonds than it can have.",
    "kekulise": "Its aromatic rings cannot be written with alternating bonds.",
    "sanitise": "RDKit reads it, but makes no molecule of it.",
    "empty": "It has no atoms.",
    "wildcard": "It has an undefined atom (*) or bond (~), as R-groups, polymers and Markush structures do.",
    "too_small": "It has fewer heavy atoms than min_heavy_atoms.",
    "too_large": "It has more heavy atoms than max_heavy_atoms.",
    "bare_ion": "Nothing but ions or metal atoms that stand alone is in it.",
    "metal": "Its metal is part of the molecule: without it, another substance would be left.",
    "radical": "It has an unpaired electron.",
    "condition": "It does not meet a condition that the library was built with.",
    "no_product": "The reaction gives no product of these building blocks.",
    "several_products": "The reaction gives several products of these building blocks.",
    "refused": "RDKit refuses to run the reaction on these building blocks.",
    "standardise": "A step of standardisation failed.",
    f"failed_{WRITING}": "RDKit cannot read the standard form that it has written itself.",
    **{f"failed_{step}": f"It was lost in {words}." for step, words in STEPS.items()},
}


def rejection_meaning(code: str) -> str:
    """Return what a code of a rejected record means, in a sentence; empty for a code of another version.

    Examples
    --------
    >>> from docksieve.data.molecules.rejections import rejection_meaning
    >>> rejection_meaning("radical")
    'It has an unpaired electron.'
    """
    return _MEANINGS.get(code, "")


def rejection_codes() -> tuple[str, ...]:
    """Return all codes that this version knows."""
    return tuple(_MEANINGS)
