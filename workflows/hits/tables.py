"""Hits and failures for Python: the answers of ``ask``, as tables that show themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ...screening.queries.hit_table import HitTable
from ...screening.queries.score_tables import RankBy
from ..campaign.campaign import Campaign
from ..progress.receipts import CampaignReceipts
from . import ask


def hits(
    campaign: str | Path | Campaign,
    top: int | None = 100,
    target: str | None = None,
    where: str | None = None,
    by: RankBy | Literal["screened"] = "auto",
    *,
    receipts: CampaignReceipts | None = None,
) -> HitTable:
    """Return the ranked hits of a campaign, finished or still running: :func:`ask` for the simplest questions.

    Parameters
    ----------
    campaign : path or Campaign
    top : int or None
        How many per target; None for all.
    target : str, optional
        One target; all of them, one after the other, if not given.
    where : str, optional
        An SQL condition on the columns (``docs/hits.md``).
    by : str
        ``auto``, ``final``, ``docked``, ``predicted`` (by the teacher, the shortlists), ``combined``; ``screened``: by
        the student, all of the library.
    receipts : CampaignReceipts, optional
        Receipts of the same campaign, if they were read already.

    Returns
    -------
    HitTable
        Columns as in ``docs/start.md``, best first, target after target. All that a :class:`pyarrow.Table` has, and
        ``table`` is one.

    Raises
    ------
    InputError
        If the target or the condition is wrong.

    Examples
    --------
    >>> best = docksieve.hits("campaign", top=3, target="EGFR", where="heavy_atoms < 18")
    >>> best.num_rows, best["unit"].to_pylist()
    (3, ['kcal/mol', 'kcal/mol', 'kcal/mol'])
    >>> repr(best).splitlines()[0]
    '3 molecules of EGFR in kcal/mol; 28 columns (.column_names)'
    """
    return HitTable(ask.hits(campaign, top, target, where, by, receipts=receipts))


def failures(
    campaign: str | Path | Campaign,
    target: str | None = None,
    top: int | None = None,
    where: str | None = None,
    *,
    receipts: CampaignReceipts | None = None,
) -> HitTable:
    """Return the dockings of a campaign, final ones included, that gave no score, with their reasons.

    Parameters
    ----------
    campaign : path or Campaign
    target : str, optional
        One target; all of them, one after the other, if not given.
    top : int or None
        How many per target; None for all.
    where : str, optional
        An SQL condition on the columns of the answer.
    receipts : CampaignReceipts, optional
        Receipts of the same campaign, if they were read already.

    Returns
    -------
    HitTable
        Columns ``target``, ``stage``, ``id``, ``smiles``, ``failure`` (the code), ``meaning`` (what it stands for),
        ``message`` (what was said of this molecule), ``row``.

    Raises
    ------
    InputError
        If the target or the condition is wrong.

    Examples
    --------
    >>> set(docksieve.failures("campaign")["failure"].to_pylist())
    {'not_in_table'}
    """
    return HitTable(ask.failures(campaign, target, top, where, receipts=receipts))
