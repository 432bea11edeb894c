"""What a model is: the card of a bundle, checked against its weights, in plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..campaign.sources import LEARNED, learned_smiles


def show_model(model: str | Path) -> dict[str, Any]:
    """Return what the bundle of a model says of it, after checking that nothing in it was altered.

    Parameters
    ----------
    model : path
        Bundle of a teacher or a student, of a campaign or of :func:`train_model`.

    Returns
    -------
    dict
        The card (``kind``, ``targets`` with unit and direction, ``settings``, ``report``, ``parent`` and so on), and
        ``bytes`` on disk, ``trained_on`` (molecules, None where not known) and ``learned`` (whether it is known which).

    Raises
    ------
    FormatError
        If it is no bundle, is damaged, or is of a version that is not known.

    Examples
    --------
    >>> found = docksieve.show_model("campaign/models/round-02/student")
    >>> found["kind"], [target["name"] for target in found["targets"]]
    ('student', ['EGFR', 'JAK2'])
    """
    from ...models.bundles.bundle import load_bundle, read_card

    folder = Path(model)
    load_bundle(folder)
    card = read_card(folder)
    report = card["report"]
    learned = learned_smiles(folder) if card["kind"] == "teacher" else None
    trained_on = report.get("data", {}).get("molecules", report.get("labels"))
    files = [
        path for path in folder.iterdir() if path.suffix in (".json", ".safetensors") or path.name == LEARNED
    ]
    return {
        **card,
        "bytes": sum(path.stat().st_size for path in files),
        "trained_on": trained_on,
        "learned": learned is not None,
    }
