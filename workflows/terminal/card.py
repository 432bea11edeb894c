"""One molecule's whole record at the terminal, or as a file."""

from __future__ import annotations

import json
from pathlib import Path

from rich.text import Text

from ...data.errors import InputError
from .tables import console


def print_card(campaign: Path, molecule: str, neighbours: int, as_json: bool, out: Path | None) -> None:
    """Print everything known of one molecule, and write its drawing or its page.

    Raises
    ------
    InputError
        If the molecule is not found, is ambiguous, or the file has another ending than ``.svg`` or ``.html``.
    """
    from ...data.store import write_bytes
    from ..hits.card import hit_card
    from ..hits.card_text import card_lines, card_page

    if out is not None and out.suffix not in (".svg", ".html"):
        raise InputError(f"{out} is neither a drawing nor a page.", "End it with .svg or .html.")
    card = hit_card(campaign, molecule, neighbours)
    if as_json:
        print(json.dumps(card.to_json(), indent=1))
    else:
        for line in card_lines(card):
            console().print(Text(line), soft_wrap=True)
    if out is not None:
        from ...screening.chemistry.depict import drawing

        write_bytes(out, (drawing(card.smiles) if out.suffix == ".svg" else card_page(card)).encode())
        console(stderr=True).print(Text(f"Wrote {out}."), soft_wrap=True)
