"""Random seeds that depend on what is done, never on who does it or when."""

from __future__ import annotations

import hashlib


def derive_seed(*parts: object, bits: int = 63) -> int:
    """Return the seed that belongs to ``parts``.

    Parameters
    ----------
    *parts : object
        For example ``(campaign_seed, "dock", target, smiles)``. Their ``str`` forms are hashed with their
        boundaries, so ``("ab", "c")`` and ``("a", "bc")`` differ.
    bits : int
        Width of the result: 63 for numpy and torch, 31 for programs that take a C ``int``.

    Returns
    -------
    int
        In ``[1, 2**bits - 1]``; never 0, which some programs take to mean "random".
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        text = str(part).encode()
        digest.update(len(text).to_bytes(8, "little"))
        digest.update(text)
    return int.from_bytes(digest.digest(), "little") % (2**bits - 1) + 1


def unit_interval(*parts: object) -> float:
    """Return a number in [0, 1) that belongs to ``parts`` (for splits and samples that never move)."""
    return (derive_seed(*parts, bits=53) - 1) / (2**53 - 1)
