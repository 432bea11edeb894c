"""Histogram and best rows kept on a device, in the same numbers as :mod:`docksieve.models.inference.score_tally`."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ...data.score_keys import KEYS, MISSING_KEY
from .score_tally import ScoreTally

_WORST = 0x7FFFFFFF
"""Order of what has no score: after all that have one."""


class DeviceTally:
    """Counts scores on the device.

    Parameters
    ----------
    lower_is_better : sequence of bool
    best_count : int
    device : torch.device
    """

    def __init__(self, lower_is_better: tuple[bool, ...], best_count: int, device: torch.device) -> None:
        targets = len(lower_is_better)
        self._count = best_count
        self._sign = torch.tensor([1.0 if lower else -1.0 for lower in lower_is_better], device=device)
        self._shift = torch.arange(targets, device=device) * KEYS
        self.histogram = torch.zeros(targets * KEYS, dtype=torch.int64, device=device)
        self.order = torch.full((targets, best_count), _WORST, dtype=torch.int64, device=device)
        self.rows = torch.zeros((targets, best_count), dtype=torch.int64, device=device)

    def prepared(self, values: torch.Tensor, rows: torch.Tensor) -> Callable[[], None]:
        """Return what will count a block once it is called, and needs no memory for it.

        A block that ran out of memory can so be tried again: nothing of it has been counted yet.

        Parameters
        ----------
        values : tensor of float32, shape (n, outputs)
            NaN means missing.
        rows : tensor of int64, shape (n,)
        """
        signed = values[:, : len(self._sign)] * self._sign + 0.0  # + 0.0 turns -0.0 into 0.0
        half = signed.to(torch.float16).view(torch.int16).long() & 0xFFFF
        keys = torch.where(half >= 0x8000, 0xFFFF - half, half + 0x8000)
        missing = torch.isnan(signed)
        places = (keys.masked_fill_(missing, MISSING_KEY) + self._shift).flatten()
        ones = torch.ones_like(places)
        best = self._best(signed, missing, rows) if self._count else None

        def count() -> None:
            self.histogram.scatter_add_(0, places, ones)
            if best is not None:
                self.order.copy_(best[0])
                self.rows.copy_(best[1])

        return count

    def _best(
        self, signed: torch.Tensor, missing: torch.Tensor, rows: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        bits = signed.view(torch.int32).long()
        order = torch.where(bits < 0, -(bits & 0x7FFFFFFF), bits).masked_fill_(missing, _WORST).T
        order = torch.cat([self.order, order], dim=1)
        everyone = torch.cat([self.rows, rows.expand(len(order), -1)], dim=1)
        # Ties go to whom came first, which is the smaller row: the place is part of the number that is sorted.
        places = torch.arange(order.shape[1], device=order.device)
        first = torch.topk(order * (1 << 32) + places, self._count, dim=1, largest=False, sorted=True).values
        chosen = first & 0xFFFFFFFF
        return order.gather(1, chosen), everyone.gather(1, chosen)

    def add_to(self, tally: ScoreTally, padding: int) -> None:
        """Add what was counted, but for ``padding`` rows that do not exist, to ``tally``; forget it here."""
        found = self.histogram.view(-1, KEYS).cpu().numpy()
        order, rows = self.order.cpu().numpy(), self.rows.cpu().numpy()
        for target, best in enumerate(tally.best):
            tally.histogram[target] += found[target]
            tally.histogram[target, MISSING_KEY] -= padding
            real = order[target] < _WORST
            best.add(order[target][real], rows[target][real])
        self.histogram.zero_()
        self.order.fill_(_WORST)
